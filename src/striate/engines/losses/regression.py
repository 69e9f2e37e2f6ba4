"""Losses of regression, and hinge losses."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from striate._types import Array
from striate.arguments import check_constructor, check_number
from striate.engines.losses.base import EPSILON, Loss, TargetKind, rows_of_classes
from striate.errors import UsageError
from striate.network.outputs import OutputForm


@check_constructor
@dataclass(frozen=True, repr=False)
class _ElementwiseLoss(Loss):
    """A loss that is the mean of terms, one for each output."""

    def terms(self, t: Array, p: Array) -> tuple[Array, Array]:
        """Return the term of each output, and its derivative with respect to p."""
        raise NotImplementedError

    def differentiate(
        self, t: Array, p: Array, output_form: OutputForm = "probabilities", min_probability: float | None = None
    ) -> tuple[Array, Array]:
        """Return the mean of the terms over the last axis, and its gradient."""
        values, gradient = self.terms(t, p)
        return np.asarray(values.mean(axis=-1)), gradient / p.shape[-1]


@check_constructor
@dataclass(frozen=True, repr=False)
class MeanSquaredError(_ElementwiseLoss):
    """Mean of (p − t)² over the outputs, for regression with a linear output."""

    def terms(self, t: Array, p: Array) -> tuple[Array, Array]:
        """Return (p − t)² and 2 (p − t)."""
        difference = p - t
        return np.square(difference), 2 * difference


@check_constructor
@dataclass(frozen=True, repr=False)
class MeanAbsoluteError(_ElementwiseLoss):
    """Mean of |p − t| over the outputs."""

    def terms(self, t: Array, p: Array) -> tuple[Array, Array]:
        """Return |p − t| and its sign."""
        return np.abs(p - t), np.sign(p - t)


@check_constructor
@dataclass(frozen=True, repr=False)
class MeanAbsolutePercentageError(_ElementwiseLoss):
    """Mean of 100 |p − t| / |t| over the outputs."""

    def terms(self, t: Array, p: Array) -> tuple[Array, Array]:
        """Return 100 |p − t| / |t| and its derivative."""
        scale = 100 / np.maximum(np.abs(t), EPSILON)
        return np.abs(p - t) * scale, np.sign(p - t) * scale


@check_constructor
@dataclass(frozen=True, repr=False)
class MeanSquaredLogarithmicError(_ElementwiseLoss):
    """Mean of (log(1 + p) − log(1 + t))² over the outputs; numbers below 0 count as 0."""

    def terms(self, t: Array, p: Array) -> tuple[Array, Array]:
        """Return (log(1 + p) − log(1 + t))² and its derivative."""
        difference = np.log1p(np.maximum(p, EPSILON)) - np.log1p(np.maximum(t, EPSILON))
        return np.square(difference), np.where(p > EPSILON, 2 * difference / (1 + np.maximum(p, 0)), 0)


@check_constructor
@dataclass(frozen=True, repr=False)
class Huber(_ElementwiseLoss):
    """Half the squared error up to δ and linear beyond: δ |p − t| − δ² / 2, so that outliers count less.

    Attributes:
        delta: δ, above 0.
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not check_number("delta", self.delta) > 0:
            raise UsageError(f"Huber: delta must be above 0; received {self.delta}.")

    def terms(self, t: Array, p: Array) -> tuple[Array, Array]:
        """Return the term of each output and its derivative, the error limited to ±δ."""
        error = p - t
        size = np.abs(error)
        values = np.where(size <= self.delta, np.square(error) / 2, self.delta * size - self.delta**2 / 2)
        return values, np.clip(error, -self.delta, self.delta)


@check_constructor
@dataclass(frozen=True, repr=False)
class LogCosh(_ElementwiseLoss):
    """Mean of log cosh(p − t) over the outputs, nearly half the square of small and the size of large errors."""

    def terms(self, t: Array, p: Array) -> tuple[Array, Array]:
        """Return log cosh(p − t) and tanh(p − t)."""
        size = np.abs(p - t)
        return size + np.log1p(np.exp(-2 * size)) - np.log(2).astype(p.dtype), np.tanh(p - t)


@check_constructor
@dataclass(frozen=True, repr=False)
class Poisson(_ElementwiseLoss):
    """Mean of p − t log p over the outputs, for counts t; the outputs must be above 0."""

    def terms(self, t: Array, p: Array) -> tuple[Array, Array]:
        """Return p − t log p and 1 − t / p."""
        return p - t * np.log(p + EPSILON), 1 - t / (p + EPSILON)


@check_constructor
@dataclass(frozen=True, repr=False)
class Hinge(_ElementwiseLoss):
    """Mean of max(1 − t p, 0) over the outputs, for targets −1 and 1; targets 0 count as −1."""

    target_kind: ClassVar[TargetKind] = "signs"

    def terms(self, t: Array, p: Array) -> tuple[Array, Array]:
        """Return max(1 − t p, 0) and its derivative."""
        t = _signs(t)
        margin = 1 - t * p
        return np.maximum(margin, 0), np.where(margin > 0, -t, 0)


@check_constructor
@dataclass(frozen=True, repr=False)
class SquaredHinge(_ElementwiseLoss):
    """Mean of max(1 − t p, 0)² over the outputs, for targets −1 and 1; targets 0 count as −1."""

    target_kind: ClassVar[TargetKind] = "signs"

    def terms(self, t: Array, p: Array) -> tuple[Array, Array]:
        """Return max(1 − t p, 0)² and its derivative."""
        t = _signs(t)
        margin = np.maximum(1 - t * p, 0)
        return np.square(margin), -2 * t * margin


@check_constructor
@dataclass(frozen=True, repr=False)
class CategoricalHinge(Loss):
    """Loss max(1 + (largest wrong output) − (output of the class), 0), for one-hot rows or class numbers."""

    target_kind: ClassVar[TargetKind] = "classes"

    def differentiate(
        self, t: Array, p: Array, output_form: OutputForm = "probabilities", min_probability: float | None = None
    ) -> tuple[Array, Array]:
        """Return max(1 + neg − pos, 0), and its gradient."""
        classes = np.arange(p.shape[-1])
        t = rows_of_classes(t, p)
        others = (1 - t) * p
        values = np.maximum(1 + others.max(axis=-1) - (t * p).sum(axis=-1), 0)
        largest = classes == others.argmax(axis=-1)[..., None]
        return values, np.where(values[..., None] > 0, largest * (1 - t) - t, 0).astype(p.dtype)


@check_constructor
@dataclass(frozen=True, repr=False)
class CosineSimilarity(Loss):
    """Minus the cosine of the angle between output and target: −1 for the same direction, 1 for the opposite.

    Attributes:
        axis: The axis of the vectors, which is always the last: −1.
    """

    axis: int = field(default=-1, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.axis != -1:
            raise UsageError(f"CosineSimilarity: axis must be -1, the last one; received {self.axis}.")

    def differentiate(
        self, t: Array, p: Array, output_form: OutputForm = "probabilities", min_probability: float | None = None
    ) -> tuple[Array, Array]:
        """Return minus the cosine, and its gradient."""
        (t, _), (q, length) = _normalize(t), _normalize(p)
        cosine = (t * q).sum(axis=-1, keepdims=True)
        return -cosine[..., 0], -(t - q * cosine) / length


def _signs(t: Array) -> Array:
    """Return targets −1 and 1 for targets 0 and 1."""
    return np.where(t == 0, -1, t).astype(t.dtype)


def _normalize(x: Array) -> tuple[Array, Array]:
    """Return vectors of length 1 along the last axis, and their length before."""
    length = np.sqrt(np.maximum(np.square(x).sum(axis=-1, keepdims=True), EPSILON**2))
    return x / length, length
