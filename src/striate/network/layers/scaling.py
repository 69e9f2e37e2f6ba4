"""Normalization by fixed statistics of the data, and trained scales."""

# ruff: noqa: D102 - Layer documents the methods that these classes override.

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from striate.network import settings as check
from striate.network.initializers import Constant
from striate.network.layers.base import Layer, Parameter
from striate.network.registry import register_layer
from striate.network.shapes import Shape

__all__ = ["LayerScale", "Normalization"]

MIN_STD = 1e-7  # as in Keras; smaller standard deviations are replaced by it
PerChannel = float | tuple[float, ...] | list[float] | None


@register_layer
@dataclass(frozen=True)
class Normalization(Layer):
    """y = (x − mean) / √variance, with the mean and the variance of the data, which `adapt` computes.

    Attributes:
        axis: −1: one mean and variance per channel; None: one for all.
        mean: One number, or one per channel.
        variance: One number, or one per channel.
        invert: Whether to compute x · √variance + mean instead.

    Example:
        >>> from striate.layers import Normalization
        >>> Normalization(mean=127.5, variance=64.0**2).scale
        0.015625
    """

    axis: int | None = -1
    mean: PerChannel = None
    variance: PerChannel = None
    invert: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.flag, "invert")
        for setting in ("mean", "variance"):
            value = getattr(self, setting)
            if value is not None:
                self._store(setting, value.tolist() if hasattr(value, "tolist") else value)

    def _store(self, setting: str, value: Any) -> None:
        object.__setattr__(self, setting, value)
        self.convert(check.per_channel, setting)

    def adapt(self, data: Any) -> None:
        """Compute mean and variance from data, before the layer is used.

        Args:
            data: (N, …, C).

        Raises:
            NetworkError: If the data are not an array.
        """
        if not hasattr(data, "mean") or not hasattr(data, "var"):
            raise self.error(
                f"adapt: expected an array of samples, received {type(data).__name__}. Pass the images of the data "
                "set as one array, for example data.train.x."
            )
        axes = tuple(range(data.ndim if self.axis is None else data.ndim - 1))
        for setting, values in (("mean", data.mean(axis=axes)), ("variance", data.var(axis=axes))):
            self._store(setting, values.tolist())

    @property
    def scale(self) -> float | tuple[float, ...]:
        """The factor of x."""
        return _each(lambda std: std if self.invert else 1 / std, self._std)

    @property
    def offset(self) -> float | tuple[float, ...]:
        """What is added to x · scale."""
        if self.invert:
            return _each(float, self.mean)
        return _each(lambda mean, std: -mean / std, self.mean, self._std)

    @property
    def _std(self) -> float | tuple[float, ...]:
        return _each(lambda variance: max(variance**0.5, MIN_STD), self.variance)

    def output_shape(self, *inputs: Shape) -> Shape:
        (shape,) = inputs
        if self.mean is None or self.variance is None:
            raise self.error("it has no mean and variance. Call adapt(images) before, or pass mean= and variance=.")
        for setting in ("mean", "variance"):
            value = getattr(self, setting)
            if isinstance(value, tuple) and len(value) not in (1, shape[-1]):
                raise self.error(
                    f"expected {setting} with one number for each of the {shape[-1]} channels, received {len(value)}."
                )
        return shape


@register_layer
@dataclass(frozen=True)
class LayerScale(Layer):
    """y = scale · x, with one trained factor for each channel, which starts near 0 at the end of a residual block.

    Attributes:
        initial: The initial factor.

    Example:
        >>> from striate.layers import LayerScale
        >>> [(parameter.name, parameter.shape) for parameter in LayerScale().parameters((7, 7, 16))]
        [('scale', (16,))]

    Source:
        Touvron et al. 2021, "Going deeper with image transformers", section 2.
    """

    initial: float = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.number, "initial")

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        return (Parameter("scale", inputs[0][-1:], Constant(self.initial)),)


def _each(function: Callable[..., float], *values: Any) -> float | tuple[float, ...]:
    """Apply a function to numbers, or to numbers per channel."""
    lengths = [len(value) for value in values if isinstance(value, tuple)]
    if not lengths:
        return function(*values)
    columns = (value if isinstance(value, tuple) else (value,) * max(lengths) for value in values)
    result = tuple(function(*column) for column in zip(*columns, strict=True))
    return result[0] if len(result) == 1 else result
