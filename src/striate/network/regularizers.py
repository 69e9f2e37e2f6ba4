"""Descriptions of penalties on large weights."""

from dataclasses import dataclass, fields

from striate.errors import NetworkError, nearest
from striate.network import settings as check


@dataclass(frozen=True)
class Regularizer:
    """Base of all penalties; the penalty is added to the loss. Raises NetworkError for a setting below 0."""

    def __post_init__(self) -> None:
        for field in fields(self):
            check.settle(self, type(self).__name__, check.not_negative, field.name)


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


REGULARIZERS: dict[str, Regularizer] = {"l1": L1(), "l2": L2(), "l1_l2": L1L2(0.01, 0.01)}


def get_regularizer(regularizer: str | Regularizer | None) -> Regularizer | None:
    """A penalty by its Keras name with its default settings, the penalty itself, or None.

    Raises NetworkError for a name it does not know.
    """
    if regularizer is None or isinstance(regularizer, Regularizer):
        return regularizer
    if not isinstance(regularizer, str):
        raise NetworkError(f"Expected a regularizer or its name, received {regularizer!r}.")
    if regularizer not in REGULARIZERS:
        raise NetworkError(f"There is no regularizer '{regularizer}'.{nearest(regularizer, REGULARIZERS)}")
    return REGULARIZERS[regularizer]


def strengths(regularizer: Regularizer | None) -> tuple[float, float]:
    """The L1 and L2 factors of a penalty."""
    if isinstance(regularizer, L1L2):
        return regularizer.l1, regularizer.l2
    if isinstance(regularizer, L1):
        return regularizer.l1, 0.0
    return 0.0, regularizer.l2 if isinstance(regularizer, L2) else 0.0
