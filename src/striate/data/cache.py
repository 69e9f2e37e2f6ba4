"""Cache decoded images and computed features on disk, up to a size limit."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike

from striate import strict_json
from striate.data.mapped import MappedArray
from striate.downloads import cache_folder
from striate.errors import DataError, RunError, UsageError
from striate.files import NO_SPACE, atomic_write, remove_temporaries
from striate.locks import try_lock
from striate.notebook import can_redraw

DEFAULT_LIMIT_GB = 20.0
"""Limit of all cached arrays, unless $STRIATE_CACHE_GB is set. Least recently used arrays are removed first."""
MAX_LIMIT_GB = 1e6
LOCK_INTERVAL = 0.1  # seconds between two attempts to take the lock

Metadata = dict[str, Any]
Shape = tuple[int, ...]


class CacheError(DataError):
    """An array cannot be written to the cache."""


@dataclass(frozen=True)
class CachedArray:
    """An array in the cache.

    Attributes:
        x: The array (N, …), whose rows are read from disk on demand.
        metadata: What `make` returned when the array was made.
    """

    x: MappedArray
    metadata: Metadata


def load_or_make(
    key: str, shape: Shape, make: Callable[[BinaryIO], Metadata], is_valid: Callable[[Metadata], bool],
    dtype: DTypeLike = np.uint8,
) -> CachedArray:  # fmt: skip
    """Return the array of this key from the cache, or make it and write it there.

    One process at a time makes an array; the others wait and then load it from the cache.

    Args:
        key: Identifies the array; other content must have another key.
        shape: (N, …) of the array.
        make: Writes the array's bytes to a file and returns its metadata, ready for JSON.
        is_valid: Whether the array on the disk, which has this metadata, may be used.
        dtype: Type of the elements.

    Returns:
        The array and its metadata.

    Raises:
        CacheError: If it cannot be written: the disk is full, the folder is not writable, or the array is larger than
            $STRIATE_CACHE_GB.
    """
    entry = _Entry(array_folder(), key, shape, np.dtype(dtype))
    cached = entry.load()
    if cached and is_valid(cached.metadata):
        return cached
    try:
        entry.folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # images may be private
        with hold_lock(entry.folder / ".lock"):
            cached = entry.load()
            return cached if cached and is_valid(cached.metadata) else entry.make(make)
    except OSError as error:
        raise CacheError(_explain(entry, error)) from error


def is_cached(key: str, shape: Shape, dtype: DTypeLike = np.uint8) -> bool:
    """Return whether an array is in the cache.

    Args:
        key: As for `load_or_make`.
        shape: As for `load_or_make`.
        dtype: As for `load_or_make`.

    Returns:
        Whether `load_or_make` would load it.
    """
    return _Entry(array_folder(), key, shape, np.dtype(dtype)).load() is not None


def array_folder() -> Path:
    """Return the folder of the cached arrays."""
    return cache_folder() / "photos"


def limit_bytes() -> int:
    """Return how many bytes the cache may take. Raises UsageError if $STRIATE_CACHE_GB is not a number."""
    text = os.environ.get("STRIATE_CACHE_GB") or DEFAULT_LIMIT_GB
    try:
        limit = float(text)
        if not 0 <= limit <= MAX_LIMIT_GB:  # also false for NaN
            raise ValueError
    except ValueError as error:
        raise UsageError(f"STRIATE_CACHE_GB must be a number of gigabytes, such as 20; received '{text}'.") from error
    return int(limit * 1e9)


@dataclass(frozen=True)
class _Entry:
    """The files KEY.pixels and KEY.json. The second is written last; without it the first is ignored."""

    folder: Path
    key: str
    shape: Shape
    dtype: np.dtype[Any]

    @property
    def pixels(self) -> Path:
        return self.folder / f"{self.key}.pixels"

    @property
    def metadata(self) -> Path:
        return self.folder / f"{self.key}.json"

    @property
    def bytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize

    @property
    def needed(self) -> int:
        """Required free disk space in bytes, including a reserve for other programs."""
        return self.bytes + self.bytes // 10

    @property
    def free(self) -> int:
        return shutil.disk_usage(self.folder).free

    def load(self) -> CachedArray | None:
        """Return the array on disk, or None if there is none or it is damaged."""
        try:
            metadata = strict_json.loads(self.metadata.read_text("utf-8"))
            entry = CachedArray(MappedArray.open(self.pixels, self.shape, self.dtype), metadata)
            os.utime(self.metadata)  # marks it as recently used
        except (OSError, ValueError):
            return None
        return entry

    def make(self, make: Callable[[BinaryIO], Metadata]) -> CachedArray:
        remove_temporaries(self.folder)  # of processes that were killed; running ones wait for the lock
        self._clear()
        _free_space(self)
        metadata: Metadata = {}
        try:
            atomic_write(self.pixels, lambda file: metadata.update(make(file)))
            atomic_write(self.metadata, strict_json.dumps(metadata))
        except RunError as error:
            raise error.__cause__ or error from None
        return CachedArray(MappedArray.open(self.pixels, self.shape, self.dtype), metadata)

    def _clear(self) -> None:
        """Remove the metadata first: an array without metadata is ignored."""
        for path in (self.metadata, self.pixels):
            with suppress(FileNotFoundError):
                path.unlink()


def _free_space(entry: _Entry) -> None:
    """Remove the least recently used arrays until the entry fits. Raises CacheError if it cannot fit."""
    limit = limit_bytes()
    if entry.bytes > limit:
        raise CacheError(
            f"The pixels of {entry.shape[0]:,} images take {_size(entry.bytes)}, but the cache is limited to "
            f"{_size(limit)}. Set STRIATE_CACHE_GB to {-(-entry.bytes // 10**9)} or more, or choose a smaller "
            "input_shape."
        )
    if entry.free + _cached_bytes(entry.folder) < entry.needed:
        raise CacheError(_full(entry))
    for other in sorted(entry.folder.glob("*.pixels"), key=_last_used):
        if _cached_bytes(entry.folder) + entry.bytes <= limit and entry.needed <= entry.free:
            return
        with suppress(OSError):  # on Windows a file in use cannot be removed
            other.with_suffix(".json").unlink(missing_ok=True)
            other.unlink()


def _last_used(pixels: Path) -> float:
    """Return when an array was last used; 0 for an array without metadata."""
    try:
        return pixels.with_suffix(".json").stat().st_mtime
    except OSError:
        return 0.0


def _cached_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.pixels"))


def _explain(entry: _Entry, error: OSError) -> str:
    if error.errno in NO_SPACE:
        return _full(entry)
    return (
        f"The pixels of the images cannot be cached in {entry.folder}: {error.strerror or error}. "
        "Set STRIATE_CACHE to a writable folder."
    )


def _full(entry: _Entry) -> str:
    return (
        f"The disk is full: the pixels of {entry.shape[0]:,} images take {_size(entry.bytes)} in {entry.folder}, "
        f"where {_size(entry.free)} are free. Free some space, set STRIATE_CACHE to a folder on a larger disk, or "
        "choose a smaller input_shape."
    )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold a lock of the cache inside a `with` block; wait for it if another process holds it.

    The operating system releases it when the process ends, even after a crash.

    Args:
        path: The lock file.

    Raises:
        OSError: If the file cannot be written, or the file system has no locks.
    """
    with path.open("ab") as file:
        if not try_lock(file):
            _wait(file)
        yield


def _wait(file: BinaryIO) -> None:
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("another process is filling the cache; waiting") if can_redraw(sys.stderr) else nullcontext():
        while not try_lock(file):
            time.sleep(LOCK_INTERVAL)
