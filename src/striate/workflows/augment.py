"""Draw images next to augmented copies, to check an augmentation before training with it."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from striate.data import Augmentation, AugmentationParameters, get_augmentation, load
from striate.data.dataset import Targets
from striate.data.layout import Layout, read_layout
from striate.data.split import TRAINING
from striate.errors import DataError, UsageError
from striate.files import atomic_write
from striate.images import ImagePolicy, encode_png
from striate.images.sheet import Tile, draw_sheet
from striate.training.recipe import describe_changes
from striate.workflows.plan import is_folder
from striate.workflows.plan_checks import check_outside
from striate.workflows.plan_recipe import parse
from striate.workflows.strategy import are_drawings

SIZE = 176  # pixels of a photograph on the sheet
PREFIX = "augmentation."  # as in `striate train --set`


@dataclass(frozen=True, eq=False)
class _Examples:
    """Images, uint8 (N, H, W, C), and the names of their classes."""

    x: NDArray[np.uint8]
    labels: Sequence[str]


def draw_preview(
    data: str, out: str | os.PathLike[str], *, preset: str = "standard", sets: Mapping[str, str] | None = None,
    rows: int = 6, columns: int = 7, seed: int = 0,
) -> str:  # fmt: skip
    """Write a PNG with original images and their augmented copies.

    Args:
        data: Name of a data set, or a folder of images.
        out: The PNG file.
        preset: Name of an augmentation.
        sets: Further settings of the augmentation, as text by name.
        rows: Number of images.
        columns: Number of augmented copies of each, one per epoch.
        seed: Random seed of the augmentation.

    Returns:
        The settings of the augmentation, for example "rotation 10, zoom 0.9–1.1".

    Raises:
        UsageError: If the data set, the preset or a setting is unknown, `out` is no PNG or is inside the
            folder of images.
        DataError: If no image can be read.
    """
    path = Path(out)
    if path.suffix.lower() != ".png":
        raise UsageError(f"The preview is a PNG image, so --out must end in .png; received '{out}'.")
    if is_folder(data):
        check_outside(out, data)
    layout = read_layout(data) if is_folder(data) else None
    augmentation = _with_settings(get_augmentation(preset, photographs=not are_drawings(layout)), sets or {})
    examples = _from_folder(layout, rows) if layout else _from_dataset(data, rows)
    atomic_write(path, encode_png(_draw(examples, augmentation, columns, seed)))
    return describe_changes(augmentation) or "no changes"


def _with_settings(augmentation: Augmentation, sets: Mapping[str, str]) -> Augmentation:
    settings = {key.removeprefix(PREFIX): parse(value) for key, value in sets.items()}
    return Augmentation.from_dict(augmentation.to_dict() | settings)


def _draw(examples: _Examples, augmentation: Augmentation, columns: int, seed: int) -> NDArray[np.uint8]:
    x, index = examples.x, np.arange(len(examples.x))
    sampled = [augmentation.sample(index, seed, epoch, x.shape[1:]) for epoch in range(columns)]
    originals = [Tile(image, label) for image, label in zip(x, examples.labels, strict=True)]
    copies = [list(map(Tile, each.apply(x), _captions(each, examples.labels))) for each in sampled]
    headings = ["original", *(f"epoch {number}" for number in range(1, columns + 1))]
    return draw_sheet(headings, list(zip(originals, *copies, strict=True)))


def _captions(parameters: AugmentationParameters, labels: Sequence[str]) -> list[str]:
    """Return captions such as "70 % cat, 30 % dog"; empty if images are not mixed."""
    if parameters.mixing is None:
        return [""] * len(labels)
    percents = [round(100 * float(ratio)) for ratio in parameters.mixing.ratios]
    pairs = zip(labels, parameters.mixing.partners, percents, strict=True)
    return [
        label if own == 100 else f"{own} % {label}, {100 - own} % {labels[partner]}" for label, partner, own in pairs
    ]


def _from_dataset(name: str, count: int) -> _Examples:
    train, classes = (data := load(name)).train, data.classes
    rows = _rows_alternating_classes(train.y, count)[:count]
    return _Examples(np.stack([train.x[row] for row in rows]), [classes[label] for label in train.y[rows]])


def _from_folder(layout: Layout, count: int) -> _Examples:
    """Return readable training images, prepared as for a network but larger than most networks take them."""
    policy = ImagePolicy(SIZE, SIZE)
    images, labels = [], []
    for row in _rows_alternating_classes(np.where(layout.parts == TRAINING, layout.y, -1), count):
        try:
            images.append(policy.read(layout.files[row]))
        except DataError:
            continue
        labels.append(layout.classes[layout.y[row]])
        if len(images) == count:
            break
    if not images:
        folder = layout.folder
        raise DataError(
            f"None of the training images in '{folder}' can be read. For the reasons, see: "
            f"striate data scan {shlex.quote(str(folder))}"
        )
    return _Examples(np.stack(images), labels)


def _rows_alternating_classes(y: Targets, count: int) -> list[int]:
    """Return the rows of all samples, one of each class in turn.

    Args:
        y: Class numbers (N,); samples with a negative one are left out.
        count: Number of samples of each class, evenly spaced, that come first.
    """
    by_class = [_spread(np.flatnonzero(y == number), count) for number in range(y.max() + 1)]
    return [int(row) for turn in zip_longest(*by_class) for row in turn if row is not None]


def _spread(rows: Targets, count: int) -> Targets:
    """Return all rows, starting with `count` evenly spaced ones."""
    first = rows[:: max(1, len(rows) // count)]
    return np.concatenate([first, np.setdiff1d(rows, first)])
