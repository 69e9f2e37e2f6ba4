"""The confusion matrix: what each class was taken for, in counts and in percent of the true class."""

from dataclasses import dataclass

import numpy as np

from striate._types import Array


@dataclass(frozen=True)
class Pair:
    """`count` images of class `true`, which is `percent` of all its test images, were taken for class `predicted`."""

    true: str
    predicted: str
    count: int
    percent: float


def confusion_counts(labels: Array, predicted: Array, classes: int) -> Array:
    """Counts (classes, classes), int64: row = true class, column = what it was taken for.

    labels, predicted: (N,) class numbers in 0..classes-1.
    """
    flat = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes)  # (true * taken,) → (true, taken)


def percent_of_true(counts: Array) -> Array:
    """Percent (classes, classes), float64: entry (A, B) says how many in a hundred images of A were taken for B.

    A class without test images has a row of zeros.
    """
    support = counts.sum(axis=1, keepdims=True)
    percent: Array = 100 * counts / np.maximum(support, 1)
    return percent


def confused_pairs(counts: Array, classes: tuple[str, ...]) -> tuple[Pair, ...]:
    """Every pair of different classes that was confused at least once, the most frequent in percent first."""
    percent = percent_of_true(counts)
    true, taken = np.nonzero(counts * ~np.eye(len(counts), dtype=bool))
    order = np.lexsort((taken, true, -counts[true, taken], -percent[true, taken]))
    cells = zip(true[order].tolist(), taken[order].tolist(), strict=True)
    return tuple(Pair(classes[a], classes[b], int(counts[a, b]), float(percent[a, b])) for a, b in cells)
