"""Upsampling by whole factors."""

# ruff: noqa: D102 - Layer documents the methods that these classes override.

from dataclasses import dataclass

from striate.network import settings as check
from striate.network.layers.base import Layer
from striate.network.layers.common import expect_maps
from striate.network.registry import register_layer
from striate.network.shapes import IntPair, Shape

__all__ = ["UpSampling2D"]


@register_layer
@dataclass(frozen=True)
class UpSampling2D(Layer):
    """Upsampling: each feature map becomes size[0] times as high and size[1] times as wide.

    Attributes:
        size: Factors for height and width, one number or (y, x).
        interpolation: "nearest" repeats pixels; "bilinear" weights the four nearest by distance between pixel centers;
            "bilinear_align_corners" does the same with the centers of the corner pixels in the same places.

    Example:
        >>> from striate.layers import UpSampling2D
        >>> UpSampling2D(2).output_shape((7, 7, 16))
        (14, 14, 16)
    """

    size: int | IntPair = 2
    interpolation: str = "nearest"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.convert(check.pair, "size")
        self.convert(check.one_of("nearest", "bilinear", "bilinear_align_corners"), "interpolation")

    @property
    def factors(self) -> IntPair:
        """The factors (y, x)."""
        return check.pair(self.size)

    def output_shape(self, *inputs: Shape) -> Shape:
        (height, width, channels), (y, x) = expect_maps(self, *inputs), self.factors
        return height * y, width * x, channels
