"""Scattered digits: mnist5k at random positions, sizes, stroke widths and angles on a larger canvas."""

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Dataset, Images, content_fingerprint
from striate.data.digests import digest_images
from striate.data.mnist import mnist5k
from striate.data.order import uniform_samples
from striate.data.warp import inverse_affine, warp
from striate.images import ImagePolicy

CANVAS = 56  # pixels; four times MNIST's area
COPIES = 3  # copies of each training digit; test digits are used once, so that confidence intervals are correct
SCALE_RANGE = (0.6, 1.6)
MAX_ANGLE = 25  # degrees to either side; more would turn 6 into 9
THICKNESS_RANGE = (0.3, 2.5)  # 0: one pixel thinner all around; 1: unchanged; 2 and 3: one and two pixels thicker
DIGIT_RADIUS = (
    14  # pixels from the center of a thickened MNIST digit to its farthest nonzero pixel, for nearly all digits
)
POLICY = ImagePolicy(CANVAS, CANVAS, 1, "digit", digit_size=22)

Gray = NDArray[np.uint8]


def scattered(seed: int = 0) -> Dataset:
    """Make about 12,000 training, 500 validation and 500 test images of 56×56, the same for the same seed.

    Each part is made from the digits of the same part of `mnist5k`, so no digit is in two parts.

    Args:
        seed: Seed of the split and of the random placement.

    Returns:
        The data set.
    """
    source = mnist5k(seed)
    train = _scatter(source.train, seed, COPIES)
    validation, test = (_scatter(part, seed, 1) for part in (source.validation, source.test))
    parts = [(digest_images(part.x, seed), part.y) for part in (train, validation, test)]
    fingerprint = content_fingerprint(source.classes, parts)
    return Dataset("scattered", source.classes, train, validation, test, POLICY, fingerprint)


def _scatter(digits: Images, seed: int, copies: int) -> Images:
    """Make `copies` images of each digit, determined by the digit, the number of the copy and the seed."""
    indices = digest_images(digits.x, seed).view(np.int64)
    images = [
        _draw(digits.x.astype(np.uint8, copy=False), uniform_samples(seed, copy, indices, 5)) for copy in range(copies)
    ]
    return Images(np.concatenate(images), np.tile(digits.y, copies))


def _draw(x: Gray, draws: NDArray[np.float64]) -> Gray:
    """Draw digits (N, 28, 28, 1) on a canvas (N, 56, 56, 1); draws (N, 5): size, angle, thickness, row, column."""
    size = SCALE_RANGE[0] + (SCALE_RANGE[1] - SCALE_RANGE[0]) * draws[:, 0]
    angle = np.radians(MAX_ANGLE) * (2 * draws[:, 1] - 1)
    stroked = _change_stroke(x, THICKNESS_RANGE[0] + (THICKNESS_RANGE[1] - THICKNESS_RANGE[0]) * draws[:, 2])
    margin = DIGIT_RADIUS * size
    row, column = (margin + (CANVAS - 1 - 2 * margin) * draws[:, i] for i in (3, 4))
    center = x.shape[1] / 2, x.shape[2] / 2  # MNIST's center of mass
    inverse = inverse_affine(angle, np.zeros_like(angle), (size, size), center, (row, column))
    return warp(stroked, inverse, CANVAS, CANVAS).astype(np.uint8, copy=False)


def _change_stroke(x: Gray, thickness: NDArray[np.float64]) -> Gray:
    """Blend between an eroded, the original and two dilated digits to get strokes of the given thickness (N,)."""
    thicker = _dilate(x)
    steps = np.stack([255 - _dilate(255 - x), x, thicker, _dilate(thicker)])  # (steps, N, H, W, C)
    lower = np.minimum(thickness.astype(np.int64), 2)
    weight = np.rint((thickness - lower) * 256).astype(np.uint16)[:, None, None, None]
    rows = np.arange(len(x))
    mixed = steps[lower, rows].astype(np.uint16) * (256 - weight) + steps[lower + 1, rows].astype(np.uint16) * weight
    return np.asarray(mixed >> 8, np.uint8)


def _dilate(x: Gray) -> Gray:
    """Set each pixel to the maximum of itself and its four neighbors."""
    out = x.copy()
    np.maximum(out[:, 1:], x[:, :-1], out=out[:, 1:])
    np.maximum(out[:, :-1], x[:, 1:], out=out[:, :-1])
    np.maximum(out[:, :, 1:], x[:, :, :-1], out=out[:, :, 1:])
    np.maximum(out[:, :, :-1], x[:, :, 1:], out=out[:, :, :-1])
    return out
