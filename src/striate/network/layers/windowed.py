"""The base of convolution and pooling layers."""

# ruff: noqa: D102 - Layer documents the methods that these classes override.

from dataclasses import dataclass

from striate.network.layers.base import Layer
from striate.network.layers.core import expect_maps
from striate.network.shapes import Shape, Window


@dataclass(frozen=True)
class Windowed(Layer):
    """Base of layers with a sliding window, whose output has one pixel per window position."""

    @property
    def window(self) -> Window:
        """The sliding window."""
        raise NotImplementedError

    def maps(self, channels: int) -> int:
        """Return the number of output channels for a number of input channels."""
        return channels

    def output_shape(self, *inputs: Shape) -> Shape:
        height, width, channels = expect_maps(self, *inputs)
        if not self.window.fits((height, width)):
            raise self.error(_too_large(self.window, (height, width)))
        return *self.window.output_size((height, width)), self.maps(channels)


def _too_large(window: Window, size: tuple[int, int]) -> str:
    (ey, ex), (height, width) = window.extent, window.padded(size)
    padded = "" if (height, width) == size else f", {height}×{width} with its padding"
    return (
        f"its window of {ey}×{ex} is larger than its input of {size[0]}×{size[1]}{padded}. "
        "Use a smaller window, padding='same', fewer layers that reduce the feature maps, or larger images."
    )
