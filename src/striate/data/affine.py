"""Move, turn, scale and shear many pictures at once: one bilinear sampling step each."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Pixels

Matrix = NDArray[np.float64]
Numbers = NDArray[np.float64]
Whole = NDArray[np.int32]
Words = NDArray[np.uint32]

ONE = 256  # positions are whole numbers of 1/256 pixel, so results are the same on every machine
LANES = np.uint32(0x00FF00FF)
FILLS = ("black", "edge", "reflect")  # what is seen beyond the edges of a picture
FAR = 8000.0  # pixels; clearly outside, and its sums fit in 32 bits
CHUNK = 1 << 16  # output pixels worked on at once: few calls, and buffers that stay in the cache


def undo(
    angle: Numbers, shear: Numbers, size: tuple[Numbers, Numbers],
    middle: tuple[float | Numbers, float | Numbers], place: tuple[Numbers, Numbers],
) -> Matrix:  # fmt: skip
    """The matrices (N, 2, 3) that `warp` needs to scale pictures about their middle, lean, turn and place them.

    result = R(angle) · [[1, 0], [shear, 1]] · diag(size) · (original − middle) + place, positions as (row, column).
    angle: radians, clockwise (rows count downwards). shear: columns per row. size: factors of height and width.
    All are (N,); middle may also be one for all.
    """
    cos, sin = np.cos(angle), np.sin(angle)
    inverse = np.empty((len(angle), 2, 3))
    inverse[:, 0, 0], inverse[:, 0, 1] = cos / size[0], -sin / size[0]
    inverse[:, 1, 0], inverse[:, 1, 1] = (sin - shear * cos) / size[1], (cos + shear * sin) / size[1]
    for axis in range(2):
        moved = inverse[:, axis, 0] * place[0] + inverse[:, axis, 1] * place[1]
        inverse[:, axis, 2] = middle[axis] - moved
    return inverse


def warp(x: Pixels, inverse: Matrix, height: int, width: int, fill: str = "black", *, rounded: bool = True) -> Pixels:
    """Pictures (N, height, width, C) of x (N, H, W, C): float32, or uint8 where x is uint8 and they are rounded.

    inverse: (N, 2, 3); the output pixel at (row i, column j) is x at the position inverse @ (i, j, 1), in pixels,
    between the four nearest pixels. fill: what lies outside is black (0), the nearest pixel of the edge, or the
    picture reflected there once. Every picture is worked out apart from the others, so the result does not depend on
    how they are batched.
    """
    out = np.empty((len(x), height, width, x.shape[3]), x.dtype if rounded else np.float32)
    down, along = steps(inverse, height, width)
    size = max(1, CHUNK // (height * width))
    for start in range(0, len(x), size):
        part = slice(start, start + size)
        _warp_chunk(x[part], down[:, part], along[:, part], fill, out[part])
    return out


def steps(inverse: Matrix, height: int, width: int) -> tuple[Whole, Whole]:
    """Where each output pixel looks: int32 (2, N, height) by row and (2, N, width) by column, to be added up.

    The first axis is (row, column) in the original; in 1/256 pixel.
    """
    terms = np.moveaxis(inverse, 1, 0)  # N 2 3 → 2 N 3
    return _fixed(terms[..., :1] * np.arange(height) + terms[..., 2:]), _fixed(terms[..., 1:2] * np.arange(width))


def _warp_chunk(x: Pixels, down: Whole, along: Whole, fill: str, out: Pixels) -> None:
    _, H, W, C = x.shape
    y_at, x_at = (_positions(down[axis], along[axis], size, fill) for axis, size in ((0, H), (1, W)))
    corner = (y_at >> 8) * (W + 2)
    corner += x_at >> 8
    corner += np.arange(len(x), dtype=np.int32)[:, None, None] * ((H + 2) * (W + 2))
    index = corner.astype(np.intp)
    blend: Callable[..., Any] = _blend_floats
    if x.dtype == np.uint8:
        blend = _blend_bytes if out.dtype == np.uint8 else _blend_exactly
    for channel in range(C):
        out[..., channel] = blend(_margins(x[..., channel]), W + 2, index, y_at & 255, x_at & 255)


def _positions(down: Whole, along: Whole, size: int, fill: str) -> Whole:
    """Where each output pixel looks, int32 (n, height, width) in 1/256 pixel, the margin of two included.

    With black, what is outside by a pixel or more looks at the margin alone.
    """
    if fill == "black":
        at = (down + 2 * ONE)[:, :, None] + along[:, None, :]
        return np.clip(at, 0, (size + 2) * ONE, out=at)
    at, last = down[:, :, None] + along[:, None, :], (size - 1) * ONE
    if fill == "reflect":
        np.abs(at, out=at)
        np.subtract(last, at, out=at)
        np.abs(at, out=at)
        np.subtract(last, at, out=at)
    np.clip(at, 0, last, out=at)
    at += 2 * ONE
    return at


def _fixed(pixels: Matrix) -> Whole:
    return np.rint(np.clip(pixels, -FAR, FAR) * ONE).astype(np.int32)


def _margins(plane: NDArray[Any]) -> NDArray[Any]:
    """Pictures (n, H, W) end to end, two zeros before each row of pixels and two rows of zeros before each picture.

    The margin before a row is also the margin after the row before it; one more of all follows the last picture.
    """
    n, H, W = plane.shape
    block = (H + 2) * (W + 2)
    flat = np.zeros(n * block + 3 * (W + 2), plane.dtype)
    flat[: n * block].reshape(n, H + 2, W + 2)[:, 2:, 2:] = plane
    return flat


def _blend_bytes(flat: NDArray[np.uint8], stride: int, index: NDArray[np.intp], fy: Whole, fx: Whole) -> Words:
    """Weighted mean of the four pixels at each index, rounded."""
    words = _blend_words(flat, stride, index, fy, fx)
    words += np.uint32(1 << 15)
    words >>= np.uint32(16)
    return words


def _blend_exactly(
    flat: NDArray[np.uint8], stride: int, index: NDArray[np.intp], fy: Whole, fx: Whole
) -> NDArray[np.float32]:
    """Weighted mean of the four pixels at each index."""
    return _blend_words(flat, stride, index, fy, fx) * np.float32(1 / (1 << 16))


def _blend_words(flat: NDArray[np.uint8], stride: int, index: NDArray[np.intp], fy: Whole, fx: Whole) -> Words:
    """65536 times the mean of the four pixels at each index, in whole numbers, two 16-bit lanes to a 32-bit word."""
    words = _windows(flat, stride).take(index, mode="clip")
    left = words & LANES  # upper left, and above it lower left
    words >>= np.uint32(8)
    words &= LANES  # upper right, lower right
    words -= left
    words *= fx.view(np.uint32)
    left <<= np.uint32(8)
    words += left  # both rows, blended along x, times 256
    upper = words & np.uint32(0xFFFF)
    words >>= np.uint32(16)
    words -= upper
    words *= fy.view(np.uint32)
    upper <<= np.uint32(8)
    words += upper
    return words


def _windows(flat: NDArray[np.uint8], stride: int) -> Words:
    """Each pixel with its right, lower and lower right neighbour in the four bytes of one word."""
    wide = flat.astype(np.uint16)
    pairs = (wide[:-1] | (wide[1:] << np.uint16(8))).astype(np.uint32)
    return pairs[:-stride] | (pairs[stride:] << np.uint32(16))


def _blend_floats(
    flat: NDArray[np.float32], stride: int, index: NDArray[np.intp], fy: Whole, fx: Whole
) -> NDArray[np.float32]:
    """Weighted mean of the four pixels at each index."""
    right, down = (part.astype(np.float32) / np.float32(ONE) for part in (fx, fy))
    upper, upper_right = flat.take(index), flat.take(index + 1)
    lower, lower_right = flat.take(index + stride), flat.take(index + stride + 1)
    upper += (upper_right - upper) * right
    lower += (lower_right - lower) * right
    return upper + (lower - upper) * down
