"""Normalization by batch statistics and by neighboring maps."""

# ruff: noqa: D102 - Layer documents the methods that these classes override.

from dataclasses import dataclass
from typing import Any

from striate.errors import NetworkError
from striate.network import settings as check
from striate.network.initializers import Initializer, Ones, Zeros, get_initializer
from striate.network.layers.base import Layer, Parameter
from striate.network.layers.core import expect_maps
from striate.network.registry import register_layer
from striate.network.shapes import Shape

__all__ = [
    "BatchNormalization",
    "GroupNormalization",
    "LayerNormalization",
    "LocalResponseNormalization",
    "UnitNormalization",
]


@register_layer
@dataclass(frozen=True)
class BatchNormalization(Layer):
    """Batch normalization: y = gamma · (x − mean) / √(variance + epsilon) + beta, for each channel.

    In training, mean and variance are those of the batch; in inference, moving averages, updated by
    moving ← momentum · moving + (1 − momentum) · batch.

    Attributes:
        momentum: 0 to below 1.
        epsilon: Above 0.
        center: Whether there is beta.
        scale: Whether there is gamma.
        gamma_initializer: With "zeros", a residual block is initially the identity (Goyal et al. 2017).

    Example:
        >>> from striate.layers import BatchNormalization
        >>> [parameter.name for parameter in BatchNormalization().parameters((8, 8, 16))]
        ['gamma', 'beta', 'moving_mean', 'moving_variance']

    Source:
        Ioffe and Szegedy 2015.
    """

    momentum: float = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    gamma_initializer: str | Initializer = "ones"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.settle(check.fraction, "momentum")
        self.settle(check.above_zero, "epsilon")
        self.settle(check.flag, "center", "scale")
        self.settle(get_initializer, "gamma_initializer")

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        channels = inputs[0][-1:]
        gamma = (Parameter("gamma", channels, get_initializer(self.gamma_initializer)),) if self.scale else ()
        beta = (Parameter("beta", channels, Zeros()),) if self.center else ()
        return (
            *gamma,
            *beta,
            Parameter("moving_mean", channels, Zeros(), trainable=False),
            Parameter("moving_variance", channels, Ones(), trainable=False),
        )


@register_layer
@dataclass(frozen=True)
class LocalResponseNormalization(Layer):
    """Normalization by neighboring channels: y = x / (k + alpha · Σ x²)^beta, summed over channels c ± radius.

    Source: Krizhevsky, Sutskever, Hinton 2012, section 3.3.
    """

    radius: int = 2
    alpha: float = 2e-5
    beta: float = 0.75
    k: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.settle(check.whole, "radius")
        self.settle(check.above_zero, "alpha", "beta", "k")

    def output_shape(self, *inputs: Shape) -> Shape:
        return expect_maps(self, *inputs)


class WithinSample(Layer):
    """Base of normalizations by the mean and variance of each sample, in training and inference alike."""

    axis: int
    epsilon: float
    center: bool
    scale: bool

    def __post_init__(self) -> None:
        super().__post_init__()
        self.settle(last_axis, "axis")
        self.settle(check.above_zero, "epsilon")
        self.settle(check.flag, "center", "scale")

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        channels = inputs[0][-1:]
        gamma = (Parameter("gamma", channels, Ones()),) if self.scale else ()
        beta = (Parameter("beta", channels, Zeros()),) if self.center else ()
        return (*gamma, *beta)


@register_layer
@dataclass(frozen=True)
class LayerNormalization(WithinSample):
    """y = gamma · (x − mean) / √(variance + epsilon) + beta, by the channels of each pixel, or by a whole row.

    axis: −1, the channels. center, scale: whether there is beta, gamma.

    Source: Ba, Kiros, Hinton 2016; Liu et al. 2022, "A ConvNet for the 2020s", for maps.
    """

    axis: int = -1
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True


@register_layer
@dataclass(frozen=True)
class GroupNormalization(WithinSample):
    """y = gamma · (x − mean) / √(variance + epsilon) + beta, by the pixels and channels of each group.

    groups: how many; the channels must be divisible by it. 1: all channels together, −1: each channel by itself.

    Source: Wu and He 2018.
    """

    groups: int = 32
    axis: int = -1
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.groups != -1:
            self.settle(check.positive, "groups")

    def output_shape(self, *inputs: Shape) -> Shape:
        channels = inputs[0][-1]
        if channels % self.groups_of(channels):
            raise self.error(f"expected channels divisible by groups, received {channels} and {self.groups}.")
        return inputs[0]

    def groups_of(self, channels: int) -> int:
        """Return how many groups there are."""
        return channels if self.groups == -1 else self.groups


@register_layer
@dataclass(frozen=True)
class UnitNormalization(Layer):
    """y = x / √(Σ x²), the sum over the channels of each pixel, or over a row; sums below 1e-12 count as 1e-12."""

    axis: int = -1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.settle(last_axis, "axis")

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


def last_axis(value: Any) -> int:
    """Return −1, the only axis that normalizations run over. Raise NetworkError for any other."""
    if value != -1 or isinstance(value, bool):
        raise NetworkError(f"expected -1, the channels, received {value!r}.")
    return -1
