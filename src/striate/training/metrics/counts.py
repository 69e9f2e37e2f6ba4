"""Metrics of counts of right and wrong decisions: precision, recall, F1, and areas under curves."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from striate._types import Array
from striate.arguments import check_integer, check_methods, check_number
from striate.engines.losses.base import rows_of_classes
from striate.errors import UsageError
from striate.network.outputs import OutputForm
from striate.training.metrics.base import InputType, Metric

EPSILON = 1e-7

Thresholds = float | Sequence[float] | None


class _Counts(Metric):
    """A metric of the counts of true and false, positive and negative decisions at one or several thresholds."""

    input_type: ClassVar[InputType] = "probabilities"

    def __init__(
        self,
        thresholds: Thresholds = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: None = None,
    ) -> None:
        super().__init__(name)
        self.top_k = None if top_k is None else check_integer("top_k", top_k, 1)
        self.class_id = None if class_id is None else check_integer("class_id", class_id)
        default = 0.5 if top_k is None else -1.0  # all of the top k count as positive
        given = (
            [default] if thresholds is None else thresholds if isinstance(thresholds, list | tuple) else [thresholds]
        )
        self.thresholds = [check_number("thresholds", value) for value in given]
        if thresholds is not None and not all(0 <= value <= 1 for value in self.thresholds):
            raise UsageError(f"{type(self).__name__}: thresholds must be 0 to 1; received {thresholds}.")
        self._several = isinstance(thresholds, list | tuple)

    def size(self, outputs: int) -> int:
        """Return the number of counts: four for each threshold."""
        return 4 * len(self.thresholds)

    def sums(
        self, t: Array, p: Array, weights: Array | None = None, output_form: OutputForm = "probabilities"
    ) -> Array:
        """Return true positives, false positives, true negatives and false negatives for each threshold."""
        t = _labels(t, p)
        if self.class_id is not None and self.class_id >= p.shape[-1]:
            raise UsageError(f"{self.name}: class_id={self.class_id}, and there are only {p.shape[-1]} outputs.")
        if self.top_k is not None:
            order = np.argsort(-p, axis=-1, kind="stable")[..., : self.top_k]
            kept = np.zeros(p.shape, bool)
            np.put_along_axis(kept, order, True, axis=-1)
            p = np.where(kept, p, -2.0)
        if self.class_id is not None:
            t, p = t[..., self.class_id : self.class_id + 1], p[..., self.class_id : self.class_id + 1]
        w = _weights_like(weights, p)
        counts = []
        for threshold in self.thresholds:
            positive = p > threshold
            counts += [
                (w * (positive & t)).sum(), (w * (positive & ~t)).sum(),
                (w * (~positive & ~t)).sum(), (w * (~positive & t)).sum(),
            ]  # fmt: skip
        return np.array(counts, np.float64)

    def compute(self, sums: Array) -> Any:
        """Return the value at each threshold."""
        values = self.value(*sums.reshape(-1, 4).T)
        return values if self._several else values[0]

    def value(self, tp: Array, fp: Array, tn: Array, fn: Array) -> Array:
        """Compute the value from the counts at each threshold."""
        raise NotImplementedError


@check_methods
class Precision(_Counts):
    """The fraction of positive predictions that are correct: TP / (TP + FP).

    Args:
        thresholds: A probability above it counts as positive: a number, or several for an array of values. None: 0.5.
        top_k: Only the k highest outputs of a sample can be positive.
        class_id: Only this class counts.
        name: Name of the metric in results.
        dtype: None.
    """

    def value(self, tp: Array, fp: Array, tn: Array, fn: Array) -> Array:
        """Return TP / (TP + FP)."""
        return divide(tp, tp + fp)


@check_methods
class Recall(_Counts):
    """The fraction of positive targets that are found: TP / (TP + FN).

    Args:
        thresholds: A probability above it counts as positive: a number, or several for an array of values. None: 0.5.
        top_k: Only the k highest outputs of a sample can be positive.
        class_id: Only this class counts.
        name: Name of the metric in results.
        dtype: None.
    """

    def value(self, tp: Array, fp: Array, tn: Array, fn: Array) -> Array:
        """Return TP / (TP + FN)."""
        return divide(tp, tp + fn)


class _OneCount(_Counts):
    def __init__(self, thresholds: Thresholds = None, name: str | None = None, dtype: None = None) -> None:
        super().__init__(thresholds, None, None, name)


@check_methods
class TruePositives(_OneCount):
    """The number of positive targets that are predicted as positive."""

    def value(self, tp: Array, fp: Array, tn: Array, fn: Array) -> Array:
        """Return TP."""
        return tp


@check_methods
class FalsePositives(_OneCount):
    """The number of negative targets that are predicted as positive."""

    def value(self, tp: Array, fp: Array, tn: Array, fn: Array) -> Array:
        """Return FP."""
        return fp


@check_methods
class TrueNegatives(_OneCount):
    """The number of negative targets that are predicted as negative."""

    def value(self, tp: Array, fp: Array, tn: Array, fn: Array) -> Array:
        """Return TN."""
        return tn


@check_methods
class FalseNegatives(_OneCount):
    """The number of positive targets that are predicted as negative."""

    def value(self, tp: Array, fp: Array, tn: Array, fn: Array) -> Array:
        """Return FN."""
        return fn


@check_methods
class FBetaScore(Metric):
    """The weighted harmonic mean of precision and recall, (1 + β²) P R / (β² P + R), for each class.

    Args:
        average: "macro" (mean over the classes), "micro" (all decisions together), "weighted" (mean weighted by the
            samples of the classes), or None for an array with one number for each class.
        beta: β, above 0.
        threshold: A probability above it counts as positive; None: only the highest output of a sample does.
        name: Name of the metric in results.
        dtype: None.
    """

    input_type: ClassVar[InputType] = "probabilities"

    def __init__(
        self,
        average: Literal["micro", "macro", "weighted"] | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = None,
        dtype: None = None,
    ) -> None:
        super().__init__(name)
        if average not in (None, "micro", "macro", "weighted"):
            raise UsageError(f"average must be 'micro', 'macro', 'weighted' or None; received {average!r}.")
        if not check_number("beta", beta) > 0:
            raise UsageError(f"beta must be above 0; received {beta}.")
        if threshold is not None and not 0 < check_number("threshold", threshold) <= 1:
            raise UsageError(f"threshold must be above 0 and at most 1; received {threshold}.")
        self.average, self.beta, self.threshold = average, beta, threshold

    def size(self, outputs: int) -> int:
        """Return three counts for each class."""
        return 3 * outputs

    def sums(
        self, t: Array, p: Array, weights: Array | None = None, output_form: OutputForm = "probabilities"
    ) -> Array:
        """Return true positives, false positives and false negatives of each class."""
        t = rows_of_classes(t, p).astype(np.float64)
        if self.threshold is None:
            positive = (p >= p.max(axis=-1, keepdims=True)) & (np.abs(p) > 1e-9)
        else:
            positive = p > self.threshold
        w = 1.0 if weights is None else weights.astype(np.float64)[:, None]
        return np.concatenate([
            (w * positive * t).sum(axis=0), (w * positive * (1 - t)).sum(axis=0), (w * ~positive * t).sum(axis=0),
        ])  # fmt: skip

    def compute(self, sums: Array) -> Any:
        """Return the score."""
        tp, fp, fn = sums.reshape(3, -1)
        support = tp + fn
        if self.average == "micro":
            tp, fp, fn = (count.sum(keepdims=True) for count in (tp, fp, fn))
        precision, recall = tp / (tp + fp + EPSILON), tp / (tp + fn + EPSILON)
        scores = (1 + self.beta**2) * precision * recall / (self.beta**2 * precision + recall + EPSILON)
        if self.average is None:
            return scores
        return (scores * support).sum() / (support.sum() + EPSILON) if self.average == "weighted" else scores.mean()


@check_methods
class F1Score(FBetaScore):
    """The harmonic mean of precision and recall, 2 P R / (P + R), for each class.

    Args:
        average: As in `FBetaScore`.
        threshold: As in `FBetaScore`.
        name: Name of the metric in results.
        dtype: None.
    """

    def __init__(
        self,
        average: Literal["micro", "macro", "weighted"] | None = None,
        threshold: float | None = None,
        name: str | None = None,
        dtype: None = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name)


@check_methods
class AUC(Metric):
    """The area under the ROC curve or the precision-recall curve, from counts at thresholds.

    Args:
        num_thresholds: Number of thresholds, evenly spaced from 0 to 1.
        curve: "ROC" or "PR".
        summation_method: "interpolation", or "minoring" and "majoring" for bounds.
        name: Name of the metric in results.
        dtype: None.
        thresholds: Custom thresholds, 0 to 1, beside 0 and 1.
        multi_label: Whether to compute the area of each label and take the mean, rather than that of all decisions.
        num_labels: The number of labels; not needed, because it follows from the outputs.
        label_weights: Weights of the labels in their mean, or of the decisions.
        from_logits: Whether the predictions of `update_state` are logits. In training, this follows from the output.
    """

    input_type: ClassVar[InputType] = "probabilities"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: Literal["ROC", "PR"] = "ROC",
        summation_method: Literal["interpolation", "minoring", "majoring"] = "interpolation",
        name: str | None = None,
        dtype: None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name)
        if curve not in ("ROC", "PR"):
            raise UsageError(f"AUC: curve must be 'ROC' or 'PR'; received {curve!r}.")
        if summation_method not in ("interpolation", "minoring", "majoring"):
            raise UsageError(
                f"AUC: summation_method must be 'interpolation', 'minoring' or 'majoring'; received "
                f"{summation_method!r}."
            )
        count = check_integer("num_thresholds", num_thresholds, 2)
        inner = sorted(thresholds) if thresholds is not None else [i / (count - 1) for i in range(1, count - 1)]
        if not all(0 <= check_number("thresholds", value) <= 1 for value in inner):
            raise UsageError(f"AUC: thresholds must be 0 to 1; received {thresholds}.")
        self.thresholds = np.array([-EPSILON, *inner, 1 + EPSILON])
        self.curve, self.summation_method = curve, summation_method
        self.multi_label, self.from_logits = multi_label, from_logits
        self.label_weights = None if label_weights is None else np.array(label_weights, np.float64)

    def size(self, outputs: int) -> int:
        """Return the number of counts: positive and negative targets between thresholds."""
        return 2 * (len(self.thresholds) + 1) * (outputs if self.multi_label else 1)

    def sums(
        self, t: Array, p: Array, weights: Array | None = None, output_form: OutputForm = "probabilities"
    ) -> Array:
        """Return the counts of positive and of negative targets between thresholds."""
        t = _labels(t, p)
        if self.label_weights is not None and len(self.label_weights) != p.shape[-1]:
            raise UsageError(f"AUC: expected {p.shape[-1]} label_weights, received {len(self.label_weights)}.")
        if self.from_logits and output_form != "logits":
            p = (1 + np.tanh(p / 2)) / 2
        w = np.broadcast_to(_weights_like(weights, p), p.shape)
        if self.label_weights is not None and not self.multi_label:
            w = w * self.label_weights
        bins = np.searchsorted(self.thresholds, p, side="left")  # how many thresholds are below p
        columns = range(p.shape[-1]) if self.multi_label else [slice(None)]
        count = len(self.thresholds) + 1
        parts = [
            np.bincount(bins[..., column].ravel(), (w * sign)[..., column].ravel(), count)
            for sign in (t, ~t)
            for column in columns
        ]
        return np.concatenate(parts)

    def compute(self, sums: Array) -> Any:
        """Return the area."""
        counts = sums.reshape(2, -1, len(self.thresholds) + 1)
        # At a threshold, the samples in later intervals are positive.
        tp, fp = np.cumsum(counts[..., ::-1], axis=-1)[..., ::-1][..., 1:]
        positives, negatives = counts.sum(axis=-1, keepdims=True)
        areas = self._areas(tp, fp, positives, negatives).sum(axis=-1)
        if self.multi_label and self.label_weights is not None:
            return divide((areas * self.label_weights).sum(), self.label_weights.sum())
        return areas.mean()

    def _areas(self, tp: Array, fp: Array, positives: Array, negatives: Array) -> Array:
        """Return the areas between thresholds."""
        recall = divide(tp, positives)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return _interpolated_precision(tp, fp, positives)
        x, y = (recall, divide(tp, tp + fp)) if self.curve == "PR" else (divide(fp, negatives), recall)
        left, right = y[..., :-1], y[..., 1:]
        means = {"interpolation": (left + right) / 2, "minoring": np.minimum(left, right)}
        heights = means.get(self.summation_method, np.maximum(left, right))
        return np.asarray((x[..., :-1] - x[..., 1:]) * heights)


def _interpolated_precision(tp: Array, fp: Array, positives: Array) -> Array:
    """Return areas under the precision-recall curve, with true and all positives linear between thresholds.

    Source:
        Davis and Goadrich 2006, "The relationship between precision-recall and ROC curves", section 4.
    """
    p = tp + fp
    left, right = p[..., :-1], p[..., 1:]
    difference = tp[..., :-1] - tp[..., 1:]
    slope = divide(difference, left - right)
    intercept = tp[..., 1:] - slope * right
    ratio = np.where((left > 0) & (right > 0), divide(left, right), 1.0)
    return divide(slope * (difference + intercept * np.log(ratio)), positives)


def divide(numerator: Any, denominator: Any) -> Array:
    """Return the quotient, 0 where the denominator is 0."""
    numerator, denominator = np.broadcast_arrays(np.asarray(numerator, np.float64), np.asarray(denominator, np.float64))
    return np.asarray(np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator != 0))


def _labels(t: Array, p: Array) -> Array:
    """Return which targets are positive, like p; class numbers become rows."""
    return np.asarray(rows_of_classes(t, p) > 0)


def _weights_like(weights: Array | None, p: Array) -> Array:
    """Return the weights of the samples so that they broadcast to p."""
    return np.ones(1) if weights is None else weights.astype(np.float64).reshape(-1, *[1] * (p.ndim - 1))
