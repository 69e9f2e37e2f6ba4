"""Descriptions of losses, and log-probabilities in NumPy.

Cross-entropy replaces probabilities below a floor by the floor, because log 0 is −∞. In training, the floor is the
smallest normal number of the dtype, so that it does not change gradients.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from striate._types import Array
from striate.arguments import check_constructor, check_number, describe, explain_arguments
from striate.errors import UsageError, nearest
from striate.network.outputs import OutputForm

REPORTED_FLOOR = 1e-7  # for reported losses, as in Keras, so that one image cannot dominate the mean
FITTED_FLOOR = 1e-12  # for log-probabilities to fit, as for temperature scaling


def log_probabilities(p: Array, floor: float) -> Array:
    """Return log max(p, floor) in the dtype of p."""
    return np.asarray(np.log(np.maximum(p, floor)))


def log_softmax(logits: Array) -> Array:
    """Return the logarithm of the softmax over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def log_of_output(output: Array, form: OutputForm, floor: float) -> Array:
    """Return the logarithms of the probabilities of classes.

    Args:
        output: A network's output (N, classes).
        form: What it is.
        floor: Smaller probabilities count as this one. Log-probabilities and logits, which are exact, need no floor.

    Returns:
        An array of the same shape and dtype.
    """
    if form == "logits":
        return log_softmax(output)
    return output if form == "log_probabilities" else log_probabilities(output, floor)


def class_probabilities(output: Array, form: OutputForm) -> Array:
    """Return the probabilities of classes (N, classes) for a network's output."""
    return output if form == "probabilities" else np.exp(log_of_output(output, form, 0))


@check_constructor
@dataclass(frozen=True)
class Loss:
    """Base of all losses. The loss of a batch is the mean over its samples."""


@check_constructor
@dataclass(frozen=True)
class CategoricalCrossentropy(Loss):
    """Cross-entropy for single-label classification.

    p is the output of a softmax. An output without activation is read as logits, that of a log_softmax as log p.

    For targets t, class numbers (N,) or probabilities (N, classes), the loss of a sample is −(Σ w t) Σ s log p over
    the K classes, with s = (1 − ε) t + ε / K. As in Keras, the mean over the batch divides by the number of samples,
    not by the sum of their weights. Unlike in Keras, class weights also apply to the validation loss, so that it can be
    compared with the training loss.

    Attributes:
        label_smoothing: ε, 0 to below 1.
        class_weights: w, the weight of each class, 0 or more; a sample with a mixed target has the mean weight of its
            classes. None: all 1.
    """

    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 <= check_number("label_smoothing", self.label_smoothing) < 1:
            raise UsageError(f"label_smoothing must be at least 0 and below 1; received {self.label_smoothing}.")
        invalid = [weight for weight in self.class_weights or () if not (isfinite(weight) and weight >= 0)]
        if invalid:
            raise UsageError(f"class_weights must be finite and 0 or more; received {invalid[0]}.")


@check_constructor
@dataclass(frozen=True)
class BinaryCrossentropy(Loss):
    """Cross-entropy for multi-label classification: mean of −(t log p + (1 − t) log(1 − p)) over the outputs.

    p is the output of a sigmoid. An output without activation is read as logits.
    """


@check_constructor
@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Mean of (p − t)² over the outputs, for regression with a linear output."""


LOSSES: dict[str, type[Loss]] = {
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": CategoricalCrossentropy,
    "binary_crossentropy": BinaryCrossentropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
}


@explain_arguments
def get_loss(loss: str | Loss, **settings: Any) -> Loss:
    """Return a loss by its Keras name, or the loss itself.

    Args:
        loss: A name, or a loss.
        **settings: Settings of a loss given by name.

    Returns:
        The loss.

    Raises:
        UsageError: The name is unknown, or a setting is out of range.
    """
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str):
        raise UsageError(f"loss must be a name or a Loss; received {describe(loss)}.")
    if loss not in LOSSES:
        raise UsageError(f"There is no loss '{loss}'.{nearest(loss, LOSSES)}")
    return LOSSES[loss](**settings)
