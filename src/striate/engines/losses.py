"""Losses: their descriptions, and the definition of cross-entropy in NumPy.

A probability of 0 has no logarithm, so cross-entropy counts small probabilities as some smallest one. While an engine
trains, that is the smallest normal number of its dtype, which leaves gradients as they are.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from striate._types import Array
from striate.errors import UsageError, nearest

REPORTED_FLOOR = 1e-7  # smallest probability in reported losses, as in Keras, so that one image cannot dominate a mean
FITTED_FLOOR = 1e-12  # smallest probability where log-probabilities are compared or fitted, as for a temperature


def log_probabilities(p: Array, floor: float) -> Array:
    """Return log p in the dtype of p, with probabilities below `floor` counted as `floor`."""
    return np.asarray(np.log(np.maximum(p, floor)))


def log_softmax(logits: Array) -> Array:
    """Return the logarithm of the softmax over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


@dataclass(frozen=True)
class Loss:
    """Base of all losses. The value is the mean over the batch."""


@dataclass(frozen=True)
class CategoricalCrossentropy(Loss):
    """−(Σ w t) Σ s log p over the K classes, with s = (1 − ε) t + ε / K, for a softmax output: one of n.

    Targets t are class numbers (N,) or one-hot rows (N, classes).
    label_smoothing: ε, 0 to below 1; the part of the target spread evenly over all classes.
    class_weights: w, what a sample of each class counts, 0 or more; a mixed sample counts the mean of its classes by
    its target, before smoothing. None: 1 each. As in Keras the mean is taken over the samples, not over their weights;
    unlike in Keras the loss on validation samples is weighted too, so that it can be compared with that of training.
    """

    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            raise UsageError(f"label_smoothing must be at least 0 and below 1; received {self.label_smoothing}.")
        wrong = [weight for weight in self.class_weights or () if not (isfinite(weight) and weight >= 0)]
        if wrong:
            raise UsageError(f"class_weights must be 0 or more; received {wrong[0]}.")


@dataclass(frozen=True)
class BinaryCrossentropy(Loss):
    """−(t log p + (1 − t) log(1 − p)), mean over the outputs, for a sigmoid output: several at once."""


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """(p − t)², mean over the outputs, for a linear output: a number."""


LOSSES: dict[str, type[Loss]] = {
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": CategoricalCrossentropy,
    "binary_crossentropy": BinaryCrossentropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
}


def get_loss(loss: str | Loss, **settings: Any) -> Loss:
    """Return a loss by its Keras name, or the loss itself. Raise UsageError for an unknown name."""
    if isinstance(loss, Loss):
        return loss
    if loss not in LOSSES:
        raise UsageError(f"There is no loss '{loss}'.{nearest(loss, LOSSES)}")
    return LOSSES[loss](**settings)
