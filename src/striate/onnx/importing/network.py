"""Convert ONNX graphs to networks: operators become layers, constants weights, and maps channels last."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path

import numpy as np

from striate._types import Array, Weights
from striate.errors import NetworkError
from striate.network import Input, Layer, Network
from striate.onnx.graph import OnnxGraph, OnnxNode, TensorSpec, shorten
from striate.onnx.importing.canonical import canonicalize
from striate.onnx.importing.constant_folding import FoldingError, FoldingLimits
from striate.onnx.importing.inputs import image_of_vector, input_axes, with_image_size
from striate.onnx.importing.layer_fusion import fuse_layers
from striate.onnx.importing.layer_names import clean_name, unique_names
from striate.onnx.importing.network_builder import (
    CHANNEL_AXES,
    INTERMEDIATE_AXES,
    OPEN_BATCH,
    ImportedLayer,
    LayerOutput,
    NetworkBuilder,
)
from striate.onnx.importing.operators import RULES
from striate.onnx.importing.read import read_onnx
from striate.onnx.importing.rules import NodeOutputs
from striate.onnx.metadata import DETECTOR, DISTANCE, RESIZED, UNKNOWN, UNSIZED, VERSION, ExportMetadata

DETECTOR_ARRAYS = ("neighbors", "directions", "class_means", "scale", "threshold")
INPUT_DTYPES = {"uint8": "uint8", "uint16": "uint16", "float16": "float32", "float32": "float32", "float64": "float64"}


@dataclass(frozen=True, eq=False)
class ImportedNetwork:
    """A network from an ONNX file.

    Attributes:
        network: The network. It takes the arrays that the file takes, (N, C, H, W) or (N, H, W, C), and returns
            the same outputs, except that feature maps are (N, H, W, C).
        weights: Its weights in Striate's layouts, float32, by full name.
        metadata: Metadata of a file exported by Striate; empty for other files.
        notes: Notes for the user, for example on outputs that were left out.
        detector: The arrays of the detector of unknown images in a file exported by Striate, by the names of the
            attributes of `OpenSetDetector`; empty without a detector.
    """

    network: Network
    weights: Weights
    metadata: ExportMetadata
    notes: tuple[str, ...] = ()
    detector: Weights = field(default_factory=dict)


def import_onnx(path: str | os.PathLike[str], *, size: tuple[int, int] | None = None) -> ImportedNetwork:
    """Import the network in an ONNX file of any program.

    Args:
        path: The file.
        size: Height and width of the images, for a file that takes images of any size. Striate's own exports contain
            them.

    Returns:
        The network, its weights and its metadata.

    Raises:
        ModelFileError: If the file cannot be read.
        NetworkError: If no layer corresponds to one of its operators; the message names it.
    """
    return import_graph(read_onnx(path), path, size=size)


def import_convertible_part(path: str | os.PathLike[str]) -> ImportedNetwork:
    """Import the network in an ONNX file up to the first operator that no layer corresponds to.

    Args:
        path: The file.

    Returns:
        The network, whose output is that of the last layer before this operator; the last note names both.

    Raises:
        ModelFileError: If the file cannot be read.
        NetworkError: If there is no layer before this operator, or the input is not of images.
    """
    graph = read_onnx(path)
    network, weights, notes = _convert(
        canonicalize(graph), where=str(path), name=_network_name(graph, path), whole=False
    )
    return ImportedNetwork(network, weights, ExportMetadata(), notes)


def import_graph(
    graph: OnnxGraph, path: str | os.PathLike[str], *, size: tuple[int, int] | None = None
) -> ImportedNetwork:
    """Import a graph that was read from a file; like `import_onnx` otherwise.

    Args:
        graph: The graph.
        path: The file it is from, for names and errors.
        size: Height and width of the images, for a graph that takes images of any size.

    Returns:
        The network, its weights and its metadata.

    Raises:
        ModelFileError: If the metadata are damaged, or do not match the network.
        NetworkError: If no layer corresponds to one of its operators.
    """
    metadata = ExportMetadata.from_props(graph.metadata, str(path))
    if size is None and metadata.policy:
        size = metadata.policy.height, metadata.policy.width
    graph = with_image_size(graph, size) if size else graph
    graph = _without_resizing(graph)
    detects_unknown = VERSION in graph.metadata and {DISTANCE, UNKNOWN} <= set(graph.outputs)
    graph, detector = _take_detector(graph) if detects_unknown else (graph, {})
    network, weights, notes = _convert(canonicalize(graph), where=str(path), name=_network_name(graph, path))
    metadata.check(network, str(path))
    if metadata.detector_layer not in {node.layer.name for node in network.nodes}:
        detector = {}
    return ImportedNetwork(network, weights, metadata, notes, detector)


def _take_detector(graph: OnnxGraph) -> tuple[OnnxGraph, Weights]:
    """Return the graph without the detector of unknown images, and the detector's arrays; none if they are damaged."""
    outputs = tuple(name for name in graph.outputs if name not in (DISTANCE, UNKNOWN))
    return replace(graph, outputs=outputs).without_unused_nodes(), _detector_arrays(graph.constants)


def _without_resizing(graph: OnnxGraph) -> OnnxGraph:
    """Return the graph without the resizing of images inside Striate's exports: the network's images have its size."""
    computed = [name for node in graph.nodes for name in node.outputs]
    if RESIZED not in computed or UNSIZED not in computed[: computed.index(RESIZED)]:
        return graph
    nodes = [
        replace(node, op_type="Identity", inputs=(UNSIZED,), attributes={}) if RESIZED in node.outputs else node
        for node in graph.nodes
    ]
    return replace(graph, nodes=tuple(nodes)).without_unused_nodes()


def _detector_arrays(constants: Mapping[str, Array]) -> Weights:
    neighbors = constants.get(f"{DETECTOR}/neighbors")
    if neighbors is None or neighbors.ndim != 2:
        return {}
    # The file has no discriminants if there is a single class.
    arrays: Weights = {
        "directions": np.zeros((neighbors.shape[1], 0), np.float32),
        "class_means": np.zeros((1, 0), np.float32),
    }
    arrays |= {name: constants[key] for name in DETECTOR_ARRAYS if (key := f"{DETECTOR}/{name}") in constants}
    for name in ("scale", "threshold"):
        if name not in arrays or arrays[name].size != 1:
            return {}
        arrays[name] = arrays[name].reshape(())
    return arrays


def _network_name(graph: OnnxGraph, path: str | os.PathLike[str]) -> str:
    """Return the graph's name for Striate's exports, otherwise the file's."""
    name = graph.name if graph.producer.startswith("striate ") else ""
    return clean_name([name or Path(path).stem]) or "model"


def _convert(
    graph: OnnxGraph, *, where: str, name: str, whole: bool = True
) -> tuple[Network, Weights, tuple[str, ...]]:
    """Convert a graph; if not `whole`, up to the first operator that no layer corresponds to."""
    builder = NetworkBuilder(graph, where, _batch_size(graph))
    builder.values.update(graph.constants)
    for input_name, spec in graph.inputs.items():
        builder.values[input_name] = _add_input(builder, input_name, spec)
    limits = FoldingLimits.of(graph.constants)
    for node in graph.nodes:
        try:
            with np.errstate(all="ignore"):  # weights may be NaN and stay so
                result = _convert_node(builder, node, limits)
        except NetworkError as problem:
            if whole:
                raise
            return _build_beginning(builder, name, problem)
        builder.producers[node.outputs[0]] = node
        results = result if isinstance(result, tuple) else (result,)
        builder.values.update(zip(node.outputs, results, strict=False))
    network, weights = _build_network(builder, name, _output_layers(builder))
    return network, weights, tuple(builder.notes)


def _build_beginning(
    builder: NetworkBuilder, name: str, problem: NetworkError
) -> tuple[Network, Weights, tuple[str, ...]]:
    """Return the network up to the last value that is the output of a layer; raise the problem if there is none."""
    for value in reversed(builder.values.values()):
        if isinstance(value, LayerOutput) and value.axes in CHANNEL_AXES and value.layer and value.order is None:
            network, weights = _build_network(builder, name, [value.layer])
            last = network.nodes[network.outputs[0]].layer.name
            return network, weights, (*builder.notes, f"{problem} The network is shown up to '{last}'.")
    raise problem


def _batch_size(graph: OnnxGraph) -> int:
    """Return the batch size, or OPEN_BATCH if it is not fixed."""
    shapes = [spec.shape for spec in graph.inputs.values()]
    return next((shape[0] for shape in shapes if shape and shape[0]), None) or OPEN_BATCH


def _add_input(builder: NetworkBuilder, name: str, spec: TensorSpec) -> LayerOutput:
    """Append an Input layer for an input of the graph."""
    shape, what = spec.shape, f"{builder.where}: its input '{shorten(name)}'"
    if shape is None or len(shape) not in (2, 3, 4):
        raise NetworkError(
            f"{what} has the shape {shorten(shape)}; expected images (N, C, H, W) or (N, H, W), or vectors (N, F)."
        )
    if spec.dtype not in INPUT_DTYPES:
        raise NetworkError(f"{what} has the dtype {spec.dtype}; supported are {', '.join(INPUT_DTYPES)}.")
    axes, dims = input_axes(builder.graph, name, shape), tuple(n for n in shape[1:] if n)
    if len(dims) < len(shape) - 1:
        sizes = "×".join("?" if n is None else str(n) for n in shape)
        raise NetworkError(
            f"{what} takes images of any size, {sizes}. Specify the size, for example size=(224, 224) or --size 224."
        )
    dtype = INPUT_DTYPES[spec.dtype]
    numbers = "integer" if dtype.startswith("uint") else "real"
    value = LayerOutput(len(builder.layers), dims, axes, numbers=numbers)
    maps = image_of_vector(builder.graph, name, value) if axes == "F" else None
    shown = (*dims, 1) if axes == "HW" else maps.dims if maps else dims
    if shown != dims:
        given, taken = (", ".join(map(str, sizes)) for sizes in (dims, shown))
        builder.notes.append(
            f"The input '{shorten(name)}' of the file is (N, {given}); the network takes the same values as images "
            f"(N, {taken})."
        )
    layer = Input(shown, dtype, "channels_first" if (maps or value).axes == "CHW" else "channels_last")
    builder.layers.append(ImportedLayer(layer, (), layer.output_shape(), clean_name(name.split("/"))))
    return replace(value, axes="flat", maps=maps) if maps else value


def _convert_node(builder: NetworkBuilder, node: OnnxNode, limits: FoldingLimits) -> NodeOutputs:
    """Convert a node; return its first output, or all outputs."""
    for name in node.inputs:
        if name and name not in builder.values:
            raise builder.unsupported(node, f"it reads '{shorten(name)}', a second output, but layers have one output.")
    inputs = [builder.values[name] if name else None for name in node.inputs]
    rule = RULES.get(node.op_type)
    for value in inputs:
        if isinstance(value, LayerOutput) and value.numbers == "quantized" and node.op_type != "DequantizeLinear":
            raise builder.unsupported(
                node, "it computes with 8-bit integers; import the file that was quantized instead."
            )
        if not isinstance(value, LayerOutput) or value.axes not in INTERMEDIATE_AXES:
            continue
        if rule is None or value.axes not in rule.accepted_axes:
            raise builder.unsupported(node, f"its input is (N, {value.dims}), and no layer takes such axes.")
    constants = [value for value in inputs if not isinstance(value, LayerOutput)]
    if len(constants) == len(inputs):
        return _fold(builder, node, constants, limits)
    if rule is None:
        raise builder.unsupported(node, f"Striate has no layer for {node.op_type}.")
    return rule.function(builder, node)


def _fold(builder: NetworkBuilder, node: OnnxNode, inputs: Sequence[Array | None], limits: FoldingLimits) -> Array:
    try:
        result = limits.fold(node, inputs, builder.graph.opset)
    except FoldingError as error:
        raise builder.unsupported(node, f"its constants cannot be computed: {error}.") from None
    if result is None:
        raise builder.unsupported(node, f"it computes a constant by {node.op_type}, which is not supported.")
    return result


def _build_network(builder: NetworkBuilder, name: str, last: list[int]) -> tuple[Network, Weights]:
    """Build the network whose outputs are those of the layers `last`."""
    layers, outputs = fuse_layers(builder.layers, last)
    names = unique_names([(layer.name, layer.layer) for layer in layers])
    entries: list[tuple[Layer, tuple[int, ...]]] = [
        (replace(layer.layer, name=own), layer.inputs) for layer, own in zip(layers, names, strict=True)
    ]
    inputs = tuple(i for i, layer in enumerate(layers) if isinstance(layer.layer, Input))
    try:
        network = Network.from_entries(name, entries, inputs, tuple(outputs))
    except NetworkError as problem:
        raise NetworkError(f"{builder.where} cannot become a network: {problem}") from None
    weights = {
        f"{own}/{variable}": array
        for layer, own in zip(layers, names, strict=True)
        for variable, array in layer.weights.items()
    }
    return network, weights


def _output_layers(builder: NetworkBuilder) -> list[int]:
    """Return the layers that the outputs come from, without class numbers unless there are no other outputs."""
    kept: list[str] = []
    for output in builder.graph.outputs:
        value = builder.values.get(output)
        if isinstance(value, LayerOutput) and value.axes == "class":
            builder.notes.append(
                f"The output '{shorten(output)}' of the file is the number of the class with the largest value "
                "(ArgMax). It is left out; the network returns the values themselves."
            )
        else:
            kept.append(output)
    return [_output_layer(builder, output) for output in kept or builder.graph.outputs[:1]]


def _output_layer(builder: NetworkBuilder, output: str) -> int:
    """Return the index of the layer that an output of the graph comes from."""
    value, what = builder.values.get(output), f"{builder.where}: its output '{shorten(output)}'"
    if not isinstance(value, LayerOutput) or value.axes in set(INTERMEDIATE_AXES) - {"scalar", "class"}:
        raise NetworkError(f"{what} is not the output of a layer.")
    if value.numbers == "quantized":
        raise NetworkError(f"{what} is of 8-bit integers, and layers compute with floats.")
    if value.order is not None and prod(value.dims) > 1:
        raise NetworkError(
            f"{what} is flattened in the order (C, H, W), and Striate flattens in the order (H, W, C). "
            "Use the maps before they are flattened as the output."
        )
    return value.layer
