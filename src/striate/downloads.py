"""Fetch files from addresses on the web: whole and right, or not at all; what broke off goes on where it stood."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError

from striate.errors import DownloadError

TIMEOUT = 30  # seconds without a byte
CHUNK = 1 << 20  # bytes
RANGE_NOT_SATISFIABLE = 416
LARGEST = 1 << 30  # bytes; the largest file of published weights has 553 MB


def cache_folder() -> Path:
    """Where downloads and the pixels of photographs are kept: $STRIATE_CACHE, else the system's folder for caches."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get("STRIATE_CACHE") or user_cache_dir("striate", appauthor=False))


def fetch(address: str, path: Path, sha256: str) -> Path:
    """Bring the file at an address to `path` and return it; a file that is there and right stays.

    sha256: the first hexadecimal digits of its checksum, or all. What came of a download that broke off is kept
    beside it as NAME.part, and the next call goes on there. Raises DownloadError if the file cannot be had.
    """
    if _is_right(path, sha256):
        return path
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _go_on(address, part)
    except OSError as error:
        raise DownloadError(
            f"{address} could not be downloaded: {getattr(error, 'reason', error)}. What came so far is kept, so "
            f"trying again goes on there. Without a network, bring the file to {path}."
        ) from error
    if _is_right(part, sha256):
        with suppress(FileNotFoundError):  # another process was quicker
            part.replace(path)
    if _is_right(path, sha256):
        return path
    part.unlink(missing_ok=True)
    raise DownloadError(
        f"{address} is not the file that was expected: its SHA-256 does not begin with {sha256}. What came was "
        "thrown away. Try again, or from another network."
    )


def _is_right(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().startswith(sha256)


def _go_on(address: str, part: Path) -> None:
    """Append to a file what it lacks of the one at the address; begin anew where the server gives the whole only."""
    part.touch()
    start = part.stat().st_size
    try:
        # Not emptied first: of several processes that fetch it at once, all write the same bytes to the same places.
        with part.open("r+b") as file, _opened(address, start) as (answer, begin, size):
            file.seek(begin)
            _copy(answer, file, size)
    except HTTPError as error:
        if error.code != RANGE_NOT_SATISFIABLE:  # there is nothing after the part: it is whole, or wrong
            raise


def _copy(answer: BinaryIO, file: BinaryIO, size: int) -> None:
    """To the end of the answer, at which the file must have `size` bytes; 0: any number."""
    while chunk := answer.read(CHUNK):
        file.write(chunk)
        if file.tell() > LARGEST:
            raise OSError(f"it has more than {LARGEST:,} bytes")
    if file.tell() < size:
        raise OSError(f"the connection ended after {file.tell():,} of {size:,} bytes")
    file.truncate()


def read_address(address: str, most: int) -> bytes:
    """The body at an address, cut after `most` bytes. Raises OSError for whatever goes wrong."""
    with _opened(address, 0) as (answer, _, _):
        return bytes(answer.read(most))


@contextmanager
def _opened(address: str, start: int) -> Iterator[tuple[BinaryIO, int, int]]:
    """The body at an address, with a progress bar on a terminal; at which byte it begins, and the file's size or 0."""
    from http.client import HTTPException
    from urllib.request import Request, urlopen

    from rich.console import Console
    from rich.progress import wrap_file

    console = Console(stderr=True)
    headers = {"User-Agent": "striate"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        with urlopen(Request(address, headers=headers), timeout=TIMEOUT) as answer:
            begin = start if answer.status == 206 else 0
            length = int(answer.headers.get("Content-Length") or 0)
            name = address.rsplit("/", 1)[-1]
            with wrap_file(answer, length, description=name, console=console, disable=not console.is_terminal) as body:
                yield body, begin, begin + length if length else 0
    except (HTTPException, ValueError) as error:
        raise OSError(str(error) or type(error).__name__) from error
