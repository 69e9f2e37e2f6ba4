"""Default names of layers, as in Keras: conv2d, conv2d_1, …; in a block, block.conv2d."""

import re
from collections import defaultdict
from collections.abc import Container, Iterable

from striate.errors import NetworkError
from striate.network.layers.base import Layer, Tensor

Path = tuple[object, ...]
_AUTOMATIC = "_automatic_name"


def named_layers(tensors: Iterable[Tensor]) -> dict[int, Layer]:
    """Return each layer under its name in the network, by the `id` of its identity.

    Args:
        tensors: All tensors of the network in topological order.

    Returns:
        The layers. A layer that has this name is the object itself, others are copies.

    Raises:
        NetworkError: If two layers, blocks or models at the same level have the same name.
    """
    paths: dict[int, Path] = {}
    for tensor in tensors:
        paths.setdefault(id(tensor.layer.identity), (*tensor.scope, tensor.layer))
    names = _names(paths.values())
    return {key: _rename(path, names) for key, path in paths.items()}


def scope_names(tensors: Iterable[Tensor]) -> dict[str, object]:
    """Find the blocks and models inside which layers were called.

    Args:
        tensors: Outputs of the layers.

    Returns:
        The blocks and models by their names in the network.
    """
    tensors = list(tensors)
    names = _names([(*tensor.scope, tensor.layer) for tensor in tensors])
    found: dict[str, object] = {}
    for tensor in tensors:
        for depth, part in enumerate(tensor.scope, start=1):
            found.setdefault(".".join(names[_key(each)] for each in tensor.scope[:depth]), part)
    return found


def name_automatically(part: object, name: str) -> None:
    """Give a name to a layer, block or model that has none. A network may replace it by a free one."""
    object.__setattr__(part, "name", name)
    vars(part)[_AUTOMATIC] = True


def has_default_name(layer: Layer) -> bool:
    """Return whether the name of a layer is one that networks choose, such as conv2d_1 for a Conv2D."""
    return re.fullmatch(rf"{snake_case(layer.kind)}(_\d+)?", str(layer.name)) is not None


def _rename(path: Path, names: dict[int, str]) -> Layer:
    layer = path[-1]
    assert isinstance(layer, Layer)
    return layer.renamed(".".join(names[_key(part)] for part in path))


def _key(part: object) -> int:
    return id(part.identity) if isinstance(part, Layer) else id(part)


def _names(paths: Iterable[Path]) -> dict[int, str]:
    """Return the name of every layer, block and model by its key. Raise NetworkError for duplicates at one level."""
    members: dict[int | None, dict[int, object]] = defaultdict(dict)
    for path in paths:
        for parent, part in zip((None, *path), path, strict=False):
            members[None if parent is None else _key(parent)].setdefault(_key(part), part)
    names: dict[int, str] = {}
    for parts in members.values():
        names |= _names_of(parts)
    return names


def _names_of(parts: dict[int, object]) -> dict[int, str]:
    names: dict[int, str] = {}
    taken: dict[str, object] = {}
    for key, part in parts.items():
        name = getattr(part, "name", None)
        if name is None or _is_automatic(part):
            continue
        if name in taken:
            raise NetworkError(duplicate_message(name, taken[name], part))
        names[key], taken[name] = name, part
    for key, part in parts.items():
        if key not in names:
            name = free_name(getattr(part, "name", None) or snake_case(type(part).__name__), taken)
            names[key], taken[name] = name, part
    return names


def is_unnamed(part: object) -> bool:
    """Return whether a layer or model has no name, or one that a network may replace."""
    return getattr(part, "name", None) is None or _is_automatic(part)


def _is_automatic(part: object) -> bool:
    return bool(getattr(part, _AUTOMATIC, False))


def duplicate_message(name: str, first: object, second: object) -> str:
    """Return the error message for two layers with the same name.

    Args:
        name: The name of both.
        first: The first layer.
        second: The second layer.

    Returns:
        The message.
    """
    kinds = f"{type(first).__name__} and {type(second).__name__}"
    return (
        f"Two layers are named '{name}' ({kinds}). "
        "Give them different names, or use one layer object twice to share its weights."
    )


def free_name(stem: str, taken: Container[str | None]) -> str:
    """Return a name that is not taken.

    Args:
        stem: The name without a number.
        taken: Names of other layers.

    Returns:
        For example dense, dense_1, ….
    """
    name, count = stem, 0
    if stem in taken and (numbered := re.fullmatch(r"(.*)_\d+", stem)):
        stem = numbered[1]
    while name in taken:
        count += 1
        name = f"{stem}_{count}"
    return name


def snake_case(kind: str) -> str:
    """Return the name of a class as Keras writes it in names: Conv2D → conv2d, MaxPool2D → max_pool2d."""
    words = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
