"""Powers."""

from striate.network import Power
from striate.onnx.export.graph_builder import GraphBuilder, GraphTensor
from striate.onnx.export.rules import Parameters, rule


@rule(Power)
def _power(graph: GraphBuilder, layer: Power, weights: Parameters, x: GraphTensor) -> str:
    return graph.op("Pow", x.name, graph.layer_constant("exponent", layer.exponent))
