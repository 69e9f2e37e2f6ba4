"""Sliding windows: geometry, padding, im2col and col2im.

Arrays have the shape (N, H, W, C) and are planes in memory (see `memory`).
Source: Chellapilla, Puri, Simard 2006, "High performance convolutional neural networks for document processing".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import Scratch, UncachedScratch, contiguous, planes
from striate.network import IntPair, Layer, Shape

Padding = tuple[IntPair, IntPair]
NO_PADDING: Padding = ((0, 0), (0, 0))


@dataclass(frozen=True)
class Geometry:
    """A window that slides over feature maps.

    Attributes:
        kernel_size: (KH, KW).
        strides: Step from one output to the next, (y, x).
        padding: ((top, bottom), (left, right)); negative values crop.
        dilation: Step from one tap of the kernel to the next, (y, x).
        cell: Output positions are ordered as (PY, PX, OH / PY, OW / PX), by their position in cells of this size, so
            that for a following pooling each position of its windows is one contiguous block. (1, 1): row by row.
    """

    kernel_size: IntPair
    strides: IntPair = (1, 1)
    padding: Padding = NO_PADDING
    dilation: IntPair = (1, 1)
    cell: IntPair = (1, 1)

    @classmethod
    def of(cls, layer: Layer, input_shape: Shape) -> "Geometry":
        """Compute the window of a layer, with numeric padding.

        Args:
            layer: The layer.
            input_shape: (H, W, C) of its input.

        Returns:
            The window.
        """
        window = layer.window
        assert window is not None
        margins = window.margins((input_shape[0], input_shape[1]))
        return cls(window.kernel, window.strides, margins, window.dilation)

    def output_size(self, height: int, width: int) -> IntPair:
        """Compute (H + 2P − F) / S + 1 for each axis, rounded down to a multiple of the cell.

        Args:
            height: H of the input.
            width: W of the input.

        Returns:
            Height and width of the output.
        """
        sizes = (height, width)
        extent = [d * (k - 1) + 1 for k, d in zip(self.kernel_size, self.dilation, strict=True)]
        oh, ow = ((sizes[i] + sum(self.padding[i]) - extent[i]) // self.strides[i] + 1 for i in (0, 1))
        return oh // self.cell[0] * self.cell[0], ow // self.cell[1] * self.cell[1]


def pad(x: Array, padding: Padding, scratch: Scratch, key: Any = "padded", fill: float = 0.0) -> Array:
    """Pad planes; negative padding crops.

    Args:
        x: Planes (C, H, W, N).
        padding: ((top, bottom), (left, right)).
        scratch: Provides the memory.
        key: Key of the memory in `scratch`.
        fill: Value of the padding.

    Returns:
        Contiguous planes (C, top + H + bottom, left + W + right, N); x itself without padding.
    """
    (top, bottom), (left, right) = padding
    x = x[:, max(-top, 0) : x.shape[1] - max(-bottom, 0), max(-left, 0) : x.shape[2] - max(-right, 0)]
    top, bottom, left, right = max(top, 0), max(bottom, 0), max(left, 0), max(right, 0)
    if not (top or bottom or left or right):
        return contiguous(x, scratch, key)
    c, h, w, n = x.shape
    padded = scratch.empty(key, (c, top + h + bottom, left + w + right, n), x.dtype)
    padded[:, :top] = fill
    padded[:, top + h :] = fill
    padded[:, top : top + h, :left] = fill
    padded[:, top : top + h, left + w :] = fill
    padded[:, top : top + h, left : left + w] = x
    return padded


def unpad(padded: Array, padding: Padding) -> Array:
    """Remove the padding from planes, and return the image (N, H, W, C)."""
    (top, bottom), (left, right) = padding
    return planes(padded[:, top : padded.shape[1] - bottom, left : padded.shape[2] - right])


@dataclass(frozen=True)
class Band:
    """A part of the output positions: position (py, px) of the cells, in a range of cell rows."""

    position: IntPair
    rows: slice


def gather_columns(padded: Array, window: Geometry, band: Band, width: int, scratch: Scratch, key: Any) -> Array:
    """Copy the windows of a band to columns.

    Args:
        padded: Padded planes (C, H, W, N).
        window: The windows.
        band: The output positions.
        width: OW / PX.
        scratch: Provides the memory.
        key: Its key in `scratch`.

    Returns:
        (KH·KW·C, positions·N).
    """
    c, _, _, n = padded.shape
    sc, sh, sw, sn = padded.strides
    (kh, kw), (ty, tx), (dy, dx), (py, px) = window.kernel_size, window.strides, window.dilation, window.cell
    shape = (kh, kw, c, band.rows.stop - band.rows.start, width, n)
    strides = (dy * sh, dx * sw, sc, py * ty * sh, px * tx * sw, sn)
    start = (band.rows.start * py + band.position[0]) * ty * sh + band.position[1] * tx * sw
    columns = scratch.temporary(key, shape, padded.dtype)
    np.copyto(columns, np.ndarray(shape, padded.dtype, padded, start, strides))
    return columns.reshape(kh * kw * c, -1)


def im2col(x: Array, window: Geometry) -> Array:
    """Copy each window of an image to a column, so that convolution becomes one matrix product.

    Args:
        x: (N, H, W, C).
        window: The windows.

    Returns:
        (KH·KW·C, OH·OW·N): one row per kernel element in the order (KH, KW, C), one column per output position in the
        order (OH, OW, N).

    Example:
        >>> import numpy as np
        >>> im2col(np.arange(9).reshape(1, 3, 3, 1), Geometry((2, 2)))
        array([[0, 1, 3, 4],
               [1, 2, 4, 5],
               [3, 4, 6, 7],
               [4, 5, 7, 8]])
    """
    padded = pad(planes(x), window.padding, UncachedScratch())
    oh, ow = window.output_size(x.shape[1], x.shape[2])
    return gather_columns(padded, window, Band((0, 0), slice(0, oh)), ow, UncachedScratch(), "columns")


def col2im(columns: Array, shape: tuple[int, ...], window: Geometry, scratch: Scratch | None = None) -> Array:
    """Add each column to its window in the image: the transpose of `im2col`.

    Args:
        columns: (KH·KW·C, OH·OW·N), positions row by row.
        shape: (N, H, W, C) of the image.
        window: The windows.
        scratch: Provides the memory; None allocates it.

    Returns:
        The image (N, H, W, C).
    """
    n, h, w, c = shape
    oh, ow = window.output_size(h, w)
    image = zero_image((c, h, w, n), window.padding, columns.dtype, scratch or UncachedScratch())
    add_taps(image, columns.reshape(*window.kernel_size, c, oh, ow, n), window)
    return crop(image, h, w, window.padding)


def zero_image(shape: tuple[int, ...], padding: Padding, dtype: Any, scratch: Scratch) -> Array:
    """Return zeros for padded planes (C, H, W, N); where padding is negative, without cropping.

    Args:
        shape: (C, H, W, N), without padding.
        padding: ((top, bottom), (left, right)).
        dtype: The dtype.
        scratch: Provides the memory.

    Returns:
        The planes.
    """
    c, h, w, n = shape
    (top, bottom), (left, right) = padding
    image = scratch.empty("image", (c, top + h + max(bottom, 0), left + w + max(right, 0), n), dtype)
    image.fill(0)
    return image


def crop(image: Array, h: int, w: int, padding: Padding) -> Array:
    """Return the image inside padded planes.

    Args:
        image: Padded planes (C, …, N).
        h: Height of the image.
        w: Width of the image.
        padding: ((top, bottom), (left, right)).

    Returns:
        The image (N, H, W, C).
    """
    (top, _), (left, _) = padding
    return planes(image[:, top : top + h, left : left + w])


def window_taps(padded: Array, window: Geometry, size: IntPair) -> Iterator[tuple[int, int, Array]]:
    """Yield for each element (ky, kx) of the kernel the values that it reads, one for each output position.

    Args:
        padded: Padded planes (C, H, W, N).
        window: The windows.
        size: (OH, OW).

    Yields:
        ky, kx, and a view (C, OH, OW, N) of `padded`.
    """
    (kh, kw), (ty, tx), (dy, dx) = window.kernel_size, window.strides, window.dilation
    for ky in range(kh):
        for kx in range(kw):
            y, x = ky * dy, kx * dx
            yield ky, kx, padded[:, y : y + ty * (size[0] - 1) + 1 : ty, x : x + tx * (size[1] - 1) + 1 : tx]


def add_taps(image: Array, taps: Array, window: Geometry, start: int = 0) -> None:
    """Add columns to the windows of an image.

    Args:
        image: Padded planes (C, H, W, N), which are changed in place.
        taps: (KH, KW, C, rows, OW, N), the columns of some output rows.
        window: The windows.
        start: The first of these output rows.
    """
    kh, kw, _, rows, columns, _ = taps.shape
    (ty, tx), (dy, dx) = window.strides, window.dilation
    for ky in range(kh):
        for kx in range(kw):
            y, x = start * ty + ky * dy, kx * dx
            image[:, y : y + ty * (rows - 1) + 1 : ty, x : x + tx * (columns - 1) + 1 : tx] += taps[ky, kx]
