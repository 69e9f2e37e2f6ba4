"""What a data set is: pictures with class numbers, in three parts that never mix."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data.stored import subset
from striate.errors import DataError
from striate.images import ImagePolicy

Pixels = NDArray[np.uint8] | NDArray[np.float32]
Labels = NDArray[np.int64]

MOST_BYTES = 4_000_000_000  # of pixels held in memory at once


@dataclass(frozen=True, eq=False)
class Images:
    """Pictures and their classes.

    x: uint8 or float32 (N, H, W, C): an array, or `Stored` pixels in a file, of which nothing but shape, dtype, len(x)
    and x[rows] should be used, a batch at a time.
    y: int64 (N,), class numbers from 0. names: where each came from, if known.
    """

    x: Any
    y: Labels
    names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, rows: NDArray[Any]) -> "Images":
        """The pictures at these row numbers, or where this mask (N,) is true."""
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        names = None if self.names is None else tuple(self.names[row] for row in rows)
        return Images(subset(self.x, rows), self.y[rows], names)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three parts, the names of the classes, and how other pictures are brought to the same form.

    fingerprint: 16 hexadecimal digits that change when a picture, label, class name or part changes.
    notes: sentences on what the person should know, such as files left out or classes too small to split.
    """

    name: str
    classes: tuple[str, ...]
    train: Images
    validation: Images
    test: Images
    policy: ImagePolicy
    fingerprint: str
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of every picture."""
        height, width, channels = self.train.x.shape[1:]
        return height, width, channels


def check_images(x: Any, y: Any, classes: int | None = None, names: Sequence[str] | None = None) -> Images:
    """Pictures and labels in the form the rest works on, or a DataError that says what is wrong.

    x: (N, H, W), (N, H, W, 1) or (N, H, W, 3); uint8, other whole numbers 0 … 255, or finite floats (kept as float32).
    y: class numbers (N,) or one-hot rows (N, classes). classes: how many there are, if known.
    """
    pixels, labels = _check_pixels(_array(x, "images")), _check_labels(_array(y, "labels"), classes)
    if len(pixels) != len(labels):
        raise DataError(f"There are {len(pixels)} images but {len(labels)} labels; each image needs one.")
    if names is not None and len(names) != len(labels):
        raise DataError(f"There are {len(labels)} images but {len(names)} names; each image needs one.")
    return Images(pixels, labels, None if names is None else tuple(names))


def _array(values: Any, what: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError as error:  # what NumPy says of lists with parts of several lengths
        raise DataError(f"The {what} differ in shape. Bring all of them to one.") from error


def _check_pixels(x: NDArray[Any]) -> Pixels:
    if x.ndim == 3:
        x = x[..., None]  # (N, H, W) → (N, H, W, 1)
    if x.ndim != 4 or x.shape[3] not in (1, 3):
        raise DataError(f"Images must have shape (N, H, W), (N, H, W, 1) or (N, H, W, 3); got {x.shape}.")
    if 0 in x.shape:
        raise DataError(f"There are no images: the array has shape {x.shape}.")
    if x.dtype == np.uint8:
        return np.ascontiguousarray(x)
    if x.dtype.kind == "f":
        return _check_floats(x)
    if x.dtype.kind not in "iu":
        raise DataError(f"Pixels must be numbers, best uint8; got {x.dtype}.")
    if x.min() < 0 or x.max() > 255:
        raise DataError(f"Whole-number pixels must lie in 0 … 255; got {x.min()} … {x.max()}.")
    return np.ascontiguousarray(x, np.uint8)


def _check_floats(x: NDArray[Any]) -> NDArray[np.float32]:
    bad = ~np.isfinite(x).all(axis=(1, 2, 3))
    if bad.any():
        raise DataError(f"{bad.sum()} images hold NaN or infinite pixels, the first is image {int(bad.argmax())}.")
    return np.ascontiguousarray(x, np.float32)


def _check_labels(y: NDArray[Any], classes: int | None) -> Labels:
    if y.ndim == 2 and y.shape[1] > 1:
        y = _from_one_hot(y, classes)
    if y.ndim == 2:
        y = y[:, 0]  # (N, 1) → (N,)
    if y.ndim != 1 or y.dtype.kind not in "iuf":
        raise DataError(f"Labels must be class numbers (N,) or one-hot rows (N, classes); got {y.dtype} {y.shape}.")
    if y.dtype.kind == "f" and not np.array_equal(y, np.floor(y)):
        raise DataError("Labels must be whole class numbers; some have a fraction or are NaN.")
    labels = y.astype(np.int64)
    top = None if classes is None else classes - 1
    if labels.size and (labels.min() < 0 or (top is not None and labels.max() > top)):
        allowed = "0 or more" if top is None else f"in 0 … {top}"
        raise DataError(f"Labels must be {allowed}; got {labels.min()} … {labels.max()}.")
    return labels


def _from_one_hot(y: NDArray[Any], classes: int | None) -> Labels:
    if classes is not None and y.shape[1] != classes:
        raise DataError(f"One-hot labels must have {classes} columns, one for each class; got {y.shape[1]}.")
    if not (np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()):
        raise DataError("One-hot labels must hold a single 1 in each row and 0 elsewhere.")
    numbers: Labels = y.argmax(axis=1)
    return numbers


def fingerprint(classes: Sequence[str], parts: Sequence[tuple[NDArray[np.uint64], Labels]]) -> str:
    """16 hexadecimal digits over class names, picture digests and labels of each part, in order."""
    state = hashlib.blake2b("\0".join(classes).encode(), digest_size=8)
    for digests, labels in parts:
        state.update(f"\0{len(labels)}\0".encode())
        state.update(digests.astype("<u8").tobytes())
        state.update(labels.astype("<i8").tobytes())
    return state.hexdigest()


def check_room(n: int, shape: tuple[int, int, int]) -> None:
    """Raise DataError if n pictures of this shape (H, W, C) are more than memory should be filled with."""
    size = n * shape[0] * shape[1] * shape[2]
    if size > MOST_BYTES:
        fitting = int(min(shape[:2]) * (MOST_BYTES / size) ** 0.5)
        raise DataError(
            f"{n:,} images of {shape[0]}×{shape[1]}×{shape[2]} would fill {size / 1e9:.1f} GB of memory, and at most "
            f"{MOST_BYTES / 1e9:.0f} GB are allowed: choose a size of {fitting} or less."
        )
