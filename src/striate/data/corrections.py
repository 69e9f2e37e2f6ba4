"""Corrections of a folder of images, as a user wrote them into audit.csv: images left out, and images with new labels.

They are applied to the list of files, never to the files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from striate.data.layout import Layout
from striate.data.tables import FileFinder, Table, read_table, unescape_formula
from striate.errors import DataError, UsageError, nearest
from striate.tasks import Task
from striate.text import counted, listed

EXCLUDE, RELABEL = "exclude", "relabel"

# By the name of the file, the new class, labels or numbers separated by ";"; None: the image is left out.
Corrections = Mapping[str, str | None]


def read_corrections(path: str | Path, layout: Layout) -> Corrections:
    r"""Read what to do with images from the columns "file", "action" and "suggested" of a table.

    Args:
        path: A CSV file as `striate data audit` writes it. Rows without an action have no effect.
        layout: The files of the folder.

    Returns:
        The new class, labels or numbers of each image with the action "relabel", and None for each with the action
        "exclude".

    Raises:
        DataError: If the file cannot be read, has no such columns, or contains an unknown action, file or class, or
            actions that contradict each other.
        UsageError: If no row has an action.

    Example:
        >>> import tempfile
        >>> from striate.data.layout import read_layout
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"):
        ...         file = Path(folder, "photos", name)
        ...         file.parent.mkdir(parents=True, exist_ok=True)
        ...         file.touch()
        ...     table = Path(folder, "audit.csv")
        ...     rows = "file,suggested,action\ncat/1.png,dog,relabel\ndog/2.png,,exclude\ncat/2.png,dog,\n"
        ...     _ = table.write_text(rows)
        ...     read_corrections(table, read_layout(Path(folder, "photos")))
        {'cat/1.png': 'dog', 'dog/2.png': None}
    """
    table = read_table(path)
    columns = _columns(table)
    finder = FileFinder(layout.folder.name, layout.names)
    corrections: dict[str, str | None] = {}
    missing: list[str] = []
    for row, line in zip(table.rows, table.lines, strict=True):
        cells = {name: unescape_formula(row[column]) for name, column in columns.items()}
        action = cells["action"].casefold()
        if not action:
            continue
        if action not in (EXCLUDE, RELABEL):
            raise DataError(
                f"'{table.path}', line {line}: unknown action '{cells['action']}'. Write '{EXCLUDE}' or '{RELABEL}', "
                "or leave the cell empty."
            )
        found = finder.find(cells["file"])
        if len(found) > 1:
            names = " or ".join(f"'{layout.names[number]}'" for number in found[:2])
            raise DataError(
                f"'{table.path}', line {line}: '{cells['file']}' is ambiguous: it matches {names}. Write the full path."
            )
        if not found:
            missing.append(cells["file"])
            continue
        name = layout.names[found[0]]
        new = _new_label(table, line, cells.get("suggested", ""), layout) if action == RELABEL else None
        if name in corrections and corrections[name] != new:
            raise DataError(
                f"'{table.path}', line {line}: '{name}' has another action or label in a row above. Keep one of them."
            )
        corrections[name] = new
    _require_found(table, missing, layout)
    if not corrections:
        raise UsageError(
            f"No row of '{table.path}' has an action. Write '{EXCLUDE}' or '{RELABEL}' in the column 'action' of the "
            "rows that should be applied, or leave out --exclude."
        )
    return corrections


def apply_corrections(layout: Layout, corrections: Corrections) -> Layout:
    """Apply corrections to the list of files.

    Args:
        layout: The files of a folder.
        corrections: From `read_corrections`; files and classes that the folder no longer
            contains are skipped.

    Returns:
        The remaining files with their new labels, with a note; the same layout if there are no corrections. A class
        without images is dropped.

    Raises:
        DataError: If fewer than two classes are left.
    """
    if not corrections:
        return layout
    keep = np.array([not (name in corrections and corrections[name] is None) for name in layout.names])
    y, relabeled = layout.y.copy(), list[str]()
    for row, name in enumerate(layout.names):
        new = corrections.get(name)
        target = None if new is None else _target(new, layout)
        if target is not None:
            y[row] = target
            relabeled.append(f"'{name}' as '{new}'")
    y, classes = y[keep], layout.classes
    if layout.task is Task.CLASSIFICATION:
        used = np.unique(y)
        if len(used) < 2:
            raise DataError(f"After the corrections, '{layout.name}' contains images of fewer than two classes.")
        classes, y = tuple(layout.classes[number] for number in used), np.searchsorted(used, y)
    left_out = [f"'{name}'" for name, kept in zip(layout.names, keep, strict=True) if not kept]
    note = f"Corrections of the user: {_counted(left_out)} left out, {_counted(relabeled)} relabeled."
    rows = np.flatnonzero(keep)
    return replace(
        layout, files=tuple(layout.files[row] for row in rows), names=tuple(layout.names[row] for row in rows),
        classes=classes, y=y, parts=layout.parts[keep], notes=(note, *layout.notes),
    )  # fmt: skip


def _counted(images: Sequence[str]) -> str:
    """Return how many images there are, and the first of them."""
    return counted(len(images), "image") + (f" ({listed(images)})" if images else "")


def _columns(table: Table) -> dict[str, int]:
    """Return the numbers of the columns by their headings."""
    header = [cell.casefold() for cell in table.header or ()]
    if missing := [name for name in ("file", "action") if name not in header]:
        raise DataError(
            f"'{table.path}' has no column '{missing[0]}'. Pass the table that striate data audit wrote, with what to "
            "do in the column 'action'."
        )
    return {name: header.index(name) for name in ("file", "action", "suggested") if name in header}


def _new_label(table: Table, line: int, suggested: str, layout: Layout) -> str:
    if layout.task is Task.REGRESSION:
        if _target(suggested, layout) is None:
            raise DataError(
                f"'{table.path}', line {line}: '{RELABEL}' needs a value in the column 'suggested', or one for each "
                f"target, separated by ';'; received '{suggested}'."
            )
        return suggested
    if not suggested and layout.task is Task.CLASSIFICATION:
        raise DataError(f"'{table.path}', line {line}: '{RELABEL}' needs a class in the column 'suggested'.")
    for name in _split_cell(suggested) if layout.task is Task.MULTILABEL else [suggested]:
        if name not in layout.classes:
            raise DataError(f"'{table.path}', line {line}: there is no class '{name}'."
                            f"{nearest(name, layout.classes)}")  # fmt: skip
    return suggested


def _target(text: str, layout: Layout) -> Any:
    """Return the target that a text stands for: a class number, 0/1 for each label, or values; None if invalid."""
    if layout.task is Task.CLASSIFICATION:
        return layout.classes.index(text) if text in layout.classes else None
    items = _split_cell(text)
    if layout.task is Task.MULTILABEL:
        known = set(items) <= set(layout.classes)
        return np.array([name in items for name in layout.classes], layout.y.dtype) if known else None
    try:
        values = np.array([float(item) for item in items], layout.y.dtype)
    except ValueError:
        return None
    return values if len(values) == len(layout.classes) and np.isfinite(values).all() else None


def _split_cell(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def _require_found(table: Table, missing: Sequence[str], layout: Layout) -> None:
    if not missing:
        return
    files = listed([f"'{name}'" for name in missing])
    count = "a file" if len(missing) == 1 else f"{len(missing):,} files"
    raise DataError(
        f"'{table.path}' has an action for {count} not contained in '{layout.name}': {files}. Pass the table of this "
        "folder, or delete these rows."
    )
