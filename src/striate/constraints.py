"""In place of Keras's module of constraints, which Striate does not have: each name says what to write."""

from typing import Any

from striate.errors import NetworkError

CONSTRAINTS = (
    "Constraint", "deserialize", "serialize", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "get", "max_norm",
    "min_max_norm", "non_neg", "unit_norm",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in CONSTRAINTS:
        raise NetworkError(
            f"Striate has no constraints on weights, so no {name}. kernel_regularizer='l2' keeps weights small, and "
            "model.compile(global_clipnorm=1.0) limits the steps."
        )
    raise AttributeError(f"module 'striate.constraints' has no attribute '{name}'")
