"""Type aliases that several packages share."""

from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
Weights = dict[str, Array]
"""Parameters by full name, for example `C1/kernel`."""
Logs = dict[str, float]
"""Loss and metrics by name, for example `val_accuracy`."""
Echo = Callable[[str], None]
"""A function that prints one line."""
Ranges = Mapping[str, tuple[float, float]]
"""Smallest and largest value of feature maps, by name."""
