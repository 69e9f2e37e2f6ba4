"""The layers that only LeNet-5 has."""

from striate.network import RadialBasis, Subsample2D
from striate.onnx.export.graph_builder import GraphBuilder, GraphTensor
from striate.onnx.export.layers.core import per_channel
from striate.onnx.export.rules import Parameters, rule


@rule(Subsample2D)
def _subsample(graph: GraphBuilder, layer: Subsample2D, weights: Parameters, x: GraphTensor) -> str:
    window = layer.window
    mean = graph.op("AveragePool", x.name, kernel_shape=window.kernel, strides=window.strides)
    coefficient, bias = (
        graph.layer_constant(name, per_channel(weights[name], x.shape)) for name in ("coefficient", "bias")
    )
    return graph.op("Add", graph.op("Mul", mean, coefficient), bias)


@rule(RadialBasis)
def _radial_basis(graph: GraphBuilder, layer: RadialBasis, weights: Parameters, x: GraphTensor) -> str:
    column = graph.op("Unsqueeze", x.name, graph.constant("axis 2", [2], "int64"))  # (N, F) → (N, F, 1)
    differences = graph.op("Sub", column, graph.layer_constant("prototypes", weights["prototypes"]))  # (N, F, units)
    return graph.reduce("ReduceSumSquare", differences, [1], keepdims=False)
