"""Normalization by statistics of the batch or of each sample, and by neighboring channels."""

# ruff: noqa: D102 - Layer documents the methods that these classes override.

from dataclasses import dataclass
from typing import Any, ClassVar

from striate.errors import NetworkError
from striate.network import settings as check
from striate.network.initializers import InitializerLike, Ones, Zeros, get_initializer
from striate.network.layers.base import Layer, Parameter
from striate.network.layers.common import expect_maps
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

    training_behavior = "other"
    momentum: float = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    gamma_initializer: InitializerLike = "ones"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.fraction, "momentum")
        self.convert(check.above_zero, "epsilon")
        self.convert(check.flag, "center", "scale")
        self.convert(get_initializer, "gamma_initializer")

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

    Attributes:
        radius: Number of neighboring channels on each side.
        alpha: Factor of the sum, above 0.
        beta: Exponent, above 0.
        k: Added to the sum, above 0.

    Source: Krizhevsky, Sutskever, Hinton 2012, section 3.3.
    """

    radius: int = 2
    alpha: float = 2e-5
    beta: float = 0.75
    k: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.whole, "radius")
        self.convert(check.above_zero, "alpha", "beta", "k")

    def output_shape(self, *inputs: Shape) -> Shape:
        return expect_maps(self, *inputs)


class SampleNormalization(Layer):
    """Base of normalizations by mean and variance of each sample, which are the same in training and inference."""

    axis: int
    epsilon: float
    center: bool
    scale: bool

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(last_axis, "axis")
        self.convert(check.above_zero, "epsilon")
        self.convert(check.flag, "center", "scale")

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        channels = inputs[0][-1:]
        gamma = (Parameter("gamma", channels, Ones()),) if self.scale else ()
        beta = (Parameter("beta", channels, Zeros()),) if self.center else ()
        return (*gamma, *beta)


@register_layer
@dataclass(frozen=True)
class LayerNormalization(SampleNormalization):
    """Layer normalization: y = gamma · (x − mean) / √(variance + epsilon) + beta.

    Mean and variance are those of the channels of each pixel, or of a vector (F,).

    Attributes:
        axis: −1, the channels.
        epsilon: Above 0.
        center: Whether there is beta.
        scale: Whether there is gamma.

    Source: Ba, Kiros, Hinton 2016; Liu et al. 2022, "A ConvNet for the 2020s", for feature maps.
    """

    axis: int = -1
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True


@register_layer
@dataclass(frozen=True)
class GroupNormalization(SampleNormalization):
    """Group normalization: y = gamma · (x − mean) / √(variance + epsilon) + beta.

    Mean and variance are those of the pixels and channels of each group.

    Attributes:
        groups: Number of groups, which divides the number of channels; −1: each channel is a group.
        axis: −1, the channels.
        epsilon: Above 0.
        center: Whether there is beta.
        scale: Whether there is gamma.

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
            self.convert(check.positive, "groups")

    def output_shape(self, *inputs: Shape) -> Shape:
        channels = inputs[0][-1]
        if channels % self.groups_of(channels):
            raise self.error(f"expected channels divisible by groups, received {channels} and {self.groups}.")
        return inputs[0]

    def groups_of(self, channels: int) -> int:
        """Return the number of groups for a number of channels."""
        return channels if self.groups == -1 else self.groups


@register_layer
@dataclass(frozen=True)
class UnitNormalization(Layer):
    """Scaling to unit length: y = x / √(Σ x²), summed over the channels of each pixel, or over a vector (F,).

    Sums below `floor` are replaced by it.

    Attributes:
        axis: −1, the channels.
    """

    floor: ClassVar[float] = 1e-12
    axis: int = -1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(last_axis, "axis")

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


def last_axis(value: Any) -> int:
    """Return −1, the only axis that normalizations run over. Raise NetworkError for any other."""
    if value != -1 or isinstance(value, bool):
        raise NetworkError(f"expected -1, the channels, received {value!r}.")
    return -1
