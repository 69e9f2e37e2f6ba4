"""Every image that was classified wrongly, with what it was taken for and how surely."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from striate._types import Array


@dataclass(frozen=True)
class Mistake:
    """One misclassified test image.

    index: its place in the test set; path: its file, where there is one; true, predicted: class names.
    confidence: the probability given to `predicted`; true_probability: the one given to `true`; both 0..1.
    """

    index: int
    path: str | None
    true: str
    predicted: str
    confidence: float
    true_probability: float


def find_mistakes(
    probabilities: Array, labels: Array, classes: Sequence[str], names: Sequence[str] | None = None
) -> tuple[Mistake, ...]:
    """All mistakes, the surest first.

    probabilities: (N, classes); labels: (N,) class numbers; names: N file names, or None.
    """
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    confidence = probabilities[wrong, predicted[wrong]]
    wrong = wrong[np.argsort(-confidence, kind="stable")]
    columns = (
        wrong,
        labels[wrong],
        predicted[wrong],
        probabilities[wrong, predicted[wrong]],
        probabilities[wrong, labels[wrong]],
    )
    return tuple(
        Mistake(i, names[i] if names is not None else None, classes[true], classes[taken], given, right)
        for i, true, taken, given, right in zip(*(column.tolist() for column in columns), strict=True)
    )
