"""Convolution with one matrix product for each output position, for layers with few filters.

With few filters, im2col spends as much time on copying each value KH·KW times as on multiplying. Here each value is
copied KH times: `strips[y, x]` holds the KH·C·N values in column x that the windows of output row y read. The windows
of a row overlap, so they are a view of the strips:

    strips (OH, W, KH·C, N)  →  windows (OH, OW, KW·KH·C, N), of which each starts KH·C·N values after the previous one

The gradient of the input is computed in the same way from dy, which leaves KH of the KH·KW additions of col2im.
"""

from dataclasses import dataclass

import numpy as np

from striate._types import Array
from striate.engines.arrays import row_slices
from striate.engines.numpy.memory import Scratch, planes
from striate.engines.numpy.windows import Geometry, crop, pad, zero_image
from striate.network import Conv2D, Pair

# Strips are computed and used in bands of about this many bytes, so that they stay in the cache.
BAND_BYTES = 1 << 20

# Above this number of filters the multiplications dominate, which im2col does in fewer and larger products.
MAX_FILTERS = 24

# Minimum number of images for which a product at one position takes longer than its call.
MIN_IMAGES = 20


@dataclass
class PositionState:
    """The state of a convolution by position.

    Attributes:
        padded: The padded input, planes (C, H, W, N).
        size: (OH, OW).
        input_shape: (N, H, W, C).
    """

    padded: Array
    size: Pair
    input_shape: tuple[int, ...]

    def bands(self, window: Geometry) -> list[slice]:
        """Return ranges of rows of cells whose strips fit in BAND_BYTES."""
        c, _, w, n = self.padded.shape
        bytes_per_row = window.cell[0] * w * window.kernel_size[0] * c * n * self.padded.itemsize
        return row_slices(self.size[0] // window.cell[0], max(1, BAND_BYTES // bytes_per_row))

    def in_cells(self, rows: Array, cell: Pair) -> Array:
        """Return the view (OH / PY, PY, OW / PX, PX, …) of (OH, OW, …)."""
        (py, px), (oh, ow) = cell, rows.shape[:2]
        return rows.reshape(oh // py, py, ow // px, px, *rows.shape[2:])

    def by_position(self, maps: Array, cell: Pair) -> Array:
        """Return the view (OH / PY, PY, OW / PX, PX, O, N) of planes (O, OH, OW, N) that are ordered by cells."""
        (py, px), (oh, ow) = cell, self.size
        tiles = maps.reshape(maps.shape[0], py, px, oh // py, ow // px, maps.shape[3])
        return tiles.transpose(3, 1, 4, 2, 0, 5)

    def windows(self, window: Geometry, band: slice, scratch: Scratch) -> Array:
        """Return (rows of the band, PY, OW / PX, PX, KW·KH·C, N), the values in the window of each position."""
        (kh, kw), py = window.kernel_size, window.cell[0]
        c, _, _, n = self.padded.shape
        sc, sh, sw, sn = self.padded.strides
        shape = ((band.stop - band.start) * py, self.size[1] + kw - 1, kh, c, n)
        strips = scratch.temporary("strips", shape, self.padded.dtype)
        strides = (sh, sw, sh, sc, sn)
        np.copyto(strips, np.ndarray(shape, self.padded.dtype, self.padded, band.start * py * sh, strides))
        return self.in_cells(_slide(strips.reshape(*shape[:2], kh * c, n), kw), window.cell)


def _slide(strips: Array, width: int) -> Array:
    """Return the view (Y, X − width + 1, width·K, N) of contiguous strips (Y, X, K, N)."""
    y, x, k, n = strips.shape
    return np.ndarray((y, x - width + 1, width * k, n), strips.dtype, strips, 0, strips.strides)


def suits_positions(layer: Conv2D, window: Geometry) -> bool:
    """Return whether a convolution can be computed by position, and is likely to be faster so."""
    is_plain = window.strides == window.dilation == (1, 1) and layer.groups == 1
    return is_plain and layer.filters <= MAX_FILTERS and min(*window.padding[0], *window.padding[1]) >= 0


def convolve_by_position(x: Array, kernel: Array, window: Geometry, scratch: Scratch) -> tuple[Array, PositionState]:
    """Convolve with stride 1: y[n, i, j, o] = Σ x[n, i + ky, j + kx, c] · k[ky, kx, c, o].

    Args:
        x: (N, H, W, C).
        kernel: (KH, KW, C, O).
        window: The window of the kernel.
        scratch: Provides the memory.

    Returns:
        y (N, OH, OW, O), ordered by cells if the window has cells, and the state for `gradients_by_position`.
    """
    o = kernel.shape[3]
    size = window.output_size(x.shape[1], x.shape[2])
    state = PositionState(pad(planes(x), window.padding, scratch), size, x.shape)
    matrix = np.ascontiguousarray(kernel.transpose(3, 1, 0, 2)).reshape(o, -1)  # (O, KW·KH·C)
    y = scratch.empty("y", (o, *size, x.shape[0]), x.dtype)
    outputs = state.by_position(y, window.cell)
    for band in state.bands(window):
        np.matmul(matrix, state.windows(window, band, scratch), out=outputs[band])
    return planes(y), state


def gradients_by_position(
    dy: Array,
    state: PositionState,
    kernel: Array,
    window: Geometry,
    *,
    dkernel: Array,
    needs_dx: bool,
    scratch: Scratch,
) -> Array | None:
    """Write dkernel and return dx (N, H, W, C), or None if it is not needed.

    Args:
        dy: (N, OH, OW, O), in the order of the forward pass.
        state: The state returned by `convolve_by_position`.
        kernel: (KH, KW, C, O).
        window: The window of the kernel.
        dkernel: (KH, KW, C, O), which is overwritten.
        needs_dx: Whether dx is needed.
        scratch: Provides the memory.

    Returns:
        dx or None.
    """
    kh, kw, c, o = kernel.shape
    gradients = state.by_position(planes(dy), window.cell)
    total: Array = np.zeros(kernel.size, dy.dtype)
    for band in state.bands(window):
        windows = state.windows(window, band, scratch)
        products = scratch.temporary("products", (*windows.shape[:5], o), dy.dtype)
        np.matmul(windows, gradients[band].swapaxes(4, 5), out=products)
        total += products.reshape(-1, total.size).sum(axis=0)
    dkernel[...] = total.reshape(kw, kh, c, o).swapaxes(0, 1)
    return _input_gradient(gradients, state, kernel, window, scratch) if needs_dx else None


def _input_gradient(gradients: Array, state: PositionState, kernel: Array, window: Geometry, scratch: Scratch) -> Array:
    """Return dx (N, H, W, C), from gradients (OH / PY, PY, OW / PX, PX, O, N)."""
    (kh, kw, c, o), n, (_, h, w, _) = kernel.shape, gradients.shape[5], state.input_shape
    ow, py, dtype = state.size[1], window.cell[0], gradients.dtype
    matrix = kernel[:, ::-1].transpose(0, 2, 1, 3).reshape(kh * c, kw * o)
    image = zero_image((c, h, w, n), window.padding, dtype, scratch)
    for band in state.bands(window):
        start, rows = band.start * py, (band.stop - band.start) * py
        strips = scratch.temporary("gradient strips", (rows, ow + 2 * (kw - 1), o, n), dtype)
        strips[:, : kw - 1] = 0
        strips[:, kw - 1 + ow :] = 0
        state.in_cells(strips[:, kw - 1 : kw - 1 + ow], window.cell)[...] = gradients[band]
        parts = scratch.temporary("parts", (kh, c, rows, ow + kw - 1, n), dtype)
        out = parts.reshape(kh * c, rows, ow + kw - 1, n).transpose(1, 2, 0, 3)
        np.matmul(matrix, _slide(strips, kw), out=out)
        for ky in range(kh):
            image[:, start + ky : start + ky + rows, : ow + kw - 1] += parts[ky]
    return crop(image, h, w, window.padding)
