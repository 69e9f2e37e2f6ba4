"""Normalization by statistics of the batch or of each sample, and by neighboring channels."""

# ruff: noqa: D102 - Layer documents the methods that these classes override.

from dataclasses import dataclass
from typing import Any, ClassVar

from striate.errors import NetworkError
from striate.network import settings as check
from striate.network.initializers import InitializerLike, get_initializer
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


def _gamma_and_beta(layer: "BatchNormalization | SampleNormalization", channels: Shape) -> tuple[Parameter, ...]:
    gamma = Parameter("gamma", channels, get_initializer(layer.gamma_initializer))
    beta = Parameter("beta", channels, get_initializer(layer.beta_initializer))
    return (*((gamma,) if layer.scale else ()), *((beta,) if layer.center else ()))


@register_layer
@dataclass(frozen=True)
class BatchNormalization(Layer):
    """Batch normalization: y = gamma · (x − mean) / √(variance + epsilon) + beta, for each channel.

    In training, mean and variance are those of the batch; in inference, moving averages, updated by
    moving ← momentum · moving + (1 − momentum) · batch.

    Attributes:
        axis: The channels: −1, or 3 for feature maps.
        momentum: 0 to below 1.
        epsilon: Above 0.
        center: Whether there is beta.
        scale: Whether there is gamma.
        beta_initializer: Name, initializer object, number or array.
        gamma_initializer: With "zeros", a residual block is initially the identity (Goyal et al. 2017).
        moving_mean_initializer: Initializer of the moving average of the mean.
        moving_variance_initializer: Initializer of the moving average of the variance.

    Example:
        >>> from striate.layers import BatchNormalization
        >>> [parameter.name for parameter in BatchNormalization().parameters((8, 8, 16))]
        ['gamma', 'beta', 'moving_mean', 'moving_variance']

    Source:
        Ioffe and Szegedy 2015.
    """

    training_behavior = "other"
    axis: int = -1
    momentum: float = 0.99
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    beta_initializer: InitializerLike = "zeros"
    gamma_initializer: InitializerLike = "ones"
    moving_mean_initializer: InitializerLike = "zeros"
    moving_variance_initializer: InitializerLike = "ones"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(last_axis, "axis")
        self.convert(check.fraction, "momentum")
        self.convert(check.above_zero, "epsilon")
        self.convert(check.flag, "center", "scale")
        self.convert(get_initializer, "beta_initializer", "gamma_initializer")
        self.convert(get_initializer, "moving_mean_initializer", "moving_variance_initializer")

    def output_shape(self, *inputs: Shape) -> Shape:
        return check_last_axis(self, self.axis, *inputs)

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        channels = inputs[0][-1:]
        mean, variance = map(get_initializer, (self.moving_mean_initializer, self.moving_variance_initializer))
        return (
            *_gamma_and_beta(self, channels),
            Parameter("moving_mean", channels, mean, trainable=False),
            Parameter("moving_variance", channels, variance, trainable=False),
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
        self.convert(check.integer, "radius")
        self.convert(check.above_zero, "alpha", "beta", "k")

    def output_shape(self, *inputs: Shape) -> Shape:
        return expect_maps(self, *inputs)


class SampleNormalization(Layer):
    """Base of normalizations by mean and variance of each sample, which are the same in training and inference."""

    axis: int
    epsilon: float
    center: bool
    scale: bool
    beta_initializer: InitializerLike
    gamma_initializer: InitializerLike

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(last_axis, "axis")
        self.convert(check.above_zero, "epsilon")
        self.convert(check.flag, "center", "scale")
        self.convert(get_initializer, "beta_initializer", "gamma_initializer")

    def output_shape(self, *inputs: Shape) -> Shape:
        return check_last_axis(self, self.axis, *inputs)

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        return _gamma_and_beta(self, inputs[0][-1:])


@register_layer
@dataclass(frozen=True)
class LayerNormalization(SampleNormalization):
    """Layer normalization: y = gamma · (x − mean) / √(variance + epsilon) + beta.

    Mean and variance are those of the channels of each pixel, or of a vector (F,).

    Attributes:
        axis: The channels: −1, or 3 for feature maps.
        epsilon: Above 0.
        center: Whether there is beta.
        scale: Whether there is gamma.
        beta_initializer: Name, initializer object, number or array.
        gamma_initializer: Name, initializer object, number or array.

    Source: Ba, Kiros, Hinton 2016; Liu et al. 2022, "A ConvNet for the 2020s", for feature maps.
    """

    axis: int = -1
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    beta_initializer: InitializerLike = "zeros"
    gamma_initializer: InitializerLike = "ones"


@register_layer
@dataclass(frozen=True)
class GroupNormalization(SampleNormalization):
    """Group normalization: y = gamma · (x − mean) / √(variance + epsilon) + beta.

    Mean and variance are those of the pixels and channels of each group.

    Attributes:
        groups: Number of groups, which divides the number of channels; −1: each channel is a group.
        axis: The channels: −1, or 3 for feature maps.
        epsilon: Above 0.
        center: Whether there is beta.
        scale: Whether there is gamma.
        beta_initializer: Name, initializer object, number or array.
        gamma_initializer: Name, initializer object, number or array.

    Source: Wu and He 2018.
    """

    groups: int = 32
    axis: int = -1
    epsilon: float = 1e-3
    center: bool = True
    scale: bool = True
    beta_initializer: InitializerLike = "zeros"
    gamma_initializer: InitializerLike = "ones"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.groups != -1:
            self.convert(check.positive, "groups")

    def output_shape(self, *inputs: Shape) -> Shape:
        channels = inputs[0][-1]
        if channels % self.groups_of(channels):
            raise self.error(f"expected channels divisible by groups, received {channels} and {self.groups}.")
        return super().output_shape(*inputs)

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
        return check_last_axis(self, self.axis, *inputs)


def last_axis(value: Any) -> int:
    """Check the axis of a normalization.

    Args:
        value: −1, or the number of the last axis.

    Returns:
        The axis.

    Raises:
        NetworkError: If it is another axis.
    """
    if isinstance(value, list | tuple) and len(value) == 1:
        (value,) = value
    if value not in (-1, 1, 3) or isinstance(value, bool):
        raise NetworkError(f"expected -1, the channels, received {value!r}.")
    return int(value)


def check_last_axis(layer: Layer, axis: int, *inputs: Shape) -> Shape:
    """Check that the axis of a layer is the last one of its only input.

    Args:
        layer: The layer, for the message.
        axis: −1, or the number of the axis.
        *inputs: The shape of each input.

    Returns:
        The shape of the input.

    Raises:
        NetworkError: If it is another axis.
    """
    (shape,) = inputs
    if axis not in (-1, len(shape)):
        raise layer.error(
            f"axis: expected -1, the channels, which are last in (N, H, W, C); received {axis} for {shape}."
        )
    return shape
