"""Activation functions by name. Feature maps are (N, C, H, W), vectors (N, F); softmax runs over axis 1."""

from collections.abc import Callable
from functools import partial
from math import inf

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.rules import Parameters, rule
from striate.network import ELU, Activation, Identity, Layer, LeakyReLU, PReLU, ReLU, Softmax
from striate.network.activations import TANH_SCALE, TANH_SLOPE, activation_parts

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "relu6": F.relu6,
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
    """Return the function of an activation, which may have parameters."""
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
