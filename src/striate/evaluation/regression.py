"""Compute all metrics of a regression model in one call."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import numpy as np

from striate._types import Array
from striate.errors import DataError
from striate.evaluation.bootstrap import StudentizedStatistic, estimates, number_groups, studentized_bootstrap
from striate.evaluation.checks import check_shapes
from striate.evaluation.display import regression_html
from striate.evaluation.folds import Figures, FoldFigures, figures_by_fold, half_widths_by_image
from striate.evaluation.intervals import (
    CROSS_VALIDATION,
    UNCERTAIN_ERROR,
    UNKNOWN,
    Estimate,
    design_effect,
    wilson_interval,
)
from striate.tasks import COVERAGE
from striate.text import counted

LOG_FIGURES_WORK = 10  # passes over the images for one resample of `_log_figures`


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
    groups: Array | None = None,
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
        groups: Integers (N,), the same for images that belong together; the intervals are then those of groups.

    Returns:
        All metrics.

    Raises:
        DataError: If shapes or values are invalid, or there are no images.
    """
    check_shapes(predicted, y, classes, names)
    if not np.isfinite(predicted).all():
        raise DataError("The outputs of the model contain NaN or infinity. Train it with a smaller learning rate.")
    p, t = predicted.astype(np.float64), y.astype(np.float64)
    residuals, effect = p - t, CROSS_VALIDATION if folds else 1.0
    inside = None
    if len(half_widths):
        applied = np.array(half_widths) if fold is None else half_widths_by_image(predicted, y, fold)
        inside = np.abs(residuals) <= applied
    baseline = np.abs(t - np.median(t, axis=0)).mean(axis=0)
    targets = []
    for k, name in enumerate(classes):
        mae, rmse, r2 = _estimates(residuals[:, k], t[:, k], groups, effect)
        covered = UNKNOWN if inside is None else _covered(inside[:, k], groups, effect)
        half_width = None if inside is None else float(half_widths[k])
        targets.append(TargetMetrics(name, mae, rmse, r2, float(baseline[k]), half_width, covered))
    by_fold = figures_by_fold(fold, lambda rows: _figures(residuals[rows], t[rows], classes))
    errors = _errors(p, t, classes, names)
    return RegressionEvaluation(tuple(classes), len(p), coverage, tuple(targets), t, p, errors, folds, by_fold)


def _estimates(residuals: Array, t: Array, groups: Array | None, effect: float) -> list[Estimate]:
    """Return MAE, RMSE and R² of one target with their intervals, from its errors and true values, both (N,)."""
    value = _values(residuals[:, None], t[:, None])[:, 0]
    units, unit = number_groups(len(t), groups)
    statistic = _log_figures(residuals, t - t.mean(), units, unit)
    _, low, high = np.exp(studentized_bootstrap(statistic, units, LOG_FIGURES_WORK, effect))
    low[2], high[2] = (1 - high[2], 1 - low[2]) if isfinite(value[2]) else (np.nan, np.nan)
    return estimates(value, low, high)


def _log_figures(residuals: Array, deviations: Array, units: int, unit: Array) -> StudentizedStatistic:
    """Return a function of the weights of groups: the logarithms of MAE, RMSE and 1 − R², with their standard errors.

    The figures depend on sums over the groups. With the gradient c of a figure's logarithm with respect to these sums,
    its variance is Σ weight · (c · sums of the group)².

    Args:
        residuals: Errors (N,).
        deviations: Of the true values from their mean (N,).
        units: The number of groups G.
        unit: Number of each image's group (N,).

    Returns:
        The function; it takes weights (B, G) and returns values and standard errors, both (B, 3).
    """
    columns = (np.abs(residuals), residuals**2, deviations**2, deviations, np.ones(len(residuals)))
    sums = np.stack([np.bincount(unit, column, units) for column in columns], axis=1)  # (G, 5)
    products = (sums[:, :, None] * sums[:, None, :]).reshape(units, -1)  # (G, 25)

    def statistic(weights: Array) -> tuple[Array, Array]:
        absolute, squares, spread, shift, n = (weights @ sums).T
        zero, mean = np.zeros_like(n), shift / n
        with np.errstate(divide="ignore", invalid="ignore"):
            variance = spread / n - mean**2
            values = np.log([absolute / n, np.sqrt(squares / n), squares / n / variance])
            gradients = np.array([
                [1 / absolute, zero, zero, zero, -1 / n],
                [zero, 0.5 / squares, zero, zero, -0.5 / n],
                [zero, 1 / squares, -1 / (n * variance), 2 * mean / (n * variance),
                 ((spread / n - 2 * mean**2) / variance - 1) / n],
            ])  # fmt: skip
            moments = (weights @ products).T.reshape(len(sums[0]), -1, len(n))
            squared_errors = np.einsum("kib,ijb,kjb->bk", gradients, moments, gradients)
            return values.T, np.sqrt(np.maximum(squared_errors, 0))

    return statistic


def _covered(inside: Array, groups: Array | None, effect: float) -> Estimate:
    """Return the share of images whose true value lies in the prediction interval, from bool (N,)."""
    return wilson_interval(int(inside.sum()), len(inside), effect * design_effect(inside, groups))


def _values(residuals: Array, t: Array) -> Array:
    """Return MAE, RMSE and R² (3, T) from errors and true values (N, T); R² is NaN if the true values are equal."""
    squares, spread = np.square(residuals).mean(axis=0), t.var(axis=0)
    smallest = 1e-12 * np.square(t).max(axis=0)  # below it, the spread is a rounding error
    r2 = 1 - np.divide(squares, spread, out=np.full_like(squares, np.nan), where=spread > smallest / len(t))
    return np.stack([np.abs(residuals).mean(axis=0), np.sqrt(squares), r2])


def _figures(residuals: Array, t: Array, classes: Sequence[str]) -> dict[str, Figures]:
    """Return the figures of the images of one fold, by the name of the target."""
    found = _values(residuals, t).T.tolist()
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
