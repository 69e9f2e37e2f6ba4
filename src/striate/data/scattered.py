"""Scattered digits: each at a random place, size, stroke thickness and angle on a larger canvas, made from mnist5k."""

import numpy as np
from numpy.typing import NDArray

from striate.data.affine import undo, warp
from striate.data.dataset import Dataset, Images, fingerprint
from striate.data.mnist import mnist5k
from striate.data.order import uniforms
from striate.data.split import digest_images
from striate.images import ImagePolicy

CANVAS = 56  # pixels; four times MNIST's area
COPIES = 3  # of each training digit; a test digit counts once, so that its interval is honest
SIZE = (0.6, 1.6)  # factor
ANGLE = 25  # degrees to either side; more would turn 6 into 9
THICKNESS = (0.3, 2.5)  # 0 is a pixel thinner all around, 1 as written, 2 and 3 a pixel and two thicker
REACH = 14  # pixels from the middle of a thickened MNIST digit to its farthest ink, nearly always
POLICY = ImagePolicy(CANVAS, CANVAS, 1, "digit", digit_size=22)

Grey = NDArray[np.uint8]


def scattered(seed: int = 0) -> Dataset:
    """About 12,000 training, 500 validation and 500 test pictures of 56×56, the same for the same seed.

    Each part is made from the digits of the same part of `mnist5k`, so no handwriting is in two parts.
    """
    source = mnist5k(seed)
    train = _scatter(source.train, seed, COPIES)
    validation, test = (_scatter(part, seed, 1) for part in (source.validation, source.test))
    parts = [(digest_images(part.x, seed), part.y) for part in (train, validation, test)]
    mark = fingerprint(source.classes, parts)
    return Dataset("scattered", source.classes, train, validation, test, POLICY, mark)


def _scatter(digits: Images, seed: int, copies: int) -> Images:
    """`copies` pictures of each digit; how each looks depends on the digit itself, the copy and the seed."""
    numbers = digest_images(digits.x, seed).view(np.int64)
    pictures = [
        _place(digits.x.astype(np.uint8, copy=False), uniforms(seed, copy, numbers, 5)) for copy in range(copies)
    ]
    return Images(np.concatenate(pictures), np.tile(digits.y, copies))


def _place(x: Grey, draws: NDArray[np.float64]) -> Grey:
    """uint8 (N, 28, 28, 1) to (N, 56, 56, 1); draws (N, 5) decide size, angle, thickness, row and column."""
    size = SIZE[0] + (SIZE[1] - SIZE[0]) * draws[:, 0]
    angle = np.radians(ANGLE) * (2 * draws[:, 1] - 1)
    inked = _thicken(x, THICKNESS[0] + (THICKNESS[1] - THICKNESS[0]) * draws[:, 2])
    margin = REACH * size
    row, column = (margin + (CANVAS - 1 - 2 * margin) * draws[:, i] for i in (3, 4))
    middle = x.shape[1] / 2, x.shape[2] / 2  # where MNIST has the centre of mass
    inverse = undo(angle, np.zeros_like(angle), (size, size), middle, (row, column))
    return warp(inked, inverse, CANVAS, CANVAS).astype(np.uint8, copy=False)


def _thicken(x: Grey, thickness: NDArray[np.float64]) -> Grey:
    """Strokes of the wanted thickness (N,), between the steps of a thinner, the same and two thicker digits."""
    thicker = _spread(x)
    steps = np.stack([255 - _spread(255 - x), x, thicker, _spread(thicker)])  # (steps, N, H, W, C)
    lower = np.minimum(thickness.astype(np.int64), 2)
    part = np.rint((thickness - lower) * 256).astype(np.uint16)[:, None, None, None]
    rows = np.arange(len(x))
    mixed = steps[lower, rows].astype(np.uint16) * (256 - part) + steps[lower + 1, rows].astype(np.uint16) * part
    return np.asarray(mixed >> 8, np.uint8)


def _spread(x: Grey) -> Grey:
    """Each pixel takes the lightest of itself and its four neighbours."""
    out = x.copy()
    np.maximum(out[:, 1:], x[:, :-1], out=out[:, 1:])
    np.maximum(out[:, :-1], x[:, 1:], out=out[:, :-1])
    np.maximum(out[:, :, 1:], x[:, :, :-1], out=out[:, :, 1:])
    np.maximum(out[:, :, :-1], x[:, :, 1:], out=out[:, :, :-1])
    return out
