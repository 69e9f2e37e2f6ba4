"""One call that measures a classifier on a test set."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from striate._types import Array
from striate.errors import DataError
from striate.evaluation.confusion import Pair, confused_pairs, confusion_counts, percent_of_true
from striate.evaluation.metrics import (
    Bin,
    ClassFigures,
    Estimate,
    calibration_error,
    class_figures,
    cross_entropy,
    macro_figures,
    reliability,
    wilson,
)
from striate.evaluation.mistakes import Mistake, find_mistakes


@dataclass(frozen=True)
class Evaluation:
    """What a test set says about a classifier.

    counts: (classes, classes) int64, row = true class. pairs: the confused ones, most frequent first.
    macro: precision, recall, f1 averaged over the classes with test images.
    mistakes: all of them, the surest first. calibration_error: expected calibration error, 0..1.
    """

    classes: tuple[str, ...]
    images: int
    right: int
    accuracy: Estimate
    loss: Estimate
    macro: dict[str, Estimate]
    per_class: tuple[ClassFigures, ...]
    counts: Array
    pairs: tuple[Pair, ...]
    mistakes: tuple[Mistake, ...]
    bins: tuple[Bin, ...]
    calibration_error: float

    def to_dict(self) -> dict[str, Any]:
        """The content of `metrics.json`: plain numbers, strings, lists and None, never NaN.

        `images`, `right`, `calibration_error`: numbers.
        `accuracy`, `loss`, `macro.precision`, `.recall`, `.f1`: `{"value", "low", "high"}`, the ends of the 95 %
        interval, None where the test set cannot tell.
        `classes`: one entry a class: `name`, `support` (its test images), `predicted` (images taken for it),
        `precision`, `recall`, `f1`.
        `confusion.counts`, `confusion.percent`: [true][taken for], in the order of `classes`, percent of the true
        class.
        `confusion.pairs`: the confused pairs, most frequent first: `true`, `predicted`, `count`, `percent`.
        `mistakes`: the surest first: `index`, `path`, `true`, `predicted`, `confidence`, `true_probability`.
        `reliability`: `low`, `high`, `count`, `confidence`, `accuracy` of every bin of top probability.
        """
        return {
            "images": self.images,
            "right": self.right,
            "accuracy": self.accuracy.to_dict(),
            "loss": self.loss.to_dict(),
            "macro": {name: estimate.to_dict() for name, estimate in self.macro.items()},
            "calibration_error": self.calibration_error,
            "classes": [asdict(figures) for figures in self.per_class],
            "confusion": {
                "counts": self.counts.tolist(),
                "percent": percent_of_true(self.counts).round(4).tolist(),
                "pairs": [vars(pair) for pair in self.pairs],
            },
            "mistakes": [vars(mistake) for mistake in self.mistakes],
            "reliability": [asdict(b) for b in self.bins],
        }


def evaluate(
    probabilities: Array, labels: Array, classes: Sequence[str], names: Sequence[str] | None = None
) -> Evaluation:
    """Measure predictions against the truth.

    probabilities: (N, classes) floats in 0..1; labels: (N,) class numbers; classes: their names; names: N file names.
    Raises DataError for shapes, labels or probabilities that do not fit.
    """
    labels = np.asarray(labels)
    _check(probabilities, labels, classes, names)
    labels = labels.astype(np.int64)
    counts = confusion_counts(labels, probabilities.argmax(axis=1), len(classes))
    right = int(np.trace(counts))
    bins = reliability(probabilities, labels)
    return Evaluation(
        classes=tuple(classes),
        images=len(labels),
        right=right,
        accuracy=wilson(right, len(labels)),
        loss=cross_entropy(probabilities, labels),
        macro=macro_figures(counts),
        per_class=class_figures(counts, tuple(classes)),
        counts=counts,
        pairs=confused_pairs(counts, tuple(classes)),
        mistakes=find_mistakes(probabilities, labels, classes, names),
        bins=bins,
        calibration_error=calibration_error(bins),
    )


def _check(probabilities: Array, labels: Array, classes: Sequence[str], names: Sequence[str] | None) -> None:
    if len(labels) == 0:
        raise DataError("There is no test image to evaluate on. Give the test split at least one.")
    expected = (len(labels), len(classes))
    if labels.ndim != 1 or probabilities.shape != expected:
        raise DataError(
            f"Evaluation expected probabilities of shape {expected} for {len(labels)} labels and {len(classes)} "
            f"classes, but got {probabilities.shape} with labels of shape {labels.shape}."
        )
    if labels.min() < 0 or labels.max() >= len(classes):
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise DataError(
            f"Evaluation got label {wrong}, but with {len(classes)} classes labels go from 0 to {len(classes) - 1}."
        )
    if not (probabilities.min() >= 0 and probabilities.max() <= 1 + 1e-3):  # false for NaN too
        raise DataError(
            "Evaluation expected probabilities between 0 and 1, but got numbers outside, or not numbers at all. "
            "Does the network end in a softmax?"
        )
    if names is not None and len(names) != len(labels):
        raise DataError(f"Evaluation got {len(names)} file names for {len(labels)} images; give one for each.")
