"""Normalization."""

import numpy as np

from striate.network import BatchNormalization, LocalResponseNormalization
from striate.onnx.export.graph_builder import GraphBuilder, GraphTensor
from striate.onnx.export.rules import Parameters, rule


@rule(BatchNormalization)
def _batch_normalization(graph: GraphBuilder, layer: BatchNormalization, weights: Parameters, x: GraphTensor) -> str:
    mean, variance = weights["moving_mean"], weights["moving_variance"]
    gamma, beta = weights.get("gamma", np.ones_like(mean)), weights.get("beta", np.zeros_like(mean))
    variables = {"gamma": gamma, "beta": beta, "moving_mean": mean, "moving_variance": variance}
    inputs = [graph.layer_constant(variable, values) for variable, values in variables.items()]
    return graph.op("BatchNormalization", x.name, *inputs, epsilon=layer.epsilon)


@rule(LocalResponseNormalization)
def _local_response_normalization(
    graph: GraphBuilder, layer: LocalResponseNormalization, weights: Parameters, x: GraphTensor
) -> str:
    size = 2 * layer.radius + 1  # ONNX divides alpha by it
    return graph.op("LRN", x.name, size=size, alpha=layer.alpha * size, beta=layer.beta, bias=layer.k)
