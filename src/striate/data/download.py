"""Fetch MNIST from its public mirrors, checked by checksum, so that a broken download never reaches a model."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from striate.data.idx import gunzip
from striate.downloads import read_address
from striate.errors import DownloadError
from striate.files import atomic_write

# SHA-256 of the unpacked files, because mirrors pack them differently; their MD5 sums are MNIST's published ones.
SHA256 = {
    "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
LARGEST = 1 << 26  # bytes; the largest file is 10 MB packed


def fetch_mnist(folder: Path, mirrors: Sequence[str] | None = None) -> Path:
    """Bring the four files of MNIST into `folder` and return it; files that are there and right stay.

    mirrors: addresses of folders, tried in turn; by default those of STRIATE_MNIST_MIRRORS (separated by spaces),
    else the public ones. Raises DownloadError, with what each mirror answered, if a file cannot be had,
    RunError if the folder cannot be written.
    """
    mirrors = mirrors or os.environ.get("STRIATE_MNIST_MIRRORS", "").split() or MIRRORS
    for name in SHA256:
        if not _is_good(folder / name):
            atomic_write(folder / name, _from_any(name, mirrors, folder))
    return folder


def _is_good(path: Path) -> bool:
    try:
        return _fault(path.name, path.read_bytes()) is None
    except OSError:
        return False


def _fault(name: str, packed: bytes) -> str | None:
    """What is wrong with the packed content of a file, or None."""
    try:
        content = gunzip(packed)
    except ValueError as error:
        return str(error)
    return None if hashlib.sha256(content).hexdigest() == SHA256[name] else "its checksum is wrong"


def _from_any(name: str, mirrors: Sequence[str], folder: Path) -> bytes:
    """The right packed content of a file, from the first mirror that has it."""
    faults = []
    for mirror in mirrors:
        try:
            packed = read_address(mirror.rstrip("/") + "/" + name, LARGEST)
        except OSError as error:
            faults.append(f"{mirror}: {error}")
            continue
        fault = _fault(name, packed)
        if fault is None:
            return packed
        faults.append(f"{mirror}: {fault}")
    raise DownloadError(
        f"MNIST could not be downloaded. {name}: {'; '.join(faults)}. Without a network, put {', '.join(SHA256)} "
        f"into {folder}, or use the data set 'mnist5k', which needs no download."
    )
