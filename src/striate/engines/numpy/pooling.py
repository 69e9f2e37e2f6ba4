"""Pooling: the largest, or the mean, of each window.

Arrays have the shape (N, H, W, C) and lie in memory as planes (see `memory`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from striate.engines.numpy.convolution import Geometry, Padding, Pair, pad
from striate.engines.numpy.memory import Array, Fresh, Scratch, contiguous, planes


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


def cell_max_forward(x: Array, cell: Pair, overhang: Pair, scratch: Scratch) -> tuple[Array, Saved]:
    """Max pooling of a convolution whose positions are ordered by cell: a maximum of whole contiguous blocks.

    x: (N, OH, OW, O) with planes in cell order; overhang: rows and columns at the end that exist only to fill
    the last cells (they never win). Returns y (N, OH / PY, OW / PX, O).
    """
    o, oh, ow, n = planes(x).shape
    (py, px), (ph, pw) = cell, (oh // cell[0], ow // cell[1])
    blocks = planes(x).reshape(o, py, px, ph, pw, n)
    if overhang[0]:
        blocks[:, py - overhang[0] :, :, ph - 1] = -np.inf
    if overhang[1]:
        blocks[:, :, px - overhang[1] :, :, pw - 1] = -np.inf
    members = blocks.reshape(o, py * px, ph * pw * n)
    y = scratch.empty("pooled", (o, ph * pw * n), x.dtype)
    np.maximum(members[:, 0], members[:, 1], out=y)
    for i in range(2, py * px):
        np.maximum(y, members[:, i], out=y)
    return planes(y.reshape(o, ph, pw, n)), Saved(members, y)


def cell_max_backward(dy: Array, saved: Saved, shape: tuple[int, ...], scratch: Scratch) -> Array:
    """The transpose of `cell_max_forward`: dy (N, OH / PY, OW / PX, O) → dx of `shape` (N, OH, OW, O) in cell order.

    saved.y may since have been replaced by a monotonic function of it only if the members were too; so it is kept.
    """
    members, y = saved.padded, saved.y
    gradient = contiguous(planes(dy), scratch, "gradient").reshape(y.shape)
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
