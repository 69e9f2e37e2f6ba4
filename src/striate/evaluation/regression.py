"""Compute all metrics of a regression model in one call."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import numpy as np

from striate._types import Array
from striate.errors import DataError
from striate.evaluation.bootstrap import Statistic, bootstrap, estimates
from striate.evaluation.checks import check_shapes
from striate.evaluation.display import regression_html
from striate.evaluation.folds import Figures, FoldFigures, figures_by_fold, half_widths_by_image
from striate.evaluation.intervals import CROSS_VALIDATION, UNCERTAIN_ERROR, UNKNOWN, Estimate, wilson_interval
from striate.tasks import COVERAGE
from striate.text import counted


@dataclass(frozen=True)
class TargetMetrics:
    """The metrics of one target.

    Attributes:
        name: What it is.
        mae: Mean absolute error.
        rmse: Root mean squared error.
        r2: 1 − (squared errors) / (squared deviations from the mean of the test images): 1 is perfect, 0 no better
            than always predicting that mean.
        baseline_mae: Mean absolute error of always predicting the median of the test images.
        half_width: Half the width of the prediction interval; None if there is none.
        covered: Share of test images whose true value lies in the prediction interval.
    """

    name: str
    mae: Estimate
    rmse: Estimate
    r2: Estimate
    baseline_mae: float
    half_width: float | None
    covered: Estimate


@dataclass(frozen=True)
class NumberError:
    """The error on one test image.

    Attributes:
        index: Its index in the test set.
        path: Its file, if there is one.
        name: Name of the target.
        true: The true value.
        predicted: The predicted value.
    """

    index: int
    path: str | None
    name: str
    true: float
    predicted: float


@dataclass(frozen=True)
class RegressionEvaluation:
    """The metrics of a regression model on a test set.

    Attributes:
        classes: Names of the targets.
        n_images: Number of test images.
        coverage: The share of images that the prediction intervals are meant to cover, 0 … 1.
        targets: Metrics of each target.
        true: (N, T).
        predicted: (N, T).
        errors: All images and targets, the largest error first, relative to the spread of the target.
        folds: Number of folds if the figures come from cross-validation; 0 if they come from test images.
        by_fold: Metrics of each target in each fold, if known: "mae", "rmse" and "r2".
    """

    classes: tuple[str, ...]
    n_images: int
    coverage: float
    targets: tuple[TargetMetrics, ...]
    true: Array
    predicted: Array
    errors: tuple[NumberError, ...]
    folds: int = 0
    by_fold: tuple[FoldFigures, ...] = ()

    def __repr__(self) -> str:
        errors = ", ".join(f"{each.name} {each.mae.value or 0:.4g}" for each in self.targets[:10])
        return f"<RegressionEvaluation: {counted(self.n_images, 'image')}, mean absolute error {errors}>"

    def _repr_html_(self) -> str:
        return regression_html(self)

    @property
    def is_uncertain(self) -> bool:
        """Whether so few test images say little of the first target, and cross-validation would say more."""
        error = self.targets[0].mae
        return not self.folds and error.width > UNCERTAIN_ERROR * (error.value or 0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of `metrics.json`: numbers, strings, lists and None, never NaN.

        Returns:
            `images`, `coverage`, `folds`: numbers; `targets`: for each target the fields of `TargetMetrics`, of which
            `mae`, `rmse`, `r2` and `covered` have a `value` and the 95 % confidence interval from `low` to `high`;
            `errors`: for each image the fields of `NumberError`, the largest error first; `by_fold`: for each fold and
            target those of `FoldFigures.to_dict`.
        """
        return {
            "task": "regression",
            "images": self.n_images,
            "coverage": self.coverage,
            "targets": [asdict(metrics) for metrics in self.targets],
            "errors": [asdict(error) for error in self.errors],
            "folds": self.folds,
            "by_fold": [fold.to_dict() for fold in self.by_fold],
        }


def evaluate_regression(
    predicted: Array,
    y: Array,
    classes: Sequence[str],
    half_widths: Sequence[float] = (),
    names: Sequence[str] | None = None,
    coverage: float = COVERAGE,
    *,
    folds: int = 0,
    fold: Array | None = None,
) -> RegressionEvaluation:
    """Compare predicted with true values.

    Args:
        predicted: (N, T).
        y: The true values (N, T).
        classes: Names of the T targets.
        half_widths: Half the width of each prediction interval; empty if there are none.
        names: File names of the images, if there are any.
        coverage: The share of images that the intervals are meant to cover.
        folds: Number of folds if the predictions come from cross-validation.
        fold: Number of the fold of each image (N,), if known; the share of images in the intervals is then that in
            intervals that were chosen on the other folds.

    Returns:
        All metrics.

    Raises:
        DataError: If shapes or values are invalid, or there are no images.
    """
    check_shapes(predicted, y, classes, names)
    if not np.isfinite(predicted).all():
        raise DataError("The outputs of the model contain NaN or infinity. Train it with a smaller learning rate.")
    p, t = predicted.astype(np.float64), y.astype(np.float64)
    residuals, count, effect = p - t, len(classes), CROSS_VALIDATION if folds else 1.0
    found = estimates(*bootstrap(_statistics(residuals, t), len(p), 3 * count, effect))
    inside = None
    if len(half_widths):
        applied = np.array(half_widths) if fold is None else half_widths_by_image(predicted, y, fold)
        inside = np.abs(residuals) <= applied
    baseline = np.abs(t - np.median(t, axis=0)).mean(axis=0)
    targets = tuple(
        TargetMetrics(
            name=name,
            mae=found[k],
            rmse=found[count + k],
            r2=found[2 * count + k],
            baseline_mae=float(baseline[k]),
            half_width=float(half_widths[k]) if inside is not None else None,
            covered=UNKNOWN if inside is None else wilson_interval(int(inside[:, k].sum()), len(p), effect),
        )
        for k, name in enumerate(classes)
    )
    by_fold = figures_by_fold(fold, lambda rows: _figures(residuals[rows], t[rows], classes))
    errors = _errors(p, t, classes, names)
    return RegressionEvaluation(tuple(classes), len(p), coverage, targets, t, p, errors, folds, by_fold)


def _statistics(residuals: Array, t: Array) -> Statistic:
    """Return a function of weights (B, N): MAE, RMSE and R² of each target."""
    centered = t - t.mean(axis=0)
    smallest = 1e-12 * np.square(t).max(axis=0)  # deviations below it are rounding errors

    def statistics(weights: Array) -> Array:
        total = weights.sum(axis=1, keepdims=True)
        squared = weights @ residuals**2
        deviations = weights @ centered**2 - (weights @ centered) ** 2 / total
        defined = deviations > smallest
        r2 = 1 - np.divide(squared, deviations, out=np.full_like(squared, np.nan), where=defined)
        return np.concatenate([weights @ np.abs(residuals) / total, np.sqrt(squared / total), r2], axis=1)

    return statistics


def _figures(residuals: Array, t: Array, classes: Sequence[str]) -> dict[str, Figures]:
    """Return the figures of the images of one fold, by the name of the target."""
    found = _statistics(residuals, t)(np.ones((1, len(t)))).reshape(3, -1).T.tolist()
    names = classes if len(classes) > 1 else ("",)
    return {
        name: {key: value if isfinite(value) else None for key, value in zip(("mae", "rmse", "r2"), row, strict=True)}
        for name, row in zip(names, found, strict=True)
    }


def _errors(p: Array, t: Array, classes: Sequence[str], names: Sequence[str] | None) -> tuple[NumberError, ...]:
    spread = np.maximum(t.std(axis=0), 1e-12)
    size = np.abs(p - t) / spread
    order = np.argsort(-size, axis=None, kind="stable")
    rows, columns = np.unravel_index(order, p.shape)
    return tuple(
        NumberError(row, None if names is None else names[row], classes[k], float(t[row, k]), float(p[row, k]))
        for row, k in zip(rows.tolist(), columns.tolist(), strict=True)
    )
