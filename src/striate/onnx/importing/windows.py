"""How a window moves along the spatial axes of an array (N, C, D1 … Dn): strides, dilations, padding, rounding."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from striate._types import Array
from striate.engines.numpy.convolution import Geometry
from striate.network.shapes import same_margins

Ints = Sequence[int]
WORDS = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


@dataclass(frozen=True)
class Axis:
    """One spatial axis, `size` numbers long.

    start, end: padding that the model asks for. overhang: how far the last window reaches beyond it where the number
    of windows was rounded up.
    """

    size: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    start: int = 0
    end: int = 0
    overhang: int = 0

    @property
    def reach(self) -> int:
        """How many numbers a window covers, those between its taps included."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def border(self) -> tuple[int, int]:
        """What is added at start and end."""
        return self.start, self.end + self.overhang

    @property
    def count(self) -> int:
        """How many windows there are."""
        return (self.size + sum(self.border) - self.reach) // self.stride + 1

    @property
    def spread(self) -> int:
        """How many numbers the windows of a transposed convolution reach, one window for each number of the axis."""
        return self.stride * (self.size - 1) + self.reach

    def tap(self, place: int, count: int) -> slice:
        """Where the number at this place of each of `count` windows lies."""
        first = place * self.dilation
        return slice(first, first + self.stride * (count - 1) + 1, self.stride)

    def padded_by(self, word: str) -> "Axis":
        """With the padding that one of WORDS asks for."""
        if word == "NOTSET":
            return self
        start, end = (0, 0) if word == "VALID" else same_margins(self.size, self.reach, self.stride)
        return replace(self, start=end, end=start) if word == "SAME_LOWER" else replace(self, start=start, end=end)

    def rounded_up(self) -> "Axis":
        """One window more where numbers would be left over, unless it would start in the padding at the end."""
        full = self.start + self.size + self.end
        overhang = -(full - self.reach) % self.stride
        begins = full + overhang - self.reach
        return replace(self, overhang=overhang) if begins < self.start + self.size else self

    def with_zeros(self) -> "Axis":
        """The same windows once the padding has become part of the maps."""
        return replace(self, size=self.start + self.size + self.end, start=0, end=0)


Axes = tuple[Axis, ...]
POINT = Axis(1, 1)


def axes_of(
    sizes: Ints,
    kernel: Ints,
    strides: Ints = (),
    dilations: Ints = (),
    pads: Ints = (),
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
) -> Axes:
    """From ONNX's attributes, which are empty if left out. pads: (start 1 … start n, end 1 … end n).

    Raises ValueError for an unknown auto_pad, and for attributes that are not of as many axes.
    """
    if auto_pad not in WORDS:
        raise ValueError(f"auto_pad is {auto_pad!r}; known are {', '.join(WORDS)}")
    n = len(sizes)
    pads, ones = pads or (0,) * (2 * n), (1,) * n
    settings = zip(sizes, kernel, strides or ones, dilations or ones, pads[:n], pads[n:], strict=True)
    axes = tuple(Axis(*given).padded_by(auto_pad) for given in settings)
    rounds_up = ceil_mode and not auto_pad.startswith("SAME")
    return tuple(axis.rounded_up() for axis in axes) if rounds_up else axes


def geometry(axes: Axes) -> Geometry:
    """Two axes as the NumPy engine has them."""
    y, x = axes
    return Geometry((y.kernel, x.kernel), (y.stride, x.stride), (y.border, x.border), (y.dilation, x.dilation))


def members(x: Array, axes: Axes, fill: float) -> Array:
    """The numbers of each window: (N, C, D1 … Dn) → (N, C, O1 … On, K1 · … · Kn). fill: the padding."""
    padded = np.pad(x, ((0, 0), (0, 0), *(axis.border for axis in axes)), constant_values=fill)
    views = sliding_window_view(padded, [axis.reach for axis in axes], tuple(range(2, x.ndim)))
    places = [slice(None, None, axis.stride) for axis in axes]
    taps = [slice(None, None, axis.dilation) for axis in axes]
    chosen: Array = views[(slice(None), slice(None), *places, *taps)]  # (N, C, O1 … On, K1 … Kn)
    return chosen.reshape(*chosen.shape[: x.ndim], -1)
