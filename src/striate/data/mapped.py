"""Arrays in files, whose rows are read on demand, so that a data set can be larger than memory."""

import mmap
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

RELEASE_BYTES = 128_000_000  # bytes of the file that are read before their pages are released
LARGE_PAGE_BYTES = 1 << 21  # Linux may map this much around each page that is read


class MappedArray:
    """An array (N, …) in a file. x[5], x[10:20], x[rows] and x[mask] read rows into a new NumPy array.

    The mapped file uses less than `RELEASE_BYTES` of memory, regardless of how much is read.
    """

    def __init__(self, source: "_MappedFile", rows: NDArray[np.int64]) -> None:
        self._source, self._rows = source, rows

    @classmethod
    def open(cls, path: Path, shape: tuple[int, ...], dtype: DTypeLike = np.uint8) -> "MappedArray":
        """Open a file that contains one array and nothing else.

        Args:
            path: The file.
            shape: (N, …) of the array.
            dtype: Data type of its elements.

        Returns:
            The array; nothing is read yet.

        Raises:
            OSError: If the file cannot be opened.
            ValueError: If the file has another size.
        """
        return cls(_MappedFile(path, shape, np.dtype(dtype)), np.arange(shape[0]))

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

    @property
    def memmap(self) -> NDArray[Any]:
        """Read-only view of all rows of the file; the operating system loads and evicts its pages."""
        return self._source.array

    def subset(self, rows: NDArray[Any]) -> "MappedArray":
        """Select rows without reading them.

        Args:
            rows: Row numbers, or a mask (N,).

        Returns:
            The selected rows.
        """
        return MappedArray(self._source, self._rows[rows])

    @staticmethod
    def concatenate(parts: "Sequence[MappedArray]") -> "MappedArray":
        """Join the rows of several arrays in the same file without reading them.

        Args:
            parts: The arrays; see `is_same_file`.

        Returns:
            All rows, one array after another.
        """
        return MappedArray(parts[0]._source, np.concatenate([part._rows for part in parts]))

    def is_same_file(self, other: object) -> bool:
        """Return whether another array holds rows of the same opened file."""
        return isinstance(other, MappedArray) and other._source is self._source

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        return self._source.read(self._rows[rows])

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self[row] for row in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("A MappedArray cannot be converted to a NumPy array without a copy.")
        return self[:].astype(dtype or self.dtype, copy=False)


def take_rows(x: Any, rows: NDArray[Any]) -> Any:
    """Select rows. Rows of a `MappedArray` are not read.

    Args:
        x: The array (N, …).
        rows: Row numbers, or a mask (N,).

    Returns:
        The selected rows.
    """
    return x.subset(rows) if isinstance(x, MappedArray) else x[rows]


def join_rows(parts: Sequence[Any]) -> Any:
    """Join the rows of arrays. Rows of `MappedArray`s in the same file are not read.

    Args:
        parts: The arrays (n, …).

    Returns:
        All rows, one array after another.
    """
    first = parts[0]
    if isinstance(first, MappedArray) and all(map(first.is_same_file, parts)):
        return MappedArray.concatenate(parts)
    return np.concatenate([part[:] for part in parts])


class _MappedFile:
    """A memory-mapped file whose pages are released at intervals."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._path, self.shape, self.dtype = path, shape, dtype
        self._rows_at_once = max(1, RELEASE_BYTES // (prod(shape[1:]) * dtype.itemsize + LARGE_PAGE_BYTES))
        self._rows_read = 0
        self._open()

    def _open(self) -> None:
        with self._path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.array = np.frombuffer(self._map, self.dtype).reshape(self.shape)

    def read(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Copy the rows at these numbers."""
        numbers = np.ravel(rows)
        copied = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        for start in range(0, len(numbers), self._rows_at_once):
            part = slice(start, start + self._rows_at_once)
            # All numbers are in range; another check by NumPy would require a copy.
            np.take(self.array, numbers[part], axis=0, out=copied[part], mode="clip")
            self._count(len(numbers[part]))
        return copied.reshape(*np.shape(rows), *self.shape[1:])

    def _count(self, read: int) -> None:
        self._rows_read += read  # threads may lose an update, which only delays the release
        if self._rows_read >= self._rows_at_once:
            self._rows_read = 0
            self._release()

    def _release(self) -> None:
        """Release the pages that were read, which count as memory of this process."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)
        else:  # a new map has no pages; the old one is freed when no thread uses it
            self._open()
