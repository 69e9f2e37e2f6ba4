"""Pooling: the largest, or the mean, of each window.

Arrays have the shape (N, H, W, C) and lie in memory as planes (see `memory`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from striate._types import Array
from striate.engines.numpy.convolution import Geometry, Padding, Pair, pad
from striate.engines.numpy.memory import Fresh, Scratch, contiguous, into_tiles, out_of_tiles, planes


def _members(padded: Array, window: Geometry, size: Pair) -> Iterator[Array]:
    """For each place in the window, the view (C, OH, OW, N) of the numbers there."""
    (kh, kw), (ty, tx) = window.kernel_size, window.strides
    for y in range(kh):
        for x in range(kw):
            yield padded[:, y : y + ty * (size[0] - 1) + 1 : ty, x : x + tx * (size[1] - 1) + 1 : tx]


def _unpad(dpadded: Array, padding: Padding) -> Array:
    (top, bottom), (left, right) = padding
    return planes(dpadded[:, top : dpadded.shape[1] - bottom, left : dpadded.shape[2] - right])


def _overlaps(window: Geometry) -> bool:
    return any(k > s for k, s in zip(window.kernel_size, window.strides, strict=True))


@dataclass
class Saved:
    """What the backward pass of max pooling needs."""

    padded: Array
    y: Array


def max_pool_forward(x: Array, window: Geometry, scratch: Scratch | None = None) -> tuple[Array, Saved]:
    """The largest number of each window; padding never wins. x (N, H, W, C) → y (N, OH, OW, C)."""
    scratch = scratch or Fresh()
    size = window.output_size(x.shape[1], x.shape[2])
    padded = pad(planes(x), window.padding, scratch, fill=-np.inf)
    y = scratch.empty("y", (x.shape[3], *size, x.shape[0]), x.dtype)
    members = _members(padded, window, size)
    np.copyto(y, next(members))
    for member in members:
        np.maximum(y, member, out=y)
    return planes(y), Saved(padded, y)


def max_pool_backward(dy: Array, saved: Saved, window: Geometry, scratch: Scratch | None = None) -> Array:
    """Each gradient goes to the first of its window's largest numbers. dy (N, OH, OW, C) → dx (N, H, W, C)."""
    scratch = scratch or Fresh()
    gradient, y = planes(dy), saved.y
    size = (y.shape[1], y.shape[2])
    dpadded = scratch.empty("dpadded", saved.padded.shape, dy.dtype)
    dpadded.fill(0)
    free = scratch.temporary("free", y.shape, np.bool_)
    hit = scratch.temporary("hit", y.shape, np.bool_)
    part = scratch.temporary("part", y.shape, dy.dtype)
    free.fill(True)
    overlaps = _overlaps(window)
    targets = _members(dpadded, window, size)
    for member, target in zip(_members(saved.padded, window, size), targets, strict=True):
        first_hits(member, y, free, hit)
        if overlaps:
            np.add(target, np.multiply(gradient, hit, out=part), out=target)
        else:
            np.multiply(gradient, hit, out=target)
    return _unpad(dpadded, window.padding)


def first_hits(member: Array, largest: Array, free: Array, hit: Array) -> None:
    """Mark in `hit` where a member is its window's largest and no earlier one was; `free` keeps the account."""
    np.equal(member, largest, out=hit)
    np.logical_and(hit, free, out=hit)
    np.greater(free, hit, out=free)


@dataclass(frozen=True)
class Cells:
    """How a convolution's output (O, PY, PX, A, B, TH, TW, N) is ordered by pooling cell.

    Output row (th·A + a)·PY + py lies at [py, a, th]: PY rows make a cell, A cells a tile (1 without tiles).
    size: (PY, PX); tile: (A, B); grid: (TH, TW); conv: (H, W) of true outputs, anything beyond never wins;
    pooled: (PH, PW) of the result.
    """

    size: Pair
    tile: Pair
    grid: Pair
    conv: Pair
    pooled: Pair

    def hide_overhang(self, blocks: Array) -> None:
        """Rows and columns that exist only to fill the last cells become −∞."""
        for row in range(self.conv[0], self.pooled[0] * self.size[0]):
            cell, y = divmod(row, self.size[0])
            blocks[:, y, :, cell % self.tile[0], :, cell // self.tile[0]] = -np.inf
        for column in range(self.conv[1], self.pooled[1] * self.size[1]):
            cell, x = divmod(column, self.size[1])
            blocks[:, :, x, :, cell % self.tile[1], :, cell // self.tile[1]] = -np.inf

    @property
    def in_order(self) -> bool:
        """Whether the pooled cells lie in plain order already."""
        return self.tile == (1, 1) and self.grid == self.pooled


def cell_max_forward(x: Array, cells: Cells, scratch: Scratch) -> tuple[Array, Saved]:
    """Max pooling of a convolution whose positions are ordered by cell: a maximum of whole contiguous blocks.

    x: (N, OH, OW, O) with planes in cell order. Returns y (N, PH, PW, O).
    """
    (py, px), (a, b), (th, tw) = cells.size, cells.tile, cells.grid
    o, n = x.shape[3], x.shape[0]
    cells.hide_overhang(planes(x).reshape(o, py, px, a, b, th, tw, n))
    members = planes(x).reshape(o, py * px, a * b * th * tw * n)
    y = scratch.empty("pooled", (o, members.shape[2]), x.dtype)
    np.maximum(members[:, 0], members[:, 1], out=y)
    for i in range(2, py * px):
        np.maximum(y, members[:, i], out=y)
    saved = Saved(members, y)
    if cells.in_order:
        return planes(y.reshape(o, th, tw, n)), saved
    return planes(out_of_tiles(y.reshape(o, a, b, th, tw, n), cells.pooled, scratch)), saved


def cell_max_backward(dy: Array, saved: Saved, shape: tuple[int, ...], cells: Cells, scratch: Scratch) -> Array:
    """The transpose of `cell_max_forward`: dy (N, PH, PW, O) → dx of `shape` (N, OH, OW, O) in cell order."""
    members, y = saved.padded, saved.y
    gradient = _in_cells(planes(dy), cells, scratch).reshape(y.shape)
    dx = scratch.empty("dcells", members.shape, dy.dtype)
    free = scratch.temporary("free", y.shape, np.bool_)
    hit = scratch.temporary("hit", y.shape, np.bool_)
    np.not_equal(members[:, 0], y, out=free)
    np.multiply(gradient, np.logical_not(free, out=hit), out=dx[:, 0])
    last = members.shape[1] - 1
    for i in range(1, last):
        first_hits(members[:, i], y, free, hit)
        np.multiply(gradient, hit, out=dx[:, i])
    np.multiply(gradient, free, out=dx[:, last])  # what no other member took
    n, oh, ow, o = shape
    return planes(dx.reshape(o, oh, ow, n))


def _in_cells(gradient: Array, cells: Cells, scratch: Scratch) -> Array:
    """(O, PH, PW, N) → (O, A, B, TH, TW, N), 0 for cells that are no output."""
    if cells.in_order:
        return contiguous(gradient, scratch, "gradient")
    return into_tiles(gradient, cells.tile, cells.grid, scratch)


def average_pool_forward(x: Array, window: Geometry, scratch: Scratch | None = None) -> tuple[Array, Array]:
    """The mean of each window, padding not counted. x (N, H, W, C) → y (N, OH, OW, C), and the shares (OH, OW).

    A share is 1 / (how many of the window's places lie inside the image).
    """
    scratch = scratch or Fresh()
    size = window.output_size(x.shape[1], x.shape[2])
    padded = pad(planes(x), window.padding, scratch)
    y = scratch.empty("y", (x.shape[3], *size, x.shape[0]), x.dtype)
    members = _members(padded, window, size)
    np.copyto(y, next(members))
    for member in members:
        y += member
    shares = _shares(x.shape[1:3], window, size).astype(x.dtype)
    y *= shares[:, :, None]
    return planes(y), shares


def _shares(image: tuple[int, ...], window: Geometry, size: Pair) -> Array:
    counts = []
    for axis in (0, 1):
        start = np.arange(size[axis]) * window.strides[axis] - window.padding[axis][0]
        end = np.minimum(start + window.kernel_size[axis], image[axis])
        counts.append(end - np.maximum(start, 0))
    return 1.0 / np.outer(counts[0], counts[1])


def average_pool_backward(
    dy: Array, shares: Array, shape: tuple[int, ...], window: Geometry, scratch: Scratch | None = None
) -> Array:
    """Each gradient is shared evenly among its window. dy (N, OH, OW, C) → dx of `shape` (N, H, W, C)."""
    scratch = scratch or Fresh()
    n, h, w, c = shape
    (top, bottom), (left, right) = window.padding
    part = scratch.temporary("part", (c, *dy.shape[1:3], n), dy.dtype)
    np.multiply(planes(dy), shares[:, :, None], out=part)
    dpadded = scratch.empty("dpadded", (c, top + h + bottom, left + w + right, n), dy.dtype)
    dpadded.fill(0)
    overlaps = _overlaps(window)
    for target in _members(dpadded, window, (dy.shape[1], dy.shape[2])):
        if overlaps:
            np.add(target, part, out=target)
        else:
            np.copyto(target, part)
    return _unpad(dpadded, window.padding)
