"""Load pretrained weights, converted to the names and layouts of a network."""

import os
from collections.abc import Collection, Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from striate._types import Array, Weights
from striate.engines.weight_files import check_finite, check_regular_file, find_model_file, load_weights, split_extras
from striate.errors import ModelFileError, UsageError
from striate.network import Dense, Dropout, Flatten, Layer, Network, Node, Parameter, Shape
from striate.pretrained.hub import architecture_of, fetch_hub_weights, is_hub_name
from striate.pretrained.published import IMAGENET, locate, published
from striate.pretrained.statedict import is_torch_file, read_state_dict
from striate.zoo.registry import WeightNames, get_architecture, list_models
from striate.zoo.registry import network as zoo_network

# PyTorch's names of a layer's parameters.
VARIABLES = {
    "kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias",
    "moving_mean": "running_mean", "moving_variance": "running_var",
    "scale": "",  # of a LayerScale, whose array has the name of the layer
}  # fmt: skip
MAX_NAMED = 20  # number of names that a message lists
COUNTER = ".num_batches_tracked"  # suffix of a counter of PyTorch's batch normalization, which is not needed


def load_pretrained(network: Network, source: str | os.PathLike[str]) -> tuple[Weights, tuple[str, ...]]:
    """Load weights for a network.

    Layers are left out from the first dense layer that does not fit: the file is for other classes, or for images of
    another size. Nothing in a file is executed.

    Args:
        network: A network of the zoo; its name and settings determine the meaning of the names in the file.
        source: "imagenet" for the published weights, which come in a package or are downloaded once; the name of a
            network on the Hugging Face hub, such as "timm/resnet18.a1_in1k"; or the path of a file: a Striate model or
            its run folder, or safetensors or a PyTorch state dict with the names of torchvision or timm, all of which
            may have a prefix, such as "module.".

    Returns:
        The weights by full name, float32, in the network's layouts; and notes about layers that were left out.

    Raises:
        UsageError: If no weights are published for the network, or its settings are not those of the published one.
        ModelFileError: If the file is damaged, of another format or of another network, or contains code.
    """
    if source == IMAGENET:
        path = locate(published(network.name))
    elif is_hub_name(str(source)):
        path = fetch_hub_weights(str(source))
    else:
        path = find_model_file(source)
    arrays = _read(path)
    if not arrays:
        raise ModelFileError(f"'{path}' contains no weights: it is empty.")
    if not any("/" in name for name in arrays):
        arrays = _convert_names(network, arrays, path)
    return _select_fitting(network, arrays, path)


def _read(path: Path) -> Weights:
    """Read all arrays of a file."""
    check_regular_file(path)
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as error:
        raise ModelFileError(f"'{path}' could not be read: {error.strerror or error}.") from error
    if head[8:] == b"{":  # after the length of the header, eight bytes
        return _read_safetensors(path)
    if not is_torch_file(head):
        raise ModelFileError(f"'{path}' contains no weights: expected a safetensors file or a PyTorch state dict.")
    return read_state_dict(path)


def _read_safetensors(path: Path) -> Weights:
    import ml_dtypes  # noqa: F401 - lets NumPy represent bfloat16

    try:
        with safe_open(path, framework="numpy") as file:
            if "striate" not in (file.metadata() or {}):
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
    except (SafetensorError, OSError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"'{path}' is damaged, or has a number format that NumPy lacks: {error}.") from error
    return split_extras(load_weights(path)[0])[0]


def required_settings(id: str, source: str) -> Mapping[str, Any]:
    """Return the settings of an architecture with which weights were trained.

    Args:
        id: The architecture's name in the zoo.
        source: "imagenet", the name of a network on the hub, or the path of a file or run folder.

    Returns:
        Settings by name; for a file according to the names in it, and none for a Striate model.

    Raises:
        UsageError: If no weights are published for the architecture, or there is no such file.
        ModelFileError: If the file is damaged or of another format, or a folder contains no model.
    """
    if source == IMAGENET:
        return published(id).settings
    if is_hub_name(source):
        owner, weights = architecture_of(source)
        if owner != id:
            raise UsageError(f"The weights '{source}' are those of '{owner}', not of '{id}'.")
        return weights.settings
    path = find_model_file(source)
    if not path.is_file():
        raise UsageError(f"There is no weight file '{source}'. Published weights are called '{IMAGENET}'.")
    known = get_architecture(id).weight_names
    if not any(weights.settings for weights in known):
        return {}
    arrays = _read(path)
    if any("/" in name for name in arrays):
        return {}
    return _recognize(zoo_network(id), known, arrays)[0].settings


def _convert_names(network: Network, arrays: Weights, path: Path) -> Weights:
    """Convert the names and layouts of other libraries to those of the network."""
    known = get_architecture(network.name).weight_names if network.name in list_models() else ()
    if not known:
        convertible = ", ".join(id for id in list_models() if get_architecture(id).weight_names)
        raise ModelFileError(
            f"'{path}' has PyTorch's names, such as '{next(iter(arrays))}'. Striate can convert them for "
            f"{convertible}, not for '{network.name}'."
        )
    weights, names_in_file, arrays = _recognize(network, known, arrays)
    known_names = arrays.keys() & names_in_file.values()
    if 2 * len(known_names) < len(names_in_file):
        examples = sorted({min(_names_in_file(network, each).values(), key=len) for each in known})
        raise _mismatch_error(
            path,
            f"only {len(known_names)} of its {len(arrays)} names belong to '{network.name}', which has "
            f"{len(names_in_file)} such as {' or '.join(map(repr, examples))}; it contains '{next(iter(arrays))}'",
        )
    _require_settings(network, weights)
    converted = {}
    for node in network.nodes:
        for parameter in network.parameters_of(node):
            name = names_in_file[parameter.name]
            if name in arrays:
                maps = _flattened_maps(network, node)
                converted[parameter.name] = _from_torch_layout(arrays.pop(name), parameter.shape, maps)
    extra = [name for name in arrays if not name.endswith(COUNTER) and not name.startswith(weights.ignored)]
    missing = [
        names_in_file[parameter.name]
        for node in network.nodes
        if not isinstance(node.layer, Dense)
        for parameter in network.parameters_of(node)
        if parameter.name not in converted
    ]
    _check_names(network, path, extra, missing)
    return converted


def _recognize(
    network: Network, known: Iterable[WeightNames], arrays: Weights
) -> tuple[WeightNames, dict[str, str], Weights]:
    """Find the names that fit most arrays.

    Args:
        network: The network.
        known: The names that may be in the file.
        arrays: Its arrays by name.

    Returns:
        The names, the name in the file of each parameter, and the arrays without a prefix of all names.
    """
    found = []
    for weights in known:
        names_in_file = _names_in_file(network, weights)
        modules = {name.partition(".")[0] for name in names_in_file.values()}
        found.append((weights, names_in_file, _strip_prefix(arrays, modules)))
    return max(found, key=lambda each: len(each[2].keys() & each[1].values()))


def _names_in_file(network: Network, weights: WeightNames) -> dict[str, str]:
    """Return the name in the file of each parameter, by full name."""
    found = {}
    for parameter in network.parameters:
        layer, _, variable = parameter.name.rpartition("/")
        found[parameter.name] = ".".join(filter(None, (weights.layer_name(layer), VARIABLES[variable])))
    return found


def _check_names(network: Network, path: Path, extra: Collection[str], missing: Collection[str]) -> None:
    """Raise ModelFileError that names all arrays that are not the network's, and all that are missing."""
    contained, lacking = _quote_names(extra), _quote_names(missing)
    if extra and missing:
        problem = f"it contains {contained}, which '{network.name}' does not have, and it lacks {lacking}"
    elif extra:
        problem = f"it contains {contained}, which '{network.name}' does not have"
    elif missing:
        problem = f"it lacks {lacking}"
    else:
        return
    raise _mismatch_error(path, problem)


def _quote_names(found: Collection[str]) -> str:
    """Return names in quotes, and the number of those that are too many to list."""
    quoted = ", ".join(f"'{name}'" for name in [*found][:MAX_NAMED])
    return quoted if len(found) <= MAX_NAMED else f"{quoted} and {len(found) - MAX_NAMED} more"


def _strip_prefix(arrays: Weights, modules: Collection[str]) -> Weights:
    """Remove the prefix that wrappers of a network add to all names, such as "module.", "model." or "backbone.".

    Args:
        arrays: Arrays by their names in the file.
        modules: The network's own modules, the first parts of its names, which are never removed.

    Returns:
        The arrays by name without the prefix.
    """
    while arrays:
        prefix, dot, _ = next(iter(arrays)).partition(".")
        if not dot or prefix in modules or not all(name.startswith(prefix + dot) for name in arrays):
            break
        arrays = {name.removeprefix(prefix + dot): array for name, array in arrays.items()}
    return arrays


def _require_settings(network: Network, weights: WeightNames) -> None:
    """Raise UsageError if settings other than size, classes and dropout differ from the network of the weights."""
    (shape,), (output,) = network.input_shapes, network.output_shapes
    trained = zoo_network(network.name, input_shape=shape, classes=output[-1], **weights.settings)
    if _without_dropout(network) != _without_dropout(trained):
        settings = " ".join(f"--set {name}={value}" for name, value in weights.settings.items())
        raise UsageError(
            f"This '{network.name}' has other settings than the network of these weights. "
            f"Build it with {settings or 'the default settings'}."
        )


def _without_dropout(network: Network) -> list[tuple[Layer, Shape]]:
    return [(node.layer, node.shape) for node in network.nodes if not isinstance(node.layer, Dropout)]


def _flattened_maps(network: Network, node: Node) -> Shape | None:
    """Return the shape (H, W, C) of the flattened maps that a dense layer reads; None if it reads other values."""
    before = network.nodes[node.inputs[0]] if node.inputs else node
    return network.shapes_into(before)[0] if isinstance(before.layer, Flatten) else None


def _from_torch_layout(array: Array, shape: Shape, maps: Shape | None) -> Array:
    """Convert an array from PyTorch's layout.

    Args:
        array: The array.
        shape: Shape of the parameter. A 1×1 convolution in one library may be a dense layer in another.
        maps: (H, W, C) of flattened maps that a dense layer reads; PyTorch flattens them as (C, H, W).

    Returns:
        The array in the network's layout, which need not have the shape.
    """
    if len(shape) == 1 and array.size == shape[0]:
        return array.reshape(shape)  # (C, 1, 1) → (C,)
    if array.ndim == 2 and len(shape) == 4:
        array = array[:, :, None, None]  # (O, C) → (O, C, 1, 1)
    if array.ndim == 4 and len(shape) == 2:
        return array.transpose(0, 2, 3, 1).reshape(len(array), -1).T  # (O, C, H, W) → (O, H·W·C) → (H·W·C, O)
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)  # (O, C, KH, KW) → (KH, KW, C, O)
    if array.ndim != 2:
        return array
    if maps and prod(maps) == array.shape[1]:
        height, width, channels = maps
        # (O, C·H·W) → (O, C, H, W) → (O, H, W, C) → (O, H·W·C)
        array = array.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(array.shape)
    return array.T  # (O, F) → (F, O)


def _select_fitting(network: Network, arrays: Weights, path: Path) -> tuple[Weights, tuple[str, ...]]:
    """Return the weights up to the first dense layer that does not fit, and a note if there is one."""
    _check_names(network, path, sorted(set(arrays) - {parameter.name for parameter in network.parameters}), ())
    taken: Weights = {}
    skipped: dict[str, str] = {}  # the problem by layer
    for node in network.nodes:
        parameters = network.parameters_of(node)
        problem = next(filter(None, (_find_problem(parameter, arrays) for parameter in parameters)), None)
        if problem and not skipped and not isinstance(node.layer, Dense):
            raise _mismatch_error(path, problem)
        if parameters and (problem or skipped):
            skipped[str(node.layer.name)] = problem or ""
        else:
            taken |= {p.name: np.ascontiguousarray(arrays[p.name], np.float32) for p in parameters}
    if not taken:
        raise _mismatch_error(path, next(iter(skipped.values())))
    check_finite(taken, path)
    return taken, _notes(skipped, path)


def _find_problem(parameter: Parameter, arrays: Weights) -> str | None:
    if parameter.name not in arrays:
        return f"it lacks '{parameter.name}'"
    shape = arrays[parameter.name].shape
    if shape != parameter.shape:
        return f"its '{parameter.name}' has shape {shape}, expected {parameter.shape}"
    return None


def _notes(skipped: dict[str, str], path: Path) -> tuple[str, ...]:
    if not skipped:
        return ()
    quoted = ", ".join(f"'{name}'" for name in skipped)
    layers = f"The layer {quoted} keeps its" if len(skipped) == 1 else f"The layers {quoted} keep their"
    return (f"{layers} initial weights, because '{path.name}' does not fit there: {next(iter(skipped.values()))}.",)


def _mismatch_error(path: Path, problem: str) -> ModelFileError:
    return ModelFileError(f"'{path}' contains the weights of another network: {problem}.")
