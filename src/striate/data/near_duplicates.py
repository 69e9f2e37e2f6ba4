"""Find images that show nearly the same: saved again, resized, cropped, mirrored, rotated a little, frames of a video.

Each image is reduced to a thumbnail. A short description of the low frequencies of its gray levels finds, for each
image, the few others that may match; `alignment.py` aligns these candidates and `pair_scores.py` compares them in
detail, at the end also their colors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.gray_levels import (
    SIZE,
    Floats,
    GrayLevelStats,
    clip_gray_levels,
    color_differences,
    concatenate,
    gray_level_stats,
    gray_levels,
)
from striate.data.pair_scores import (
    CANDIDATES,
    MAX_SPARSE_TILES,
    PairScores,
    PreparedThumbnails,
    align_coarsely,
    compare_aligned,
    prepare_thumbnails,
    tile_correlation,
)
from striate.data.parallel import chunk_ranges, map_ordered, one_blas_thread, progress_bar
from striate.images import ThumbnailPolicy

Rows = NDArray[np.int64]

THUMBNAILS = ThumbnailPolicy(SIZE, SIZE, 1, "stretch")
FREQUENCIES = 10  # number of frequencies of a description along each axis
CROP_SIDE = 0.92  # side of a crop / of the image; crops are described besides whole images, the alignment finds others
MAX_WITH_CROPS = 20_000  # number of images up to which crops are described
DESCRIPTION_DEVIATIONS = 0.5  # gray levels are clipped to so few deviations that text has little effect
MIN_DESCRIPTION_CORRELATION = 0.65  # correlation of descriptions from which images are compared in detail
BLOCK_VALUES = 16_000_000  # number of correlations in memory at a time
PAIRS_PER_BLOCK = 128  # number of pairs that a thread aligns at a time
IMAGES_PER_BLOCK = 256  # number of images that a thread describes, or compares with all others, at a time
MAX_PREPARED = 4096  # number of images of which what their comparison needs, 22 KB each, is held in memory
PREPARED_PER_BLOCK = 64

Box = tuple[float, float, float, float]  # top, bottom, left, right as fractions of the image
WHOLE: Box = (0, 1, 0, 1)
CORNERS: tuple[Box, ...] = tuple(
    (top, top + CROP_SIDE, left, left + CROP_SIDE) for top in (0, 1 - CROP_SIDE) for left in (0, 1 - CROP_SIDE)
)


@dataclass(frozen=True)
class NearDuplicates:
    """Pairs of near-duplicates.

    Attributes:
        pairs: Rows of both images, int64 (P, 2), the smaller first, in ascending order.
        similarity: float32 (P,), `pair_scores.MIN_SIMILARITY` … 1.
        mirrored: bool (P,), whether one image is like the other mirrored.
        images_resemble: Whether many different images resemble each other, so that only very similar ones are pairs.
    """

    pairs: Rows
    similarity: Floats
    mirrored: NDArray[np.bool_]
    images_resemble: bool = False


def find_near_duplicates(thumbnails: Any) -> NearDuplicates:
    """Find pairs of images that show nearly the same.

    Each image is compared in detail with the `CANDIDATES` most similar ones. Of more than `MAX_WITH_CROPS`
    images, cropped copies are found less often, since the work grows with the square of their number.

    Args:
        thumbnails: uint8 (N, *THUMBNAILS.shape), made by the policy `THUMBNAILS`; an array or a `MappedArray`.

    Returns:
        The pairs.

    Example:
        >>> import numpy as np
        >>> from striate.data.near_duplicates import THUMBNAILS, find_near_duplicates
        >>> images = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), np.uint8).repeat(8, 1).repeat(8, 2)
        >>> images[5] = images[2, :, ::-1]
        >>> find_near_duplicates(np.stack([THUMBNAILS.apply(image) for image in images])).pairs
        array([[2, 5]])
    """
    return pairs_of(*find_matches(thumbnails))


def find_matches(thumbnails: Any) -> tuple[Floats, bool]:
    """Find the near-duplicates of each image.

    Args:
        thumbnails: As for `find_near_duplicates`.

    Returns:
        float32 (N, CANDIDATES, 3) with row and similarity of each near-duplicate and 1 if it is mirrored, or zeros; and
        whether many different images resemble each other.
    """
    matches = np.zeros((len(thumbnails), CANDIDATES, 3), np.float32)
    if len(thumbnails) < 2:
        return matches, False
    boxes = (WHOLE, *CORNERS) if len(thumbnails) <= MAX_WITH_CROPS else (WHOLE,)
    stats = _stats_of_all(thumbnails)
    with one_blas_thread():  # threads compare different images
        candidates = _find_candidates(thumbnails, stats, boxes)
        similarity, images_resemble = _compare_candidates(thumbnails, stats, candidates, boxes)
    first = candidates.first  # ascending
    rank = np.arange(len(first)) - np.searchsorted(first, first)
    matches[first, rank, 0], matches[first, rank, 1] = candidates.second, similarity
    matches[first, rank, 2] = candidates.mirrored
    return matches, images_resemble


def pairs_of(matches: Floats, images_resemble: bool) -> NearDuplicates:
    """Return the pairs among matches, each once.

    Args:
        matches: From `find_matches`.
        images_resemble: From `find_matches`.

    Returns:
        The pairs with the higher of their two similarities.
    """
    first, rank = np.nonzero(matches[:, :, 1])
    second, similarity = matches[first, rank, 0].astype(np.int64), matches[first, rank, 1]
    pairs, number = np.unique(np.sort(np.stack([first, second], axis=1), axis=1), axis=0, return_inverse=True)
    highest = np.zeros(len(pairs), np.float32)
    np.maximum.at(highest, number.reshape(-1), similarity)
    mirrored = np.ones(len(pairs), bool)
    np.logical_and.at(mirrored, number.reshape(-1), matches[first, rank, 2] > 0)
    return NearDuplicates(pairs.reshape(-1, 2).astype(np.int64), highest, mirrored, images_resemble)


def describe_thumbnails(thumbnails: Any, box: Box) -> Floats:
    """Return the low frequencies of a part of each thumbnail.

    Args:
        thumbnails: Gray levels (N, SIZE, SIZE).
        box: The part.

    Returns:
        Unit vectors (N, FREQUENCIES² − 1).
    """
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


def _stats_of_all(thumbnails: Any) -> GrayLevelStats:
    def stats(rows: range) -> GrayLevelStats:
        return gray_level_stats(gray_levels(thumbnails[rows.start : rows.stop]))

    return concatenate(list(map_ordered(stats, chunk_ranges(len(thumbnails), IMAGES_PER_BLOCK))))


def _find_candidates(thumbnails: Any, stats: GrayLevelStats, boxes: Sequence[Box]) -> _Candidates:
    parts = _describe_all(thumbnails, stats, boxes)
    whole, chunks = parts[0], chunk_ranges(len(parts[0]), max(1, min(IMAGES_PER_BLOCK, BLOCK_VALUES // len(parts[0]))))
    found = []
    with progress_bar("comparing images", len(whole)) as advance:
        for rows, block in zip(chunks, map_ordered(lambda rows: _nearest(rows, whole, parts), chunks), strict=True):
            found.append(block)
            advance(len(rows))
    first, second, code = np.concatenate(found, axis=1)
    return _Candidates(first, second, code % 2 == 1, code // 2)


def _describe_all(thumbnails: Any, stats: GrayLevelStats, boxes: Sequence[Box]) -> list[Floats]:
    """Return the descriptions (N, FREQUENCIES² − 1) of each part of all images."""

    def describe(rows: range) -> list[Floats]:
        part = slice(rows.start, rows.stop)
        gray = np.asarray(gray_levels(thumbnails[part]), np.float32)
        clipped = clip_gray_levels(gray, stats.take(part), DESCRIPTION_DEVIATIONS)
        return [describe_thumbnails(clipped, box) for box in boxes]

    blocks = map_ordered(describe, chunk_ranges(len(thumbnails), IMAGES_PER_BLOCK))
    return [np.concatenate(described) for described in zip(*blocks, strict=True)]


def _nearest(rows: range, whole: Floats, parts: Sequence[Floats]) -> Rows:
    """Return the images whose parts are most similar to these: (3, P) with rows of both, and 2 · box + mirrored."""
    part, count = whole[rows.start : rows.stop], min(CANDIDATES, len(whole) - 1)
    queries = (part, part * _mirror_signs())
    best = np.full((len(rows), len(whole)), -1, np.float32)
    for described, query in product(parts, queries):
        np.maximum(best, query @ described.T, out=best)
    best[np.arange(len(rows)), np.arange(rows.start, rows.stop)] = -1
    columns = np.argpartition(-best, count - 1, axis=1)[:, :count]
    first, second = np.repeat(np.arange(len(rows)), count), columns.reshape(-1)
    keep = best[first, second] >= MIN_DESCRIPTION_CORRELATION
    first, second = first[keep], second[keep]
    correlations = [
        np.einsum("pf,pf->p", query[first], described[second]) for described, query in product(parts, queries)
    ]
    return np.stack([first + rows.start, second, np.argmax(correlations, axis=0)]).astype(np.int64)


def _mirror_signs() -> Floats:
    """Return what a description is multiplied by when the image is mirrored: −1 for odd horizontal frequencies."""
    return np.where(np.arange(1, FREQUENCIES**2) % FREQUENCIES % 2, -1, 1).astype(np.float32)


def _compare_candidates(
    thumbnails: Any, stats: GrayLevelStats, candidates: _Candidates, boxes: Sequence[Box]
) -> tuple[Floats, bool]:
    """Return the similarity of each pair (P,), 0 if no near-duplicates, and whether many images resemble each other."""
    if not len(candidates.first):
        return np.zeros(0, np.float32), False
    pairs = _Pairs(thumbnails, stats, candidates, np.array([_box_transform(box) for box in boxes], np.float32))
    with progress_bar("aligning images", len(candidates.first)) as advance:
        blocks = []
        for block in map_ordered(pairs.compare_coarsely, chunk_ranges(len(candidates.first), PAIRS_PER_BLOCK)):
            blocks.append(block)
            advance(len(block.correlation))
    coarse = concatenate(blocks)
    correlation, image_similarity, tile_correlation, color_similarity = np.zeros((4, len(candidates.first)), np.float32)
    tile_correlation[:], color_similarity[:] = np.nan, np.nan
    chunks = chunk_ranges(len(coarse.rows), PAIRS_PER_BLOCK)
    found = map_ordered(lambda numbers: pairs.compare_finely(coarse, numbers), chunks)
    for numbers, compared in zip(chunks, found, strict=True):
        rows = coarse.rows[numbers.start : numbers.stop]
        correlation[rows], image_similarity[rows], tile_correlation[rows], color_similarity[rows] = compared
    scores = PairScores(
        len(thumbnails), candidates.first, correlation, image_similarity, coarse.correlation, tile_correlation,
        color_similarity, pairs.are_sparse(),
    )  # fmt: skip
    return scores.similarity(), scores.images_resemble


@dataclass(frozen=True, eq=False)
class _CoarseComparison:
    """Tile correlations of pairs (P,), and the rows of those that are aligned, with their transforms."""

    correlation: Floats
    rows: Rows
    transforms: Floats


class _Pairs:
    """Pairs of thumbnails that are compared in detail, block by block.

    Of up to `MAX_PREPARED` images, what all their pairs need is computed once and kept.

    Args:
        thumbnails: uint8 (N, *THUMBNAILS.shape).
        stats: Their statistics.
        candidates: The pairs.
        transforms: Affine transforms from whole images to each box (B, 2, 3).
    """

    def __init__(self, thumbnails: Any, stats: GrayLevelStats, candidates: _Candidates, transforms: Floats) -> None:
        self._thumbnails, self._stats, self._candidates, self._transforms = thumbnails, stats, candidates, transforms
        self._first, self._second = 2 * candidates.first + candidates.mirrored, 2 * candidates.second
        keys = np.unique(np.concatenate([self._first, self._second]))
        self._keys, self._prepared = keys, None
        if len(keys) <= MAX_PREPARED:
            self._prepared = PreparedThumbnails.empty(len(keys))
            for _ in map_ordered(self._keep_prepared, chunk_ranges(len(keys), PREPARED_PER_BLOCK)):
                pass

    def _keep_prepared(self, rows: range) -> None:
        """Prepare some images, in a thread, into memory that all threads share."""
        assert self._prepared is not None, "set before this is called"
        self._prepared.put(rows, self._prepare(self._keys[rows.start : rows.stop]))

    def _prepare(self, keys: Rows) -> PreparedThumbnails:
        return prepare_thumbnails(self._images(keys), self._stats.take(keys // 2))

    def _images(self, keys: Rows) -> Floats:
        """Return images (n, SIZE, SIZE): that of row k // 2, mirrored if k is odd."""
        return _mirror(np.asarray(gray_levels(self._thumbnails[keys // 2]), np.float32), keys)

    def _colors(self, keys: Rows) -> Floats:
        """Return the color differences of images, (n, 2, COLOR_SIZE, COLOR_SIZE), mirrored as `_images`."""
        return _mirror(color_differences(self._thumbnails[keys // 2]), keys)

    def are_sparse(self) -> NDArray[np.bool_]:
        """Return whether both images of each pair are sparse, (P,)."""
        tiles = self._stats.varied_tiles
        sparse: NDArray[np.bool_] = (
            np.maximum(tiles[self._candidates.first], tiles[self._candidates.second]) < MAX_SPARSE_TILES
        )
        return sparse

    def compare_coarsely(self, rows: range) -> _CoarseComparison:
        """Compare some pairs without alignment, and find those that can be aligned."""
        part = slice(rows.start, rows.stop)
        keys, prepared = self._keys, self._prepared
        if prepared is None:
            keys = np.unique(np.concatenate([self._first[part], self._second[part]]))
            prepared = self._prepare(keys)
        first, second = (prepared.take(np.searchsorted(keys, side[part])) for side in (self._first, self._second))
        aligned, transforms = align_coarsely(first, second, self._transforms[self._candidates.box[part]])
        return _CoarseComparison(tile_correlation(first, second), aligned + rows.start, transforms)

    def compare_finely(self, coarse: _CoarseComparison, numbers: range) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the scores of `compare_aligned` of some of the pairs that are aligned."""
        part = slice(numbers.start, numbers.stop)
        rows, transforms = coarse.rows[part], coarse.transforms[part]
        first, second = self._first[rows], self._second[rows]
        return compare_aligned(
            self._images(first), self._images(second), self._colors(first), self._colors(second),
            self._stats.take(first // 2), self._stats.take(second // 2), transforms,
        )  # fmt: skip


def _mirror(images: Floats, keys: Rows) -> Floats:
    """Mirror those images (n, …, width) whose key is odd, in place."""
    mirrored = keys % 2 == 1
    images[mirrored] = images[mirrored][..., ::-1]
    return images


def _box_transform(box: Box) -> list[list[float]]:
    """Return the affine transform (2, 3) from positions in an image, −½ … ½, to those in a part of another."""
    top, bottom, left, right = box
    return [[right - left, 0, (left + right - 1) / 2], [0, bottom - top, (top + bottom - 1) / 2]]
