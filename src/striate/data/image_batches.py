"""Batches of the images of a folder, as `keras.utils.image_dataset_from_directory` returns them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from striate._types import Array
from striate.data.decoding import decode_files
from striate.data.layout import read_layout
from striate.data.order import epoch_order
from striate.errors import UsageError
from striate.images import ImagePolicy

CHANNELS = {"grayscale": 1, "rgb": 3}
LABEL_MODES = ("int", "categorical", "binary", None)


@dataclass(eq=False)
class ImageBatches:
    """Batches of images and labels, for `fit`, `evaluate` and `predict`, and to iterate over.

    Args:
        x: uint8 images (N, H, W, C), an array or a `MappedArray`.
        y: Labels (N, …); None: batches are images alone.
        class_names: The names of the subfolders.
        file_paths: The file of each image.
        batch_size: Images in a batch.
        shuffled: Whether each epoch has a different order.
        seed: Seed of the order.
        functions: Functions that `map` added, which are applied to each batch.
        first: Number of the first batch.
        last: Number of the batch after the last one; None: all.

    Example:
        >>> import numpy as np
        >>> batches = ImageBatches(np.zeros((5, 2, 2, 3), "uint8"), np.arange(5), ("a", "b"), [], 2)
        >>> [len(labels) for images, labels in batches.take(2)], len(batches)
        ([2, 2], 3)
    """

    x: Any
    y: Array | None
    class_names: Sequence[str]
    file_paths: Sequence[str]
    batch_size: int | None = 32
    shuffled: bool = False
    seed: int = 0
    functions: tuple[Callable[..., Any], ...] = ()
    first: int = 0
    last: int | None = None
    _epoch: int = field(default=0, init=False)

    def __len__(self) -> int:
        """Return the number of batches."""
        count = -(-len(self.x) // (self.batch_size or 1))
        return max(min(count, count if self.last is None else self.last) - self.first, 0)

    def __iter__(self) -> Iterator[Any]:
        """Yield float32 images (B, H, W, C) and labels (B, …), or what `map` makes of them."""
        order = epoch_order(len(self.x), self.seed, self._epoch) if self.shuffled else np.arange(len(self.x))
        self._epoch += 1
        size = self.batch_size or 1
        for start in range(self.first * size, (self.first + len(self)) * size, size):
            yield self._batch(order[start : start + size])

    def _batch(self, rows: Array) -> Any:
        images = np.asarray(self.x[rows], np.float32)
        parts: Any = (images,) if self.y is None else (images, self.y[rows])
        if self.batch_size is None:
            parts = tuple(part[0] for part in parts)
        for function in self.functions:
            made = function(*parts)
            parts = made if isinstance(made, tuple) else (made,)
        return parts if len(parts) > 1 else parts[0]

    def map(self, function: Callable[..., Any], num_parallel_calls: Any = None) -> "ImageBatches":
        """Apply a function to each batch.

        Args:
            function: Called with the images (n, H, W, C) and the labels of a batch; returns both.
            num_parallel_calls: Has no effect; an argument of TensorFlow.

        Returns:
            The changed batches.
        """
        return replace(self, functions=(*self.functions, function))

    def take(self, count: int) -> "ImageBatches":
        """Return the first batches.

        Args:
            count: Number of batches.

        Returns:
            The batches.
        """
        return replace(self, last=self.first + count)

    def skip(self, count: int) -> "ImageBatches":
        """Return the batches after the first ones.

        Args:
            count: Number of batches to leave out.

        Returns:
            The other batches.
        """
        return replace(self, first=self.first + count)

    def shuffle(self, buffer_size: int | None = None, seed: int | None = None) -> "ImageBatches":
        """Return batches in another order in each epoch.

        Args:
            buffer_size: Has no effect, because all images are shuffled; an argument of TensorFlow.
            seed: Decides the order.

        Returns:
            The shuffled batches.
        """
        return replace(self, shuffled=True, seed=self.seed if seed is None else seed)

    def cache(self, filename: str = "") -> "ImageBatches":
        """Return the batches themselves: decoded images are in Striate's cache already.

        Args:
            filename: Has no effect; an argument of TensorFlow.

        Returns:
            The same object.
        """
        return self

    def prefetch(self, buffer_size: Any = None) -> "ImageBatches":
        """Return the batches themselves: `fit` reads ahead anyway.

        Args:
            buffer_size: Has no effect; an argument of TensorFlow.

        Returns:
            The same object.
        """
        return self


def load_batches(
    directory: str | Path, *, label_mode: str | None, color_mode: str, batch_size: int | None,
    image_size: tuple[int, int], shuffle: bool, seed: int, validation_split: float | None, subset: str | None,
    fit: str,
) -> Any:  # fmt: skip
    """Read a folder of images; see `utils.image_dataset_from_directory`.

    Args:
        directory: The folder, with a subfolder for each class.
        label_mode: "int", "categorical", "binary" or None.
        color_mode: "rgb" or "grayscale".
        batch_size: Images in a batch; None: single images.
        image_size: Height and width.
        shuffle: Whether each epoch has another order.
        seed: Decides the order and the split.
        validation_split: Fraction of the images for validation.
        subset: "training", "validation", "both" or None.
        fit: How images are brought to this size, as in `ImagePolicy`.

    Returns:
        `ImageBatches`, or two of them if subset is "both".

    Raises:
        UsageError: If an argument is unknown or does not fit the others.
        DataError: If the folder cannot be used.
    """
    if color_mode not in CHANNELS or label_mode not in LABEL_MODES:
        raise UsageError(
            f"color_mode must be rgb or grayscale, and label_mode int, categorical, binary or None; received "
            f"{color_mode!r} and {label_mode!r}."
        )
    if (validation_split is None) != (subset is None) or subset not in (None, "training", "validation", "both"):
        raise UsageError(
            "validation_split and subset belong together, for example validation_split=0.2, subset='both'; received "
            f"{validation_split!r} and {subset!r}."
        )
    layout = read_layout(directory)
    decoded = decode_files(
        layout.folder, layout.files, layout.names, ImagePolicy(*image_size, CHANNELS[color_mode], fit)
    )
    readable = np.array([row for row in range(len(layout.files)) if row not in decoded.unreadable])
    labels = _labels(layout.y, len(layout.classes), label_mode)
    paths = [str(file) for file in layout.files]

    def batches(rows: Array, *, shuffled: bool) -> ImageBatches:
        chosen = None if labels is None else labels[rows]
        files = [paths[row] for row in rows]
        return ImageBatches(_Rows(decoded.x, rows), chosen, layout.classes, files, batch_size, shuffled, seed)

    if validation_split is None:
        return batches(readable, shuffled=shuffle)
    # By content, so that identical files are in one part, and adding files moves none of the others.
    in_validation = decoded.digests[readable].astype(np.float64) / 2.0**64 < validation_split
    parts = {"training": readable[~in_validation], "validation": readable[in_validation]}
    if subset == "both":
        return batches(parts["training"], shuffled=shuffle), batches(parts["validation"], shuffled=shuffle)
    return batches(parts[str(subset)], shuffled=shuffle)


@dataclass(frozen=True)
class _Rows:
    """Some images of an array that may be in a file."""

    x: Any
    rows: Array

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, chosen: Array) -> Array:
        return np.asarray(self.x[self.rows[chosen]])


def _labels(y: Array, classes: int, label_mode: str | None) -> Array | None:
    if label_mode is None:
        return None
    if label_mode == "categorical":
        return np.eye(classes, dtype=np.float32)[y]
    if label_mode == "binary":
        if classes != 2:
            raise UsageError(f"label_mode='binary' needs two classes; the folder has {classes}.")
        return y.astype(np.float32)[:, None]
    return y.astype(np.int32)
