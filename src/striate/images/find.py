"""Find image files in folders. Files without a known suffix are recognized by their content."""

import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from striate.errors import DataError
from striate.images.formats import HEAD, conversion_advice, describe_non_image, identify, is_readable

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pbm", ".pgm", ".ppm", ".pnm",
)  # fmt: skip
RAW_SUFFIXES = (".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf")
"""Camera raw data: TIFF files from which only a small preview can be read."""
UNSUPPORTED_SUFFIXES = (".heic", ".heif", ".hif", ".avif", ".jxl", ".jp2", ".psd", *RAW_SUFFIXES)
"""Other image formats. Such a file is read only if its content has a format that this installation reads."""
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


@dataclass(frozen=True)
class FolderImages:
    """The image files in a folder and below, sorted by path.

    Attributes:
        images: Files that can be read.
        unsupported: Image files in formats that cannot be read.
    """

    images: list[Path] = field(default_factory=list)
    unsupported: list[Path] = field(default_factory=list)


def find_images(paths: Iterable[str | Path]) -> list[Path]:
    """Expand folders into the image files in them.

    Args:
        paths: Files, which are kept whatever their name, and folders, which are replaced by the image files in them
            and their subfolders, sorted, without hidden files.

    Returns:
        The files, each once.

    Raises:
        DataError: If a path does not exist, or a folder contains no images.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        found.update(dict.fromkeys([path] if path.is_file() else _images_of(path)))
    return list(found)


def _images_of(path: Path) -> list[Path]:
    require_folder(path)
    found = search_folder(path)
    if not found.images:
        raise DataError(no_images_message(path, found.unsupported))
    return found.images


def require_folder(path: Path, given: str | None = None) -> None:
    """Check that a path is a folder.

    Args:
        path: The path.
        given: What the message quotes; None: the path.

    Raises:
        DataError: If it does not exist, or is not a folder.
    """
    if path.is_dir():
        return
    given = given or str(path)
    described = describe_argument(given)
    if described is None and path.exists():
        described = "is neither a file nor a folder, but a pipe or a device"
    raise DataError(f"'{given}' {described}." if described else f"There is no file or folder '{given}'.")


def no_images_message(folder: Path, unsupported: list[Path]) -> str:
    """Return the message about a folder without images that can be read."""
    if unsupported:
        return f"The folder '{folder}' contains no images that can be read. {describe_unsupported(unsupported)}"
    return f"The folder '{folder}' contains no images: no files that end in {', '.join(sorted(SUFFIXES))}."


def describe_unsupported(files: list[Path], name: Callable[[Path], str] = str) -> str:
    """Return a sentence on image files in formats that cannot be read, and what to do about them.

    Args:
        files: At least one file.
        name: Returns the name of a file in the sentence.

    Returns:
        For example "2 images in formats that Striate does not read, such as 'cat/1.jxl'. Save them as JPEG first."
    """
    count = "1 image" if len(files) == 1 else f"{len(files):,} images"
    kinds = [_kind(file) for file in files]
    advice = list(dict.fromkeys(conversion_advice(kind) for kind in dict.fromkeys(kinds)))
    what = "in formats that Striate does not read"
    return f"{count} {what}, such as '{name(files[0])}'. {' '.join(advice)}"


def describe_unsupported_file(file: Path) -> str:
    """Return a sentence on one image file in a format that cannot be read, and what to do about it."""
    return f"'{file}' has a format that Striate does not read. {conversion_advice(_kind(file), 'it')}"


def _kind(file: Path) -> str:
    """Return the format of an unsupported file, by its content or else by its name."""
    by_name = {".heic": "HEIC", ".heif": "HEIC", ".hif": "HEIC", ".avif": "AVIF"}
    return identify(_head(str(file))) or by_name.get(file.suffix.lower(), "other")


def describe_argument(text: str) -> str | None:
    """Describe an argument that is not a folder, as the end of a sentence.

    Args:
        text: The argument.

    Returns:
        What it is, and what to do; None if there is nothing to say.

    Example:
        >>> describe_argument("https://example.org/x.zip")
        'is a web address. Download it first, and give the file or folder'
    """
    if _URL.match(text):
        return "is a web address. Download it first, and give the file or folder"
    path = Path(text)
    if not path.exists() and set(text) & set("*?["):
        count = len(glob.glob(text, recursive=True))  # noqa: PTH207 (the pattern may be absolute)
        matches = f" It matches {count:,} {'file' if count == 1 else 'files'}; give" if count else " Give"
        return f"is a pattern that your shell did not expand.{matches} the files, or the folder that contains them"
    if not path.is_file():
        return None
    if kind := identify(head := _head(text)):
        return f"is a single {kind} image"
    what = describe_non_image(head) or "a file"
    return f"is {what}, not a folder{'. Unpack it, and give the folder' if 'archive' in what else ''}"


def search_folder(folder: Path, on_error: Callable[[OSError], object] | None = None) -> FolderImages:
    """Find all image files in a folder and its subfolders; see `walk_images`.

    Args:
        folder: The folder.
        on_error: Called with the error of a subfolder that cannot be read; None: it is skipped.

    Returns:
        Their paths, sorted.
    """
    found = FolderImages()
    for path, readable in walk_images(folder, on_error):
        (found.images if readable else found.unsupported).append(Path(path))
    return found


def walk_images(folder: Path, on_error: Callable[[OSError], object] | None = None) -> Iterator[tuple[str, bool]]:
    """Yield all image files in a folder and its subfolders, sorted, without hidden files and folders.

    Files with one of SUFFIXES count as images; other files are recognized by their first bytes. Links to folders are
    followed. Each folder is searched once, and folders that contain `folder` are not searched. Memory is needed for
    the names in one folder at a time and its parents.

    Args:
        folder: The folder.
        on_error: Called with the error of a subfolder that cannot be read; None: it is skipped.

    Yields:
        The path of each image file, and whether it can be read.
    """
    here = os.path.realpath(folder)
    entered = {here, *map(str, Path(here).parents)}
    levels = [_entries(str(folder), entered, on_error)]  # of the folder and the subfolders that are being searched
    while levels:
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
        elif entry.is_folder:
            levels.append(_entries(entry.path, entered, on_error))
        elif (readable := is_image_file(entry.path, entry.name)) is not None:
            yield entry.path, readable


class _Entry(NamedTuple):
    name: str
    path: str
    is_folder: bool


def _entries(folder: str, entered: set[str], on_error: Callable[[OSError], object] | None) -> Iterator[_Entry]:
    """Return the files in a folder, and the subfolders that are not hidden and not entered yet, sorted by name."""
    entries: list[_Entry] = []
    try:
        with os.scandir(folder) as scanned:
            entries.extend(_Entry(item.name, f"{folder}{os.sep}{item.name}", _is_folder(item)) for item in scanned)
    except OSError as error:
        if on_error:
            on_error(error)
    entries.sort()
    kept = [e for e in entries if not e.is_folder or (not e.name.startswith(".") and _is_new(e.path, entered))]
    return iter(kept)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def readable_images(folder: Path, on_error: Callable[[OSError], object] | None = None) -> list[Path]:
    """Return the readable image files that `search_folder` finds."""
    return search_folder(folder, on_error).images


def is_image_file(path: str, name: str) -> bool | None:
    """Decide by its name and its first bytes whether an image file can be read.

    Args:
        path: The file.
        name: Its name without folders.

    Returns:
        Whether it can be read; None if it is hidden or not an image.
    """
    lower = name.lower()
    if name.startswith("."):
        return None
    if lower.endswith(SUFFIXES):
        return True
    if lower.endswith(RAW_SUFFIXES):
        return False
    kind = identify(_head(path))
    if kind is None:
        return False if lower.endswith(UNSUPPORTED_SUFFIXES) else None
    return is_readable(kind)


def _head(path: str) -> bytes:
    """Return the first bytes of a file; no bytes if it cannot be read or is not a regular file."""
    try:
        if not S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 (a Path costs more than the call)
            return b""
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            return file.read(HEAD)
    except OSError:
        return b""


def _is_new(folder: str, entered: set[str]) -> bool:
    """Return whether a folder has not been searched yet, under this or another name, and add it to `entered`."""
    real = os.path.realpath(folder)
    new = real not in entered
    entered.add(real)
    return new


def relative_path(file: Path, folder: Path) -> str:
    """Return the path of a file relative to a folder that contains it; faster than `Path.relative_to`."""
    return str(file)[len(str(folder)) :].lstrip(os.sep)
