"""Where windows lie on the spatial axes of an array (N, C, D1 … Dn): strides, dilations, padding, rounding."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from striate.engines.base import Array
from striate.engines.numpy.convolution import Geometry

Ints = tuple[int, ...]


@dataclass(frozen=True)
class Windows:
    """One entry for each spatial axis.

    sizes: of the maps. padding: (start, end), as the model asks. overhang: how far the last window reaches beyond
    the padding where the number of windows was rounded up.
    """

    sizes: Ints
    kernel: Ints
    strides: Ints
    dilations: Ints
    padding: tuple[tuple[int, int], ...]
    overhang: Ints

    @property
    def reach(self) -> Ints:
        """From a window's first number to its last."""
        return tuple(reach(self.kernel, self.dilations))

    @property
    def counts(self) -> Ints:
        """How many windows there are: floor((D + P − reach) / stride) + 1."""
        axes = zip(self.sizes, self.borders, self.reach, self.strides, strict=True)
        return tuple((size + sum(border) - length) // stride + 1 for size, border, length, stride in axes)

    @property
    def borders(self) -> tuple[tuple[int, int], ...]:
        """Padding and overhang together."""
        return tuple((start, end + more) for (start, end), more in zip(self.padding, self.overhang, strict=True))

    def axes(self, which: slice) -> "Windows":
        """Of some of the axes only."""
        return Windows(
            self.sizes[which], self.kernel[which], self.strides[which], self.dilations[which],
            self.padding[which], self.overhang[which],
        )  # fmt: skip

    def flat(self) -> "Windows":
        """With a last axis of size 1 more, so that rows become maps."""
        return Windows(
            (*self.sizes, 1), (*self.kernel, 1), (*self.strides, 1), (*self.dilations, 1),
            (*self.padding, (0, 0)), (*self.overhang, 0),
        )  # fmt: skip

    def without_padding(self) -> "Windows":
        """Of maps that have been padded already."""
        sizes = tuple(size + sum(ends) for size, ends in zip(self.sizes, self.padding, strict=True))
        return replace(self, sizes=sizes, padding=((0, 0),) * len(sizes))

    def geometry(self) -> Geometry:
        """For the NumPy engine: two axes."""
        (kh, kw), (sh, sw), (dh, dw), (rows, columns) = self.kernel, self.strides, self.dilations, self.borders
        return Geometry((kh, kw), (sh, sw), (rows, columns), (dh, dw))

    def members(self, x: Array, fill: float) -> Array:
        """The numbers of each window: (N, C, D1 … Dn) → (N, C, O1 … On, K1 · … · Kn). fill: beyond the maps."""
        axes = tuple(range(2, x.ndim))
        padded = np.pad(x, ((0, 0), (0, 0), *self.borders), constant_values=fill)
        views = sliding_window_view(padded, self.reach, axes)
        places = tuple(slice(None, None, stride) for stride in self.strides)
        taps = tuple(slice(None, None, dilation) for dilation in self.dilations)
        chosen = views[(slice(None), slice(None), *places, *taps)]  # (N, C, O1 … On, K1 … Kn)
        return chosen.reshape(*chosen.shape[: x.ndim], -1)


def reach(kernel: Sequence[int], dilations: Sequence[int]) -> list[int]:
    """D(K − 1) + 1 for each axis."""
    return [d * (k - 1) + 1 for k, d in zip(kernel, dilations, strict=True)]


def pairs(pads: Sequence[int], axes: int) -> tuple[tuple[int, int], ...]:
    """ONNX's (start 1 … start n, end 1 … end n) → ((start, end), …); nothing means no padding."""
    pads = tuple(pads) or (0,) * (2 * axes)
    return tuple(zip(pads[:axes], pads[axes:], strict=True))


def place(
    sizes: Sequence[int],
    kernel: Sequence[int],
    *,
    strides: Sequence[int] = (),
    dilations: Sequence[int] = (),
    pads: Sequence[int] = (),
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
) -> Windows:
    """The windows that the attributes of a convolution or pooling ask for. Attributes left out are empty."""
    axes = len(sizes)
    windows = Windows(
        tuple(sizes), tuple(kernel), tuple(strides) or (1,) * axes, tuple(dilations) or (1,) * axes,
        pairs(() if auto_pad == "VALID" else pads, axes), (0,) * axes,
    )  # fmt: skip
    if auto_pad.startswith("SAME"):
        return replace(windows, padding=_same(windows, at_end=auto_pad == "SAME_UPPER"))
    return replace(windows, overhang=_overhang(windows)) if ceil_mode else windows


def _same(windows: Windows, *, at_end: bool) -> tuple[tuple[int, int], ...]:
    """So much padding that there are ceil(D / stride) windows; at_end: an odd one goes there."""
    axes = zip(windows.sizes, windows.reach, windows.strides, strict=True)
    return tuple(
        halves(max((-(-size // stride) - 1) * stride + length - size, 0), at_end=at_end)
        for size, length, stride in axes
    )


def halves(total: int, *, at_end: bool) -> tuple[int, int]:
    """Padding at start and end; at_end: the larger half."""
    small, large = total // 2, total - total // 2
    return (small, large) if at_end else (large, small)


def _overhang(windows: Windows) -> Ints:
    """One window more where some of the maps would be left over, unless it would start beyond maps and padding."""
    found = []
    for size, (start, end), length, stride in zip(
        windows.sizes, windows.padding, windows.reach, windows.strides, strict=True
    ):
        more = -(size + start + end - length) % stride
        last = size + start + end + more - length  # where the last window would start
        found.append(more if last < size + start else 0)
    return tuple(found)
