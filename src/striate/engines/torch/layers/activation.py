"""Activation functions by name. Feature maps are (N, C, H, W), vectors (N, F); softmax runs over axis 1."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.rules import Parameters, rule
from striate.network import Activation
from striate.network.settings import LEAK, TANH_SCALE, TANH_SLOPE

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x,
    "relu": F.relu,
    "relu6": F.relu6,
    "leaky_relu": partial(F.leaky_relu, negative_slope=LEAK),
    "elu": F.elu,
    "selu": F.selu,
    "gelu": partial(F.gelu, approximate="tanh"),
    "gelu_exact": F.gelu,
    "silu": F.silu,
    "mish": F.mish,
    "softplus": partial(F.softplus, threshold=40.0),  # above it, e^−x no longer changes x, also in float64
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": lambda x: F.relu6(x + 3) / 6,  # F.hardsigmoid's slope is a float32 1/6, also in float64
    "hard_swish": F.hardswish,
    "tanh": torch.tanh,
    "scaled_tanh": lambda x: TANH_SCALE * torch.tanh(TANH_SLOPE * x),
    "softmax": partial(F.softmax, dim=1),
    "softmin": partial(F.softmin, dim=1),
    "log_softmax": partial(F.log_softmax, dim=1),
}


@rule(Activation, layout="channels_first", activate=True)
def activation(layer: Activation, weights: Parameters, x: Tensor) -> Tensor:
    """Return x; the engine applies the activation."""
    return x
