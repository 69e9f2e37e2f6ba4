"""Advisory locks that the operating system releases when the process ends, however it ends."""

import atexit
import os
import platform
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from striate import strict_json
from striate.errors import RunError

LOCK_FILE = ".lock"
MAX_OWNER = 1_000  # bytes of a lock file that are read
_LOCKED_BYTE = 1 << 20  # after the description of the owner, since a locked byte cannot be read on Windows

_held: dict[Path, BinaryIO] = {}
"""The lock files of this process, by folder."""


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder inside a `with` block; a lock that was held before is kept.

    Args:
        folder: An existing folder.

    Raises:
        RunError: If another process holds it.
    """
    if folder.resolve() in _held:
        yield
        return
    lock_folder(folder)
    try:
        yield
    finally:
        release_folder(folder)


def lock_folder(folder: Path) -> None:
    """Take the lock of a folder until `release_folder` or the end of the process.

    Args:
        folder: An existing folder.

    Raises:
        RunError: If another process holds it.
    """
    key = folder.resolve()
    if key in _held:
        return
    path = folder / LOCK_FILE
    try:
        file = _acquire(path)
    except PermissionError as error:
        raise RunError(f"'{path}' could not be written: {error.strerror or error}.") from error
    except OSError as error:  # some network file systems have no locks
        warnings.warn(
            f"'{folder}' cannot be locked ({error.strerror or error}). Make sure that no other process writes into it.",
            stacklevel=2,
        )
        return
    if file is None:
        raise RunError(
            f"'{folder}' is in use by {_describe_owner(path)}. Wait until it has finished, or choose another folder."
        )
    _held[key] = file


def release_folder(folder: Path) -> None:
    """Release the locks of a folder and of the folders in it that this process holds."""
    resolved = folder.resolve()
    for key in [key for key in _held if key.is_relative_to(resolved)]:
        _release(key)


def try_lock(file: BinaryIO) -> bool:
    """Lock an open file.

    Returns:
        False if another process has locked it.

    Raises:
        OSError: If the file system has no locks.
    """
    return _try_lock(file.fileno())


def _acquire(path: Path) -> BinaryIO | None:
    """Return the locked file with this process as its owner; None if another process has locked it."""
    while True:
        file = path.open("a+b")
        try:
            if not try_lock(file):
                file.close()
                return None
            if _is_same(file, path):
                _write_owner(file)
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # it was removed when its lock was released


def _is_same(file: BinaryIO, path: Path) -> bool:
    """Return whether the open file is the one that is now at the path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _write_owner(file: BinaryIO) -> None:
    since = datetime.now().astimezone().isoformat(" ", "seconds")
    owner = {"process": os.getpid(), "host": platform.node(), "since": since}
    file.truncate(0)
    file.write(strict_json.dumps(owner).encode())
    file.flush()


def _describe_owner(path: Path) -> str:
    """Return, for example, "process 4711 on 'lab' since 2026-11-28 09:30:00+01:00"."""
    try:
        with path.open("rb") as file:
            owner = strict_json.loads(file.read(MAX_OWNER))
        process, since = int(owner["process"]), datetime.fromisoformat(owner["since"])
        host = ascii(str(owner["host"]))
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return "another process"
    return f"process {process} on {host} since {since.isoformat(' ', 'seconds')}"


def _release(key: Path) -> None:
    file = _held.pop(key)
    # Before it is unlocked, so that a process that has opened this file notices that it was removed.
    with suppress(OSError):  # on Windows an open file cannot be removed
        (key / LOCK_FILE).unlink()
    file.close()


@atexit.register
def _release_all() -> None:
    for key in list(_held):
        _release(key)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_held.clear)  # a child must not keep the lock of a parent that was killed


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
