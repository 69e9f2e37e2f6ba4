"""Metrics with confidence intervals, confusion matrix, errors, learning curves, and the HTML report."""

from striate.evaluation.comparison import Comparison, PairedDifference, compare, holm, mcnemar
from striate.evaluation.curves import LearningCurves, learning_curves
from striate.evaluation.evaluate import ClassificationError, Evaluation, evaluate, find_errors
from striate.evaluation.intervals import Estimate, design_effect, f1_score, wilson
from striate.evaluation.metrics import (
    Bin,
    ClassMetrics,
    Pair,
    confused_pairs,
    confusion_counts,
    cross_entropy,
    percent_of_true,
)

__all__ = [
    "Bin",
    "ClassMetrics",
    "ClassificationError",
    "Comparison",
    "Estimate",
    "Evaluation",
    "LearningCurves",
    "Pair",
    "PairedDifference",
    "compare",
    "confused_pairs",
    "confusion_counts",
    "cross_entropy",
    "design_effect",
    "evaluate",
    "f1_score",
    "find_errors",
    "holm",
    "learning_curves",
    "mcnemar",
    "percent_of_true",
    "wilson",
]
