"""Descriptions of losses: what is minimised, and which output it goes with."""

from dataclasses import dataclass
from typing import Any

from striate.errors import UsageError, nearest


@dataclass(frozen=True)
class Loss:
    """Base of all losses. The value is the mean over the batch."""


@dataclass(frozen=True)
class CategoricalCrossentropy(Loss):
    """−Σ t log p over the classes, for a softmax output: one of n.

    Targets are class numbers (N,) or one-hot rows (N, classes).
    label_smoothing: 0 to below 1; the part of the target spread evenly over all classes.
    """

    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            raise UsageError(f"label_smoothing lies in 0 … 1, 1 left out; received {self.label_smoothing}.")


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
    """A loss by its Keras name, or the loss itself. Raises UsageError for a name it does not know."""
    if isinstance(loss, Loss):
        return loss
    if loss not in LOSSES:
        raise UsageError(f"There is no loss '{loss}'.{nearest(loss, LOSSES)}")
    return LOSSES[loss](**settings)
