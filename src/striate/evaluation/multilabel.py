"""All metrics of a model that predicts any number of labels, in one call."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from striate._types import Array
from striate.engines.losses import REPORTED_FLOOR
from striate.errors import DataError
from striate.evaluation.bootstrap import bootstrap, estimates
from striate.evaluation.intervals import Estimate, f1_score, wilson
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
class LabelMistake:
    """One test image with a wrong label.

    Attributes:
        index: Its index in the test set.
        path: Its file, if there is one.
        labels: Its true labels.
        missed: Labels that it has, but that were not predicted.
        extra: Labels that were predicted, but that it does not have.
        surprise: −log of the lowest probability that was given to the truth about a label.
    """

    index: int
    path: str | None
    labels: tuple[str, ...]
    missed: tuple[str, ...]
    extra: tuple[str, ...]
    surprise: float


@dataclass(frozen=True)
class MultilabelEvaluation:
    """The metrics of a model of several labels on a test set.

    Attributes:
        classes: The labels.
        images: Number of test images.
        mean_average_precision: Mean of the average precisions of all labels that some test image has (mAP).
        macro_f1: Mean F1 of the same labels.
        micro_f1: F1 of all decisions on labels together.
        exact_match: Share of images of which all labels are right.
        label_accuracy: Share of decisions on a label that are right.
        loss: Mean binary cross-entropy.
        chance: The mean average precision of a random order.
        per_class: Metrics of each label.
        mistakes: Images with wrong labels, the most surprising first.
    """

    classes: tuple[str, ...]
    images: int
    mean_average_precision: Estimate
    macro_f1: Estimate
    micro_f1: Estimate
    exact_match: Estimate
    label_accuracy: float
    loss: float
    chance: float
    per_class: tuple[LabelMetrics, ...]
    mistakes: tuple[LabelMistake, ...]

    folds: ClassVar[int] = 0  # these tasks are not cross-validated

    def __repr__(self) -> str:
        score = self.mean_average_precision.value or 0
        return f"<MultilabelEvaluation: {counted(self.images, 'image')}, mAP {score:.4f}, loss {self.loss:.4f}>"

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `metrics.json`: numbers, strings, lists and None, never NaN.

        Returns:
            `mean_average_precision`, `macro_f1`, `micro_f1`, `exact_match`: `value` and the 95 % confidence interval
            from `low` to `high`; `images`, `label_accuracy`, `loss`, `chance`: numbers; `labels`: for each label the
            fields of `LabelMetrics`; `mistakes`: for each image with a wrong label those of `LabelMistake`.
        """
        return {
            "task": "multilabel",
            "images": self.images,
            "mean_average_precision": self.mean_average_precision.to_dict(),
            "macro_f1": self.macro_f1.to_dict(),
            "micro_f1": self.micro_f1.to_dict(),
            "exact_match": self.exact_match.to_dict(),
            "label_accuracy": self.label_accuracy,
            "loss": self.loss,
            "chance": self.chance,
            "labels": [asdict(metrics) for metrics in self.per_class],
            "mistakes": [asdict(mistake) for mistake in self.mistakes],
        }


def evaluate_labels(
    probabilities: Array,
    y: Array,
    classes: Sequence[str],
    thresholds: Sequence[float],
    names: Sequence[str] | None = None,
) -> MultilabelEvaluation:
    """Compare predicted probabilities of labels with the true labels.

    Args:
        probabilities: (N, K), 0 … 1.
        y: 0 and 1 (N, K).
        classes: The labels.
        thresholds: The probability from which each label is predicted.
        names: File names of the images, if there are any.

    Returns:
        All metrics.

    Raises:
        DataError: Shapes or values are invalid, or there are no images.
    """
    _check(probabilities, y, classes)
    truth, p = y.astype(bool), probabilities.astype(np.float64)
    predicted = p >= np.array(thresholds, np.float32)
    order = np.argsort(-p, axis=0, kind="stable")
    hits, said, has = truth & predicted, predicted.sum(axis=0), truth.sum(axis=0)

    def statistic(weights: Array) -> Array:
        precisions = np.stack(
            [
                weighted_average_precision(p[order[:, k], k], truth[order[:, k], k], weights[:, order[:, k]])
                for k in range(len(classes))
            ],
            axis=1,
        )
        positives, predictions, true_positives = (weights @ each.astype(float) for each in (truth, predicted, hits))
        total = positives + predictions
        f1 = np.divide(2 * true_positives, total, out=np.zeros_like(total), where=total > 0)
        f1[positives == 0] = np.nan
        micro = np.divide(
            2 * true_positives.sum(axis=1),
            total.sum(axis=1),
            out=np.full(len(weights), np.nan),
            where=total.sum(axis=1) > 0,
        )
        means = [_mean_of_defined(values) for values in (precisions, f1)]
        return np.column_stack([*means, micro, precisions])

    counts = [len(p)] * 3 + has.tolist()
    found = estimates(*bootstrap(statistic, len(p), len(classes)))
    mean_precision, macro, micro, *precisions = map(_widened, found, counts)
    per_class = tuple(
        LabelMetrics(
            name,
            int(has[k]),
            int(said[k]),
            float(thresholds[k]),
            precisions[k],
            wilson(hits[:, k].sum(), said[k]),
            wilson(hits[:, k].sum(), has[k]),
            f1_score(hits[:, k].sum(), has[k] + said[k] - 2 * hits[:, k].sum()),
        )
        for k, name in enumerate(classes)
    )
    right = (predicted == truth).all(axis=1)
    given = np.where(truth, p, 1 - p)  # the probability of the truth
    return MultilabelEvaluation(
        tuple(classes),
        len(p),
        mean_precision,
        macro,
        micro,
        wilson(int(right.sum()), len(p)),
        float((predicted == truth).mean()),
        float(-np.log(np.maximum(given, REPORTED_FLOOR)).mean()),
        float(truth.mean(axis=0)[has > 0].mean()) if has.any() else 0.0,
        per_class,
        _mistakes(given, truth, predicted, classes, names),
    )


def _widened(estimate: Estimate, count: int) -> Estimate:
    """Return an estimate with the Wilson interval of `count` images if all resamples gave the same value, mostly 1."""
    if estimate.value is None or estimate.low is None or estimate.low != estimate.high:
        return estimate
    return wilson(min(estimate.value, 1.0) * count, count)


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


def _check(probabilities: Array, y: Array, classes: Sequence[str]) -> None:
    if not len(y):
        raise DataError("There are no test images. An evaluation needs at least one.")
    expected = (len(y), len(classes))
    if probabilities.shape != expected or y.shape != expected:
        raise DataError(
            f"Evaluation expected probabilities and labels of shape {expected}, but received {probabilities.shape} "
            f"and {y.shape}."
        )
    if not (probabilities.min() >= 0 and probabilities.max() <= 1 + 1e-3):  # true for NaN too
        raise DataError(
            f"The outputs of the model are no probabilities: they are from {probabilities.min():.6g} to "
            f"{probabilities.max():.6g}. Check that the network ends in a sigmoid."
        )


def _mistakes(
    given: Array, truth: Array, predicted: Array, classes: Sequence[str], names: Sequence[str] | None
) -> tuple[LabelMistake, ...]:
    wrong = np.flatnonzero((predicted != truth).any(axis=1))
    surprise = -np.log(np.maximum(given[wrong].min(axis=1), REPORTED_FLOOR))
    pairs = sorted(zip(wrong.tolist(), surprise.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))

    def chosen(mask: Array) -> tuple[str, ...]:
        return tuple(classes[k] for k in np.flatnonzero(mask).tolist())

    return tuple(
        LabelMistake(
            row,
            None if names is None else names[row],
            chosen(truth[row]),
            chosen(truth[row] & ~predicted[row]),
            chosen(predicted[row] & ~truth[row]),
            value,
        )
        for row, value in pairs
    )
