"""Sliding windows along the spatial axes of an array (N, C, D1 … Dn): strides, dilations, padding, rounding."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from striate._types import Array
from striate.engines.numpy import Geometry
from striate.network.shapes import same_margins

Ints = Sequence[int]
AUTO_PAD_MODES = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


@dataclass(frozen=True)
class WindowAxis:
    """One spatial axis with the window that moves along it.

    Attributes:
        size: The length of the axis.
        kernel: Number of values in a window.
        stride: The distance between windows.
        dilation: The distance between the values of a window.
        start: Padding at the start that the model requests.
        end: Padding at the end that the model requests.
        overhang: Number of values by which the last window extends beyond the padding; 0 unless rounded up.
    """

    size: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    start: int = 0
    end: int = 0
    overhang: int = 0

    @property
    def extent(self) -> int:
        """Number of values that a window spans, including those that it skips."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def padding(self) -> tuple[int, int]:
        """Number of values added at start and end."""
        return self.start, self.end + self.overhang

    @property
    def count(self) -> int:
        """Number of windows."""
        return (self.size + sum(self.padding) - self.extent) // self.stride + 1

    @property
    def transposed_size(self) -> int:
        """Number of values that the windows of a transposed convolution cover, with one window for each value."""
        return self.stride * (self.size - 1) + self.extent

    def tap(self, index: int, count: int) -> slice:
        """Return the positions of value `index` of each of `count` windows."""
        first = index * self.dilation
        return slice(first, first + self.stride * (count - 1) + 1, self.stride)

    def with_auto_pad(self, mode: str) -> "WindowAxis":
        """Set the padding by a mode.

        Args:
            mode: One of AUTO_PAD_MODES.

        Returns:
            The axis with this padding.
        """
        if mode == "NOTSET":
            return self
        start, end = (0, 0) if mode == "VALID" else same_margins(self.size, self.extent, self.stride)
        return replace(self, start=end, end=start) if mode == "SAME_LOWER" else replace(self, start=start, end=end)

    def rounded_up(self) -> "WindowAxis":
        """Return the axis with one more window for remaining values, unless it would start in the end padding."""
        full = self.start + self.size + self.end
        overhang = -(full - self.extent) % self.stride
        begins = full + overhang - self.extent
        return replace(self, overhang=overhang) if begins < self.start + self.size else self

    def with_padding_included(self) -> "WindowAxis":
        """Return the same windows on an array that contains the padding."""
        return replace(self, size=self.start + self.size + self.end, start=0, end=0)


WindowAxes = tuple[WindowAxis, ...]
SINGLE = WindowAxis(1, 1)


def window_axes(
    sizes: Ints,
    kernel: Ints,
    strides: Ints = (),
    dilations: Ints = (),
    pads: Ints = (),
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
) -> WindowAxes:
    """Return the axes from ONNX's attributes; those that are left out are empty.

    Args:
        sizes: The lengths of the spatial axes.
        kernel: The window's sizes.
        strides: One for each axis.
        dilations: One for each axis.
        pads: (start 1 … start n, end 1 … end n).
        auto_pad: One of AUTO_PAD_MODES.
        ceil_mode: Whether the number of windows is rounded up.

    Returns:
        One entry for each axis.

    Raises:
        ValueError: If the auto_pad is unknown, or the attributes are for another number of axes.
    """
    if auto_pad not in AUTO_PAD_MODES:
        raise ValueError(f"auto_pad is {auto_pad!r}; known are {', '.join(AUTO_PAD_MODES)}")
    n = len(sizes)
    pads, ones = pads or (0,) * (2 * n), (1,) * n
    settings = zip(sizes, kernel, strides or ones, dilations or ones, pads[:n], pads[n:], strict=True)
    axes = tuple(WindowAxis(*given).with_auto_pad(auto_pad) for given in settings)
    rounds_up = ceil_mode and not auto_pad.startswith("SAME")
    return tuple(axis.rounded_up() for axis in axes) if rounds_up else axes


def geometry(axes: WindowAxes) -> Geometry:
    """Return two axes in the form that the NumPy engine takes."""
    y, x = axes
    return Geometry((y.kernel, x.kernel), (y.stride, x.stride), (y.padding, x.padding), (y.dilation, x.dilation))


def window_values(x: Array, axes: WindowAxes, fill: float) -> Array:
    """Return the values of each window.

    Args:
        x: (N, C, D1 … Dn).
        axes: The window along each of the n axes.
        fill: The value of the padding.

    Returns:
        (N, C, O1 … On, K1 · … · Kn).
    """
    padded = np.pad(x, ((0, 0), (0, 0), *(axis.padding for axis in axes)), constant_values=fill)
    views = sliding_window_view(padded, [axis.extent for axis in axes], tuple(range(2, x.ndim)))
    positions = [slice(None, None, axis.stride) for axis in axes]
    taps = [slice(None, None, axis.dilation) for axis in axes]
    values: Array = views[(slice(None), slice(None), *positions, *taps)]  # (N, C, O1 … On, K1 … Kn)
    return values.reshape(*values.shape[: x.ndim], -1)
