"""Normalize a photographed or drawn digit like those of MNIST."""

import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]


def normalize_digit(pixels: Gray, height: int, width: int, digit_size: int) -> Gray:
    """Normalize a digit: light ink on black, scaled, with the center of mass of the ink in the middle.

    An image that already has the target size and a dark border is returned unchanged. Otherwise the brightness of the
    paper is estimated from the border, the contrast of the ink to it is stretched, and the bounding box of the ink is
    scaled so that its longer side is `digit_size` and placed by its center of mass.

    Args:
        pixels: uint8 (H, W).
        height: Height of the result in pixels.
        width: Width of the result in pixels.
        digit_size: Longer side of the ink in pixels.

    Returns:
        uint8 (height, width).

    Source:
        LeCun, Bottou, Bengio, Haffner 1998, section III-A.
    """
    if pixels.shape == (height, width) and _border(pixels).mean() < 64:
        return pixels
    ink = _ink(_overview(pixels))
    box = _box(ink)
    if box is None:
        return np.zeros((height, width), np.uint8)
    return _place(_shrink(ink[box], digit_size), height, width)


def _border(pixels: Gray) -> Gray:
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _overview(pixels: Gray) -> Gray:
    """Average the image down to at most 512 pixels a side, which is fast and removes camera noise."""
    from PIL import Image

    factor = -(-max(pixels.shape) // 512)
    return np.asarray(Image.fromarray(pixels).reduce(factor))


def _paper(pixels: Gray) -> NDArray[np.float64]:
    """Estimate the brightness (H, W) of the paper: a plane fitted to the border, without ink that crosses it."""
    H, W = pixels.shape
    row, column = np.linspace(-1, 1, H)[:, None], np.linspace(-1, 1, W)[None, :]
    positions = np.stack([np.ones((H, W)), row + 0 * column, column + 0 * row], axis=2)  # (H, W, 3)
    values = _border(pixels).astype(np.float64)
    at_border = np.concatenate([positions[0], positions[-1], positions[:, 0], positions[:, -1]])
    is_paper = np.abs(values - np.percentile(values, 50, method="lower")) < 40
    plane, *_ = np.linalg.lstsq(at_border[is_paper], values[is_paper], rcond=None)
    return np.asarray(positions @ plane, np.float64)


def _ink(pixels: Gray) -> Gray:
    """Return the contrast of each pixel to the paper, 0 … 255; shadows and noise become 0."""
    paper = _paper(pixels)
    distance = pixels - paper if np.median(paper) < 128 else paper - pixels
    strongest = float(distance.max())
    if strongest < 16:  # only noise
        return np.zeros(pixels.shape, np.uint8)
    low = 0.2 * strongest
    ink: NDArray[np.float64] = np.clip((distance - low) / (0.75 * (strongest - low)), 0, 1)
    return (ink * 255 + 0.5).astype(np.uint8)


def _box(ink: Gray) -> tuple[slice, slice] | None:
    rows, columns = np.flatnonzero(ink.max(axis=1) > 64), np.flatnonzero(ink.max(axis=0) > 64)
    if not rows.size:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _shrink(ink: Gray, digit_size: int) -> Gray:
    from PIL import Image

    scale = digit_size / max(ink.shape)
    size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    shrunk = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BILINEAR)).astype(np.float32)
    # Scaling makes thin pen strokes pale; those of MNIST are white in the middle.
    bright: NDArray[np.float32] = shrunk * np.float32(255 / max(float(shrunk.max()), 1.0))
    return np.minimum(bright, 255).astype(np.uint8)


def _place(digit: Gray, height: int, width: int) -> Gray:
    """Place the digit on black, with its center of mass as near the middle as the edges allow."""
    canvas = np.zeros((height, width), np.uint8)
    top = _start(digit.sum(axis=1, dtype=np.float64), height)
    left = _start(digit.sum(axis=0, dtype=np.float64), width)
    canvas[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return canvas


def _start(mass: NDArray[np.float64], size: int) -> int:
    # MNIST's digits have their center on pixel 14 of 0 … 27, half a pixel beyond the middle.
    center = float((mass * np.arange(mass.size)).sum() / mass.sum())
    return min(max(round(size / 2 - center), 0), size - mass.size)
