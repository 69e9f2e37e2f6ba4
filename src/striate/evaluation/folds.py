"""Figures of each fold of a cross-validation, and thresholds for a fold that were chosen on the other folds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from striate._types import Array
from striate.tasks import Decision, Task
from striate.transfer.task_heads import choose_decision

MAX_FOLDS = 20  # whose figures are listed; leave-one-out has one image per fold

Figures = Mapping[str, float | None]


@dataclass(frozen=True)
class FoldFigures:
    """The figures of one fold, whose images one model was not trained on.

    Attributes:
        fold: Its number, from 1.
        n_images: Number of images.
        name: Which number the figures are of, if the model predicts several numbers.
        figures: Values by name; None where they are not defined.
    """

    fold: int
    n_images: int
    name: str
    figures: Figures

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as values for JSON, with the number of images as "images"."""
        return {"fold": self.fold, "images": self.n_images, "name": self.name, "figures": dict(self.figures)}


def figures_by_fold(fold: Array | None, measure: Callable[[Array], Mapping[str, Figures]]) -> tuple[FoldFigures, ...]:
    """Compute figures for each fold.

    Args:
        fold: Number of the fold of each image (N,); None if there was no cross-validation, or none is recorded.
        measure: Takes the row numbers of the images of a fold, and returns their figures; for several numbers, those
            of each by its name.

    Returns:
        One entry for each fold, in order; none if there are more than 20.
    """
    if fold is None or len(numbers := np.unique(fold)) > MAX_FOLDS:
        return ()
    parts = [np.flatnonzero(fold == number) for number in numbers]
    return tuple(
        FoldFigures(number, len(rows), name, figures)
        for number, rows in enumerate(parts, 1)
        for name, figures in measure(rows).items()
    )


def thresholds_by_image(probabilities: Array, y: Array, fold: Array) -> Array:
    """Choose the threshold of each label for the images of each fold, on the images of the other folds.

    The thresholds of the final model are chosen on all images, so figures with them on the same images are too good.

    Args:
        probabilities: (N, K), of each image by a model that was trained without it.
        y: 0 and 1 (N, K).
        fold: Number of the fold of each image (N,).

    Returns:
        Float64 (N, K).
    """
    found = np.empty(y.shape)
    for own, decision in _decisions(Task.MULTILABEL, probabilities, y, fold):
        found[own] = decision.thresholds_for(y.shape[1])
    return found


def half_widths_by_image(predicted: Array, y: Array, fold: Array) -> Array:
    """Choose half the width of the prediction intervals for the images of each fold, on those of the other folds.

    Args:
        predicted: (N, T), each by a model that was trained without the image.
        y: The true numbers (N, T).
        fold: Number of the fold of each image (N,).

    Returns:
        Float64 (N, T).
    """
    found = np.empty(y.shape)
    for own, decision in _decisions(Task.REGRESSION, predicted, y, fold):
        found[own] = decision.half_widths
    return found


def _decisions(task: Task, outputs: Array, y: Array, fold: Array) -> Iterator[tuple[Array, Decision]]:
    """Yield the mask (N,) of the images of each fold, with the decision that the other images choose."""
    for number in np.unique(fold):
        own = fold == number
        yield own, choose_decision(task, outputs[~own], y[~own])
