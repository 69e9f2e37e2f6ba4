"""Random changes in training, besides dropout of single values; in inference these layers do nothing."""

# ruff: noqa: D102 - Layer documents the methods that these classes override.

from dataclasses import dataclass

from striate.network import settings as check
from striate.network.layers.base import Layer
from striate.network.layers.common import expect_maps
from striate.network.registry import register_layer
from striate.network.shapes import Shape

__all__ = ["GaussianDropout", "GaussianNoise", "SpatialDropout2D"]


class RandomLayer(Layer):
    """Base of these layers. The random numbers depend only on the seed, the step and the layer."""

    training_behavior = "none in inference"

    def random_shape(self, shape: Shape) -> Shape:
        """Return the shape of the random numbers of one sample, for an input of this shape."""
        return shape

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


@register_layer
@dataclass(frozen=True)
class SpatialDropout2D(RandomLayer):
    """Dropout of entire feature maps: each is set to 0 with probability `rate`, the others times 1 / (1 − rate).

    Attributes:
        rate: From 0 to below 1.

    Source: Tompson et al. 2015, "Efficient object localization using convolutional networks".
    """

    rate: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.fraction, "rate")

    def random_shape(self, shape: Shape) -> Shape:
        return 1, 1, shape[-1]

    def output_shape(self, *inputs: Shape) -> Shape:
        return expect_maps(self, *inputs)


@register_layer
@dataclass(frozen=True)
class GaussianNoise(RandomLayer):
    """Adds normal noise of mean 0.

    Attributes:
        stddev: Its standard deviation, 0 or more.
    """

    stddev: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.not_negative, "stddev")


@register_layer
@dataclass(frozen=True)
class GaussianDropout(RandomLayer):
    """Multiplies with normal noise of mean 1 and variance rate / (1 − rate), which dropout with this rate also has.

    Attributes:
        rate: From 0 to below 1.

    Source: Srivastava et al. 2014, section 10.
    """

    rate: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.fraction, "rate")

    @property
    def stddev(self) -> float:
        """The standard deviation of the noise."""
        return float((self.rate / (1 - self.rate)) ** 0.5)
