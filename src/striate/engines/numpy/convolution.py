"""Convolution as one matrix product: im2col, col2im, forward and backward.

Arrays have the shape (N, H, W, C) and lie in memory as planes (see `memory`).
Source: Chellapilla, Puri, Simard 2006, "High performance convolutional neural networks for document processing".
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import Fresh, Scratch, contiguous, out_of_tiles, planes

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]
NO_PADDING: Padding = ((0, 0), (0, 0))

# Columns are made, used and forgotten in bands of about this many bytes, so that they never leave the cache.
BAND_BYTES = 1 << 20


@dataclass(frozen=True)
class Geometry:
    """How a kernel moves over an image: sizes (KH, KW), strides, dilation, padding ((top, bottom), (left, right)).

    cell: output positions are ordered by their place in cells of this size, (PY, PX, OH / PY, OW / PX), so that a
    pooling that follows finds each member of its windows in one contiguous block. (1, 1) is the plain order.
    """

    kernel_size: Pair
    strides: Pair = (1, 1)
    padding: Padding = NO_PADDING
    dilation: Pair = (1, 1)
    cell: Pair = (1, 1)

    def output_size(self, height: int, width: int) -> Pair:
        """(H + 2P − F) / S + 1 for each axis, in whole cells."""
        sizes = (height, width)
        reach = [d * (k - 1) + 1 for k, d in zip(self.kernel_size, self.dilation, strict=True)]
        oh, ow = ((sizes[i] + sum(self.padding[i]) - reach[i]) // self.strides[i] + 1 for i in (0, 1))
        return oh // self.cell[0] * self.cell[0], ow // self.cell[1] * self.cell[1]


def pad(x: Array, padding: Padding, scratch: Scratch, key: Any = "padded", fill: float = 0.0) -> Array:
    """Planes (C, H, W, N) with a border → contiguous (C, top + H + bottom, left + W + right, N).

    Negative padding cuts. No border: the planes themselves where they are contiguous.
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


@dataclass(frozen=True)
class Band:
    """Some of the output positions: those at one place (py, px) of the cells, in some rows of cells."""

    place: Pair
    rows: slice


def lay_out(padded: Array, window: Geometry, band: Band, width: int, scratch: Scratch, key: Any) -> Array:
    """Columns (KH·KW·C, positions·N) of a band, from padded planes (C, H, W, N). width: OW in cells."""
    c, _, _, n = padded.shape
    sc, sh, sw, sn = padded.strides
    (kh, kw), (ty, tx), (dy, dx), (py, px) = window.kernel_size, window.strides, window.dilation, window.cell
    shape = (kh, kw, c, band.rows.stop - band.rows.start, width, n)
    strides = (dy * sh, dx * sw, sc, py * ty * sh, px * tx * sw, sn)
    start = (band.rows.start * py + band.place[0]) * ty * sh + band.place[1] * tx * sw
    columns = scratch.temporary(key, shape, padded.dtype)
    np.copyto(columns, np.ndarray(shape, padded.dtype, padded, start, strides))
    return columns.reshape(kh * kw * c, -1)


def im2col(x: Array, window: Geometry) -> Array:
    """Lay out each window of an image as a column, so that convolution becomes one matrix product.

    x: (N, H, W, C). Returns (KH·KW·C, OH·OW·N): a row for each kernel tap in the order (KH, KW, C),
    a column for each output position in the order (OH, OW, N).
    """
    padded = pad(planes(x), window.padding, Fresh())
    oh, ow = window.output_size(x.shape[1], x.shape[2])
    return lay_out(padded, window, Band((0, 0), slice(0, oh)), ow, Fresh(), "columns")


def col2im(columns: Array, shape: tuple[int, ...], window: Geometry, scratch: Scratch | None = None) -> Array:
    """Add each column back onto the window it came from: the transpose of `im2col`.

    columns: (KH·KW·C, OH·OW·N) in plain order. shape: (N, H, W, C) of the image. Returns the image.
    """
    n, h, w, c = shape
    oh, ow = window.output_size(h, w)
    image = empty_image((c, h, w, n), window.padding, columns.dtype, scratch or Fresh())
    add_back(image, columns.reshape(*window.kernel_size, c, oh, ow, n), window)
    return without_padding(image, h, w, window.padding)


def empty_image(shape: tuple[int, ...], padding: Padding, dtype: Any, scratch: Scratch) -> Array:
    """Zeros for the planes (C, H, W, N) of an image with its border; where padding cuts, the image itself."""
    c, h, w, n = shape
    (top, bottom), (left, right) = padding
    image = scratch.empty("image", (c, top + h + max(bottom, 0), left + w + max(right, 0), n), dtype)
    image.fill(0)
    return image


def without_padding(image: Array, h: int, w: int, padding: Padding) -> Array:
    """The image (N, H, W, C) inside the planes with their border."""
    (top, _), (left, _) = padding
    return planes(image[:, top : top + h, left : left + w])


def add_back(image: Array, taps: Array, window: Geometry, start: int = 0) -> None:
    """Add taps (KH, KW, C, rows, OW, N), of the output rows from `start` on, to the padded planes of an image."""
    kh, kw, _, rows, columns, _ = taps.shape
    (ty, tx), (dy, dx) = window.strides, window.dilation
    for ky in range(kh):
        for kx in range(kw):
            y, x = start * ty + ky * dy, kx * dx
            image[:, y : y + ty * (rows - 1) + 1 : ty, x : x + tx * (columns - 1) + 1 : tx] += taps[ky, kx]


def _bands(window: Geometry, rows: int, bytes_per_row: int) -> list[Band]:
    """All positions in bands whose columns fit in BAND_BYTES. rows: OH in cells."""
    step = max(1, BAND_BYTES // bytes_per_row)
    cuts = [slice(start, min(start + step, rows)) for start in range(0, rows, step)]
    places = [(y, x) for y in range(window.cell[0]) for x in range(window.cell[1])]
    return [Band(place, cut) for place in places for cut in cuts]


@dataclass
class Saved:
    """What the backward pass of a convolution needs. size: (OH, OW)."""

    padded: Array
    bands: list[Band]
    size: Pair
    input_shape: tuple[int, ...]

    def in_bands(self, maps: Array, cell: Pair) -> Array:
        """Planes (O, OH, OW, N) in the order of the cells → (O, PY, PX, OH / PY, OW / PX · N)."""
        o, n = maps.shape[0], maps.shape[3]
        return maps.reshape(o, *cell, self.size[0] // cell[0], self.size[1] // cell[1] * n)


def conv2d_forward(
    x: Array, kernel: Array, bias: Array | None, window: Geometry, groups: int = 1, scratch: Scratch | None = None
) -> tuple[Array, Saved]:
    """y[n, i, j, o] = b[o] + Σ x[n, i·S + ky·D, j·S + kx·D, c] · k[ky, kx, c, o].

    x: (N, H, W, C); kernel: (KH, KW, C / groups, O); bias: (O,). Returns y (N, OH, OW, O) and what
    `conv2d_backward` needs. With cells the planes of y are ordered (O, PY, PX, OH / PY, OW / PX, N).
    """
    scratch = scratch or Fresh()
    kh, kw, c, o = kernel.shape
    oh, ow = window.output_size(x.shape[1], x.shape[2])
    (py, px), n, og = window.cell, x.shape[0], o // groups
    padded = pad(planes(x), window.padding, scratch)
    saved = Saved(padded, _bands(window, oh // py, kh * kw * c * ow // px * n * x.itemsize), (oh, ow), x.shape)
    y = scratch.empty("y", (o, oh, ow, n), x.dtype)
    cells = saved.in_bands(y, window.cell)
    for g in range(groups):
        matrix = kernel.reshape(kh * kw * c, o)[:, g * og : (g + 1) * og]  # (K, O of the group)
        for band in saved.bands:
            columns = lay_out(padded[g * c : (g + 1) * c], window, band, ow // px, scratch, "columns")
            out = cells[g * og : (g + 1) * og, *band.place, band.rows].reshape(og, -1)  # a view: rows are contiguous
            np.matmul(matrix.T, columns, out=out)
    if bias is not None:
        y += bias[:, None, None, None]
    return planes(y), saved


def conv2d_backward(
    dy: Array, saved: Saved, kernel: Array, window: Geometry, groups: int = 1
) -> tuple[Array, Array, Array]:
    """Gradients of a convolution: dx (N, H, W, C), dkernel (KH, KW, C / groups, O), dbias (O,).

    dy: (N, OH, OW, O), its planes in the order of the forward pass.
    """
    dkernel = np.empty(kernel.shape, kernel.dtype)
    dx = conv2d_gradients(dy, saved, kernel, window, groups, dkernel=dkernel)
    assert dx is not None
    return dx, dkernel, planes(dy).sum(axis=(1, 2, 3))


def conv2d_gradients(
    dy: Array,
    saved: Saved,
    kernel: Array,
    window: Geometry,
    groups: int = 1,
    *,
    dkernel: Array,
    need_dx: bool = True,
    scratch: Scratch | None = None,
) -> Array | None:
    """As `conv2d_backward`, without the bias: writes dkernel, returns dx (N, H, W, C) or None."""
    scratch = scratch or Fresh()
    kh, kw, c, o = kernel.shape
    (oh, ow), n, og = saved.size, dy.shape[0], o // groups
    gradient = contiguous(planes(dy), scratch, "dy")
    dmatrix, matrix = dkernel.reshape(-1, o), kernel.reshape(-1, o)
    parts = []
    cells = saved.in_bands(gradient, window.cell)
    for g in range(groups):
        maps, maps_out = slice(g * c, (g + 1) * c), slice(g * og, (g + 1) * og)
        total: Array = np.zeros((kh * kw * c, og), dy.dtype)
        for band in saved.bands:
            block = cells[maps_out, *band.place, band.rows].reshape(og, -1)  # (O, positions·N)
            columns = lay_out(saved.padded[maps], window, band, ow // window.cell[1], scratch, "columns")
            total += np.matmul(columns, block.T)
        dmatrix[:, maps_out] = total
    if not need_dx:
        return None
    ordered = in_plain_order(gradient, window.cell, scratch)
    shape = (*saved.input_shape[:3], c)
    for g in range(groups):
        block = ordered[g * og : (g + 1) * og].reshape(og, -1)
        dcolumns = scratch.temporary("dcolumns", (kh * kw * c, oh * ow * n), dy.dtype)
        np.matmul(matrix[:, g * og : (g + 1) * og], block, out=dcolumns)
        parts.append(col2im(dcolumns, shape, window, scratch if groups == 1 else None))
    return parts[0] if groups == 1 else np.concatenate(parts, axis=3)


def in_plain_order(maps: Array, cell: Pair, scratch: Scratch) -> Array:
    """Planes (O, OH, OW, N) whose positions are ordered by cell → the same in plain order."""
    if cell == (1, 1):
        return maps
    o, oh, ow, n = maps.shape
    tiles = maps.reshape(o, *cell, oh // cell[0], ow // cell[1], n)
    return out_of_tiles(tiles, (oh, ow), scratch)
