"""Pooling, means and maxima over whole maps, and zero padding."""

from dataclasses import replace

from striate.network import AveragePool2D, GlobalAveragePool2D, GlobalMaxPool2D, Layer, MaxPool2D, ZeroPadding2D
from striate.onnx.graph import OnnxNode
from striate.onnx.importing.converter import converter
from striate.onnx.importing.converters.convolution import is_one_pixel, layer_padding, windows_of
from striate.onnx.importing.network_builder import LayerOutput, NetworkBuilder, scalar
from striate.onnx.reference.window_axes import WindowAxes

POOLS = {"AveragePool": AveragePool2D, "MaxPool": MaxPool2D}
GLOBAL_POOLS: dict[str, type[Layer]] = {
    "GlobalAveragePool": GlobalAveragePool2D, "GlobalMaxPool": GlobalMaxPool2D,
    "ReduceMean": GlobalAveragePool2D, "ReduceMax": GlobalMaxPool2D,
}  # fmt: skip


@converter("AveragePool", "MaxPool")
def _pool(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    value = builder.feature_maps(node)
    if len([name for name in node.outputs if name]) > 1:
        raise builder.unsupported(node, "its second output, the positions of the maxima, is used.")
    windows, source = windows_of(builder, node, value, node.attributes["kernel_shape"]), value.layer
    if any(axis.dilation > 1 for axis in windows):
        raise builder.unsupported(node, "its window has holes (dilations).")
    if builder.is_row(value) and is_one_pixel(windows):
        return value
    if node.attributes.get("count_include_pad", 0):
        source, windows = _padding_as_layer(builder, node, source, windows)
    y, x = windows
    layer = POOLS[node.kind]((y.kernel, x.kernel), (y.stride, x.stride), layer_padding(windows))
    return builder.map_output(builder.add_layer(node, layer, source), value)


def _padding_as_layer(
    builder: NetworkBuilder, node: OnnxNode, source: int, windows: WindowAxes
) -> tuple[int, WindowAxes]:
    """Append the padding as a layer, so that it counts in a mean; return the layer and the windows on its output."""
    y, x = windows
    if any((y.start, y.end, x.start, x.end)):
        source = builder.add_layer(node, ZeroPadding2D(((y.start, y.end), (x.start, x.end))), source)
    return source, (y.with_padding_included(), x.with_padding_included())


@converter("GlobalAveragePool", "GlobalMaxPool")
def _global_pool(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    return _pool_whole_maps(builder, node, builder.feature_maps(node))


@converter("ReduceMax", "ReduceMean")
def _reduce(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    """Append the mean or maximum over height and width."""
    value = builder.input(node)
    rank = 1 + len(value.dims)
    axes = sorted(axis % rank for axis in builder.integers(node, 1, "axes") or range(rank))
    if axes != {"CHW": [2, 3], "HWC": [1, 2]}.get(value.axes):
        raise builder.unsupported(node, f"it reduces the axes {axes}; only height and width are supported.")
    pooled = _pool_whole_maps(builder, node, value)
    if not node.attributes.get("keepdims", 1):
        return replace(pooled, dims=(value.channels,), axes="F")
    dims = pooled.dims if value.axes == "CHW" else (1, 1, value.channels)
    return replace(pooled, dims=dims, axes=value.axes)


def _pool_whole_maps(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput) -> LayerOutput:
    if builder.is_row(value):
        return value
    return builder.map_output(builder.add_layer(node, GLOBAL_POOLS[node.kind](), value.layer), value)


@converter("Pad")
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
    if elsewhere or min(pads) < 0 or builder.is_row(value):
        raise builder.unsupported(node, f"only height and width can be padded; its pads are {pads}.")
    layer = ZeroPadding2D((margins.get(rows, (0, 0)), margins.get(rows + 1, (0, 0))))
    padded = builder.map_output(builder.add_layer(node, layer, value.layer), value)
    channels, height, width = padded.dims
    return padded if value.axes == "CHW" else replace(padded, dims=(height, width, channels), axes="HWC")
