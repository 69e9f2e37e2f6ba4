"""Make a data set of a folder of images with one subfolder per class.

`read_layout` finds parts, classes and files by their names alone, without opening a file; `decoding.py` reads the
files; `split.py` assigns them to parts by their content.
"""

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Dataset, Images, Labels
from striate.data.decoding import decode_files
from striate.data.split import TEST, TRAINING, VALIDATION, Digests, digest_bytes, duplicate_groups, split_all
from striate.errors import DataError
from striate.images import SUFFIXES, UNSUPPORTED_SUFFIXES, ImagePolicy, images_below, is_image_name, relative_path

PART_NAMES = {
    "train": TRAINING, "training": TRAINING, "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION,
    "test": TEST, "testing": TEST,
}  # fmt: skip
CONTROL_CHARACTERS = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


def load_folder(path: str | Path, policy: ImagePolicy, seed: int = 0, layout: "Layout | None" = None) -> Dataset:
    """Load the images in path/CLASS/… and below, split 80/10/10 by the bytes of the files.

    Parts that the folder already has (path/train/CLASS/…, val or validation, test) are kept. Class numbers follow the
    sorted names of the subfolders. A file that cannot be read is left out, and a note says why. The folder is never
    written to; the pixels are cached outside it.

    Args:
        path: of the folder.
        policy: brings the images to their size.
        seed: decides which images are in which part.
        layout: the files of the folder, if they have been read.

    Returns:
        The data set.

    Raises:
        DataError: there are fewer than two classes with images, no image can be read, or there is no space for the
            pixels.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from striate.data import load_folder
        >>> from striate.images import ImagePolicy
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for number in range(20):
        ...         file = Path(folder, "photos", ("cat", "dog")[number % 2], f"{number}.png")
        ...         file.parent.mkdir(parents=True, exist_ok=True)
        ...         Image.new("RGB", (40, 30), (number, 0, 0)).save(file)
        ...     data = load_folder(Path(folder, "photos"), ImagePolicy(32, 32))
        >>> data.classes, data.shape
        (('cat', 'dog'), (32, 32, 3))
    """
    layout = layout or read_layout(path)
    decoded = decode_files(layout.folder, layout.files, layout.names, policy)
    readable = np.array([row not in decoded.unreadable for row in range(len(layout.files))])
    if not readable.any():
        first = next(iter(decoded.unreadable.values()))
        raise DataError(f"None of the {len(readable):,} images in '{path}' can be read. {first.reason}")
    images = Images(decoded.x, layout.y, layout.names).take(readable)
    digests = _keyed(decoded.digests[readable], seed)
    left_out = [f"Left out: {file.reason}" for file in decoded.unreadable.values()]
    notes = [*filter(None, [decoded.note]), *layout.notes, *_several_classes(images, digests), *left_out]
    return split_all(
        layout.folder.resolve().name, layout.classes, images, policy, digests=digests, assigned=layout.parts[readable],
        notes=notes,
    )  # fmt: skip


def _keyed(digests: Digests, seed: int) -> Digests:
    """Return the digests that decide the parts for this seed; the cache holds those of seed 0."""
    return digest_bytes((digest.tobytes() for digest in digests.astype("<u8")), seed) if seed else digests


def _several_classes(images: Images, digests: Digests) -> list[str]:
    """Return a note on identical files that are in more than one class."""
    groups = [rows for rows in duplicate_groups(digests) if np.ptp(images.y[rows])]
    if not groups or images.names is None:
        return []
    first, second = (images.names[row] for row in groups[0][:2])
    count = "1 image is" if len(groups) == 1 else f"{len(groups):,} images are"
    return [f"{count} in several classes at once; the first is '{first}', also '{second}'."]


@dataclass(frozen=True, eq=False)
class Layout:
    """The files of a folder, sorted by part, class and path.

    Attributes:
        folder: absolute.
        files: absolute paths.
        names: paths relative to the folder, as messages show them.
        classes: sorted names.
        y: int64 (N,), class numbers.
        parts: int8 (N,), the part that each file is in; all TRAINING where the folder has no parts.
        notes: sentences on what is left out, and on classes whose names look alike.
    """

    folder: Path
    files: tuple[Path, ...]
    names: tuple[str, ...]
    classes: tuple[str, ...]
    y: Labels
    parts: NDArray[np.int8]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Class:
    """The images of one class in one part."""

    name: str
    part: int
    files: list[Path]


def read_layout(path: str | Path) -> Layout:
    """Read the layout of path/CLASS/…, or of path/train/CLASS/…, path/val/CLASS/…, path/test/CLASS/….

    Parts may also be called training, valid, validation and testing, in upper or lower case.

    Args:
        path: of the folder.

    Returns:
        The files with their parts and classes.

    Raises:
        DataError: there are fewer than two classes with training images.
    """
    walk = _Walk(Path(path).absolute())
    roots = walk.part_folders()
    found = [_Class(printable(item.name), part, walk.images(item)) for root, part in roots.items()
             for item in walk.class_folders(root)]  # fmt: skip
    filled = [item for item in found if item.files]
    unsupported = walk.unsupported_note()
    _require_two_classes(roots, filled, unsupported)
    classes = sorted({item.name for item in filled})
    files = [file for item in filled for file in item.files]
    sizes = [len(item.files) for item in filled]
    return Layout(
        walk.folder,
        tuple(files),
        tuple(printable(relative_path(file, walk.folder).replace(os.sep, "/")) for file in files),
        tuple(classes),
        np.repeat([classes.index(item.name) for item in filled], sizes),
        np.repeat([item.part for item in filled], sizes).astype(np.int8),
        (*walk.notes, *_empty_folders(found, classes), *unsupported, *_similar_names(classes)),
    )


def printable(text: str) -> str:
    r"""Return a file name as messages show it: composed letters, invalid bytes and control characters as \\x…."""
    valid = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return unicodedata.normalize("NFC", valid).translate(CONTROL_CHARACTERS)


class _Walk:
    """Look into folders, and take notes of what is left out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: list[str] = []
        self.unsupported: list[Path] = []

    def part_folders(self) -> dict[Path, int]:
        """Return the folders that hold class folders, with their parts; the whole folder where it has no parts.

        A class may be called 'train': trains beside buses and cars are not a training part.

        Returns:
            The part of each folder.

        Raises:
            DataError: the folder has parts, but none for training.
        """
        folders = [item for item in _entries(self.folder) if item.is_dir()]
        parts = {item: PART_NAMES[item.name.casefold()] for item in folders if item.name.casefold() in PART_NAMES}
        others = [item for item in folders if item not in parts and images_below(item)] if parts else []
        if not parts or (others and len(set(parts.values())) == 1):
            return {self.folder: TRAINING}
        if TRAINING not in parts.values():
            names = ", ".join(f"'{item.name}'" for item in parts)
            raise DataError(f"'{self.folder}' holds {names}, but no folder 'train' to learn from.")
        self.notes += [
            f"Left out: the folder '{printable(item.name)}', which is none of train, val and test." for item in others
        ]
        return parts

    def class_folders(self, root: Path) -> list[Path]:
        """Return the folders in a part, without links to a folder that contains it: they would join all classes."""
        entries = _entries(root)
        files = [item for item in entries if item.is_file()]
        self.unsupported += [item for item in files if is_image_name(item.name, UNSUPPORTED_SUFFIXES)]
        if files:
            count = "1 file" if len(files) == 1 else f"{len(files):,} files"
            self.notes.append(f"Left out: {count} outside the class folders; the first is '{self.name(files[0])}'.")
        folders = [item for item in entries if item.is_dir()]
        circular = [item for item in folders if root.resolve().is_relative_to(item.resolve())]
        self.notes += [f"Left out: the link '{self.name(item)}' to a folder that contains it." for item in circular]
        return [item for item in folders if item not in circular]

    def images(self, folder: Path) -> list[Path]:
        """Return the images of a class; keep those in formats that Striate does not read for `unsupported_note`."""
        found = images_below(folder, self._note_unreadable, (*SUFFIXES, *UNSUPPORTED_SUFFIXES))
        self.unsupported += [file for file in found if not is_image_name(file.name)]
        return [file for file in found if is_image_name(file.name)]

    def unsupported_note(self) -> list[str]:
        """Return a note on images in formats that Striate does not read, if there are any."""
        if not self.unsupported:
            return []
        count = "1 image" if len(self.unsupported) == 1 else f"{len(self.unsupported):,} images"
        example = f"such as '{self.name(min(self.unsupported))}'"
        return [f"Left out: {count} in formats that Striate does not read, {example}. Save them as JPEG first."]

    def _note_unreadable(self, error: OSError) -> None:
        name = self.name(Path(error.filename))
        self.notes.append(f"Left out: the folder '{name}' cannot be read: {error.strerror or error}.")

    def name(self, path: Path) -> str:
        return printable(path.relative_to(self.folder).as_posix())


def _entries(folder: Path) -> list[Path]:
    """Return what is in a folder, sorted, without hidden files and folders."""
    try:
        return sorted(item for item in folder.iterdir() if not item.name.startswith("."))
    except OSError as error:
        raise DataError(f"The folder '{folder}' cannot be read: {error.strerror or error}.") from error


def _require_two_classes(roots: dict[Path, int], filled: Sequence[_Class], unsupported: Sequence[str]) -> None:
    names = sorted({item.name for item in filled if item.part == TRAINING})
    if len(names) >= 2:
        return
    root = next(root for root, part in roots.items() if part == TRAINING)
    raise DataError(
        f"'{root}' should contain at least two subfolders of images, one for each class; "
        f"found {len(names)}{': ' + names[0] if names else ''}.{' '.join(['', *unsupported])}{_hint(root)}"
    )


def _hint(root: Path) -> str:
    """Suggest the subfolder that was probably meant (unpacked archives often have one), or what to do."""
    for item in _entries(root):
        inner = [folder for folder in _entries(item) if folder.is_dir()] if item.is_dir() else []
        if len([folder for folder in inner if images_below(folder)]) >= 2:
            return f" Did you mean '{item}'?"
    loose = any(item.is_file() and is_image_name(item.name) for item in _entries(root))
    return " There are images in the folder itself: move those of each class into their own subfolder." if loose else ""


def _empty_folders(found: Sequence[_Class], classes: Sequence[str]) -> list[str]:
    names = sorted({item.name for item in found} - set(classes))
    return [f"Left out: the folder '{name}', which contains no images." for name in names]


def _similar_names(classes: Sequence[str]) -> list[str]:
    """Return a note on classes whose names differ in case only; they are not merged, since either may be meant."""
    groups: dict[str, list[str]] = {}
    for name in classes:
        groups.setdefault(name.casefold(), []).append(name)
    similar = [" and ".join(f"'{name}'" for name in group) for group in groups.values() if len(group) > 1]
    advice = "differ only in upper and lower case and are kept apart. If they are one class, merge their folders."
    return [f"Classes {names} {advice}" for names in similar]
