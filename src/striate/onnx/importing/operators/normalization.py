"""Normalization."""

import numpy as np

from striate._types import Array
from striate.network import (
    BatchNormalization,
    GroupNormalization,
    Layer,
    LayerNormalization,
    LocalResponseNormalization,
    UnitNormalization,
)
from striate.onnx.graph import OnnxNode
from striate.onnx.importing.layer_names import preferred_name
from striate.onnx.importing.network_builder import (
    LayerOutput,
    NetworkBuilder,
    as_float32,
    in_network_order,
    per_channel,
)
from striate.onnx.importing.operators.channels import is_channel_axis
from striate.onnx.importing.operators.convolution import one_per_channel
from striate.onnx.importing.rules import rule

MIN_EPSILON = 1e-12  # layers require one above 0
MAX_MOMENTUM = 0.999999  # layers require one below 1


@rule("BatchNormalization")
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
    return value.after(index)


@rule("LRN")
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


@rule("LayerNormalization")
def _layer_normalization(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    """Append normalization over the channels of each pixel, or over all values of an image, which are one group."""
    value = builder.input(node)
    rank = 1 + len(value.dims)
    axes = node.attributes.get("axes") or range(node.attributes.get("axis", -1) % rank, rank)
    axes = sorted(axis % rank for axis in axes)
    epsilon = max(node.attributes.get("epsilon", 1e-5), MIN_EPSILON)
    layer: Layer
    if len(axes) == 1 and is_channel_axis(value, axes[0]):
        layer = LayerNormalization(epsilon=epsilon)
    elif axes == list(range(1, rank)) and value.order is None:
        layer = GroupNormalization(1, epsilon=epsilon)
    else:
        raise builder.unsupported(node, f"it runs over the axes {axes}; only the channels or whole maps are supported.")
    return _append_normalization(builder, node, value, layer)


def _append_normalization(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput, layer: Layer) -> LayerOutput:
    """Append a normalization with gamma and beta for each channel, the second and third input."""
    if any(node.outputs[1:]):
        raise builder.unsupported(node, "its second output, the mean, is used.")
    builder.reserve_order(node, 2 * value.channels)
    weights = {}
    for index, variable, default in ((1, "gamma", 1.0), (2, "beta", 0.0)):
        numbers: float | Array | None = default
        if builder.has_input(node, index):
            numbers = per_channel(value, builder.constant(node, index))
        if numbers is None:
            raise builder.unsupported(node, f"its input '{node.inputs[index]}' is not one number for each channel.")
        weights[variable] = as_float32(np.broadcast_to(numbers, (value.channels,)))
    name = preferred_name(node, node.inputs[1]) if builder.has_input(node, 1) else ""
    return value.after(builder.add_layer(node, layer, value.layer, name=name, **weights))


@rule("GroupNormalization", "InstanceNormalization", accepted_axes=("GP",))
def _group_normalization(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    """Append normalization by groups, with gamma and beta for each channel or for each group."""
    value = builder.input(node)
    maps = value.maps or value
    if maps.axes != "CHW" or (value is maps and builder.is_vector(value)):
        raise builder.unsupported(node, f"expected feature maps (N, C, H, W), received (N, {value.dims}).")
    groups = node.attributes.get("num_groups", value.dims[0])
    if groups < 1 or maps.channels % groups:
        raise builder.unsupported(node, f"its {groups} groups do not divide {maps.channels} channels.")
    builder.reserve_order(node, 2 * maps.channels)
    weights = {}
    for index, variable in ((1, "gamma"), (2, "beta")):
        numbers = as_float32(builder.constant(node, index)).reshape(-1)
        if len(numbers) not in (groups, maps.channels):
            raise builder.unsupported(node, f"its input '{node.inputs[index]}' has {len(numbers)} numbers.")
        weights[variable] = in_network_order(maps, np.repeat(numbers, maps.channels // len(numbers)))
    layer = GroupNormalization(
        -1 if groups == maps.channels else groups, epsilon=max(node.attributes.get("epsilon", 1e-5), MIN_EPSILON)
    )
    name = preferred_name(node, node.inputs[1])
    return value.after(builder.add_layer(node, layer, maps.layer, name=name, **weights))


@rule("LpNormalization")
def _unit_normalization(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value, axis, power = builder.input(node), node.attributes.get("axis", -1), node.attributes.get("p", 2)
    if power != 2 or not is_channel_axis(value, axis):
        raise builder.unsupported(
            node, f"it divides by the {power}-norm over axis {axis}; only the 2-norm over the channels is supported."
        )
    return value.after(builder.add_layer(node, UnitNormalization(), value.layer))
