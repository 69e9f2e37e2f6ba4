"""Metrics with confidence intervals, confusion matrix, errors, learning curves, and the HTML report."""

from striate.evaluation.curves import LearningCurves, learning_curves
from striate.evaluation.evaluate import Evaluation, Mistake, evaluate, find_mistakes
from striate.evaluation.metrics import (
    Bin,
    ClassMetrics,
    Estimate,
    Pair,
    confused_pairs,
    confusion_counts,
    cross_entropy,
    f1_score,
    percent_of_true,
    wilson,
)

__all__ = [
    "Bin",
    "ClassMetrics",
    "Estimate",
    "Evaluation",
    "LearningCurves",
    "Mistake",
    "Pair",
    "confused_pairs",
    "confusion_counts",
    "cross_entropy",
    "evaluate",
    "f1_score",
    "find_mistakes",
    "learning_curves",
    "percent_of_true",
    "wilson",
]
