"""The expected cost of errors, and of the decisions that cost least."""

from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

import numpy as np

from striate._types import Array
from striate.errors import DataError
from striate.evaluation.intervals import Estimate, Z


@dataclass(frozen=True)
class ExpectedCost:
    """The mean cost of an image.

    Attributes:
        most_probable: If the most probable class is predicted.
        cheapest: If the class with the least expected cost is predicted.
        changed: Number of images for which both differ.
    """

    most_probable: Estimate
    cheapest: Estimate
    changed: int

    def to_dict(self) -> dict[str, Any]:
        """Return the costs as values for JSON."""
        return asdict(self)


def expected_cost(probabilities: Array, labels: Array, costs: Array) -> ExpectedCost:
    """Return what errors cost.

    Args:
        probabilities: (N, K), 0 … 1.
        labels: Class numbers (N,).
        costs: (K, K): what it costs to predict the class of the column for an image of the class of the row.

    Returns:
        The mean costs.

    Raises:
        DataError: If the costs have another shape, or are not finite.

    Example:
        >>> import numpy as np
        >>> probabilities = np.array([[0.8, 0.2], [0.6, 0.4]])
        >>> found = expected_cost(probabilities, np.array([0, 1]), np.array([[0, 1], [10, 0]]))
        >>> found.most_probable.value, found.cheapest.value, found.changed
        (5.0, 0.5, 2)
    """
    classes = probabilities.shape[1]
    if costs.shape != (classes, classes) or not np.isfinite(costs).all():
        raise DataError(f"Costs must be finite numbers of shape {(classes, classes)}; received shape {costs.shape}.")
    likely = probabilities.argmax(axis=1)
    cheapest = (probabilities.astype(np.float64) @ costs).argmin(axis=1)
    return ExpectedCost(
        _mean(costs[labels, likely]), _mean(costs[labels, cheapest]), int(np.count_nonzero(likely != cheapest))
    )


def _mean(costs: Array) -> Estimate:
    value = float(costs.mean())
    if len(costs) < 2:
        return Estimate(value, None, None)
    half = Z * float(costs.std(ddof=1)) / sqrt(len(costs))
    return Estimate(value, value - half, value + half)
