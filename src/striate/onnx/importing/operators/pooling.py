"""Pooling, means and maxima over whole maps, and zero padding."""

from dataclasses import replace
from math import prod

import numpy as np

from striate.network import (
    AveragePool2D,
    Conv2D,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    Layer,
    Maximum,
    MaxPool2D,
    Rescale,
    ZeroPadding2D,
)
from striate.onnx.graph import OnnxNode
from striate.onnx.importing.network_builder import VIRTUAL_AXES, LayerOutput, NetworkBuilder, scalar
from striate.onnx.importing.operators.channels import is_channel_axis, select
from striate.onnx.importing.operators.convolution import is_one_pixel, layer_padding, windows_of
from striate.onnx.importing.rules import rule
from striate.onnx.reference.window_axes import WindowAxes

POOLS = {"AveragePool": AveragePool2D, "MaxPool": MaxPool2D}
GLOBAL_POOLS: dict[str, type[Layer]] = {
    "GlobalAveragePool": GlobalAveragePool2D, "GlobalMaxPool": GlobalMaxPool2D,
    "ReduceMean": GlobalAveragePool2D, "ReduceMax": GlobalMaxPool2D, "ReduceSum": GlobalAveragePool2D,
}  # fmt: skip
PIXEL_AXES = {"CHW": [2, 3], "HWC": [1, 2], "GP": [2], "PC": [1]}  # axes in the graph's tensor, by layout


@rule("AveragePool", "MaxPool")
def _pool(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value = builder.feature_maps(node)
    if len([name for name in node.outputs if name]) > 1:
        raise builder.unsupported(node, "its second output, the positions of the maxima, is used.")
    windows, source = windows_of(builder, node, value, node.attributes["kernel_shape"]), value.layer
    if any(axis.dilation > 1 for axis in windows):
        raise builder.unsupported(node, "its window has holes (dilations).")
    if builder.is_vector(value) and is_one_pixel(windows):
        return value
    if node.attributes.get("count_include_pad", 0):
        source, windows = _padding_as_layer(builder, node, source, windows)
    y, x = windows
    layer = POOLS[node.op_type]((y.kernel, x.kernel), (y.stride, x.stride), layer_padding(windows))
    return builder.map_output(builder.add_layer(node, layer, source), value)


def _padding_as_layer(
    builder: NetworkBuilder, node: OnnxNode, source: int, windows: WindowAxes
) -> tuple[int, WindowAxes]:
    """Append the padding as a layer, so that it counts in a mean; return the layer and the windows on its output."""
    y, x = windows
    if any((y.start, y.end, x.start, x.end)):
        source = builder.add_layer(node, ZeroPadding2D(((y.start, y.end), (x.start, x.end))), source)
    return source, (y.with_padding_included(), x.with_padding_included())


@rule("GlobalAveragePool", "GlobalMaxPool")
def _global_pool(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    return _pool_whole_maps(builder, node, builder.feature_maps(node))


@rule("ReduceMax", "ReduceMean", "ReduceSum", accepted_axes=("GP", "PC"))
def _reduce(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    return reduce_axes(builder, node, builder.input(node))


def reduce_axes(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput) -> LayerOutput:
    """Append the mean, maximum or sum over height and width, over one of them, or over the channels.

    Args:
        builder: The network so far.
        node: ReduceMax, ReduceMean or ReduceSum, with the axes.
        value: The input.

    Returns:
        The output.

    Raises:
        NetworkError: If other axes are reduced.
    """
    keep = node.attributes.get("keepdims", 1) == 1  # as ONNX Runtime reads it
    rank = 1 + len(value.dims)
    axes = sorted(axis % rank for axis in builder.integers(node, 1, "axes") or range(rank))
    if value.axes in PIXEL_AXES and len(axes) == 1 and is_channel_axis(value, axes[0]) and not builder.is_vector(value):
        return _over_channels(builder, node, value, keep=keep)
    pixels = PIXEL_AXES.get(value.axes, [])
    maps = value.maps if value.axes in VIRTUAL_AXES and value.maps else value
    complete = axes == pixels and (value.axes != "GP" or value.dims[0] == maps.channels)
    if maps.partial and maps.partial[0] == node.op_type:  # of the other axis, which has one pixel only
        rest = [axis for axis in pixels if value.axes in VIRTUAL_AXES or value.dims[axis - 1] > 1]
        if axes == rest or complete:
            complete, maps = True, maps.partial[1]
    if not complete:
        if value.axes not in ("CHW", "HWC") or len(axes) != 1 or axes[0] not in pixels or builder.is_vector(value):
            raise builder.unsupported(
                node, f"it reduces the axes {axes}; only height, width or the channels of feature maps are supported."
            )
        return _pool_one_axis(builder, node, value, axes[0], keep)
    pooled = _pool_whole_maps(builder, node, maps)
    if not keep:
        return replace(pooled, dims=(maps.channels,), axes="F")
    if value.axes in VIRTUAL_AXES:
        dims = (maps.channels, 1) if value.axes == "GP" else (1, maps.channels)
        return replace(pooled, dims=dims, axes=value.axes, maps=pooled)
    return replace(pooled, dims=pooled.dims if value.axes == "CHW" else (1, 1, value.channels), axes=value.axes)


def _over_channels(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput, *, keep: bool) -> LayerOutput:
    """Append the mean or sum over channels, a 1×1 convolution; or the maximum, of halves of the channels in turn."""
    count = value.channels
    if node.op_type == "ReduceMax":
        builder.reserve_order(node, 2 * count)
        while (count := value.channels) > 1:
            half = -(-count // 2)
            halves = (select(builder, node, value, np.arange(half) + start) for start in (0, count - half))
            value = _maximum(builder, node, *halves)
        reduced = value.layer
    else:
        kernel = np.full((1, 1, count, 1), 1 / count if node.op_type == "ReduceMean" else 1, np.float32)
        reduced = builder.add_layer(node, Conv2D(1, 1, use_bias=False), value.layer, kernel=kernel)
    if not keep:
        return LayerOutput(reduced, value.size, "HW")
    return LayerOutput(reduced, (1, *value.size) if value.axes == "CHW" else (*value.size, 1), value.axes)


def _maximum(builder: NetworkBuilder, node: OnnxNode, first: LayerOutput, second: LayerOutput) -> LayerOutput:
    return first.after(builder.add_layer(node, Maximum(), first.layer, second.layer))


def _pool_one_axis(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput, axis: int, keep: bool) -> LayerOutput:
    """Append the mean, maximum or sum over the height or the width."""
    height, width = value.size
    window = (height, 1) if axis == PIXEL_AXES[value.axes][0] else (1, width)
    pool = MaxPool2D if node.op_type == "ReduceMax" else AveragePool2D
    layer = builder.add_layer(node, pool(window, window), value.layer)
    if node.op_type == "ReduceSum":
        layer = builder.add_layer(node, Rescale(float(max(window))), layer)
    dims = tuple(1 if position == axis - 1 else size for position, size in enumerate(value.dims))
    pooled = LayerOutput(layer, dims, value.axes, value.order, partial=(node.op_type, value))
    if keep:
        return pooled
    dropped = tuple(size for position, size in enumerate(dims) if position != axis - 1)
    return replace(pooled, dims=dropped, axes="GP" if value.axes == "CHW" else "PC", maps=pooled)


def _pool_whole_maps(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput) -> LayerOutput:
    if builder.is_vector(value):
        return value
    layer = builder.add_layer(node, GLOBAL_POOLS[node.op_type](), value.layer)
    if node.op_type == "ReduceSum":
        layer = builder.add_layer(node, Rescale(float(prod(value.size))), layer)
    return builder.map_output(layer, value)


@rule("Pad")
def _pad(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value, mode = builder.input(node), node.attributes.get("mode", "constant")
    pads = builder.integers(node, 1, "pads") or ()
    rank = 1 + len(value.dims)
    axes = builder.integers(node, 3, "axes") or tuple(range(rank))
    if len(pads) != 2 * len(axes) or any(not -rank <= axis < rank for axis in axes):
        raise builder.unsupported(node, f"its pads {pads} do not match {len(axes)} axes.")
    if not any(pads):
        return value
    margins = {axis % rank: (pads[i], pads[i + len(axes)]) for i, axis in enumerate(axes)}
    fill = scalar(builder.constant(node, 2)) if builder.has_input(node, 2) else 0.0
    if mode != "constant" or (fill or node.attributes.get("value", 0.0)) != 0:
        raise builder.unsupported(node, "it pads with something other than zeros.")
    rows = {"CHW": 2, "HWC": 1}.get(value.axes, rank)
    elsewhere = any(any(sides) for axis, sides in margins.items() if axis not in (rows, rows + 1))
    if elsewhere or min(pads) < 0 or builder.is_vector(value):
        raise builder.unsupported(node, f"only height and width can be padded; its pads are {pads}.")
    layer = ZeroPadding2D((margins.get(rows, (0, 0)), margins.get(rows + 1, (0, 0))))
    padded = builder.map_output(builder.add_layer(node, layer, value.layer), value)
    channels, height, width = padded.dims
    return padded if value.axes == "CHW" else replace(padded, dims=(height, width, channels), axes="HWC")
