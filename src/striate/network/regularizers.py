"""Descriptions of regularizers, penalties λ₁ Σ|w| + λ₂ Σw² on large weights."""

from dataclasses import dataclass, fields
from typing import Any

from striate.arguments import check_constructor
from striate.errors import NetworkError, nearest
from striate.network import settings as check


@dataclass(frozen=True)
class Regularizer:
    """Base of all regularizers; their penalties are added to the loss. Raise NetworkError for a setting below 0."""

    def __post_init__(self) -> None:
        for field in fields(self):
            check.convert(self, type(self).__name__, check.not_negative, field.name)

    def get_config(self) -> dict[str, Any]:
        """Return the settings by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Regularizer":
        """Return a regularizer with the settings that `get_config` returned."""
        return cls(**config)

    def __call__(self, x: Any) -> Any:
        """Return the penalty of an array or a PyTorch tensor.

        Example:
            >>> import numpy as np
            >>> float(L1L2(0.1, 0.5)(np.array([1.0, -2.0])))
            2.8
        """
        l1, l2 = strengths(self)
        return l1 * abs(x).sum() + l2 * (x * x).sum()


@dataclass(frozen=True)
class L1(Regularizer):
    """l1 · Σ|w|."""

    l1: float = 0.01


@dataclass(frozen=True)
class L2(Regularizer):
    """l2 · Σw²."""

    l2: float = 0.01


@dataclass(frozen=True)
class L1L2(Regularizer):
    """l1 · Σ|w| + l2 · Σw²."""

    l1: float = 0.0
    l2: float = 0.0


for _kind in (Regularizer, L1, L2, L1L2):
    check_constructor(_kind)

RegularizerLike = Any  # what `get_regularizer` accepts

REGULARIZERS: dict[str, Regularizer] = {"l1": L1(), "l2": L2(), "l1_l2": L1L2(0.01, 0.01)}


def get_regularizer(regularizer: RegularizerLike) -> Regularizer | None:
    """Return a regularizer by its Keras name, the regularizer itself, or None.

    Args:
        regularizer: A name such as "l2", a regularizer such as L2(1e-4) or its class, or None.

    Returns:
        The regularizer, or None.

    Raises:
        NetworkError: If the name is unknown, or the value is neither a name nor a regularizer.
    """
    if regularizer is None or isinstance(regularizer, Regularizer):
        return regularizer
    if isinstance(regularizer, type) and issubclass(regularizer, Regularizer):
        return regularizer()
    if not isinstance(regularizer, str):
        raise NetworkError(
            f"Expected a regularizer such as L2(1e-4), or its name; received {regularizer!r}. "
            "Custom functions are not supported."
        )
    name = {"l1l2": "l1_l2"}.get(regularizer.lower(), regularizer.lower())
    if name not in REGULARIZERS:
        raise NetworkError(f"There is no regularizer '{regularizer}'.{nearest(name, REGULARIZERS)}")
    return REGULARIZERS[name]


def strengths(regularizer: Regularizer | None) -> tuple[float, float]:
    """Return the factors of a regularizer.

    Args:
        regularizer: The regularizer; None: no penalty.

    Returns:
        λ₁ and λ₂.

    Raises:
        NetworkError: If its class is not supported.
    """
    match regularizer:
        case None:
            return 0.0, 0.0
        case L1(l1):
            return l1, 0.0
        case L2(l2):
            return 0.0, l2
        case L1L2(l1, l2):
            return l1, l2
    raise NetworkError(f"The engines do not support the regularizer {type(regularizer).__name__}.")
