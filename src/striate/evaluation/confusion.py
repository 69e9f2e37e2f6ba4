"""The confusion matrix, in counts and in percent of the true class."""

from dataclasses import dataclass

import numpy as np

from striate._types import Array


@dataclass(frozen=True)
class Pair:
    """Two classes that were confused.

    Attributes:
        true: Name of the true class.
        predicted: Name of the predicted class.
        count: Number of images of the true class that were predicted as the other.
        percent: The same in percent of the test images of the true class.
    """

    true: str
    predicted: str
    count: int
    percent: float


def confusion_counts(labels: Array, predicted: Array, classes: int) -> Array:
    """Count the predictions of each class for each true class.

    Args:
        labels: True class numbers (N,), 0 … classes − 1.
        predicted: Predicted class numbers (N,).
        classes: Number of classes.

    Returns:
        Counts int64 (classes, classes); row: true class, column: predicted class.
    """
    flat = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes)  # (true * predicted,) → (true, predicted)


def percent_of_true(counts: Array) -> Array:
    """Convert counts to percent of the true class.

    Args:
        counts: The confusion matrix (classes, classes).

    Returns:
        Percentages float64 (classes, classes); a class without test images has a row of zeros.
    """
    support = counts.sum(axis=1, keepdims=True)
    percent: Array = 100 * counts / np.maximum(support, 1)
    return percent


def confused_pairs(counts: Array, classes: tuple[str, ...]) -> tuple[Pair, ...]:
    """Return all pairs of classes that were confused, the most frequent in percent first."""
    percent = percent_of_true(counts)
    true, predicted = np.nonzero(counts * ~np.eye(len(counts), dtype=bool))
    order = np.lexsort((predicted, true, -counts[true, predicted], -percent[true, predicted]))
    cells = zip(true[order].tolist(), predicted[order].tolist(), strict=True)
    return tuple(Pair(classes[a], classes[b], int(counts[a, b]), float(percent[a, b])) for a, b in cells)
