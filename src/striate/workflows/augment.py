"""A sheet of pictures beside their changed copies, to see what augmentation does before a training uses it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.data import Augmentation, Changes, get_augmentation, load
from striate.data.dataset import Labels
from striate.data.layout import read_layout
from striate.data.split import TRAINING
from striate.errors import DataError, UsageError
from striate.files import atomic_write
from striate.images import ImagePolicy, encode_png
from striate.images.sheet import Tile, draw_sheet
from striate.workflows.plan import is_folder, parse
from striate.workflows.report import told

SIZE = 176  # pixels of a photograph on the sheet
PREFIX = "augmentation."  # as in `striate train --set`


@dataclass(frozen=True, eq=False)
class _Examples:
    """Pictures uint8 (N, H, W, C) and the names of their classes."""

    x: NDArray[np.uint8]
    labels: Sequence[str]


def preview(
    data: str, out: str | os.PathLike[str], *, preset: str = "standard", sets: Mapping[str, str] | None = None,
    rows: int = 6, columns: int = 7, seed: int = 0,
) -> str:  # fmt: skip
    """Write the sheet as a PNG; returns the augmentation's settings in words.

    data: a data set's name, or a folder of pictures. sets: settings of the augmentation as text, by name.
    Raises UsageError for unknown names, DataError where there are no pictures, RunError where nothing can be written.
    """
    path = Path(out)
    if path.suffix.lower() != ".png":
        raise UsageError(f"The sheet is a PNG: give --out a name that ends in .png; got '{out}'.")
    if is_folder(data) and path.resolve().is_relative_to(Path(data).resolve()):
        raise UsageError(f"The sheet would lie among your pictures in '{data}', where Striate never writes: use --out.")
    augmentation = _with(get_augmentation(preset, photographs=is_folder(data)), sets or {})
    examples = _photographs(Path(data), rows) if is_folder(data) else _known(data, rows)
    atomic_write(path, encode_png(_sheet(examples, augmentation, columns, seed)))
    return told(augmentation) or "nothing changes"


def _with(augmentation: Augmentation, sets: Mapping[str, str]) -> Augmentation:
    settings = {key.removeprefix(PREFIX): parse(value) for key, value in sets.items()}
    try:
        return Augmentation.from_dict(augmentation.to_dict() | settings)
    except (TypeError, ValueError) as error:
        given = ", ".join(f"{key}={value}" for key, value in sets.items())
        raise UsageError(f"A setting of the augmentation is of the wrong kind: {given} ({error}).") from error


def _sheet(examples: _Examples, augmentation: Augmentation, columns: int, seed: int) -> NDArray[np.uint8]:
    x, index = examples.x, np.arange(len(examples.x))
    made = [augmentation.changes(index, seed, epoch, x.shape[1:]) for epoch in range(columns)]
    first = [Tile(picture, label) for picture, label in zip(x, examples.labels, strict=True)]
    others = [list(map(Tile, changes.apply(x), _captions(changes, examples.labels))) for changes in made]
    heads = ["original", *(f"epoch {number}" for number in range(1, columns + 1))]
    return draw_sheet(heads, list(zip(first, *others, strict=True)))


def _captions(changes: Changes, labels: Sequence[str]) -> list[str]:
    """For example: 70 % cat, 30 % dog; empty where nothing is mixed."""
    if changes.mixing is None:
        return [""] * len(labels)
    percents = [round(100 * float(share)) for share in changes.mixing.shares]
    pairs = zip(labels, changes.mixing.partners, percents, strict=True)
    return [
        label if own == 100 else f"{own} % {label}, {100 - own} % {labels[partner]}" for label, partner, own in pairs
    ]


def _known(name: str, count: int) -> _Examples:
    train, classes = (data := load(name)).train, data.classes
    rows = _in_turn(train.y, count)[:count]
    return _Examples(np.stack([train.x[row] for row in rows]), [classes[label] for label in train.y[rows]])


def _photographs(folder: Path, count: int) -> _Examples:
    """Those that can be read, as the networks see them but larger than most."""
    layout, policy = read_layout(folder), ImagePolicy(SIZE, SIZE)
    pictures, labels = [], []
    for row in _in_turn(np.where(layout.parts == TRAINING, layout.y, -1), count):
        try:
            pictures.append(policy.read(layout.files[row]))
        except DataError:
            continue
        labels.append(layout.classes[layout.y[row]])
        if len(pictures) == count:
            break
    if not pictures:
        raise DataError(f"None of the training pictures in '{folder}' can be read. See: striate data scan '{folder}'")
    return _Examples(np.stack(pictures), labels)


def _in_turn(y: Labels, count: int) -> list[int]:
    """Rows of all samples (N,) with a class number, one of each class in turn, `count` of each far apart at first."""
    of_class = [_spread(np.flatnonzero(y == number), count) for number in range(y.max() + 1)]
    return [int(row) for turn in zip_longest(*of_class) for row in turn if row is not None]


def _spread(rows: Labels, count: int) -> Labels:
    """All rows, beginning with `count` of them from the whole length."""
    first = rows[:: max(1, len(rows) // count)]
    return np.concatenate([first, np.setdiff1d(rows, first)])
