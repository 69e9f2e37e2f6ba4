"""The optimizers, importable as in Keras: `from striate.optimizers import Adam`."""

from typing import Any

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
    check_supported,
    get_optimizer,
    with_weight_decay,
)
from striate.errors import raise_for_serialization
from striate.optimizers import schedules

Adagrad, RMSProp = AdaGrad, RMSprop


def get(identifier: Any) -> Optimizer:
    """Return the optimizer for a name, a class or an optimizer."""
    return get_optimizer(identifier)


__all__ = [
    "SGD", "AdaGrad", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Lion", "Nadam", "Optimizer", "RMSProp",
    "RMSprop", "get", "get_optimizer", "schedules", "with_weight_decay",
]  # fmt: skip


def __getattr__(name: str) -> object:
    raise_for_serialization("optimizers", name)
    check_supported(name)
    raise AttributeError(f"module 'striate.optimizers' has no attribute '{name}'")
