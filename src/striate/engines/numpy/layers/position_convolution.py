"""Convolution with one matrix product for each output position, for layers with few filters.

With few filters, im2col spends as much time on copying each value KH·KW times as on multiplying. Here each value is
copied KH times: `strips[y, x]` holds the KH·C·N values in column x that the windows of output row y read. The windows
of a row overlap, so they are a view of the strips:

    strips (OH, W, KH·C, N)  →  windows (OH, OW, KW·KH·C, N), of which each starts KH·C·N values after the previous one

The gradient of the input is computed in the same way from dy, which leaves KH of the KH·KW additions of col2im.
"""

from collections.abc import Iterator
from math import prod

import numpy as np

from striate._types import Array
from striate.engines.arrays import row_slices
from striate.engines.numpy.memory import Scratch
from striate.engines.numpy.windows import Geometry, crop, zero_image
from striate.network import Conv2D, IntPair

# Strips are computed and used in bands of about this many bytes, so that they stay in the cache.
BAND_BYTES = 1 << 20

# Above this number of filters the multiplications dominate, which im2col does in fewer and larger products. It is
# larger for kernels of LARGE_KERNEL elements and more on several channels, for which im2col copies most.
MAX_FILTERS, MAX_FILTERS_OF_LARGE_KERNELS = 24, 32
LARGE_KERNEL = 25

# Minimum number of images for which a product at one position takes longer than its call.
MIN_IMAGES = 20


def suits_positions(layer: Conv2D, window: Geometry, channels: int) -> bool:
    """Return whether a convolution can be computed by position, and is likely to be faster so."""
    is_plain = window.strides == window.dilation == (1, 1) and layer.groups == 1
    is_large = prod(window.kernel_size) >= LARGE_KERNEL and channels > 1
    most = MAX_FILTERS_OF_LARGE_KERNELS if is_large else MAX_FILTERS
    return is_plain and layer.filters <= most and min(*window.padding[0], *window.padding[1]) >= 0


def _bands(window: Geometry, rows: int, bytes_per_row: int) -> list[slice]:
    """Return ranges of rows of cells whose strips fit in BAND_BYTES. rows: OH."""
    return row_slices(rows // window.cell[0], max(1, BAND_BYTES // (window.cell[0] * bytes_per_row)))


def _in_cells(rows: Array, cell: IntPair) -> Array:
    """Return the view (OH / PY, PY, OW / PX, PX, …) of (OH, OW, …)."""
    (py, px), (oh, ow) = cell, rows.shape[:2]
    return rows.reshape(oh // py, py, ow // px, px, *rows.shape[2:])


def _by_position(maps: Array, cell: IntPair) -> Array:
    """Return the view (OH / PY, PY, OW / PX, PX, O, N) of planes (O, OH, OW, N) that are ordered by cells."""
    (o, oh, ow, n), (py, px) = maps.shape, cell
    return maps.reshape(o, py, px, oh // py, ow // px, n).transpose(3, 1, 4, 2, 0, 5)


def _slide(strips: Array, width: int) -> Array:
    """Return the view (Y, X − width + 1, width·K, N) of contiguous strips (Y, X, K, N)."""
    y, x, k, n = strips.shape
    return np.ndarray((y, x - width + 1, width * k, n), strips.dtype, strips, 0, strips.strides)


def _windows(padded: Array, window: Geometry, size: IntPair, scratch: Scratch) -> Iterator[tuple[slice, Array]]:
    """Yield each band and its windows (rows of the band, PY, OW / PX, PX, KW·KH·C, N), from padded planes."""
    (kh, kw), (oh, ow), py, (c, _, _, n) = window.kernel_size, size, window.cell[0], padded.shape
    sc, sh, sw, sn = padded.strides
    width = ow + kw - 1
    for band in _bands(window, oh, width * kh * c * n * padded.itemsize):
        shape = ((band.stop - band.start) * py, width, kh, c, n)
        strips = scratch.temporary("strips", shape, padded.dtype)
        start = band.start * py * sh
        np.copyto(strips, np.ndarray(shape, padded.dtype, padded, start, (sh, sw, sh, sc, sn)))
        yield band, _in_cells(_slide(strips.reshape(*shape[:2], kh * c, n), kw), window.cell)


def convolve_by_position(padded: Array, kernel: Array, window: Geometry, out: Array, scratch: Scratch) -> None:
    """Convolve with stride 1: y[o, i, j, n] = Σ x[c, i + ky, j + kx, n] · k[ky, kx, c, o].

    Args:
        padded: Padded planes (C, H, W, N).
        kernel: (KH, KW, C, O).
        window: The window of the kernel.
        out: Planes (O, OH, OW, N), ordered by cells if the window has cells.
        scratch: Provides the memory.
    """
    matrix = np.ascontiguousarray(kernel.transpose(3, 1, 0, 2)).reshape(kernel.shape[3], -1)  # (O, KW·KH·C)
    outputs = _by_position(out, window.cell)
    for band, windows in _windows(padded, window, (out.shape[1], out.shape[2]), scratch):
        np.matmul(matrix, windows, out=outputs[band])


def kernel_gradient_by_position(
    dy: Array, padded: Array, dkernel: Array, window: Geometry, size: IntPair, scratch: Scratch
) -> None:
    """Write the gradient of the kernel of `convolve_by_position`: products of rows of the image.

    For each element and channel, a row of the output reads OW·N contiguous values, so the image need not be copied.

    Args:
        dy: Planes (O, OH, OW, N), ordered by cells if the window has cells.
        padded: Padded planes (C, H, W, N).
        dkernel: Where to write, (KH, KW, C, O).
        window: The window of the kernel.
        size: (OH, OW).
        scratch: Provides the memory.
    """
    (kh, kw, c, o), (oh, ow), n = dkernel.shape, size, padded.shape[3]
    rows = scratch.temporary("gradient rows", (oh, o, ow, n), dy.dtype)
    _in_cells(rows.swapaxes(1, 2), window.cell)[...] = _by_position(dy, window.cell)
    gradients = rows.reshape(oh, 1, 1, o, ow * n).swapaxes(3, 4)
    sc, sh, sw, _ = padded.strides  # the last may be any number if there is one image
    strides, axes = ((sw, sh, sc), (1, 0, 2)) if kh < c else ((sw, sc, sh), (2, 0, 1))
    lengths = (kw, kh, c) if kh < c else (kw, c, kh)  # a matrix has C rows, or KH rows if these are more
    taps = np.ndarray((oh, *lengths, ow * n), padded.dtype, padded, 0, (sh, *strides, padded.itemsize))
    products = scratch.temporary("products", (oh, *lengths, o), dy.dtype)
    np.matmul(taps, gradients, out=products)
    dkernel[...] = products.sum(axis=0).transpose(*axes, 3)


def input_gradient_by_position(
    dy: Array, kernel: Array, window: Geometry, size: IntPair, input_shape: tuple[int, ...], scratch: Scratch
) -> Array:
    """Return dx (N, H, W, C) of `convolve_by_position`.

    Args:
        dy: Planes (O, OH, OW, N), ordered by cells if the window has cells.
        kernel: (KH, KW, C, O).
        window: The window of the kernel.
        size: (OH, OW).
        input_shape: (N, H, W, C), without padding.
        scratch: Provides the memory.

    Returns:
        The gradient.
    """
    (kh, kw, c, o), (n, h, w, _), (oh, ow), py = kernel.shape, input_shape, size, window.cell[0]
    width = ow + kw - 1
    matrix = kernel[:, ::-1].transpose(0, 2, 1, 3).reshape(kh * c, kw * o)
    image = zero_image((c, h, w, n), window.padding, dy.dtype, scratch)
    gradients = _by_position(dy, window.cell)
    for band in _bands(window, oh, width * kh * c * n * dy.itemsize):
        start, rows = band.start * py, (band.stop - band.start) * py
        strips = scratch.temporary("gradient strips", (rows, ow + 2 * (kw - 1), o, n), dy.dtype)
        strips[:, : kw - 1] = 0
        strips[:, kw - 1 + ow :] = 0
        _in_cells(strips[:, kw - 1 : kw - 1 + ow], window.cell)[...] = gradients[band]
        parts = scratch.temporary("parts", (kh, c, rows, width, n), dy.dtype)
        out = parts.reshape(kh * c, rows, width, n).transpose(1, 2, 0, 3)
        np.matmul(matrix, _slide(strips, kw), out=out)
        for ky in range(kh):
            image[:, start + ky : start + ky + rows, :width] += parts[ky]
    return crop(image, h, w, window.padding)
