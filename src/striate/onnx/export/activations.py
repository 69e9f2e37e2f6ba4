"""Activation functions by name, as operators. Classes lie on axis 1, of maps (N, C, H, W) as of rows (N, F)."""

from collections.abc import Callable
from functools import partial
from typing import Any

from striate.network.settings import LEAK, TANH_SCALE, TANH_SLOPE
from striate.onnx.export.graph import Graph

Rule = Callable[[Graph, str], str]


def activate(graph: Graph, x: str, name: str) -> str:
    """The output of an activation."""
    return x if name == "linear" else RULES[name](graph, x)


def _op(kind: str, graph: Graph, x: str, **attributes: Any) -> str:
    return graph.op(kind, x, **attributes)


def _relu6(graph: Graph, x: str) -> str:
    return graph.op("Clip", x, graph.constant("0", 0.0), graph.constant("6", 6.0))


def _silu(graph: Graph, x: str) -> str:
    return graph.op("Mul", x, graph.op("Sigmoid", x))


def _scaled_tanh(graph: Graph, x: str) -> str:
    slope, scale = graph.constant("tanh slope", TANH_SLOPE), graph.constant("tanh scale", TANH_SCALE)
    return graph.op("Mul", graph.op("Tanh", graph.op("Mul", x, slope)), scale)


def _softmin(graph: Graph, x: str) -> str:
    return graph.op("Softmax", graph.op("Neg", x), axis=1)


RULES: dict[str, Rule] = {
    "relu": partial(_op, "Relu"),
    "relu6": _relu6,
    "leaky_relu": partial(_op, "LeakyRelu", alpha=LEAK),
    "elu": partial(_op, "Elu", alpha=1.0),
    "selu": partial(_op, "Selu"),
    "gelu": partial(_op, "Gelu", approximate="tanh"),
    "silu": _silu,
    "sigmoid": partial(_op, "Sigmoid"),
    "hard_sigmoid": partial(_op, "HardSigmoid", alpha=1 / 6, beta=0.5),
    "hard_swish": partial(_op, "HardSwish"),
    "tanh": partial(_op, "Tanh"),
    "scaled_tanh": _scaled_tanh,
    "softmax": partial(_op, "Softmax", axis=1),
    "softmin": _softmin,
    "log_softmax": partial(_op, "LogSoftmax", axis=1),
}
