"""Activation functions; those without settings are computed by the NumPy engine. Source: ONNX's operator pages."""

from math import erfc, sqrt

import numpy as np

from striate._types import Array
from striate.engines.numpy.layers.activation import FUNCTIONS, SELU_ALPHA, SELU_SCALE
from striate.onnx.reference.operators.registry import computed_in_float32, operator


def _engine(name: str, x: Array) -> Array:
    return FUNCTIONS[name].forward(x, np.empty_like(x))


@operator("Relu")
def relu(x: Array) -> Array:
    """Compute max(x, 0)."""
    return _engine("relu", x)


@operator("LeakyRelu")
def leaky_relu(x: Array, *, alpha: float = 0.01) -> Array:
    """Compute x where x ≥ 0, else αx."""
    return np.where(x < 0, alpha * x, x).astype(x.dtype)


@operator("PRelu")
def parametric_relu(x: Array, slope: Array) -> Array:
    """Compute x where x ≥ 0, else slope · x; the slope is broadcast to x."""
    return np.where(x < 0, slope * x, x).astype(x.dtype)


@operator("Elu")
def elu(x: Array, *, alpha: float = 1.0) -> Array:
    """Compute x where x > 0, else α(eˣ − 1)."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))).astype(x.dtype)


@operator("Selu")
def selu(x: Array, *, alpha: float = SELU_ALPHA, gamma: float = SELU_SCALE) -> Array:
    """Compute γx where x > 0, else γα(eˣ − 1)."""
    return gamma * elu(x, alpha=alpha)


@operator("Sigmoid")
def sigmoid(x: Array) -> Array:
    """Compute 1 / (1 + e⁻ˣ)."""
    return _engine("sigmoid", x)


@operator("HardSigmoid")
def hard_sigmoid(x: Array, *, alpha: float = 0.2, beta: float = 0.5) -> Array:
    """Compute αx + β, clipped to 0 … 1."""
    return np.clip(alpha * x + beta, 0, 1)


@operator("HardSwish")
def hard_swish(x: Array) -> Array:
    """Compute x · (x / 6 + 1/2, clipped to 0 … 1)."""
    return _engine("hard_swish", x)


@operator("Tanh")
def tanh(x: Array) -> Array:
    """Compute the hyperbolic tangent."""
    return _engine("tanh", x)


@operator("Gelu")
@computed_in_float32
def gelu(x: Array, *, approximate: str = "none") -> Array:
    """Compute x · Φ(x) with the normal distribution Φ, or its tanh approximation. Source: Hendrycks and Gimpel 2016."""
    if approximate == "tanh":
        return _engine("gelu_tanh", x)
    # Φ(x) = erfc(−x / √2) / 2 stays precise where Φ is nearly 0. NumPy has no erfc; Python has one for single numbers.
    tail = np.asarray(np.frompyfunc(erfc, 1, 1)(x * -sqrt(0.5)), x.dtype)
    return np.asarray(0.5 * x * tail, x.dtype)


@operator("Softmax")
@computed_in_float32
def softmax(x: Array, *, axis: int | None = None, opset: int) -> Array:
    """Compute exp(x) / Σ exp(x) along an axis; before opset 13 over all axes from `axis` on together."""
    return _over_axis("softmax", x, axis, opset)


@operator("LogSoftmax")
@computed_in_float32
def log_softmax(x: Array, *, axis: int | None = None, opset: int) -> Array:
    """Compute the logarithm of `softmax`."""
    return _over_axis("log_softmax", x, axis, opset)


def _over_axis(name: str, x: Array, axis: int | None, opset: int) -> Array:
    if opset < 13:
        axis = (1 if axis is None else axis) % x.ndim
        return _engine(name, x.reshape(int(np.prod(x.shape[:axis])), -1).T).T.reshape(x.shape)
    axis = -1 if axis is None else axis
    return np.moveaxis(_engine(name, np.moveaxis(x, axis, 0)), 0, axis)  # the engine's classes are on axis 0


@operator("Clip")
def clip(
    x: Array, low: Array | None = None, high: Array | None = None, *, min: float | None = None, max: float | None = None
) -> Array:
    """Limit x to at least low, then to at most high. Before opset 11 the limits are attributes, later inputs."""
    lower, upper = (low if min is None else min), (high if max is None else max)
    y = x if lower is None else np.maximum(x, np.asarray(lower, x.dtype))
    return y if upper is None else np.minimum(y, np.asarray(upper, x.dtype))
