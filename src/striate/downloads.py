"""Download files, verified by checksum; interrupted downloads continue where they stopped."""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError

from striate.errors import DownloadError
from striate.notebook import can_redraw

TIMEOUT = 30  # seconds without a byte
CHUNK = 1 << 20  # bytes
RANGE_NOT_SATISFIABLE = 416
MAX_BYTES = 1 << 30  # the largest file of published weights has 553 MB


def cache_folder() -> Path:
    """Return the folder for downloads and decoded images: $STRIATE_CACHE, or the operating system's cache folder."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get("STRIATE_CACHE") or user_cache_dir("striate", appauthor=False))


def failure_of(error: OSError) -> str:
    """Return why an address could not be read, in the words of the operating system where they are known.

    Args:
        error: What `urllib` raised; a URLError holds the error of the operating system.

    Returns:
        The reason, such as "Connection refused", without the number of the error.
    """
    cause = getattr(error, "reason", error)
    return str(getattr(cause, "strerror", None) or cause)


def fetch(address: str, path: Path, sha256: str) -> Path:
    """Download a file, unless it is there already.

    An interrupted download is kept as NAME.part, and the next call continues it.

    Args:
        address: URL of the file.
        path: Where to store it.
        sha256: Its checksum, or the first hexadecimal digits.

    Returns:
        `path`.

    Raises:
        DownloadError: If the file cannot be downloaded or its checksum is wrong.
    """
    if has_checksum(path, sha256):
        return path
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _resume(address, part)
    except OSError as error:
        if has_checksum(path, sha256):  # another process was faster, and has renamed the part
            return path
        raise DownloadError(
            f"{address} could not be downloaded: {failure_of(error)}. Try again; a download continues where it "
            f"stopped. Without network access, copy the file to '{path}'."
        ) from error
    if has_checksum(part, sha256):
        with suppress(FileNotFoundError):  # another process was faster
            part.replace(path)
    if has_checksum(path, sha256):
        return path
    part.unlink(missing_ok=True)
    raise DownloadError(
        f"{address} is not the expected file: its SHA-256 does not begin with {sha256}. The "
        "download was deleted. Try again, or use another network."
    )


def has_checksum(path: Path, sha256: str) -> bool:
    """Check a file against its SHA-256.

    Args:
        path: The file.
        sha256: The first hexadecimal digits of the checksum.

    Returns:
        Whether the file exists and has this checksum.
    """
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().startswith(sha256)


def _resume(address: str, part: Path) -> None:
    """Append the missing part of a download; start over if the server sends only complete files."""
    part.touch()
    start = part.stat().st_size
    try:
        # Not truncated first: other processes that download it at the same time write the same bytes.
        with part.open("r+b") as file, _open_address(address, start) as (response, begin, size):
            file.seek(begin)
            _copy(response, file, size)
    except HTTPError as error:
        if error.code != RANGE_NOT_SATISFIABLE:  # the part is complete, or not a part of this file
            raise


def _copy(response: BinaryIO, file: BinaryIO, size: int) -> None:
    """Copy a response to a file, which must then have `size` bytes; 0: any size."""
    while chunk := response.read(CHUNK):
        file.write(chunk)
        if file.tell() > MAX_BYTES:
            raise OSError(f"it has more than {MAX_BYTES:,} bytes")
    if file.tell() < size:
        raise OSError(f"the connection ended after {file.tell():,} of {size:,} bytes")
    file.truncate()


def read_address(address: str, max_bytes: int) -> bytes:
    """Read the beginning of a file on the web.

    Args:
        address: The URL.
        max_bytes: How many bytes to read at most.

    Returns:
        The bytes.

    Raises:
        OSError: If the address cannot be read.
    """
    with _open_address(address, 0) as (response, _, _):
        return bytes(response.read(max_bytes))


@contextmanager
def _open_address(address: str, start: int) -> Iterator[tuple[BinaryIO, int, int]]:
    """Open a URL with a progress bar; yield the body, its first byte's position, and the file's size (0: unknown)."""
    from http.client import HTTPException
    from urllib.request import Request, urlopen

    from rich.console import Console
    from rich.progress import wrap_file

    console = Console(stderr=True)
    headers = {"User-Agent": "striate"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        with urlopen(Request(address, headers=headers), timeout=TIMEOUT) as response:
            begin = start if response.status == 206 else 0
            length = int(response.headers.get("Content-Length") or 0)
            name = address.rsplit("/", 1)[-1]
            with wrap_file(
                response, length, description=name, console=console, disable=not can_redraw(sys.stderr)
            ) as body:
                yield body, begin, begin + length if length else 0
    except (HTTPException, ValueError) as error:
        raise OSError(str(error) or type(error).__name__) from error
