"""The metrics, importable as in Keras: `from striate.metrics import Precision`."""

from striate.engines.losses import loss_function
from striate.errors import raise_for_serialization
from striate.training.metrics import Metric, check_supported, metric_function, metric_named
from striate.training.metrics.accuracies import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from striate.training.metrics.counts import (
    AUC,
    F1Score,
    FalseNegatives,
    FalsePositives,
    FBetaScore,
    Precision,
    Recall,
    TrueNegatives,
    TruePositives,
)
from striate.training.metrics.values import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    Huber,
    KLDivergence,
    LogCoshError,
    Mean,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    R2Score,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)

get = metric_named
binary_accuracy = metric_function("binary_accuracy")
categorical_accuracy = metric_function("categorical_accuracy")
sparse_categorical_accuracy = metric_function("sparse_categorical_accuracy")
top_k_categorical_accuracy = metric_function("top_k_categorical_accuracy")
sparse_top_k_categorical_accuracy = metric_function("sparse_top_k_categorical_accuracy")
binary_crossentropy = loss_function("binary_crossentropy")
binary_focal_crossentropy = loss_function("binary_focal_crossentropy")
categorical_crossentropy = loss_function("categorical_crossentropy")
categorical_focal_crossentropy = loss_function("categorical_focal_crossentropy")
sparse_categorical_crossentropy = loss_function("sparse_categorical_crossentropy")
categorical_hinge, hinge = loss_function("categorical_hinge"), loss_function("hinge")
squared_hinge, huber = loss_function("squared_hinge"), loss_function("huber")
kl_divergence, log_cosh = loss_function("kl_divergence"), loss_function("log_cosh")
mean_absolute_error = mae = MAE = loss_function("mean_absolute_error")
mean_absolute_percentage_error = mape = MAPE = loss_function("mean_absolute_percentage_error")
mean_squared_error = mse = MSE = loss_function("mean_squared_error")
mean_squared_logarithmic_error = msle = MSLE = loss_function("mean_squared_logarithmic_error")
poisson = loss_function("poisson")

__all__ = [
    "AUC", "MAE", "MAPE", "MSE", "MSLE", "Accuracy", "BinaryAccuracy", "BinaryCrossentropy", "CategoricalAccuracy",
    "CategoricalCrossentropy", "CategoricalHinge", "CosineSimilarity", "F1Score", "FBetaScore", "FalseNegatives",
    "FalsePositives", "Hinge", "Huber", "KLDivergence", "LogCoshError", "Mean", "MeanAbsoluteError",
    "MeanAbsolutePercentageError", "MeanSquaredError", "MeanSquaredLogarithmicError", "Metric", "Poisson",
    "Precision", "R2Score", "Recall", "RootMeanSquaredError", "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy", "SparseTopKCategoricalAccuracy", "SquaredHinge", "TopKCategoricalAccuracy",
    "TrueNegatives", "TruePositives", "binary_accuracy", "binary_crossentropy", "binary_focal_crossentropy",
    "categorical_accuracy", "categorical_crossentropy", "categorical_focal_crossentropy", "categorical_hinge",
    "get", "hinge", "huber", "kl_divergence", "log_cosh", "mae", "mape", "mean_absolute_error",
    "mean_absolute_percentage_error", "mean_squared_error", "mean_squared_logarithmic_error", "mse", "msle",
    "poisson", "sparse_categorical_accuracy", "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy", "squared_hinge", "top_k_categorical_accuracy",
]  # fmt: skip


def __getattr__(name: str) -> object:
    raise_for_serialization("metrics", name)
    check_supported(name)
    raise AttributeError(f"module 'striate.metrics' has no attribute '{name}'")
