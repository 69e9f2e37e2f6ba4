"""Representations of data sets: one line of text, and in notebooks a table with images."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from striate import notebook
from striate.images import thumbnail_url
from striate.tasks import Task

if TYPE_CHECKING:
    from striate.data.dataset import Dataset, Images

SHOWN_IMAGES = 10  # number of images, of different classes if possible
PARTS = {"train": "train", "validation": "validate", "test": "test"}  # what each part is used for


def describe_images(images: "Images") -> str:
    """Return, for example, "3,949 images of 28×28×1, uint8"."""
    size = "×".join(map(str, images.x.shape[1:]))
    return f"{len(images):,} images of {size}, {images.x.dtype}"


def describe_dataset(data: "Dataset") -> str:
    """Return, for example, "'mnist5k': 10 classes, 28×28×1; 3,949 to train, 523 to validate, 528 to test"."""
    parts = ", ".join(f"{len(getattr(data, part)):,} to {use}" for part, use in PARTS.items())
    return f"'{data.name}': {data.task.counted(len(data.classes))}, {'×'.join(map(str, data.shape))}; {parts}"


def images_html(images: "Images", classes: tuple[str, ...] = ()) -> str:
    """Show a few images with their classes or other targets.

    Args:
        images: The images.
        classes: Names of the classes, labels or values.

    Returns:
        HTML.
    """
    shown = []
    for row in representative_rows(images.y, SHOWN_IMAGES):
        source = thumbnail_url(np.asarray(images.x[np.array([row])])[0])
        shown.append(notebook.image(source, _target(images.y[row], classes)))
    return "".join(shown)


def dataset_html(data: "Dataset") -> str:
    """Show a table of the targets in each part, and a few training images.

    Args:
        data: The data set.

    Returns:
        HTML.
    """
    size = "×".join(map(str, data.shape))
    head = notebook.heading(data.name, data.task.counted(len(data.classes)), f"{size} {data.train.x.dtype}")
    what = {Task.CLASSIFICATION: "class", Task.MULTILABEL: "label", Task.REGRESSION: "target"}[data.task]
    table = notebook.table(
        [what, *PARTS.values()],
        [["images", *(f"{len(getattr(data, part)):,}" for part in PARTS)], *_counts(data)],
        right=(1, 2, 3),
    )
    notes = "".join(f"<div><small>{notebook.escape(note)}</small></div>" for note in data.notes[:5])
    return notebook.block(head, images_html(data.train, data.classes), table, notes)


def _counts(data: "Dataset") -> Iterator[list[str]]:
    """Yield the number of images of each class or label in the three parts; for regression, the range of the values."""
    for column, name in enumerate(data.classes):
        row = [name]
        for y in (data.train.y, data.validation.y, data.test.y):
            if data.task is Task.REGRESSION:
                values = y[:, column]
                row.append(f"{values.min():.4g} … {values.max():.4g}" if len(values) else "")
            else:
                row.append(f"{np.count_nonzero(y == column if y.ndim == 1 else y[:, column]):,}")
        yield row


def representative_rows(y: Any, count: int) -> list[int]:
    """Choose images of as many classes as possible.

    Args:
        y: Class numbers (N,), or other targets.
        count: Number of images, at most.

    Returns:
        Their row numbers: the first image of each class, then images at equal distances.
    """
    firsts = np.unique(y, return_index=True)[1].tolist() if y.ndim == 1 else []
    spread = np.linspace(0, len(y) - 1, min(len(y), count)).astype(int).tolist()
    return list(dict.fromkeys([*firsts[:count], *spread]))[: min(count, len(y))]


def _target(value: Any, classes: tuple[str, ...]) -> str:
    """Return the name of a class, the names of the labels that an image has, or its values."""
    if np.ndim(value) == 0:
        return classes[value] if classes else str(value)
    if value.dtype == np.uint8:
        return ", ".join(classes[index] if classes else str(index) for index in np.flatnonzero(value))
    return ", ".join(f"{number:.4g}" for number in value)
