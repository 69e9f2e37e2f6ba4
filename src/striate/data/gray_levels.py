"""Gray levels and colors of thumbnails, their statistics, and the adjustment of brightness between two of them."""

from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from striate.images.policy import COLOR_REDUCTION, NO_COLOR

Floats = NDArray[Any]  # float32

SIZE = 64  # height and width of a thumbnail in pixels
BORDER = 6  # width in pixels of the corners of a thumbnail that a rotation by 5° leaves empty
TILE_SIZE = 8  # height and width in pixels
TILES_PER_SIDE = SIZE // TILE_SIZE
MID_GRAY = 127.5
SATURATION_MARGIN = 3  # gray levels this close to black or white are clipped, or fill the corners of a rotated image
MIN_UNCLIPPED = 0.1  # share of pixels that neither image clips; if it is reached, brightness is fitted to them only
MIN_VARIANCE = 1e-3  # lower bound of a variance that is divided by, in squared gray levels
OUTLIER_FACTOR = 3  # pixels whose error is larger than this many times the mean are left out of the fit of brightness
MAD_TO_STD = 1.4826  # standard deviation / median absolute deviation of a normal distribution
MIN_DEVIATION_SHARE = 0.5  # lower bound of a deviation / standard deviation; it matters for drawings on a background

COLOR_SIZE = SIZE // COLOR_REDUCTION  # height and width in pixels of the color differences

T = TypeVar("T")


def gray_levels(thumbnails: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the gray levels of thumbnails.

    Args:
        thumbnails: uint8 (N, …), by `ThumbnailPolicy`.

    Returns:
        uint8 (N, SIZE, SIZE).
    """
    return thumbnails[:, :SIZE, :, 0]


def color_differences(thumbnails: NDArray[np.uint8]) -> Floats:
    """Return the colors of thumbnails.

    Args:
        thumbnails: uint8 (N, …), by `ThumbnailPolicy`.

    Returns:
        Cb and Cr, -128 … 127, 0 for gray, (N, 2, COLOR_SIZE, COLOR_SIZE).
    """
    colors = thumbnails[:, SIZE:].reshape(len(thumbnails), 2, COLOR_SIZE, COLOR_SIZE)
    return colors.astype(np.float32) - NO_COLOR


def concatenate(blocks: list[T]) -> T:
    """Join dataclasses of arrays, such as `GrayLevelStats`, field by field.

    Args:
        blocks: The dataclass of each block of rows.

    Returns:
        That of all rows.
    """
    cls: Any = type(blocks[0])
    joined: T = cls(*(np.concatenate([getattr(block, field.name) for block in blocks]) for field in fields(cls)))
    return joined


@dataclass(frozen=True, eq=False)
class GrayLevelStats:
    """Statistics of the gray levels of thumbnails.

    Attributes:
        median: float32 (N,).
        deviation: float32 (N,), the standard deviation, estimated from the median absolute deviation. At least
            MIN_DEVIATION_SHARE of the standard deviation itself: the median absolute deviation of an image that is
            mostly background, such as a letter, is 0.
        varied_tiles: int (N,), the number of tiles that are not uniform.
    """

    median: Floats
    deviation: Floats
    varied_tiles: NDArray[Any]

    def take(self, rows: Any) -> "GrayLevelStats":
        """Select thumbnails.

        Args:
            rows: Row numbers, a slice, or a mask (N,).

        Returns:
            Their statistics.
        """
        return GrayLevelStats(self.median[rows], self.deviation[rows], self.varied_tiles[rows])


def gray_level_stats(images: NDArray[np.uint8]) -> GrayLevelStats:
    """Compute the statistics of the gray levels of thumbnails.

    Args:
        images: Gray levels, uint8 (N, SIZE, SIZE).

    Returns:
        Their median, deviation and number of varied tiles.
    """
    count = len(images)
    offsets = np.arange(count, dtype=np.int32)[:, None] * 256
    histograms = np.bincount((images.reshape(count, -1) + offsets).reshape(-1), minlength=256 * count)
    histograms = histograms.reshape(count, 256)
    doubled = _doubled_medians(histograms)
    # The deviations from the median are multiples of ½, too.
    deviations = np.abs(2 * np.arange(256) - doubled[:, None]) + 2 * offsets
    counts = np.bincount(deviations.reshape(-1), histograms.reshape(-1), minlength=512 * count).reshape(count, 512)
    median, deviation = doubled.astype(np.float32) / 2, MAD_TO_STD * _doubled_medians(counts).astype(np.float32) / 4
    deviation = np.maximum(deviation, MIN_DEVIATION_SHARE * _stds(histograms))
    rows = images.reshape(count, TILES_PER_SIDE, TILE_SIZE, SIZE)
    lowest, highest = (
        function(function(rows, axis=2).reshape(count, TILES_PER_SIDE, TILES_PER_SIDE, TILE_SIZE), axis=3)
        for function in (np.min, np.max)
    )
    return GrayLevelStats(median, deviation, (highest > lowest).sum(axis=(1, 2)))


def _stds(histograms: NDArray[Any]) -> Floats:
    """Return the standard deviations, float32, of the SIZE² gray levels that each histogram (N, 256) counts."""
    count, levels = SIZE * SIZE, np.arange(256)
    total, squares = histograms @ levels, histograms @ (levels * levels)
    stds: Floats = np.sqrt((count * squares - total * total).astype(np.float64) / count**2).astype(np.float32)
    return stds


def _doubled_medians(histograms: NDArray[Any]) -> NDArray[np.int64]:
    """Return twice the medians of the SIZE² integers that each histogram (N, values) counts."""
    below = np.cumsum(histograms, axis=1)
    middle = SIZE * SIZE // 2
    doubled: NDArray[np.int64] = (below < middle).sum(axis=1) + (below < middle + 1).sum(axis=1)
    return doubled


def pixels_by_tile(values: Floats) -> Floats:
    """Group the pixels of thumbnails by tile.

    Args:
        values: (N, SIZE²).

    Returns:
        (N, tiles, TILE_SIZE²).
    """
    split = values.reshape(len(values), TILES_PER_SIDE, TILE_SIZE, TILES_PER_SIDE, TILE_SIZE)
    return split.swapaxes(2, 3).reshape(len(values), TILES_PER_SIDE**2, TILE_SIZE**2)


def clip_gray_levels(images: Floats, stats: GrayLevelStats, deviations: float, mask: Floats | None = None) -> Floats:
    """Clip gray levels to an interval around the median, and fill empty corners with the median.

    Args:
        images: Gray levels (N, SIZE, SIZE), 0 … 255.
        stats: Statistics of these images.
        deviations: Half the width of the interval, in standard deviations.
        mask: 0 for the pixels of empty corners (N, SIZE, SIZE); None: it is computed.

    Returns:
        The clipped gray levels (N, SIZE, SIZE).
    """
    mask = unfilled_mask(images) if mask is None else mask
    median = stats.median[:, None, None]
    half_width = (deviations * stats.deviation + SATURATION_MARGIN - 1)[:, None, None]
    return np.where(mask > 0, np.clip(images, median - half_width, median + half_width), median)


def unfilled_mask(images: Floats) -> Floats:
    """Find black and white pixels near the border, as a rotation leaves them.

    Args:
        images: Gray levels (N, SIZE, SIZE), 0 … 255.

    Returns:
        float32 (N, SIZE, SIZE), 0 for such pixels and 1 for all others.
    """
    clipped = _is_clipped(images)
    padded = np.pad(clipped, ((0, 0), (1, 1), (1, 1)))
    rows = padded[:, :-2] | padded[:, 1:-1] | padded[:, 2:]  # with their neighbors
    filled = rows[:, :, :-2] | rows[:, :, 1:-1] | rows[:, :, 2:]
    filled[:, BORDER:-BORDER, BORDER:-BORDER] = False
    return (~filled).astype(np.float32)


def _is_clipped(images: Floats) -> NDArray[np.bool_]:
    clipped: NDArray[np.bool_] = np.abs(images - MID_GRAY) > MID_GRAY - SATURATION_MARGIN
    return clipped


def match_brightness(first: Floats, second: Floats, mask: Floats) -> tuple[Floats, Floats]:
    """Fit brightness and contrast of the less clipped image of each pair to those of the other image.

    Args:
        first: The first images, gray levels (P, size²).
        second: The second images.
        mask: 1 for the pixels that are compared (P, size²).

    Returns:
        The fitted images, clipped to 0 … 255, and the other image of each pair.
    """
    first_clipped, second_clipped = _is_clipped(first), _is_clipped(second)
    unclipped = mask * ~(first_clipped | second_clipped)
    enough = unclipped.mean(axis=1, keepdims=True) >= MIN_UNCLIPPED
    fit_first = ((second_clipped * mask).sum(axis=1) > (first_clipped * mask).sum(axis=1))[:, None]
    image, target = np.where(fit_first, first, second), np.where(fit_first, second, first)
    return _fit_brightness(image, target, np.where(enough, unclipped, mask)), target


def _fit_brightness(image: Floats, target: Floats, mask: Floats) -> Floats:
    """Return the linear function of image nearest to target, fitted without outliers and clipped to the gray levels."""
    fitted = image
    for _ in range(2):
        count = np.maximum(mask.sum(axis=1, keepdims=True), 1)
        image_mean, target_mean = ((x * mask).sum(axis=1, keepdims=True) / count for x in (image, target))
        centered = (image - image_mean) * mask
        variance = np.maximum((centered * centered).sum(axis=1, keepdims=True), MIN_VARIANCE)
        gain = np.maximum((centered * (target - target_mean)).sum(axis=1, keepdims=True), 0) / variance
        fitted = (image - image_mean) * gain + target_mean
        error = np.abs(fitted - target)
        mask = mask * (error <= OUTLIER_FACTOR * (error * mask).sum(axis=1, keepdims=True) / count + 1)
    return np.clip(fitted, 0, 255)
