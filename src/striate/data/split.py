"""Split images into training, validation and test parts by their content."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Dataset, Images, Targets, content_fingerprint, join_groups
from striate.data.digests import Digests, digest_bytes, digest_images
from striate.data.groups import GroupNumbers, identical_groups
from striate.data.mapped import join_rows
from striate.errors import DataError
from striate.images import ImagePolicy
from striate.tasks import Task

PARTS = ("training", "validation", "test")
TRAINING, VALIDATION, TEST = range(3)
EXCLUDED = -1
MIN_WEIGHTED = 3  # images of a class that class weights can help; a smaller one can hardly be learned, or is an error
SINGLE_VALUE = {
    Task.CLASSIFICATION: "has images of one class only; a classifier needs at least two.",
    Task.MULTILABEL: "has the same labels on all images; there is nothing to learn.",
    Task.REGRESSION: "has the same number for all images; there is nothing to learn.",
}


def assign_parts(digests: Digests, validation: float, test: float) -> NDArray[np.int8]:
    """Assign each image to a part by its digest.

    The test part does not depend on the size of the validation part.

    Args:
        digests: uint64 (N,).
        validation: Fraction of the images for validation, 0 … 1.
        test: Fraction of the images for testing, 0 … 1.

    Returns:
        int8 (N,): TRAINING, VALIDATION or TEST.
    """
    position = digests / 2.0**64
    return np.where(position < test, TEST, np.where(position < test + validation, VALIDATION, TRAINING)).astype(np.int8)


@dataclass(frozen=True, eq=False)
class _Groups:
    """Groups of images in the order in which they are assigned to parts.

    Attributes:
        number: int64 (N,), the position of each image's group.
        entries: For each group its classes or labels and their numbers of images.
    """

    number: NDArray[np.int64]
    entries: list[dict[int, int]]


def assign_groups(
    digests: Digests, y: Targets, groups: GroupNumbers, classes: Sequence[str], validation: float, test: float
) -> NDArray[np.int8]:
    """Assign each image to a part, so that each class has its share in each part and no group is divided.

    The groups are taken in the order of their smallest digests. A group goes to the test part if that brings the
    numbers of test images closer to the shares of its classes, and so on for the validation part; the rest is for
    training. So where groups are small, an image that is added moves at most about one other of its class per part.
    A class of at least two groups has a test image, one of at least three groups a validation image; a class of one
    group is for training. The test part does not depend on the size of the validation part.

    Args:
        digests: uint64 (N,), keyed by the seed.
        y: Class numbers (N,), 0 and 1 for each label (N, K), or numbers (N, T), which are not stratified.
        groups: int64 (N,), the same number for images that belong together.
        classes: Names by class number; they decide whether a share of 2.5 images is 2 or 3.
        validation: Fraction of the images for validation, 0 … 1.
        test: Fraction of the images for testing, 0 … 1.

    Returns:
        int8 (N,): TRAINING, VALIDATION or TEST.

    Example:
        >>> import numpy as np
        >>> digests = np.arange(20, dtype=np.uint64) * 2**59
        >>> assign_groups(digests, np.arange(20) % 2, np.arange(20) // 2, ["a", "b"], 0.1, 0.2).tolist()
        [2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    """
    rows, labels, names = _memberships(y, classes)
    ordered = _sort_groups(digests, groups, rows, labels)
    group_parts = np.zeros(len(ordered.entries), np.int8)
    counts = np.bincount(labels, minlength=len(names))
    groups_of_class = Counter(label for entry in ordered.entries for label in entry)
    for part, share, least in ((TEST, test, 2), (VALIDATION, validation, 3)):
        target = _target_counts(counts, share, [f"{PARTS[part]} {name}" for name in names])
        enough = np.array([groups_of_class[label] >= least for label in range(len(names))])
        target = np.where(enough & (share > 0), np.maximum(target, 1), np.where(counts > 0, target, 0))
        _PartFiller(group_parts, part, target, ordered.entries).fill()
    return group_parts[ordered.number]


def _memberships(y: Targets, classes: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str]]:
    """Return rows and class numbers of the pairs that parts are stratified by, and the names of the classes."""
    everything = np.arange(len(y))
    if y.ndim == 1:
        return everything, y.astype(np.int64), list(classes)
    if y.dtype.kind == "f":
        return everything, np.zeros(len(y), np.int64), ["all images"]
    rows, labels = np.nonzero(y)
    labels = np.concatenate([labels, np.full(len(y), len(classes))])  # each image counts, also one without labels
    return np.concatenate([rows, everything]), labels, [*classes, "all images"]


def _sort_groups(digests: Digests, groups: GroupNumbers, rows: NDArray[np.int64], labels: NDArray[np.int64]) -> _Groups:
    """Sort groups by their smallest digests."""
    _, number = np.unique(groups, return_inverse=True)
    smallest = np.full(int(number.max(initial=-1)) + 1, 2**64 - 1, np.uint64)
    np.minimum.at(smallest, number.reshape(-1), digests)
    position = np.empty(len(smallest), np.int64)
    position[np.argsort(smallest, kind="stable")] = np.arange(len(smallest))
    number = position[number.reshape(-1)]
    entries: list[dict[int, int]] = [{} for _ in smallest]
    for group, label in zip(number[rows].tolist(), labels.tolist(), strict=True):
        entries[group][label] = entries[group].get(label, 0) + 1
    return _Groups(number, entries)


def _target_counts(counts: NDArray[np.int64], share: float, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the number of images of each class for a part; a fraction is rounded by a hash of the class name."""
    thresholds = digest_bytes((name.encode() for name in names), 0) / 2.0**64
    exact = counts * share
    rounded = np.floor(exact + np.where(np.isclose(exact, np.round(exact)), 0.5, thresholds))
    numbers: NDArray[np.int64] = rounded.astype(np.int64)
    return numbers


class _PartFiller:
    """Moves groups from the training part to another part, until its classes have their target numbers of images.

    Args:
        group_parts: int8 (G,), the part of each group, which is changed.
        part: The part to fill.
        target: int64 (K,), the target number of images of each class.
        entries: For each group its classes and their numbers of images.
    """

    def __init__(
        self, group_parts: NDArray[np.int8], part: int, target: NDArray[np.int64], entries: Sequence[dict[int, int]]
    ) -> None:
        self._group_parts, self._part, self._target, self._entries = group_parts, part, target, entries
        self._missing: list[int] = target.tolist()
        self._training_groups = Counter(label for group in self._groups_in(TRAINING) for label in entries[group])

    def fill(self) -> None:
        """Move groups that bring the numbers of images closer to the targets, and one of each class that has none."""
        for group in range(len(self._entries)):
            if self._is_movable(group) and self._improves(group):
                self._move(group)
        present = {label for group in self._groups_in(self._part) for label in self._entries[group]}
        for label in np.flatnonzero(self._target).tolist():
            if label in present:
                continue
            # All groups of this class are large: the smallest one is moved.
            movable = [group for group, entry in enumerate(self._entries) if label in entry and self._is_movable(group)]
            if movable:
                smallest = min(movable, key=lambda group: (sum(self._entries[group].values()), group))
                self._move(smallest)
                present |= self._entries[smallest].keys()

    def _groups_in(self, part: int) -> list[int]:
        return np.flatnonzero(self._group_parts == part).tolist()

    def _is_movable(self, group: int) -> bool:
        """Return whether a group is for training, and each of its classes has another group there."""
        is_training = bool(self._group_parts[group] == TRAINING)
        return is_training and all(self._training_groups[label] > 1 for label in self._entries[group])

    def _improves(self, group: int) -> bool:
        """Return whether a group brings the numbers of images closer to the targets."""
        missing = self._missing
        changes = (abs(missing[k]) - abs(missing[k] - count) for k, count in self._entries[group].items())
        return sum(changes) > 0

    def _move(self, group: int) -> None:
        self._group_parts[group] = self._part
        for label, count in self._entries[group].items():
            self._missing[label] -= count
            self._training_groups[label] -= 1


def split_all(
    name: str, classes: Sequence[str], images: Images, policy: ImagePolicy, *, digests: Digests, groups: GroupNumbers,
    assigned: NDArray[np.int8] | None = None, validation: float = 0.1, test: float = 0.1, notes: Sequence[str] = (),
    task: Task = Task.CLASSIFICATION,
) -> Dataset:  # fmt: skip
    """Split images into three parts by content, each class by itself, without dividing a group.

    Where parts are given, an image that is identical to a test image is left out of the other parts, and one that is
    identical to a validation image is left out of training; notes say so. Test images of which other parts have
    near-copies stay; see `Dataset.leaked`.

    Args:
        name: Name of the data set.
        classes: Their names by class number.
        images: All images.
        policy: How other images are converted to the same shape.
        digests: uint64 (N,), of the images, keyed by the seed.
        groups: int64 (N,), the same number for images that belong together, identical ones among them.
        assigned: int8 (N,), the parts that the images already belong to; then only parts without images are taken
            from the training images.
        validation: Fraction of the images for validation, 0 … 1.
        test: Fraction of the images for testing, 0 … 1.
        notes: Sentences for the user.
        task: What the images' `y` holds.

    Returns:
        The data set.
    """
    parts = np.zeros(len(images), np.int8) if assigned is None else assigned.copy()
    shares = (0 if VALIDATION in parts else validation), (0 if TEST in parts else test)
    free = parts == TRAINING
    parts[free] = assign_groups(digests[free], images.y[free], groups[free], classes, *shares)
    notes = list(notes)
    for part, other in ((TRAINING, TEST), (VALIDATION, TEST), (TRAINING, VALIDATION)):
        leaked = (parts == part) & np.isin(digests, digests[parts == other])
        parts[leaked] = EXCLUDED
        notes += _leak_notes(int(leaked.sum()), PARTS[part], PARTS[other])
    return _divide(name, classes, replace(images, groups=groups), parts, policy, digests, notes, task)


def split_by_digest(
    name: str, classes: Sequence[str], images: Images, policy: ImagePolicy, *, digests: Digests
) -> Dataset:
    """Split images 80/10/10 by their digests, so that no image ever changes its part.

    Args:
        name: As for `split_all`, and so are the other arguments.
        classes: Names by class number.
        images: All images.
        policy: How other images are converted to the same shape.
        digests: uint64 (N,), keyed by the seed.

    Returns:
        The data set.
    """
    return _divide(name, classes, images, assign_parts(digests, 0.1, 0.1), policy, digests)


def _divide(
    name: str, classes: Sequence[str], images: Images, parts: NDArray[np.int8], policy: ImagePolicy, digests: Digests,
    notes: Sequence[str] = (), task: Task = Task.CLASSIFICATION,
) -> Dataset:  # fmt: skip
    """Return the data set in which each image (N,) is in the given part."""
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
        name: Name of the data set.
        classes: Their names by class number.
        train: Images for training and validation.
        test: Images for testing.
        policy: How other images are converted to the same shape.
        seed: Decides which images are for validation.
        validation: Fraction of the training images for validation, 0 … 1.
        notes: Sentences for the user.
        task: What the images' `y` holds.

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
    images = Images(join_rows([part.x for part in parts]), y, names, digests, join_groups(parts)).take(order)
    none = images.take(np.arange(0))
    about_parts = _missing_notes(data.classes, parts, data.task)
    return replace(
        data, train=images, validation=none, test=none,
        fingerprint=content_fingerprint(data.classes, [(digests[order], images.y)]),
        notes=tuple(note for note in data.notes if note not in about_parts),
    )  # fmt: skip


def divide_pooled(data: Dataset, test: NDArray[np.bool_] | None = None) -> tuple[Dataset, NDArray[np.int64]]:
    """Divide pooled images again: into given test images, and others for training and validation.

    Args:
        data: The data set, as `pool` returned it.
        test: Mask (N,) of the test images, which divides no group; None: there are none.

    Returns:
        The data set with a tenth of the other images for validation, and the row numbers (N,) of the images in the
        order of its parts.
    """
    images, digests = data.train, digests_of(data.train)
    groups = identical_groups(digests) if images.groups is None else images.groups
    parts = np.full(len(images), TEST, np.int8)
    rest = np.ones(len(images), bool) if test is None else ~test
    parts[rest] = assign_groups(digests[rest], images.y[rest], groups[rest], data.classes, 0.1, 0.0)
    rows = [np.flatnonzero(parts == number) for number in range(3)]
    train, validation, tested = (replace(images.take(part), digests=digests[part]) for part in rows)
    return replace(
        data, train=train, validation=validation, test=tested,
        fingerprint=content_fingerprint(data.classes, [(digests[part], images.y[part]) for part in rows]),
    ), np.concatenate(rows)  # fmt: skip


def digests_of(images: Images) -> Digests:
    """Return the digests of images (N,); those of their pixels where none are known."""
    return digest_images(images.x, 0) if images.digests is None else images.digests


def _leak_notes(count: int, part: str, other: str) -> list[str]:
    if not count:
        return []
    if count == 1:
        return [f"1 {part} image is also in the {other} split and was removed from the {part} split."]
    return [f"{count:,} {part} images are also in the {other} split and were removed from the {part} split."]


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
        raise DataError(f"The data set '{name}' is too small: the training split is empty.")
    content_hash = content_fingerprint(classes, [(digest, part.y) for digest, part in zip(digests, parts, strict=True)])
    notes = (*notes, *_missing_notes(classes, parts, task))
    train, validation, test = (replace(part, digests=digest) for part, digest in zip(parts, digests, strict=True))
    return Dataset(name, tuple(classes), train, validation, test, policy, content_hash, notes, task)


def count_labels(y: NDArray[Any], labels: int) -> NDArray[Any]:
    """Count the images of each class or label.

    Args:
        y: Class numbers (N,), or 0 and 1 for each label (N, K).
        labels: The number of classes or labels K.

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
    groups, notes = _groups_of_classes(in_parts, len(classes)), []
    for number, (label, class_counts) in enumerate(zip(classes, counts.T, strict=True)):
        missing = [part for part, count in zip(PARTS, class_counts, strict=True) if not count]
        total = int(class_counts.sum())
        if not total:
            notes.append(f"{what} '{label}' has no images.")
        elif missing:
            images = "1 image" if total == 1 else f"{total} images"
            if groups[number] < total:
                images += " in one group" if groups[number] == 1 else f" in {groups[number]} groups"
            notes.append(f"{what} '{label}' has only {images}: none for {' and '.join(missing)}.")
    return notes


def _groups_of_classes(in_parts: Sequence[Images], classes: int) -> list[int]:
    """Return in how many groups the images of each class or label are."""
    y, groups = np.concatenate([part.y for part in in_parts]), join_groups(in_parts)
    groups = np.arange(len(y)) if groups is None else groups
    return [len(np.unique(groups[y == k if y.ndim == 1 else y[:, k] > 0])) for k in range(classes)]
