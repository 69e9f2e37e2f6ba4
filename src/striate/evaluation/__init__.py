"""Metrics with confidence intervals, confusion matrix, errors, learning curves, and the HTML report."""

from striate.evaluation.confusion import Pair, confused_pairs, confusion_counts, percent_of_true
from striate.evaluation.curves import LearningCurves, learning_curves
from striate.evaluation.evaluate import Evaluation, evaluate
from striate.evaluation.metrics import Bin, ClassMetrics, Estimate, cross_entropy, f1_score, wilson
from striate.evaluation.mistakes import Mistake, find_mistakes

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
