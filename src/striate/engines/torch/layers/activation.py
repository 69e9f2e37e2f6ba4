"""Activation functions by name. Feature maps are (N, C, H, W), vectors (N, F); softmax runs over axis 1."""

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.rules import Parameters, rule
from striate.network import ELU, Activation, Identity, Layer, LeakyReLU, PReLU, ReLU, Softmax
from striate.network.activations import TANH_SCALE, TANH_SLOPE, activation_parts


class _ReLU6(torch.autograd.Function):
    """min(max(x, 0), 6), which keeps its output for the backward pass, as the next layer does, and not x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = F.relu6(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Tensor:
        """Return dy where 0 < y < 6, else 0."""
        (y,) = ctx.saved_tensors
        dx: Tensor = torch.ops.aten.hardtanh_backward(dy, y, 0.0, 6.0)
        return dx


def _relu6(x: Tensor) -> Tensor:
    y: Tensor = _ReLU6.apply(x)  # type: ignore[no-untyped-call]
    return y


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "relu6": _relu6,
    "selu": F.selu,
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "gelu_exact": F.gelu,
    "silu": F.silu,
    "mish": F.mish,
    "softplus": partial(F.softplus, threshold=40.0),  # above it, e^−x no longer changes x, also in float64
    "softsign": F.softsign,
    "exponential": torch.exp,
    "sigmoid": torch.sigmoid,
    "log_sigmoid": F.logsigmoid,
    "hard_tanh": F.hardtanh,
    "hard_sigmoid": lambda x: F.relu6(x + 3) / 6,  # F.hardsigmoid's slope is a float32 1/6, also in float64
    "hard_swish": F.hardswish,
    "tanh": torch.tanh,
    "scaled_tanh": lambda x: TANH_SCALE * torch.tanh(TANH_SLOPE * x),
    "softmax": partial(F.softmax, dim=1),
    "softmin": partial(F.softmin, dim=1),
    "log_softmax": partial(F.log_softmax, dim=1),
}


def _relu(x: Tensor, max_value: float, negative_slope: float, threshold: float) -> Tensor:
    if max_value == inf and not negative_slope and not threshold:
        return F.relu(x)
    return torch.where(x >= threshold, x, negative_slope * (x - threshold)).clamp(max=max_value)


PARAMETRIC: dict[str, Callable[..., Tensor]] = {"relu": _relu, "leaky_relu": F.leaky_relu, "elu": F.elu}


def function_of(name: str) -> Callable[[Tensor], Tensor]:
    """Find the function of an activation, which may have parameters.

    Args:
        name: The activation.

    Returns:
        The function.
    """
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    base, parameters = activation_parts(name)
    return partial(PARAMETRIC[base], **parameters)


@rule(Activation, layout="channels_first", activate=True)
@rule(ReLU, layout="channels_first", activate=True)
@rule(LeakyReLU, layout="channels_first", activate=True)
@rule(ELU, layout="channels_first", activate=True)
@rule(Softmax, layout="channels_first", activate=True)
@rule(Identity, layout="channels_first", activate=True)
def activation(layer: Layer, weights: Parameters, x: Tensor) -> Tensor:
    """Return x; the engine applies the activation."""
    return x


@rule(PReLU)
def parametric_relu(layer: PReLU, weights: Parameters, x: Tensor) -> Tensor:
    """Return x where it is above 0, else alpha · x; x is (N, H, W, C) or (N, F)."""
    return torch.where(x > 0, x, weights["alpha"] * x)
