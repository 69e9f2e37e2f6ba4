"""Pillow images from files and arrays, and back, as `keras.utils` has them."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from striate._types import Array
from striate.errors import DataError
from striate.files import atomic_write
from striate.images.decode import decode_pillow, read_file

if TYPE_CHECKING:
    from PIL import Image

MODES = {"rgb": "RGB", "rgba": "RGBA", "grayscale": "L"}
FILTERS = ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")


def load_image(
    path: str | os.PathLike[str], color_mode: str, target_size: tuple[int, int] | None, interpolation: str
) -> "Image.Image":
    """Read an image file.

    Args:
        path: The file.
        color_mode: A key of `MODES`.
        target_size: Height and width to which the image is resized, which changes its proportions; None: its own.
        interpolation: One of `FILTERS`.

    Returns:
        The image.

    Raises:
        DataError: If the file cannot be read, or an argument is unknown.
    """
    from PIL import Image

    if color_mode not in MODES or interpolation not in FILTERS:
        raise DataError(
            f"color_mode must be one of {', '.join(MODES)}, and interpolation one of {', '.join(FILTERS)}; "
            f"received {color_mode!r} and {interpolation!r}."
        )
    image = decode_pillow(read_file(Path(path)), os.fspath(path)).convert(MODES[color_mode])
    if target_size is None:
        return image
    height, width = target_size
    return image.resize((width, height), Image.Resampling[interpolation.upper()])


def image_from_array(x: Any, *, scale: bool) -> "Image.Image":
    """Return the image of an array (H, W, C) with 1, 3 or 4 channels, or (H, W).

    Args:
        x: The array.
        scale: Whether its least value becomes 0 and its greatest 255.

    Returns:
        The image.

    Raises:
        DataError: If the array has another shape.
    """
    from PIL import Image

    array = np.asarray(x, np.float32)
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[-1] not in (1, 3, 4):
        raise DataError(f"An image is an array (H, W, C) with 1, 3 or 4 channels; received the shape {array.shape}.")
    if scale:
        low, high = float(array.min()), float(array.max())
        array = (array - low) * (255 / (high - low) if high > low else 0)
    pixels = np.clip(array, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def array_from_image(image: Any) -> Array:
    """Return float32 (H, W, C) of a Pillow image or of an array."""
    array = np.asarray(image, np.float32)
    return array[..., None] if array.ndim == 2 else array


def save_image(path: str | os.PathLike[str], image: "Image.Image", file_format: str | None) -> None:
    """Write an image to a file.

    Args:
        path: Where to write.
        image: A Pillow image.
        file_format: Name of the format; None: the suffix of the path decides.

    Raises:
        DataError: If the format is unknown.
    """
    from PIL import Image

    Image.init()
    known = file_format or Image.EXTENSION.get(Path(path).suffix.lower())
    if known is None or known.upper() not in Image.SAVE:
        raise DataError(f"'{os.fspath(path)}' has no suffix of an image format that can be written, such as .png.")
    atomic_write(path, lambda file: image.save(file, known.upper()))
