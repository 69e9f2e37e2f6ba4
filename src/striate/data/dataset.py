"""Data sets: images with class numbers, in three disjoint parts."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.arguments import check_arguments, check_constructor
from striate.data.mapped import take_rows
from striate.errors import DataError
from striate.images import ImagePolicy, UnreadableFile
from striate.tasks import MAX_NUMBER, Task, get_task

Pixels = NDArray[np.uint8] | NDArray[np.float32]
Targets = NDArray[Any]  # int64 (N,), uint8 (N, K) or float32 (N, T): see `Images.y`

FINGERPRINT_TYPES = {"i": "<i8", "u": "u1", "f": "<f4"}
MAX_BYTES = 4_000_000_000  # bytes of pixels in memory at once


@check_constructor
@dataclass(frozen=True, eq=False)
class Images:
    """Images and their targets.

    Attributes:
        x: uint8 or float32 (N, H, W, C): a NumPy array, or a `MappedArray` in a file, of which only shape, dtype,
            len(x) and x[rows] should be used, one batch at a time.
        y: Targets. Classification: int64 (N,), class numbers from 0. Multilabel: uint8 (N, K), 1 where an image has a
            label. Regression: float32 (N, T), values.
        names: The file of each image, if known.
        digests: uint64 (N,), hash of the content of each image, if known; images with equal digests are identical.
        groups: int64 (N,), if known: images with the same number belong together, such as near-duplicates.
    """

    x: Any
    y: Targets
    names: tuple[str, ...] | None = None
    digests: NDArray[np.uint64] | None = None
    groups: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, indices: NDArray[Any]) -> "Images":
        """Select images.

        Args:
            indices: Numbers of the images, or a mask (N,).

        Returns:
            The selected images.
        """
        indices = np.flatnonzero(indices) if indices.dtype == bool else indices
        names = None if self.names is None else tuple(self.names[index] for index in indices)
        digests = None if self.digests is None else self.digests[indices]
        groups = None if self.groups is None else self.groups[indices]
        return Images(take_rows(self.x, indices), self.y[indices], names, digests, groups)

    def __repr__(self) -> str:
        from striate.data.display import describe_images

        return f"<Images: {describe_images(self)}>"

    def _repr_html_(self) -> str:
        from striate.data.display import describe_images, images_html
        from striate.notebook import block, heading

        return block(heading("Images", describe_images(self)), images_html(self))


@check_constructor
@dataclass(frozen=True, eq=False)
class Dataset:
    """Images for training, validation and testing.

    Attributes:
        name: Name of the data set.
        classes: Names of the classes or labels by number; for regression, of the numbers.
        train: The training part.
        validation: The validation part.
        test: The test part.
        policy: How other images are converted to the same shape.
        fingerprint: 16 hexadecimal digits that change when an image, label, class name or part changes.
        notes: Sentences for the user, such as on files left out or classes too small to split.
        task: What `y` holds: one class, several labels, or numbers.
        unreadable: Files that are left out because they cannot be read; a note names each of them.

    Example:
        >>> from striate.data import load
        >>> digits = load("mnist5k")
        >>> digits.shape, len(digits.classes), digits.train.x.dtype
        ((28, 28, 1), 10, dtype('uint8'))
    """

    name: str
    classes: tuple[str, ...]
    train: Images
    validation: Images
    test: Images
    policy: ImagePolicy
    fingerprint: str
    notes: tuple[str, ...] = ()
    task: Task = Task.CLASSIFICATION
    unreadable: tuple[UnreadableFile, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of every image."""
        height, width, channels = self.train.x.shape[1:]
        return height, width, channels

    @property
    def leaked(self) -> NDArray[np.bool_]:
        """Mask (N,) of the test images whose group also occurs in the training or validation part."""
        others = join_groups([self.train, self.validation])
        if others is None or self.test.groups is None:
            return np.zeros(len(self.test), bool)
        return np.isin(self.test.groups, others)

    def __repr__(self) -> str:
        from striate.data.display import describe_dataset

        return f"<Dataset {describe_dataset(self)}>"

    def _repr_html_(self) -> str:
        from striate.data.display import dataset_html

        return dataset_html(self)


def join_groups(parts: Sequence[Images]) -> NDArray[np.int64] | None:
    """Join the groups of the images of several parts.

    Args:
        parts: The images of each part.

    Returns:
        The groups of all images, one part after another; None if those of a part are unknown.
    """
    known = [part.groups for part in parts if part.groups is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


@check_arguments
def as_images(
    x: Any, y: Any, classes: int | None = None, names: Sequence[str] | None = None,
    task: str = Task.CLASSIFICATION,
) -> Images:  # fmt: skip
    """Convert arrays of images and targets to `Images`, and check them.

    Args:
        x: (N, H, W), (N, H, W, 1) or (N, H, W, 3); uint8, other integers in 0 … 255, or finite floats (kept as
            float32).
        y: Class numbers (N,) or one-hot rows (N, classes); for "multilabel" 0 and 1 (N, labels); for "regression"
            finite numbers (N,) or (N, T).
        classes: The number of classes, labels or numbers, if known.
        names: The file of each image, if known.
        task: "classification", "multilabel" or "regression".

    Returns:
        The images.

    Raises:
        DataError: If shapes, pixels or labels are invalid, or their numbers differ.
        UsageError: If the task is unknown.

    Example:
        >>> import numpy as np
        >>> from striate.data import as_images
        >>> images = as_images(np.zeros((2, 8, 8), np.uint8), [0, 1])
        >>> images.x.shape, images.y
        ((2, 8, 8, 1), array([0, 1]))
    """
    check = _TARGET_CHECKS[get_task(task)]
    pixels, labels = _check_pixels(_array(x, "images")), check(_array(y, "labels"), classes)
    if len(pixels) != len(labels):
        raise DataError(f"There are {len(pixels)} images but {len(labels)} labels; each image needs one.")
    if names is not None and len(names) != len(labels):
        raise DataError(f"There are {len(labels)} images but {len(names)} names; each image needs one.")
    return Images(pixels, labels, None if names is None else tuple(names))


def _array(values: Any, what: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError as error:  # a list whose items have different lengths
        raise DataError(f"The {what} differ in shape. Give all of them the same shape.") from error


def _check_pixels(x: NDArray[Any]) -> Pixels:
    if x.ndim == 3:
        x = x[..., None]  # (N, H, W) → (N, H, W, 1)
    if x.ndim != 4 or x.shape[3] not in (1, 3):
        raise DataError(f"Images must have shape (N, H, W), (N, H, W, 1) or (N, H, W, 3); received {x.shape}.")
    if 0 in x.shape:
        raise DataError(f"There are no images: the array has shape {x.shape}.")
    if x.dtype == np.uint8:
        return np.ascontiguousarray(x)
    if x.dtype.kind == "f":
        return _check_floats(x)
    if x.dtype.kind not in "iu":
        raise DataError(f"Pixels must be numbers, preferably uint8; received {x.dtype}.")
    if x.min() < 0 or x.max() > 255:
        raise DataError(f"Integer pixels must be in 0 … 255; received {x.min()} … {x.max()}.")
    return np.ascontiguousarray(x, np.uint8)


def _check_floats(x: NDArray[Any]) -> NDArray[np.float32]:
    invalid = ~np.isfinite(x).all(axis=(1, 2, 3))
    if invalid.any():
        raise DataError(
            f"{invalid.sum()} images contain NaN or infinite pixels; the first is image {int(invalid.argmax())}."
        )
    return np.ascontiguousarray(x, np.float32)


def _check_labels(y: NDArray[Any], classes: int | None) -> Targets:
    if y.ndim == 2 and y.shape[1] > 1:
        y = _from_one_hot(y, classes)
    if y.ndim == 2:
        y = y[:, 0]  # (N, 1) → (N,)
    if y.ndim != 1 or y.dtype.kind not in "iuf":
        raise DataError(
            f"Labels must be class numbers (N,) or one-hot rows (N, classes); received {y.dtype} {y.shape}."
        )
    if y.dtype.kind == "f" and not np.array_equal(y, np.floor(y)):
        raise DataError("Labels must be integer class numbers; some have a fraction or are NaN.")
    labels = y.astype(np.int64)
    largest = None if classes is None else classes - 1
    if labels.size and (labels.min() < 0 or (largest is not None and labels.max() > largest)):
        allowed = "0 or more" if largest is None else f"in 0 … {largest}"
        raise DataError(f"Labels must be {allowed}; received {labels.min()} … {labels.max()}.")
    return labels


def _check_label_matrix(y: NDArray[Any], labels: int | None) -> Targets:
    if y.ndim != 2 or (labels is not None and y.shape[1] != labels):
        raise DataError(f"For several labels, y must have one row of 0 and 1 for each image; received {y.shape}.")
    if not np.isin(y, (0, 1)).all():
        raise DataError("For several labels, y must contain 0 and 1 only.")
    return y.astype(np.uint8)


def _check_values(y: NDArray[Any], count: int | None) -> Targets:
    y = y[:, None] if y.ndim == 1 else y  # (N,) → (N, 1)
    if y.ndim != 2 or y.dtype.kind not in "buif" or (count is not None and y.shape[1] != count):
        raise DataError(f"For regression, y must be numbers (N,) or (N, T); received {y.dtype} {y.shape}.")
    if not (np.abs(y.astype(np.float64)) <= MAX_NUMBER).all():  # true for NaN too
        raise DataError(f"For regression, y must be finite numbers; some are NaN, infinite or above {MAX_NUMBER:g}.")
    return y.astype(np.float32)


def _from_one_hot(y: NDArray[Any], classes: int | None) -> Targets:
    if classes is not None and y.shape[1] != classes:
        raise DataError(f"One-hot labels must have {classes} columns, one for each class; received {y.shape[1]}.")
    if not (np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()):
        raise DataError("One-hot labels must contain a single 1 in each row and 0 elsewhere.")
    class_numbers: Targets = y.argmax(axis=1)
    return class_numbers


_TARGET_CHECKS = {
    Task.CLASSIFICATION: _check_labels,
    Task.MULTILABEL: _check_label_matrix,
    Task.REGRESSION: _check_values,
}


def content_fingerprint(classes: Sequence[str], parts: Sequence[tuple[NDArray[np.uint64], Targets]]) -> str:
    """Compute a hash of the content of a data set.

    Args:
        classes: Names of the classes.
        parts: Training, validation and test images, whose digests and labels are hashed in order.

    Returns:
        16 hexadecimal digits.
    """
    state = hashlib.blake2b("\0".join(classes).encode(), digest_size=8)
    for digests, labels in parts:
        state.update(f"\0{len(labels)}\0".encode())
        state.update(digests.astype("<u8").tobytes())
        state.update(labels.astype(FINGERPRINT_TYPES[labels.dtype.kind]).tobytes())
    return state.hexdigest()


def resize(data: Dataset, height: int, width: int, channels: int) -> Dataset:
    """Convert all images to another size or number of channels; the split does not change.

    Args:
        data: uint8 images.
        height: Height of the new images in pixels.
        width: Width of the new images in pixels.
        channels: 1 (gray) or 3 (RGB).

    Returns:
        The data set, with a new policy and fingerprint.

    Raises:
        DataError: If the pixels are floats, or the result does not fit in memory.
    """
    if data.shape == (height, width, channels):
        return data
    if data.train.x.dtype != np.uint8:
        raise DataError(f"Only uint8 images can be resized; those of '{data.name}' are {data.train.x.dtype}.")
    _check_memory(len(data.train) + len(data.validation) + len(data.test), (height, width, channels))
    digit_size = max(1, round(data.policy.digit_size * min(height / data.policy.height, width / data.policy.width)))
    policy = replace(data.policy, height=height, width=width, channels=channels, digit_size=digit_size)
    stretch = ImagePolicy(height, width, channels, "stretch")
    train, validation, test = (_resize_part(part, stretch) for part in (data.train, data.validation, data.test))
    new_fingerprint = hashlib.blake2b(f"{data.fingerprint} {policy.shape}".encode(), digest_size=8).hexdigest()
    return replace(data, train=train, validation=validation, test=test, policy=policy, fingerprint=new_fingerprint)


def _check_memory(n: int, shape: tuple[int, int, int]) -> None:
    size = n * shape[0] * shape[1] * shape[2]
    if size > MAX_BYTES:
        max_size = int(min(shape[:2]) * (MAX_BYTES / size) ** 0.5)
        raise DataError(
            f"{n:,} images of {shape[0]}×{shape[1]}×{shape[2]} would take {size / 1e9:.1f} GB of memory; at most "
            f"{MAX_BYTES / 1e9:.0f} GB are allowed. Choose a size of {max_size} or less."
        )


def _resize_part(part: Images, policy: ImagePolicy) -> Images:
    x = np.empty((len(part), *policy.shape), np.uint8)
    for row, pixels in enumerate(part.x):
        x[row] = policy.apply(pixels)
    return replace(part, x=x)
