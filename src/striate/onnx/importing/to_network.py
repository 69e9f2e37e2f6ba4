"""ONNX graphs as networks: maps (N, C, H, W) become channels last, operators layers, constants weights."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import numpy as np

from striate._types import Array, Weights
from striate.errors import NetworkError
from striate.network import Input, Layer, Network
from striate.onnx.importing.building import BATCH, Building, Result, Step, Value
from striate.onnx.importing.doors import axes_of, with_size
from striate.onnx.importing.folding import FoldingError, fold
from striate.onnx.importing.fusing import fuse
from striate.onnx.importing.graph import Declared, Graph, Operation, shown
from striate.onnx.importing.names import tidy, unique
from striate.onnx.importing.read import read_onnx
from striate.onnx.importing.rules import RULES
from striate.onnx.metadata import ExportMetadata

DTYPES = {"uint8": "uint8", "uint16": "uint16", "float16": "float32", "float32": "float32", "float64": "float64"}
LARGEST_CONSTANTS = 1 << 28  # numbers in all that the file computes of its constants
READERS = {  # of tensors whose axes are to be put right again
    "column": ("Sub", "ReduceSumSquare"),
    "GCHW": ("Transpose", "Reshape"),
    "CGHW": ("Transpose", "Reshape"),
    "HW": ("Unsqueeze",),
}


@dataclass(frozen=True, eq=False)
class Opened:
    """A file that became a network. weights: float32 by full name; told: what else our own files say."""

    network: Network
    weights: Weights
    metadata: ExportMetadata


def import_onnx(path: str | os.PathLike[str], *, size: tuple[int, int] | None = None) -> tuple[Network, Weights]:
    """The network in an ONNX file and its weights (float32, by full name), in Striate's layouts.

    The network takes the arrays that the file takes, (N, C, H, W) or (N, H, W, C), and gives rows as the file does;
    an output of maps is (N, H, W, C). size: height and width, where the file takes pictures of any; our own exports
    say it themselves.
    Raises ModelFileError for a file that cannot be read, NetworkError for an operator that no layer stands for.
    """
    opened = open_onnx(path, size=size)
    return opened.network, opened.weights


def open_onnx(path: str | os.PathLike[str], *, size: tuple[int, int] | None = None) -> Opened:
    """As `import_onnx`, with what our own exports say of classes and pictures."""
    return open_graph(read_onnx(path), path, size=size)


def open_graph(graph: Graph, path: str | os.PathLike[str], *, size: tuple[int, int] | None = None) -> Opened:
    """As `open_onnx`, for a file that was read. path: for names and errors."""
    known = ExportMetadata.from_props(graph.metadata, str(path))
    if size is None and known.policy:
        size = known.policy.height, known.policy.width
    graph = with_size(graph, size) if size else graph
    network, weights = to_network(graph, where=str(path), name=network_name(graph, path))
    known.check(network, str(path))
    return Opened(network, weights, known)


def network_name(graph: Graph, path: str | os.PathLike[str]) -> str:
    """That of our own exports; of others the file's."""
    own = graph.name if graph.producer.startswith("striate ") else ""
    return tidy([own or Path(path).stem]) or "model"


def to_network(graph: Graph, *, where: str = "The model", name: str = "model") -> tuple[Network, Weights]:
    """The network of a graph and its weights; where: what errors call it. As `import_onnx` otherwise."""
    build = Building(graph, where)
    build.values.update(graph.constants)
    build.batch = _batch(graph)
    for door, declared in graph.inputs.items():
        build.values[door] = _door(build, door, declared)
    folded = 0
    for operation in graph.operations:
        with np.errstate(all="ignore"):  # weights that are no numbers stay so
            result = _result(build, operation)
        folded += result.size if isinstance(result, np.ndarray) else 0
        if folded > LARGEST_CONSTANTS:
            raise build.refusal(operation, "the constants that the file computes are larger than is read.")
        build.makers[operation.outputs[0]] = operation
        results = result if isinstance(result, tuple) else (result,)
        build.values.update(zip(operation.outputs, results, strict=False))
    return _network(build, name)


def _batch(graph: Graph) -> int:
    """The number of images, or what stands for one that is not fixed."""
    shapes = [door.shape for door in graph.inputs.values()]
    return next((shape[0] for shape in shapes if shape and shape[0]), None) or BATCH


def _result(build: Building, operation: Operation) -> Result:
    """What an operator's outputs are, or its first."""
    for name in operation.inputs:
        if name and name not in build.values:
            raise build.refusal(operation, f"it reads '{shown(name)}', a second output, and layers have one.")
    inputs = [build.values[name] if name else None for name in operation.inputs]
    for value in inputs:
        if isinstance(value, Value) and operation.kind not in READERS.get(value.axes, (operation.kind,)):
            raise build.refusal(operation, f"its input is (N, {value.dims}), and no layer takes such axes.")
    arrays = [x for x in inputs if not isinstance(x, Value)]
    if len(arrays) == len(inputs):
        return _folded(build, operation, arrays)
    if operation.kind not in RULES:
        raise build.refusal(operation, f"Striate has no layer for {operation.kind}.")
    return RULES[operation.kind](build, operation)


def _folded(build: Building, operation: Operation, arrays: Sequence[Array | None]) -> Array:
    try:
        found = fold(operation.kind, arrays, operation.attributes)
    except FoldingError as error:
        raise build.refusal(operation, f"its constants cannot be computed ({error}).") from None
    if found is None:
        raise build.refusal(operation, f"it computes a constant by {operation.kind}, which is not done here.")
    return found


def _door(build: Building, name: str, declared: Declared) -> Value:
    """An input of the graph as an Input layer."""
    shape, what = declared.shape, f"{build.where}: its input '{shown(name)}'"
    if shape is None or len(shape) not in (2, 4):
        raise NetworkError(f"{what} is {shown(shape)}; expected one or more pictures (N, C, H, W), or rows (N, F).")
    if declared.dtype not in DTYPES:
        raise NetworkError(f"{what} is of {declared.dtype}; networks take {', '.join(DTYPES)}.")
    axes, dims = axes_of(build.graph, name, shape), tuple(n for n in shape[1:] if n)
    if len(dims) < len(shape) - 1:
        sizes = "×".join("?" if n is None else str(n) for n in shape)
        raise NetworkError(f"{what} takes pictures of any size, {sizes}. Say which: size=(224, 224), or --size 224.")
    dtype = DTYPES[declared.dtype]
    layer = Input(dims, dtype, "channels_first" if axes == "CHW" else "channels_last")
    build.steps.append(Step(layer, (), layer.output_shape(), tidy(name.split("/"))))
    return Value(len(build.steps) - 1, dims, axes, numbers="integer" if dtype.startswith("uint") else "real")


def _network(build: Building, name: str) -> tuple[Network, Weights]:
    ends = [_end(build, output) for output in build.graph.outputs]
    steps, places = fuse(build.steps, ends)
    names = unique([(step.wanted, step.layer) for step in steps])
    entries: list[tuple[Layer, tuple[int, ...]]] = [
        (replace(step.layer, name=own), step.sources) for step, own in zip(steps, names, strict=True)
    ]
    doors = tuple(i for i, step in enumerate(steps) if isinstance(step.layer, Input))
    try:
        network = Network.from_entries(name, entries, doors, tuple(places))
    except NetworkError as problem:
        raise NetworkError(f"{build.where} cannot become a network: {problem}") from None
    weights = {
        f"{own}/{variable}": array
        for step, own in zip(steps, names, strict=True)
        for variable, array in step.weights.items()
    }
    return network, weights


def _end(build: Building, output: str) -> int:
    """The step that an output of the graph is."""
    value = build.values.get(output)
    if not isinstance(value, Value) or value.axes in READERS:
        raise NetworkError(f"{build.where}: its output '{shown(output)}' is nothing that a layer gives.")
    if value.order is not None and prod(value.dims) > 1:
        raise NetworkError(
            f"{build.where}: its output '{shown(output)}' is maps in a row, channel after channel, and Striate's are "
            "in another order. Cut it off before they are flattened."
        )
    return value.step
