"""The losses, importable as in Keras: `from striate.losses import Huber, mean_squared_error`."""

from typing import Any

from striate.engines.losses import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    Loss,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    check_supported,
    get_loss,
    loss_function,
)
from striate.errors import raise_for_serialization


def get(identifier: Any) -> Loss:
    """Return the loss for a name, a class, a function or a loss."""
    return get_loss(identifier)


categorical_crossentropy = loss_function("categorical_crossentropy")
sparse_categorical_crossentropy = loss_function("sparse_categorical_crossentropy")
binary_crossentropy = bce = BCE = loss_function("binary_crossentropy")
categorical_focal_crossentropy = loss_function("categorical_focal_crossentropy")
binary_focal_crossentropy = loss_function("binary_focal_crossentropy")
kl_divergence = kullback_leibler_divergence = kld = KLD = loss_function("kl_divergence")
mean_squared_error = mse = MSE = loss_function("mean_squared_error")
mean_absolute_error = mae = MAE = loss_function("mean_absolute_error")
mean_absolute_percentage_error = mape = MAPE = loss_function("mean_absolute_percentage_error")
mean_squared_logarithmic_error = msle = MSLE = loss_function("mean_squared_logarithmic_error")
huber = huber_loss = loss_function("huber")
log_cosh = logcosh = loss_function("log_cosh")
poisson = loss_function("poisson")
hinge = loss_function("hinge")
squared_hinge = loss_function("squared_hinge")
categorical_hinge = loss_function("categorical_hinge")
cosine_similarity = loss_function("cosine_similarity")

__all__ = [
    "BCE",
    "KLD",
    "MAE",
    "MAPE",
    "MSE",
    "MSLE",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
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
    "bce",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "cosine_similarity",
    "get",
    "get_loss",
    "hinge",
    "huber",
    "huber_loss",
    "kl_divergence",
    "kld",
    "kullback_leibler_divergence",
    "log_cosh",
    "logcosh",
    "mae",
    "mape",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mse",
    "msle",
    "poisson",
    "sparse_categorical_crossentropy",
    "squared_hinge",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    raise_for_serialization("losses", name)
    check_supported(name)
    raise AttributeError(f"module 'striate.losses' has no attribute '{name}'")
