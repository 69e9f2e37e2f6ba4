"""Convolution, and the windows that convolution and pooling share."""

from typing import Any

import numpy as np

from striate._types import Array
from striate.network import Conv2D, Dense, DepthwiseConv2D, Layer, Shape
from striate.network.shapes import Margins
from striate.onnx.graph import OnnxNode
from striate.onnx.importing.layer_names import preferred_name
from striate.onnx.importing.network_builder import LayerOutput, NetworkBuilder, as_float32, in_network_order
from striate.onnx.importing.rules import rule
from striate.onnx.reference.window_axes import AUTO_PAD_MODES, WindowAxes, window_axes


@rule("Conv", accepted_axes=("GP", "PC", "column"))
def _convolution(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    if len(builder.input(node).dims) == 2:
        return _convolution_over_channels(builder, node, builder.input(node))
    value, kernel = builder.feature_maps(node), builder.constant(node, 1)
    groups = node.attributes.get("group", 1)
    if kernel.ndim != 4 or groups < 1 or kernel.shape[1] * groups != value.channels or kernel.shape[0] % groups:
        raise builder.unsupported(
            node, f"its kernel {kernel.shape} in {groups} groups does not match {value.channels} channels."
        )
    declared = node.attributes.get("kernel_shape", kernel.shape[2:])
    if tuple(declared) != kernel.shape[2:]:
        raise builder.unsupported(node, f"its kernel_shape is {declared}, but its kernel is {kernel.shape[2:]}.")
    windows = windows_of(builder, node, value, kernel.shape[2:])
    weights = {"kernel": as_float32(kernel.transpose(2, 3, 1, 0))}  # (O, C, KH, KW) → (KH, KW, C, O)
    if builder.has_input(node, 2):
        weights["bias"] = one_per_channel(builder, node, 2, len(kernel))
    if builder.is_vector(value):
        return _convolution_of_one_pixel(builder, node, value, weights, groups, windows)
    layer = _convolution_layer(weights, value.channels, groups, windows)
    name = preferred_name(node, node.inputs[1])
    return builder.map_output(builder.add_layer(node, layer, value.layer, name=name, **weights), value)


def _convolution_over_channels(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput) -> LayerOutput:
    """Append a convolution along the channels of a vector (N, 1, C), as in ECA, as a dense layer."""
    kernel, count = builder.constant(node, 1), value.dims[1]
    maps = value.maps or value
    if value.dims[0] != 1 or kernel.ndim != 3 or kernel.shape[:2] != (1, 1) or not builder.is_vector(maps):
        raise builder.unsupported(node, f"its input is (N, {value.dims}); only vectors (N, 1, C) can be convolved.")
    defaults = {"strides": (1,), "dilations": (1,), "auto_pad": "NOTSET", "group": 1}
    found = {name: node.attributes.get(name, default) for name, default in defaults.items()}
    pads = tuple(node.attributes.get("pads", (0, 0)))
    if found != defaults or len(pads) != 2 or min(pads) < 0 or sum(pads) != kernel.size - 1:
        raise builder.unsupported(node, f"its pads are {pads}; along channels, their number must stay the same.")
    builder.reserve_order(node, count * count)
    matrix = np.zeros((count, count), np.float32)  # (inputs, outputs)
    for offset, weight in enumerate(kernel.reshape(-1).tolist()):
        matrix += weight * np.eye(count, k=pads[0] - offset, dtype=np.float32)
    weights: dict[str, Any] = {"kernel": in_network_order(maps, matrix)}
    if builder.has_input(node, 2):
        weights["bias"] = np.broadcast_to(one_per_channel(builder, node, 2, 1), (count,)).copy()
    layer = builder.add_layer(node, Dense(count, use_bias="bias" in weights), maps.layer, **weights)
    return LayerOutput(layer, (1, count), "column")


def _convolution_layer(weights: dict[str, Array], channels: int, groups: int, windows: WindowAxes) -> Layer:
    filters, (y, x) = weights["kernel"].shape[3], windows
    settings: dict[str, Any] = {
        "kernel_size": (y.kernel, x.kernel), "strides": (y.stride, x.stride), "padding": layer_padding(windows),
        "dilation_rate": (y.dilation, x.dilation), "use_bias": "bias" in weights,
    }  # fmt: skip
    if groups == channels > 1:
        return DepthwiseConv2D(depth_multiplier=filters // channels, **settings)
    return Conv2D(filters, groups=groups, **settings)


def _convolution_of_one_pixel(
    builder: NetworkBuilder,
    node: OnnxNode,
    value: LayerOutput,
    weights: dict[str, Array],
    groups: int,
    windows: WindowAxes,
) -> LayerOutput:
    """Append a dense layer for the convolution of feature maps of one pixel that are a vector in the network."""
    if not is_one_pixel(windows) or groups > 1:
        raise builder.unsupported(node, "its input is one pixel after global pooling; only a 1×1 kernel can follow.")
    weights["kernel"] = weights["kernel"][0, 0]
    layer = Dense(weights["kernel"].shape[1], use_bias="bias" in weights)
    name = preferred_name(node, node.inputs[1])
    return builder.map_output(builder.add_layer(node, layer, value.layer, name=name, **weights), value)


def one_per_channel(builder: NetworkBuilder, node: OnnxNode, index: int, count: int) -> Array:
    """Return a constant input with one value for each channel.

    Args:
        builder: The network so far.
        node: The node.
        index: Number of the input.
        count: Number of channels.

    Returns:
        float32 (count,).

    Raises:
        NetworkError: If the input has another shape.
    """
    numbers = as_float32(builder.constant(node, index))
    if numbers.shape != (count,):
        raise builder.unsupported(
            node, f"its input '{node.inputs[index]}' has the shape {numbers.shape}; expected ({count},)."
        )
    return numbers


def windows_of(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput, kernel: Shape) -> WindowAxes:
    """Return the windows of a node along both axes.

    Args:
        builder: The network so far.
        node: A convolution or a pooling.
        value: Its input.
        kernel: Height and width of the window.

    Returns:
        The windows along height and width.

    Raises:
        NetworkError: If its attributes are not those that ONNX allows.
    """
    if len(kernel) != 2 or min(kernel) < 1:
        raise builder.unsupported(node, f"its window is {kernel}; only windows of two axes are supported.")
    strides, dilations = (_setting(builder, node, name, 2, least=1) for name in ("strides", "dilations"))
    pads, auto_pad = _setting(builder, node, "pads", 4, least=0), node.attributes.get("auto_pad", "NOTSET")
    if auto_pad not in AUTO_PAD_MODES:
        raise builder.unsupported(node, f"its auto_pad {auto_pad!r} is unknown.")
    return window_axes(value.size, kernel, strides, dilations, pads, auto_pad, node.attributes.get("ceil_mode", 0))


def _setting(builder: NetworkBuilder, node: OnnxNode, name: str, count: int, least: int) -> tuple[int, ...]:
    """Return an attribute of several integers; if it is left out, each is the least allowed."""
    numbers = tuple(node.attributes.get(name) or (least,) * count)
    if len(numbers) != count or min(numbers) < least:
        raise builder.unsupported(node, f"its {name} are {numbers}; expected {count} integers of at least {least}.")
    return numbers


def layer_padding(windows: WindowAxes) -> str | Margins:
    """Return the padding in the form that layers take."""
    rows, columns = (axis.padding for axis in windows)
    return (rows, columns) if any((*rows, *columns)) else "valid"


def is_one_pixel(windows: WindowAxes) -> bool:
    """Return whether there is a single window, of one pixel."""
    return all(axis.kernel == 1 == axis.count and not any(axis.padding) for axis in windows)
