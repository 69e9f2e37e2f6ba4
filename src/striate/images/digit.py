"""Bring a person's own picture of a digit into the form of MNIST's digits."""

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]


def normalize_digit(pixels: Grey, height: int, width: int, digit_size: int) -> Grey:
    """uint8 (H, W) to uint8 (height, width): light ink on black, upright size, ink's centre of mass in the middle.

    A picture already of that size with a dark border is taken as it is. Otherwise: ink made light (the paper is
    what the border shows, with its shading), contrast stretched, cut to the box around the ink, scaled so that its
    longer side is `digit_size`, placed by centre of mass.
    Source: LeCun, Bottou, Bengio, Haffner 1998, section III-A.
    """
    if pixels.shape == (height, width) and _border(pixels).mean() < 64:
        return pixels
    ink = _ink(_overview(pixels))
    box = _box(ink)
    if box is None:
        return np.zeros((height, width), np.uint8)
    return _place(_shrink(ink[box], digit_size), height, width)


def _border(pixels: Grey) -> Grey:
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _overview(pixels: Grey) -> Grey:
    """The picture at no more than 512 pixels a side, by averaging: fast, and without the grain of a camera."""
    from PIL import Image

    factor = -(-max(pixels.shape) // 512)
    return np.asarray(Image.fromarray(pixels).reduce(factor))


def _paper(pixels: Grey) -> NDArray[np.float64]:
    """The brightness (H, W) of the paper alone: the plane through the border, without what is written across it."""
    H, W = pixels.shape
    row, column = np.linspace(-1, 1, H)[:, None], np.linspace(-1, 1, W)[None, :]
    place = np.stack([np.ones((H, W)), row + 0 * column, column + 0 * row], axis=2)  # (H, W, 3)
    seen = _border(pixels).astype(np.float64)
    known = np.concatenate([place[0], place[-1], place[:, 0], place[:, -1]])
    plain = np.abs(seen - np.percentile(seen, 50, method="lower")) < 40
    plane, *_ = np.linalg.lstsq(known[plain], seen[plain], rcond=None)
    return np.asarray(place @ plane, np.float64)


def _ink(pixels: Grey) -> Grey:
    """How far each pixel is from the paper, 0 … 255; shadows and grain of the paper become 0."""
    paper = _paper(pixels)
    distance = pixels - paper if np.median(paper) < 128 else paper - pixels
    strongest = float(distance.max())
    if strongest < 16:  # nothing but grain
        return np.zeros(pixels.shape, np.uint8)
    low = 0.2 * strongest
    ink: NDArray[np.float64] = np.clip((distance - low) / (0.75 * (strongest - low)), 0, 1)
    return (ink * 255 + 0.5).astype(np.uint8)


def _box(ink: Grey) -> tuple[slice, slice] | None:
    rows, columns = np.flatnonzero(ink.max(axis=1) > 64), np.flatnonzero(ink.max(axis=0) > 64)
    if not rows.size:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _shrink(ink: Grey, digit_size: int) -> Grey:
    from PIL import Image

    scale = digit_size / max(ink.shape)
    size = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    shrunk = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BILINEAR)).astype(np.float32)
    # Thin pen strokes come out pale; MNIST's are white in the middle.
    bright: NDArray[np.float32] = shrunk * np.float32(255 / max(float(shrunk.max()), 1.0))
    return np.minimum(bright, 255).astype(np.uint8)


def _place(digit: Grey, height: int, width: int) -> Grey:
    """The digit on black, its centre of mass as near the middle as the edges allow."""
    canvas = np.zeros((height, width), np.uint8)
    top = _start(digit.sum(axis=1, dtype=np.float64), height)
    left = _start(digit.sum(axis=0, dtype=np.float64), width)
    canvas[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return canvas


def _start(mass: NDArray[np.float64], room: int) -> int:
    # MNIST's digits have their centre on pixel 14 of 0 … 27, half a pixel beyond the middle.
    centre = float((mass * np.arange(mass.size)).sum() / mass.sum())
    return min(max(round(room / 2 - centre), 0), room - mass.size)
