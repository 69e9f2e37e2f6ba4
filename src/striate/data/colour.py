"""Change the colours of pictures by one matrix each: brightness, contrast, saturation and hue at once."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
ColourMatrices = NDArray[np.float32]

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
RED, BLUE = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
FROM_RGB = np.stack([LUMA, 0.492 * (BLUE - LUMA), 0.877 * (RED - LUMA)])  # Y, U, V of analogue television
TO_RGB = np.linalg.inv(FROM_RGB)
MIDDLE = 127.5  # contrast moves away from it or towards it


def colour_matrices(
    brightness: Numbers, contrast: Numbers, saturation: Numbers, hue: Numbers, channels: int
) -> ColourMatrices:
    """(N, C, C + 1), to be multiplied with (C values of a pixel in 0 … 255, 1), C being `channels`.

    All (N,): brightness, contrast and saturation are factors, hue an angle in radians about grey. Pictures that are
    not of three channels have brightness and contrast only.
    """
    gain = brightness * contrast
    matrices = np.empty((len(gain), channels, channels + 1), np.float32)
    mixed = _chroma(saturation, hue) if channels == 3 else np.eye(channels)
    matrices[:, :, :channels] = gain[:, None, None] * mixed
    matrices[:, :, channels] = (MIDDLE * (1 - contrast))[:, None]
    return matrices


def _chroma(saturation: Numbers, hue: Numbers) -> Numbers:
    """(N, 3, 3): luma stays, colour difference is scaled and turned."""
    cos, sin = saturation * np.cos(hue), saturation * np.sin(hue)
    turn = np.stack([np.stack([cos, -sin], axis=1), np.stack([sin, cos], axis=1)], axis=1)  # (N, 2, 2)
    chroma: Numbers = TO_RGB[:, 1:] @ turn @ FROM_RGB[1:]
    return np.outer(np.ones(3), LUMA) + chroma


def recolour(x: NDArray[np.float32], matrix: ColourMatrices) -> None:
    """Change a picture (H, W, C) in place by its matrix (C, C + 1), and keep it in 0 … 255."""
    channels = x.shape[2]
    changed = x.reshape(-1, channels) @ matrix[:, :channels].T  # H W C → HW C
    changed += matrix[:, channels]
    np.clip(changed.reshape(x.shape), 0, 255, out=x)
