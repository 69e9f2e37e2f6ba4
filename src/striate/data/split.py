"""Split images into training, validation and test parts by their content alone."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Dataset, Images, fingerprint
from striate.data.mapped import MappedArray, join_rows
from striate.errors import DataError
from striate.images import ImagePolicy
from striate.tasks import Task

Digests = NDArray[np.uint64]
PARTS = ("training", "validation", "test")
TRAINING, VALIDATION, TEST = range(3)
EXCLUDED = -1
SINGLE_VALUE = {
    Task.CLASSIFICATION: "has images of one class only; a classifier needs at least two.",
    Task.MULTILABEL: "has the same labels on all images; there is nothing to learn.",
    Task.REGRESSION: "has the same number for all images; there is nothing to learn.",
}


def digest_bytes(contents: Iterable[Any], seed: int) -> Digests:
    """Hash each bytes-like object to a 64-bit number, with BLAKE2b keyed by the seed (RFC 7693)."""
    key, blake = (seed % 2**64).to_bytes(8, "little"), hashlib.blake2b
    joined = b"".join([blake(content, digest_size=8, key=key).digest() for content in contents])
    return np.frombuffer(joined, "<u8").astype(np.uint64)


def digest_images(x: Any, seed: int) -> Digests:
    """Hash the pixels of each image of x (N, H, W, C), an array or `MappedArray`, to a 64-bit number."""
    if isinstance(x, MappedArray):
        return digest_bytes((image.reshape(-1).data for image in x), seed)
    if not len(x):
        return np.zeros(0, np.uint64)
    size = x.nbytes // len(x)
    content = np.ascontiguousarray(x).reshape(-1).view(np.uint8).data
    return digest_bytes((content[start : start + size] for start in range(0, x.nbytes, size)), seed)


def duplicate_groups(digests: Digests) -> list[NDArray[np.intp]]:
    """Return the rows of each group of identical images, in the order of their first rows."""
    order = np.argsort(digests, kind="stable")
    starts = np.flatnonzero(np.diff(digests[order])) + 1
    groups = [rows for rows in np.split(order, starts) if len(rows) > 1]
    return sorted(groups, key=lambda rows: int(rows[0]))


def assign_parts(digests: Digests, validation: float, test: float) -> NDArray[np.int8]:
    """Assign each image to a part by its digest alone.

    The test part does not depend on the size of the validation part.

    Args:
        digests: uint64 (N,).
        validation: fraction of the images for validation, 0 … 1.
        test: fraction of the images for testing, 0 … 1.

    Returns:
        int8 (N,): TRAINING, VALIDATION or TEST.
    """
    position = digests / 2.0**64
    return np.where(position < test, TEST, np.where(position < test + validation, VALIDATION, TRAINING)).astype(np.int8)


def split_all(
    name: str, classes: Sequence[str], images: Images, policy: ImagePolicy, *, digests: Digests,
    assigned: NDArray[np.int8] | None = None, validation: float = 0.1, test: float = 0.1, notes: Sequence[str] = (),
    task: Task = Task.CLASSIFICATION,
) -> Dataset:  # fmt: skip
    """Split images into three parts by their digests.

    An image that is identical to a test image is left out of the other parts, and one that is identical to a
    validation image is left out of training; notes say so.

    Args:
        name: name of the data set.
        classes: their names by class number.
        images: all images.
        policy: how other images are converted to the same shape.
        digests: uint64 (N,), of the images.
        assigned: int8 (N,), the parts that the images already belong to; then only parts without images are taken
            from the training images.
        validation: fraction of the images for validation, 0 … 1.
        test: fraction of the images for testing, 0 … 1.
        notes: sentences for the user.
        task: what the images' `y` holds.

    Returns:
        The data set.
    """
    assigned = np.zeros(len(images), np.int8) if assigned is None else assigned
    by_digest = assign_parts(digests, 0 if VALIDATION in assigned else validation, 0 if TEST in assigned else test)
    parts = np.where(assigned == TRAINING, by_digest, assigned)
    notes = list(notes)
    for part, other in ((TRAINING, TEST), (VALIDATION, TEST), (TRAINING, VALIDATION)):
        leaked = (parts == part) & np.isin(digests, digests[parts == other])
        parts[leaked] = EXCLUDED
        notes += _leak_notes(int(leaked.sum()), PARTS[part], PARTS[other])
    rows = [np.flatnonzero(parts == number) for number in range(3)]
    return _assemble(
        name, classes, [images.take(part) for part in rows], policy, digests=[digests[part] for part in rows],
        notes=notes, task=task,
    )  # fmt: skip


def split_training(
    name: str, classes: Sequence[str], train: Images, test: Images, policy: ImagePolicy, *, seed: int,
    validation: float = 0.1, notes: Sequence[str] = (), task: Task = Task.CLASSIFICATION,
) -> Dataset:  # fmt: skip
    """Split training images into training and validation parts; the test part is given.

    Training images that are identical to a test image are left out, and a note says so.

    Args:
        name: name of the data set.
        classes: their names by class number.
        train: images for training and validation.
        test: images for testing.
        policy: how other images are converted to the same shape.
        seed: decides which images are for validation.
        validation: fraction of the training images for validation, 0 … 1.
        notes: sentences for the user.
        task: what the images' `y` holds.

    Returns:
        The data set.
    """
    digests, test_digests = digest_images(train.x, seed), digest_images(test.x, seed)
    leaked = np.isin(digests, test_digests)
    notes = [*notes, *_leak_notes(int(leaked.sum()), PARTS[TRAINING], PARTS[TEST])]
    assigned = np.where(leaked, np.int8(EXCLUDED), assign_parts(digests, validation, 0))
    rows = [np.flatnonzero(assigned == number) for number in range(2)]
    parts = [*(train.take(part) for part in rows), test]
    return _assemble(
        name, classes, parts, policy, digests=[*(digests[part] for part in rows), test_digests], notes=notes, task=task
    )


def pool(data: Dataset) -> Dataset:
    """Return the data set with all images in the training part, for cross-validation.

    Args:
        data: The data set, as `split_all` or `split_training` made it.

    Returns:
        The data set, with an order of its images and a fingerprint that do not depend on how it was split.
    """
    parts = (data.train, data.validation, data.test)
    y, digests = np.concatenate([part.y for part in parts]), np.concatenate([digests_of(part) for part in parts])
    names = None if data.train.names is None else sum((part.names or () for part in parts), ())
    order = np.lexsort((*np.atleast_2d(y.T), digests))
    images = Images(join_rows([part.x for part in parts]), y, names, digests).take(order)
    none = images.take(np.arange(0))
    about_parts = _missing_notes(data.classes, parts, data.task)
    return replace(
        data, train=images, validation=none, test=none,
        fingerprint=fingerprint(data.classes, [(digests[order], images.y)]),
        notes=tuple(note for note in data.notes if note not in about_parts),
    )  # fmt: skip


def digests_of(images: Images) -> Digests:
    """Return the digests of images (N,); those of their pixels where none are known."""
    return digest_images(images.x, 0) if images.digests is None else images.digests


def _leak_notes(count: int, part: str, other: str) -> list[str]:
    if not count:
        return []
    images = f"1 {part} image is" if count == 1 else f"{count:,} {part} images are"
    return [f"{images} also in the {other} part; left out of {part}."]


def _assemble(
    name: str, classes: Sequence[str], parts: Sequence[Images], policy: ImagePolicy, *,
    digests: Sequence[Digests], notes: Sequence[str], task: Task,
) -> Dataset:  # fmt: skip
    y = np.concatenate([part.y for part in parts])
    if not len(y):
        raise DataError(f"The data set '{name}' is empty.")
    if (y == y[0]).all():
        raise DataError(f"The data set '{name}' {SINGLE_VALUE[task]}")
    if not len(parts[0]):
        raise DataError(f"The data set '{name}' is too small: the training part has no images.")
    content_hash = fingerprint(classes, [(digest, part.y) for digest, part in zip(digests, parts, strict=True)])
    notes = (*notes, *_missing_notes(classes, parts, task))
    train, validation, test = (replace(part, digests=digest) for part, digest in zip(parts, digests, strict=True))
    return Dataset(name, tuple(classes), train, validation, test, policy, content_hash, notes, task)


def count_labels(y: NDArray[Any], labels: int) -> NDArray[Any]:
    """Count the images of each class or label.

    Args:
        y: class numbers (N,), or 0 and 1 for each label (N, K).
        labels: the number of classes or labels K.

    Returns:
        int64 (K,).
    """
    return np.bincount(y, minlength=labels) if y.ndim == 1 else y.sum(axis=0, dtype=np.int64)


def _missing_notes(classes: Sequence[str], in_parts: Sequence[Images], task: Task) -> list[str]:
    """Return a note for each class or label that is missing from a part."""
    if task is Task.REGRESSION:
        return []
    counts = np.array([count_labels(part.y, len(classes)) for part in in_parts])  # (parts, classes)
    what = "Class" if task is Task.CLASSIFICATION else "Label"
    notes = []
    for label, class_counts in zip(classes, counts.T, strict=True):
        missing = [part for part, count in zip(PARTS, class_counts, strict=True) if not count]
        total = int(class_counts.sum())
        if not total:
            notes.append(f"{what} '{label}' has no images.")
        elif missing:
            images = "1 image" if total == 1 else f"{total} images"
            notes.append(f"{what} '{label}' has only {images}: none for {' and '.join(missing)}.")
    return notes
