"""MNIST: 70,000 handwritten digits in four gzipped IDX files, and the 5,000 of them that are included in Striate."""

import hashlib
import os
import zlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Dataset, Images
from striate.data.digests import digest_images
from striate.data.order import epoch_order
from striate.data.split import split_by_digest, split_training
from striate.downloads import cache_folder, read_address
from striate.errors import DataError, DownloadError
from striate.files import atomic_write
from striate.images import ImagePolicy

CLASSES = tuple("0123456789")
POLICY = ImagePolicy(28, 28, 1, "digit")
EMBEDDED = Path(__file__).with_name("mnist5k.npz")

# SHA-256 of the unpacked files, because mirrors compress them differently. Their MD5 sums are the ones MNIST publishes.
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
IDX_MAGIC = {1: 0x801, 3: 0x803}  # uint8 values along 1 or 3 axes
MAX_PACKED = 1 << 26  # bytes; the largest file has 10 MB
MAX_UNPACKED = 1 << 30  # bytes; the largest file unpacks to 47 MB

_being_read: dict[Path, tuple[Future[Images], Future[Images]]] = {}  # by folder, begun by `read_ahead`


def mnist(seed: int = 0) -> Dataset:
    """Load MNIST with its official 10,000 test images and a tenth of its training images for validation.

    That tenth contains the test part of `mnist5k` at the same seed, so neither data set trains on test
    images of the other.

    Args:
        seed: Decides which images are for validation.

    Returns:
        The data set.

    Raises:
        DataError: If a file is damaged.
        DownloadError: If the files are missing and cannot be downloaded.

    Source:
        LeCun, Cortes, Burges, "The MNIST database of handwritten digits".
    """
    train, test = official_parts()
    return split_training("mnist", CLASSES, train, test, POLICY, seed=seed, validation=0.1)


def official_parts() -> tuple[Images, Images]:
    """Return the 60,000 training images and the 10,000 test images of MNIST. Raise errors as `mnist`."""
    folder = find_mnist() or download_mnist(cache_folder() / "mnist")
    train, test = _being_read.pop(folder) if folder in _being_read else _start_reading(folder)
    return train.result(), test.result()


def read_ahead() -> None:
    """Begin to read MNIST on other threads, if it is present, for the next call of `official_parts`.

    Unpacking releases the GIL, so it takes no time from a program that meanwhile imports modules.
    """
    folder = find_mnist()
    if folder:
        _being_read[folder] = _start_reading(folder)


def _start_reading(folder: Path) -> tuple[Future[Images], Future[Images]]:
    """Begin to read the training images and the test images."""
    pool = ThreadPoolExecutor(2)
    train, test = (pool.submit(_read_part, folder, part) for part in ("train", "t10k"))
    pool.shutdown(wait=False)
    return train, test


def mnist5k(seed: int = 0) -> Dataset:
    """Load 5,000 of MNIST's training digits, 500 of each class, split 80/10/10 by content. Source: SOURCES.md.

    The digits are in a mixed order, always the same, because the file is sorted by class: the first thousand digits
    would be of three classes.

    Args:
        seed: decides the split.

    Returns:
        The data set.
    """
    with np.load(EMBEDDED, allow_pickle=False) as file:
        order = epoch_order(len(file["y"]), seed=0, epoch=0)
        images = Images(file["x"][order, ..., None], file["y"][order].astype(np.int64))  # (N, H, W) → (N, H, W, 1)
    digests = digest_images(images.x, seed)
    return split_by_digest("mnist5k", CLASSES, images, POLICY, digests=digests)


def parts_of_mnist5k() -> tuple[Images, Images]:
    """Return nine tenths of `mnist5k`, training and validation images, and its test images."""
    data = mnist5k()
    x = np.concatenate((data.train.x, data.validation.x))
    y = np.concatenate((data.train.y, data.validation.y))
    return Images(x, y), data.test


def find_mnist() -> Path | None:
    """Return the folder that contains all four files: $STRIATE_DATA/mnist, else the cache folder, else None."""
    data_folder = os.environ.get("STRIATE_DATA")
    folders = [Path(data_folder, "mnist")] if data_folder else []
    folders.append(cache_folder() / "mnist")
    return next((folder for folder in folders if all((folder / name).is_file() for name in SHA256)), None)


def download_mnist(folder: Path, mirrors: Sequence[str] | None = None) -> Path:
    """Download the four files of MNIST; files that are present and correct are not downloaded again.

    Args:
        folder: Where to put them.
        mirrors: Addresses of folders, tried one after another; by default those in $STRIATE_MNIST_MIRRORS (separated
            by spaces), else the public ones.

    Returns:
        The folder.

    Raises:
        DownloadError: If no mirror has a correct file; the message lists the problem of each.
        RunError: If the folder cannot be written.
    """
    mirrors = mirrors or os.environ.get("STRIATE_MNIST_MIRRORS", "").split() or MIRRORS
    for name in SHA256:
        if not _is_correct(folder / name):
            atomic_write(folder / name, _download(name, mirrors, folder))
    return folder


def _is_correct(path: Path) -> bool:
    try:
        return _problem(path.name, path.read_bytes()) is None
    except OSError:
        return False


def _problem(name: str, packed: bytes) -> str | None:
    """Return what is wrong with the packed content of a file, or None."""
    try:
        content = gunzip(packed)
    except ValueError as error:
        return str(error)
    return None if hashlib.sha256(content).hexdigest() == SHA256[name] else "its checksum is wrong"


def _download(name: str, mirrors: Sequence[str], folder: Path) -> bytes:
    """Return the packed content of a file from the first mirror that has a correct one."""
    problems = []
    for mirror in mirrors:
        try:
            packed = read_address(mirror.rstrip("/") + "/" + name, MAX_PACKED)
        except OSError as error:
            problems.append(f"{mirror}: {error}")
            continue
        problem = _problem(name, packed)
        if problem is None:
            return packed
        problems.append(f"{mirror}: {problem}")
    raise DownloadError(
        f"MNIST could not be downloaded. {name}: {'; '.join(problems)}. Without a network, put {', '.join(SHA256)} "
        f"into '{folder}', or use the data set 'mnist5k', which needs no download."
    )


def _read_part(folder: Path, part: str) -> Images:
    x = read_idx(folder / f"{part}-images-idx3-ubyte.gz", 3)
    y = read_idx(folder / f"{part}-labels-idx1-ubyte.gz", 1)
    if len(x) != len(y) or x.shape[1:] != (28, 28) or (len(y) and y.max() > 9):
        raise DataError(f"The MNIST files in '{folder}' do not match: images {x.shape}, labels {y.shape}.")
    return Images(x[..., None], y.astype(np.int64))  # (N, H, W) → (N, H, W, 1)


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """Read a gzipped IDX file, the format of the MNIST family.

    Args:
        path: The file.
        axes: Number of axes, 1 or 3.

    Returns:
        The uint8 array.

    Raises:
        DataError: If the file cannot be read, is damaged, or is not an IDX file of bytes with that many axes.
    """
    try:
        content = gunzip(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"'{path}' cannot be read: {error}{_advice(path)}") from error
    header = 4 + 4 * axes
    if len(content) < header or int.from_bytes(content[:4], "big") != IDX_MAGIC[axes]:
        raise DataError(
            f"'{path}' is not an IDX file of bytes with {axes} {'axis' if axes == 1 else 'axes'}{_advice(path)}"
        )
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", axes, offset=4))
    expected = int(np.prod(shape, dtype=np.float64))
    if len(content) - header != expected:
        raise DataError(
            f"'{path}' should contain {expected} bytes of data, but contains {len(content) - header}{_advice(path)}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def gunzip(packed: bytes) -> bytes:
    """Unpack a gzip file of one member, with its length and CRC checked.

    Args:
        packed: The bytes of the file.

    Returns:
        The unpacked content.

    Raises:
        ValueError: If the file is damaged or incomplete, or unpacks to more than `MAX_UNPACKED` bytes.
    """
    size = int.from_bytes(packed[-4:], "little")  # gzip ends with the unpacked length
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(packed, min(size + 1, MAX_UNPACKED))
    except zlib.error as error:
        raise ValueError(f"it is not a gzip file, or it is damaged ({error})") from error
    if not unpacker.eof:
        raise ValueError("it is truncated or damaged")
    return content


def _advice(path: Path) -> str:
    return f". Delete it and run `striate data download mnist`, or replace it with a correct {path.name}."
