"""Weights from elsewhere for a network: published ones by name, and files of several kinds."""

import os
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from striate import zoo
from striate._types import Array, Weights
from striate.engines.weights import load_weights, split_extras
from striate.errors import ModelFileError, UsageError
from striate.network import Dense, Dropout, Flatten, Layer, Network, Node, Parameter, Shape
from striate.pretrained.published import PUBLISHED, published
from striate.pretrained.source import Published
from striate.pretrained.statedict import is_torch_file, read_state_dict

IMAGENET = "imagenet"
# PyTorch's names of what a layer owns.
VARIABLES = {
    "kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias",
    "moving_mean": "running_mean", "moving_variance": "running_var",
}  # fmt: skip
COUNTER = ".num_batches_tracked"  # of their batch normalisation; ours needs none


def required_settings(model: str, source: str) -> Mapping[str, Any]:
    """The settings of a model of the zoo without which the weights would be another network's.

    Raises UsageError where nothing is published for the model, or there is no such file; of what is in a file nothing
    is known before it is read.
    """
    if source == IMAGENET:
        return published(model).settings
    if not Path(source).is_file():
        raise UsageError(
            f"There is no file '{source}' to take weights from. Published weights are called '{IMAGENET}'."
        )
    return {}


def load_pretrained(network: Network, source: str | os.PathLike[str]) -> tuple[Weights, tuple[str, ...]]:
    """Weights by the network's own names and layouts, float32, and notes on what the source could not give.

    source: "imagenet" is what is published for the network's name, in a package or downloaded once; else a file: a
    model of Striate, or safetensors or a PyTorch state dict with the names of what is published. From the first dense
    layer that does not fit on, weights are left out: the classes are others, or the pictures have another size.
    Nothing in a file is ever run. Raises UsageError where nothing of that name fits the network, DownloadError, and
    ModelFileError for a file that is damaged, foreign, another network's, or would have to be run.
    """
    path = published(network.name).locate() if source == IMAGENET else Path(source)
    arrays = _read(path)
    if not arrays:
        raise ModelFileError(f"{path} holds no weights: it is empty.")
    if not any("/" in name for name in arrays):
        arrays = _renamed(network, arrays, path)
    return _fitting(network, arrays, path)


def _read(path: Path) -> Weights:
    """All arrays of a file."""
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as error:
        raise ModelFileError(f"{path} could not be read: {error.strerror or error}.") from error
    if head[8:] == b"{":  # before it stands a length, which may begin with any byte
        return _read_safetensors(path)
    if not is_torch_file(head):
        raise ModelFileError(f"{path} holds no weights: expected a safetensors file or a state dict of PyTorch.")
    return read_state_dict(path)


def _read_safetensors(path: Path) -> Weights:
    import ml_dtypes  # noqa: F401 - lets NumPy hold bfloat16

    try:
        with safe_open(path, framework="numpy") as file:
            if "striate" not in (file.metadata() or {}):
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
    except (SafetensorError, OSError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"{path} is damaged, or holds numbers that NumPy lacks: {error}.") from error
    return split_extras(load_weights(path)[0])[0]


def _renamed(network: Network, arrays: Weights, path: Path) -> Weights:
    """From the names and layouts of what is published to ours."""
    if network.name not in PUBLISHED:
        raise ModelFileError(
            f"{path} has names of PyTorch, such as '{next(iter(arrays))}'. Striate knows what they mean for "
            f"{', '.join(PUBLISHED)}, not for '{network.name}'."
        )
    chosen = PUBLISHED[network.name]
    _require_settings(network, chosen)
    ours = {}
    for node in network.nodes:
        for parameter in network.parameters_of(node):
            layer, _, variable = parameter.name.rpartition("/")
            theirs = f"{chosen.rename(layer)}.{VARIABLES[variable]}"
            if theirs in arrays:
                ours[parameter.name] = _laid_out(arrays.pop(theirs), _flattened(network, node))
    extra = [name for name in arrays if not name.endswith(COUNTER) and not name.startswith(chosen.ignored)]
    if extra:
        raise _another_network(path, f"it holds '{extra[0]}', which '{network.name}' lacks")
    return ours


def _require_settings(network: Network, chosen: Published) -> None:
    """Raise UsageError where the network differs from the published one in more than its size, classes and dropout."""
    (shape,), (output,) = network.input_shapes, network.output_shapes
    theirs = zoo.network(network.name, input_shape=shape, classes=output[-1], **chosen.settings)
    if _without_dropout(network) != _without_dropout(theirs):
        settings = " ".join(f"--set {name}={value}" for name, value in chosen.settings.items())
        raise UsageError(
            f"This '{network.name}' is not the network that the published weights are for. "
            f"That one is built by: --model {network.name} {settings}".rstrip()
        )


def _without_dropout(network: Network) -> list[tuple[Layer, Shape]]:
    return [(node.layer, node.shape) for node in network.nodes if not isinstance(node.layer, Dropout)]


def _flattened(network: Network, node: Node) -> Shape | None:
    """The maps (H, W, C) that a dense layer reads as one row, if it does."""
    before = network.nodes[node.inputs[0]] if node.inputs else node
    return network.shapes_into(before)[0] if isinstance(before.layer, Flatten) else None


def _laid_out(array: Array, maps: Shape | None) -> Array:
    """PyTorch's layout to ours. maps: (H, W, C), which PyTorch flattens as (C, H, W)."""
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
    """The weights up to the first dense layer that does not fit, and a note where there is one."""
    extra = sorted(set(arrays) - {parameter.name for parameter in network.parameters})
    if extra:
        raise _another_network(path, f"it holds '{extra[0]}', which '{network.name}' lacks")
    taken: Weights = {}
    left: dict[str, str] = {}
    for node in network.nodes:
        parameters = network.parameters_of(node)
        problem = next(filter(None, (_problem(parameter, arrays) for parameter in parameters)), None)
        if problem and not left and not isinstance(node.layer, Dense):
            raise _another_network(path, problem)
        if parameters and (problem or left):
            left[str(node.layer.name)] = problem or ""
        else:
            taken |= {p.name: np.ascontiguousarray(arrays[p.name], np.float32) for p in parameters}
    if not taken:
        raise _another_network(path, next(iter(left.values())))
    return taken, _notes(left, path)


def _problem(parameter: Parameter, arrays: Weights) -> str | None:
    if parameter.name not in arrays:
        return f"it lacks '{parameter.name}'"
    shape = arrays[parameter.name].shape
    if shape != parameter.shape:
        return f"its '{parameter.name}' has shape {shape}, here it is {parameter.shape}"
    return None


def _notes(left: dict[str, str], path: Path) -> tuple[str, ...]:
    if not left:
        return ()
    names = ", ".join(f"'{name}'" for name in left)
    what = f"The layer {names} begins" if len(left) == 1 else f"The layers {names} begin"
    return (f"{what} anew, because {path.name} does not fit there: {next(iter(left.values()))}.",)


def _another_network(path: Path, problem: str) -> ModelFileError:
    return ModelFileError(f"{path} holds the weights of another network: {problem}.")
