"""Find unusual images: uniform, dark, bright, blurred, tiny or long ones, and outliers in feature space."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate._types import Array
from striate.data.gray_levels import MAD_TO_STD
from striate.errors import DataError, UsageError, nearest

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
BLUR_WINDOW = 9  # pixels
NEIGHBORS = 5
BLOCK = 1_000  # rows of distances that are computed at a time
COMMON_SHARE = 0.5  # share of the images from which a property is common in a folder
# Share and number of images above which dark, bright or blurred ones must also stand out in their own folder: many
# drawings are bright, and small images that are enlarged are blurred.
RARE_SHARE, RARE_COUNT = 0.05, 10
FENCE = 1.5  # they stand out if they are so many interquartile ranges beyond the quartile (Tukey)


class ImageIssue(StrEnum):
    """The kinds of unusual images. The names are those of cleanvision, the values those of tables and options."""

    LOW_INFORMATION = "uniform"
    """Blank or nearly so. Measure: contrast, the largest difference of the 1st and 99th percentile of a channel."""
    DARK = "dark"
    """Measure: the 95th percentile of the gray levels; even the bright parts are dark."""
    LIGHT = "bright"
    """Measure: the 5th percentile of the gray levels; even the dark parts are bright."""
    BLURRY = "blurred"
    """Measure: `blur`."""
    LOW_RESOLUTION = "tiny"
    """Measure: the shorter side in pixels."""
    ODD_ASPECT_RATIO = "long"
    """Measure: longer side / shorter side."""
    OUTLIER = "outlier"
    """Measure: `outlier_scores`."""


THRESHOLDS: Mapping[ImageIssue, float] = {
    ImageIssue.LOW_INFORMATION: 0.08,
    ImageIssue.DARK: 0.2,
    ImageIssue.LIGHT: 0.8,
    ImageIssue.BLURRY: 0.65,
    ImageIssue.LOW_RESOLUTION: 32,
    ImageIssue.ODD_ASPECT_RATIO: 4,
    ImageIssue.OUTLIER: 2.5,
}
"""The default thresholds. Gray levels and blur are 0 … 1."""
UNUSUAL_BELOW = frozenset({ImageIssue.LOW_INFORMATION, ImageIssue.DARK, ImageIssue.LOW_RESOLUTION})
"""Kinds whose measure is below the threshold; that of the others is above it."""
IMPLIED_BY_LOW_INFORMATION = frozenset({ImageIssue.DARK, ImageIssue.LIGHT, ImageIssue.BLURRY})
"""Kinds that are not listed for uniform images, and relative to the folder if they are frequent."""


@dataclass(frozen=True)
class UnusualImage:
    """One unusual image.

    Attributes:
        index: Number of the image.
        kind: What is unusual about it.
        measure: The measure of this kind.
    """

    index: int
    kind: ImageIssue
    measure: float


@dataclass(frozen=True)
class CommonIssue:
    """A property that many images of a folder have.

    Attributes:
        kind: The kind of unusual images.
        count: How many images are beyond its threshold.
    """

    kind: ImageIssue
    count: int


def find_unusual(
    measures: Mapping[ImageIssue, Array], thresholds: Mapping[ImageIssue, float] = THRESHOLDS
) -> tuple[tuple[UnusualImage, ...], tuple[CommonIssue, ...]]:
    """Compare measures with thresholds.

    If many images are dark, bright or blurred, only those are unusual that also stand out in the folder, unless the
    threshold is not the default. If more than half of the images are beyond another threshold, none is unusual.

    Args:
        measures: Measures of each image (N,), by kind.
        thresholds: By kind.

    Returns:
        The unusual images of each kind, the most extreme first; and the kinds that are common, of which not all images
        beyond the threshold are listed.

    Example:
        >>> import numpy as np
        >>> import striate as st
        >>> x = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
        >>> x[2] = 7
        >>> st.audit.find_unusual(st.audit.measure_pixels(x))
        ((UnusualImage(index=2, kind=<ImageIssue.LOW_INFORMATION: 'uniform'>, measure=0.0),), ())
    """
    found: list[UnusualImage] = []
    common: list[CommonIssue] = []
    uniform = (
        is_beyond(ImageIssue.LOW_INFORMATION, measures, thresholds) if ImageIssue.LOW_INFORMATION in measures else None
    )
    for kind, values in measures.items():
        chosen = is_beyond(kind, measures, thresholds)
        if uniform is not None and kind in IMPLIED_BY_LOW_INFORMATION:
            chosen = chosen & ~uniform
        count = int(chosen.sum())
        if kind in IMPLIED_BY_LOW_INFORMATION and thresholds[kind] == THRESHOLDS[kind]:
            if count > max(RARE_SHARE * len(values), RARE_COUNT):
                chosen &= _stands_out(values, below=kind in UNUSUAL_BELOW)
        elif count > COMMON_SHARE * len(values):
            chosen = np.zeros(len(values), bool)
        if chosen.sum() < count:
            common.append(CommonIssue(kind, count))
        rows = np.flatnonzero(chosen)
        order = np.argsort(values[rows] if kind in UNUSUAL_BELOW else -values[rows], kind="stable")
        found += [UnusualImage(int(row), kind, float(values[row])) for row in rows[order]]
    return tuple(found), tuple(common)


def _stands_out(values: Array, *, below: bool) -> NDArray[np.bool_]:
    """Return which values (N,) are far below or above the others."""
    low, high = np.percentile(values, [25, 75])
    margin = FENCE * (high - low)
    return np.asarray(values < low - margin if below else values > high + margin)


def is_beyond(
    kind: ImageIssue, measures: Mapping[ImageIssue, Array], thresholds: Mapping[ImageIssue, float]
) -> NDArray[np.bool_]:
    """Compare measures with the threshold of a kind of unusual image.

    Args:
        kind: The kind.
        measures: The measures (N,) of each kind.
        thresholds: The threshold of each kind.

    Returns:
        Whether each image is unusual, bool (N,).
    """
    values, threshold = measures[kind], thresholds[kind]
    return np.asarray(values < threshold if kind in UNUSUAL_BELOW else values > threshold)


def check_thresholds(given: Mapping[str, Any]) -> dict[ImageIssue, float]:
    """Return all thresholds, with those that are given in place of the defaults.

    Args:
        given: By the name of a kind; numbers, or numbers as text.

    Returns:
        One threshold for each kind.

    Raises:
        UsageError: If there is no such kind, or a value is no number.
    """
    thresholds = dict(THRESHOLDS)
    for name, value in given.items():
        if name not in list(ImageIssue):
            raise UsageError(f"There is no kind of unusual images '{name}'.{nearest(name, ImageIssue)}")
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if not isfinite(number):
            raise UsageError(f"The threshold of '{name}' must be a number, such as {THRESHOLDS[ImageIssue(name)]:g}; "
                             f"received '{value}'.")  # fmt: skip
        thresholds[ImageIssue(name)] = number
    return thresholds


def measure_pixels(images: Iterable[Array]) -> dict[ImageIssue, Array]:
    """Measure contrast, brightness and blur of images.

    Args:
        images: uint8 (H, W, C) each, at the size at which a network sees them.

    Returns:
        Float64 (N,) for UNIFORM, DARK, BRIGHT and BLURRED.

    Raises:
        DataError: If an image is not uint8 or has another shape.
    """
    rows = [_measure(image) for image in images]
    kinds = (ImageIssue.LOW_INFORMATION, ImageIssue.DARK, ImageIssue.LIGHT, ImageIssue.BLURRY)
    columns = np.array(rows, np.float64).reshape(-1, len(kinds)).T
    return dict(zip(kinds, columns, strict=True))


def measure_sizes(sizes: Any) -> dict[ImageIssue, Array]:
    """Measure the sizes of image files.

    Args:
        sizes: Width and height in pixels, (N, 2).

    Returns:
        Float64 (N,) for TINY and LONG.
    """
    pixels = np.asarray(sizes, np.float64).reshape(-1, 2)
    shorter, longer = pixels.min(axis=1), pixels.max(axis=1)
    return {ImageIssue.LOW_RESOLUTION: shorter, ImageIssue.ODD_ASPECT_RATIO: longer / np.maximum(shorter, 1)}


def _measure(image: Array) -> tuple[float, float, float, float]:
    pixels = np.asarray(image)
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or pixels.dtype != np.uint8:
        raise DataError(f"Expected images as uint8 (H, W, 1 or 3); received {pixels.dtype} {pixels.shape}.")
    scaled = pixels.astype(np.float32) / 255
    gray = scaled @ LUMA if pixels.shape[2] == 3 else scaled[..., 0]
    low, high = np.percentile(gray, [5, 95])
    lowest, highest = np.percentile(scaled, [1, 99], axis=(0, 1))  # of each channel: colors may differ at equal gray
    return float((highest - lowest).max()), float(high), float(low), blur(gray)


def blur(gray: Array) -> float:
    """Measure the blur of an image: how little its neighboring pixels change if it is blurred again.

    Args:
        gray: Gray levels (H, W), at least 10 pixels on each side for a measure.

    Returns:
        0 (sharp) … 1 (blurred); 0 for images without differences, or too small.

    Example:
        >>> import numpy as np
        >>> noise = np.random.default_rng(0).random((64, 64))
        >>> stripes = np.tile(np.sin(np.arange(64) / 8), (64, 1)) + np.sin(np.arange(64) / 8)[:, None]
        >>> blur(noise) < 0.2 < 0.7 < blur(stripes)
        True

    Source:
        Crété et al. 2007, "The blur effect: perception and estimation with a new no-reference perceptual blur metric".
    """
    if min(gray.shape) <= BLUR_WINDOW:
        return 0.0
    return max(_blur_along(gray), _blur_along(gray.T))


def _blur_along(gray: Array) -> float:
    """Return the blur in the direction of the first axis."""
    sums = np.cumsum(gray, axis=0, dtype=np.float64)
    sums = np.concatenate([np.zeros((1, gray.shape[1])), sums])
    averaged = (sums[BLUR_WINDOW:] - sums[:-BLUR_WINDOW]) / BLUR_WINDOW  # (H − 8, W)
    margin = BLUR_WINDOW // 2
    differences = np.abs(np.diff(gray[margin : len(gray) - margin], axis=0))
    lost = np.maximum(0, differences - np.abs(np.diff(averaged, axis=0))).sum()
    total = float(differences.sum())
    return float((total - lost) / total) if total > 1e-6 * differences.size else 0.0


def outlier_scores(features: Array) -> Array:
    """Measure how far each image is from all others in feature space.

    Args:
        features: (N, F).

    Returns:
        Float64 (N,): the logarithm of the cosine distance to the 5th nearest image, in standard deviations above the
        median; both are estimated from ranks, so that unusual images do not change them. 0 for fewer than 10 images.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> features = 1 + 0.1 * rng.normal(size=(100, 8))
        >>> features[7] *= [1, -1, 1, -1, 1, -1, 1, -1]
        >>> int(outlier_scores(features).argmax())
        7
    """
    count = len(features)
    if count < 2 * NEIGHBORS:
        return np.zeros(count)
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    unit = (features / np.maximum(norms, 1e-12)).astype(np.float32)
    distances = np.empty(count)
    for start in range(0, count, BLOCK):
        similarity = unit[start : start + BLOCK] @ unit.T
        similarity[np.arange(len(similarity)), np.arange(start, start + len(similarity))] = -np.inf  # itself
        distances[start : start + BLOCK] = 1 - np.partition(similarity, -NEIGHBORS, axis=1)[:, -NEIGHBORS]
    logs = np.log(np.maximum(distances, 1e-6))
    median = np.median(logs)
    deviation = MAD_TO_STD * np.median(np.abs(logs - median))
    return np.asarray((logs - median) / max(deviation, 1e-6))
