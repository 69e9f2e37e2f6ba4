"""The regularizers, importable as in Keras: `from striate.regularizers import l2`."""

from typing import Any

from striate.errors import NetworkError, raise_for_serialization
from striate.network.regularizers import L1, L1L2, L2, Regularizer, get_regularizer

__all__ = ["L1", "L1L2", "L2", "Regularizer", "get", "l1", "l1_l2", "l2"]

l1, l2 = L1, L2


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """Return the penalty l1 · Σ|w| + l2 · Σw².

    Args:
        l1: Factor of the sum of magnitudes.
        l2: Factor of the sum of squares.

    Returns:
        The regularizer.
    """
    return L1L2(l1, l2)


def get(identifier: Any) -> Regularizer | None:
    """Return the regularizer for a name or a regularizer; None for None."""
    return get_regularizer(identifier)


def __getattr__(name: str) -> Any:
    raise_for_serialization("regularizers", name)
    if name in ("OrthogonalRegularizer", "orthogonal_regularizer"):
        raise NetworkError(
            f"Striate has no {name}. Start from orthogonal kernels, kernel_initializer='orthogonal', or use "
            "kernel_regularizer='l2'."
        )
    raise AttributeError(f"module 'striate.regularizers' has no attribute '{name}'")
