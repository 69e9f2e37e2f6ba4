"""Activation functions with their gradients, and the rule that applies them.

`forward(x, out)` writes f(x) to `out`, which may be x itself unless the gradient needs x, and returns it.
`backward(dy, saved, out)` returns dy · f′, where `saved` is y, or x for functions in SAVES_INPUT; it may write the
result to `out`. Arrays are planes (see `memory`), (F, N) or (C, H, W, N), so softmax runs over axis 0.
"""

from collections.abc import Callable
from math import inf, pi, sqrt
from typing import NamedTuple

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.network import ELU, Activation, Identity, Layer, LeakyReLU, PReLU, ReLU, Shape, Softmax
from striate.network.activations import GELU_CUBIC, PARAMETERS, TANH_SCALE, TANH_SLOPE, activation_parts

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017, equation 14
ERFC = (  # coefficients of P in _erfc
    -0.6513268598908547, 0.64196979235649021, 0.019476473204185836, -0.0095615147868086323, -0.00094659534448203692,
    0.00036683949785276145, 4.2523324806907769e-05, -2.0278578112534242e-05, -1.6242900046470256e-06,
    1.3036558355805232e-06, 1.5626441722066142e-08, -8.5238095914926541e-08, 6.5290544390988515e-09,
    5.0593434955514693e-09, -9.9136415649303307e-10, -2.273651222931836e-10, 9.646791102015527e-11,
    2.3940380830391146e-12, -6.8860275264975532e-12, 8.9448792730907253e-13, 3.1309213993429581e-13,
    -1.1270822361367252e-13, 3.8109052551892321e-16, 7.1060976136092371e-15, -1.5230282014571043e-15,
    -9.4574945712912334e-17, 1.210237189224279e-16, -2.8166630877471771e-17,
)  # fmt: skip


class Function(NamedTuple):
    """The forward and backward pass of an activation."""

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


def _relu(max_value: float, negative_slope: float, threshold: float) -> Function:
    """Return max_value above it; x from the threshold; negative_slope · (x − threshold) below."""
    if max_value == inf and not negative_slope and not threshold:  # np.maximum(x, 0) takes three times as long
        return Function(lambda x, out: np.clip(x, 0, inf, out=out), lambda dy, y, out: np.multiply(dy, y > 0, out=out))

    def forward(x: Array, out: Array) -> Array:
        np.copyto(out, np.where(x >= threshold, x, negative_slope * (x - threshold)))
        return np.minimum(out, max_value, out=out)

    def backward(dy: Array, y: Array, out: Array) -> Array:
        is_linear = (y >= threshold) if threshold else (y > 0)
        slope: Array = np.where(is_linear, y < max_value, negative_slope).astype(dy.dtype)
        return np.multiply(dy, slope, out=out)

    return Function(forward, backward)


def _leaky_relu(negative_slope: float) -> Function:
    return Function(
        lambda x, out: np.where(x > 0, x, negative_slope * x),
        lambda dy, y, out: np.where(y > 0, dy, negative_slope * dy),
    )


def _elu(alpha: float) -> Function:
    def forward(x: Array, out: Array) -> Array:
        np.add(np.maximum(x, 0), alpha * np.expm1(np.minimum(x, 0)), out=out)
        return out

    return Function(forward, lambda dy, y, out: np.multiply(dy, np.where(y > 0, 1, y + alpha), out=out))


def _log_sigmoid(x: Array, out: Array) -> Array:
    return np.negative(_softplus(-x, out), out=out)


def _selu(x: Array, out: Array) -> Array:
    np.add(np.maximum(x, 0), SELU_ALPHA * np.expm1(np.minimum(x, 0)), out=out)
    out *= SELU_SCALE
    return out


def _gelu_tanh(x: Array) -> Array:
    return np.tanh(sqrt(2 / pi) * (x + GELU_CUBIC * x**3))


def _gelu_backward(dy: Array, x: Array, out: Array) -> Array:
    t = _gelu_tanh(x)
    inner = sqrt(2 / pi) * (1 + 3 * GELU_CUBIC * x * x)
    slope: Array = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner
    return np.multiply(dy, slope, out=out)


def _erfc(x: Array) -> Array:
    """Return 2 / √π · ∫ₓ^∞ e^−t² dt to the precision of x, as t · exp(P(t) − x²) with t = 2 / (2 + |x|).

    Source: Press et al. 2007, "Numerical Recipes", section 6.2.2; the Chebyshev coefficients of P are our own.
    """
    z = np.abs(x)
    t = 2 / (2 + z)
    u, later, latest = 4 * t - 2, np.zeros_like(z), np.zeros_like(z)
    for coefficient in ERFC[: 14 if x.dtype == np.float32 else None][:0:-1]:  # Clenshaw's recurrence
        latest, later = u * latest - later + coefficient, latest
    tail: Array = t * np.exp(0.5 * u * latest - later + ERFC[0] - z * z)
    return np.where(x < 0, 2 - tail, tail)


def _gelu_exact(x: Array, out: Array) -> Array:
    """Return x times the probability that a standard normal variable is below x."""
    return np.multiply(0.5 * x, _erfc(-x * sqrt(0.5)), out=out)


def _gelu_exact_backward(dy: Array, x: Array, out: Array) -> Array:
    slope: Array = 0.5 * _erfc(-x * sqrt(0.5)) + x * np.exp(-0.5 * x * x) * sqrt(0.5 / pi)
    return np.multiply(dy, slope, out=out)


def _softplus(x: Array, out: Array) -> Array:
    return np.add(np.maximum(x, 0), np.log1p(np.exp(-np.abs(x))), out=out)


def _mish_backward(dy: Array, x: Array, out: Array) -> Array:
    t = np.tanh(_softplus(x, np.empty_like(x)))
    slope: Array = t + x * (1 - t * t) * sigmoid(x)
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
    "relu6": Function(
        lambda x, out: np.clip(x, 0, 6, out=out), lambda dy, y, out: np.multiply(dy, (y > 0) & (y < 6), out=out)
    ),
    "selu": Function(
        _selu,
        lambda dy, y, out: np.multiply(dy, np.where(y > 0, SELU_SCALE, y + SELU_SCALE * SELU_ALPHA), out=out),
    ),
    "gelu_tanh": Function(lambda x, out: np.multiply(0.5 * x, 1 + _gelu_tanh(x), out=out), _gelu_backward),
    "gelu_exact": Function(_gelu_exact, _gelu_exact_backward),
    "mish": Function(lambda x, out: np.multiply(x, np.tanh(_softplus(x, np.empty_like(x))), out=out), _mish_backward),
    "softplus": Function(_softplus, lambda dy, y, out: np.multiply(dy, -np.expm1(-y), out=out)),
    "silu": Function(lambda x, out: np.multiply(x, sigmoid(x), out=out), _silu_backward),
    "softsign": Function(
        lambda x, out: np.divide(x, 1 + np.abs(x), out=out),
        lambda dy, y, out: np.multiply(dy, np.square(1 - np.abs(y)), out=out),
    ),
    "exponential": Function(lambda x, out: np.exp(x, out=out), lambda dy, y, out: np.multiply(dy, y, out=out)),
    "log_sigmoid": Function(_log_sigmoid, lambda dy, y, out: np.multiply(dy, -np.expm1(y), out=out)),
    "hard_tanh": Function(
        lambda x, out: np.clip(x, -1, 1, out=out), lambda dy, y, out: np.multiply(dy, np.abs(y) < 1, out=out)
    ),
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

PARAMETRIC: dict[str, Callable[..., Function]] = {"relu": _relu, "leaky_relu": _leaky_relu, "elu": _elu}
FUNCTIONS |= {name: make(**PARAMETERS[name]) for name, make in PARAMETRIC.items()}


def function_of(name: str) -> Function:
    """Find the function of an activation, which may have parameters.

    Args:
        name: The activation.

    Returns:
        The function with its derivative.
    """
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    base, parameters = activation_parts(name)
    return PARAMETRIC[base](**parameters)


SAVES_INPUT = frozenset({"gelu_tanh", "gelu_exact", "silu", "mish", "hard_swish"})
# f(max(a, b)) = max(f(a), f(b)), so the function may be applied after a max pooling instead of before.
MONOTONIC = frozenset(FUNCTIONS) - SAVES_INPUT - {"softmax", "softmin", "log_softmax"}


def is_monotonic(name: str) -> bool:
    """Return whether an activation may be applied after a max pooling instead of before."""
    return activation_parts(name)[0] in MONOTONIC


@rule(Activation)
@rule(ReLU)
@rule(LeakyReLU)
@rule(ELU)
@rule(Softmax)
@rule(Identity)
def activation(layer: Layer, *input_shapes: Shape) -> None:
    """Return None: the planner adds the activation of every layer."""


class ActivationRule(LayerRule[Layer, Array]):
    """An activation, computed in place if the planner allows it. The state is y, or x if the gradient needs it."""

    variables = ()

    def __init__(self, layer: Layer, name: str, *, in_place: bool) -> None:
        super().__init__(layer)
        self.function, self.saves_input = function_of(name), name in SAVES_INPUT
        self.in_place = in_place and not self.saves_input

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, Array]:
        """Return y and the state; x and y are (N, …)."""
        source = planes(x)
        y = self.function.forward(
            source, source if self.in_place else context.scratch.empty("y", source.shape, x.dtype)
        )
        return planes(y), source if self.saves_input else y

    def backward(self, context: LayerContext, saved: Array, dy: Array) -> tuple[Array]:
        """Return dx = dy · f′."""
        gradient = planes(dy)
        out = context.scratch.empty("dx", gradient.shape, dy.dtype)
        return (planes(self.function.backward(gradient, saved, out)),)


@rule(PReLU)
class PReluRule(LayerRule[PReLU, Array]):
    """y = x if x > 0, else alpha · x. The state is x, as planes."""

    output_overwritable = True

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, Array]:
        """Return y and the state; x and y are (N, …)."""
        source = planes(x)
        return planes(np.where(source > 0, source, self._slopes(context) * source)), source

    def backward(self, context: LayerContext, source: Array, dy: Array) -> tuple[Array]:
        """Return dx = dy where x > 0, else alpha · dy."""
        gradient, slopes, is_negative = planes(dy), self._slopes(context), source <= 0
        by_slope = (gradient * source * is_negative).sum(axis=-1, keepdims=True)
        shared = tuple(axis for axis, size in enumerate(slopes.shape[:-1]) if size == 1)
        context.gradients["alpha"][...] = planes(by_slope.sum(axis=shared, keepdims=True))[0]
        return (planes(np.where(is_negative, slopes * gradient, gradient)),)

    def _slopes(self, context: LayerContext) -> Array:
        """Return the slopes (H, W, C) or (F,) as planes of one image."""
        return planes(context.weights["alpha"][None])
