"""The optimizers, importable as in Keras: `from striate.optimizers import Adam`."""

from striate.engines.optimizers import (
    SGD,
    Adadelta,
    AdaGrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Nadam,
    Optimizer,
    RMSprop,
    get_optimizer,
    refuse_missing,
    with_weight_decay,
)
from striate.optimizers import schedules

Adagrad, RMSProp = AdaGrad, RMSprop
get = get_optimizer

__all__ = [
    "SGD", "AdaGrad", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Lion", "Nadam", "Optimizer", "RMSProp",
    "RMSprop", "get", "get_optimizer", "schedules", "with_weight_decay",
]  # fmt: skip


def __getattr__(name: str) -> object:
    refuse_missing(name)
    raise AttributeError(f"module 'striate.optimizers' has no attribute '{name}'")
