"""Activation functions. Those without settings are the NumPy engine's. Source: ONNX's operator pages."""

from math import erfc, sqrt

import numpy as np

from striate._types import Array
from striate.engines.numpy.activations import RULES, SELU_ALPHA, SELU_SCALE
from striate.onnx.reference.operators.registry import operator, widened


def _engine(name: str, x: Array) -> Array:
    return RULES[name].forward(x, np.empty_like(x))


@operator("Relu")
def relu(x: Array) -> Array:
    """max(x, 0)."""
    return _engine("relu", x)


@operator("LeakyRelu")
def leaky_relu(x: Array, *, alpha: float = 0.01) -> Array:
    """x where x ≥ 0, else αx."""
    return np.where(x < 0, alpha * x, x).astype(x.dtype)


@operator("PRelu")
def parametric_relu(x: Array, slope: Array) -> Array:
    """x where x ≥ 0, else slope · x. slope: broadcast to x."""
    return np.where(x < 0, slope * x, x).astype(x.dtype)


@operator("Elu")
def elu(x: Array, *, alpha: float = 1.0) -> Array:
    """x where x > 0, else α(eˣ − 1)."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))).astype(x.dtype)


@operator("Selu")
def selu(x: Array, *, alpha: float = SELU_ALPHA, gamma: float = SELU_SCALE) -> Array:
    """γx where x > 0, else γα(eˣ − 1)."""
    return gamma * elu(x, alpha=alpha)


@operator("Sigmoid")
def sigmoid(x: Array) -> Array:
    """1 / (1 + e⁻ˣ)."""
    return _engine("sigmoid", x)


@operator("HardSigmoid")
def hard_sigmoid(x: Array, *, alpha: float = 0.2, beta: float = 0.5) -> Array:
    """αx + β, cut to 0 … 1."""
    return np.clip(alpha * x + beta, 0, 1)


@operator("HardSwish")
def hard_swish(x: Array) -> Array:
    """x · (x / 6 + 1/2, cut to 0 … 1)."""
    return _engine("hard_swish", x)


@operator("Tanh")
def tanh(x: Array) -> Array:
    """The hyperbolic tangent."""
    return _engine("tanh", x)


@operator("Gelu")
@widened
def gelu(x: Array, *, approximate: str = "none") -> Array:
    """x · Φ(x), Φ being the normal distribution; or its approximation by tanh. Source: Hendrycks and Gimpel 2016."""
    if approximate == "tanh":
        return _engine("gelu", x)
    # Φ(x) = erfc(−x / √2) / 2 keeps its digits where Φ is nearly 0. NumPy has no erfc, Python has one for numbers.
    tail = np.asarray(np.frompyfunc(erfc, 1, 1)(x * -sqrt(0.5)), x.dtype)
    return np.asarray(0.5 * x * tail, x.dtype)


@operator("Softmax")
@widened
def softmax(x: Array, *, axis: int | None = None, opset: int) -> Array:
    """exp(x) / Σ exp(x) along an axis; before version 13 over all axes from `axis` on together."""
    return _along("softmax", x, axis, opset)


@operator("LogSoftmax")
@widened
def log_softmax(x: Array, *, axis: int | None = None, opset: int) -> Array:
    """The logarithm of `softmax`."""
    return _along("log_softmax", x, axis, opset)


def _along(name: str, x: Array, axis: int | None, opset: int) -> Array:
    if opset < 13:
        axis = (1 if axis is None else axis) % x.ndim
        return _engine(name, x.reshape(int(np.prod(x.shape[:axis])), -1).T).T.reshape(x.shape)
    axis = -1 if axis is None else axis
    return np.moveaxis(_engine(name, np.moveaxis(x, axis, 0)), 0, axis)  # the engine's classes lie on axis 0


@operator("Clip")
def clip(
    x: Array, low: Array | None = None, high: Array | None = None, *, min: float | None = None, max: float | None = None
) -> Array:
    """No less than low, then no more than high. Before version 11 the bounds are attributes, later inputs."""
    least, most = (low if min is None else min), (high if max is None else max)
    y = x if least is None else np.maximum(x, np.asarray(least, x.dtype))
    return y if most is None else np.minimum(y, np.asarray(most, x.dtype))
