"""Utilities, importable as in Keras: `from striate.utils import to_categorical`."""

import os
from typing import TYPE_CHECKING, Any

from striate.arguments import check_arguments, check_integer
from striate.errors import DataError, UsageError

if TYPE_CHECKING:
    from striate._types import Array
    from striate.plot.model import plot_model

__all__ = [
    "PyDataset", "Sequence", "array_to_img", "clear_session", "image_dataset_from_directory", "img_to_array",
    "load_img", "normalize", "plot_model", "save_img", "set_random_seed", "to_categorical",
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
        DataError: If a number is not a class number.

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
    count = int(whole.max(initial=-1)) + 1 if num_classes is None else check_integer("num_classes", num_classes, 1)
    if whole.max(initial=-1) >= count:
        raise DataError(f"to_categorical: class {whole.max()} is not below num_classes={count}.")
    return np.eye(count)[whole]


@check_arguments
def normalize(x: Any, axis: int = -1, order: int = 2) -> "Array":
    """Divide an array by its norms along an axis.

    Args:
        x: The array.
        axis: The axis.
        order: Order of the norm: 2 is the Euclidean one.

    Returns:
        The array of norm 1; rows of zeros stay zeros.

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

    Models have their own seed, which decides initial weights, sample order and dropout.

    Args:
        seed: 0 or more.
    """
    import random
    import sys

    import numpy as np

    random.seed(check_integer("seed", seed))
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
        UsageError: If keep_aspect_ratio is True.
    """
    from striate.images.pillow import load_image

    if keep_aspect_ratio:
        raise UsageError(
            "keep_aspect_ratio=True is not supported. st.data.load(folder, fit='crop') crops images to a square."
        )
    return load_image(path, color_mode, target_size, interpolation)


@check_arguments
def img_to_array(img: Any, data_format: str | None = None, dtype: str | None = None) -> "Array":
    """Convert a Pillow image to an array.

    Args:
        img: The image.
        data_format: None or "channels_last".
        dtype: Name of the dtype; None: float32.

    Returns:
        (H, W, C).
    """
    from striate.images.pillow import array_from_image

    _check_format(data_format)
    return array_from_image(img).astype(dtype or "float32")


@check_arguments
def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: str | None = None) -> Any:
    """Convert an array to a Pillow image.

    Args:
        x: (H, W, C).
        data_format: None or "channels_last".
        scale: Whether to spread the values over 0 to 255.
        dtype: Has no effect; an argument of Keras.

    Returns:
        The image.
    """
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
    """Write an array as an image file.

    Args:
        path: Where to write.
        x: (H, W, C).
        data_format: As in `array_to_img`.
        file_format: Name of the format; None: the suffix of the path decides.
        scale: As in `array_to_img`.
    """
    from striate.images.pillow import save_image

    save_image(path, array_to_img(x, data_format, scale), file_format)


def _check_format(data_format: str | None) -> None:
    if data_format not in (None, "channels_last"):
        raise UsageError(f"Arrays of images are (H, W, C); received data_format={data_format!r}.")


def clear_session(free_memory: bool = True) -> None:
    """Do nothing: Striate keeps no global state. Memory is freed when the last reference to a model is gone."""


@check_arguments
def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: str | None = "inferred",
    label_mode: str | None = "int",
    class_names: list[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: tuple[int, int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    verbose: bool = True,
) -> Any:
    """Return batches of the images in directory/CLASS/…, with the classes as labels.

    The validation part is chosen by the content of the files. `st.data.load(folder)` also keeps near-duplicates in one
    part, and makes a test part.

    Args:
        directory: The folder; it is never changed.
        labels: "inferred", or None for images alone.
        label_mode: "int" for class numbers (N,), "categorical" for one-hot rows, "binary" for 0 and 1 (N, 1), or None.
        class_names: If given, the names of the subfolders in their natural order; no other order is supported.
        color_mode: "rgb" or "grayscale".
        batch_size: Images in a batch; None yields single images.
        image_size: Height and width of the images.
        shuffle: Whether each epoch has another order.
        seed: Decides the order.
        validation_split: Fraction of the images in the validation part.
        subset: "training", "validation" or "both", with validation_split.
        interpolation: "bilinear"; images are averaged when they become smaller.
        crop_to_aspect_ratio: Whether images are cropped rather than stretched.
        pad_to_aspect_ratio: Whether images are padded rather than stretched.
        verbose: Accepted as in Keras; nothing is printed.

    Returns:
        An object to iterate over and to pass to `fit`, with `class_names`, `file_paths`, `map`, `take`, `skip`,
        `shuffle`, `cache` and `prefetch`; two of them for subset="both".

    Raises:
        UsageError: If an argument is not supported.
    """
    from pathlib import Path

    from striate.data.image_batches import load_batches

    if labels not in ("inferred", None):
        raise UsageError(
            "labels must be 'inferred' or None. Use st.data.load(folder, labels=CSV) for a file of labels."
        )
    fit = "crop" if crop_to_aspect_ratio else "pad" if pad_to_aspect_ratio else "stretch"
    result = load_batches(
        Path(directory), label_mode=None if labels is None else label_mode, color_mode=color_mode,
        batch_size=batch_size, image_size=image_size, shuffle=shuffle, seed=seed or 0,
        validation_split=validation_split, subset=subset, fit=fit,
    )  # fmt: skip
    found = list((result[0] if isinstance(result, tuple) else result).class_names)
    if class_names is not None and list(class_names) != found:
        raise UsageError(f"class_names must be the names of the subfolders, {found}; received {class_names}.")
    return result


class PyDataset:
    """Base class of custom data sets: a subclass defines `__len__`, the number of batches, and `__getitem__`.

    Args:
        workers: Accepted as in Keras.
        use_multiprocessing: Accepted as in Keras.
        max_queue_size: Accepted as in Keras.
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers, self.use_multiprocessing, self.max_queue_size = workers, use_multiprocessing, max_queue_size

    def __len__(self) -> int:
        raise UsageError(f"{type(self).__name__} must define __len__, the number of batches.")

    def __getitem__(self, index: int) -> Any:
        raise UsageError(f"{type(self).__name__} must define __getitem__, which returns a batch (x, y).")

    def on_epoch_begin(self) -> None:
        """Do nothing; a subclass may override it."""

    def on_epoch_end(self) -> None:
        """Do nothing; a subclass may override it."""


Sequence = PyDataset

_SAVING = (
    "CustomObjectScope", "custom_object_scope", "deserialize_keras_object", "get_custom_objects",
    "register_keras_serializable", "serialize_keras_object",
)  # fmt: skip
_UNSUPPORTED = {
    "get_file": "Download the file with a browser, curl or Python's urllib, and pass its path. MNIST is downloaded by "
    "striate.datasets.mnist.load_data().",
    "split_dataset": "fit(validation_split=0.2) and st.data.load(folder) split by content, so that copies of an image "
    "stay in one part; arrays can be sliced.",
    "audio_dataset_from_directory": "Striate classifies images.",
    "text_dataset_from_directory": "Striate classifies images.",
    "timeseries_dataset_from_array": "Striate classifies images.",
    "pad_sequences": "Striate classifies images.",
    "get_registered_name": "striate.saving.get_custom_objects() returns what is registered.",
    "get_registered_object": "striate.saving.get_custom_objects() returns what is registered.",
    "model_to_dot": "plot_model(model, 'model.svg') draws the layers.",
    "get_source_inputs": "Write model.inputs.",
    "is_keras_tensor": "Write isinstance(x, striate.KerasTensor).",
    "standardize_dtype": "Write numpy.dtype(x).name.",
    "bounding_boxes": "Striate classifies images.",
    "Config": "Use a dictionary or a dataclass.",
    "pack_x_y_sample_weight": "Make a tuple (x, y, sample_weight).",
    "enable_interactive_logging": "fit(verbose=1) shows its progress.",
    "disable_interactive_logging": "fit(verbose=0) prints nothing.",
    "is_interactive_logging_enabled": "fit(verbose=…) decides what is printed.",
    "FeatureSpace": "Networks take arrays of numbers.",
    "Progbar": "fit shows a progress bar; verbose=0 turns it off.",
    "unpack_x_y_sample_weight": "Unpack the tuple.",
}


def __getattr__(name: str) -> Any:
    if name == "plot_model":  # which needs all of Striate
        from striate.plot.model import plot_model

        return plot_model
    if name in _SAVING:
        from striate import saving

        return getattr(saving, name)
    if name in _UNSUPPORTED:
        raise UsageError(f"Striate has no utils.{name}. {_UNSUPPORTED[name]}")
    raise AttributeError(f"module 'striate.utils' has no attribute '{name}'")
