"""Networks as dictionaries and JSON."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, cast

from striate import strict_json
from striate.errors import NetworkError, UsageError
from striate.network import settings as check
from striate.network.graph import Entry, Network
from striate.network.initializers import INITIALIZERS, FromValues
from striate.network.layers.base import Layer
from striate.network.registry import is_registered, layer_class
from striate.network.regularizers import L1, L1L2, L2
from striate.network.settings import check_name

FORMAT = 1
_described: dict[str, type] = {
    "Values": FromValues,
    **{kind.__name__: kind for kind in (*INITIALIZERS.values(), L1, L2, L1L2)},
}
"""Classes of settings by their names in files."""
_names = {kind: name for name, kind in _described.items()}


def to_dict(network: Network) -> dict[str, Any]:
    """Return a network as a dictionary of JSON values.

    Args:
        network: The network.

    Returns:
        The dictionary; further uses of a shared layer refer to it with the key `shared`.

    Raises:
        NetworkError: If a layer class is not registered, or a setting cannot be written to a file.
    """
    nodes, written = [], set()
    for node in network.nodes:
        is_repeated = node.layer.name in written
        written.add(node.layer.name)
        entry = {"shared": node.layer.name} if is_repeated else _encode_layer(node.layer)
        nodes.append({**entry, "inputs": list(node.inputs)})
    ends = {"inputs": list(network.inputs), "outputs": list(network.outputs)}
    return {"format": FORMAT, "name": network.name, **ends, "nodes": nodes}


def to_json(network: Network) -> str:
    """Return `to_dict` as JSON text, one line per node. Raise NetworkError as `to_dict`."""
    description = to_dict(network)
    lines = [_dump(node) for node in description.pop("nodes")]
    return f'{_dump(description)[:-1]}, "nodes": [\n' + ",\n".join(lines) + "\n]}\n"


def _dump(value: Any) -> str:
    return strict_json.dumps(value)


def _encode_layer(layer: Layer) -> dict[str, Any]:
    if not is_registered(layer):
        raise layer.error("its class is not registered, so it cannot be saved. Put @register_layer above the class.")
    settings = {f.name: _encode(layer, getattr(layer, f.name)) for f in fields(layer) if f.name != "name"}
    return {"kind": layer.kind, "name": layer.name, "settings": settings}


def _encode(layer: Layer, value: Any) -> Any:
    if isinstance(value, tuple):
        return [_encode(layer, item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    if is_dataclass(value) and type(value) in _names:
        return {"kind": _names[type(value)], **{f.name: _encode(layer, getattr(value, f.name)) for f in fields(value)}}
    raise layer.error(f"a setting of type {type(value).__name__} cannot be written to a file.")


def layer_config(layer: Layer) -> dict[str, Any]:
    """Convert a layer to its name and settings as JSON values.

    Args:
        layer: The layer.

    Returns:
        The values by name.

    Raises:
        NetworkError: If the layer class is not registered, or a setting cannot be written to a file.
    """
    described = _encode_layer(layer)
    settings: dict[str, Any] = described["settings"]
    return {"name": described["name"], **settings}


def layer_from_config(kind: type[Layer], config: Any) -> Layer:
    """Make a layer from its settings.

    Args:
        kind: Name of the class.
        config: Name and settings.

    Returns:
        The layer.

    Raises:
        NetworkError: If there is no such class or setting.
    """
    place = f"the configuration of {kind.__name__}"
    return cast(Layer, _make(kind, _mapping(config, place), place))


def from_json(text: str) -> Network:
    """Return the network that JSON text describes.

    Args:
        text: JSON from `to_json`.

    Returns:
        The network.

    Raises:
        NetworkError: If the text is not JSON, or does not describe a network.
    """
    try:
        data = strict_json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NetworkError(f"A network description must be JSON: {error}.") from None
    return from_dict(data)


def from_dict(data: Any) -> Network:
    """Return the network that a dictionary describes.

    Args:
        data: A dictionary from `to_dict`.

    Returns:
        The network.

    Raises:
        NetworkError: If the dictionary does not describe a network.
    """
    head = _object(data, "the description", {"format", "name", "inputs", "outputs", "nodes"})
    _check_format(head["format"])
    nodes = _list(head["nodes"], "nodes")
    known: dict[str, Layer] = {}
    entries = [_entry(node, position, known) for position, node in enumerate(nodes)]
    ends = (_indices(head[key], key, len(nodes)) for key in ("inputs", "outputs"))
    check_name(head["name"])
    return Network.from_entries(head["name"], entries, *ends)


def _check_format(version: Any) -> None:
    if isinstance(version, int) and version > FORMAT:
        raise NetworkError(
            f"The network description has format {version}, but this version of Striate reads format {FORMAT}. "
            "Update Striate."
        )
    if version != FORMAT or isinstance(version, bool):
        raise NetworkError(f"Expected a network description of format {FORMAT}, received {version!r}.")


def _entry(data: Any, position: int, known: dict[str, Layer]) -> Entry:
    place = f"node {position}"
    if isinstance(data, dict) and "shared" in data:
        name = _object(data, place, {"shared", "inputs"})["shared"]
        if not isinstance(name, str) or name not in known:
            raise NetworkError(f"In {place} of the network description, no layer before it is named {name!r}.")
        return known[name], _indices(data["inputs"], place, position)
    node = _object(data, place, {"kind", "name", "settings", "inputs"})
    layer = _decode_layer(node, place)
    known.setdefault(str(layer.name), layer)
    return layer, _indices(node["inputs"], place, position)


def _decode_layer(node: Mapping[str, Any], place: str) -> Layer:
    if not isinstance(node["kind"], str):
        raise NetworkError(f"In {place} of the network description, expected a kind, received {node['kind']!r}.")
    settings = {**_mapping(node["settings"], f"the settings of {place}"), "name": node["name"]}
    if settings.get("activation") == "gelu":  # of an earlier version, in which it was the approximation
        settings["activation"] = "gelu_tanh"
    layer: Layer = _make(layer_class(node["kind"]), settings, place)
    return layer


def _make(kind: type, settings: Mapping[str, Any], place: str) -> Any:
    unknown = set(settings) - {field.name for field in fields(kind)}
    if unknown:
        raise NetworkError(f"In {place} of the network description, {kind.__name__} has no setting '{min(unknown)}'.")
    decoded = {key: _decode(value, place) for key, value in settings.items()}
    try:
        return kind(**decoded)
    except (TypeError, ValueError, UsageError) as problem:
        raise NetworkError(
            f"In {place} of the network description, {kind.__name__} is invalid: {str(problem).rstrip('.')}."
        ) from None


def _decode(value: Any, place: str) -> Any:
    if isinstance(value, list):
        return tuple(_decode(item, place) for item in value)
    if not isinstance(value, dict):
        return value
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in _described:
        raise NetworkError(f"In {place} of the network description, there is no initializer or regularizer {kind!r}.")
    return _make(_described[kind], {key: item for key, item in value.items() if key != "kind"}, place)


def _object(data: Any, place: str, keys: set[str]) -> Mapping[str, Any]:
    mapping = _mapping(data, place)
    for problem, names in (("lacks", keys - set(mapping)), ("has the unknown key", set(mapping) - keys)):
        if names:
            raise NetworkError(f"In the network description, {place} {problem} '{min(names)}'.")
    return mapping


def _mapping(data: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise NetworkError(f"In the network description, expected {place} as an object, received {data!r:.40}.")
    return data


def _list(data: Any, place: str) -> list[Any]:
    if not isinstance(data, list):
        raise NetworkError(f"In the network description, expected {place} as a list, received {data!r:.40}.")
    return data


def _indices(data: Any, place: str, limit: int) -> tuple[int, ...]:
    """Check a list of node indices below `limit`, and return it as a tuple."""
    try:
        indices = tuple(check.integer(value) for value in _list(data, f"the indices of {place}"))
    except NetworkError as problem:
        raise NetworkError(f"In the indices of {place}, {problem}") from None
    for index in indices:
        if index >= limit:
            raise NetworkError(f"In the network description, {place} points to node {index}, which is not before it.")
    return indices
