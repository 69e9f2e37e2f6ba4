"""Atomic writes: a crash, a kill or a full disk never leaves an incomplete file."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

from striate.errors import RunError

Content = bytes | str | Callable[[BinaryIO], object]
SYNC_BYTES = 32_000_000  # written between two syncs of a large file
NO_SPACE = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


def atomic_write(path: str | os.PathLike[str], content: Content) -> None:
    """Write a file completely or not at all.

    The old file remains until the new content is safely on disk. A missing folder is created.

    Args:
        path: The file.
        content: Bytes, text (written as UTF-8), or a function that writes to the open file.

    Raises:
        RunError: If the file cannot be written, for example because the disk is full.
    """
    path = Path(path)
    if not path.name:
        raise RunError(f"'{path}' is not a file name. Give a path such as report.html.")
    # In the same folder, because a rename is only atomic within one file system.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_and_sync(temporary, content)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise RunError(_explain(path, error)) from error


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a folder completely or not at all.

    A folder of this name is replaced; it remains until the new one is complete.

    Args:
        path: The folder. Folders above it are created.

    Yields:
        A temporary folder to write into, which takes the place of `path` unless an exception is raised.

    Raises:
        RunError: If it cannot be written, for example because the disk is full.
    """
    path = Path(path).resolve()
    temporary, replaced = (path.with_name(f".{path.name}.{os.getpid()}.{kind}") for kind in ("tmp", "old"))
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if path.exists():
            path.replace(replaced)
        try:
            temporary.replace(path)
        except BaseException:
            if replaced.exists():
                replaced.replace(path)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise RunError(_explain(path, error)) from error
    finally:
        for left in (temporary, replaced):
            shutil.rmtree(left, ignore_errors=True)


def remove_temporaries(folder: Path) -> None:
    """Delete the temporary files that killed processes left in a folder.

    Args:
        folder: The folder.
    """
    for temporary in folder.glob(".*.[0-9]*.tmp"):
        temporary.unlink(missing_ok=True)


class EarlySync:
    """Writes a large file and stores what is written so far on the disk meanwhile, so that its end comes soon.

    Used in a `with` block.

    Args:
        file: An open binary file.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._written = file, 0
        self._pool = ThreadPoolExecutor(1)
        self._pending: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._pool.shutdown()
        if self._pending and kind is None:
            self._pending.result()  # the system reports an error only once

    def write(self, content: bytes | memoryview) -> None:
        """Append to the file.

        Args:
            content: What to append.

        Raises:
            OSError: If what was written before could not be stored.
        """
        self._written += self._file.write(content)
        if self._written >= SYNC_BYTES and (self._pending is None or self._pending.done()):
            if self._pending:
                self._pending.result()
            self._file.flush()
            self._written, self._pending = 0, self._pool.submit(os.fsync, self._file.fileno())


def _write_and_sync(path: Path, content: Content) -> None:
    with path.open("wb") as file:
        if callable(content):
            content(file)
        else:
            file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    # A rename is stored in the folder. Windows cannot open folders and does not need this.
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explain(path: Path, error: OSError) -> str:
    if error.errno in NO_SPACE:
        return (
            f"The disk is full: '{path}' was not written; an older version of the file is unchanged. Free some space."
        )
    return f"'{path}' could not be written: {error.strerror or error}."
