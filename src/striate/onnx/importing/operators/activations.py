"""Activation functions, if necessary composed of an activation and Rescale layers."""

from dataclasses import replace

import numpy as np

from striate._types import Array
from striate.network import Activation, Add, Rescale
from striate.network.activations import LEAK
from striate.onnx.graph import OnnxNode, is_close
from striate.onnx.importing.network_builder import (
    ELEMENTWISE_AXES,
    LayerOutput,
    NetworkBuilder,
    layer_setting,
    per_channel,
    scalar,
)
from striate.onnx.importing.operators.channels import is_channel_axis
from striate.onnx.importing.rules import rule

SAME_NAME = {
    "HardSwish": "hard_swish",
    "Mish": "mish",
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Softplus": "softplus",
    "Tanh": "tanh",
}
FIXED_SETTINGS = {  # activations that Striate supports only with these settings
    "Selu": ("selu", {"alpha": 1.6732632, "gamma": 1.0507010}),
    "Swish": ("silu", {"alpha": 1.0}),
}
MAX_CLIP_LIMIT = 1e4  # layers add and subtract the limit again; with a larger one, rounding loses too many digits


def activate(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput, name: str) -> LayerOutput:
    """Append an activation.

    Args:
        builder: The network so far.
        node: The node.
        value: The input.
        name: The activation.

    Returns:
        The output.
    """
    return value.after(builder.add_layer(node, Activation(name), value.layer))


def rescale(
    builder: NetworkBuilder,
    node: OnnxNode,
    value: LayerOutput,
    scale: float | Array = 1.0,
    offset: float | Array = 0.0,
) -> LayerOutput:
    """Append x · scale + offset.

    Args:
        builder: The network so far.
        node: The node.
        value: The input x.
        scale: One number, or (C,) in the network's order.
        offset: One number, or (C,) in the network's order.

    Returns:
        The output; the input if nothing changes.
    """
    return value.after(builder.add_layer(node, Rescale(layer_setting(scale), layer_setting(offset)), value.layer))


@rule(*SAME_NAME, accepted_axes=(*ELEMENTWISE_AXES, "column"))
def _same_name(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    return activate(builder, node, builder.input(node), SAME_NAME[node.op_type])


@rule(*FIXED_SETTINGS)
def _fixed_settings(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    name, settings = FIXED_SETTINGS[node.op_type]
    for setting, expected in settings.items():
        found = node.attributes.get(setting, expected)
        if not is_close(found, expected):
            raise builder.unsupported(node, f"its {setting} is {found:g}; only {expected:g} is supported.")
    return activate(builder, node, builder.input(node), name)


@rule("Clip", accepted_axes=ELEMENTWISE_AXES)
def _clip(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    return clip(builder, node, builder.input(node), *clip_limits(builder, node))


def clip(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput, low: float, high: float) -> LayerOutput:
    """Append layers that limit values to low … high.

    Args:
        builder: The network so far.
        node: The node.
        value: The input.
        low: The lower limit; −∞ for none.
        high: The upper limit; ∞ for none.

    Returns:
        The output.
    """
    if low > high or np.isnan([low, high]).any():
        raise builder.unsupported(node, f"it clips from {low:g} to {high:g}.")
    if any(MAX_CLIP_LIMIT < abs(limit) < np.inf for limit in (low, high)):
        raise builder.unsupported(
            node, f"it clips from {low:g} to {high:g}; adding such a limit would round away the other values."
        )
    if np.isinf(high):
        if np.isinf(low):
            return value
        above = rescale(builder, node, value, 1.0, -low) if low else value
        kept = activate(builder, node, above, "relu")
        return rescale(builder, node, kept, 1.0, low) if low else kept
    if np.isinf(low):  # high − relu(high − x)
        kept = activate(builder, node, rescale(builder, node, value, -1.0, high), "relu")
        return rescale(builder, node, kept, -1.0, high)
    if low == high:
        return rescale(builder, node, value, 0.0, low)
    if (low, high) == (0.0, 6.0):
        return activate(builder, node, value, "relu6")
    scaled = rescale(builder, node, value, 6 / (high - low), -6 * low / (high - low))
    return rescale(builder, node, activate(builder, node, scaled, "relu6"), (high - low) / 6, low)


def clip_limits(builder: NetworkBuilder, node: OnnxNode) -> tuple[float, float]:
    """Return the limits of a Clip.

    Args:
        builder: The network so far.
        node: The node.

    Returns:
        The lower and the upper limit, ±∞ where there is none.

    Raises:
        NetworkError: If the limits are not constants.
    """
    limits = []
    for index, name, default in ((1, "min", -np.inf), (2, "max", np.inf)):
        given = scalar(builder.constant(node, index)) if builder.has_input(node, index) else None
        limits.append(float(node.attributes.get(name, default) if given is None else given))
    low, high = (np.inf * np.sign(x) if abs(x) > 3e38 else x for x in limits)  # older files write the largest float
    return float(low), float(high)


@rule("LeakyRelu")
def _leaky_relu(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    return _with_slope(builder, node, float(node.attributes.get("alpha", 0.01)))


@rule("PRelu")
def _parametric_relu(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value = builder.input(node)
    builder.reserve_order(node, value.channels)
    slope = per_channel(value, builder.constant(node, 1))
    if slope is None:
        raise builder.unsupported(node, "its slopes are not one number for each channel.")
    return _with_slope(builder, node, slope)


def _with_slope(builder: NetworkBuilder, node: OnnxNode, slope: float | Array) -> LayerOutput:
    """Append slope · x + (1 − slope) · relu(x)."""
    value = builder.input(node)
    if isinstance(slope, float) and is_close(slope, LEAK):
        return activate(builder, node, value, "leaky_relu")
    positive = rescale(builder, node, activate(builder, node, value, "relu"), 1.0 - slope)
    scaled = rescale(builder, node, value, slope)
    return replace(positive, layer=builder.add_layer(node, Add(), scaled.layer, positive.layer))


@rule("HardSigmoid")
def _hard_sigmoid(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value, slope, middle = builder.input(node), *hard_sigmoid_settings(node)
    if is_close(slope, 1 / 6) and is_close(middle, 0.5):
        return activate(builder, node, value, "hard_sigmoid")
    scaled = rescale(builder, node, value, 6 * slope, 6 * middle)
    return rescale(builder, node, activate(builder, node, scaled, "relu6"), 1 / 6)


def hard_sigmoid_settings(node: OnnxNode) -> tuple[float, float]:
    """Return the slope and the value at 0 of a HardSigmoid."""
    return node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)


@rule("Gelu")
def _gelu(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    name = "gelu_tanh" if node.attributes.get("approximate", "none") == "tanh" else "gelu_exact"
    return activate(builder, node, builder.input(node), name)


@rule("Elu")
def _elu(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    """Append elu, or α · elu(x) + (1 − α) · relu(x)."""
    value, alpha = builder.input(node), float(node.attributes.get("alpha", 1.0))
    result = activate(builder, node, value, "elu")
    if is_close(alpha, 1.0):
        return result
    negative = rescale(builder, node, result, alpha)
    positive = rescale(builder, node, activate(builder, node, value, "relu"), 1 - alpha)
    return replace(negative, layer=builder.add_layer(node, Add(), negative.layer, positive.layer))


@rule("Celu")
def _celu(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    """Append α · elu(x / α), which is max(0, x) + min(0, α · (e^(x / α) − 1))."""
    value, alpha = builder.input(node), float(node.attributes.get("alpha", 1.0))
    if not alpha > 0:
        raise builder.unsupported(node, f"its alpha is {alpha:g}.")
    if is_close(alpha, 1.0):
        return activate(builder, node, value, "elu")
    return rescale(builder, node, activate(builder, node, rescale(builder, node, value, 1 / alpha), "elu"), alpha)


@rule("Log")
def _log_sigmoid(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    """Append −softplus(−x) for log(sigmoid(x)); other logarithms have no layer."""
    gate = builder.producers.get(node.inputs[0])
    if gate is None or gate.op_type != "Sigmoid":
        raise builder.unsupported(node, "there is no layer for logarithms, except of a sigmoid.")
    negative = rescale(builder, node, builder.input(gate), -1.0)
    return rescale(builder, node, activate(builder, node, negative, "softplus"), -1.0)


@rule("LogSoftmax", "Softmax")
def _over_channels(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value = builder.input(node)
    old = builder.graph.opset < 13  # before opset 13, it runs over all axes from `axis` on together
    axis = node.attributes.get("axis", 1 if old else -1)
    one_pixel = value.axes == "F" or (old and np.prod(value.size) == 1 and axis == 1)
    if not is_channel_axis(value, axis) or (old and not one_pixel):
        raise builder.unsupported(node, f"it runs over axis {axis}; only the channels are supported.")
    return activate(builder, node, value, "softmax" if node.op_type == "Softmax" else "log_softmax")


@rule("Neg")
def _negative(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    return rescale(builder, node, builder.input(node), -1.0)
