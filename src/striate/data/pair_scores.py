"""Measure whether pairs of thumbnails show the same image, perhaps altered.

A pair is a match if either the whole images and their details correlate, or, as in copies with text over the image or
filled borders, the details of most tiles do. Details are what remains after subtracting a blurred image.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from striate.data.alignment import (
    MIN_MASK_COVERAGE,
    ThumbnailPairs,
    align,
    average_pool,
    mean_product,
    sample,
    standardize,
)
from striate.data.gray_levels import (
    TILES_PER_SIDE,
    Floats,
    GrayLevelStats,
    clip_gray_levels,
    match_brightness,
    unfilled_mask,
)

ALIGNMENT_DEVIATIONS = 2.0  # for the alignment, gray levels are clipped to this many deviations around the median

# Comparison of whole images
MIN_COARSE = 0.85  # correlation of the aligned images at 16×16 pixels, below which the comparison ends
MIN_FINE = 0.88  # correlation of the aligned images at 32×32 pixels, below which it ends
MAX_SCALE = 1.22  # scale of one image relative to the other: a crop of 15 %, and some tolerance
MAX_ASPECT = 1.9  # width / height or height / width of images that may be rotated
MAX_ROTATION = 0.16  # largest off-diagonal entry of a transform: 5° in images of that aspect ratio
MAX_SHEAR = 0.03  # off-diagonal entries up to this size are not compared with those of a rotation
MIN_CORRELATION = 0.953  # mean correlation of near-duplicates at 32×32 and 64×64 pixels
MIN_SIMILARITY = 0.8  # mean of the correlations of near-duplicates and of their details

# Comparison of tiles
TILE_NOISE = 1.0  # variance of details that is attributed to noise, in squared gray levels
MIN_TILE_OVERLAP = 0.7  # share of the pixels of a tile that both images show
MIN_TILES = 12  # number of tiles that can be compared
MIN_TILE_CORRELATION = 0.3  # of near-duplicates without alignment
MIN_ALIGNED_TILE_CORRELATION = 0.42  # of near-duplicates after alignment, which increases it for any two images
MIN_RATIO_TO_MEDIAN = 16.0  # tile correlation of near-duplicates / that of the median pair, whose background may be one
MAX_SPARSE_TILES = 40  # images with fewer tiles that are not uniform are sparse, as drawings and digits
MIN_SPARSE_SIMILARITY = 0.95  # of sparse near-duplicates; different sparse images resemble each other


@dataclass(frozen=True, eq=False)
class PairScores:
    """How similar the images of each pair are.

    Attributes:
        image_similarity: float32 (P,), mean of the correlations of the aligned images and of their details,
            MIN_SIMILARITY … 1; 0 for pairs that are not near-duplicates as a whole.
        tile_correlation: float32 (P,), median over tiles of the correlation of details without alignment, -1 … 1; NaN
            if too few tiles can be compared.
        aligned_tile_correlation: float32 (P,), the same after alignment.
        is_sparse: bool (P,), whether both images are sparse, such as drawings, which need MIN_SPARSE_SIMILARITY.
    """

    image_similarity: Floats
    tile_correlation: Floats
    aligned_tile_correlation: Floats
    is_sparse: NDArray[np.bool_]

    def similarity(self, pair_count: int) -> Floats:
        """Compute the similarity of the pairs.

        A pair is accepted for its tiles only if they correlate far better than those of the median pair.

        Args:
            pair_count: Number of pairs of the folder that were considered. Those that have no scores here count with
                a tile correlation of 0.

        Returns:
            float32 (P,), MIN_SIMILARITY … 1; 0 for pairs that are not near-duplicates.
        """
        all_pairs = np.zeros(max(pair_count, len(self.tile_correlation)))
        all_pairs[: len(self.tile_correlation)] = np.nan_to_num(self.tile_correlation)
        min_correlation = MIN_RATIO_TO_MEDIAN * float(np.median(all_pairs))
        tiles_match = self.tile_correlation >= max(MIN_TILE_CORRELATION, min_correlation)
        tiles_match |= self.aligned_tile_correlation >= max(MIN_ALIGNED_TILE_CORRELATION, min_correlation)
        similarity = np.where(tiles_match, np.maximum(self.image_similarity, MIN_SIMILARITY), self.image_similarity)
        too_low = self.is_sparse & (similarity < MIN_SPARSE_SIMILARITY)
        kept: Floats = np.where(too_low, 0, similarity).astype(np.float32)
        return kept


def compare_pairs(
    first: Floats, second: Floats, first_stats: GrayLevelStats, second_stats: GrayLevelStats, transforms: Floats
) -> PairScores:
    """Align pairs of thumbnails and compare them.

    Args:
        first: The first image of each pair, gray levels (P, SIZE, SIZE), 0 … 255.
        second: The second image of each pair.
        first_stats: Statistics of the first images.
        second_stats: Statistics of the second images.
        transforms: Initial affine transforms (P, 2, 3) from positions in `first` to those in `second`.

    Returns:
        The scores of the pairs.
    """
    pairs = ThumbnailPairs(first, second, unfilled_mask(first), unfilled_mask(second))
    clipped = replace(
        pairs,
        first=clip_gray_levels(first, first_stats, ALIGNMENT_DEVIATIONS, pairs.first_mask),
        second=clip_gray_levels(second, second_stats, ALIGNMENT_DEVIATIONS, pairs.second_mask),
    )
    image_similarity = np.zeros(len(pairs), np.float32)
    aligned_tile_correlation = np.full(len(pairs), np.nan, np.float32)
    rows, transforms = _find_aligned(clipped, transforms)
    if len(rows):
        aligned = pairs.take(rows)
        image_similarity[rows] = _image_similarity(aligned, transforms)
        aligned_tile_correlation[rows] = _tile_correlation(aligned, transforms)
    is_sparse = np.maximum(first_stats.varied_tiles, second_stats.varied_tiles) < MAX_SPARSE_TILES
    return PairScores(image_similarity, _tile_correlation(pairs), aligned_tile_correlation, is_sparse)


def _find_aligned(pairs: ThumbnailPairs, transforms: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Align pairs at 16 and then 32 pixels; return the rows of those that correlate, and their transforms."""
    coarse, transforms = align(pairs, transforms, 16)
    rows = np.flatnonzero(coarse >= MIN_COARSE)
    if not len(rows):
        return rows, transforms[rows]
    fine, transforms = align(pairs.take(rows), transforms[rows], 32)
    kept = (fine >= MIN_FINE) & _is_alteration(transforms)
    return rows[kept], transforms[kept]


def _is_alteration(transforms: Floats) -> NDArray[np.bool_]:
    """Return whether transforms (P, 2, 3) are those of a crop and a rotation, rather than of a shear (as of digits)."""
    scales, (p, q) = transforms[:, [0, 1], [0, 1]], (transforms[:, 0, 1], transforms[:, 1, 0])
    larger, smaller = np.maximum(np.abs(p), np.abs(q)), np.minimum(np.abs(p), np.abs(q)) * (p * q <= 0)
    opposed = larger <= MAX_SHEAR + MAX_ASPECT**2 * smaller  # a rotation by t gives -t·aspect, t/aspect
    rotated = (larger <= MAX_ROTATION) & opposed
    plausible: NDArray[np.bool_] = rotated & (np.maximum(scales, 1 / scales) <= MAX_SCALE).all(axis=1)
    return plausible


def _image_similarity(pairs: ThumbnailPairs, transforms: Floats) -> Floats:
    """Return the mean of the correlations of aligned images and of their details (P,); 0 if either is too low."""
    correlation, detail_correlation = np.mean(
        [_correlations(pairs.pooled(size), transforms) for size in (32, 64)], axis=0
    )
    similarity = (correlation + detail_correlation) / 2
    return np.where((correlation >= MIN_CORRELATION) & (similarity >= MIN_SIMILARITY), similarity, 0)


def _correlations(pairs: ThumbnailPairs, transforms: Floats) -> tuple[Floats, Floats]:
    """Return the correlations of aligned images, and those of their details (P,)."""
    first = pairs.first.reshape(len(pairs), -1)
    second, mask = sample(pairs.second, pairs.second_mask, transforms)
    mask *= pairs.first_mask.reshape(first.shape) > MIN_MASK_COVERAGE
    x, y = match_brightness(first, second, mask)
    return _correlation(x, y, mask), _correlation(_details(x, mask), _details(y, mask), mask)


def _correlation(x: Floats, y: Floats, mask: Floats) -> Floats:
    (x, _), (y, _) = standardize(x, mask), standardize(y, mask)
    return mean_product(x, y, mask)


def _tile_correlation(pairs: ThumbnailPairs, transforms: Floats | None = None) -> Floats:
    """Return the median over tiles of the correlation of details (P,); NaN if too few tiles can be compared.

    It is the smaller of the medians over all tiles and over inner ones: in images that share only a frame, the outer
    tiles alone correlate.
    """
    first = pairs.first.reshape(len(pairs), -1)
    if transforms is None:
        second, mask = pairs.second.reshape(first.shape), pairs.second_mask.reshape(first.shape).copy()
    else:
        second, mask = sample(pairs.second, pairs.second_mask, transforms)
    mask *= pairs.first_mask.reshape(first.shape) > MIN_MASK_COVERAGE
    x, y = _details(first, mask), _details(second, mask)
    products = x * (x * mask), y * y * mask, y * (x * mask), mask
    xx, yy, xy, shown = (average_pool(values, TILES_PER_SIDE) for values in products)
    noise = TILE_NOISE * shown
    correlation = xy / np.sqrt((xx + noise) * (yy + noise)).clip(1e-6)
    correlation = np.where(shown > MIN_TILE_OVERLAP, correlation, np.inf)
    return np.minimum(_tile_median(correlation), _tile_median(correlation[:, 1:-1, 1:-1]))


def _tile_median(values: Floats) -> Floats:
    """Return the medians of the finite values of each pair (P, rows, columns); NaN if there are few."""
    flat = values.reshape(len(values), -1)
    counts = np.isfinite(flat).sum(axis=1)
    middle = np.maximum(counts - 1, 0) // 2
    medians = np.take_along_axis(np.sort(flat, axis=1), middle[:, None], axis=1)[:, 0]
    return np.where(counts >= MIN_TILES, medians, np.nan)


def _details(images: Floats, mask: Floats) -> Floats:
    """Return images (P, size²) minus their means over 5×5 pixels within the mask."""
    details: Floats = images - _box_sum(images * mask) / np.maximum(_box_sum(mask), 1)
    return details


def _box_sum(values: Floats) -> Floats:
    """Return the sums over 5×5 pixels around each pixel (P, size²)."""
    size = round(values.shape[1] ** 0.5)
    padded = np.pad(values.reshape(-1, size, size), ((0, 0), (2, 2), (2, 2)))
    two = padded[:, :-1] + padded[:, 1:]
    rows = two[:, :-3] + two[:, 2:-1] + padded[:, 4:]
    two = rows[:, :, :-1] + rows[:, :, 1:]
    sums: Floats = (two[:, :, :-3] + two[:, :, 2:-1] + rows[:, :, 4:]).reshape(values.shape)
    return sums
