"""Convert pixels of more than 8 bits (16-bit, 32-bit, signed, floating-point) to 8 bits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FULL_SCALES = (255, 1023, 4095, 16383, 65535)
"""Largest values of 8, 10, 12, 14 and 16 bits, the usual depths of cameras and scanners."""
BY_TYPE, BY_DATA = "type", "data"
HIGH_DEPTHS = (BY_DATA, BY_TYPE)
DARK = 4096  # 16-bit data below this have at most 4 significant bits once they are divided by 257
ROWS_BYTES = 4_000_000  # bytes of pixels that are converted at a time


def to_eight_bits(pixels: NDArray[Any], high_depth: str = BY_DATA) -> NDArray[np.uint8]:
    """Scale pixels to 0 … 255, rounded; see `ImagePolicy.high_depth`.

    Args:
        pixels: Integers or floats, (H, W) or (H, W, C).
        high_depth: "data" or "type".

    Returns:
        uint8 of the same shape.

    Raises:
        ValueError: If the range of the pixels cannot be determined; the message says why.
    """
    return scale(pixels, *value_range(pixels.min(), pixels.max(), high_depth))


def value_range(low: Any, high: Any, high_depth: str = BY_DATA) -> tuple[float, float]:
    """Return the values that become 0 and 255.

    Args:
        low: The smallest pixel, as a number of NumPy.
        high: The largest pixel, of the same dtype.
        high_depth: "data" or "type".

    Returns:
        The two values.

    Raises:
        ValueError: If the range of the pixels cannot be determined; the message says why.
    """
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("some of its pixels are not numbers (NaN) or infinite")
    if high_depth == BY_TYPE:
        _check_type(low, high)
        return 0, 65535
    if low.dtype.kind == "f":
        if low >= 0 and high <= FULL_SCALES[0]:
            return 0, 1 if high <= 1 else FULL_SCALES[0]
    elif low >= 0 and high <= FULL_SCALES[-1]:
        return 0, next(full for full in FULL_SCALES if high <= full)
    if low == high:
        raise ValueError(f"all its pixels have the value {low:g}, so their range is unknown")
    return float(low), float(high)


def _check_type(low: Any, high: Any) -> None:
    advice = "The model was trained with a Striate that scaled 0 … 65535 to 0 … 255; save the image with 8 bits"
    if low.dtype.kind == "f":
        raise ValueError(f"it has floating-point pixels, whose range is unknown. {advice}")
    if low < 0 or high > FULL_SCALES[-1]:
        raise ValueError(f"its pixels have values of {low} … {high}. {advice}")
    if 0 < high < DARK:
        raise ValueError(f"its 16-bit pixels have values up to only {high}, so it would be black. {advice}")


def scale(pixels: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Map an interval of pixel values to 0 … 255, a few rows at a time.

    Args:
        pixels: Pixel values of any dtype.
        low: The value that becomes 0.
        high: The value that becomes 255.

    Returns:
        uint8 pixels.
    """
    scaled = np.empty(pixels.shape, np.uint8)
    step = max(1, ROWS_BYTES // max(1, pixels[:1].nbytes))
    for start in range(0, len(pixels), step):
        rows = pixels[start : start + step]
        if pixels.dtype.kind != "f" and low == 0:
            scaled[start : start + step] = (rows.astype(np.uint32) * 255 + int(high) // 2) // int(high)
        else:
            scaled[start : start + step] = (rows.astype(np.float64) - low) * 255 / (high - low) + 0.5
    return scaled
