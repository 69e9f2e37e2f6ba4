"""What lies in a folder of photographs: parts, classes and files, by their names alone; no file is opened."""

import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Labels
from striate.data.split import TEST, TRAINING, VALIDATION
from striate.errors import DataError
from striate.images import FOREIGN, images_below, is_image_name

PART_NAMES = {
    "train": TRAINING, "training": TRAINING, "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION,
    "test": TEST, "testing": TEST,
}  # fmt: skip
CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


@dataclass(frozen=True, eq=False)
class Layout:
    """The files of a folder, sorted by part, class and path.

    names: paths below the folder, for people. classes: sorted. y: int64 (N,), places in `classes`. parts: int8 (N,),
    the part that each file lies in; all TRAINING where the folder has none. notes: sentences on what is left out, and
    on classes that look like one.
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
    """The pictures of one class in one part."""

    name: str
    part: int
    files: list[Path]


def read_layout(path: str | Path) -> Layout:
    """The layout of path/CLASS/…, or of path/train/CLASS/…, path/val/CLASS/…, path/test/CLASS/….

    Parts may also be called training, valid, validation and testing, in capitals too.
    Raises DataError for fewer than two classes with pictures to learn from.
    """
    walk = _Walk(Path(path).absolute())
    roots = walk.part_folders()
    found = [_Class(shown(item.name), part, walk.pictures(item)) for root, part in roots.items()
             for item in walk.class_folders(root)]  # fmt: skip
    filled = [item for item in found if item.files]
    foreign = walk.foreign(roots)
    _require_two(roots, filled, foreign)
    classes = sorted({item.name for item in filled})
    files = [file for item in filled for file in item.files]
    sizes = [len(item.files) for item in filled]
    return Layout(
        walk.folder,
        tuple(files),
        tuple(shown(below(file, walk.folder).replace(os.sep, "/")) for file in files),
        tuple(classes),
        np.repeat([classes.index(item.name) for item in filled], sizes),
        np.repeat([item.part for item in filled], sizes).astype(np.int8),
        (*walk.notes, *_empty(found, classes), *foreign, *_alike(classes)),
    )


def below(file: Path, folder: Path) -> str:
    """The path of a file from an absolute folder that holds it; `relative_to` is slow for very many."""
    return str(file)[len(str(folder)) :].lstrip(os.sep)


def shown(text: str) -> str:
    """A name for people, the same on every system: letters composed, odd bytes and control characters written out."""
    printable = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return unicodedata.normalize("NFC", printable).translate(CONTROLS)


class _Walk:
    """Looks into folders, and notes what it passes over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: list[str] = []

    def part_folders(self) -> dict[Path, int]:
        """The folders that hold class folders, each with its part; the whole folder where it is not cut into parts.

        A class may be called 'train': trains beside buses and cars are no training part.
        """
        inside = [item for item in _inside(self.folder) if item.is_dir()]
        parts = {item: PART_NAMES[item.name.casefold()] for item in inside if item.name.casefold() in PART_NAMES}
        others = [item for item in inside if item not in parts and images_below(item)] if parts else []
        if not parts or (others and len(set(parts.values())) == 1):
            return {self.folder: TRAINING}
        if TRAINING not in parts.values():
            names = ", ".join(f"'{item.name}'" for item in parts)
            raise DataError(f"'{self.folder}' holds {names}, but no folder 'train' to learn from.")
        self.notes += [f"Left out: the folder '{shown(o.name)}', which is none of train, val and test." for o in others]
        return parts

    def class_folders(self, root: Path) -> list[Path]:
        """The folders in a part; a link to a folder that holds it would make one class of all."""
        inside = _inside(root)
        loose = [item for item in inside if item.is_file()]
        if loose:
            files = "1 file" if len(loose) == 1 else f"{len(loose):,} files"
            self.notes.append(f"Left out: {files} outside the class folders, the first is '{self.name(loose[0])}'.")
        folders = [item for item in inside if item.is_dir()]
        circles = [item for item in folders if root.resolve().is_relative_to(item.resolve())]
        self.notes += [f"Left out: the link '{self.name(item)}' to a folder that holds it." for item in circles]
        return [item for item in folders if item not in circles]

    def pictures(self, folder: Path) -> list[Path]:
        """The pictures of a class."""
        return images_below(folder, self._cannot_read)

    def foreign(self, roots: Iterable[Path]) -> list[str]:
        """A sentence on pictures of formats that Striate does not read, if there are any."""
        files = [file for root in roots for file in images_below(root, endings=FOREIGN)]
        if not files:
            return []
        pictures = "1 picture" if len(files) == 1 else f"{len(files):,} pictures"
        return [f"Left out: {pictures} to be saved as JPEG first, such as '{self.name(files[0])}'."]

    def _cannot_read(self, error: OSError) -> None:
        name = self.name(Path(error.filename))
        self.notes.append(f"Left out: the folder '{name}' cannot be read: {error.strerror or error}.")

    def name(self, path: Path) -> str:
        return shown(path.relative_to(self.folder).as_posix())


def _inside(folder: Path) -> list[Path]:
    """What is in a folder, hidden things left out, sorted."""
    try:
        return sorted(item for item in folder.iterdir() if not item.name.startswith("."))
    except OSError as error:
        raise DataError(f"The folder '{folder}' cannot be read: {error.strerror or error}.") from error


def _require_two(roots: dict[Path, int], filled: Sequence[_Class], foreign: Sequence[str]) -> None:
    names = sorted({item.name for item in filled if item.part == TRAINING})
    if len(names) >= 2:
        return
    root = next(root for root, part in roots.items() if part == TRAINING)
    raise DataError(
        f"'{root}' should hold a subfolder of pictures for each class, at least two; "
        f"found {len(names)}{': ' + names[0] if names else ''}.{' '.join(['', *foreign])}{_hint(root)}"
    )


def _hint(root: Path) -> str:
    """The folder within that looks like the one that was meant, as unpacked archives have it; or what is to be done."""
    for item in _inside(root):
        inner = [folder for folder in _inside(item) if folder.is_dir()] if item.is_dir() else []
        if len([folder for folder in inner if images_below(folder)]) >= 2:
            return f" Perhaps you mean '{item}'."
    loose = any(item.is_file() and is_image_name(item.name) for item in _inside(root))
    return " Pictures lie in the folder itself: put those of each class into a subfolder of its own." if loose else ""


def _empty(found: Sequence[_Class], classes: Sequence[str]) -> list[str]:
    names = sorted({item.name for item in found} - set(classes))
    return [f"Left out: the folder '{name}' holds no pictures." for name in names]


def _alike(classes: Sequence[str]) -> list[str]:
    """A sentence for classes that differ in capitals only; people may mean either, so nothing is merged."""
    groups: dict[str, list[str]] = {}
    for name in classes:
        groups.setdefault(name.casefold(), []).append(name)
    alike = [" and ".join(f"'{name}'" for name in group) for group in groups.values() if len(group) > 1]
    advice = "differ in capitals only. They are kept apart; if they are one, merge their folders."
    return [f"Classes {names} {advice}" for names in alike]
