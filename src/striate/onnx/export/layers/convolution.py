"""Convolution."""

from striate.engines.initialization import connection_mask
from striate.network import Conv2D, Conv2DTranspose, DepthwiseConv2D, SeparableConv2D, Shape, Window
from striate.onnx.export.graph_builder import GraphBuilder, GraphTensor
from striate.onnx.export.rules import Parameters, rule


@rule(Conv2D)
@rule(DepthwiseConv2D)
def _convolution(graph: GraphBuilder, layer: Conv2D | DepthwiseConv2D, weights: Parameters, x: GraphTensor) -> str:
    window, kernel, groups = layer.window, weights["kernel"], x.shape[2]
    if isinstance(layer, Conv2D):
        groups = layer.groups
        kernel = kernel * connection_mask(layer.connections, kernel.shape[2]) if layer.connections else kernel
    inputs = [graph.layer_constant("kernel", kernel.transpose(3, 2, 0, 1))]  # (KH, KW, C, O) → (O, C, KH, KW)
    if "bias" in weights:
        inputs.append(graph.layer_constant("bias", weights["bias"]))
    return graph.op(
        "Conv", x.name, *inputs, kernel_shape=window.kernel, strides=window.strides, dilations=window.dilation,
        pads=onnx_pads(window, x.shape), group=groups,
    )  # fmt: skip


@rule(SeparableConv2D)
def _separable(graph: GraphBuilder, layer: SeparableConv2D, weights: Parameters, x: GraphTensor) -> str:
    window = layer.window
    # (KH, KW, C, O) → (O, C, KH, KW)
    depthwise, pointwise = (weights[f"{name}_kernel"].transpose(3, 2, 0, 1) for name in ("depthwise", "pointwise"))
    maps = graph.op(
        "Conv", x.name, graph.layer_constant("depthwise_kernel", depthwise), kernel_shape=window.kernel,
        strides=window.strides, dilations=window.dilation, pads=onnx_pads(window, x.shape), group=x.shape[2],
    )  # fmt: skip
    inputs = [graph.layer_constant("pointwise_kernel", pointwise)]
    if "bias" in weights:
        inputs.append(graph.layer_constant("bias", weights["bias"]))
    return graph.op("Conv", maps, *inputs, kernel_shape=(1, 1))


@rule(Conv2DTranspose)
def _conv_transpose(graph: GraphBuilder, layer: Conv2DTranspose, weights: Parameters, x: GraphTensor) -> str:
    window = layer.forward_window
    kernel = weights["kernel"].transpose(3, 2, 0, 1)  # (KH, KW, O, C) → (C, O, KH, KW)
    inputs = [graph.layer_constant("kernel", kernel)]
    if "bias" in weights:
        inputs.append(graph.layer_constant("bias", weights["bias"]))
    return graph.op(
        "ConvTranspose", x.name, *inputs, kernel_shape=window.kernel, strides=window.strides,
        dilations=window.dilation, pads=onnx_pads(window, x.shape), output_padding=layer.extra,
    )  # fmt: skip


def onnx_pads(window: Window, shape: Shape) -> list[int]:
    """Return the padding of a window in ONNX's order: top, left, bottom, right."""
    (top, bottom), (left, right) = window.margins((shape[0], shape[1]))
    return [top, left, bottom, right]
