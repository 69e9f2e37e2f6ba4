"""Normalization."""

from dataclasses import replace

from striate.network import BatchNormalization, LocalResponseNormalization
from striate.onnx.graph import OnnxNode
from striate.onnx.importing.converter import converter
from striate.onnx.importing.converters.convolution import one_per_channel
from striate.onnx.importing.layer_names import preferred_name
from striate.onnx.importing.network_builder import LayerOutput, NetworkBuilder, in_network_order

MIN_EPSILON = 1e-12  # layers require one above 0
MAX_MOMENTUM = 0.999999  # layers require one below 1


@converter("BatchNormalization")
def _batch_normalization(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value = builder.input(node)
    if value.axes == "HWC":
        raise builder.unsupported(node, "its channels are not the second axis.")
    if node.attributes.get("training_mode", 0) or len([name for name in node.outputs if name]) > 1:
        raise builder.unsupported(node, "it normalizes by each batch, as in training; export the model for inference.")
    arrays = [one_per_channel(builder, node, index, value.channels) for index in range(1, 5)]
    variables = dict(zip(("gamma", "beta", "moving_mean", "moving_variance"), arrays, strict=True))
    layer = BatchNormalization(
        momentum=min(max(node.attributes.get("momentum", 0.9), 0.0), MAX_MOMENTUM),
        epsilon=max(node.attributes.get("epsilon", 1e-5), MIN_EPSILON),
    )
    weights = {variable: in_network_order(value, array) for variable, array in variables.items()}
    index = builder.add_layer(node, layer, value.layer, name=preferred_name(node, node.inputs[1]), **weights)
    return replace(value, layer=index, maps=None, numbers="real")


@converter("LRN")
def _local_response_normalization(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value, attributes = builder.feature_maps(node), node.attributes
    size = attributes["size"]
    if size % 2 == 0 or size < 1:
        raise builder.unsupported(node, f"it sums over {size} channels; only odd numbers of channels are supported.")
    layer = LocalResponseNormalization(
        radius=size // 2, alpha=attributes.get("alpha", 1e-4) / size, beta=attributes.get("beta", 0.75),
        k=attributes.get("bias", 1.0),
    )  # fmt: skip
    return builder.map_output(builder.add_layer(node, layer, value.layer), value)
