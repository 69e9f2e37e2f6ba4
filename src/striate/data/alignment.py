"""Align pairs of thumbnails by affine transforms."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.gray_levels import SIZE, Floats

ALIGNMENT_STEPS = 6  # steps of the alignment at each size
# Correlation after so many steps below which a pair is given up. Of 12,900 accepted pairs of an image and an altered
# copy, none has less than 0.72, 0.78 and 0.83.
MIN_PROGRESS = {1: 0.6, 2: 0.72, 3: 0.8}
OUTLIER_WEIGHT = 4.0  # how fast the weight of a pixel falls with its squared error
DAMPING = 1e-3  # added to the diagonal of the Hessian, relative to its mean
TRANSFORM_LIMITS = ((0.72, -0.2, -0.25), (-0.2, 0.72, -0.25)), ((1.35, 0.2, 0.25), (0.2, 1.35, 0.25))
MIN_MASK_COVERAGE = 0.9  # a pooled pixel counts if the mask includes more than this share of it
MIN_OVERLAP = 0.5  # share of the pixels that both images show
MIN_STD = 0.2  # lower bound of a standard deviation that is divided by, in gray levels


@dataclass(frozen=True, eq=False)
class ThumbnailPairs:
    """Pairs of images (P, size, size), and masks of the pixels that are compared, 0 … 1."""

    first: Floats
    second: Floats
    first_mask: Floats
    second_mask: Floats

    def __len__(self) -> int:
        return len(self.first)

    def take(self, rows: NDArray[Any]) -> "ThumbnailPairs":
        """Select pairs.

        Args:
            rows: Row numbers, or a mask (P,).

        Returns:
            The selected pairs.
        """
        return ThumbnailPairs(self.first[rows], self.second[rows], self.first_mask[rows], self.second_mask[rows])

    def pooled(self, size: int) -> "ThumbnailPairs":
        """Reduce images and masks by averaging.

        Args:
            size: Their new height and width in pixels, which divides the present one.

        Returns:
            Pairs (P, size, size).
        """
        if size == self.first.shape[1]:
            return self
        return ThumbnailPairs(
            average_pool(self.first, size), average_pool(self.second, size),
            average_pool(self.first_mask, size), average_pool(self.second_mask, size),
        )  # fmt: skip


def align(pairs: ThumbnailPairs, transforms: Floats) -> tuple[Floats, Floats]:
    """Find the affine transforms that align the second image of each pair with the first.

    Pairs that make too little progress (MIN_PROGRESS) are given up before the last step.

    Args:
        pairs: Thumbnails (P, size, size), with their gray levels clipped.
        transforms: The initial transforms (P, 2, 3).

    Returns:
        The correlation (P,) with the best transform, and this transform (P, 2, 3).

    Source:
        Baker, Matthews, "Lucas-Kanade 20 Years On" (2004): inverse compositional algorithm, robustly weighted.
    """
    size, second = pairs.first.shape[1], pairs.second
    first, first_mask = (x.reshape(len(pairs), -1) for x in (pairs.first, pairs.first_mask))
    second_mask = pairs.second_mask
    x, y = _grid(size)
    dy, dx = (slope.reshape(first.shape) * size for slope in np.gradient(pairs.first, axis=(1, 2)))
    jacobian = np.stack([dx * x, dx * y, dx, dy * x, dy * y, dy], axis=1)  # (P, 6, size²)
    best, best_transforms = np.full(len(pairs), -1, np.float32), transforms.copy()
    rows = np.arange(len(pairs))
    for step in range(ALIGNMENT_STEPS + 1):
        moved, mask = sample(second, second_mask, transforms)
        mask *= first_mask > MIN_MASK_COVERAGE
        (standard_first, std), (standard_second, _) = standardize(first, mask), standardize(moved, mask)
        correlation = mean_product(standard_first, standard_second, mask)
        better = (correlation > best[rows]) & (mask.mean(axis=1) >= MIN_OVERLAP)
        best[rows[better]], best_transforms[rows[better]] = correlation[better], transforms[better]
        if step == ALIGNMENT_STEPS:
            break
        if step in MIN_PROGRESS:
            kept = best[rows] >= MIN_PROGRESS[step]
            rows = rows[kept]
            first, first_mask, second, second_mask, jacobian, transforms, mask, std, standard_first, standard_second = (
                array[kept]
                for array in (
                    first, first_mask, second, second_mask, jacobian, transforms, mask, std, standard_first,
                    standard_second,
                )
            )  # fmt: skip
            if not len(rows):
                break
        error = standard_second - standard_first
        weighted = jacobian * (mask / (1 + OUTLIER_WEIGHT * error * error))[:, None]
        hessian = weighted @ jacobian.transpose(0, 2, 1)
        hessian += (DAMPING / 6 * np.trace(hessian, axis1=1, axis2=2) + 1e-6)[:, None, None] * np.eye(6)
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


def sample(images: Floats, mask: Floats, transforms: Floats) -> tuple[Floats, Floats]:
    """Sample images (P, size, size) bilinearly at transformed positions.

    `warp.py` samples uint8 images with 8-bit weights, which are not exact enough for the gradients used here.

    Args:
        images: float32 (P, size, size).
        mask: 1 for the pixels that are compared (P, size, size).
        transforms: Affine transforms (P, 2, 3) from positions in the result to those in `images`.

    Returns:
        The values (P, size²), and 1 where the position is inside of the image and the mask.
    """
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
    return upper + (lower - upper) * v, (inside & (mask.reshape(-1)[index] > MIN_MASK_COVERAGE)).astype(np.float32)


@cache
def _grid(size: int) -> tuple[Floats, Floats]:
    """Return x and y of the centers of pixels (size²,), −½ … ½."""
    centers = ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    y, x = np.meshgrid(centers, centers, indexing="ij")
    return x.reshape(-1), y.reshape(-1)


def average_pool(images: Floats, size: int) -> Floats:
    """Compute the means of equal squares of thumbnails.

    Args:
        images: float32 (P, SIZE, SIZE) or (P, SIZE²).
        size: Number of squares along each side.

    Returns:
        The means (P, size, size).
    """
    factor = SIZE // size
    rows = images.reshape(-1, size, factor, SIZE).sum(axis=2)
    means: Floats = rows.reshape(-1, size, size, factor).sum(axis=3) / np.float32(factor * factor)
    return means


def standardize(x: Floats, mask: Floats) -> tuple[Floats, Floats]:
    """Shift and scale images to mean 0 and standard deviation 1 within a mask.

    Args:
        x: Images (P, size²).
        mask: 1 for the pixels that count (P, size²).

    Returns:
        The images, 0 outside of the mask, and their former standard deviations (P, 1).
    """
    count = np.maximum(mask.sum(axis=1, keepdims=True), 1)
    x = (x - (x * mask).sum(axis=1, keepdims=True) / count) * mask
    std = np.sqrt((x * x).sum(axis=1, keepdims=True) / count)
    return x / np.maximum(std, MIN_STD), std


def mean_product(x: Floats, y: Floats, mask: Floats) -> Floats:
    """Compute the mean of x · y within a mask: for standardized images, their correlation.

    Args:
        x: Images (P, size²).
        y: Images (P, size²).
        mask: 1 for the pixels that count (P, size²).

    Returns:
        The means (P,).
    """
    means: Floats = (x * y).sum(axis=1) / np.maximum(mask.sum(axis=1), 1)
    return means
