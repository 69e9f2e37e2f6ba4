"""MNIST: 70,000 handwritten digits in four gzipped IDX files, and the 5,000 of them that come with Striate."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from striate.data.dataset import Dataset, Images
from striate.data.download import SHA256, fetch_mnist
from striate.data.idx import read_idx
from striate.data.split import digest_images, split_all, split_train
from striate.downloads import cache_folder
from striate.errors import DataError
from striate.images import ImagePolicy

CLASSES = tuple("0123456789")
POLICY = ImagePolicy(28, 28, 1, "digit")
EMBEDDED = Path(__file__).with_name("mnist5k.npz")


def mnist(seed: int = 0) -> Dataset:
    """MNIST with its official 10,000 test images; a tenth of its training images is set aside for validation.

    That tenth holds the test part of `mnist5k` at the same seed, so neither data set trains on the other's test.
    Raises DataError for damaged files, DownloadError if they are nowhere and cannot be fetched.
    Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits".
    """
    folder = find_mnist() or fetch_mnist(cache_folder() / "mnist")
    with ThreadPoolExecutor(2) as pool:  # zlib lets other threads run
        train, test = pool.map(lambda part: _read_part(folder, part), ("train", "t10k"))
    return split_train("mnist", CLASSES, train, test, POLICY, seed=seed, validation=0.1)


def mnist5k(seed: int = 0) -> Dataset:
    """5,000 of MNIST's training digits, 500 of each, cut 80/10/10 by content. Source: see SOURCES.md."""
    with np.load(EMBEDDED, allow_pickle=False) as file:
        images = Images(file["x"][..., None], file["y"].astype(np.int64))  # (N, H, W) → (N, H, W, 1)
    digests = digest_images(images.x, seed)
    return split_all("mnist5k", CLASSES, images, POLICY, digests=digests, validation=0.1, test=0.1)


def find_mnist() -> Path | None:
    """The folder that holds all four files: $STRIATE_DATA/mnist, else the cache folder, else None."""
    given = os.environ.get("STRIATE_DATA")
    folders = [Path(given, "mnist")] if given else []
    folders.append(cache_folder() / "mnist")
    return next((folder for folder in folders if all((folder / name).is_file() for name in SHA256)), None)


def _read_part(folder: Path, part: str) -> Images:
    x = read_idx(folder / f"{part}-images-idx3-ubyte.gz", 3)
    y = read_idx(folder / f"{part}-labels-idx1-ubyte.gz", 1)
    if len(x) != len(y) or x.shape[1:] != (28, 28) or (len(y) and y.max() > 9):
        raise DataError(f"The MNIST files in {folder} do not belong together: images {x.shape}, labels {y.shape}.")
    return Images(x[..., None], y.astype(np.int64))  # (N, H, W) → (N, H, W, 1)
