"""Resample a batch of images under affine transforms, in one bilinear sampling step."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Pixels
from striate.errors import UsageError, nearest

Matrices = NDArray[np.float64]
Floats = NDArray[np.float64]
Int32s = NDArray[np.int32]
Words = NDArray[np.uint32]

SUBPIXEL_BITS = 8
SUBPIXELS = 1 << SUBPIXEL_BITS  # positions are integers in units of 1/256 pixel: results are the same on every machine
LOW_BYTES = np.uint32(0x00FF00FF)  # mask of the low byte of both 16-bit lanes of a word
FILLS = ("black", "edge", "reflect")  # how pixels outside an image are filled
MAX_POSITION = 8000.0  # pixels; clearly outside any image, and sums of two positions still fit in 32 bits
CHUNK_PIXELS = 1 << 16  # output pixels processed at once: few calls, and buffers that fit in the CPU cache


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

    Raises:
        UsageError: If `fill` is not one of FILLS.
    """
    if fill not in FILLS:
        raise UsageError(f"Unknown fill '{fill}'.{nearest(fill, FILLS)}")
    out = np.empty((len(x), height, width, x.shape[3]), x.dtype if rounded else np.float32)
    row_terms, column_terms = position_terms(inverse, height, width)
    size = max(1, CHUNK_PIXELS // (height * width))
    for start in range(0, len(x), size):
        chunk = slice(start, start + size)
        _warp_chunk(x[chunk], row_terms[:, chunk], column_terms[:, chunk], fill, out[chunk])
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
    return _to_subpixels(terms[..., :1] * np.arange(height) + terms[..., 2:]), _to_subpixels(
        terms[..., 1:2] * np.arange(width)
    )


def _warp_chunk(x: Pixels, row_terms: Int32s, column_terms: Int32s, fill: str, out: Pixels) -> None:
    _, H, W, C = x.shape
    rows = _positions(row_terms[0], column_terms[0], H, fill)
    columns = _positions(row_terms[1], column_terms[1], W, fill)
    corner = (rows >> SUBPIXEL_BITS) * (W + 2)
    corner += columns >> SUBPIXEL_BITS
    corner += np.arange(len(x), dtype=np.int32)[:, None, None] * ((H + 2) * (W + 2))
    index = corner.astype(np.intp)
    blend: Callable[..., Any] = _blend_floats
    if x.dtype == np.uint8:
        blend = _blend_bytes if out.dtype == np.uint8 else _blend_unrounded
    fy, fx = rows & (SUBPIXELS - 1), columns & (SUBPIXELS - 1)
    for channel in range(C):
        out[..., channel] = blend(_with_margins(x[..., channel]), W + 2, index, fy, fx)


def _positions(row_terms: Int32s, column_terms: Int32s, size: int, fill: str) -> Int32s:
    """Return the coordinate that each output pixel samples on one axis, with the margin of two pixels added.

    With "black", positions at least one pixel outside the image sample only the margin.

    Returns:
        int32 (n, height, width) in 1/256 pixel.
    """
    if fill == "black":
        position = (row_terms + 2 * SUBPIXELS)[:, :, None] + column_terms[:, None, :]
        return np.clip(position, 0, (size + 2) * SUBPIXELS, out=position)
    position, last = row_terms[:, :, None] + column_terms[:, None, :], (size - 1) * SUBPIXELS
    if fill == "reflect":
        # Reflect at the first pixel, then at the last one: last − |last − |position||.
        np.abs(position, out=position)
        np.subtract(last, position, out=position)
        np.abs(position, out=position)
        np.subtract(last, position, out=position)
    np.clip(position, 0, last, out=position)
    position += 2 * SUBPIXELS
    return position


def _to_subpixels(pixels: Matrices) -> Int32s:
    return np.rint(np.clip(pixels, -MAX_POSITION, MAX_POSITION) * SUBPIXELS).astype(np.int32)


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
    words += np.uint32(1 << (2 * SUBPIXEL_BITS - 1))
    words >>= np.uint32(2 * SUBPIXEL_BITS)
    return words


def _blend_unrounded(
    flat: NDArray[np.uint8], stride: int, index: NDArray[np.intp], fy: Int32s, fx: Int32s
) -> NDArray[np.float32]:
    """Return the weighted mean of the four pixels at each index."""
    return _blend_words(flat, stride, index, fy, fx) * np.float32(1 / SUBPIXELS**2)


def _blend_words(flat: NDArray[np.uint8], stride: int, index: NDArray[np.intp], fy: Int32s, fx: Int32s) -> Words:
    """Return SUBPIXELS² times the weighted mean of four pixels, as integers: two 16-bit lanes in each 32-bit word."""
    words = _windows(flat, stride).take(index, mode="clip")
    left = words & LOW_BYTES  # upper left, and in the high lane lower left
    words >>= np.uint32(8)  # bits of a gray level
    words &= LOW_BYTES  # upper right, lower right
    words -= left
    words *= fx.view(np.uint32)
    left <<= np.uint32(SUBPIXEL_BITS)
    words += left  # both rows, blended along x, times 256
    upper = words & np.uint32(0xFFFF)
    words >>= np.uint32(16)
    words -= upper
    words *= fy.view(np.uint32)
    upper <<= np.uint32(SUBPIXEL_BITS)
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
    right, down = (part.astype(np.float32) / np.float32(SUBPIXELS) for part in (fx, fy))
    upper, upper_right = flat.take(index), flat.take(index + 1)
    lower, lower_right = flat.take(index + stride), flat.take(index + stride + 1)
    upper += (upper_right - upper) * right
    lower += (lower_right - lower) * right
    return upper + (lower - upper) * down
