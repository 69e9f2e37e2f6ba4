"""Resample a batch of images under affine transforms, in one bilinear sampling step."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Pixels

Matrices = NDArray[np.float64]
Floats = NDArray[np.float64]
Int32s = NDArray[np.int32]
Words = NDArray[np.uint32]

FIXED_ONE = 256  # positions are integers in units of 1/256 pixel, so results are the same on every machine
LANES = np.uint32(0x00FF00FF)
FILLS = ("black", "edge", "reflect")  # how pixels outside an image are filled
MAX_POSITION = 8000.0  # pixels; clearly outside any image, and sums of two positions still fit in 32 bits
CHUNK = 1 << 16  # output pixels processed at once: few calls, and buffers that fit in the CPU cache


def inverse_affine(
    angle: Floats, shear: Floats, scale: tuple[Floats, Floats],
    center: tuple[float | Floats, float | Floats], target: tuple[Floats, Floats],
) -> Matrices:  # fmt: skip
    """Compute the inverse matrices that `warp` needs to scale, shear, rotate and move images.

    The forward transform is
    result = R(angle) · [[1, 0], [shear, 1]] · diag(scale) · (original − center) + target,
    with positions as (row, column).

    Args:
        angle: (N,) rotation in radians, clockwise, since rows count downwards.
        shear: (N,) columns per row.
        scale: (N,) factors of height and of width.
        center: (row, column) of the fixed point in the original, each (N,) or one number for all images.
        target: (row, column), each (N,), the position of the center in the result.

    Returns:
        float64 (N, 2, 3).
    """
    cos, sin = np.cos(angle), np.sin(angle)
    inverse = np.empty((len(angle), 2, 3))
    inverse[:, 0, 0], inverse[:, 0, 1] = cos / scale[0], -sin / scale[0]
    inverse[:, 1, 0], inverse[:, 1, 1] = (sin - shear * cos) / scale[1], (cos + shear * sin) / scale[1]
    for axis in range(2):
        moved = inverse[:, axis, 0] * target[0] + inverse[:, axis, 1] * target[1]
        inverse[:, axis, 2] = center[axis] - moved
    return inverse


def warp(x: Pixels, inverse: Matrices, height: int, width: int, fill: str = "black", *, rounded: bool = True) -> Pixels:
    """Resample images with bilinear interpolation.

    Each image is computed independently of the others, so the result does not depend on how they are batched.

    Args:
        x: Images (N, H, W, C), uint8 or float32.
        inverse: (N, 2, 3); the output pixel at (row i, column j) shows x at the position inverse @ (i, j, 1), in
            pixels.
        height: Rows of the result.
        width: Columns of the result.
        fill: How pixels outside the image are filled: "black" (0), with the nearest pixel of the "edge", or with the
            image reflected once ("reflect").
        rounded: Whether uint8 images are rounded to uint8; otherwise they become float32.

    Returns:
        Images (N, height, width, C): float32, or uint8 where x is uint8 and `rounded` is true.
    """
    out = np.empty((len(x), height, width, x.shape[3]), x.dtype if rounded else np.float32)
    by_row, by_column = position_terms(inverse, height, width)
    size = max(1, CHUNK // (height * width))
    for start in range(0, len(x), size):
        chunk = slice(start, start + size)
        _warp_chunk(x[chunk], by_row[:, chunk], by_column[:, chunk], fill, out[chunk])
    return out


def position_terms(inverse: Matrices, height: int, width: int) -> tuple[Int32s, Int32s]:
    """Compute the position that each output pixel samples, as a sum of one term per row and one per column.

    Args:
        inverse: float64 (N, 2, 3), as for `warp`.
        height: Rows of the result.
        width: Columns of the result.

    Returns:
        int32 (2, N, height) and int32 (2, N, width), in 1/256 pixel; the first axis is (row, column) in the original.
    """
    terms = np.moveaxis(inverse, 1, 0)  # N 2 3 → 2 N 3
    return _fixed(terms[..., :1] * np.arange(height) + terms[..., 2:]), _fixed(terms[..., 1:2] * np.arange(width))


def _warp_chunk(x: Pixels, by_row: Int32s, by_column: Int32s, fill: str, out: Pixels) -> None:
    _, H, W, C = x.shape
    y_at, x_at = (_positions(by_row[axis], by_column[axis], size, fill) for axis, size in ((0, H), (1, W)))
    corner = (y_at >> 8) * (W + 2)
    corner += x_at >> 8
    corner += np.arange(len(x), dtype=np.int32)[:, None, None] * ((H + 2) * (W + 2))
    index = corner.astype(np.intp)
    blend: Callable[..., Any] = _blend_floats
    if x.dtype == np.uint8:
        blend = _blend_bytes if out.dtype == np.uint8 else _blend_unrounded
    for channel in range(C):
        out[..., channel] = blend(_with_margins(x[..., channel]), W + 2, index, y_at & 255, x_at & 255)


def _positions(by_row: Int32s, by_column: Int32s, size: int, fill: str) -> Int32s:
    """Return the coordinate that each output pixel samples on one axis, with the margin of two pixels added.

    With "black", positions at least one pixel outside the image sample only the margin.

    Returns:
        int32 (n, height, width) in 1/256 pixel.
    """
    if fill == "black":
        at = (by_row + 2 * FIXED_ONE)[:, :, None] + by_column[:, None, :]
        return np.clip(at, 0, (size + 2) * FIXED_ONE, out=at)
    at, last = by_row[:, :, None] + by_column[:, None, :], (size - 1) * FIXED_ONE
    if fill == "reflect":
        np.abs(at, out=at)
        np.subtract(last, at, out=at)
        np.abs(at, out=at)
        np.subtract(last, at, out=at)
    np.clip(at, 0, last, out=at)
    at += 2 * FIXED_ONE
    return at


def _fixed(pixels: Matrices) -> Int32s:
    return np.rint(np.clip(pixels, -MAX_POSITION, MAX_POSITION) * FIXED_ONE).astype(np.int32)


def _with_margins(plane: NDArray[Any]) -> NDArray[Any]:
    """Flatten images (n, H, W), with two zeros before each row and two rows of zeros before each image.

    The margin before a row is also the margin after the previous row. One more margin follows the last image.

    Returns:
        A flat array.
    """
    n, H, W = plane.shape
    block = (H + 2) * (W + 2)
    flat = np.zeros(n * block + 3 * (W + 2), plane.dtype)
    flat[: n * block].reshape(n, H + 2, W + 2)[:, 2:, 2:] = plane
    return flat


def _blend_bytes(flat: NDArray[np.uint8], stride: int, index: NDArray[np.intp], fy: Int32s, fx: Int32s) -> Words:
    """Return the weighted mean of the four pixels at each index, rounded."""
    words = _blend_words(flat, stride, index, fy, fx)
    words += np.uint32(1 << 15)
    words >>= np.uint32(16)
    return words


def _blend_unrounded(
    flat: NDArray[np.uint8], stride: int, index: NDArray[np.intp], fy: Int32s, fx: Int32s
) -> NDArray[np.float32]:
    """Return the weighted mean of the four pixels at each index."""
    return _blend_words(flat, stride, index, fy, fx) * np.float32(1 / (1 << 16))


def _blend_words(flat: NDArray[np.uint8], stride: int, index: NDArray[np.intp], fy: Int32s, fx: Int32s) -> Words:
    """Return 65536 times the weighted mean of four pixels, as integers: two 16-bit lanes in each 32-bit word."""
    words = _windows(flat, stride).take(index, mode="clip")
    left = words & LANES  # upper left, and in the high lane lower left
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
    """Pack each pixel with its right, lower and lower right neighbors into the four bytes of one word."""
    wide = flat.astype(np.uint16)
    pairs = (wide[:-1] | (wide[1:] << np.uint16(8))).astype(np.uint32)
    return pairs[:-stride] | (pairs[stride:] << np.uint32(16))


def _blend_floats(
    flat: NDArray[np.float32], stride: int, index: NDArray[np.intp], fy: Int32s, fx: Int32s
) -> NDArray[np.float32]:
    """Return the weighted mean of the four pixels at each index."""
    right, down = (part.astype(np.float32) / np.float32(FIXED_ONE) for part in (fx, fy))
    upper, upper_right = flat.take(index), flat.take(index + 1)
    lower, lower_right = flat.take(index + stride), flat.take(index + stride + 1)
    upper += (upper_right - upper) * right
    lower += (lower_right - lower) * right
    return upper + (lower - upper) * down
