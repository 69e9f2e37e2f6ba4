"""Find the image files that files and folders stand for."""

import os
from collections.abc import Iterable
from pathlib import Path

from striate.errors import DataError

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})


def find_images(paths: Iterable[str | Path]) -> list[Path]:
    """Files as they are named; of a folder, all image files in it and below, sorted, hidden ones left out.

    A file met twice is listed once. Raises DataError for a path that does not exist and a folder without images.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        found.update(dict.fromkeys(_expand(path)))
    return list(found)


def _expand(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"There is no file or folder '{path}'.")
    images = images_below(path)
    if not images:
        raise DataError(f"The folder '{path}' holds no images. Expected are files that end in {_endings()}.")
    return images


def images_below(folder: Path) -> list[Path]:
    """All image files in a folder and its subfolders, sorted by path, without hidden files and folders."""
    found: list[Path] = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(root, name) for name in files if is_image_name(name)]
    return sorted(found)


def is_image_name(name: str) -> bool:
    """Whether a file name is not hidden and ends as image files do, in small letters or capitals."""
    return not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES


def _endings() -> str:
    return ", ".join(sorted(SUFFIXES))
