"""Metrics of a classifier on a test set, with 95 % confidence intervals."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from striate._types import Array
from striate.engines.losses import REPORTED_FLOOR, log_probabilities, log_softmax
from striate.evaluation.intervals import Estimate, Z, f1_interval, wilson_interval

BINS = 15


@dataclass(frozen=True)
class ClassMetrics:
    """The metrics of one class.

    Attributes:
        name: Name of the class.
        support: Number of its test images.
        predicted: Number of images predicted as this class.
        precision: TP / (TP + FP).
        recall: TP / (TP + FN).
        f1: 2 TP / (2 TP + FP + FN).
    """

    name: str
    support: int
    predicted: int
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True)
class Bin:
    """Images whose predicted probability lies in (low, high].

    Attributes:
        low: Lower end of the bin.
        high: Upper end of the bin.
        count: Number of images.
        confidence: Mean predicted probability.
        accuracy: Share of correct predictions.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: Estimate


def cross_entropy(probabilities: Array, labels: Array) -> Estimate:
    """Estimate the mean of −log p(true class) with a normal interval.

    Args:
        probabilities: (N, classes), 0 … 1; those below 1e-7 are replaced by 1e-7, as in Keras.
        labels: Class numbers (N,).

    Returns:
        The mean and its interval; no interval for fewer than two images.
    """
    true = probabilities[np.arange(len(labels)), labels]
    losses = -log_probabilities(true.astype(np.float64), REPORTED_FLOOR)
    mean = float(losses.mean())
    if len(losses) < 2:
        return Estimate(mean, None, None)
    half = Z * float(losses.std(ddof=1)) / sqrt(len(losses))
    return Estimate(mean, max(0.0, mean - half), mean + half)


def class_metrics(matrix: Array, classes: tuple[str, ...], design_effect: float = 1.0) -> tuple[ClassMetrics, ...]:
    """Compute precision, recall and F1 of each class.

    Args:
        matrix: Confusion matrix (K, K): true classes in rows, predicted ones in columns.
        classes: Class names.
        design_effect: Design effect of images in groups.

    Returns:
        The metrics of each class.
    """
    correct, support, predicted = np.diag(matrix).tolist(), matrix.sum(1).tolist(), matrix.sum(0).tolist()
    return tuple(
        ClassMetrics(
            name,
            s,
            p,
            wilson_interval(tp, p, design_effect),
            wilson_interval(tp, s, design_effect),
            f1_interval(tp, s + p - 2 * tp, design_effect),
        )
        for name, tp, s, p in zip(classes, correct, support, predicted, strict=True)
    )


def reliability(probabilities: Array, labels: Array) -> tuple[Bin, ...]:
    """Group images by predicted probability into 15 bins of equal width, and omit empty bins.

    Args:
        probabilities: (N, classes), 0 … 1.
        labels: Class numbers (N,).

    Returns:
        The bins, from low to high probability.

    Source:
        Guo et al. 2017, "On calibration of modern neural networks".
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    is_correct = probabilities.argmax(axis=1) == labels
    bin_index = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    count = np.bincount(bin_index, minlength=BINS)
    total = np.bincount(bin_index, weights=confidence, minlength=BINS)
    correct = np.bincount(bin_index, weights=is_correct, minlength=BINS)
    return tuple(
        Bin(
            low=b / BINS,
            high=(b + 1) / BINS,
            count=int(count[b]),
            confidence=float(total[b] / count[b]),
            accuracy=wilson_interval(float(correct[b]), int(count[b])),
        )
        for b in np.flatnonzero(count).tolist()
    )


def with_temperature(probabilities: Array, temperature: float) -> Array:
    """Divide the logits of probabilities by a temperature.

    Args:
        probabilities: (N, K).
        temperature: Above 1, probabilities become less confident.

    Returns:
        Probabilities (N, K).
    """
    logits = log_probabilities(probabilities.astype(np.float64), REPORTED_FLOOR) / temperature
    return np.asarray(np.exp(log_softmax(logits)))


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """Return the expected calibration error: the mean of |confidence − accuracy| over all images.

    Args:
        bins: Images grouped by predicted probability, as from `reliability`.

    Returns:
        0 … 1.
    """
    total = sum(b.count for b in bins)
    return sum(b.count * abs(b.confidence - (b.accuracy.value or 0.0)) for b in bins) / total


@dataclass(frozen=True)
class ConfusedPair:
    """Two classes that were confused.

    Attributes:
        true: Name of the true class.
        predicted: Name of the predicted class.
        count: Number of images of the true class that were predicted as the other.
        percent: `count` in percent of the test images of the true class.
    """

    true: str
    predicted: str
    count: int
    percent: float


def confusion_matrix(labels: Array, predicted: Array, classes: int) -> Array:
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


def row_percentages(matrix: Array) -> Array:
    """Convert a confusion matrix to percentages of each true class.

    Args:
        matrix: The confusion matrix (classes, classes).

    Returns:
        Percentages float64 (classes, classes); a class without test images has a row of zeros.
    """
    support = matrix.sum(axis=1, keepdims=True)
    percent: Array = 100 * matrix / np.maximum(support, 1)
    return percent


def confused_pairs(matrix: Array, classes: tuple[str, ...]) -> tuple[ConfusedPair, ...]:
    """List the pairs of classes that were confused.

    Args:
        matrix: Confusion matrix (K, K).
        classes: Class names.

    Returns:
        All pairs with errors, the most frequent in percent first.
    """
    percent = row_percentages(matrix)
    true, predicted = np.nonzero(matrix * ~np.eye(len(matrix), dtype=bool))
    order = np.lexsort((predicted, true, -matrix[true, predicted], -percent[true, predicted]))
    cells = zip(true[order].tolist(), predicted[order].tolist(), strict=True)
    return tuple(ConfusedPair(classes[a], classes[b], int(matrix[a, b]), float(percent[a, b])) for a, b in cells)
