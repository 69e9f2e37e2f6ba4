"""Load pretrained weights, converted to the names and layouts of a network."""

import os
from collections.abc import Collection
from math import prod
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from striate._types import Array, Weights
from striate.engines.weight_files import check_finite, check_regular_file, find_model_file, load_weights, split_extras
from striate.errors import ModelFileError, UsageError
from striate.network import Dense, Dropout, Flatten, Layer, Network, Node, Parameter, Shape
from striate.pretrained.published import IMAGENET, locate, published
from striate.pretrained.statedict import is_torch_file, read_state_dict
from striate.zoo.registry import PublishedWeights, bases, find, names
from striate.zoo.registry import network as zoo_network

# PyTorch's names of a layer's parameters.
VARIABLES = {
    "kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias",
    "moving_mean": "running_mean", "moving_variance": "running_var",
}  # fmt: skip
COUNTER = ".num_batches_tracked"  # of PyTorch's batch normalization; not needed


def load_pretrained(network: Network, source: str | os.PathLike[str]) -> tuple[Weights, tuple[str, ...]]:
    """Load weights for a network.

    Layers are left out from the first dense layer that does not fit: the file is for other classes, or for images of
    another size. Nothing in a file is executed.

    Args:
        network: A network of the zoo; its name and settings determine the meaning of the names in the file.
        source: "imagenet" for the published weights, which come in a package or are downloaded once; or the path of a
            file: a Striate model or its run folder, or safetensors or a PyTorch state dict with the names of the
            published weights, all of which may have a prefix, such as "module.".

    Returns:
        The weights by full name, float32, in the network's layouts; and notes about layers that were left out.

    Raises:
        UsageError: No weights are published for the network, or its settings are not those of the published one.
        ModelFileError: The file is damaged, of another format or of another network, or contains code.
    """
    path = locate(published(network.name)) if source == IMAGENET else find_model_file(source)
    arrays = _read(path)
    if not arrays:
        raise ModelFileError(f"'{path}' contains no weights: it is empty.")
    if not any("/" in name for name in arrays):
        arrays = _renamed(network, arrays, path)
    return _fitting(network, arrays, path)


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


def _renamed(network: Network, arrays: Weights, path: Path) -> Weights:
    """Convert the names and layouts of the published weights to those of the network."""
    weights = find(network.name).weights if network.name in names() else None
    if weights is None:
        raise ModelFileError(
            f"'{path}' has PyTorch's names, such as '{next(iter(arrays))}'. Striate can convert them for "
            f"{', '.join(bases())}, not for '{network.name}'."
        )
    _require_settings(network, weights)
    names_in_file = {p.name: _name_in_file(p, weights) for p in network.parameters}
    arrays = _without_prefix(arrays, {name.partition(".")[0] for name in names_in_file.values()})
    converted = {}
    for node in network.nodes:
        for parameter in network.parameters_of(node):
            name = names_in_file[parameter.name]
            if name in arrays:
                converted[parameter.name] = _from_torch_layout(arrays.pop(name), _flattened_maps(network, node))
    extra = [name for name in arrays if not name.endswith(COUNTER) and not name.startswith(weights.ignored)]
    if extra:
        raise _another_network(path, f"it contains '{extra[0]}', which '{network.name}' does not have")
    return converted


def _name_in_file(parameter: Parameter, weights: PublishedWeights) -> str:
    layer, _, variable = parameter.name.rpartition("/")
    return f"{weights.layer_name(layer)}.{VARIABLES[variable]}"


def _without_prefix(arrays: Weights, modules: Collection[str]) -> Weights:
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


def _require_settings(network: Network, weights: PublishedWeights) -> None:
    """Raise UsageError if settings other than size, classes and dropout differ from the published network."""
    (shape,), (output,) = network.input_shapes, network.output_shapes
    trained = zoo_network(network.name, input_shape=shape, classes=output[-1], **weights.settings)
    if _without_dropout(network) != _without_dropout(trained):
        settings = " ".join(f"--set {name}={value}" for name, value in weights.settings.items())
        raise UsageError(
            f"This '{network.name}' has other settings than the network of the published weights. "
            f"Build it with {settings or 'the default settings'}."
        )


def _without_dropout(network: Network) -> list[tuple[Layer, Shape]]:
    return [(node.layer, node.shape) for node in network.nodes if not isinstance(node.layer, Dropout)]


def _flattened_maps(network: Network, node: Node) -> Shape | None:
    """Return the shape (H, W, C) of the flattened maps that a dense layer reads; None if it reads other values."""
    before = network.nodes[node.inputs[0]] if node.inputs else node
    return network.shapes_into(before)[0] if isinstance(before.layer, Flatten) else None


def _from_torch_layout(array: Array, maps: Shape | None) -> Array:
    """Convert an array from PyTorch's layout. maps: (H, W, C), which PyTorch flattens as (C, H, W)."""
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)  # (O, C, KH, KW) → (KH, KW, C, O)
    if array.ndim != 2:
        return array
    if maps and prod(maps) == array.shape[1]:
        height, width, channels = maps
        # (O, C·H·W) → (O, C, H, W) → (O, H, W, C) → (O, H·W·C)
        array = array.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(array.shape)
    return array.T  # (O, F) → (F, O)


def _fitting(network: Network, arrays: Weights, path: Path) -> tuple[Weights, tuple[str, ...]]:
    """Return the weights up to the first dense layer that does not fit, and a note if there is one."""
    extra = sorted(set(arrays) - {parameter.name for parameter in network.parameters})
    if extra:
        raise _another_network(path, f"it contains '{extra[0]}', which '{network.name}' does not have")
    taken: Weights = {}
    skipped: dict[str, str] = {}  # the problem by layer
    for node in network.nodes:
        parameters = network.parameters_of(node)
        problem = next(filter(None, (_problem(parameter, arrays) for parameter in parameters)), None)
        if problem and not skipped and not isinstance(node.layer, Dense):
            raise _another_network(path, problem)
        if parameters and (problem or skipped):
            skipped[str(node.layer.name)] = problem or ""
        else:
            taken |= {p.name: np.ascontiguousarray(arrays[p.name], np.float32) for p in parameters}
    if not taken:
        raise _another_network(path, next(iter(skipped.values())))
    check_finite(taken, path)
    return taken, _notes(skipped, path)


def _problem(parameter: Parameter, arrays: Weights) -> str | None:
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


def _another_network(path: Path, problem: str) -> ModelFileError:
    return ModelFileError(f"'{path}' contains the weights of another network: {problem}.")
