"""Find image files in folders."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from striate.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
UNSUPPORTED_SUFFIXES = (".heic", ".heif", ".avif", ".jxl", ".dng", ".cr2", ".cr3", ".nef", ".arw")
"""Images as phones and cameras save them, in formats that Striate does not read."""


def find_images(paths: Iterable[str | Path]) -> list[Path]:
    """Expand folders into the image files in them.

    Args:
        paths: files, which are kept whatever their name, and folders, of which all image files in them and below are
            taken, sorted and without hidden ones.

    Returns:
        The files, each one once.

    Raises:
        DataError: a path does not exist, or a folder contains no images.
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
        raise DataError(f"The folder '{path}' contains no images: no files that end in {_endings()}.")
    return images


def images_below(
    folder: Path, on_error: Callable[[OSError], object] | None = None, endings: tuple[str, ...] = SUFFIXES
) -> list[Path]:
    """Return all image files in a folder and its subfolders, sorted by path, without hidden files and folders.

    Links to folders are followed. Each folder is entered once, and never one that contains `folder`.

    Args:
        folder: where to look.
        on_error: called with the error of a subfolder that cannot be read; by default it is skipped.
        endings: of the file names.

    Returns:
        Their paths.
    """
    found: list[str] = []
    here = os.path.realpath(folder)
    entered = {here, *map(str, Path(here).parents)}
    for root, folders, files in os.walk(folder, onerror=on_error, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and _is_new(root, name, entered))
        found += [f"{root}{os.sep}{name}" for name in files if is_image_name(name, endings)]
    found.sort(key=lambda path: path.split(os.sep))  # noqa: PTH206 (a Path for each comparison is slow)
    return list(map(Path, found))


def _is_new(root: str, name: str, entered: set[str]) -> bool:
    """Return whether the folder was not entered before, under this or another name, and mark it as entered."""
    real = os.path.realpath(os.path.join(root, name))  # noqa: PTH118 (a Path for each folder is slow)
    new = real not in entered
    entered.add(real)
    return new


def is_image_name(name: str, endings: tuple[str, ...] = SUFFIXES) -> bool:
    """Return whether a file is not hidden and its name ends as those of images do, in upper or lower case."""
    return name.lower().endswith(endings) and not name.startswith(".")


def _endings() -> str:
    return ", ".join(sorted(SUFFIXES))


def relative_path(file: Path, folder: Path) -> str:
    """Return the path of a file relative to an absolute folder that holds it; `relative_to` is slow for many files."""
    return str(file)[len(str(folder)) :].lstrip(os.sep)
