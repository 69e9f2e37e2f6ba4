"""Memory layout and reuse of arrays.

Every array has the shape (N, H, W, C) or (N, F), but is stored in the order C H W N or F N ("planes"): channels first,
batch last. Shifts of a kernel, pooling windows, means of channels and columns of im2col are then long contiguous
blocks, which NumPy processes several times faster than blocks of C values.
"""

from collections.abc import Hashable
from math import prod
from typing import Any

import numpy as np

from striate._types import Array


def planes(x: Array) -> Array:
    """Return the view (C, H, W, N) of (N, H, W, C), or (F, N) of (N, F). It is its own inverse."""
    return x.transpose(3, 1, 2, 0) if x.ndim == 4 else x.T


def column(values: Array, x: Array) -> Array:
    """Reshape values (C,) or (1,) so that they broadcast to the planes of x, and convert them to its dtype."""
    return values.astype(x.dtype, copy=False).reshape(-1, *[1] * (x.ndim - 1))


def contiguous(view: Array, scratch: "Scratch", key: Hashable) -> Array:
    """Return the array itself if it is C-contiguous, else a C-contiguous copy.

    Args:
        view: An array.
        scratch: Provides the memory of the copy.
        key: Its key in `scratch`.

    Returns:
        The array or the copy.
    """
    if view.flags.c_contiguous:
        return view
    copy = scratch.empty(key, view.shape, view.dtype)
    np.copyto(copy, view)
    return copy


class Scratch:
    """Arrays that are reused in every step, because new memory pages cost time.

    An array from `empty` is valid until the next request with the same key. An array from `temporary` is valid until
    the caller returns; its memory is shared by all instances with the same `shared`.
    """

    def __init__(self, shared: "Scratch | None" = None) -> None:
        self._shared = shared
        self._blocks: dict[Hashable, Array] = {}
        self._arrays: dict[tuple[Hashable, tuple[int, ...]], Array] = {}

    def empty(self, key: Hashable, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return an uninitialized array.

        Args:
            key: What the array is for; the previous array of this key is overwritten.
            shape: Its shape.
            dtype: Its dtype.

        Returns:
            The array.
        """
        array = self._arrays.get((key, shape))
        if array is None or array.dtype != dtype:
            array = self._arrays[key, shape] = self._view(key, shape, np.dtype(dtype))
        return array

    def temporary(self, key: Hashable, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return an uninitialized array that the caller does not use after it returns.

        Args:
            key: What the array is for.
            shape: Its shape.
            dtype: Its dtype.

        Returns:
            The array.
        """
        return (self._shared or self).empty(key, shape, dtype)

    def _view(self, key: Hashable, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        size = prod(shape) * dtype.itemsize
        block = self._blocks.get(key)
        if block is None or block.size < size:
            block = self._blocks[key] = np.empty(size, np.uint8)
            self._arrays = {name: array for name, array in self._arrays.items() if name[0] != key}
        return block[:size].view(dtype).reshape(shape)


class UncachedScratch(Scratch):
    """Scratch that always allocates, for calling the functions of a layer directly."""

    def empty(self, key: Hashable, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return a new uninitialized array."""
        return np.empty(shape, dtype)


def into_tiles(maps: Array, tile: tuple[int, int], grid: tuple[int, int], scratch: Scratch) -> Array:
    """Order planes by position in tiles.

    Args:
        maps: Planes (C, H, W, N).
        tile: (A, B), the size of a tile.
        grid: (TH, TW), the number of tiles along each axis.
        scratch: Provides the memory.

    Returns:
        (C, A, B, TH, TW, N), 0 outside the maps.
    """
    (a, b), (c, h, w, n) = tile, maps.shape
    tiles = scratch.temporary("into tiles", (c, a, b, *grid, n), maps.dtype)
    if (h, w) != (grid[0] * a, grid[1] * b):
        tiles.fill(0)
    for y in range(a):
        for x in range(b):
            part = maps[:, y::a, x::b]
            tiles[:, y, x, : part.shape[1], : part.shape[2]] = part
    return tiles


def out_of_tiles(tiles: Array, size: tuple[int, int], scratch: Scratch) -> Array:
    """Invert `into_tiles`.

    Args:
        tiles: (C, A, B, TH, TW, N).
        size: (H, W).
        scratch: Provides the memory.

    Returns:
        Planes (C, H, W, N).
    """
    c, a, b, th, tw, n = tiles.shape
    maps = scratch.empty("out of tiles", (c, th, a, tw, b, n), tiles.dtype)
    np.copyto(maps, tiles.transpose(0, 3, 1, 4, 2, 5))
    return maps.reshape(c, th * a, tw * b, n)[:, : size[0], : size[1]]
