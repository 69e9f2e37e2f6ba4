"""Conversion of values that users pass, such as lists and PyTorch tensors, to NumPy arrays."""

from typing import Any

import numpy as np

from striate._types import Array
from striate.arguments import describe
from striate.errors import UsageError


def numeric_array(name: str, value: Any) -> Array:
    """Return a value as an array of numbers.

    Args:
        name: What the value is, for the message.
        value: An array, a number, nested lists of numbers, or a PyTorch tensor on any device.

    Returns:
        The array, whose dtype is boolean, integer or floating.

    Raises:
        UsageError: The value is not numeric, or its lists have different lengths.
    """
    try:
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
        if array.dtype.kind in "buif":
            return array
    except (TypeError, ValueError):  # not an array, or lists of different lengths
        pass
    raise UsageError(f"{name} must be numbers; received {describe(value)}.")
