"""A sheet of pictures beside their changed copies, to see what augmentation does before a training uses it."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.data import Augmentation, Changes, get_augmentation, load
from striate.errors import DataError, UsageError
from striate.files import atomic_write
from striate.images import ImagePolicy, encode_png, images_below
from striate.images.sheet import Tile, draw_sheet
from striate.jobs.plan import is_folder, parse
from striate.jobs.report import told

SIZE = 176  # pixels of a photograph on the sheet
PREFIX = "augmentation."  # as in `striate train --set`
SPLITS = {"train", "training", "val", "valid", "validation", "test"}


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
    """The first training pictures of each class in turn."""
    data = load(name)
    of_class = [np.flatnonzero(data.train.y == number)[:count] for number in range(len(data.classes))]
    rows = [row for turn in zip_longest(*of_class) for row in turn if row is not None][:count]
    x = np.stack([data.train.x[row] for row in rows])
    return _Examples(x, [data.classes[label] for label in data.train.y[rows]])


def _photographs(folder: Path, count: int) -> _Examples:
    """Readable pictures of each class in turn, spread over its files."""
    of_class: dict[str, list[Path]] = {}
    for file in images_below(folder):
        of_class.setdefault(_label(file, folder), []).append(file)
    turns = zip_longest(*(_spread(files, count) for files in of_class.values()))
    files = [file for turn in turns for file in turn if file is not None]
    policy, pictures, labels = ImagePolicy(SIZE, SIZE), [], []
    for file in files:
        try:
            pictures.append(policy.read(file))
        except DataError:
            continue
        labels.append(_label(file, folder))
        if len(pictures) == count:
            break
    if not pictures:
        raise DataError(f"There are no readable pictures in '{folder}'.")
    return _Examples(np.stack(pictures), labels)


def _label(file: Path, folder: Path) -> str:
    parts = file.relative_to(folder).parts[:-1]
    below = parts[1:] if parts and parts[0].lower() in SPLITS else parts
    return below[0] if below else folder.resolve().name


def _spread(files: Sequence[Path], count: int) -> list[Path]:
    """All files, beginning with `count` of them from the whole length."""
    first = files[:: max(1, len(files) // count)]
    return [*first, *(file for file in files if file not in set(first))]
