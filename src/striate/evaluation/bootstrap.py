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
CHUNK = 4_000_000  # weights held in memory at once

Statistic = Callable[[Array], Array]


def bootstrap(
    statistic: Statistic, images: int, columns: int = 1, design_effect: float = 1.0
) -> tuple[Array, Array, Array]:
    """Compute statistics of a test set, and the ends of their 95 % intervals.

    The ends are quantiles of the resampled statistics, corrected for their bias and expanded for few images.

    Args:
        statistic: Takes weights (B, N) of the images and returns the values of the statistics (B, C); NaN where they
            are not defined.
        images: The number of images N.
        columns: How much work a resample is, in passes over the images.
        design_effect: See `striate.evaluation.design_effect`; each resample has so many times fewer images.

    Returns:
        Value, low and high, each (C,). Low and high are NaN for fewer than two images.

    Source:
        Efron and Tibshirani 1993, "An introduction to the bootstrap", chapters 13, 14 (percentiles, bias); Hesterberg
        2015, "What teachers should know about the bootstrap", section 4.3 (expanded percentiles).
    """
    value = statistic(np.ones((1, images)))[0]
    if images < 2:
        return value, np.full_like(value, np.nan), np.full_like(value, np.nan)
    count = int(np.clip(MAX_WORK / (images * max(columns, 1)), *RESAMPLES))
    drawn = max(2, round(images / design_effect))
    values = np.concatenate([statistic(weights) for weights in _resamples(count, images, drawn)])
    low, high = np.full_like(value, np.nan), np.full_like(value, np.nan)
    for column in np.flatnonzero(np.isfinite(values).any(axis=0)):
        found = values[np.isfinite(values[:, column]), column]
        low[column], high[column] = np.quantile(found, _levels(found, value[column], drawn))
    return value, np.fmin(low, value), np.fmax(high, value)


def _levels(resampled: Array, value: float, images: int) -> tuple[float, float]:
    """Return between which quantiles of a resampled statistic the interval lies."""
    from statistics import NormalDist  # slow to import

    normal = NormalDist()
    below = float(((resampled < value) + 0.5 * (resampled == value)).mean())
    bias = normal.inv_cdf(min(max(below, MAX_BIAS), 1 - MAX_BIAS))
    reach = student_quantile(Z, images) * sqrt(images / (images - 1))
    return normal.cdf(2 * bias - reach), normal.cdf(2 * bias + reach)


def _resamples(count: int, images: int, drawn_images: int) -> Iterator[Array]:
    """Yield how often each image is drawn in each resample (B, N); always the same numbers."""
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
