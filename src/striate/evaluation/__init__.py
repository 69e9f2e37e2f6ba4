"""Metrics with confidence intervals, confusion matrix, errors, learning curves, and the HTML report."""

from striate.evaluation.comparison import Comparison, PairedDifference, compare, holm_correction, mcnemar_test
from striate.evaluation.curves import LearningCurves, learning_curves
from striate.evaluation.evaluate import ClassificationError, Evaluation, evaluate, find_errors
from striate.evaluation.intervals import Estimate, design_effect, f1_interval, wilson_interval
from striate.evaluation.metrics import (
    Bin,
    ClassMetrics,
    ConfusedPair,
    confused_pairs,
    confusion_matrix,
    cross_entropy,
    row_percentages,
)

__all__ = [
    "Bin",
    "ClassMetrics",
    "ClassificationError",
    "Comparison",
    "ConfusedPair",
    "Estimate",
    "Evaluation",
    "LearningCurves",
    "PairedDifference",
    "compare",
    "confused_pairs",
    "confusion_matrix",
    "cross_entropy",
    "design_effect",
    "evaluate",
    "f1_interval",
    "find_errors",
    "holm_correction",
    "learning_curves",
    "mcnemar_test",
    "row_percentages",
    "wilson_interval",
]
