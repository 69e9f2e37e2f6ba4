"""Determine parts, classes and files of a folder of images from names, without opening a file."""

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Targets
from striate.data.split import TEST, TRAINING, VALIDATION
from striate.errors import DataError
from striate.images import is_image_file, search_folder
from striate.images.find import describe_unsupported, readable_images, relative_path, require_folder
from striate.tasks import Task
from striate.text import counted, printable

PART_NAMES = {
    "train": TRAINING, "training": TRAINING, "val": VALIDATION, "valid": VALIDATION, "validation": VALIDATION,
    "test": TEST, "testing": TEST,
}  # fmt: skip
WINDOWS_FILES = {"thumbs.db", "desktop.ini"}
MAX_MISSPELLED = 2  # images of a class whose name may be a typing error
MISSPELLED_RATIO = 10  # how many times as many images the class has that may be meant
MISSPELLED_SIMILARITY = 0.75  # of the two names, as difflib measures it


@dataclass(frozen=True, eq=False)
class Layout:
    """The files of a folder, sorted by part, class and path.

    Attributes:
        folder: Absolute.
        files: Absolute paths.
        names: Paths relative to the folder, as messages show them.
        classes: Sorted names.
        y: As in `Images`.
        parts: int8 (N,), the part that each file is in; all TRAINING if the folder has no parts.
        notes: Sentences on what is left out, and on classes whose names look alike.
        task: What `y` holds.
    """

    folder: Path
    files: tuple[Path, ...]
    names: tuple[str, ...]
    classes: tuple[str, ...]
    y: Targets
    parts: NDArray[np.int8]
    notes: tuple[str, ...]
    task: Task = Task.CLASSIFICATION

    @property
    def name(self) -> str:
        """The name of the folder, as messages show it."""
        return shown_name(self.folder.resolve().name)


@dataclass(frozen=True)
class _Class:
    """The images of one class in one part."""

    name: str
    part: int
    folder: Path
    files: list[Path]


def read_layout(path: str | Path, known: Sequence[str] | None = None) -> Layout:
    """Read the layout of path/CLASS/…, or of path/train/CLASS/…, path/val/CLASS/…, path/test/CLASS/….

    Parts may also be called training, valid, validation and testing, in upper or lower case.

    Args:
        path: The folder.
        known: The classes of a model to evaluate. Then one class is enough, which may also be the folder itself if it
            has the name of a class, and no training part is needed. If the folder has the same classes, they are
            returned in this order.

    Returns:
        The files with their parts and classes.

    Raises:
        DataError: If there are fewer than two classes with training images, or none to evaluate on.
    """
    require_folder(Path(path), str(path))
    walk = _Walk(Path(path).absolute())
    roots = walk.part_folders(training=known is None)
    folders = [_Class(shown_name(item.name), part, item, walk.images(item)) for root, part in roots.items()
             for item in walk.class_folders(root)]  # fmt: skip
    nonempty = [item for item in folders if item.files]
    if known is not None and not any(item.name in known for item in nonempty) and (single := walk.single_class(known)):
        folders = nonempty = single
    left_out = [*walk.unreadable.values(), *(unsupported := walk.unsupported_note())]
    if known is None:
        _require_two_classes(roots, nonempty, left_out)
    elif not nonempty:
        raise DataError(_no_labeled_images(walk.folder, left_out))
    classes = sorted({item.name for item in nonempty}, key=natural_key)
    if known is not None and set(known) == set(classes):
        classes = list(known)
    files = [file for item in nonempty for file in item.files]
    sizes = [len(item.files) for item in nonempty]
    counts = {name: sum(len(item.files) for item in nonempty if item.name == name) for name in classes}
    return Layout(
        walk.folder,
        tuple(files),
        tuple(image_name(file, walk.folder) for file in files),
        tuple(classes),
        np.repeat([classes.index(item.name) for item in nonempty], sizes),
        np.repeat([item.part for item in nonempty], sizes).astype(np.int8),
        (
            *walk.notes,
            *_empty_folders(folders, walk.unreadable),
            *unsupported,
            *_similar_names(classes),
            *misspelled_names(counts),
        ),
    )


def image_name(file: Path, folder: Path) -> str:
    """Return the name of an image in messages and tables: its path below the folder, with slashes."""
    return shown_name(relative_path(file, folder).replace(os.sep, "/"))


def shown_name(text: str) -> str:
    r"""Return a file name as messages show it: composed letters, and unsafe characters and invalid bytes as \x…."""
    return printable(unicodedata.normalize("NFC", text))


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Return a key that sorts names with numbers by these numbers: 2 before 10.

    Example:
        >>> sorted(["10", "2", "1", "cat 10", "cat 9"], key=natural_key)
        ['1', '2', '10', 'cat 9', 'cat 10']
    """
    pieces = re.split(r"([0-9]+)", name)
    return [int(piece) if number % 2 else piece for number, piece in enumerate(pieces)], name


class _Walk:
    """A walk through a folder of images that collects notes on what is left out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: list[str] = []
        self.unsupported: list[Path] = []
        self.unreadable: dict[Path, str] = {}

    def part_folders(self, *, training: bool) -> dict[Path, int]:
        """Return the folders that hold class folders, with their parts; the folder itself if it has no parts.

        A class may be called 'train' (the vehicle). A single such folder next to other classes is not a part.

        Args:
            training: Whether a training part is required.

        Returns:
            The part of each folder.

        Raises:
            DataError: If the folder has parts, but no training part.
        """
        folders = [item for item in _entries(self.folder) if item.is_dir()]
        parts = {item: PART_NAMES[item.name.casefold()] for item in folders if item.name.casefold() in PART_NAMES}
        others = [item for item in folders if item not in parts and readable_images(item)] if parts else []
        if not parts or (others and len(set(parts.values())) == 1):
            return {self.folder: TRAINING}
        if training and TRAINING not in parts.values():
            names = ", ".join(f"'{item.name}'" for item in parts)
            raise DataError(f"'{self.folder}' contains {names}, but no folder 'train' with training images.")
        self.notes += [
            f"Left out: the folder '{shown_name(item.name)}', which is not one of train, val and test."
            for item in others
        ]
        return parts

    def class_folders(self, root: Path) -> list[Path]:
        """Return the folders in a part, without links to a parent folder, which would merge all classes."""
        entries = _entries(root)
        files = [item for item in entries if item.is_file()]
        self.unsupported += [item for item in files if is_image_file(str(item), item.name) is False]
        if files:
            count = "1 file" if len(files) == 1 else f"{len(files):,} files"
            self.notes.append(f"Left out: {count} outside the class folders; the first is '{self.name(files[0])}'.")
        folders = [item for item in entries if item.is_dir()]
        circular = [item for item in folders if root.resolve().is_relative_to(item.resolve())]
        self.notes += [f"Left out: the link '{self.name(item)}' to a folder that contains it." for item in circular]
        return [item for item in folders if item not in circular]

    def single_class(self, known: Sequence[str]) -> list[_Class]:
        """Return the folder itself as a class, if it has the name of a class and contains images."""
        name = shown_name(self.folder.resolve().name)
        if name not in known or not readable_images(self.folder):
            return []
        self.notes.clear()  # they concern folders that are not classes
        self.unsupported.clear()
        return [_Class(name, TRAINING, self.folder, self.images(self.folder))]

    def images(self, folder: Path) -> list[Path]:
        """Return the images of a class; record those in unsupported formats for `unsupported_note`."""
        result = search_folder(folder, self._note_unreadable)
        self.unsupported += result.unsupported
        return result.images

    def unsupported_note(self) -> list[str]:
        """Return a note on images in unsupported formats, if there are any."""
        if not self.unsupported:
            return []
        return [f"Left out: {describe_unsupported(sorted(self.unsupported), self.name)}"]

    def _note_unreadable(self, error: OSError) -> None:
        folder = Path(error.filename)
        note = f"Left out: the folder '{self.name(folder)}' cannot be read: {error.strerror or error}."
        self.unreadable[folder] = note
        self.notes.append(note)

    def name(self, path: Path) -> str:
        return shown_name(path.relative_to(self.folder).as_posix())


def _entries(folder: Path) -> list[Path]:
    """Return what is in a folder, sorted, without hidden files and folders and what Windows puts there."""
    try:
        return sorted(
            item
            for item in folder.iterdir()
            if not item.name.startswith(".") and item.name.casefold() not in WINDOWS_FILES
        )
    except OSError as error:
        raise DataError(f"The folder '{folder}' cannot be read: {error.strerror or error}.") from error


def _readable_entries(folder: Path) -> list[Path]:
    """Return what is in a folder; an empty list if it cannot be read."""
    try:
        return _entries(folder)
    except DataError:
        return []


def _no_labeled_images(folder: Path, left_out: Sequence[str]) -> str:
    return (
        f"'{folder}' contains no labeled images: they should be in one subfolder for each class, named as in training."
        f"{' '.join(['', *left_out])}"
    )


def _require_two_classes(roots: dict[Path, int], nonempty: Sequence[_Class], unsupported: Sequence[str]) -> None:
    names = sorted({item.name for item in nonempty if item.part == TRAINING})
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
        inner = [folder for folder in _readable_entries(item) if folder.is_dir()] if item.is_dir() else []
        if len([folder for folder in inner if readable_images(folder)]) >= 2:
            return f" Did you mean '{item}'?"
    loose = any(item.is_file() and is_image_file(str(item), item.name) for item in _entries(root))
    return (
        " There are images in the folder itself: move those of each class into their own subfolder, or give the labels "
        "in a CSV file with --labels FILE."
        if loose
        else ""
    )


def _empty_folders(folders: Sequence[_Class], unreadable: Iterable[Path]) -> list[str]:
    names = sorted({item.name for item in folders if not item.files and item.folder not in unreadable})
    names = [name for name in names if name not in {item.name for item in folders if item.files}]
    return [f"Left out: the folder '{name}', which contains no images." for name in names]


def misspelled_names(counts: Mapping[str, int], what: str = "Class") -> list[str]:
    """Return a note on each class or label with hardly any images whose name resembles that of a much larger one.

    Args:
        counts: Number of images of each class or label.
        what: "Class" or "Label".

    Returns:
        The notes.

    Example:
        >>> for note in misspelled_names({"tulip": 102, "tulpi": 1, "rose": 1}):
        ...     print(note)
        Class 'tulpi' has 1 image, and its name resembles 'tulip' with 102. If it is a typing error, correct it.
    """
    notes = []
    for name, count in counts.items():
        usual = [other for other in counts if counts[other] >= MISSPELLED_RATIO * count]
        close = get_close_matches(name, usual, n=1, cutoff=MISSPELLED_SIMILARITY)
        if not 0 < count <= MAX_MISSPELLED or not close or name.casefold() == close[0].casefold():
            continue
        if re.findall(r"\d+", name) == re.findall(r"\d+", close[0]):  # "room 1" and "room 2" are different
            notes.append(
                f"{what} '{name}' has {counted(count, 'image')}, and its name resembles '{close[0]}' with "
                f"{counts[close[0]]:,}. If it is a typing error, correct it."
            )
    return notes


def _similar_names(classes: Sequence[str]) -> list[str]:
    """Return a note on classes whose names differ in case only; they are not merged, since this may be intended."""
    groups: dict[str, list[str]] = {}
    for name in classes:
        groups.setdefault(name.casefold(), []).append(name)
    similar = [" and ".join(f"'{name}'" for name in group) for group in groups.values() if len(group) > 1]
    advice = (
        "differ only in upper and lower case and are treated as different classes. If they are one class, merge their "
        "folders."
    )
    return [f"Classes {names} {advice}" for names in similar]
