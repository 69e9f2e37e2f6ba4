"""Figures of a classifier on a test set, each with its 95 % interval."""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from striate._types import Array
from striate.training.metrics import EPSILON

Z = 1.959963984540054  # the 97.5 % point of the normal distribution: 95 % lie within ±Z
BINS = 15


@dataclass(frozen=True)
class Estimate:
    """A figure and the 95 % interval around it; None where the data cannot tell."""

    value: float | None
    low: float | None
    high: float | None

    def to_dict(self) -> dict[str, float | None]:
        """`{"value", "low", "high"}`, plain numbers or None."""
        return {"value": self.value, "low": self.low, "high": self.high}


UNKNOWN = Estimate(None, None, None)


@dataclass(frozen=True)
class ClassFigures:
    """How one class fared.

    support: its test images; predicted: the images taken for it.
    precision: right among those taken for it. recall: right among its own. f1: 2 TP / (2 TP + FP + FN).
    """

    name: str
    support: int
    predicted: int
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True)
class Bin:
    """The images whose top probability lies in (low, high]: how sure the model was, and how often right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: Estimate


def wilson(successes: float, trials: float) -> Estimate:
    """The Wilson score interval of a proportion; unknown without trials.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    if trials <= 0:
        return UNKNOWN
    p = successes / trials
    centre = (p + Z**2 / (2 * trials)) / (1 + Z**2 / trials)
    half = Z / (1 + Z**2 / trials) * sqrt(p * (1 - p) / trials + Z**2 / (4 * trials**2))
    low = 0.0 if p == 0 else max(0.0, centre - half)
    high = 1.0 if p == 1 else min(1.0, centre + half)
    return Estimate(p, low, high)


def f1_score(true_positives: float, false: float) -> Estimate:
    """F1 from the right ones and the errors (false positives + false negatives), with an interval.

    Of the images that count at all (TP + FP + FN), TP is binomial with share J; F1 = 2J / (1 + J) rises with J,
    so the ends of J's Wilson interval are carried over.
    Source: Lam et al. 2023, arXiv:2309.14621, the "Wilson indirect" interval.
    """
    share = wilson(true_positives, true_positives + false)
    if share.value is None or share.low is None or share.high is None:
        return UNKNOWN
    value, low, high = (2 * j / (1 + j) for j in (share.value, share.low, share.high))
    return Estimate(value, low, high)


def cross_entropy(probabilities: Array, labels: Array) -> Estimate:
    """Mean of −log p(true class) with a normal interval; no interval for fewer than two images.

    probabilities: (N, classes) in 0..1; labels: (N,) class numbers. A probability below 1e-7 counts as
    1e-7, as in training and in Keras, so that the mean stays finite.
    """
    true = probabilities[np.arange(len(labels)), labels]
    losses = -np.log(np.maximum(true.astype(np.float64), EPSILON))
    mean = float(losses.mean())
    if len(losses) < 2:
        return Estimate(mean, None, None)
    half = Z * float(losses.std(ddof=1)) / sqrt(len(losses))
    return Estimate(mean, max(0.0, mean - half), mean + half)


def class_figures(counts: Array, classes: tuple[str, ...]) -> tuple[ClassFigures, ...]:
    """Precision, recall and F1 of every class from the confusion counts (true, taken for)."""
    right, support, predicted = np.diag(counts).tolist(), counts.sum(1).tolist(), counts.sum(0).tolist()
    return tuple(
        ClassFigures(name, s, p, wilson(tp, p), wilson(tp, s), f1_score(tp, s + p - 2 * tp))
        for name, tp, s, p in zip(classes, right, support, predicted, strict=True)
    )


def macro_figures(counts: Array) -> dict[str, Estimate]:
    """Precision, recall and F1 averaged over the classes that have test images, each class weighing the same.

    A class that was never predicted counts with precision 0. The intervals follow from the delta method: how much one
    more image in cell (i, j) moves the average (Takahashi et al. 2022, "Confidence interval for micro-averaged F1 and
    macro-averaged F1 scores"). The variance is turned into the number of images that a plain proportion would need
    to vary as much, and Wilson's interval for that number stays within 0..1.
    """
    support, predicted = counts.sum(1), counts.sum(0)
    weights = (support > 0) / np.count_nonzero(support)
    return {
        "precision": _macro(counts, weights, predicted, by_row=0, by_column=1),
        "recall": _macro(counts, weights, support, by_row=1, by_column=0),
        "f1": _macro(counts, weights, (support + predicted) / 2, by_row=0.5, by_column=0.5),
    }


def _macro(counts: Array, weights: Array, total: Array, by_row: float, by_column: float) -> Estimate:
    """Σ w TP / total, where an image of class i taken for j adds by_row to total i and by_column to total j."""
    unit = np.divide(weights, total, out=np.zeros(len(counts)), where=total > 0)
    score = np.divide(np.diag(counts), total, out=np.zeros(len(counts)), where=total > 0)
    pull = unit * score
    slope = np.diag(unit) - by_row * pull[:, None] - by_column * pull[None, :]
    value = min(1.0, float(weights @ score))
    variance = float(np.sum(counts * slope**2))
    if variance > 1e-15:
        n = value * (1 - value) / variance
    else:  # every class all right or all wrong: nothing varied, so n is what the class sizes allow
        n = 1 / float(np.sum(np.divide(weights**2, counts.sum(1), out=np.zeros(len(counts)), where=weights > 0)))
    return wilson(value * n, n)


def reliability(probabilities: Array, labels: Array) -> tuple[Bin, ...]:
    """Images sorted by top probability into 15 equal bins, empty ones left out.

    Source: Guo et al. 2017, "On calibration of modern neural networks".
    """
    top = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    place = np.clip(np.ceil(top * BINS).astype(int) - 1, 0, BINS - 1)
    count = np.bincount(place, minlength=BINS)
    sure = np.bincount(place, weights=top, minlength=BINS)
    hits = np.bincount(place, weights=right, minlength=BINS)
    return tuple(
        Bin(b / BINS, (b + 1) / BINS, int(count[b]), float(sure[b] / count[b]), wilson(float(hits[b]), int(count[b])))
        for b in np.flatnonzero(count).tolist()
    )


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """Expected calibration error, 0..1: the mean gap between confidence and accuracy, bins weighed by their images."""
    total = sum(b.count for b in bins)
    return sum(b.count * abs(b.confidence - (b.accuracy.value or 0.0)) for b in bins) / total
