"""Trained scales of channels."""

from striate.network import LayerScale
from striate.onnx.export.graph_builder import GraphBuilder, GraphTensor
from striate.onnx.export.layers.core import per_channel
from striate.onnx.export.rules import Parameters, rule


@rule(LayerScale)
def _layer_scale(graph: GraphBuilder, layer: LayerScale, weights: Parameters, x: GraphTensor) -> str:
    return graph.op("Mul", x.name, graph.layer_constant("scale", per_channel(weights["scale"], x.shape)))
