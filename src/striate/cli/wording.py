"""Sentences that several commands print."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from striate.evaluation import Estimate, Evaluation


def accuracy_line(evaluation: "Evaluation") -> str:
    """For example: test accuracy 98.91 % (95 % interval 98.69 … 99.10), 109 mistakes in 10,000 images."""
    wrong = evaluation.images - evaluation.right
    mistakes = "1 mistake" if wrong == 1 else f"{wrong:,} mistakes"
    return f"test accuracy {percent(evaluation.accuracy)}, {mistakes} in {evaluation.images:,} images"


def percent(estimate: "Estimate") -> str:
    """For example: 98.91 % (95 % interval 98.69 … 99.10)."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "–"
    low, high = 100 * estimate.low, 100 * estimate.high
    return f"{100 * estimate.value:.2f} % (95 % interval {low:.2f} … {high:.2f})"
