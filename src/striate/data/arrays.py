"""Make a data set from arrays in memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from striate.arguments import check_arguments, check_number, describe
from striate.data.dataset import Dataset, as_images
from striate.data.digests import digest_images
from striate.data.groups import identical_groups
from striate.data.split import split_all, split_training
from striate.errors import DataError, UsageError
from striate.images import ImagePolicy
from striate.tasks import Task, get_task


@check_arguments
def from_arrays(
    x: Any, y: Any, classes: Sequence[str] | None = None, *, test: tuple[Any, Any] | None = None,
    name: str = "arrays", seed: int = 0, validation_split: float = 0.1, test_split: float = 0.1,
    task: str = Task.CLASSIFICATION,
) -> Dataset:  # fmt: skip
    """Make a data set of images and labels.

    Args:
        x: Images (N, H, W), (N, H, W, 1) or (N, H, W, 3): uint8, other integers in 0 … 255, or finite floats.
        y: Class numbers (N,) or one-hot rows (N, classes); for "multilabel" 0 and 1 (N, labels); for "regression"
            numbers (N,) or (N, T).
        classes: Names of the classes, labels or numbers; by default "0", "1", ….
        test: (x, y) for testing; by default the fraction `test_split` of the images, chosen by their content.
        name: Name of the data set.
        seed: Decides which images are in which part.
        validation_split: Fraction of the images for validation, 0 … 1.
        test_split: Fraction of the images for testing, 0 … 1.
        task: "classification", "multilabel" or "regression".

    Returns:
        The data set.

    Raises:
        DataError: If the data set is empty or has one class, or shapes, pixels or labels are invalid.
        UsageError: If a part is not between 0 and 1, or the task is unknown.

    Example:
        >>> import numpy as np
        >>> from striate.data import from_arrays
        >>> x = np.arange(100 * 8 * 8).reshape(100, 8, 8) % 251
        >>> data = from_arrays(x, np.arange(100) % 2, ["even", "odd"])
        >>> data.classes, data.shape
        (('even', 'odd'), (8, 8, 1))
        >>> len(data.train) + len(data.validation) + len(data.test)
        100
    """
    for part, value in (("validation_split", validation_split), ("test_split", test_split)):
        if not 0 <= check_number(part, value) <= 1:
            raise UsageError(f"{part} must be between 0 and 1; received {value}.")
    seed = int(seed)
    task = get_task(task)
    images = as_images(x, y, None if classes is None else len(classes), task=task)
    if classes is None:
        count = int(images.y.max()) + 1 if images.y.ndim == 1 else images.y.shape[1]
        classes = [str(number) for number in range(count)]
    _check_names(classes, task)
    height, width, channels = images.x.shape[1:]
    policy = ImagePolicy(height, width, channels, "stretch")
    notes = _scale_notes(images.x)
    if test is None:
        digests = digest_images(images.x, seed)
        return split_all(
            name, classes, images, policy, digests=digests, groups=identical_groups(digests),
            validation=validation_split, test=test_split, notes=notes, task=task,
        )  # fmt: skip
    test_images = as_images(*test, classes=len(classes), task=task)
    for what, given, expected in (
        ("shape", test_images.x.shape[1:], images.x.shape[1:]),
        ("dtype", test_images.x.dtype, images.x.dtype),
    ):
        if given != expected:
            raise DataError(f"Test images have {what} {given}, training images {expected}; they must be equal.")
    return split_training(
        name, classes, images, test_images, policy, seed=seed, validation=validation_split, notes=notes, task=task
    )


def _check_names(classes: Sequence[str], task: Task) -> None:
    if len(classes) < 2 and task is Task.CLASSIFICATION:
        raise DataError(f"A classifier needs at least two classes; received {len(classes)}.")
    if wrong := [name for name in classes if not isinstance(name, str)]:
        raise DataError(f"Class names must be strings; received {describe(wrong[0])}.")
    if len(set(classes)) < len(classes):
        raise DataError("Class names must be unique; some occur more than once.")


def _scale_notes(x: Any) -> list[str]:
    """Return a note on pixels that seem to be scaled already: the networks scale them themselves."""
    if x.dtype == np.uint8 or x.max() > 1:
        return []
    return ["All pixels are at most 1. Striate's networks expect 0 … 255 and scale them themselves."]
