"""All metrics of a model that predicts any number of labels, in one call."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import numpy as np

from striate._types import Array
from striate.engines.losses import REPORTED_FLOOR
from striate.evaluation.bootstrap import Statistic, bootstrap, estimates
from striate.evaluation.checks import check_probabilities, check_shapes
from striate.evaluation.display import labels_html
from striate.evaluation.folds import Figures, FoldFigures, figures_by_fold, thresholds_by_image
from striate.evaluation.intervals import (
    CROSS_VALIDATION,
    UNCERTAIN_SHARE,
    Estimate,
    design_effect,
    f1_interval,
    wilson_interval,
)
from striate.text import counted


@dataclass(frozen=True)
class LabelMetrics:
    """The metrics of one label.

    Attributes:
        name: The label.
        support: Number of test images that have it.
        predicted: Number of images for which it was predicted.
        threshold: Probability from which it is predicted.
        average_precision: Precision averaged over all thresholds; 1 if all images with the label come before all
            others. Chance level is the share of images with the label.
        precision: TP / (TP + FP) at the threshold.
        recall: TP / (TP + FN) at the threshold.
        f1: 2 TP / (2 TP + FP + FN) at the threshold.
    """

    name: str
    support: int
    predicted: int
    threshold: float
    average_precision: Estimate
    precision: Estimate
    recall: Estimate
    f1: Estimate


@dataclass(frozen=True)
class MultilabelError:
    """One test image with a wrong label.

    Attributes:
        index: Its index in the test set.
        path: Its file, if there is one.
        labels: Its true labels.
        missed: Labels that it has, but that were not predicted.
        extra: Labels that were predicted, but that it does not have.
        loss: The largest binary cross-entropy of a label.
    """

    index: int
    path: str | None
    labels: tuple[str, ...]
    missed: tuple[str, ...]
    extra: tuple[str, ...]
    loss: float


@dataclass(frozen=True)
class MultilabelEvaluation:
    """The metrics of a model of several labels on a test set.

    Attributes:
        classes: The labels.
        n_images: Number of test images.
        mean_average_precision: Mean of the average precisions of all labels that some test image has (mAP).
        macro_f1: Mean F1 of the same labels.
        micro_f1: F1 of all decisions on labels together.
        exact_match: Share of images with all labels correct.
        label_accuracy: Share of correct decisions on single labels.
        loss: Mean binary cross-entropy.
        chance: The mean average precision of a random order.
        per_class: Metrics of each label.
        errors: Images with wrong labels, the most confident errors first.
        folds: Number of folds if the figures come from cross-validation; 0 if they come from test images.
        by_fold: Figures of each fold, if known: "mean_average_precision", "macro_f1" and "exact_match".
    """

    classes: tuple[str, ...]
    n_images: int
    mean_average_precision: Estimate
    macro_f1: Estimate
    micro_f1: Estimate
    exact_match: Estimate
    label_accuracy: float
    loss: float
    chance: float
    per_class: tuple[LabelMetrics, ...]
    errors: tuple[MultilabelError, ...]
    folds: int = 0
    by_fold: tuple[FoldFigures, ...] = ()

    def __repr__(self) -> str:
        score = self.mean_average_precision.value or 0
        return f"<MultilabelEvaluation: {counted(self.n_images, 'image')}, mAP {score:.4f}, loss {self.loss:.4f}>"

    def _repr_html_(self) -> str:
        return labels_html(self)

    @property
    def is_uncertain(self) -> bool:
        """Whether so few test images say little, and cross-validation would say more."""
        return not self.folds and self.mean_average_precision.width > UNCERTAIN_SHARE

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `metrics.json`: numbers, strings, lists and None, never NaN.

        Returns:
            `mean_average_precision`, `macro_f1`, `micro_f1`, `exact_match`: `value` and the 95 % confidence interval
            from `low` to `high`; `images`, `label_accuracy`, `loss`, `chance`, `folds`: numbers; `labels`: for each
            label the fields of `LabelMetrics`; `errors`: for each image with a wrong label those of `MultilabelError`;
            `by_fold`: for each fold those of `FoldFigures.to_dict`.
        """
        return {
            "task": "multilabel",
            "images": self.n_images,
            "mean_average_precision": self.mean_average_precision.to_dict(),
            "macro_f1": self.macro_f1.to_dict(),
            "micro_f1": self.micro_f1.to_dict(),
            "exact_match": self.exact_match.to_dict(),
            "label_accuracy": self.label_accuracy,
            "loss": self.loss,
            "chance": self.chance,
            "labels": [asdict(metrics) for metrics in self.per_class],
            "errors": [asdict(error) for error in self.errors],
            "folds": self.folds,
            "by_fold": [fold.to_dict() for fold in self.by_fold],
        }


def evaluate_labels(
    probabilities: Array,
    y: Array,
    classes: Sequence[str],
    thresholds: Sequence[float],
    names: Sequence[str] | None = None,
    *,
    folds: int = 0,
    fold: Array | None = None,
    groups: Array | None = None,
) -> MultilabelEvaluation:
    """Compare predicted probabilities of labels with the true labels.

    Args:
        probabilities: (N, K), 0 … 1.
        y: 0 and 1 (N, K).
        classes: The labels.
        thresholds: The probability from which each label is predicted.
        names: File names of the images, if there are any.
        folds: Number of folds if the probabilities come from cross-validation.
        fold: Number of the fold of each image (N,), if known; its labels are then decided by thresholds that were
            chosen on the other folds.
        groups: Integers (N,), the same for images that belong together; the intervals are then those of groups.

    Returns:
        All metrics.

    Raises:
        DataError: If shapes or values are invalid, or there are no images.
    """
    check_shapes(probabilities, y, classes, names)
    check_probabilities(probabilities, "sigmoid")
    truth, p = y.astype(bool), probabilities.astype(np.float64)
    applied = np.array(thresholds) if fold is None else thresholds_by_image(probabilities, y, fold)
    predicted = p >= applied.astype(np.float32)
    support = truth.sum(axis=0)
    exact, of_folds = (predicted == truth).all(axis=1), CROSS_VALIDATION if folds else 1.0
    effect = of_folds * design_effect(exact, groups)
    found = estimates(*bootstrap(_statistics(p, truth, predicted), len(p), len(classes), of_folds, groups))
    counts = [len(p)] * 3 + support.tolist()
    mean_precision, macro, micro, *precisions = (_with_width(*pair, effect) for pair in zip(found, counts, strict=True))
    true_probability = np.where(truth, p, 1 - p)  # of what is true about each label
    return MultilabelEvaluation(
        classes=tuple(classes),
        n_images=len(p),
        mean_average_precision=mean_precision,
        macro_f1=macro,
        micro_f1=micro,
        exact_match=wilson_interval(int(exact.sum()), len(p), effect),
        label_accuracy=float((predicted == truth).mean()),
        loss=float(-np.log(np.maximum(true_probability, REPORTED_FLOOR)).mean()),
        chance=float(truth.mean(axis=0)[support > 0].mean()) if support.any() else 0.0,
        per_class=_label_metrics(truth, predicted, classes, thresholds, precisions, effect),
        errors=_errors(true_probability, truth, predicted, classes, names),
        folds=folds,
        by_fold=figures_by_fold(fold, lambda rows: {"": _figures(p[rows], truth[rows], predicted[rows])}),
    )


def _figures(p: Array, truth: Array, predicted: Array) -> Figures:
    """Return the figures of the images of one fold, by name."""
    mean_precision, macro, *_ = _statistics(p, truth, predicted)(np.ones((1, len(p))))[0].tolist()
    return {
        "mean_average_precision": mean_precision if isfinite(mean_precision) else None,
        "macro_f1": macro if isfinite(macro) else None,
        "exact_match": float((predicted == truth).all(axis=1).mean()),
    }


def _statistics(p: Array, truth: Array, predicted: Array) -> Statistic:
    """Return a function of weights (B, N): mAP, macro F1, micro F1, and the average precision of each label."""
    order = np.argsort(-p, axis=0, kind="stable")

    def statistics(weights: Array) -> Array:
        columns = [
            weighted_average_precision(p[rows, k], truth[rows, k], weights[:, rows]) for k, rows in enumerate(order.T)
        ]
        precisions = np.stack(columns, axis=1)
        positives, predictions, true_positives = (
            weights @ each.astype(float) for each in (truth, predicted, truth & predicted)
        )
        total = positives + predictions
        f1 = np.divide(2 * true_positives, total, out=np.zeros_like(total), where=total > 0)
        f1[positives == 0] = np.nan
        all_hits, all_total = true_positives.sum(axis=1), total.sum(axis=1)
        micro = np.divide(2 * all_hits, all_total, out=np.full(len(weights), np.nan), where=all_total > 0)
        return np.column_stack([_mean_of_defined(precisions), _mean_of_defined(f1), micro, precisions])

    return statistics


def _label_metrics(
    truth: Array, predicted: Array, classes: Sequence[str], thresholds: Sequence[float],
    precisions: Sequence[Estimate], effect: float,
) -> tuple[LabelMetrics, ...]:  # fmt: skip
    """Return the metrics of each label, given its average precision."""
    rows = zip((truth & predicted).sum(axis=0), predicted.sum(axis=0), truth.sum(axis=0), strict=True)
    return tuple(
        LabelMetrics(
            name=classes[k],
            support=int(support),
            predicted=int(count),
            threshold=float(thresholds[k]),
            average_precision=precisions[k],
            precision=wilson_interval(true_positives, count, effect),
            recall=wilson_interval(true_positives, support, effect),
            f1=f1_interval(true_positives, support + count - 2 * true_positives, effect),
        )
        for k, (true_positives, count, support) in enumerate(rows)
    )


def _with_width(estimate: Estimate, count: int, effect: float) -> Estimate:
    """Return the estimate; if all resamples gave the same value, with the Wilson interval of `count` images."""
    if estimate.value is None or estimate.low is None or estimate.low != estimate.high:
        return estimate
    return wilson_interval(min(estimate.value, 1.0) * count, count, effect)


def weighted_average_precision(p: Array, truth: Array, weights: Array) -> Array:
    """Return the average precision for several weightings of the images.

    Args:
        p: Scores (N,), in descending order.
        truth: Whether each image has the label, bool (N,).
        weights: (B, N), 0 or more.

    Returns:
        (B,): the sum over all scores of the precision, times the recall gained there; NaN without images that have
        the label.
    """
    ends = np.flatnonzero(np.append(np.diff(p) != 0, True))  # images with the same score are predicted together
    true_positives = np.cumsum(weights * truth, axis=1)[:, ends]
    predicted = np.cumsum(weights, axis=1)[:, ends]
    gained = np.diff(true_positives, axis=1, prepend=0)
    precision = np.divide(true_positives, predicted, out=np.zeros_like(predicted), where=predicted > 0)
    total = true_positives[:, -1]
    found: Array = np.divide((gained * precision).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0)
    return found


def _mean_of_defined(values: Array) -> Array:
    """Return the mean over the columns (B,) of what is not NaN."""
    defined = np.isfinite(values)
    count = defined.sum(axis=1)
    return np.asarray(np.where(defined, values, 0).sum(axis=1) / np.where(count > 0, count, np.nan))


def _errors(
    true_probability: Array, truth: Array, predicted: Array, classes: Sequence[str], names: Sequence[str] | None
) -> tuple[MultilabelError, ...]:
    wrong = np.flatnonzero((predicted != truth).any(axis=1))
    losses = -np.log(np.maximum(true_probability[wrong].min(axis=1), REPORTED_FLOOR))
    pairs = sorted(zip(wrong.tolist(), losses.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))

    def labels_in(mask: Array) -> tuple[str, ...]:
        return tuple(classes[k] for k in np.flatnonzero(mask).tolist())

    return tuple(
        MultilabelError(
            row,
            None if names is None else names[row],
            labels_in(truth[row]),
            labels_in(truth[row] & ~predicted[row]),
            labels_in(predicted[row] & ~truth[row]),
            loss,
        )
        for row, loss in pairs
    )
