"""Activation functions and their gradients in one table, and the rule that applies them.

Each function is a pair. `forward(x, out)` writes f(x) into `out` (which may be x itself, unless the gradient needs x)
and returns it. `backward(dy, kept, out)` returns dy · f′, where `kept` is y, or x for those in KEEPS_INPUT, and `out`
an array of the same shape and type that it may use for the result.
Classes lie on axis 0, as in memory (see `memory`): (F, N) or (C, H, W, N).
"""

from collections.abc import Callable
from math import pi, sqrt
from typing import NamedTuple

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.network import Activation, Layer, Shape
from striate.network.settings import LEAK, TANH_SCALE, TANH_SLOPE

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017, equation 14
GELU_CUBIC = 0.044715  # Hendrycks and Gimpel 2016, section 2


class Function(NamedTuple):
    """One activation: forward and backward."""

    forward: Callable[[Array, Array], Array]
    backward: Callable[[Array, Array, Array], Array]


def _softmax(x: Array, out: Array) -> Array:
    np.subtract(x, x.max(axis=0, keepdims=True), out=out)
    np.exp(out, out=out)
    out /= out.sum(axis=0, keepdims=True)
    return out


def _softmax_backward(dy: Array, y: Array, out: Array) -> Array:
    np.subtract(dy, (dy * y).sum(axis=0, keepdims=True), out=out)
    return np.multiply(out, y, out=out)


def _log_softmax(x: Array, out: Array) -> Array:
    np.subtract(x, x.max(axis=0, keepdims=True), out=out)
    out -= np.log(np.exp(out).sum(axis=0, keepdims=True))
    return out


def sigmoid(x: Array, out: Array | None = None) -> Array:
    """Return 1 / (1 + e^−x), computed as (1 + tanh(x / 2)) / 2, which cannot overflow."""
    out = np.multiply(x, 0.5, out=out)
    np.tanh(out, out=out)
    out += 1
    out *= 0.5
    return out


def _scaled_tanh(x: Array, out: Array) -> Array:
    np.multiply(x, TANH_SLOPE, out=out)
    np.tanh(out, out=out)
    out *= TANH_SCALE
    return out


def _elu(x: Array, out: Array) -> Array:
    return np.add(np.maximum(x, 0), np.expm1(np.minimum(x, 0)), out=out)


def _selu(x: Array, out: Array) -> Array:
    np.add(np.maximum(x, 0), SELU_ALPHA * np.expm1(np.minimum(x, 0)), out=out)
    out *= SELU_SCALE
    return out


def _gelu_slope(x: Array) -> Array:
    return np.tanh(sqrt(2 / pi) * (x + GELU_CUBIC * x**3))


def _gelu_backward(dy: Array, x: Array, out: Array) -> Array:
    t = _gelu_slope(x)
    inner = sqrt(2 / pi) * (1 + 3 * GELU_CUBIC * x * x)
    slope: Array = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner
    return np.multiply(dy, slope, out=out)


def _silu_backward(dy: Array, x: Array, out: Array) -> Array:
    s = sigmoid(x)
    slope: Array = s + x * s * (1 - s)
    return np.multiply(dy, slope, out=out)


def _hard_sigmoid(x: Array) -> Array:
    return np.clip(x / 6 + 0.5, 0, 1)


def _hard_swish_backward(dy: Array, x: Array, out: Array) -> Array:
    return np.multiply(dy, np.where(np.abs(x) < 3, x / 3 + 0.5, x >= 3), out=out)


def _tanh_backward(dy: Array, y: Array, out: Array) -> Array:
    np.multiply(y, y, out=out)
    np.subtract(1, out, out=out)
    return np.multiply(out, dy, out=out)


def _scaled_tanh_backward(dy: Array, y: Array, out: Array) -> Array:
    np.multiply(y, y, out=out)
    out *= -TANH_SLOPE / TANH_SCALE
    out += TANH_SCALE * TANH_SLOPE
    return np.multiply(out, dy, out=out)


FUNCTIONS: dict[str, Function] = {
    "linear": Function(lambda x, out: np.positive(x, out=out), lambda dy, y, out: dy),
    "relu": Function(lambda x, out: np.maximum(x, 0, out=out), lambda dy, y, out: np.multiply(dy, y > 0, out=out)),
    "relu6": Function(
        lambda x, out: np.clip(x, 0, 6, out=out), lambda dy, y, out: np.multiply(dy, (y > 0) & (y < 6), out=out)
    ),
    "leaky_relu": Function(
        lambda x, out: np.maximum(x, LEAK * x, out=out), lambda dy, y, out: np.where(y > 0, dy, LEAK * dy)
    ),
    "elu": Function(_elu, lambda dy, y, out: np.multiply(dy, 1 + np.minimum(y, 0), out=out)),
    "selu": Function(
        _selu,
        lambda dy, y, out: np.multiply(dy, np.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA), out=out),
    ),
    "gelu": Function(lambda x, out: np.multiply(0.5 * x, 1 + _gelu_slope(x), out=out), _gelu_backward),
    "silu": Function(lambda x, out: np.multiply(x, sigmoid(x), out=out), _silu_backward),
    "sigmoid": Function(sigmoid, lambda dy, y, out: np.multiply(dy, y * (1 - y), out=out)),
    "hard_sigmoid": Function(
        lambda x, out: np.clip(x / 6 + 0.5, 0, 1, out=out),
        lambda dy, y, out: np.multiply(dy / 6, (y > 0) & (y < 1), out=out),
    ),
    "hard_swish": Function(lambda x, out: np.multiply(x, _hard_sigmoid(x), out=out), _hard_swish_backward),
    "tanh": Function(lambda x, out: np.tanh(x, out=out), _tanh_backward),
    "scaled_tanh": Function(_scaled_tanh, _scaled_tanh_backward),
    "softmax": Function(_softmax, _softmax_backward),
    "softmin": Function(
        lambda x, out: _softmax(np.negative(x), out), lambda dy, y, out: -_softmax_backward(dy, y, out)
    ),
    "log_softmax": Function(_log_softmax, lambda dy, y, out: dy - np.exp(y) * dy.sum(axis=0, keepdims=True)),
}

KEEPS_INPUT = frozenset({"gelu", "silu", "hard_swish"})
# f(max(a, b)) = max(f(a), f(b)): may be applied after a max pooling instead of before.
MONOTONIC = frozenset(FUNCTIONS) - {"gelu", "silu", "hard_swish", "softmax", "softmin", "log_softmax"}


@rule(Activation)
def activation(layer: Activation, *input_shapes: Shape) -> None:
    """Do nothing before the activation, which the planner applies to the output of every layer that has one."""


class ActivationRule(LayerRule[Layer, Array]):
    """Apply an activation function, over its input where the planner allows it. The state is y, or x where needed."""

    variables = ()

    def __init__(self, layer: Layer, name: str, *, in_place: bool) -> None:
        super().__init__(layer)
        self.function, self.keeps_input = FUNCTIONS[name], name in KEEPS_INPUT
        self.in_place = in_place and not self.keeps_input

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, Array]:
        """x, y: (N, …)."""
        source = planes(x)
        y = self.function.forward(
            source, source if self.in_place else context.scratch.empty("y", source.shape, x.dtype)
        )
        return planes(y), source if self.keeps_input else y

    def backward(self, context: LayerContext, kept: Array, dy: Array) -> tuple[Array]:
        """dx = dy · f′."""
        gradient = planes(dy)
        out = context.scratch.empty("dx", gradient.shape, dy.dtype)
        return (planes(self.function.backward(gradient, kept, out)),)
