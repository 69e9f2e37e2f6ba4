"""Keep decoded images and computed features on the disk, within a bound, so that each is made only once."""

import json
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

from striate.data.stored import Stored
from striate.downloads import cache_folder
from striate.errors import DataError, RunError, UsageError
from striate.files import NO_SPACE, atomic_write, remove_temporaries

MOST_GB = 20.0
"""All kept pixels together, unless $STRIATE_CACHE_GB says otherwise; beyond it, what was used longest ago goes."""
PAUSE = 0.1  # seconds between two looks at a lock

Facts = dict[str, Any]
Shape = tuple[int, ...]


class NoRoomError(DataError):
    """The array cannot be kept on the disk."""


@dataclass(frozen=True)
class Kept:
    """An array (N, …) on the disk, and the facts noted when it was made."""

    x: Stored
    facts: Facts


def keep(
    key: str, shape: Shape, make: Callable[[BinaryIO], Facts], good: Callable[[Facts], bool],
    dtype: DTypeLike = np.uint8,
) -> Kept:  # fmt: skip
    """Return the array of this key from the disk, or make it and keep it there.

    One process at a time makes an array; the others wait, and find it made.

    Args:
        key: What the array is known by; another content has another key.
        shape: (N, …) of the array.
        make: Writes the array's bytes to a file and returns facts about it, ready for JSON.
        good: Whether what is on the disk, with these facts, may be used.
        dtype: Of the array's elements.

    Returns:
        The array, which is read row by row when needed, and its facts.

    Raises:
        NoRoomError: If it cannot be kept: the disk is full, the folder cannot be written, or the array is larger than
            $STRIATE_CACHE_GB.
    """
    entry = _Entry(photos_folder(), key, shape, np.dtype(dtype))
    found = entry.load()
    if found and good(found.facts):
        return found
    try:
        entry.folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # other people have no business with the pictures
        with _locked(entry.folder / ".lock"):
            found = entry.load()
            return found if found and good(found.facts) else entry.make(make)
    except OSError as error:
        raise NoRoomError(_explain(entry, error)) from error


def photos_folder() -> Path:
    """Where pixels are kept."""
    return cache_folder() / "photos"


def most_bytes() -> int:
    """How much may be kept. Raises UsageError where $STRIATE_CACHE_GB is no number."""
    text = os.environ.get("STRIATE_CACHE_GB") or MOST_GB
    try:
        return int(float(text) * 1e9)
    except ValueError as error:
        raise UsageError(f"STRIATE_CACHE_GB is a number of gigabytes, such as 20; it is set to '{text}'.") from error


@dataclass(frozen=True)
class _Entry:
    """KEY.pixels and, written after it, KEY.json: without the second the first does not count."""

    folder: Path
    key: str
    shape: Shape
    dtype: np.dtype[Any]

    @property
    def pixels(self) -> Path:
        return self.folder / f"{self.key}.pixels"

    @property
    def facts(self) -> Path:
        return self.folder / f"{self.key}.json"

    @property
    def bytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize

    @property
    def needed(self) -> int:
        """Free bytes that the disk must have: some are left for others."""
        return self.bytes + self.bytes // 10

    @property
    def free(self) -> int:
        return shutil.disk_usage(self.folder).free

    def load(self) -> Kept | None:
        """What is on the disk; None where nothing is, or something damaged."""
        try:
            facts = json.loads(self.facts.read_text("utf-8"))
            kept = Kept(Stored.open(self.pixels, self.shape, self.dtype), facts)
            os.utime(self.facts)  # used now
        except (OSError, ValueError):
            return None
        return kept

    def make(self, make: Callable[[BinaryIO], Facts]) -> Kept:
        remove_temporaries(self.folder)  # of processes that were killed; those alive wait for the lock
        self._clear()
        _make_room(self)
        facts: Facts = {}
        try:
            atomic_write(self.pixels, lambda file: facts.update(make(file)))
            atomic_write(self.facts, json.dumps(facts, ensure_ascii=False))
        except RunError as error:
            raise error.__cause__ or error from None
        return Kept(Stored.open(self.pixels, self.shape, self.dtype), facts)

    def _clear(self) -> None:
        """The facts first: pixels alone do not count."""
        for path in (self.facts, self.pixels):
            with suppress(FileNotFoundError):
                path.unlink()


def _make_room(entry: _Entry) -> None:
    """Remove what was used longest ago until there is room. Raises NoRoomError where there cannot be."""
    most = most_bytes()
    if entry.bytes > most:
        raise NoRoomError(
            f"The pixels of {entry.shape[0]:,} pictures take {_size(entry.bytes)}, and at most {_size(most)} are kept: "
            f"set STRIATE_CACHE_GB to {-(-entry.bytes // 10**9)} or more, or choose a smaller input_shape."
        )
    if entry.free + _kept_bytes(entry.folder) < entry.needed:
        raise NoRoomError(_full(entry))
    for other in sorted(entry.folder.glob("*.pixels"), key=_used):
        if _kept_bytes(entry.folder) + entry.bytes <= most and entry.needed <= entry.free:
            return
        with suppress(OSError):  # on Windows what is in use cannot be removed
            other.with_suffix(".json").unlink(missing_ok=True)
            other.unlink()


def _used(pixels: Path) -> float:
    """When it was last used; what has no facts goes first."""
    try:
        return pixels.with_suffix(".json").stat().st_mtime
    except OSError:
        return 0.0


def _kept_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.pixels"))


def _explain(entry: _Entry, error: OSError) -> str:
    if error.errno in NO_SPACE:
        return _full(entry)
    return (
        f"The pixels of the pictures cannot be kept in {entry.folder}: {error.strerror or error}. "
        "Set STRIATE_CACHE to a folder that can be written."
    )


def _full(entry: _Entry) -> str:
    return (
        f"The disk is full: the pixels of {entry.shape[0]:,} pictures take {_size(entry.bytes)} in {entry.folder}, "
        f"where {_size(entry.free)} are free. Free some space, set STRIATE_CACHE to a folder with more room, or choose "
        "a smaller input_shape."
    )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Only one process at a time gets in; the system lets the next one in when this one ends, however it ends."""
    with path.open("ab") as file:
        if not _lock(file.fileno()):
            _wait(file.fileno())
        yield


def _wait(descriptor: int) -> None:
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("another process is reading pictures; waiting") if console.is_terminal else nullcontext():
        while not _lock(descriptor):
            time.sleep(PAUSE)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
