"""Check the predictions that are evaluated: their shapes, and whether they are probabilities."""

from collections.abc import Sequence

import numpy as np

from striate._types import Array
from striate.errors import DataError


def check_shapes(outputs: Array, y: Array, classes: Sequence[str], names: Sequence[str] | None = None) -> None:
    """Check the shapes of predictions and of true labels.

    Args:
        outputs: The predictions; they should be (N, K).
        y: The true labels or numbers; they should be (N,) for classes, (N, K) for labels and numbers.
        classes: K names of the classes, labels or numbers.
        names: File names of the images, if there are any.

    Raises:
        DataError: If there are no images, or shapes or the number of names differ.
    """
    if not len(y):
        raise DataError("There are no test images. An evaluation needs at least one.")
    expected = (len(y), len(classes))
    if outputs.shape != expected or y.shape not in (expected, expected[:1]):
        raise DataError(
            f"Evaluation expected outputs of shape {expected}, for {len(y)} images and {len(classes)} classes, labels "
            f"or targets, but received {outputs.shape} with true values of shape {y.shape}."
        )
    if names is not None and len(names) != len(y):
        raise DataError(f"Evaluation expected one file name for each of {len(y)} images, received {len(names)}.")


def check_probabilities(probabilities: Array, activation: str = "softmax") -> None:
    """Check the outputs of a classifier before they are shown as probabilities.

    Args:
        probabilities: Any numbers (N, K).
        activation: With which the network should end.

    Raises:
        DataError: If a value is NaN, or outside 0 … 1 by more than rounding.
    """
    if not len(probabilities) or (probabilities.min() >= 0 and probabilities.max() <= 1 + 1e-3):  # false for NaN too
        return
    received = f"values from {probabilities.min():.6g} up to {probabilities.max():.6g}"
    if np.isnan(probabilities).any():
        received = "NaN"
    raise DataError(
        f"The outputs of the model are not probabilities: expected values between 0 and 1, but received {received}. "
        f"Check that the network ends in a {activation}."
    )
