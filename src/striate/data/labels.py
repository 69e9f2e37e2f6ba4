"""Labels of a folder of images from a CSV file: a class, any number of labels, or numbers for each file."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.layout import PART_NAMES, Layout, image_name, misspelled_names, natural_key, read_layout, shown_name
from striate.data.split import TRAINING, count_labels
from striate.data.tables import FILE_NAME, FileFinder, Table, read_table
from striate.errors import DataError, UsageError
from striate.images import search_folder
from striate.images.find import describe_argument, describe_unsupported, require_folder
from striate.tasks import MAX_NUMBER, Task, get_task
from striate.text import counted, listed

SAMPLE_ROWS = 2000  # number of rows in which the column of the file names is searched
HEADINGS = {"label", "labels", "class", "classes", "category", "target", "tags", "라벨", "레이블", "클래스", "분류"}
YES_NO = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "-1": 0, "": 0, "false": 0, "true": 1, "no": 0, "yes": 1}
SEPARATORS = re.compile(r"[;|,]")  # separators of several labels in one cell
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
MAX_NUMERIC_CLASSES = 10  # with more classes whose names are numbers, regression may be meant
REGRESSION_SHARE = 0.5  # classes per image, all of them numbers, from which regression is probably meant
OUTLIER = 20.0  # interquartile ranges from the median, from which a number is reported

Value = Any  # of one row: a class name, a frozenset of labels, or a tuple of numbers


@dataclass(frozen=True)
class LabelFile:
    """A CSV file that says what is in the images of a folder.

    Attributes:
        path: The file, with one row for each image.
        task: What its other columns hold: one class, labels, or numbers.
        columns: Headings of the columns with the labels, or their numbers counted from 1; by default the column
            besides that of the files, or all of them if they hold 0 and 1.
    """

    path: str
    task: Task = Task.CLASSIFICATION
    columns: tuple[str, ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        """The options of a command that reads the same labels."""
        task = () if self.task is Task.CLASSIFICATION else ("--task", str(self.task))
        columns = (word for column in self.columns for word in ("--label-column", column))
        return ("--labels", self.path, *task, *columns)


def label_file(labels: str | Path | None, task: str | None = None, columns: Sequence[str] = ()) -> LabelFile | None:
    """Return the description of a CSV file with labels; None if there is none.

    Args:
        labels: The file.
        task: "classification" (default), "multilabel" or "regression".
        columns: Headings of the columns with labels, if there are others.

    Returns:
        The description.

    Raises:
        UsageError: If the task is unknown, or it or the columns are given without a file.
    """
    chosen = get_task(task or Task.CLASSIFICATION)
    if labels is None:
        if columns or chosen is not Task.CLASSIFICATION:
            what = f"The task '{chosen}'" if chosen is not Task.CLASSIFICATION else "A column of labels"
            raise UsageError(f"{what} needs a CSV file with the labels of the images: --labels FILE.")
        return None
    return LabelFile(str(labels), chosen, tuple(columns))


def labeled_layout(path: str | Path, labels: LabelFile | None = None, known: Sequence[str] | None = None) -> Layout:
    """Read the layout of a folder, with labels from a CSV file if there is one.

    Args:
        path: The folder.
        labels: The CSV file; None: the subfolders are the classes.
        known: The classes of a model to evaluate, as for `read_layout` and `read_labels`.

    Returns:
        The files with their labels.
    """
    return read_labels(path, labels, known) if labels else read_layout(path, known)


def read_labels(folder: str | Path, labels: LabelFile, known: Sequence[str] | None = None) -> Layout:
    r"""Read the files of a folder with their labels from a CSV file.

    Files are named relative to the folder, or by their bare name if only one file has it. Folders train, val and test
    directly below the folder are parts. Rows of files that do not exist, and files without a row, are left out.

    Args:
        folder: The folder of images, searched with its subfolders.
        labels: The CSV file.
        known: The classes, labels or numbers of a model to evaluate. Then one class is enough.

    Returns:
        The labeled files; notes list what is left out.

    Raises:
        DataError: If no row names an image, a name is ambiguous, labels contradict each other, a cell should be a
            number and is not, or there are too few classes.
        UsageError: If it is not clear which column holds the labels.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in "abc":
        ...         Image.new("RGB", (8, 8)).save(Path(folder, f"{name}.png"))
        ...     file = Path(folder, "ages.csv")
        ...     _ = file.write_text("file,age\na.png,31\nb.png,4.5\nc.png,60\n")
        ...     layout = read_labels(folder, LabelFile(str(file), Task.REGRESSION))
        >>> layout.classes, layout.y.tolist()
        (('age',), [[31.0], [4.5], [60.0]])
    """
    images = _find_images(folder)
    table = _LabelTable(read_table(labels.path), labels, images)
    if labels.task is Task.REGRESSION:
        names, values = table.column_names("number"), table.values(table.numbers())
        y = np.array([values[row] for row in sorted(values)], np.float32).reshape(len(values), len(names))
        table.notes += _outliers(y, names, [images.names[row] for row in sorted(values)])
    elif labels.task is Task.MULTILABEL:
        names, values = table.label_sets(known)
        y = np.array([[name in values[row] for name in names] for row in sorted(values)], np.uint8)
    else:
        values = table.values(table.texts())
        names = sorted(set(values.values()), key=natural_key)
        names = list(known) if known is not None and set(known) == set(names) else names
        index = {name: number for number, name in enumerate(names)}
        y = np.array([index[values[row]] for row in sorted(values)], np.int64)
        _check_classes(table, names, len(y), known)
    rows = sorted(values)
    if labels.task is not Task.REGRESSION:
        counts = dict(zip(names, count_labels(y, len(names)).tolist(), strict=True))
        table.notes += misspelled_names(counts, "Class" if labels.task is Task.CLASSIFICATION else "Label")
    if not rows:
        raise DataError(f"No image in '{images.shown}' has a label in '{table.path}'.{' '.join(['', *table.notes])}")
    return Layout(
        images.folder, tuple(images.files[row] for row in rows), tuple(images.names[row] for row in rows),
        tuple(names), y, _parts([images.names[row] for row in rows]), (*images.notes, *table.notes), labels.task,
    )  # fmt: skip


@dataclass(frozen=True)
class _Images:
    """The images of a folder.

    Attributes:
        folder: Absolute.
        shown: The folder as the user gave it.
        files: Absolute paths.
        names: Paths relative to the folder, as messages show them.
        notes: Sentences on what is left out.
    """

    folder: Path
    shown: str
    files: list[Path]
    names: list[str]
    notes: list[str]


def _find_images(given: str | Path) -> _Images:
    if not Path(given).is_dir() and (described := describe_argument(str(given))):
        raise DataError(f"'{given}' {described}.")
    require_folder(Path(given))
    folder = Path(given).absolute()

    name = partial(image_name, folder=folder)

    notes: list[str] = []

    def note(error: OSError) -> None:
        reason = error.strerror or error
        notes.append(f"Left out: the folder '{name(Path(error.filename))}' cannot be read: {reason}.")

    found = search_folder(folder, note)
    if found.unsupported:
        notes.append(f"Left out: {describe_unsupported(found.unsupported, name)}")
    if not found.images:
        raise DataError(f"The folder '{given}' contains no images that can be read.{' '.join(['', *notes])}")
    return _Images(folder, str(given), found.images, [image_name(file, folder) for file in found.images], notes)


class _LabelTable:
    """The rows of a CSV file that name images, and what their cells say."""

    def __init__(self, table: Table, labels: LabelFile, images: _Images) -> None:
        self.path, self.task, self.images = shown_name(Path(labels.path).name), labels.task, images
        self.notes: list[str] = []
        self.header = table.header
        self._finder = FileFinder(images.folder.resolve().name, images.names)
        self.file_column = self._find_file_column(table)
        self.columns = self._find_columns(table, labels.columns)
        self.rows: list[tuple[int, int, tuple[str, ...]]] = []  # image, line, cells of `columns`
        self._match(table)

    def _find_file_column(self, table: Table) -> int:
        """Return the column whose cells name most images; numbers as labels may be names without their extension."""
        sample = table.rows[:SAMPLE_ROWS]
        named = []
        for column in range(len(table.rows[0])):
            found = {
                hit[0]: bool(FILE_NAME.fullmatch(row[column]))
                for row in sample
                if (hit := self._finder.find(row[column]))
            }
            named.append((sum(found.values()), len(found)))
        if max(named) == (0, 0):
            first = ", ".join(table.rows[0])
            raise DataError(
                f"No row of '{self.path}' refers to an image in '{self.images.shown}'; the first one is '{first:.80}'. "
                f"Write paths relative to this folder, such as '{self.images.names[0]}'."
            )
        return named.index(max(named))

    def _find_columns(self, table: Table, asked: Sequence[str]) -> list[int]:
        """Return the columns with labels. Raise UsageError if they are not clear."""
        others = [column for column in range(len(table.rows[0])) if column != self.file_column]
        if asked:
            return [self._column(name, others) for name in asked]
        if len(others) == 1 or (self.task is Task.MULTILABEL and self.header and _are_yes_no(table, others)):
            return others
        if self.header and self.task is not Task.REGRESSION:
            usual = [column for column in others if self.header[column].casefold() in HEADINGS]
            if len(usual) == 1:
                self.notes.append(f"The labels are those of the column '{self._name(usual[0])}' in '{self.path}'.")
                return usual
        names = ", ".join(f"'{self._name(column)}'" for column in others)
        hint = ""
        if self.task is Task.MULTILABEL:
            hint = " For one column per label, each cell must be 0 or 1, and the first row must name the labels."
        raise UsageError(
            f"'{self.path}' has several columns besides the file names: {names}. Choose the one with the labels with "
            f"--label-column.{hint}"
        )

    def _column(self, name: str, others: Sequence[int]) -> int:
        matching = [column for column in others if self.header and self.header[column] == name]
        if not matching and name.isdecimal() and int(name) - 1 in others:
            matching = [int(name) - 1]
        if len(matching) == 1:
            return matching[0]
        names = ", ".join(f"'{self._name(column)}'" for column in others)
        problem = "several columns" if matching else "no column"
        raise UsageError(f"'{self.path}' has {problem} '{name}' with labels. Its columns are {names}.")

    def _name(self, column: int) -> str:
        return shown_name(self.header[column]) if self.header else str(column + 1)

    def _match(self, table: Table) -> None:
        """Find the image of each row."""
        missing, ambiguous = [], []
        for cells, line in zip(table.rows, table.lines, strict=True):
            found = self._finder.find(cells[self.file_column])
            if len(found) == 1:
                self.rows.append((found[0], line, tuple(cells[column] for column in self.columns)))
            elif found:
                choices = " / ".join(f"'{self.images.names[row]}'" for row in found[:2])
                ambiguous.append(f"'{shown_name(cells[self.file_column])}' (line {line}: {choices})")
            else:
                missing.append(f"'{shown_name(cells[self.file_column])}' (line {line})")
        if ambiguous:
            raise DataError(
                f"In '{self.path}', some names may mean several images: {listed(ambiguous)}. Write the path below "
                f"'{self.images.shown}'."
            )
        if missing:
            self.notes.append(
                f"Left out: {counted(len(missing), 'row')} of '{self.path}' whose file is not among the images in "
                f"'{self.images.shown}': {listed(missing)}."
            )
        named = {image for image, _, _ in self.rows}
        without = [f"'{name}'" for row, name in enumerate(self.images.names) if row not in named]
        if without:
            self.notes.append(
                f"Left out: {counted(len(without), 'image')} without a row in '{self.path}': {listed(without)}."
            )

    def column_names(self, default: str) -> list[str]:
        """Return the headings of the columns with labels."""
        names = [self._name(column) if self.header else default for column in self.columns]
        if len(set(names)) < len(names) or not all(names):
            raise DataError(
                f"The columns of '{self.path}' with labels need different headings; they are {', '.join(names)}."
            )
        return names

    def texts(self) -> list[Value]:
        """Return the class name of each row; None for an empty cell."""
        return [shown_name(cells[0]) or None for _, _, cells in self.rows]

    def numbers(self) -> list[Value]:
        """Return the numbers of each row; None for a row with an empty cell."""
        comma = {len(cell) - cell.index(",") - 1 for _, _, cells in self.rows for cell in cells if _has_comma(cell)}
        wrong = [
            f"'{self.images.names[image]}': '{shown_name(cell):.40}' (line {line})"
            for image, line, cells in self.rows for cell in cells if cell and not _is_number(cell, comma)
        ]  # fmt: skip
        if wrong:
            raise DataError(
                f"In '{self.path}', {len(wrong):,} of {len(self.rows) * len(self.columns):,} cells are not numbers: "
                f"{listed(wrong)}. Write plain numbers such as 12.5, without units, and leave unknown ones empty. For "
                "classes, use --task classification."
            )
        return [tuple(float(cell.replace(",", ".")) for cell in cells) if all(cells) else None
                for _, _, cells in self.rows]  # fmt: skip

    def values(self, values: Sequence[Value]) -> dict[int, Value]:
        """Return the value of each image. Raise DataError if rows contradict each other."""
        found: dict[int, dict[Value, int]] = defaultdict(dict)
        empty = []
        for (image, line, _), value in zip(self.rows, values, strict=True):
            if value is None:
                empty.append(f"'{self.images.names[image]}'")
            else:
                found[image].setdefault(value, line)
        contradictions = [
            f"'{self.images.names[image]}': {' / '.join(f'{_text(v)} (line {n})' for v, n in lines.items())}"
            for image, lines in sorted(found.items()) if len(lines) > 1
        ]  # fmt: skip
        if contradictions:
            hint = " For several labels, use --task multilabel." if self.task is Task.CLASSIFICATION else ""
            raise DataError(
                f"'{self.path}' has contradicting rows for some images: {listed(contradictions)}. Keep one row for "
                f"each image.{hint}"
            )
        if empty:
            self.notes.append(
                f"Left out: {counted(len(empty), 'image')} with an empty cell in '{self.path}': {listed(empty)}."
            )
        return {image: next(iter(lines)) for image, lines in found.items()}

    def label_sets(self, known: Sequence[str] | None) -> tuple[list[str], dict[int, Value]]:
        """Return the labels, and those of each image; several rows of an image with one label each are joined."""
        if self.header and all(cell.casefold() in YES_NO for _, _, cells in self.rows for cell in cells):
            names = self.column_names("")
            if missing := [name for name in known or () if name not in names]:
                raise DataError(f"'{self.path}' has no column for '{missing[0]}', which the model predicts.")
            marked = [
                frozenset(name for name, cell in zip(names, cells, strict=True) if YES_NO[cell.casefold()])
                for _, _, cells in self.rows
            ]
            return names, self.values(marked)
        if len(self.columns) > 1:
            wrong = next(c for _, _, cells in self.rows for c in cells if c.casefold() not in YES_NO)
            raise DataError(
                f"With several columns of labels, each cell must be 0 or 1; '{self.path}' has '{wrong:.40}'."
            )
        joined: dict[int, Value] = defaultdict(frozenset)
        for image, _, (cell,) in self.rows:
            joined[image] |= {shown_name(part.strip()) for part in SEPARATORS.split(cell) if part.strip()}
        names = sorted(frozenset().union(*joined.values()), key=natural_key)
        if known is None and not names:
            raise DataError(f"No image has a label in '{self.path}': its cells are empty.")
        return names, joined


def _are_yes_no(table: Table, columns: Sequence[int]) -> bool:
    return all(row[column].casefold() in YES_NO for row in table.rows for column in columns)


def _has_comma(cell: str) -> bool:
    return bool(DECIMAL_COMMA.fullmatch(cell))


def _is_number(cell: str, decimals: set[int]) -> bool:
    """Return whether a cell is a number; "1,5" is one, but "1,500" only if other cells show that a comma is decimal."""
    if _has_comma(cell):
        return decimals != {3} and abs(float(cell.replace(",", "."))) <= MAX_NUMBER
    return bool(NUMBER.fullmatch(cell)) and abs(float(cell)) <= MAX_NUMBER


def _text(value: Value) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{number:g}" for number in value)
    if isinstance(value, frozenset):
        return " + ".join(sorted(value)) or "without labels"
    return f"'{value}'"


def _check_classes(table: _LabelTable, names: Sequence[str], images: int, known: Sequence[str] | None) -> None:
    """Raise DataError unless the labels are those of a classification."""
    if known is None and images and len(names) < 2:
        raise DataError(
            f"All images in '{table.path}' have the label '{names[0]}'; a classifier needs two or more labels."
        )
    if known is None and len(names) > REGRESSION_SHARE * images and all(NUMBER.fullmatch(name) for name in names):
        raise DataError(
            f"'{table.path}' has {len(names):,} different numbers for {images:,} images. To predict numeric values, "
            "use --task regression."
        )
    if known is None and len(names) > MAX_NUMERIC_CLASSES and all(NUMBER.fullmatch(name) for name in names):
        table.notes.append(
            f"The labels in '{table.path}' are numbers, and each number is treated as a class. To predict numeric "
            "values, use --task regression."
        )
    combined = [name for name in names if len(_split_label(name)) > 1]
    seen = Counter(part for name in names for part in _split_label(name))
    repeated = [(name, part) for name in combined for part in _split_label(name) if seen[part] > 1]
    if known is None and repeated:
        name, part = repeated[0]
        raise DataError(
            f"'{table.path}' has several labels in one cell, such as '{name}', and '{part}' occurs in other cells too. "
            "To predict several labels for each image, use --task multilabel. If each combination is a class of its "
            "own, write it without ';' and '|'."
        )


def _split_label(name: str) -> tuple[str, ...]:
    """Return the labels that a class name may consist of; commas are left to names such as "Seoul, Korea"."""
    return tuple(dict.fromkeys(filter(None, map(str.strip, re.split("[;|]", name)))))


def _outliers(y: NDArray[np.float32], names: Sequence[str], files: Sequence[str]) -> list[str]:
    """Return a note for each column with numbers that are far from all others."""
    notes = []
    for name, column in zip(names, y.T.astype(np.float64), strict=True):
        low, middle, high = np.quantile(column, (0.25, 0.5, 0.75)) if len(column) else (0.0, 0.0, 0.0)
        rows = np.flatnonzero(np.abs(column - middle) > OUTLIER * (high - low)).tolist() if high > low else []
        if rows:
            values = [f"{column[row]:g} of '{files[row]}'" for row in rows]
            notes.append(
                f"{counted(len(values), 'value')} of '{name}' {'is' if len(values) == 1 else 'are'} far from the "
                f"others (half of them are between {low:g} and {high:g}): {listed(values)}. Check for typing errors "
                "and codes for missing values."
            )
    return notes


def _parts(names: Sequence[str]) -> NDArray[np.int8]:
    """Return the part of each file; all TRAINING unless all files are in folders train, val or test."""
    tops = [name.partition("/")[0].casefold() if "/" in name else "" for name in names]
    parts = [PART_NAMES.get(top) for top in tops]
    if None in parts or TRAINING not in parts or len(set(parts)) < 2:
        return np.full(len(names), TRAINING, np.int8)
    return np.array(parts, np.int8)
