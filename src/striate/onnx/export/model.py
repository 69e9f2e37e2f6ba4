"""Convert a network with its weights to an ONNX model that takes images (N, H, W, C).

Inside the model, feature maps are (N, C, H, W).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from onnx import ModelProto, ValueInfoProto, helper

import striate
from striate._types import Array, Ranges
from striate.errors import UsageError
from striate.network import Input, Network, Node
from striate.onnx.export.batch_norm_folding import fold_batch_norms
from striate.onnx.export.graph_builder import MAX_OPSET, GraphBuilder, GraphTensor, tensor_type
from striate.onnx.export.input_resize import resize_images
from striate.onnx.export.int8 import to_int8
from striate.onnx.export.layers.activations import append_activation
from striate.onnx.export.open_set import Detector, append_detectors
from striate.onnx.export.opset import check_opset, lowest_opset
from striate.onnx.export.rules import export_layer
from striate.onnx.metadata import ExportMetadata

MIN_IR_VERSION = 7  # ONNX 1.8 (2020), the first with opset 13
MAX_WEIGHT_BYTES = 2**31 - 2**20  # the limit of protobuf, minus space for the graph


def to_onnx(
    network: Network,
    weights: Mapping[str, Array],
    *,
    metadata: ExportMetadata | None = None,
    resize: bool = False,
    opset: int | None = None,
    detectors: Sequence[Detector] = (),
    distance_threshold: float | None = None,
    ranges: Ranges | None = None,
    dtypes: Sequence[str] | None = None,
) -> bytes:
    """Return the ONNX model of a network, in float32 unless ranges are given, for batches of any size.

    Inputs and outputs have the names of their layers and the network's shapes and dtypes, (N, H, W, C) for images.
    A batch normalization is folded into the convolution or dense layer before it if the result is the same.

    Args:
        network: The network.
        weights: Its parameters by full name.
        metadata: Classes, image policy and other metadata, written as JSON into `metadata_props`.
        resize: Whether the model takes images of any height and width and resizes them according to `metadata.policy`.
            The pixels equal those of `ImagePolicy.apply`, but may differ by one gray level in some tall images.
        opset: The version of ONNX's operators, 13 to 20; None: the lowest that has all operators of this network.
        detectors: The detector of unknown images, which reads the second output of the network, or those of the members
            of an ensemble, which read the outputs after the first. The model has the outputs "distance" and "unknown"
            in their place.
        distance_threshold: The mean distance beyond which an image is unknown for an ensemble.
        ranges: Ranges of feature maps; the convolutions between them are computed in 8-bit integers, in a form that is
            exact on all processors.
        dtypes: Dtypes of the inputs; None: those of the Input layers.

    Returns:
        The bytes of the file.

    Raises:
        NetworkError: If a custom layer has no export rule.
        UsageError: If the opset is not between 13 and 20, the weights exceed 2 GB, or `resize` is set without a policy,
            with one for digits, or for a network that does not take a single uint8 image.

    Example:
        >>> import striate as st
        >>> model = st.zoo.build("lenet5")
        >>> type(to_onnx(model.network, model.named_weights))
        <class 'bytes'>
    """
    metadata = metadata or ExportMetadata()
    fit = _resize_fit(network, metadata) if resize else None
    model = build_model(
        network, weights, dtypes=dtypes, fit=fit, opset=opset, detectors=detectors, threshold=distance_threshold
    )
    if ranges:
        model = to_int8(model, ranges, signed=False)
    metadata = replace(metadata, detector_layer=detectors[0].layer if len(detectors) == 1 else None)
    helper.set_model_props(model, metadata.to_props(network))
    return bytes(model.SerializeToString())


def _resize_fit(network: Network, metadata: ExportMetadata) -> str:
    """Return the `fit` of the image policy. Raise UsageError if images cannot be resized inside the model."""
    layers = [network.nodes[index].layer for index in network.inputs]
    if [getattr(layer, "dtype", "") for layer in layers] != ["uint8"] or len(network.input_shapes[0]) != 3:
        raise UsageError(
            f"Images cannot be resized inside the ONNX model: '{network.name}' does not take a single uint8 image."
        )
    if metadata.policy is None:
        raise UsageError("To resize images inside the ONNX model, pass the image policy: metadata.policy is None.")
    return metadata.policy.fit


def build_model(
    network: Network,
    weights: Mapping[str, Array],
    *,
    dtypes: Sequence[str] | None = None,
    all_outputs: bool = False,
    fit: str | None = None,
    opset: int | None = None,
    detectors: Sequence[Detector] = (),
    threshold: float | None = None,
) -> ModelProto:
    """Build the model without metadata.

    Args:
        network: The network.
        weights: Its parameters by full name.
        dtypes: Dtypes of the inputs; None: those of the Input layers.
        all_outputs: Whether the outputs are those of all nodes, in order. Then nothing is folded.
        fit: How images are resized in the model, as in ImagePolicy; None: not at all.
        opset: The version of ONNX's operators; None: the lowest that has all operators of this network.
        detectors: As in `to_onnx`.
        threshold: As `distance_threshold` in `to_onnx`.

    Returns:
        The model.

    Raises:
        NetworkError: If a custom layer has no export rule.
        UsageError: If the opset is not between 13 and 20, the weights exceed 2 GB, or images cannot be resized by this
            `fit`.
    """
    check_opset(opset)
    size = 4 * network.parameter_count
    if size > MAX_WEIGHT_BYTES:
        raise UsageError(f"'{network.name}' has {size / 1e9:.1f} GB of weights; an ONNX file can hold at most 2 GB.")
    folded, skipped = dict(weights), frozenset[int]()
    if not all_outputs:
        folded, skipped = fold_batch_norms(network, weights)
    layers = [layer for index in network.inputs if isinstance(layer := network.nodes[index].layer, Input)]
    input_dtypes = dict(zip(layers, dtypes or [layer.dtype for layer in layers], strict=True))
    graph = GraphBuilder(opset=opset or MAX_OPSET)
    tensors = _append_nodes(graph, network, folded, skipped, input_dtypes, fit)
    inputs = [
        _tensor_info(str(layer.name), dtype, _any_size(layer) if fit else layer.shape)
        for layer, dtype in input_dtypes.items()
    ]
    shown: Sequence[int] = network.outputs
    if all_outputs:
        shown = range(len(tensors))
    elif detectors:
        shown = network.outputs[:1]
    outputs = [
        _tensor_info(_append_output(graph, network, i, tensors[i]), "float32", network.nodes[i].shape) for i in shown
    ]
    if detectors:
        features = [graph.in_network_order(tensors[index]).name for index in network.outputs[1:]]
        distance, unknown = append_detectors(graph, features, detectors, threshold)
        outputs += [_tensor_info(distance, "float32", ()), _tensor_info(unknown, "bool", ())]
    opsets = [helper.make_opsetid("", opset or lowest_opset(graph.nodes))]
    return helper.make_model(
        helper.make_graph(graph.nodes, network.name, inputs, outputs, graph.initializers()),
        producer_name="striate", producer_version=striate.__version__, opset_imports=opsets,
        ir_version=max(MIN_IR_VERSION, helper.find_min_ir_version_for(opsets)),
    )  # fmt: skip


def _append_nodes(
    graph: GraphBuilder,
    network: Network,
    weights: Mapping[str, Array],
    skipped: Collection[int],
    input_dtypes: Mapping[Input, str],
    fit: str | None,
) -> list[GraphTensor]:
    """Append every node and return their outputs; the output of a skipped node is its input."""
    by_layer: dict[str, dict[str, Array]] = defaultdict(dict)
    for name, array in weights.items():
        layer, variable = name.rsplit("/", 1)
        by_layer[layer][variable] = array
    tensors: list[GraphTensor] = []
    for index, node in enumerate(network.nodes):
        graph.layer_name = _node_label(network, index)
        inputs = [tensors[source] for source in node.inputs]
        if isinstance(node.layer, Input):
            tensors.append(_append_input(graph, node.layer, input_dtypes[node.layer], fit))
        elif index in skipped:
            tensors.append(inputs[0])
        else:
            tensors.append(_append_layer(graph, node, by_layer[str(node.layer.name)], inputs))
    return tensors


def _node_label(network: Network, index: int) -> str:
    """Return the layer's name, numbered from its second use on."""
    layer = network.nodes[index].layer
    use = sum(node.layer is layer for node in network.nodes[: index + 1])
    return str(layer.name) if use == 1 else f"{layer.name}/{use}"


def _append_input(graph: GraphBuilder, layer: Input, dtype: str, fit: str | None) -> GraphTensor:
    """Return an input as float32 (N, C, H, W)."""
    x, shape = str(layer.name), layer.output_shape()
    if len(shape) == 3 and layer.data_format == "channels_last":
        x = graph.op("Transpose", x, perm=[0, 3, 1, 2])  # before the cast, while a pixel is one byte
    if fit:
        return GraphTensor(resize_images(graph, x, fit, shape[0], shape[1]), shape)
    return GraphTensor(graph.cast(x, "float32") if dtype != "float32" else x, shape)


def _any_size(layer: Input) -> tuple[int | str, ...]:
    """Return the shape of images of any height and width."""
    channels_first = layer.data_format == "channels_first"
    return (layer.shape[0], "H", "W") if channels_first else ("H", "W", layer.shape[2])


def _append_layer(
    graph: GraphBuilder, node: Node, weights: Mapping[str, Array], inputs: Sequence[GraphTensor]
) -> GraphTensor:
    """Append a layer with its activation; its output has the layer's name unless the layer is an identity."""
    found = export_layer(graph, node.layer, weights, *inputs)
    raw = GraphTensor(found, node.shape) if isinstance(found, str) else found
    y = append_activation(graph, raw.name, getattr(node.layer, "activation", "linear"))
    if y not in {x.name for x in inputs}:
        y = graph.rename_output(y, graph.layer_name)
    return GraphTensor(y, node.shape, raw.flattened_from)


def _append_output(graph: GraphBuilder, network: Network, index: int, tensor: GraphTensor) -> str:
    """Convert an output to the network's shape; return its name, which no other output or input has."""
    graph.layer_name = _node_label(network, index)
    if len(tensor.shape) == 3:
        return graph.op("Transpose", tensor.name, perm=[0, 2, 3, 1])
    name = graph.in_network_order(tensor).name
    taken = name in graph.output_names or name in {str(network.nodes[i].layer.name) for i in network.inputs}
    name = graph.op("Identity", name) if taken else name
    graph.output_names.add(name)
    return name


def _tensor_info(name: str, dtype: str, shape: Sequence[int | str]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, tensor_type(dtype), ["N", *shape])
