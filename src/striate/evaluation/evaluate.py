"""All metrics of a classifier on a test set, in one call."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from striate._types import Array
from striate.errors import DataError
from striate.evaluation.checks import check_probabilities, check_shapes
from striate.evaluation.display import describe_evaluation, evaluation_html
from striate.evaluation.folds import FoldFigures, figures_by_fold
from striate.evaluation.intervals import (
    CROSS_VALIDATION,
    UNCERTAIN_SHARE,
    Estimate,
    design_effect,
    macro_metrics,
    wilson_interval,
)
from striate.evaluation.metrics import (
    Bin,
    ClassMetrics,
    ConfusedPair,
    calibration_error,
    class_metrics,
    confused_pairs,
    confusion_matrix,
    cross_entropy,
    reliability,
    row_percentages,
)
from striate.evaluation.ranking import Ranking, rank, top_k

WIDE_INTERVAL = 0.1  # width of the interval of the accuracy from which there are too few test images
IMBALANCE = 1.5  # times as many images in the largest class as in the smallest


@dataclass(frozen=True)
class ClassificationError:
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


@dataclass(frozen=True)
class Evaluation:
    """The metrics of a classifier on a test set.

    Attributes:
        classes: Class names.
        n_images: Number of test images.
        correct: Number of correct predictions.
        accuracy: Share of correct predictions.
        loss: Mean cross-entropy.
        macro: "precision", "recall" and "f1", averaged over the classes with test images.
        per_class: Metrics of each class.
        confusion_matrix: Confusion matrix int64 (classes, classes); row: true class, column: predicted class.
        pairs: Pairs of confused classes, the most frequent first.
        errors: All misclassified images, the most confident errors first.
        bins: Images grouped by predicted probability.
        calibration_error: Expected calibration error, 0 … 1.
        folds: Number of folds if the figures come from cross-validation; 0 if they come from test images.
        by_fold: Figures of each fold, if known: "accuracy" and "loss".
        rankings: ROC and precision–recall curves of each class.
        top_k: With many classes, the share of images whose class is among the k most probable, by k.
        without_leaks: The metrics on those test images of which no near-copy was trained on; None if these are all.
        x: The test images (N, H, W, C), of which a notebook shows those that were misclassified; None if unknown.
    """

    classes: tuple[str, ...]
    n_images: int
    correct: int
    accuracy: Estimate
    loss: Estimate
    macro: dict[str, Estimate]
    per_class: tuple[ClassMetrics, ...]
    confusion_matrix: Array
    pairs: tuple[ConfusedPair, ...]
    errors: tuple[ClassificationError, ...]
    bins: tuple[Bin, ...]
    calibration_error: float
    folds: int = 0
    by_fold: tuple[FoldFigures, ...] = ()
    rankings: tuple[Ranking, ...] = ()
    top_k: Mapping[int, Estimate] = field(default_factory=dict)
    without_leaks: "Evaluation | None" = None
    x: Any = field(default=None, compare=False)

    def __repr__(self) -> str:
        return f"<Evaluation: {describe_evaluation(self)}>"

    def _repr_html_(self) -> str:
        return evaluation_html(self)

    @property
    def interval_first(self) -> bool:
        """Whether the interval is shown before the accuracy, because there are few images."""
        limit = WIDE_INTERVAL / 2 if self.correct == self.n_images else WIDE_INTERVAL
        return self.accuracy.width > limit

    @property
    def is_uncertain(self) -> bool:
        """Whether so few test images, or groups of them, say little, and cross-validation would say more."""
        return not self.folds and self.accuracy.width > UNCERTAIN_SHARE

    @property
    def imbalanced(self) -> bool:
        """Whether the accuracy mainly depends on the large classes, because the class sizes differ strongly."""
        sizes = [metrics.support for metrics in self.per_class if metrics.support]
        return max(sizes) > IMBALANCE * min(sizes)

    @property
    def worst_class(self) -> ClassMetrics:
        """The class with the lowest recall, among those that have images."""
        return min((c for c in self.per_class if c.support), key=lambda c: (c.recall.value or 0.0, -c.support))

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `metrics.json`: numbers, strings, lists and None, never NaN.

        Returns:
            `images`, `correct`, `calibration_error`, `folds`: numbers.
            `accuracy`, `loss`, `macro.precision`, `macro.recall`, `macro.f1`: `value`, and the 95 % confidence interval
            from `low` to `high`; None where the test set does not determine them.
            `without_leaks`: `images` and `accuracy` on the test images of which no near-copy was trained on; None if
            these are all.
            `by_fold`: for each fold its number `fold`, `images`, and `figures`: `accuracy`, `loss`.
            `classes`: for each class `name`, `support` (its test images), `predicted` (images predicted as it),
            `precision`, `recall`, `f1`.
            `confusion.counts`, `confusion.percent`: [true][predicted], in the order of `classes`.
            `confusion.pairs`: confused classes, most frequent first: `true`, `predicted`, `count`, `percent`.
            `rankings`: for each class `name`, `auc` of the ROC curve, `average_precision`, and the thresholds
            `for_recall` and `for_precision` of 95 %: `threshold`, `precision`, `recall`; None where there is none.
            `top_k`: with more than ten classes, the share of images whose class is among the 3 and 5 most probable.
            `errors`: most confident first: `index`, `path`, `true`, `predicted`, `confidence`, `true_probability`.
            `reliability`: for each bin of predicted probability `low`, `high`, `count`, `confidence`, `accuracy`.
        """
        return {
            "images": self.n_images,
            "correct": self.correct,
            "accuracy": self.accuracy.to_dict(),
            "loss": self.loss.to_dict(),
            "macro": {name: estimate.to_dict() for name, estimate in self.macro.items()},
            "calibration_error": self.calibration_error,
            "folds": self.folds,
            "by_fold": [fold.to_dict() for fold in self.by_fold],
            "rankings": [ranking.to_dict() for ranking in self.rankings],
            "top_k": {str(k): estimate.to_dict() for k, estimate in self.top_k.items()},
            "without_leaks": self.without_leaks
            and {"images": self.without_leaks.n_images, "accuracy": self.without_leaks.accuracy.to_dict()},
            "classes": [asdict(metrics) for metrics in self.per_class],
            "confusion": {
                "counts": self.confusion_matrix.tolist(),
                "percent": row_percentages(self.confusion_matrix).round(4).tolist(),
                "pairs": [vars(pair) for pair in self.pairs],
            },
            "errors": [vars(error) for error in self.errors],
            "reliability": [asdict(b) for b in self.bins],
        }


def evaluate(
    probabilities: Array,
    labels: Array,
    classes: Sequence[str],
    names: Sequence[str] | None = None,
    groups: Array | None = None,
    *,
    folds: int = 0,
    fold: Array | None = None,
    x: Any = None,
) -> Evaluation:
    """Compare predictions with the true classes.

    Args:
        probabilities: Predicted probabilities (N, classes), 0 … 1.
        labels: True class numbers (N,).
        classes: Class names.
        names: File names of the images, if there are any.
        groups: Number of each image's group (N,), such as one person or video; the intervals are then those of groups,
            not of independent images.
        folds: Number of folds if the probabilities come from cross-validation.
        fold: Number of the fold of each image (N,), if known.
        x: The images (N, H, W, C), of which a notebook shows those that are misclassified.

    Returns:
        All metrics.

    Raises:
        DataError: If shapes, labels or probabilities are invalid, or there are no images.
    """
    labels = np.asarray(labels)
    check_shapes(probabilities, labels, classes, names)
    if labels.min() < 0 or labels.max() >= len(classes):
        invalid = labels.min() if labels.min() < 0 else labels.max()
        raise DataError(
            f"Evaluation received label {invalid}, but labels of {len(classes)} classes are 0 to {len(classes) - 1}."
        )
    check_probabilities(probabilities)
    labels = labels.astype(np.int64)
    matrix = confusion_matrix(labels, probabilities.argmax(axis=1), len(classes))
    correct = int(np.trace(matrix))
    effect = design_effect(probabilities.argmax(axis=1) == labels, groups) * (CROSS_VALIDATION if folds else 1)
    bins = reliability(probabilities, labels)

    def figures(rows: Array) -> dict[str, dict[str, float | None]]:
        p, y = probabilities[rows], labels[rows]
        return {"": {"accuracy": float((p.argmax(axis=1) == y).mean()), "loss": cross_entropy(p, y).value}}

    return Evaluation(
        classes=tuple(classes),
        n_images=len(labels),
        correct=correct,
        accuracy=wilson_interval(correct, len(labels), effect),
        loss=cross_entropy(probabilities, labels),
        macro=macro_metrics(matrix, effect),
        per_class=class_metrics(matrix, tuple(classes), effect),
        confusion_matrix=matrix,
        pairs=confused_pairs(matrix, tuple(classes)),
        errors=find_errors(probabilities, labels, classes, names),
        bins=bins,
        calibration_error=calibration_error(bins),
        folds=folds,
        by_fold=figures_by_fold(fold, figures),
        rankings=rank(probabilities, labels, classes, effect),
        top_k=top_k(probabilities, labels, effect),
        x=x,
    )


def find_errors(
    probabilities: Array, labels: Array, classes: Sequence[str], names: Sequence[str] | None = None
) -> tuple[ClassificationError, ...]:
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
        ClassificationError(
            i, names[i] if names is not None else None, classes[true], classes[predicted], confidence, probability
        )
        for i, true, predicted, confidence, probability in zip(*(column.tolist() for column in columns), strict=True)
    )
