"""Thumbnails and filters as PNG data URIs for an HTML page."""

from base64 import b64encode

import numpy as np

from striate._types import Array
from striate.images import encode_png

THUMBNAIL = 96  # pixels on the longer side


def data_uri(pixels: Array) -> str:
    """Encode uint8 pixels (H, W, 1) or (H, W, 3) as a PNG data URI."""
    return "data:image/png;base64," + b64encode(encode_png(np.ascontiguousarray(pixels))).decode("ascii")


def thumbnail(image: Array) -> str:
    """Shrink an image to at most 96 pixels on its longer side.

    Args:
        image: Pixels (H, W, C); if not uint8, they are scaled from their minimum to their maximum.

    Returns:
        A PNG data URI.
    """
    if image.dtype != np.uint8:
        image = (255 * (image - image.min()) / (np.ptp(image) or 1)).astype(np.uint8)
    if image.shape[2] not in (1, 3):
        image = image[:, :, :3] if image.shape[2] > 3 else image[:, :, :1]
    return data_uri(_shrink(image, -(-max(image.shape[:2]) // THUMBNAIL)))


def _shrink(image: Array, factor: int) -> Array:
    if factor <= 1:
        return image
    factor = min(factor, *image.shape[:2])
    height, width, channels = image.shape[0] // factor, image.shape[1] // factor, image.shape[2]
    blocks = image[: height * factor, : width * factor].reshape(height, factor, width, factor, channels)
    small: Array = blocks.mean(axis=(1, 3)).astype(np.uint8)  # H, block, W, block, C → H W C
    return small


def filter_tiles(kernel: Array) -> list[str]:
    """Draw each filter of a kernel: medium gray is zero, black and white are its largest weight.

    Args:
        kernel: Weights (KH, KW, C, O); three input channels are shown as RGB, others as their mean.

    Returns:
        A PNG data URI for each filter.
    """
    shown = kernel if kernel.shape[2] == 3 else kernel.mean(axis=2, keepdims=True)
    largest = np.abs(shown).max(axis=(0, 1, 2), keepdims=True)
    scaled = np.divide(shown, largest, out=np.zeros(shown.shape), where=largest > 0)
    tiles = np.moveaxis((127.5 + 127.5 * scaled).round().astype(np.uint8), -1, 0)  # KH KW C O → O KH KW C
    return [data_uri(tile) for tile in tiles]


def matrix_image(percent: Array) -> str:
    """Draw a matrix of percentages as gray dots: white for 0, black for 100, darkness by the square root."""
    gray = 255 - np.sqrt(np.clip(percent, 0, 100) / 100) * 255
    return data_uri(gray.round().astype(np.uint8)[:, :, None])  # → H W 1
