"""The losses, importable as in Keras: `from striate.losses import Huber, mean_squared_error`."""

from typing import Any

from striate.engines.losses import REFUSED, loss_function
from striate.engines.losses import BinaryCrossentropy as BinaryCrossentropy
from striate.engines.losses import BinaryFocalCrossentropy as BinaryFocalCrossentropy
from striate.engines.losses import CategoricalCrossentropy as CategoricalCrossentropy
from striate.engines.losses import CategoricalFocalCrossentropy as CategoricalFocalCrossentropy
from striate.engines.losses import CategoricalHinge as CategoricalHinge
from striate.engines.losses import CosineSimilarity as CosineSimilarity
from striate.engines.losses import Hinge as Hinge
from striate.engines.losses import Huber as Huber
from striate.engines.losses import KLDivergence as KLDivergence
from striate.engines.losses import LogCosh as LogCosh
from striate.engines.losses import Loss as Loss
from striate.engines.losses import MeanAbsoluteError as MeanAbsoluteError
from striate.engines.losses import MeanAbsolutePercentageError as MeanAbsolutePercentageError
from striate.engines.losses import MeanSquaredError as MeanSquaredError
from striate.engines.losses import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from striate.engines.losses import Poisson as Poisson
from striate.engines.losses import SparseCategoricalCrossentropy as SparseCategoricalCrossentropy
from striate.engines.losses import SquaredHinge as SquaredHinge
from striate.engines.losses import get_loss as get
from striate.errors import UsageError

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

__all__ = [name for name in globals() if not name.startswith("_") and name not in ("Any", "REFUSED", "UsageError")]


def __getattr__(name: str) -> Any:
    if (reason := REFUSED.get(name.lower())) is not None:
        raise UsageError(f"Striate does not have the loss '{name}': {reason}.")
    raise AttributeError(f"module 'striate.losses' has no attribute '{name}'")
