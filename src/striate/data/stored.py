"""Arrays in a file whose rows are read when they are needed, so that a data set may be larger than memory."""

import mmap
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

GIVE_BACK = 128_000_000  # bytes of the file in memory before they are handed back to the system
LARGE_PAGE = 1 << 21  # bytes; Linux maps as much around whatever is touched


class Stored:
    """An array (N, …) in a file: x[5], x[10:20], x[rows], x[mask] read rows, each time as an array of their own.

    However much is read, the memory that the file takes stays below GIVE_BACK bytes and what is in use.
    """

    def __init__(self, source: "_Map", rows: NDArray[np.int64]) -> None:
        self._source, self._rows = source, rows

    @classmethod
    def open(cls, path: Path, shape: tuple[int, ...], dtype: DTypeLike = np.uint8) -> "Stored":
        """Return all rows of a file that holds one array and nothing else.

        Args:
            path: The file.
            shape: (N, …) of the array.
            dtype: Of its elements.

        Returns:
            The array; nothing is read yet.

        Raises:
            OSError: If the file cannot be opened.
            ValueError: If the file has another size.
        """
        return cls(_Map(path, shape, np.dtype(dtype)), np.arange(shape[0]))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its elements."""
        return self._source.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._source.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, …); for images (N, H, W, C)."""
        return (len(self._rows), *self._source.shape[1:])

    @property
    def nbytes(self) -> int:
        """The bytes that all rows would take in memory."""
        return prod(self.shape) * self.dtype.itemsize

    def subset(self, rows: NDArray[Any]) -> "Stored":
        """Return the rows at these numbers, or where this mask (N,) is true, without reading them."""
        return Stored(self._source, self._rows[rows])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        return self._source.read(self._rows[rows])

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self[row] for row in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("Rows in a file cannot become an array without being copied.")
        return self[:].astype(dtype or self.dtype, copy=False)


def subset(x: Any, rows: NDArray[Any]) -> Any:
    """Return these rows of an array or of a file; of those in a file nothing is read."""
    return x.subset(rows) if isinstance(x, Stored) else x[rows]


class _Map:
    """A file that is mapped into memory, and whose pages are given back to the system now and then."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._path, self.shape, self.dtype = path, shape, dtype
        self._most = max(1, GIVE_BACK // (prod(shape[1:]) * dtype.itemsize + LARGE_PAGE))
        self._touched = 0
        self._open()

    def _open(self) -> None:
        with self._path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._array = np.frombuffer(self._map, self.dtype).reshape(self.shape)

    def read(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Copy the rows at these numbers."""
        numbers = np.ravel(rows)
        copied = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        for start in range(0, len(numbers), self._most):
            part = slice(start, start + self._most)
            # All numbers are in range; to have that checked again costs NumPy a copy.
            np.take(self._array, numbers[part], axis=0, out=copied[part], mode="clip")
            self._count(len(numbers[part]))
        return copied.reshape(*np.shape(rows), *self.shape[1:])

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
