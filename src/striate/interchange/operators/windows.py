"""How a window moves along the spatial axes of an array (N, C, D1 … Dn): strides, dilations, padding, rounding."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from striate.engines.base import Array
from striate.engines.numpy.convolution import Geometry

Ints = Sequence[int]


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

    def same(self, *, at_end: bool) -> "Axis":
        """So much padding that there are size / stride windows, rounded up."""
        windows = -(-self.size // self.stride)
        start, end = halves(max((windows - 1) * self.stride + self.reach - self.size, 0), at_end=at_end)
        return replace(self, start=start, end=end)

    def rounded_up(self) -> "Axis":
        """One window more where numbers would be left over, unless it would start in the padding at the end."""
        full = self.start + self.size + self.end
        overhang = -(full - self.reach) % self.stride
        begins = full + overhang - self.reach
        return replace(self, overhang=overhang) if begins < self.start + self.size else self

    def padded(self) -> "Axis":
        """The same windows once the padding has become part of the maps."""
        return replace(self, size=self.start + self.size + self.end, start=0, end=0)


@dataclass(frozen=True)
class Windows:
    """All spatial axes; each property has one entry for each."""

    axes: tuple[Axis, ...]

    @property
    def kernel(self) -> tuple[int, ...]:
        """Sizes of the window."""
        return tuple(axis.kernel for axis in self.axes)

    @property
    def strides(self) -> tuple[int, ...]:
        """From one window to the next."""
        return tuple(axis.stride for axis in self.axes)

    @property
    def dilations(self) -> tuple[int, ...]:
        """From one tap of the window to the next."""
        return tuple(axis.dilation for axis in self.axes)

    @property
    def padding(self) -> tuple[tuple[int, int], ...]:
        """At start and end, as the model asks for it."""
        return tuple((axis.start, axis.end) for axis in self.axes)

    @property
    def overhang(self) -> tuple[int, ...]:
        """Beyond the padding, where the number of windows was rounded up."""
        return tuple(axis.overhang for axis in self.axes)

    @property
    def borders(self) -> tuple[tuple[int, int], ...]:
        """Padding and overhang together."""
        return tuple(axis.border for axis in self.axes)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many windows there are."""
        return tuple(axis.count for axis in self.axes)

    def flat(self) -> "Windows":
        """With a last axis of size 1 more, so that rows become maps."""
        return Windows((*self.axes, Axis(1, 1)))

    def padded(self) -> "Windows":
        """The same windows once the padding has become part of the maps."""
        return Windows(tuple(axis.padded() for axis in self.axes))

    def geometry(self) -> Geometry:
        """Two axes as the NumPy engine has them."""
        (kh, kw), (sh, sw), (dh, dw), (rows, columns) = self.kernel, self.strides, self.dilations, self.borders
        return Geometry((kh, kw), (sh, sw), (rows, columns), (dh, dw))

    def members(self, x: Array, fill: float) -> Array:
        """The numbers of each window: (N, C, D1 … Dn) → (N, C, O1 … On, K1 · … · Kn). fill: beyond the maps."""
        padded = np.pad(x, ((0, 0), (0, 0), *self.borders), constant_values=fill)
        views = sliding_window_view(padded, [axis.reach for axis in self.axes], tuple(range(2, x.ndim)))
        places = [slice(None, None, stride) for stride in self.strides]
        taps = [slice(None, None, dilation) for dilation in self.dilations]
        chosen: Array = views[(slice(None), slice(None), *places, *taps)]  # (N, C, O1 … On, K1 … Kn)
        return chosen.reshape(*chosen.shape[: x.ndim], -1)


def halves(total: int, *, at_end: bool) -> tuple[int, int]:
    """Padding at start and end; at_end: the larger half."""
    small, large = total // 2, total - total // 2
    return (small, large) if at_end else (large, small)


def place(
    sizes: Ints,
    kernel: Ints,
    *,
    strides: Ints = (),
    dilations: Ints = (),
    pads: Ints = (),
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
) -> Windows:
    """The windows that ONNX's attributes ask for, which are empty if left out. pads: all starts, then all ends."""
    n = len(sizes)
    pads = (0,) * (2 * n) if auto_pad == "VALID" or not pads else pads
    ones = (1,) * n
    settings = zip(sizes, kernel, strides or ones, dilations or ones, pads[:n], pads[n:], strict=True)
    axes = tuple(Axis(*given) for given in settings)
    if auto_pad.startswith("SAME"):
        return Windows(tuple(axis.same(at_end=auto_pad == "SAME_UPPER") for axis in axes))
    return Windows(tuple(axis.rounded_up() for axis in axes) if ceil_mode else axes)
