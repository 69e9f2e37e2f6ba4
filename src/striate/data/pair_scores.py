"""Measure whether pairs of thumbnails show the same image, perhaps altered.

A pair is a match if either the whole images and their details correlate, or, as in copies with text over the image or
filled borders, the details of most tiles do. Details are what remains after subtracting a blurred image.
"""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

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
    COLOR_SIZE,
    SIZE,
    TILE_SIZE,
    TILES_PER_SIDE,
    Floats,
    GrayLevelStats,
    clip_gray_levels,
    match_brightness,
    pixels_by_tile,
    unfilled_mask,
)

ALIGNMENT_DEVIATIONS = 2.0  # for the alignment, gray levels are clipped to this many deviations around the median

# Comparison of whole images
COARSE_SIZE, FINE_SIZE = 16, 32  # height and width in pixels at which pairs are aligned
MIN_COARSE = 0.85  # correlation of the aligned images at COARSE_SIZE, below which the comparison ends
MIN_FINE = 0.88  # correlation of the aligned images at FINE_SIZE, below which it ends
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
MIN_TILE_CORRELATION = 0.3  # tile correlation of near-duplicates without alignment
MIN_ALIGNED_TILE_CORRELATION = 0.42  # the same after alignment, which increases it for any two images
MIN_RATIO_TO_MEDIAN = 16.0  # tile correlation of near-duplicates / that of the median pair, whose background may be one
MAX_SPARSE_TILES = 40  # images with fewer tiles that are not uniform are sparse, as drawings and digits
MIN_SPARSE_SIMILARITY = 0.95  # similarity of sparse near-duplicates; different sparse images resemble each other
CANDIDATES = 5  # number of other images that each image is compared with in detail
TEMPLATE_QUANTILE = 0.9  # of the third best tile correlations of all images: matching tiles must exceed it

# Comparison of colors
MIN_COLOR = 5.0  # root mean square of the color differences, below which an image is compared as a gray one
MIN_COLOR_SIMILARITY = 0.8  # of altered copies, 0.88 or more
GAINS = 1.0, 1.15, 1.3, 1.45  # how much brighter a copy may be, which changes hues where a color is clipped
RGB_OF_YCC = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]], np.float32)  # as in JPEG files
YCC_OF_RGB = np.linalg.inv(RGB_OF_YCC).astype(np.float32)

# Folders whose images resemble each other
RESEMBLING_CORRELATION = 0.9  # correlation of aligned images that are counted
RESEMBLING_SIMILARITY = 0.75, 0.9  # similarity of images that resemble each other, but are not the same
RESEMBLING_SHARE = 0.03  # share of images of the folder with three such others; photographs have at most 0.005
MIN_RESEMBLING_SIMILARITY = 0.96  # similarity of near-duplicates in such a folder


@dataclass(frozen=True, eq=False)
class PairScores:
    """How similar the images of each pair are.

    Attributes:
        image_count: Number of images of the folder, N. Candidates without scores here count with 0.
        first: int64 (P,), row of the first image; each image is the first one of up to `CANDIDATES` pairs.
        correlation: float32 (P,), correlation of the aligned images, 0 … 1; 0 for pairs that cannot be aligned.
        image_similarity: float32 (P,), mean of it and of the correlation of the aligned images' details, 0 … 1.
        tile_correlation: float32 (P,), median over tiles of the correlation of details without alignment, -1 … 1; NaN
            if too few tiles can be compared.
        aligned_tile_correlation: float32 (P,), the same after alignment.
        color_similarity: float32 (P,), cosine of the angle between the colors of the aligned images, -1 … 1, the
            largest for any of `GAINS`; NaN for pairs that cannot be aligned or of which one is gray.
        is_sparse: bool (P,), whether both images are sparse, such as drawings, which need MIN_SPARSE_SIMILARITY.
    """

    image_count: int
    first: NDArray[np.int64]
    correlation: Floats
    image_similarity: Floats
    tile_correlation: Floats
    aligned_tile_correlation: Floats
    color_similarity: Floats
    is_sparse: NDArray[np.bool_]

    def similarity(self) -> Floats:
        """Compute the similarity of the pairs.

        A pair is accepted for its tiles only if they correlate far better than those of the median pair, and better
        than those of most images with their third best candidate, such as icons with a common frame.

        Returns:
            float32 (P,), MIN_SIMILARITY … 1; 0 for pairs that are not near-duplicates.
        """
        pair_count = max(CANDIDATES * self.image_count, len(self.first))
        all_pairs = np.zeros(pair_count)
        all_pairs[: len(self.first)] = np.nan_to_num(self.tile_correlation)
        of_others = max(
            float(np.quantile(self._third_best(values), TEMPLATE_QUANTILE))
            for values in (self.tile_correlation, self.aligned_tile_correlation)
        )
        min_correlation = max(MIN_RATIO_TO_MEDIAN * float(np.median(all_pairs)), of_others)
        tiles_match = self.tile_correlation >= max(MIN_TILE_CORRELATION, min_correlation)
        tiles_match |= self.aligned_tile_correlation >= max(MIN_ALIGNED_TILE_CORRELATION, min_correlation)
        images_match = (self.correlation >= MIN_CORRELATION) & (self.image_similarity >= MIN_SIMILARITY)
        similarity = np.where(images_match, self.image_similarity, 0)
        similarity = np.where(tiles_match, np.maximum(similarity, MIN_SIMILARITY), similarity)
        too_low = self.is_sparse & (similarity < MIN_SPARSE_SIMILARITY)
        too_low |= self.color_similarity < MIN_COLOR_SIMILARITY
        if self.images_resemble:
            too_low |= similarity < MIN_RESEMBLING_SIMILARITY
        kept: Floats = np.where(too_low, 0, similarity).astype(np.float32)
        return kept

    @cached_property
    def images_resemble(self) -> bool:
        """Whether different images of the folder resemble each other, as letters and handwritten digits do.

        An altered copy is one of at most two similar images in most folders, and each frame of a video has several
        that are very similar. Where images resemble each other, many have several that are quite similar.
        """
        similar = np.where(self.correlation >= RESEMBLING_CORRELATION, self.image_similarity, 0)
        third_best = self._third_best(similar)
        low, high = RESEMBLING_SIMILARITY
        quite, very = float(np.mean((third_best >= low) & (third_best < high))), float(np.mean(third_best >= high))
        return quite > max(RESEMBLING_SHARE, very / 2)

    def _third_best(self, values: Floats) -> Floats:
        """Return the third highest value (N,) among the candidates of each image, 0 or more."""
        of_image = np.zeros((self.image_count, CANDIDATES), np.float32)
        rank = np.arange(len(self.first)) - np.searchsorted(self.first, self.first)
        of_image[self.first, rank] = np.maximum(np.nan_to_num(values), 0)
        third: Floats = np.sort(of_image, axis=1)[:, -3]
        return third


@dataclass(frozen=True, eq=False)
class PreparedThumbnails:
    """What is computed once for each thumbnail, however many pairs it is in.

    Attributes:
        coarse: Gray levels (N, COARSE_SIZE, COARSE_SIZE), clipped for the alignment.
        coarse_mask: Share of each pixel that is compared, 0 … 1, of the same shape.
        details: float32 (N, tiles, pixels), by tile; 0 where the mask is.
        mask: bool (N, tiles, pixels), which pixels are compared.
        is_complete: bool (N,), whether all of them are.
    """

    coarse: Floats
    coarse_mask: Floats
    details: Floats
    mask: NDArray[np.bool_]
    is_complete: NDArray[np.bool_]

    def take(self, rows: NDArray[Any]) -> "PreparedThumbnails":
        """Select thumbnails.

        Args:
            rows: Row numbers.

        Returns:
            What was computed for them.
        """
        return PreparedThumbnails(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def empty(cls, count: int) -> "PreparedThumbnails":
        """Return arrays for so many thumbnails, which `put` fills."""
        coarse, (tiles, pixels) = (count, COARSE_SIZE, COARSE_SIZE), (TILES_PER_SIDE**2, TILE_SIZE**2)
        return cls(
            np.empty(coarse, np.float32), np.empty(coarse, np.float32), np.empty((count, tiles, pixels), np.float32),
            np.empty((count, tiles, pixels), bool), np.empty(count, bool),
        )  # fmt: skip

    def put(self, rows: range, prepared: "PreparedThumbnails") -> None:
        """Store what was computed for some thumbnails."""
        for field in fields(self):
            getattr(self, field.name)[rows.start : rows.stop] = getattr(prepared, field.name)


def prepare_thumbnails(images: Floats, stats: GrayLevelStats) -> PreparedThumbnails:
    """Compute what the comparison of pairs needs of each thumbnail.

    Args:
        images: Gray levels (N, SIZE, SIZE), 0 … 255.
        stats: Statistics of these images.

    Returns:
        The prepared thumbnails.
    """
    mask = unfilled_mask(images)
    clipped = clip_gray_levels(images, stats, ALIGNMENT_DEVIATIONS, mask)
    flat_mask = mask.reshape(len(images), -1)
    details = _details(images.reshape(flat_mask.shape), flat_mask) * flat_mask
    return PreparedThumbnails(
        average_pool(clipped, COARSE_SIZE), average_pool(mask, COARSE_SIZE), pixels_by_tile(details),
        pixels_by_tile(flat_mask) > 0, np.all(flat_mask, axis=1),
    )  # fmt: skip


def align_coarsely(
    first: PreparedThumbnails, second: PreparedThumbnails, transforms: Floats
) -> tuple[NDArray[np.int64], Floats]:
    """Align pairs at COARSE_SIZE pixels.

    Args:
        first: The first image of each pair.
        second: The second image of each pair.
        transforms: Initial affine transforms (P, 2, 3) from positions in `first` to those in `second`.

    Returns:
        Rows of the pairs that correlate, and their transforms.
    """
    pairs = ThumbnailPairs(first.coarse, second.coarse, first.coarse_mask, second.coarse_mask)
    correlation, transforms = align(pairs, transforms)
    rows = np.flatnonzero(correlation >= MIN_COARSE)
    return rows, transforms[rows]


def compare_aligned(
    first: Floats, second: Floats, first_colors: Floats, second_colors: Floats, first_stats: GrayLevelStats,
    second_stats: GrayLevelStats, transforms: Floats,
) -> tuple[Floats, Floats, Floats, Floats]:  # fmt: skip
    """Align pairs of thumbnails more exactly and compare them.

    Args:
        first: The first image of each pair, gray levels (P, SIZE, SIZE), 0 … 255.
        second: The second image of each pair.
        first_colors: Color differences of the first images (P, 2, COLOR_SIZE, COLOR_SIZE).
        second_colors: Those of the second images.
        first_stats: Statistics of the first images.
        second_stats: Statistics of the second images.
        transforms: Affine transforms (P, 2, 3), from `align_coarsely`.

    Returns:
        `correlation`, `image_similarity`, `aligned_tile_correlation` and `color_similarity` of `PairScores`.
    """
    pairs = ThumbnailPairs(first, second, unfilled_mask(first), unfilled_mask(second))
    clipped = replace(
        pairs,
        first=clip_gray_levels(first, first_stats, ALIGNMENT_DEVIATIONS, pairs.first_mask),
        second=clip_gray_levels(second, second_stats, ALIGNMENT_DEVIATIONS, pairs.second_mask),
    )
    mean_correlation, image_similarity = np.zeros((2, len(pairs)), np.float32)
    tile_correlation, color_similarity = np.full((2, len(pairs)), np.nan, np.float32)
    correlation, transforms = align(clipped.pooled(FINE_SIZE), transforms)
    rows = np.flatnonzero((correlation >= MIN_FINE) & _is_alteration(transforms))
    if len(rows):
        aligned, transforms = pairs.take(rows), transforms[rows]
        mean_correlation[rows], image_similarity[rows] = _image_similarity(aligned, transforms)
        tile_correlation[rows] = _aligned_tile_correlation(aligned, transforms)
        color_similarity[rows] = _color_similarity(first_colors[rows], second_colors[rows], aligned, transforms)
    return mean_correlation, image_similarity, tile_correlation, color_similarity


def _is_alteration(transforms: Floats) -> NDArray[np.bool_]:
    """Return whether transforms (P, 2, 3) are those of a crop and a rotation, rather than of a shear (as of digits)."""
    scales, (p, q) = transforms[:, [0, 1], [0, 1]], (transforms[:, 0, 1], transforms[:, 1, 0])
    larger, smaller = np.maximum(np.abs(p), np.abs(q)), np.minimum(np.abs(p), np.abs(q)) * (p * q <= 0)
    opposed = larger <= MAX_SHEAR + MAX_ASPECT**2 * smaller  # a rotation by t gives -t·aspect, t/aspect
    rotated = (larger <= MAX_ROTATION) & opposed
    plausible: NDArray[np.bool_] = rotated & (np.maximum(scales, 1 / scales) <= MAX_SCALE).all(axis=1)
    return plausible


def _image_similarity(pairs: ThumbnailPairs, transforms: Floats) -> tuple[Floats, Floats]:
    """Return the correlation of aligned images (P,), and the mean of it and of that of their details."""
    correlation, detail_correlation = np.mean(
        [_correlations(pairs.pooled(size), transforms) for size in (FINE_SIZE, SIZE)], axis=0
    )
    return correlation, (correlation + detail_correlation) / 2


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


def _color_similarity(first: Floats, second: Floats, pairs: ThumbnailPairs, transforms: Floats) -> Floats:
    """Return `PairScores.color_similarity` of aligned images.

    Args:
        first: Color differences of the first images (P, 2, COLOR_SIZE, COLOR_SIZE).
        second: Those of the second images.
        pairs: The images.
        transforms: Their affine transforms (P, 2, 3).
    """
    small = pairs.pooled(COLOR_SIZE)
    channels = [small.second, *second.transpose(1, 0, 2, 3)]
    sampled = [sample(channel, small.second_mask, transforms) for channel in channels]
    mask = sampled[0][1] * (small.first_mask.reshape(len(first), -1) > MIN_MASK_COVERAGE)
    x = np.concatenate([small.first[:, None], first], axis=1).reshape(len(first), 3, -1) * mask[:, None]
    y = np.stack([values for values, _ in sampled], axis=1) * mask[:, None]
    first_is_darker = (x[:, :1].sum(axis=2) < y[:, :1].sum(axis=2))[..., None]
    darker, brighter = np.where(first_is_darker, x, y), np.where(first_is_darker, y, x)[:, 1:]
    cosines = [_cosine(_brighten(darker, gain), brighter) for gain in GAINS]
    energy = np.minimum(*((colors[:, 1:] ** 2).sum(axis=(1, 2)) for colors in (x, y))) / np.maximum(mask.sum(axis=1), 1)
    return np.where(energy >= MIN_COLOR**2, np.max(cosines, axis=0), np.float32(np.nan))


def _brighten(images: Floats, gain: float) -> Floats:
    """Return the color differences (P, 2, pixels) of images (P, 3, pixels) in YCbCr that are brightened and clipped."""
    brightened: Floats = YCC_OF_RGB @ np.clip(gain * (RGB_OF_YCC @ images), 0, 255)
    return brightened[:, 1:]


def _cosine(x: Floats, y: Floats) -> Floats:
    xx, yy, xy = ((a * b).sum(axis=(1, 2)) for a, b in ((x, x), (y, y), (x, y)))
    cosine: Floats = xy / np.sqrt(xx * yy).clip(1e-6)
    return cosine


def tile_correlation(first: PreparedThumbnails, second: PreparedThumbnails) -> Floats:
    """Compare the details of pairs tile by tile, without alignment.

    Args:
        first: The first image of each pair.
        second: The second image of each pair.

    Returns:
        `PairScores.tile_correlation`.
    """
    xx, yy, xy = (np.einsum("ptk,ptk->pt", x, y) for x, y in (
        (first.details, first.details), (second.details, second.details), (first.details, second.details)
    ))  # fmt: skip
    shown = np.full(xx.shape, TILE_SIZE**2, np.float32)
    rows = np.flatnonzero(~(first.is_complete & second.is_complete))
    one, other = first.take(rows), second.take(rows)
    xx[rows] = np.einsum("ptk,ptk,ptk->pt", one.details, one.details, other.mask)
    yy[rows] = np.einsum("ptk,ptk,ptk->pt", other.details, other.details, one.mask)
    shown[rows] = (one.mask & other.mask).sum(axis=2)
    return _median_correlation(*(total / np.float32(TILE_SIZE**2) for total in (xx, yy, xy, shown)))


def _aligned_tile_correlation(pairs: ThumbnailPairs, transforms: Floats) -> Floats:
    """Return `PairScores.aligned_tile_correlation` of pairs and their transforms."""
    first = pairs.first.reshape(len(pairs), -1)
    second, mask = sample(pairs.second, pairs.second_mask, transforms)
    mask *= pairs.first_mask.reshape(first.shape) > MIN_MASK_COVERAGE
    x, y = _details(first, mask), _details(second, mask)
    products = x * (x * mask), y * y * mask, y * (x * mask), mask
    means = (average_pool(values, TILES_PER_SIDE).reshape(len(pairs), -1) for values in products)
    return _median_correlation(*means)


def _median_correlation(xx: Floats, yy: Floats, xy: Floats, shown: Floats) -> Floats:
    """Return the median over tiles of the correlation of details (P,); NaN if too few tiles can be compared.

    It is the smaller of the medians over all tiles and over inner ones: in images that share only a frame, the outer
    tiles alone correlate.

    Args:
        xx: Mean square of the details of the first image in each tile (P, tiles).
        yy: The same of the second image.
        xy: Mean product of both.
        shown: Share of the pixels of each tile that both images show.
    """
    noise = TILE_NOISE * shown
    correlation = xy / np.sqrt((xx + noise) * (yy + noise)).clip(1e-6)
    correlation = np.where(shown > MIN_TILE_OVERLAP, correlation, np.inf)
    inner = correlation.reshape(-1, TILES_PER_SIDE, TILES_PER_SIDE)[:, 1:-1, 1:-1].reshape(len(correlation), -1)
    return np.minimum(_tile_median(correlation), _tile_median(inner))


def _tile_median(values: Floats) -> Floats:
    """Return the medians of the finite values of each pair (P, tiles); NaN if there are few."""
    counts = np.isfinite(values).sum(axis=1)
    middle = np.maximum(counts - 1, 0) // 2
    medians = np.take_along_axis(np.sort(values, axis=1), middle[:, None], axis=1)[:, 0]
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
