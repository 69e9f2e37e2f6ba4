"""The confidence below which a prediction is called "unknown"."""

import numpy as np

from striate._types import Array


def unknown_threshold(probabilities: Array, labels: Array, accept: float = 0.99) -> float:
    """The top probability that at least `accept` of the rightly classified images reach or exceed.

    probabilities: (N, classes) of validation images (never test images), labels: (N,) class numbers; accept: 0..1.
    Without images there is nothing to go by, and nothing is called unknown (0.0); a model that got none right knows
    nothing, and everything is (1.0).
    """
    if len(labels) == 0:
        return 0.0
    top = probabilities.max(axis=1)[probabilities.argmax(axis=1) == labels]
    if len(top) == 0:
        return 1.0
    return float(np.quantile(top, 1 - accept, method="lower"))
