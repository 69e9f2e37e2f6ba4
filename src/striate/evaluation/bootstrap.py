"""Bootstrap intervals of statistics for which no formula is known."""

from collections.abc import Callable, Iterator
from math import sqrt

import numpy as np

from striate._types import Array
from striate.evaluation.intervals import Estimate, Z
from striate.transfer.open_set_fitting import student_quantile

RESAMPLES = (200, 1000)  # the fewest and the most
MAX_WORK = 2e8  # images × resamples, above which there are fewer
MAX_BIAS = 0.01  # share of the resamples on one side of the value that is corrected for at most
MAX_T = 10.0  # larger deviations, in standard errors, are those of resamples with hardly any different images
CHUNK = 4_000_000  # weights held in memory at once

Statistic = Callable[[Array], Array]
StudentizedStatistic = Callable[[Array], tuple[Array, Array]]


def bootstrap(
    statistic: Statistic, images: int, columns: int = 1, design_effect: float = 1.0, groups: Array | None = None
) -> tuple[Array, Array, Array]:
    """Compute statistics of a test set, and the ends of their 95 % intervals.

    The ends are quantiles of the resampled statistics, corrected for their bias and expanded for few images.

    Args:
        statistic: Takes weights (B, N) of the images and returns the values of the statistics (B, C); NaN where they
            are not defined.
        images: The number of images N.
        columns: How much work a resample is, in passes over the images.
        design_effect: See `striate.evaluation.design_effect`; each resample has so many times fewer images.
        groups: Integers (N,), the same for images that belong together, which are drawn together; None: none do.

    Returns:
        Value, low and high, each (C,). Low and high are NaN for fewer than two images or groups.

    Source:
        Efron and Tibshirani 1993, "An introduction to the bootstrap", chapters 13, 14 (percentiles, bias); Hesterberg
        2015, "What teachers should know about the bootstrap", section 4.3 (expanded percentiles).
    """
    value = statistic(np.ones((1, images)))[0]
    units, unit = number_groups(images, groups)
    low, high = np.full_like(value, np.nan), np.full_like(value, np.nan)
    if units < 2:
        return value, low, high
    drawn = max(2, round(units / design_effect))
    count = _resample_count(images, columns)
    values = np.concatenate([statistic(weights[:, unit]) for weights in _resamples(count, units, drawn)])
    for column in np.flatnonzero(np.isfinite(values).any(axis=0)):
        found = values[np.isfinite(values[:, column]), column]
        low[column], high[column] = np.quantile(found, _levels(found, value[column], drawn))
    return value, np.fmin(low, value), np.fmax(high, value)


def studentized_bootstrap(
    statistic: StudentizedStatistic, units: int, columns: int = 1, design_effect: float = 1.0
) -> tuple[Array, Array, Array]:
    """Compute statistics with known standard errors, and the ends of their 95 % intervals.

    The deviation of each resample from the value is measured in the standard errors of this resample. If large values
    are rare, as errors with heavy tails are, resamples without them have a low value and a small standard error, so
    that the upper end is farther from the value than percentiles are.

    Args:
        statistic: Takes weights (B, N) of the images or groups and returns values and standard errors, both (B, C), on
            a scale on which the standard error hardly depends on the value.
        units: The number of images, or of groups of images, N.
        columns: See `bootstrap`.
        design_effect: See `bootstrap`.

    Returns:
        Value, low and high, each (C,). Low and high are NaN for fewer than two units, or if values are not finite.

    Source:
        Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter 12.
    """
    (value,), (error,) = statistic(np.ones((1, units)))
    if units < 2:
        return value, np.full_like(value, np.nan), np.full_like(value, np.nan)
    drawn = max(2, round(units / design_effect))
    deviations = []
    for weights in _resamples(_resample_count(units, columns), units, drawn):
        values, errors = statistic(weights)
        with np.errstate(divide="ignore", invalid="ignore"):
            deviations.append(np.clip((values - value) / errors, -MAX_T, MAX_T))
    t = np.sort(np.nan_to_num(np.concatenate(deviations)), axis=0)
    smallest, largest = np.quantile(t, (0.025, 0.975), axis=0)
    error = error * sqrt(units / drawn)
    return value, value - largest * error, value - smallest * error


def number_groups(images: int, groups: Array | None) -> tuple[int, Array]:
    """Return the number of groups, and the number of each image's group (N,), from 0.

    Args:
        images: The number of images N.
        groups: Integers (N,), the same for images that belong together; None: none do.

    Returns:
        Both.
    """
    if groups is None:
        return images, np.arange(images)
    found, numbers = np.unique(groups, return_inverse=True)
    return len(found), numbers


def _resample_count(images: int, columns: int) -> int:
    return int(np.clip(MAX_WORK / (images * max(columns, 1)), *RESAMPLES))


def _levels(resampled: Array, value: float, images: int) -> tuple[float, float]:
    """Return between which quantiles of a resampled statistic the interval lies."""
    from statistics import NormalDist  # slow to import

    normal = NormalDist()
    below = float(((resampled < value) + 0.5 * (resampled == value)).mean())
    bias = normal.inv_cdf(min(max(below, MAX_BIAS), 1 - MAX_BIAS))
    reach = student_quantile(Z, images) * sqrt(images / (images - 1))
    return normal.cdf(2 * bias - reach), normal.cdf(2 * bias + reach)


def _resamples(count: int, images: int, drawn_images: int) -> Iterator[Array]:
    """Yield how often each image or group is drawn in each resample (B, N); always the same numbers."""
    rng = np.random.default_rng(0)
    size = max(1, CHUNK // images)
    for start in range(0, count, size):
        rows = min(size, count - start)
        drawn = rng.integers(0, images, (rows, drawn_images)) + images * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * images).reshape(rows, images).astype(np.float64)


def estimates(value: Array, low: Array, high: Array) -> list[Estimate]:
    """Return one estimate for each statistic; None where it is not defined.

    Args:
        value: The statistics (C,).
        low: The lower ends of their intervals (C,).
        high: The upper ends (C,).

    Returns:
        C estimates.
    """
    rows = zip(value.tolist(), low.tolist(), high.tolist(), strict=True)
    return [Estimate(*(number if np.isfinite(number) else None for number in row)) for row in rows]
