"""Find the image files that files and folders stand for."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from striate.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
FOREIGN = (".heic", ".heif", ".avif", ".jxl", ".dng", ".cr2", ".cr3", ".nef", ".arw")
"""Pictures too, as phones and cameras save them, but Striate does not read them."""


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


def images_below(
    folder: Path, on_error: Callable[[OSError], object] | None = None, endings: tuple[str, ...] = SUFFIXES
) -> list[Path]:
    """All image files in a folder and its subfolders, sorted by path, without hidden files and folders.

    Links to folders are followed, each folder is entered once, and never one that holds `folder`.
    on_error: told of subfolders that cannot be read; without it they are passed over. endings: of the files meant.
    """
    found: list[str] = []
    here = os.path.realpath(folder)
    entered = {here, *map(str, Path(here).parents)}
    for root, folders, files in os.walk(folder, onerror=on_error, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and _first(root, name, entered))
        found += [f"{root}{os.sep}{name}" for name in files if is_image_name(name, endings)]
    found.sort(key=lambda path: path.split(os.sep))  # noqa: PTH206 (a Path for each comparison is slow)
    return list(map(Path, found))


def _first(root: str, name: str, entered: set[str]) -> bool:
    """Whether the folder is met for the first time, by this or another name."""
    real = os.path.realpath(os.path.join(root, name))  # noqa: PTH118 (a Path for each folder is slow)
    new = real not in entered
    entered.add(real)
    return new


def is_image_name(name: str, endings: tuple[str, ...] = SUFFIXES) -> bool:
    """Whether a file name is not hidden and ends as image files do, in small letters or capitals."""
    return name.lower().endswith(endings) and not name.startswith(".")


def _endings() -> str:
    return ", ".join(sorted(SUFFIXES))
