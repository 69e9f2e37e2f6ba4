"""Utilities, importable as in Keras: `from striate.utils import to_categorical`."""

import os
from typing import TYPE_CHECKING, Any

from striate.arguments import check_arguments, check_whole
from striate.errors import DataError, UsageError

if TYPE_CHECKING:
    from striate._types import Array

__all__ = [
    "array_to_img", "clear_session", "img_to_array", "load_img", "normalize", "save_img", "set_random_seed",
    "to_categorical",
]  # fmt: skip


@check_arguments
def to_categorical(x: Any, num_classes: int | None = None) -> "Array":
    """Return one-hot rows of class numbers.

    Args:
        x: Class numbers (N,) or (N, 1), from 0.
        num_classes: Number of classes; None: one more than the greatest number.

    Returns:
        float64 (N, num_classes), as in Keras.

    Raises:
        DataError: A number is not a class number.

    Example:
        >>> to_categorical([0, 2])
        array([[1., 0., 0.],
               [0., 0., 1.]])
    """
    import numpy as np

    numbers = np.asarray(x)
    numbers = numbers[..., 0] if numbers.ndim > 1 and numbers.shape[-1] == 1 else numbers
    whole = numbers.astype(np.int64)
    if numbers.dtype.kind not in "buif" or (whole != numbers).any() or (whole < 0).any():
        raise DataError("to_categorical: class numbers are integers from 0.")
    count = int(whole.max(initial=-1)) + 1 if num_classes is None else check_whole("num_classes", num_classes, 1)
    if whole.max(initial=-1) >= count:
        raise DataError(f"to_categorical: class {whole.max()} is not below num_classes={count}.")
    return np.eye(count)[whole]


@check_arguments
def normalize(x: Any, axis: int = -1, order: int = 2) -> "Array":
    """Return an array divided by its norms along an axis; rows of zeros stay zeros.

    Example:
        >>> normalize([[3.0, 4.0]])
        array([[0.6, 0.8]])
    """
    import numpy as np

    array = np.asarray(x)
    norms = np.linalg.norm(array, ord=order, axis=axis, keepdims=True)
    return np.asarray(array / np.where(norms == 0, 1, norms))


@check_arguments
def set_random_seed(seed: int) -> None:
    """Seed Python, NumPy and, if it is loaded, PyTorch.

    Models have a seed of their own, which decides initial weights, sample order and dropout.

    Args:
        seed: 0 or more.
    """
    import random
    import sys

    import numpy as np

    random.seed(check_whole("seed", seed))
    np.random.seed(seed)  # which users' code may use
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


@check_arguments
def load_img(
    path: str | os.PathLike[str],
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Read an image file as a Pillow image.

    Args:
        path: The file.
        color_mode: "rgb", "rgba" or "grayscale".
        target_size: Height and width to resize to; None: as in the file.
        interpolation: "nearest", "bilinear", "bicubic", "lanczos", "box" or "hamming".
        keep_aspect_ratio: Only False.

    Returns:
        The image.

    Raises:
        UsageError: keep_aspect_ratio is True.
    """
    from striate.images.pillow import load_image

    if keep_aspect_ratio:
        raise UsageError(
            "keep_aspect_ratio=True is not supported. st.data.load(folder, crop='center') crops to a square."
        )
    return load_image(path, color_mode, target_size, interpolation)


@check_arguments
def img_to_array(img: Any, data_format: str | None = None, dtype: str | None = None) -> "Array":
    """Return a Pillow image as an array (H, W, C), by default of float32."""
    from striate.images.pillow import array_from_image

    _check_format(data_format)
    return array_from_image(img).astype(dtype or "float32")


@check_arguments
def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: str | None = None) -> Any:
    """Return the Pillow image of an array (H, W, C); `scale` spreads its values over 0 to 255."""
    from striate.images.pillow import image_from_array

    _check_format(data_format)
    return image_from_array(x, scale=scale)


@check_arguments
def save_img(
    path: str | os.PathLike[str],
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
) -> None:
    """Write an array (H, W, C) as an image file; arguments are as in `array_to_img`."""
    from striate.images.pillow import save_image

    save_image(path, array_to_img(x, data_format, scale), file_format)


def _check_format(data_format: str | None) -> None:
    if data_format not in (None, "channels_last"):
        raise UsageError(f"Arrays of images are (H, W, C); received data_format={data_format!r}.")


def clear_session(free_memory: bool = True) -> None:
    """Do nothing: Striate keeps no global state. Memory is freed when the last reference to a model is gone."""
