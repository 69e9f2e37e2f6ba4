"""Adjust brightness, contrast, saturation and hue of an image with one matrix."""

import numpy as np
from numpy.typing import NDArray

from striate.data.gray_levels import MID_GRAY

Floats = NDArray[np.float64]
ColorMatrices = NDArray[np.float32]

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
RED, BLUE = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
FROM_RGB = np.stack([LUMA, 0.492 * (BLUE - LUMA), 0.877 * (RED - LUMA)])  # Y, U, V of analog television
TO_RGB = np.linalg.inv(FROM_RGB)


def color_matrices(
    brightness: Floats, contrast: Floats, saturation: Floats, hue: Floats, channels: int
) -> ColorMatrices:
    """Compute affine color matrices, which are multiplied by pixels in homogeneous coordinates: C values, then 1.

    Args:
        brightness: (N,) factors.
        contrast: (N,) factors.
        saturation: (N,) factors; ignored unless there are 3 channels.
        hue: (N,) rotations about the gray axis in radians; ignored unless there are 3 channels.
        channels: C, the number of channels.

    Returns:
        float32 (N, C, C + 1).
    """
    gain = brightness * contrast
    matrices = np.empty((len(gain), channels, channels + 1), np.float32)
    mixed = _chroma(saturation, hue) if channels == 3 else np.eye(channels)
    matrices[:, :, :channels] = gain[:, None, None] * mixed
    # Contrast scales the distance of pixel values from MID_GRAY.
    matrices[:, :, channels] = (MID_GRAY * (1 - contrast))[:, None]
    return matrices


def _chroma(saturation: Floats, hue: Floats) -> Floats:
    """Return matrices (N, 3, 3) that keep luma, and scale and rotate the color difference."""
    cos, sin = saturation * np.cos(hue), saturation * np.sin(hue)
    rotation = np.stack([np.stack([cos, -sin], axis=1), np.stack([sin, cos], axis=1)], axis=1)  # (N, 2, 2)
    chroma: Floats = TO_RGB[:, 1:] @ rotation @ FROM_RGB[1:]
    return np.outer(np.ones(3), LUMA) + chroma


def recolor(x: NDArray[np.float32], matrix: ColorMatrices) -> None:
    """Change the colors of an image in place, and clip them to 0 … 255.

    Args:
        x: The image (H, W, C).
        matrix: Affine color matrix (C, C + 1), from `color_matrices`.
    """
    channels = x.shape[2]
    changed = x.reshape(-1, channels) @ matrix[:, :channels].T  # H W C → HW C
    changed += matrix[:, channels]
    np.clip(changed.reshape(x.shape), 0, 255, out=x)
