"""Normalization."""

import numpy as np

from striate._types import Array
from striate.network import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    LocalResponseNormalization,
    UnitNormalization,
)
from striate.onnx.export.graph_builder import GraphBuilder, GraphTensor
from striate.onnx.export.layers.core import per_channel
from striate.onnx.export.rules import Parameters, rule

TRAINING_MODE_OPSET = 14  # the first with this attribute; ONNX's reference runs older ones in training mode
LAYER_NORM_OPSET = 17  # the first with the operator


@rule(BatchNormalization)
def _batch_normalization(graph: GraphBuilder, layer: BatchNormalization, weights: Parameters, x: GraphTensor) -> str:
    mean, variance = weights["moving_mean"], weights["moving_variance"]
    gamma, beta = weights.get("gamma", np.ones_like(mean)), weights.get("beta", np.zeros_like(mean))
    variables = {"gamma": gamma, "beta": beta, "moving_mean": mean, "moving_variance": variance}
    inputs = [graph.layer_constant(variable, values) for variable, values in variables.items()]
    mode = {"training_mode": 0} if graph.opset >= TRAINING_MODE_OPSET else {}
    return graph.op("BatchNormalization", x.name, *inputs, epsilon=layer.epsilon, **mode)


@rule(LocalResponseNormalization)
def _local_response_normalization(
    graph: GraphBuilder, layer: LocalResponseNormalization, weights: Parameters, x: GraphTensor
) -> str:
    size = 2 * layer.radius + 1  # ONNX divides alpha by it
    return graph.op("LRN", x.name, size=size, alpha=layer.alpha * size, beta=layer.beta, bias=layer.k)


@rule(LayerNormalization)
def _layer_normalization(graph: GraphBuilder, layer: LayerNormalization, weights: Parameters, x: GraphTensor) -> str:
    channels = x.shape[-1]
    gamma, beta = weights.get("gamma", np.ones(channels)), weights.get("beta", np.zeros(channels))
    if graph.opset >= LAYER_NORM_OPSET:
        inputs = [graph.layer_constant("gamma", gamma), graph.layer_constant("beta", beta)]
        last = graph.op("Transpose", x.name, perm=[0, 2, 3, 1]) if len(x.shape) == 3 else x.name
        y = graph.op("LayerNormalization", last, *inputs, axis=-1, epsilon=layer.epsilon)
        return graph.op("Transpose", y, perm=[0, 3, 1, 2]) if len(x.shape) == 3 else y
    centered = graph.op("Sub", x.name, graph.reduce("ReduceMean", x.name, [1]))
    variance = graph.reduce("ReduceMean", graph.op("Mul", centered, centered), [1])
    shifted = graph.op("Add", variance, graph.layer_constant("epsilon", layer.epsilon))
    normalized = graph.op("Div", centered, graph.op("Sqrt", shifted))
    return _scale_channels(graph, normalized, gamma, beta, x)


@rule(GroupNormalization)
def _group_normalization(graph: GraphBuilder, layer: GroupNormalization, weights: Parameters, x: GraphTensor) -> str:
    """Append InstanceNormalization: GroupNormalization has one gamma and beta for each channel only from opset 21."""
    channels = x.shape[-1]
    groups, full = layer.groups_of(channels), [0, channels, *x.shape[:-1]]
    grouped = graph.op("Reshape", x.name, graph.layer_constant("groups", [0, groups, -1], "int64"))
    ones, zeros = (graph.layer_constant(name, np.full(groups, n)) for name, n in (("ones", 1), ("zeros", 0)))
    normalized = graph.op("InstanceNormalization", grouped, ones, zeros, epsilon=layer.epsilon)
    y = graph.op("Reshape", normalized, graph.layer_constant("channels", full, "int64"))
    gamma, beta = weights.get("gamma", np.ones(channels)), weights.get("beta", np.zeros(channels))
    return _scale_channels(graph, y, gamma, beta, x)


def _scale_channels(graph: GraphBuilder, y: str, gamma: Array, beta: Array, x: GraphTensor) -> str:
    """Append y · gamma + beta, one of each for each channel."""
    scaled = graph.op("Mul", y, graph.layer_constant("gamma", per_channel(gamma, x.shape)))
    return graph.op("Add", scaled, graph.layer_constant("beta", per_channel(beta, x.shape)))


@rule(UnitNormalization)
def _unit_normalization(graph: GraphBuilder, layer: UnitNormalization, weights: Parameters, x: GraphTensor) -> str:
    squares = graph.op(
        "Max", graph.reduce("ReduceSumSquare", x.name, [1]), graph.constant("norm floor", UnitNormalization.floor)
    )
    return graph.op("Div", x.name, graph.op("Sqrt", squares))
