"""All misclassified images, with predicted class and probability."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from striate._types import Array


@dataclass(frozen=True)
class Mistake:
    """One misclassified test image.

    Attributes:
        index: Its index in the test set.
        path: Its file, if there is one.
        true: Name of the true class.
        predicted: Name of the predicted class.
        confidence: Probability of the predicted class, 0 … 1.
        true_probability: Probability of the true class, 0 … 1.
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
    """Return all misclassified images, the most confident errors first.

    Args:
        probabilities: Predicted probabilities (N, classes).
        labels: True class numbers (N,).
        classes: Class names.
        names: File names of the images, if there are any.

    Returns:
        One entry for each misclassified image.
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
        Mistake(i, names[i] if names is not None else None, classes[true], classes[predicted], confidence, probability)
        for i, true, predicted, confidence, probability in zip(*(column.tolist() for column in columns), strict=True)
    )
