"""Make a data set of arrays that a person has in memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from striate.data.dataset import Dataset, check_images
from striate.data.split import digest_images, split_all, split_train
from striate.errors import DataError
from striate.images import ImagePolicy


def from_arrays(
    x: Any, y: Any, classes: Sequence[str] | None = None, *, test: tuple[Any, Any] | None = None,
    name: str = "arrays", seed: int = 0, validation_part: float = 0.1, test_part: float = 0.1,
) -> Dataset:  # fmt: skip
    """A data set of images x (N, H, W), (N, H, W, 1) or (N, H, W, 3) and labels y (N,) or one-hot (N, classes).

    classes: their names by number; without them "0", "1", ….
    test: (x, y) kept for testing; without it `test_part` of the images is set aside by their content.
    Raises DataError for an empty or one-class data set, wrong shapes, NaN pixels, labels out of range.
    """
    images = check_images(x, y, None if classes is None else len(classes))
    if classes is None:
        classes = [str(number) for number in range(int(images.y.max()) + 1)]
    _check_names(classes)
    height, width, channels = images.x.shape[1:]
    policy = ImagePolicy(height, width, channels, "stretch")
    notes = _scale_notes(images.x)
    if test is None:
        digests = digest_images(images.x, seed)
        return split_all(
            name, classes, images, policy, digests=digests, validation=validation_part, test=test_part, notes=notes
        )
    tested = check_images(*test, classes=len(classes))
    if tested.x.shape[1:] != images.x.shape[1:]:
        raise DataError(f"Test images are {tested.x.shape[1:]}, training images {images.x.shape[1:]}; they must agree.")
    if tested.x.dtype != images.x.dtype:
        raise DataError(f"Test pixels are {tested.x.dtype}, training pixels {images.x.dtype}; they must agree.")
    return split_train(name, classes, images, tested, policy, seed=seed, validation=validation_part, notes=notes)


def _check_names(classes: Sequence[str]) -> None:
    if len(classes) < 2:
        raise DataError(f"A classifier needs at least two classes; got {len(classes)}.")
    if len(set(classes)) < len(classes):
        raise DataError("Each class needs a name of its own; some names occur twice.")


def _scale_notes(x: Any) -> list[str]:
    """Striate's networks scale pixels themselves; pixels scaled before would be scaled twice."""
    if x.dtype == np.uint8 or x.max() > 1:
        return []
    return ["The pixels lie within 1; Striate's networks expect 0 … 255 and scale them themselves."]
