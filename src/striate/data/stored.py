"""Pixels that lie in a file and are read when they are asked for, so that a data set may be larger than memory."""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

GIVE_BACK = 128_000_000  # bytes of the file in memory before they are handed back to the system
LARGE_PAGE = 1 << 21  # bytes; Linux maps as much around whatever is touched


class Stored:
    """Pictures uint8 (N, H, W, C) in a file: x[5], x[10:20], x[rows], x[mask] read them, each as an array of its own.

    However much is read, the memory that the file takes stays below GIVE_BACK bytes and what is in use.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, source: "_Map", rows: NDArray[np.int64]) -> None:
        self._source, self._rows = source, rows

    @classmethod
    def open(cls, path: Path, shape: tuple[int, int, int, int]) -> "Stored":
        """All pictures of a file that holds uint8 of this shape and nothing else.

        Raises OSError where there is none, ValueError where it has another size.
        """
        return cls(_Map(path, shape), np.arange(shape[0]))

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, H, W, C)."""
        return (len(self._rows), *self._source.shape[1:])

    @property
    def nbytes(self) -> int:
        """What all pictures would take in memory."""
        count, height, width, channels = self.shape
        return count * height * width * channels

    def subset(self, rows: NDArray[Any]) -> "Stored":
        """The pictures at these row numbers, or where this mask (N,) is true; nothing is read."""
        return Stored(self._source, self._rows[rows])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]:
        return self._source.read(self._rows[rows])

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self[row] for row in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("Pixels in a file cannot become an array without being copied.")
        return self[:].astype(dtype or self.dtype, copy=False)


def subset(x: Any, rows: NDArray[Any]) -> Any:
    """The pictures of an array or of a file at these rows; of those in a file nothing is read."""
    return x.subset(rows) if isinstance(x, Stored) else x[rows]


class _Map:
    """A file that is mapped into memory, and lets go of what was read now and then."""

    def __init__(self, path: Path, shape: tuple[int, int, int, int]) -> None:
        self._path, self.shape = path, shape
        _, height, width, channels = shape
        self._most = max(1, GIVE_BACK // (height * width * channels + LARGE_PAGE))
        self._touched = 0
        self._open()

    def _open(self) -> None:
        with self._path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._pixels = np.frombuffer(self._map, np.uint8).reshape(self.shape)

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The pictures at these numbers, copied: uint8 (…, H, W, C)."""
        numbers = np.ravel(rows)
        pictures = np.empty((len(numbers), *self.shape[1:]), np.uint8)
        for start in range(0, len(numbers), self._most):
            part = slice(start, start + self._most)
            # All numbers are in range; to have that checked again costs NumPy a copy.
            np.take(self._pixels, numbers[part], axis=0, out=pictures[part], mode="clip")
            self._count(len(numbers[part]))
        return pictures.reshape(*np.shape(rows), *self.shape[1:])

    def _count(self, read: int) -> None:
        self._touched += read  # threads may miss each other's, which only delays
        if self._touched >= self._most:
            self._touched = 0
            self._give_back()

    def _give_back(self) -> None:
        """Pages that were read count as memory of this process until it says that it can do without."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)
        else:  # a fresh map has no pages; the old one goes when the last reader is done
            self._open()
