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
from striate.engines.losses.classification import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    KLDivergence,
    SparseCategoricalCrossentropy,
)
from striate.engines.losses.custom import CustomLoss, check_custom_loss
from striate.engines.losses.names import LOSSES, NAMES, check_supported, get_loss, loss_function
from striate.engines.losses.regression import (
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
    "check_supported",
    "class_probabilities",
    "get_loss",
    "log_of_output",
    "log_probabilities",
    "log_softmax",
    "loss_function",
]  # fmt: skip
