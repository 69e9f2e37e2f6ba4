"""Activation functions by name, as operators. Softmax runs over axis 1 of (N, C, H, W) and (N, F)."""

from collections.abc import Callable
from functools import partial
from math import inf, pi, sqrt
from typing import Any

from striate.network import ELU, Activation, Identity, Layer, LeakyReLU, PReLU, ReLU, Softmax
from striate.network.activations import GELU_CUBIC, TANH_SCALE, TANH_SLOPE, activation_parts
from striate.onnx.export.graph_builder import GraphBuilder, GraphTensor
from striate.onnx.export.rules import Parameters, rule

GELU_OPSET, MISH_OPSET, HARD_SWISH_OPSET = 20, 18, 14  # the first opsets with these operators


@rule(Activation)
@rule(ReLU)
@rule(LeakyReLU)
@rule(ELU)
@rule(Softmax)
@rule(Identity)
def _activation(graph: GraphBuilder, layer: Layer, weights: Parameters, x: GraphTensor) -> str:
    return x.name  # the activation itself is added after every layer


@rule(PReLU)
def _parametric_relu(graph: GraphBuilder, layer: PReLU, weights: Parameters, x: GraphTensor) -> str:
    alpha = weights["alpha"]
    slopes = alpha.transpose(2, 0, 1) if alpha.ndim == 3 else alpha  # (H, W, C) → (C, H, W)
    return graph.op("PRelu", x.name, graph.layer_constant("alpha", slopes))


def append_activation(graph: GraphBuilder, x: str, name: str) -> str:
    """Append an activation function.

    Args:
        graph: The graph.
        x: Name of the input.
        name: Name of the activation.

    Returns:
        Name of the output.
    """
    base, parameters = activation_parts(name)
    return x if base == "linear" else ACTIVATIONS[base](graph, x, **parameters)


def _op(op_type: str, graph: GraphBuilder, x: str, **attributes: Any) -> str:
    return graph.op(op_type, x, **attributes)


def _relu6(graph: GraphBuilder, x: str) -> str:
    return graph.op("Clip", x, graph.constant("0", 0.0), graph.constant("6", 6.0))


def _hard_tanh(graph: GraphBuilder, x: str) -> str:
    return graph.op("Clip", x, graph.constant("-1", -1.0), graph.constant("1", 1.0))


def _log_sigmoid(graph: GraphBuilder, x: str) -> str:
    return graph.op("Neg", graph.op("Softplus", graph.op("Neg", x)))


def _leaky_relu(graph: GraphBuilder, x: str, negative_slope: float) -> str:
    return graph.op("LeakyRelu", x, alpha=negative_slope)


def _relu(graph: GraphBuilder, x: str, max_value: float, negative_slope: float, threshold: float) -> str:
    if threshold:
        level = graph.constant(f"threshold {threshold}", threshold)
        scaled = graph.op("Mul", graph.op("Sub", x, level), graph.constant(f"slope {negative_slope}", negative_slope))
        y = graph.op("Where", graph.op("Less", x, level), scaled, x)
    else:
        y = _leaky_relu(graph, x, negative_slope) if negative_slope else graph.op("Relu", x)
    return y if max_value == inf else graph.op("Min", y, graph.constant(f"maximum {max_value}", max_value))


def _gelu_tanh(graph: GraphBuilder, x: str) -> str:
    if graph.opset >= GELU_OPSET:
        return graph.op("Gelu", x, approximate="tanh")
    cube = graph.op("Mul", graph.op("Mul", graph.op("Mul", x, x), x), graph.constant("gelu cubic", GELU_CUBIC))
    scaled = graph.op("Mul", graph.op("Add", x, cube), graph.constant("gelu slope", sqrt(2 / pi)))
    return _half_of_one_plus(graph, x, graph.op("Tanh", scaled))


def _gelu_exact(graph: GraphBuilder, x: str) -> str:
    if graph.opset >= GELU_OPSET:
        return graph.op("Gelu", x, approximate="none")
    return _half_of_one_plus(graph, x, graph.op("Erf", graph.op("Mul", x, graph.constant("√½", sqrt(0.5)))))


def _half_of_one_plus(graph: GraphBuilder, x: str, y: str) -> str:
    """Append x · (1 + y) / 2."""
    factor = graph.op("Add", y, graph.constant("1", 1.0))
    return graph.op("Mul", graph.op("Mul", x, factor), graph.constant("½", 0.5))


def _mish(graph: GraphBuilder, x: str) -> str:
    if graph.opset >= MISH_OPSET:
        return graph.op("Mish", x)
    return graph.op("Mul", x, graph.op("Tanh", graph.op("Softplus", x)))


def _hard_swish(graph: GraphBuilder, x: str) -> str:
    if graph.opset >= HARD_SWISH_OPSET:
        return graph.op("HardSwish", x)
    return graph.op("Mul", x, graph.op("HardSigmoid", x, alpha=1 / 6, beta=0.5))


def _silu(graph: GraphBuilder, x: str) -> str:
    return graph.op("Mul", x, graph.op("Sigmoid", x))


def _scaled_tanh(graph: GraphBuilder, x: str) -> str:
    slope, scale = graph.constant("tanh slope", TANH_SLOPE), graph.constant("tanh scale", TANH_SCALE)
    return graph.op("Mul", graph.op("Tanh", graph.op("Mul", x, slope)), scale)


def _softmin(graph: GraphBuilder, x: str) -> str:
    return graph.op("Softmax", graph.op("Neg", x), axis=1)


ACTIVATIONS: dict[str, Callable[..., str]] = {
    "relu": _relu,
    "relu6": _relu6,
    "leaky_relu": _leaky_relu,
    "elu": partial(_op, "Elu"),
    "selu": partial(_op, "Selu"),
    "gelu_tanh": _gelu_tanh,
    "gelu_exact": _gelu_exact,
    "silu": _silu,
    "mish": _mish,
    "softplus": partial(_op, "Softplus"),
    "softsign": partial(_op, "Softsign"),
    "exponential": partial(_op, "Exp"),
    "sigmoid": partial(_op, "Sigmoid"),
    "log_sigmoid": _log_sigmoid,
    "hard_tanh": _hard_tanh,
    "hard_sigmoid": partial(_op, "HardSigmoid", alpha=1 / 6, beta=0.5),
    "hard_swish": _hard_swish,
    "tanh": partial(_op, "Tanh"),
    "scaled_tanh": _scaled_tanh,
    "softmax": partial(_op, "Softmax", axis=1),
    "softmin": _softmin,
    "log_softmax": partial(_op, "LogSoftmax", axis=1),
}
