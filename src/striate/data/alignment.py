"""Align pairs of thumbnails, and measure whether they show the same image, perhaps altered.

A pair is a match if either the whole images and their details correlate, or, as in copies with text over the image or
filled borders, the details of most tiles do. Details are what remains after subtracting a blurred image.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]  # float32

SIZE = 64  # of a thumbnail, in pixels
MIN_UNCLIPPED = 0.1  # share of pixels that neither image clips, from which brightness is fitted only to them
MIN_OVERLAP = 0.5  # share of the pixels that both images show
MIN_COARSE = 0.85  # correlation at 16×16 pixels, aligned, from which the comparison continues
MIN_FINE = 0.88  # the same at 32×32
MAX_SCALE = 1.22  # of one image against the other: a crop of 15 %, and some tolerance
MAX_ASPECT = 1.9  # width / height or height / width of images that may be rotated
MAX_ROTATION = 0.16  # 5° in images of that aspect ratio
MIN_WHOLE = 0.953  # mean correlation at 32×32 and 64×64 pixels of near-duplicates
MIN_SIMILARITY = 0.8  # mean of that and of the correlation of what is finer than 5 pixels
BORDER = 6  # pixels of a thumbnail: the width of the corners that a rotation by 5° leaves empty
ALIGNMENT_STEPS = 6  # of the alignment at each size
MID_GRAY = 127.5  # gray level
MASK_SHARE = 0.9  # of the pixels that are averaged into one count
SATURATED = 3  # gray levels next to black and white: clipped, or filled when an image was rotated
TRANSFORM_LIMITS = ((0.72, -0.2, -0.25), (-0.2, 0.72, -0.25)), ((1.35, 0.2, 0.25), (0.2, 1.35, 0.25))
MAD_TO_STD = 1.4826  # standard deviation / median absolute deviation of a normal distribution
ALIGNMENT_DEVIATIONS = 2.0  # from the median, by which gray levels are limited for the alignment
TILE = 8  # pixels on each side of the parts whose details are compared
TILE_NOISE = 1.0  # variance of details, in gray levels, that counts as noise
MIN_SHOWN = 0.7  # share of the pixels of a tile that both images show
MIN_TILES = 12  # that are compared
MIN_UNMOVED = 0.3  # agreement of near-duplicates that need no alignment
MIN_ALIGNED = 0.42  # the same after alignment, which finds some agreement in any two images
EXCEPTIONAL = 16.0  # near-duplicates agree this many times better than the median pair, which may share a background
SPARSE = 40  # tiles; drawings and digits vary in fewer of the 64, and resemble each other: they must agree better
MIN_SPARSE = 0.95  # similarity of near-duplicates of this kind


@dataclass(frozen=True, eq=False)
class Levels:
    """Typical gray levels of thumbnails.

    Attributes:
        median: (N,).
        deviation: (N,), the standard deviation, estimated from the median absolute deviation.
        tiles: (N,), the number of tiles that are not uniform.
    """

    median: Floats
    deviation: Floats
    tiles: Floats

    def take(self, rows: Any) -> "Levels":
        """Return the levels of some thumbnails.

        Args:
            rows: Row numbers, or a mask (N,).

        Returns:
            Their gray levels.
        """
        return Levels(self.median[rows], self.deviation[rows], self.tiles[rows])

    @classmethod
    def concatenate(cls, parts: "list[Levels]") -> "Levels":
        """Join the gray levels of several parts.

        Args:
            parts: The levels of each part.

        Returns:
            The levels of all thumbnails.
        """
        columns = zip(*((part.median, part.deviation, part.tiles) for part in parts), strict=True)
        return cls(*(np.concatenate(column) for column in columns))


def gray_levels(images: Floats) -> Levels:
    """Compute the typical gray levels of thumbnails.

    Args:
        images: Gray levels (N, SIZE, SIZE), 0 … 255.

    Returns:
        Their median, deviation and number of tiles.
    """
    flat = np.asarray(images, np.float32).reshape(len(images), -1)
    median = _row_medians(flat)
    deviation = MAD_TO_STD * _row_medians(np.abs(flat - median[:, None]))
    varied = np.ptp(_tiles(flat), axis=2) > 0
    return Levels(median, deviation, varied.sum(axis=1))


def _row_medians(values: Floats) -> Floats:
    """Return the medians of rows whose values are multiples of ½ below 2¹⁴, which are sorted as small integers."""
    ordered = np.sort((2 * values).astype(np.uint16), axis=1, kind="stable")
    middle = values.shape[1] // 2
    medians: Floats = (ordered[:, middle - 1].astype(np.float32) + ordered[:, middle]) / 4
    return medians


def limit(images: Floats, levels: Levels, deviations: float, mask: Floats | None = None) -> Floats:
    """Clip gray levels to an interval around the median, and fill empty corners with the median.

    Args:
        images: Gray levels (N, SIZE, SIZE), 0 … 255.
        levels: The typical gray levels of these images.
        deviations: Half the width of the interval, in standard deviations.
        mask: 0 for the pixels of empty corners (N, SIZE, SIZE); None: it is computed.

    Returns:
        The clipped gray levels (N, SIZE, SIZE).
    """
    mask = _unfilled_mask(images) if mask is None else mask
    median, reach = levels.median[:, None, None], (deviations * levels.deviation + SATURATED - 1)[:, None, None]
    return np.where(mask > 0, np.clip(images, median - reach, median + reach), median)


@dataclass(frozen=True, eq=False)
class Agreement:
    """How well pairs of thumbnails agree.

    Attributes:
        whole: (P,), the similarity of pairs that agree as a whole, MIN_SIMILARITY … 1; 0 for the others.
        unmoved: (P,), the agreement of the details of most tiles without alignment, -1 … 1; NaN if not comparable.
        aligned: (P,), the same after alignment.
        sparse: (P,), whether both are drawings or the like, which must agree as a whole.
    """

    whole: Floats
    unmoved: Floats
    aligned: Floats
    sparse: NDArray[np.bool_]

    @classmethod
    def concatenate(cls, parts: "list[Agreement]") -> "Agreement":
        """Join the agreement of the pairs of several parts.

        Args:
            parts: The agreement of each part.

        Returns:
            The agreement of all pairs.
        """
        columns = zip(*((part.whole, part.unmoved, part.aligned, part.sparse) for part in parts), strict=True)
        return cls(*(np.concatenate(column) for column in columns))

    def similarity(self, compared: int) -> Floats:
        """Return the similarity of the pairs (P,), MIN_SIMILARITY … 1; 0 for those that are not near-duplicates.

        Near-duplicates agree in parts far better than most pairs of a folder.

        Args:
            compared: Number of pairs that were considered, all of a folder; those that are missing here did not agree.

        Returns:
            The similarity (P,).
        """
        agreement = np.zeros(max(compared, len(self.unmoved)))
        agreement[: len(self.unmoved)] = np.nan_to_num(self.unmoved)
        usual = float(np.median(agreement))
        in_parts = self.unmoved >= max(MIN_UNMOVED, EXCEPTIONAL * usual)
        in_parts |= self.aligned >= max(MIN_ALIGNED, EXCEPTIONAL * usual)
        similarity = np.where(in_parts, np.maximum(self.whole, MIN_SIMILARITY), self.whole)
        kept: Floats = np.where(self.sparse & (similarity < MIN_SPARSE), 0, similarity).astype(np.float32)
        return kept


def compare(first: Floats, second: Floats, levels: tuple[Levels, Levels], transforms: Floats) -> Agreement:
    """Align pairs of thumbnails and compare them.

    Args:
        first: Gray levels (P, SIZE, SIZE).
        second: The same.
        levels: Gray levels of both.
        transforms: Affine transforms (P, 2, 3) from positions in `first` to those in `second`, to start from.

    Returns:
        How well they agree.
    """
    masks = _unfilled_mask(first), _unfilled_mask(second)
    one, other = (
        limit(x, each, ALIGNMENT_DEVIATIONS, mask) for x, each, mask in zip((first, second), levels, masks, strict=True)
    )
    coarse, transforms = _align(one, other, masks, transforms, 16)
    unmoved = _tile_agreement(first, second, masks)
    whole, aligned = np.zeros(len(first), np.float32), np.full(len(first), np.nan, np.float32)
    rows = np.flatnonzero(coarse >= MIN_COARSE)
    if len(rows):
        pair = (masks[0][rows], masks[1][rows])
        fine, transforms = _align(one[rows], other[rows], pair, transforms[rows], 32)
        kept = (fine >= MIN_FINE) & _is_alteration(transforms)
        rows, transforms = rows[kept], transforms[kept]
    if len(rows):
        first, second, masks = first[rows], second[rows], (masks[0][rows], masks[1][rows])
        correlation, detail = np.mean(
            [_correlations(first, second, masks, transforms, size) for size in (32, 64)], axis=0
        )
        both = (correlation + detail) / 2
        whole[rows] = np.where((correlation >= MIN_WHOLE) & (both >= MIN_SIMILARITY), both, 0)
        aligned[rows] = _tile_agreement(first, second, masks, transforms)
    return Agreement(whole, unmoved, aligned, np.maximum(levels[0].tiles, levels[1].tiles) < SPARSE)


def _tile_agreement(
    first: Floats, second: Floats, masks: tuple[Floats, Floats], transforms: Floats | None = None
) -> Floats:
    """Return the smaller of the medians over all and over inner tiles (P,) of the correlation of details.

    NaN if too few tiles can be compared.
    """
    if transforms is None:
        moved, mask = second.reshape(-1, SIZE * SIZE), masks[1].reshape(-1, SIZE * SIZE).copy()
    else:
        moved, mask = _sample(second, masks[1], transforms)
    mask *= masks[0].reshape(-1, SIZE * SIZE) > MASK_SHARE
    x, y = _details(first.reshape(-1, SIZE * SIZE), moved, mask)
    weighted = x * mask
    products = x * weighted, y * y * mask, y * weighted, mask
    count = SIZE // TILE
    xx, yy, xy, shown = (_average(values, count).reshape(-1, count * count) for values in products)
    noise = TILE_NOISE * shown
    correlation = xy / np.sqrt((xx + noise) * (yy + noise)).clip(1e-6)
    correlation = np.where(shown > MIN_SHOWN, correlation, np.inf)
    inner = correlation.reshape(-1, SIZE // TILE, SIZE // TILE)[:, 1:-1, 1:-1].reshape(len(first), -1)
    return np.minimum(_median(correlation), _median(inner))  # only the outer ones agree where images share a frame


def _median(values: Floats) -> Floats:
    """Return the medians of the finite values of rows (P,); NaN where there are few."""
    counts = np.isfinite(values).sum(axis=1)
    middle = np.maximum(counts - 1, 0) // 2
    medians = np.take_along_axis(np.sort(values, axis=1), middle[:, None], axis=1)[:, 0]
    return np.where(counts >= MIN_TILES, medians, np.nan)


def _tiles(values: Floats) -> Floats:
    """Return the pixels of each tile (P, tiles, TILE²) of images (P, SIZE²)."""
    count = SIZE // TILE
    return (
        values.reshape(len(values), count, TILE, count, TILE)
        .swapaxes(2, 3)
        .reshape(len(values), count * count, TILE * TILE)
    )


def _is_alteration(transforms: Floats) -> NDArray[np.bool_]:
    """Return whether transforms (P, 2, 3) are those of a crop and a rotation, rather than of a shear (as of digits)."""
    scales, (p, q) = transforms[:, [0, 1], [0, 1]], (transforms[:, 0, 1], transforms[:, 1, 0])
    larger, smaller = np.maximum(np.abs(p), np.abs(q)), np.minimum(np.abs(p), np.abs(q)) * (p * q <= 0)
    opposed = larger <= 0.03 + MAX_ASPECT**2 * smaller  # a rotation by t gives -t·aspect, t/aspect
    rotated = (larger <= MAX_ROTATION) & opposed
    plausible: NDArray[np.bool_] = rotated & (np.maximum(scales, 1 / scales) <= MAX_SCALE).all(axis=1)
    return plausible


def _correlations(
    first: Floats, second: Floats, masks: tuple[Floats, Floats], transforms: Floats, size: int
) -> tuple[Floats, Floats]:
    """Return the correlations of aligned images, and those of their details (P,)."""
    a, b = _average_pool(first, size), _average_pool(second, size)
    moved, mask = _sample(b, _average_pool(masks[1], size), transforms)
    mask *= _average_pool(masks[0], size).reshape(len(a), size * size) > MASK_SHARE
    x, y = _match_brightness(a.reshape(len(a), size * size), moved, mask)
    return _correlation(x, y, mask), _correlation(*_details(x, y, mask), mask)


def _unfilled_mask(images: Floats) -> Floats:
    """Return 0 for black and white pixels near the border, as a rotation leaves them, and 1 for all others."""
    clipped = np.abs(images - MID_GRAY) > MID_GRAY - SATURATED
    padded = np.pad(clipped, ((0, 0), (1, 1), (1, 1)))
    rows = padded[:, :-2] | padded[:, 1:-1] | padded[:, 2:]  # with their neighbors
    filled = rows[:, :, :-2] | rows[:, :, 1:-1] | rows[:, :, 2:]
    filled[:, BORDER:-BORDER, BORDER:-BORDER] = False
    return (~filled).astype(np.float32)


def _average_pool(images: Floats, size: int) -> Floats:
    factor = images.shape[1] // size
    if factor == 1:
        return images
    return _average(images, size)


def _average(images: Floats, size: int) -> Floats:
    """Return the means (P, size, size) of equal squares of thumbnails, (P, SIZE, SIZE) or (P, SIZE²)."""
    factor = SIZE // size
    rows = images.reshape(-1, size, factor, SIZE).sum(axis=2)
    means: Floats = rows.reshape(-1, size, size, factor).sum(axis=3) / np.float32(factor * factor)
    return means


def _match_brightness(a: Floats, b: Floats, mask: Floats) -> tuple[Floats, Floats]:
    """Change brightness and contrast of one of two images (P, size²) to those of the other, and clip it alike."""
    clipped_a, clipped_b = (np.abs(x - MID_GRAY) > MID_GRAY - SATURATED for x in (a, b))
    clear = mask * ~(clipped_a | clipped_b)
    clear = np.where(clear.mean(axis=1, keepdims=True) >= MIN_UNCLIPPED, clear, mask)
    b_is_clipped = ((clipped_b * mask).sum(axis=1) > (clipped_a * mask).sum(axis=1))[:, None]
    x, y = np.where(b_is_clipped, a, b), np.where(b_is_clipped, b, a)
    return _fit_brightness(x, y, clear), y


def _fit_brightness(a: Floats, b: Floats, mask: Floats) -> Floats:
    """Return the linear function of a that is nearest to b, clipped to the gray levels; outliers are left out."""
    fitted = a
    for _ in range(2):
        count = np.maximum(mask.sum(axis=1, keepdims=True), 1)
        mean_a, mean_b = ((x * mask).sum(axis=1, keepdims=True) / count for x in (a, b))
        centered = (a - mean_a) * mask
        variance = np.maximum((centered * centered).sum(axis=1, keepdims=True), 1e-3)
        gain = np.maximum((centered * (b - mean_b)).sum(axis=1, keepdims=True), 0) / variance
        fitted = (a - mean_a) * gain + mean_b
        error = np.abs(fitted - b)
        mask = mask * (error <= 3 * (error * mask).sum(axis=1, keepdims=True) / count + 1)
    return np.clip(fitted, 0, 255)


def _details(first: Floats, second: Floats, mask: Floats) -> tuple[Floats, Floats]:
    """Return what is finer than 5 pixels in images (P, size²)."""
    counts = np.maximum(_box_sum(mask), 1)
    one, other = (values - _box_sum(values * mask) / counts for values in (first, second))
    return one, other


def _box_sum(values: Floats) -> Floats:
    """Return the sums over 5×5 pixels around each pixel (P, size²)."""
    size = round(values.shape[1] ** 0.5)
    padded = np.pad(values.reshape(-1, size, size), ((0, 0), (2, 2), (2, 2)))
    two = padded[:, :-1] + padded[:, 1:]
    rows = two[:, :-3] + two[:, 2:-1] + padded[:, 4:]
    two = rows[:, :, :-1] + rows[:, :, 1:]
    sums: Floats = (two[:, :, :-3] + two[:, :, 2:-1] + rows[:, :, 4:]).reshape(values.shape)
    return sums


def _correlation(a: Floats, b: Floats, mask: Floats) -> Floats:
    (a, _), (b, _) = _normalized(a, mask), _normalized(b, mask)
    correlation: Floats = (a * b).sum(axis=1) / np.maximum(mask.sum(axis=1), 1)
    return correlation


def _normalized(x: Floats, mask: Floats) -> tuple[Floats, Floats]:
    count = np.maximum(mask.sum(axis=1, keepdims=True), 1)
    x = (x - (x * mask).sum(axis=1, keepdims=True) / count) * mask
    std = np.sqrt((x * x).sum(axis=1, keepdims=True) / count)
    return x / np.maximum(std, 0.2), std


@cache
def _grid(size: int) -> tuple[Floats, Floats]:
    centers = ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    y, x = np.meshgrid(centers, centers, indexing="ij")
    return x.reshape(-1), y.reshape(-1)


def _sample(images: Floats, mask: Floats, transforms: Floats) -> tuple[Floats, Floats]:
    """Sample images at transformed positions; return values (P, size²) and 1 where they are inside and in the mask."""
    count, size = images.shape[:2]
    x, y = _grid(size)
    u, v = ((transforms[:, axis, :1] * x + transforms[:, axis, 1:2] * y + transforms[:, axis, 2:] + 0.5) * size - 0.5
            for axis in (0, 1))  # fmt: skip
    inside = (np.abs(u - (size - 1) / 2) <= size / 2) & (np.abs(v - (size - 1) / 2) <= size / 2)
    u, v = np.clip(u, 0, size - 1.001), np.clip(v, 0, size - 1.001)
    left, top = u.astype(np.int32), v.astype(np.int32)
    u, v = u - left, v - top
    index = np.arange(count, dtype=np.int32)[:, None] * (size * size) + top * size + left
    flat = images.reshape(-1)
    upper, lower = flat[index], flat[index + size]
    upper += (flat[index + 1] - upper) * u
    lower += (flat[index + size + 1] - lower) * u
    return upper + (lower - upper) * v, (inside & (mask.reshape(-1)[index] > MASK_SHARE)).astype(np.float32)


def _align(
    first: Floats, second: Floats, masks: tuple[Floats, Floats], transforms: Floats, size: int
) -> tuple[Floats, Floats]:
    """Find the affine transforms that align `second` with `first`, starting from given ones.

    Args:
        first: Thumbnails (P, SIZE, SIZE).
        second: Thumbnails (P, SIZE, SIZE).
        masks: 1 for the pixels of each that are compared (P, SIZE, SIZE).
        transforms: The initial transforms (P, 2, 3).
        size: Height and width in pixels to which the thumbnails are reduced.

    Returns:
        The correlation (P,) with the best transform, and this transform (P, 2, 3).

    Source:
        Baker, Matthews, "Lucas-Kanade 20 Years On" (2004): inverse compositional algorithm, robustly weighted.
    """
    a, b = _average_pool(first, size), _average_pool(second, size)
    mask_a, mask_b = (_average_pool(each, size) for each in masks)
    count, (x, y) = len(a), _grid(size)
    dy, dx = (slope.reshape(count, size * size) * size for slope in np.gradient(a, axis=(1, 2)))
    jacobian = np.stack([dx * x, dx * y, dx, dy * x, dy * y, dy], axis=1)  # (P, 6, size²)
    a, counts = a.reshape(count, size * size), mask_a.reshape(count, size * size) > MASK_SHARE
    best, best_transforms = np.full(count, -1, np.float32), transforms
    for step in range(ALIGNMENT_STEPS + 1):
        moved, mask = _sample(b, mask_b, transforms)
        mask *= counts
        (normal_a, std), (normal_b, _) = _normalized(a, mask), _normalized(moved, mask)
        score = (normal_a * normal_b).sum(axis=1) / np.maximum(mask.sum(axis=1), 1)
        better = (score > best) & (mask.mean(axis=1) >= MIN_OVERLAP)
        best, best_transforms = (
            np.where(better, score, best),
            np.where(better[:, None, None], transforms, best_transforms),
        )
        if step < ALIGNMENT_STEPS:
            error = normal_b - normal_a
            weighted = jacobian * (mask / (1 + 4 * error * error))[:, None]
            hessian = weighted @ jacobian.transpose(0, 2, 1)
            hessian += (1e-3 / 6 * np.trace(hessian, axis1=1, axis2=2) + 1e-6)[:, None, None] * np.eye(6)
            change = np.linalg.solve(hessian, weighted @ (error * std)[:, :, None]).reshape(-1, 2, 3)
            transforms = _apply_inverse(transforms, change.astype(np.float32))
    return best, best_transforms


def _apply_inverse(transforms: Floats, change: Floats) -> Floats:
    """Return the transforms composed with the inverse of a small change, within the limits."""
    bottom = np.broadcast_to(np.array([[0, 0, 1]], np.float32), (len(transforms), 1, 3))
    inverse = np.linalg.inv(np.concatenate([change + np.eye(2, 3, dtype=np.float32), bottom], axis=1))
    composed = (np.concatenate([transforms, bottom], axis=1) @ inverse)[:, :2]
    limited: Floats = np.clip(composed, *np.array(TRANSFORM_LIMITS, np.float32))
    return limited
