"""Windows that slide over maps: their geometry, padding, and the columns of im2col.

Arrays have the shape (N, H, W, C) and lie in memory as planes (see `memory`).
Source: Chellapilla, Puri, Simard 2006, "High performance convolutional neural networks for document processing".
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import Fresh, Scratch, contiguous, planes
from striate.network import Layer, Pair, Shape

Padding = tuple[Pair, Pair]
NO_PADDING: Padding = ((0, 0), (0, 0))


@dataclass(frozen=True)
class Geometry:
    """How a window moves over an image.

    Attributes:
        kernel_size: (KH, KW).
        strides: Step from one output to the next, (y, x).
        padding: ((top, bottom), (left, right)); negative numbers cut.
        dilation: Step from one tap of the kernel to the next, (y, x).
        cell: Output positions are ordered by their place in cells of this size, (PY, PX, OH / PY, OW / PX), so that a
            pooling that follows finds each member of its windows in one contiguous block. (1, 1) is the plain order.
    """

    kernel_size: Pair
    strides: Pair = (1, 1)
    padding: Padding = NO_PADDING
    dilation: Pair = (1, 1)
    cell: Pair = (1, 1)

    @classmethod
    def of(cls, layer: Layer, input_shape: Shape) -> "Geometry":
        """Return the window of a layer, its padding in numbers."""
        window = layer.window
        assert window is not None
        margins = window.margins((input_shape[0], input_shape[1]))
        return cls(window.kernel, window.strides, margins, window.dilation)

    def output_size(self, height: int, width: int) -> Pair:
        """(H + 2P − F) / S + 1 for each axis, in whole cells."""
        sizes = (height, width)
        extent = [d * (k - 1) + 1 for k, d in zip(self.kernel_size, self.dilation, strict=True)]
        oh, ow = ((sizes[i] + sum(self.padding[i]) - extent[i]) // self.strides[i] + 1 for i in (0, 1))
        return oh // self.cell[0] * self.cell[0], ow // self.cell[1] * self.cell[1]


def pad(x: Array, padding: Padding, scratch: Scratch, key: Any = "padded", fill: float = 0.0) -> Array:
    """Put a border around planes; negative padding cuts.

    Args:
        x: Planes (C, H, W, N).
        padding: ((top, bottom), (left, right)).
        scratch: Where the memory comes from.
        key: Name of the memory in `scratch`.
        fill: Value of the border.

    Returns:
        Contiguous planes (C, top + H + bottom, left + W + right, N); x itself if there is nothing to change.
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
    """Cut the border off planes and return the image (N, H, W, C)."""
    (top, bottom), (left, right) = padding
    return planes(padded[:, top : padded.shape[1] - bottom, left : padded.shape[2] - right])


@dataclass(frozen=True)
class Band:
    """Some of the output positions: those at one position (py, px) of the cells, in some rows of cells."""

    position: Pair
    rows: slice


def gather_columns(padded: Array, window: Geometry, band: Band, width: int, scratch: Scratch, key: Any) -> Array:
    """Return the columns (KH·KW·C, positions·N) of a band, from padded planes (C, H, W, N). width: OW in cells."""
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
    """Lay out each window of an image as a column, so that convolution becomes one matrix product.

    Args:
        x: (N, H, W, C).
        window: How the windows lie.

    Returns:
        (KH·KW·C, OH·OW·N): a row for each kernel tap in the order (KH, KW, C), a column for each output position in
        the order (OH, OW, N).

    Example:
        >>> import numpy as np
        >>> im2col(np.arange(9).reshape(1, 3, 3, 1), Geometry((2, 2)))
        array([[0, 1, 3, 4],
               [1, 2, 4, 5],
               [3, 4, 6, 7],
               [4, 5, 7, 8]])
    """
    padded = pad(planes(x), window.padding, Fresh())
    oh, ow = window.output_size(x.shape[1], x.shape[2])
    return gather_columns(padded, window, Band((0, 0), slice(0, oh)), ow, Fresh(), "columns")


def col2im(columns: Array, shape: tuple[int, ...], window: Geometry, scratch: Scratch | None = None) -> Array:
    """Add each column back onto the window it came from: the transpose of `im2col`.

    Args:
        columns: (KH·KW·C, OH·OW·N) in plain order.
        shape: (N, H, W, C) of the image.
        window: How the windows lie.
        scratch: Where the memory comes from; None allocates it.

    Returns:
        The image (N, H, W, C).
    """
    n, h, w, c = shape
    oh, ow = window.output_size(h, w)
    image = zero_image((c, h, w, n), window.padding, columns.dtype, scratch or Fresh())
    add_taps(image, columns.reshape(*window.kernel_size, c, oh, ow, n), window)
    return crop(image, h, w, window.padding)


def zero_image(shape: tuple[int, ...], padding: Padding, dtype: Any, scratch: Scratch) -> Array:
    """Return zeros for the planes (C, H, W, N) of an image with its border; where padding cuts, the image itself."""
    c, h, w, n = shape
    (top, bottom), (left, right) = padding
    image = scratch.empty("image", (c, top + h + max(bottom, 0), left + w + max(right, 0), n), dtype)
    image.fill(0)
    return image


def crop(image: Array, h: int, w: int, padding: Padding) -> Array:
    """Return the image (N, H, W, C) inside the planes with their border."""
    (top, _), (left, _) = padding
    return planes(image[:, top : top + h, left : left + w])


def add_taps(image: Array, taps: Array, window: Geometry, start: int = 0) -> None:
    """Add taps (KH, KW, C, rows, OW, N), of the output rows from `start` on, to the padded planes of an image."""
    kh, kw, _, rows, columns, _ = taps.shape
    (ty, tx), (dy, dx) = window.strides, window.dilation
    for ky in range(kh):
        for kx in range(kw):
            y, x = start * ty + ky * dy, kx * dx
            image[:, y : y + ty * (rows - 1) + 1 : ty, x : x + tx * (columns - 1) + 1 : tx] += taps[ky, kx]
