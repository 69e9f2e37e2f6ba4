"""Fetch MNIST from its public mirrors, checked by checksum, so that a broken download never reaches a model."""

from pathlib import Path

from striate.errors import DownloadError

# SHA-256 of the unpacked files, because mirrors pack them differently.
SHA256 = {
    "train-images-idx3-ubyte.gz": "",
    "train-labels-idx1-ubyte.gz": "",
    "t10k-images-idx3-ubyte.gz": "",
    "t10k-labels-idx1-ubyte.gz": "",
}


def cache_folder() -> Path:
    """Where downloads are kept; the operating system's folder for caches."""
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("striate", appauthor=False))


def fetch_missing(folder: Path) -> Path:
    """Fetch."""
    raise DownloadError(f"MNIST is not in {folder}.")
