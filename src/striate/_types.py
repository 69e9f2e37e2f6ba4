"""Type aliases that several packages share."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
Weights = dict[str, Array]
"""Parameters by full name, for example `C1/kernel`."""
