"""Losses by Keras's names, and as functions of targets and predictions."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from striate.arguments import describe, explain_arguments
from striate.engines.losses import classification, regression
from striate.engines.losses.base import Loss
from striate.engines.losses.custom import custom_loss
from striate.errors import UsageError, nearest
from striate.network.naming import snake_case


def _losses_of(module: ModuleType) -> dict[str, type[Loss]]:
    """Return the losses that a module defines, by Keras's names."""
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Loss)]
    own = [kind for kind in kinds if kind.__module__ == module.__name__ and not kind.__name__.startswith("_")]
    return {snake_case(kind.__name__): kind for kind in own}


LOSSES = _losses_of(classification) | _losses_of(regression)
SHORT = {
    "bce": "binary_crossentropy", "kld": "kl_divergence", "kullback_leibler_divergence": "kl_divergence",
    "mse": "mean_squared_error", "mae": "mean_absolute_error", "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error", "logcosh": "log_cosh", "huber_loss": "huber",
}  # fmt: skip
NAMES: dict[str, type[Loss]] = {
    **LOSSES,
    **{short: LOSSES[name] for short, name in SHORT.items()},
    **{short.upper(): LOSSES[SHORT[short]] for short in ("bce", "kld", "mse", "mae", "mape", "msle")},
    **{kind.__name__: kind for kind in LOSSES.values()},
}
"""All spellings that Keras accepts."""
UNSUPPORTED = {
    "dice": "it is for the segmentation of images",
    "tversky": "it is for the segmentation of images",
    "circle": "it is for comparing embeddings",
    "ctc": "it is for sequences",
    "categoricalgeneralizedcrossentropy": "use 'categorical_focal_crossentropy' or label_smoothing",
}
"""Losses of Keras that Striate does not have, in lower case without underscores, and why."""

CROSSENTROPY = {"crossentropy", "crossentropyloss", "ce", "celoss", "nll", "nllloss", "logloss", "softmaxcrossentropy"}
"""Names of the cross-entropy in other programs, in lower case without underscores."""

_KIND_OF_FUNCTION: dict[Callable[..., Any], type[Loss]] = {}


def check_supported(name: str) -> None:
    """Check that a loss is not one that only Keras has.

    Args:
        name: The name.

    Raises:
        UsageError: If only Keras has this loss; the message says why. Also if it is not clear which cross-entropy.
    """
    plain = name.lower().replace("_", "")
    if plain in CROSSENTROPY:
        raise UsageError(
            f"'{name}' may be several losses: use 'sparse_categorical_crossentropy' for class numbers, "
            "'categorical_crossentropy' for one-hot rows, or 'binary_crossentropy' for labels of 0 and 1."
        )
    reason = UNSUPPORTED.get(plain)
    if reason is not None:
        raise UsageError(f"Striate does not have the loss '{name}': {reason}.")


@explain_arguments
def get_loss(loss: Any, **settings: Any) -> Loss:
    """Return a loss by its Keras name, or the loss itself.

    Args:
        loss: A name, a loss, its class, or a function of y_true and y_pred; see `CustomLoss`.
        **settings: Settings of a loss that is not an object yet.

    Returns:
        The loss.

    Raises:
        UsageError: If the name is unknown, or a setting is out of range.

    Example:
        >>> get_loss("mae"), get_loss("Huber", delta=2.0)
        (MeanAbsoluteError(), Huber(delta=2.0))
    """
    if isinstance(loss, Loss):
        return custom_loss(loss) if hasattr(loss, "call") else loss
    if isinstance(loss, type) and issubclass(loss, Loss):
        return loss(**settings)
    if callable(loss) and loss in _KIND_OF_FUNCTION:
        return _KIND_OF_FUNCTION[loss](**settings)
    if callable(loss) or hasattr(loss, "forward"):
        return custom_loss(loss)
    if not isinstance(loss, str):
        raise UsageError(f"loss must be a name, a Loss or a function; received {describe(loss)}.")
    if loss not in NAMES:
        check_supported(loss)
        raise UsageError(f"There is no loss '{loss}'.{nearest(loss, NAMES)}")
    return NAMES[loss](**settings)


def loss_function(name: str) -> Callable[..., Any]:
    """Return a loss as a function `f(y_true, y_pred, **settings)` that gives the loss of each sample (N,).

    Args:
        name: A Keras name.

    Returns:
        The function, which `compile` takes in place of the loss.

    Example:
        >>> loss_function("mean_squared_error")([[0.0, 0.0]], [[1.0, 2.0]])
        array([2.5])
    """
    kind = NAMES[name]

    def function(y_true: Any, y_pred: Any, **settings: Any) -> Any:
        return kind(**settings, reduction="none")(y_true, y_pred)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return the loss of each sample (N,), as `{kind.__name__}` computes it."
    _KIND_OF_FUNCTION[function] = kind
    return function
