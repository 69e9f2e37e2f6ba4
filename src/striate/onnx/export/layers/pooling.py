"""Pooling."""

from striate.network import AveragePool2D, GlobalAveragePool2D, GlobalMaxPool2D, MaxPool2D
from striate.onnx.export.graph_builder import GraphBuilder, GraphTensor
from striate.onnx.export.layers.convolution import onnx_pads
from striate.onnx.export.rules import Parameters, rule


@rule(MaxPool2D)
def _max_pool(graph: GraphBuilder, layer: MaxPool2D, weights: Parameters, x: GraphTensor) -> str:
    return _pool("MaxPool", graph, layer, x)


@rule(AveragePool2D)
def _average_pool(graph: GraphBuilder, layer: AveragePool2D, weights: Parameters, x: GraphTensor) -> str:
    return _pool("AveragePool", graph, layer, x)


def _pool(op_type: str, graph: GraphBuilder, layer: MaxPool2D | AveragePool2D, x: GraphTensor) -> str:
    window = layer.window
    pads = onnx_pads(window, x.shape)
    return graph.op(op_type, x.name, kernel_shape=window.kernel, strides=window.strides, pads=pads)


@rule(GlobalMaxPool2D)
def _global_max_pool(graph: GraphBuilder, layer: GlobalMaxPool2D, weights: Parameters, x: GraphTensor) -> str:
    return _global_pool("GlobalMaxPool", graph, x, keepdims=layer.keepdims)


@rule(GlobalAveragePool2D)
def _global_average_pool(graph: GraphBuilder, layer: GlobalAveragePool2D, weights: Parameters, x: GraphTensor) -> str:
    return _global_pool("GlobalAveragePool", graph, x, keepdims=layer.keepdims)


def _global_pool(op_type: str, graph: GraphBuilder, x: GraphTensor, *, keepdims: bool) -> str:
    y = graph.op(op_type, x.name)
    return y if keepdims else graph.op("Flatten", y, axis=1)  # (N, C, 1, 1) → (N, C)
