"""Conversion of values that users pass, such as lists and PyTorch tensors, to NumPy arrays; slices of rows."""

from typing import Any

import numpy as np

from striate._types import Array
from striate.arguments import describe
from striate.errors import UsageError


def numeric_array(name: str, value: Any) -> Array:
    """Convert a value to an array of numbers.

    Args:
        name: Name of the value in the error message.
        value: An array, a number, nested lists of numbers, or a PyTorch tensor on any device.

    Returns:
        The array, whose dtype is boolean, integer or floating.

    Raises:
        UsageError: If the value is not numeric, or its lists have different lengths.
    """
    try:
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
        if array.dtype.kind in "buif":
            return array
    except (TypeError, ValueError):  # not an array, or lists of different lengths
        pass
    raise UsageError(f"{name} must be numbers; received {describe(value)}.")


def row_slices(count: int, size: int) -> list[slice]:
    """Divide rows into blocks.

    Args:
        count: The number of rows.
        size: Rows of all blocks but the last, which may have fewer.

    Returns:
        The slices of the blocks, in order.

    Example:
        >>> row_slices(5, 2)
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
