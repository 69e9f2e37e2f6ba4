"""Metrics of a classifier on a test set, with 95 % confidence intervals."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from striate._types import Array
from striate.engines.losses import REPORTED_FLOOR, log_probabilities

Z = 1.959963984540054  # 97.5 % quantile of the standard normal distribution
BINS = 15


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % confidence interval; None where the data do not determine it."""

    value: float | None
    low: float | None
    high: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Return value, low and high by name, as values for JSON."""
        return {"value": self.value, "low": self.low, "high": self.high}


UNKNOWN = Estimate(None, None, None)


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


def wilson(successes: float, trials: float) -> Estimate:
    """Estimate a proportion with the Wilson score interval.

    Args:
        successes: Number of successes; need not be an integer.
        trials: Number of trials.

    Returns:
        The proportion and its interval; None for all three without trials.

    Source:
        Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    if trials <= 0:
        return UNKNOWN
    p = successes / trials
    center = (p + Z**2 / (2 * trials)) / (1 + Z**2 / trials)
    half = Z / (1 + Z**2 / trials) * sqrt(p * (1 - p) / trials + Z**2 / (4 * trials**2))
    low = 0.0 if p == 0 else max(0.0, center - half)
    high = 1.0 if p == 1 else min(1.0, center + half)
    return Estimate(p, low, high)


def f1_score(true_positives: float, false: float) -> Estimate:
    """Estimate F1 with an interval.

    Of the TP + FP + FN images, TP is binomial with proportion J. F1 = 2J / (1 + J) increases with J, so the ends of
    J's Wilson interval are converted.

    Args:
        true_positives: Number of true positives.
        false: Number of false positives and false negatives together.

    Returns:
        F1 and its interval; None for all three without images.

    Source:
        Lam et al. 2023, arXiv:2309.14621, the "Wilson indirect" interval.
    """
    jaccard = wilson(true_positives, true_positives + false)
    if jaccard.value is None or jaccard.low is None or jaccard.high is None:
        return UNKNOWN
    value, low, high = (2 * j / (1 + j) for j in (jaccard.value, jaccard.low, jaccard.high))
    return Estimate(value, low, high)


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


def class_metrics(counts: Array, classes: tuple[str, ...]) -> tuple[ClassMetrics, ...]:
    """Return precision, recall and F1 of each class from the confusion matrix (true, predicted)."""
    correct, support, predicted = np.diag(counts).tolist(), counts.sum(1).tolist(), counts.sum(0).tolist()
    return tuple(
        ClassMetrics(name, s, p, wilson(tp, p), wilson(tp, s), f1_score(tp, s + p - 2 * tp))
        for name, tp, s, p in zip(classes, correct, support, predicted, strict=True)
    )


def macro_metrics(counts: Array) -> dict[str, Estimate]:
    """Average precision, recall and F1 over the classes that have test images.

    A class that was never predicted has precision 0. The variance is computed with the delta method. The interval is
    the Wilson interval of a proportion with the same variance, so that it stays within 0 … 1.

    Args:
        counts: The confusion matrix (true, predicted).

    Returns:
        Estimates of "precision", "recall" and "f1".

    Source:
        Takahashi et al. 2022, "Confidence interval for micro-averaged F1 and macro-averaged F1 scores".
    """
    support, predicted = counts.sum(1), counts.sum(0)
    weights = (support > 0) / np.count_nonzero(support)
    return {
        "precision": _macro(counts, weights, predicted, by_row=0, by_column=1),
        "recall": _macro(counts, weights, support, by_row=1, by_column=0),
        "f1": _macro(counts, weights, (support + predicted) / 2, by_row=0.5, by_column=0.5),
    }


def _macro(counts: Array, weights: Array, total: Array, by_row: float, by_column: float) -> Estimate:
    """Estimate Σ w TP / total; an image of class i predicted as j adds by_row to total i and by_column to total j."""
    weight_per_count = np.divide(weights, total, out=np.zeros(len(counts)), where=total > 0)
    score = np.divide(np.diag(counts), total, out=np.zeros(len(counts)), where=total > 0)
    decrease = weight_per_count * score
    gradient = np.diag(weight_per_count) - by_row * decrease[:, None] - by_column * decrease[None, :]
    value = min(1.0, float(weights @ score))
    variance = float(np.sum(counts * gradient**2))
    if variance > 1e-15:
        n = value * (1 - value) / variance
    else:  # each class is entirely correct or entirely wrong: derive n from the class sizes
        n = 1 / float(np.sum(np.divide(weights**2, counts.sum(1), out=np.zeros(len(counts)), where=weights > 0)))
    return wilson(value * n, n)


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
            accuracy=wilson(float(correct[b]), int(count[b])),
        )
        for b in np.flatnonzero(count).tolist()
    )


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """Return the expected calibration error, 0 … 1: the mean of |confidence − accuracy| over all images."""
    total = sum(b.count for b in bins)
    return sum(b.count * abs(b.confidence - (b.accuracy.value or 0.0)) for b in bins) / total


@dataclass(frozen=True)
class Pair:
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
