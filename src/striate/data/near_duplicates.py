"""Find images that show nearly the same: saved again, resized, cropped, mirrored, rotated a little, frames of a video.

Each image is reduced to a gray thumbnail. A short description of the thumbnail's low frequencies finds, for each image,
the few others that may match; these candidates are then aligned pixel by pixel and compared in detail.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.parallel import chunk_ranges, map_ordered, one_blas_thread, progress_bar
from striate.images import ImagePolicy

Floats = NDArray[Any]  # float32
Rows = NDArray[np.int64]

SIZE = 64
THUMBNAILS = ImagePolicy(SIZE, SIZE, 1, "stretch")
FREQUENCIES = 10  # of the description along each axis
CROP = 0.92  # side of the crops that are described besides the whole image; the alignment finds the rest
MAX_WITH_CROPS = 20_000  # images; of more, only whole images are compared, and no crops
CANDIDATES = 5  # other images that are compared in detail for each image
MIN_DESCRIPTION = 0.35  # correlation of two descriptions, from which the images are compared in detail
MIN_UNCLIPPED = 0.1  # share of pixels that neither image clips, from which brightness is fitted only to them
MIN_OVERLAP = 0.5  # share of the pixels that both images show
MIN_COARSE = 0.85  # correlation at 16×16 pixels, aligned, from which the comparison goes on
MAX_SCALE = 1.22  # of one image against the other: a crop of 15 %, and some tolerance
MAX_ASPECT = 1.9  # width / height or height / width of images that may be rotated
MAX_ROTATION = 0.16  # 5° in images of that aspect ratio
MIN_FINE = 0.88  # the same at 32×32
MIN_WHOLE = 0.953  # mean correlation at 32×32 and 64×64 pixels of near-duplicates
MIN_SIMILARITY = 0.8  # mean of that and of the correlation of what is finer than 5 pixels
BLOCK_VALUES = 16_000_000  # correlations that are held in memory at a time
PAIRS_PER_BLOCK = 128  # that a thread aligns at a time
BORDER = 6  # pixels of a thumbnail: as far as the corners that a rotation by 5° leaves empty
ALIGNMENT_STEPS = 6  # of the alignment at each size
MID_GRAY = 127.5  # gray level
MASK_SHARE = 0.9  # of the pixels that are averaged into one count
SATURATED = 3  # gray levels next to black and white: clipped, or filled when an image was rotated
TRANSFORM_LIMITS = ((0.72, -0.2, -0.25), (-0.2, 0.72, -0.25)), ((1.35, 0.2, 0.25), (0.2, 1.35, 0.25))

Box = tuple[float, float, float, float]  # top, bottom, left, right as fractions of the image
WHOLE: Box = (0, 1, 0, 1)
CORNERS: tuple[Box, ...] = tuple(
    (top, top + CROP, left, left + CROP) for top in (0, 1 - CROP) for left in (0, 1 - CROP)
)


@dataclass(frozen=True)
class NearDuplicates:
    """Pairs of near-duplicates.

    Attributes:
        pairs: Rows of both images, int64 (P, 2), the smaller first, in ascending order.
        similarity: float32 (P,), `MIN_SIMILARITY` … 1.
    """

    pairs: Rows
    similarity: Floats


def find_near_duplicates(thumbnails: Any) -> NearDuplicates:
    """Find pairs of images that show nearly the same.

    Each image is compared in detail with the `CANDIDATES` most similar ones. Of more than `MAX_WITH_CROPS`
    images, cropped copies are found less often, since the work grows with the square of their number.

    Args:
        thumbnails: uint8 (N, SIZE, SIZE, 1), made by the policy `THUMBNAILS`; an array or a `MappedArray`.

    Returns:
        The pairs.

    Example:
        >>> import numpy as np
        >>> from striate.data.near_duplicates import find_near_duplicates
        >>> images = np.random.default_rng(0).integers(0, 256, (9, 8, 8)).repeat(8, 1).repeat(8, 2)[..., None]
        >>> images[5] = images[2, :, ::-1]
        >>> find_near_duplicates(images.astype(np.uint8)).pairs
        array([[2, 5]])
    """
    return pairs_of(find_matches(thumbnails))


def find_matches(thumbnails: Any) -> Floats:
    """Return the near-duplicates of each image: float32 (N, CANDIDATES, 2) with row and similarity, or zeros."""
    matches = np.zeros((len(thumbnails), CANDIDATES, 2), np.float32)
    if len(thumbnails) < 2:
        return matches
    boxes = (WHOLE, *CORNERS) if len(thumbnails) <= MAX_WITH_CROPS else (WHOLE,)
    with one_blas_thread():  # threads compare different images
        candidates = _find_candidates(thumbnails, boxes)
        similarity = _compare_candidates(thumbnails, candidates, boxes)
    first = candidates.first  # ascending
    rank = np.arange(len(first)) - np.searchsorted(first, first)
    matches[first, rank, 0], matches[first, rank, 1] = candidates.second, similarity
    return matches


def pairs_of(matches: Floats) -> NearDuplicates:
    """Return the pairs among matches that `find_matches` returned."""
    first, rank = np.nonzero(matches[:, :, 1])
    second, similarity = matches[first, rank, 0].astype(np.int64), matches[first, rank, 1]
    pairs, number = np.unique(np.sort(np.stack([first, second], axis=1), axis=1), axis=0, return_inverse=True)
    highest = np.zeros(len(pairs), np.float32)
    np.maximum.at(highest, number.reshape(-1), similarity)
    return NearDuplicates(pairs.reshape(-1, 2).astype(np.int64), highest)


def describe(thumbnails: Any, box: Box) -> Floats:
    """Return the low frequencies of a part of each thumbnail as unit vectors (N, FREQUENCIES² − 1)."""
    rows, columns = _frequencies(box[0], box[1]), _frequencies(box[2], box[3])
    described = np.einsum("ay,nyx,bx->nab", rows, np.asarray(thumbnails, np.float32), columns, optimize=True)
    values = (described * _weights()).reshape(len(described), -1)[:, 1:]  # (N, A, B) → (N, A · B − 1)
    unit: Floats = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-6)
    return unit


@cache
def _frequencies(low: float, high: float) -> Floats:
    """Return the matrix (FREQUENCIES, SIZE) of the discrete cosine transform of a part of an axis."""
    cells = SIZE // 2
    edges = np.linspace(low * SIZE, high * SIZE, cells + 1)
    pixel = np.arange(SIZE)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    means = np.maximum(overlap, 0) / np.diff(edges)[:, None]  # (cells, SIZE)
    angles = np.pi * (np.arange(cells) + 0.5) * np.arange(FREQUENCIES)[:, None] / cells
    cosines: Floats = (np.cos(angles) @ means).astype(np.float32)
    return cosines


def _weights() -> Floats:
    """Return the weights (A, B) of the frequencies: natural images have less of the higher ones."""
    frequency = np.arange(FREQUENCIES)
    return (np.hypot(frequency[:, None], frequency) ** 0.25).astype(np.float32)


@dataclass(frozen=True)
class _Candidates:
    """Pairs of images to compare in detail: a part of `second` looks like the whole of `first`.

    Attributes:
        first: Rows (P,).
        second: Rows (P,).
        mirrored: Whether `first` is mirrored (P,).
        box: Number of the part of `second` (P,): 0 for the whole image, then those of CORNERS.
    """

    first: Rows
    second: Rows
    mirrored: NDArray[np.bool_]
    box: Rows


def _find_candidates(thumbnails: Any, boxes: Sequence[Box]) -> _Candidates:
    parts = [_describe_all(thumbnails, box) for box in boxes]
    whole, chunks = parts[0], chunk_ranges(len(parts[0]), max(1, BLOCK_VALUES // len(parts[0])))
    found = []
    with progress_bar("comparing images", len(whole)) as advance:
        for rows, block in zip(chunks, map_ordered(lambda rows: _nearest(rows, whole, parts), chunks), strict=True):
            found.append(block)
            advance(len(rows))
    first, second, code = np.concatenate(found, axis=1)
    return _Candidates(first, second, code % 2 == 1, code // 2)


def _describe_all(thumbnails: Any, box: Box) -> Floats:
    blocks = [describe(thumbnails[rows.start : rows.stop][..., 0], box) for rows in chunk_ranges(len(thumbnails), 512)]
    return np.concatenate(blocks)


def _nearest(rows: range, whole: Floats, parts: Sequence[Floats]) -> Rows:
    """Return the images whose parts are most similar to these: (3, P) with rows of both, and 2 · box + mirrored."""
    part, count = whole[rows.start : rows.stop], min(CANDIDATES, len(whole) - 1)
    best = np.full((len(rows), len(whole)), -1, np.float32)
    code = np.zeros(best.shape, np.int8)
    for mirrored, queries in enumerate((part, part * _mirror_signs())):
        for box, described in enumerate(parts):
            correlation = queries @ described.T
            better = correlation > best
            np.copyto(best, correlation, where=better)
            code[better] = 2 * box + mirrored
    best[np.arange(len(rows)), np.arange(rows.start, rows.stop)] = -1
    columns = np.argpartition(-best, count - 1, axis=1)[:, :count]
    first, second = np.repeat(np.arange(len(rows)), count), columns.reshape(-1)
    keep = best[first, second] >= MIN_DESCRIPTION
    return np.stack([first + rows.start, second, code[first, second]])[:, keep].astype(np.int64)


def _mirror_signs() -> Floats:
    """Return what a description is multiplied by when the image is mirrored: −1 for odd horizontal frequencies."""
    return np.where(np.arange(1, FREQUENCIES**2) % FREQUENCIES % 2, -1, 1).astype(np.float32)


def _compare_candidates(thumbnails: Any, candidates: _Candidates, boxes: Sequence[Box]) -> Floats:
    """Return the similarity of each pair of candidates (P,), 0 … 1; 0 where they are not near-duplicates."""
    transforms = np.array([_box_transform(box) for box in boxes], np.float32)

    def compare(rows: range) -> Floats:
        part = slice(rows.start, rows.stop)
        first, second = (
            np.asarray(thumbnails[rows_of[part]], np.float32)[..., 0]
            for rows_of in (candidates.first, candidates.second)
        )
        mirrored = candidates.mirrored[part]
        first[mirrored] = first[mirrored][:, :, ::-1]
        return _similarity(first, second, transforms[candidates.box[part]])

    chunks = chunk_ranges(len(candidates.first), PAIRS_PER_BLOCK)
    with progress_bar("aligning images", len(candidates.first)) as advance:
        similarity = [np.zeros(0, np.float32)]
        for block in map_ordered(compare, chunks):
            similarity.append(block)
            advance(len(block))
    return np.concatenate(similarity)


def _box_transform(box: Box) -> list[list[float]]:
    """Return the affine transform (2, 3) from positions in an image, −½ … ½, to those in a part of another."""
    top, bottom, left, right = box
    return [[right - left, 0, (left + right - 1) / 2], [0, bottom - top, (top + bottom - 1) / 2]]


def _similarity(first: Floats, second: Floats, transforms: Floats) -> Floats:
    """Align pairs of thumbnails (P, SIZE, SIZE), and return how similar they are (P,); 0 below the limits."""
    similarity = np.zeros(len(first), np.float32)
    masks = _unfilled_mask(first), _unfilled_mask(second)
    coarse, transforms = _align(first, second, masks, transforms, 16)
    remaining = np.flatnonzero(coarse >= MIN_COARSE)
    if not len(remaining):
        return similarity
    first, second, transforms, masks = (
        first[remaining],
        second[remaining],
        transforms[remaining],
        (masks[0][remaining], masks[1][remaining]),
    )
    fine, transforms = _align(first, second, masks, transforms, 32)
    remaining, kept = remaining[fine >= MIN_FINE], fine >= MIN_FINE
    first, second, transforms, masks = first[kept], second[kept], transforms[kept], (masks[0][kept], masks[1][kept])
    whole, detail = np.mean([_correlations(first, second, masks, transforms, size) for size in (32, 64)], axis=0)
    both = (whole + detail) / 2
    similarity[remaining] = np.where(
        _is_alteration(transforms) & (whole >= MIN_WHOLE) & (both >= MIN_SIMILARITY), both, 0
    )
    return similarity


def _is_alteration(transforms: Floats) -> NDArray[np.bool_]:
    """Return whether transforms (P, 2, 3) are those of a crop and a rotation, rather than of a shear (as of digits)."""
    scales, (p, q) = transforms[:, [0, 1], [0, 1]], (transforms[:, 0, 1], transforms[:, 1, 0])
    larger, smaller = np.maximum(np.abs(p), np.abs(q)), np.minimum(np.abs(p), np.abs(q)) * (p * q <= 0)
    rotated = (larger <= MAX_ROTATION) & (
        larger <= 0.03 + MAX_ASPECT**2 * smaller
    )  # a rotation by t gives -t·aspect, t/aspect
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
    return _correlation(x, y, mask), _correlation(_detail(x, mask), _detail(y, mask), mask)


def _unfilled_mask(images: Floats) -> Floats:
    """Return 0 for black and white pixels near the border, as a rotation leaves them, and 1 for all others."""
    clipped = np.abs(images - MID_GRAY) > MID_GRAY - SATURATED
    filled = np.zeros(clipped.shape, bool)
    padded = np.pad(clipped, ((0, 0), (1, 1), (1, 1)))
    for row, column in product(range(3), repeat=2):  # with their neighbors
        filled |= padded[:, row : row + SIZE, column : column + SIZE]
    filled[:, BORDER:-BORDER, BORDER:-BORDER] = False
    return (~filled).astype(np.float32)


def _average_pool(images: Floats, size: int) -> Floats:
    factor = images.shape[1] // size
    if factor == 1:
        return images
    averaged: Floats = images.reshape(-1, size, factor, size, factor).mean(axis=(2, 4))  # (P, H, W) → (P, size, size)
    return averaged


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


def _detail(values: Floats, mask: Floats) -> Floats:
    """Return what is finer than 5 pixels (P, size²)."""
    fine: Floats = values - _box_sum(values * mask) / np.maximum(_box_sum(mask), 1)
    return fine


def _box_sum(values: Floats) -> Floats:
    """Return the sums over 5×5 pixels around each pixel (P, size²)."""
    size = round(values.shape[1] ** 0.5)
    total = np.pad(values.reshape(-1, size, size), ((0, 0), (3, 2), (3, 2))).cumsum(1).cumsum(2)
    sums = total[:, 5:, 5:] - total[:, :-5, 5:] - total[:, 5:, :-5] + total[:, :-5, :-5]
    flat: Floats = sums.reshape(values.shape)
    return flat


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
        size: In pixels to which the thumbnails are reduced.

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
