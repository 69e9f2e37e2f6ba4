"""How well probabilities rank images: ROC and precision–recall curves, and thresholds for a target recall."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from striate._types import Array
from striate.evaluation.intervals import UNKNOWN, Estimate, wilson_interval

TARGET = 0.95  # recall or precision for which a threshold is chosen
MAX_POINTS = 100  # number of points of a curve that is drawn
MANY_CLASSES = 10  # with more classes, the accuracy among the first k classes is reported too
TOP = (3, 5)

Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Threshold:
    """What happens if a class is predicted wherever its probability reaches a threshold.

    Attributes:
        threshold: The probability.
        precision: TP / (TP + FP).
        recall: TP / (TP + FN).
    """

    threshold: float
    precision: Estimate
    recall: Estimate


@dataclass(frozen=True)
class Ranking:
    """How well the probability of one class separates its images from all others (one-vs-rest).

    Attributes:
        name: Name of the class.
        auc: Area under the ROC curve: the probability that an image of the class has a higher probability than another.
        average_precision: Area under the precision–recall curve.
        for_recall: The highest threshold with the target recall; None without images of the class.
        for_precision: The threshold with the highest recall among those with the target precision; None if none has it.
        roc: Points (false positive rate, recall) of the curve, few enough to be drawn.
        precision_recall: Points (recall, precision).
    """

    name: str
    auc: Estimate
    average_precision: float | None
    for_recall: Threshold | None
    for_precision: Threshold | None
    roc: Curve
    precision_recall: Curve

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, without the curves, as values for JSON."""
        figures = asdict(replace(self, roc=(), precision_recall=()))
        return {name: value for name, value in figures.items() if name not in ("roc", "precision_recall")}


def rank(
    probabilities: Array, labels: Array, classes: Sequence[str], design_effect: float = 1.0
) -> tuple[Ranking, ...]:
    """Return the curves and thresholds of each class.

    Args:
        probabilities: (N, K).
        labels: Class numbers (N,).
        classes: Class names.
        design_effect: Design effect of images in groups.

    Returns:
        One entry for each class.
    """
    return tuple(
        _rank_one(name, probabilities[:, number], labels == number, design_effect)
        for number, name in enumerate(classes)
    )


def _rank_one(name: str, scores: Array, positive: Array, design_effect: float) -> Ranking:
    total, others = int(positive.sum()), int((~positive).sum())
    if not total or not others:
        return Ranking(name, UNKNOWN, None, None, None, (), ())
    thresholds, true_positives, false_positives = count_above(scores, positive)
    recall, false_rate = true_positives / total, false_positives / others
    precision = true_positives / (true_positives + false_positives)
    area = float(np.trapezoid(np.concatenate([[0.0], recall]), np.concatenate([[0.0], false_rate])))
    # The variance of the area is at most that of a proportion in the smaller of both groups (Birnbaum, Klose 1957).
    smaller = min(total, others)
    average = float(np.sum(np.diff(recall, prepend=0) * precision))

    def at(index: int) -> Threshold:
        hits, predicted = float(true_positives[index]), float(true_positives[index] + false_positives[index])
        return Threshold(
            float(thresholds[index]),
            wilson_interval(hits, predicted, design_effect),
            wilson_interval(hits, total, design_effect),
        )

    enough = np.flatnonzero(precision >= TARGET)
    return Ranking(
        name, wilson_interval(area * smaller, smaller, design_effect), average,
        at(int(np.argmax(recall >= TARGET))), at(int(enough[-1])) if len(enough) else None,
        ((0.0, 0.0), *_downsample(false_rate, recall)), _downsample(recall, precision),
    )  # fmt: skip


def count_above(scores: Array, positive: Array) -> tuple[Array, Array, Array]:
    """Count the images whose score reaches each threshold.

    Args:
        scores: (N,).
        positive: Whether each image belongs to the class, bool (N,).

    Returns:
        The different scores, highest first, and for each the number of images of the class and of all others that
        reach it.
    """
    order = np.argsort(-scores, kind="stable")
    scores, positive = scores[order], positive[order]
    last = np.flatnonzero(np.append(np.diff(scores) != 0, True))  # of each group of equal scores
    hits = np.cumsum(positive)[last]
    return scores[last], hits, last + 1 - hits


def _downsample(x: Array, y: Array) -> Curve:
    """Return at most `MAX_POINTS` points of a curve, with both ends."""
    rows = np.unique(np.linspace(0, len(x) - 1, MAX_POINTS).round().astype(int))
    return tuple(zip(x[rows].round(4).tolist(), y[rows].round(4).tolist(), strict=True))


def top_k(probabilities: Array, labels: Array, design_effect: float = 1.0) -> dict[int, Estimate]:
    """Estimate the share of images whose class is among the k most probable, if there are many classes.

    Args:
        probabilities: (N, K).
        labels: Class numbers (N,).
        design_effect: Design effect of images in groups.

    Returns:
        Estimates by k; empty for few classes.
    """
    if probabilities.shape[1] <= MANY_CLASSES:
        return {}
    true = probabilities[np.arange(len(labels)), labels][:, None]
    before = (probabilities > true).sum(axis=1)  # classes that are more probable than the true one
    return {k: wilson_interval(int((before < k).sum()), len(labels), design_effect) for k in TOP}
