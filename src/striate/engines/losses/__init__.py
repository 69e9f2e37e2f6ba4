"""Losses: descriptions with values and gradients in NumPy, by class, by Keras's names and as functions."""

from striate.engines.losses.base import (
    FITTED_FLOOR,
    REPORTED_FLOOR,
    Loss,
    class_probabilities,
    log_of_output,
    log_probabilities,
    log_softmax,
)
from striate.engines.losses.classes import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    KLDivergence,
    SparseCategoricalCrossentropy,
)
from striate.engines.losses.custom import CustomLoss, check_custom_loss
from striate.engines.losses.names import LOSSES, NAMES, get_loss, loss_function, refuse_missing
from striate.engines.losses.numbers import (
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SquaredHinge,
)

__all__ = [
    "FITTED_FLOOR",
    "LOSSES",
    "NAMES",
    "REPORTED_FLOOR",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "CustomLoss",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "check_custom_loss",
    "class_probabilities",
    "get_loss",
    "log_of_output",
    "log_probabilities",
    "log_softmax",
    "loss_function",
    "refuse_missing",
]  # fmt: skip
