"""Losses of classifiers: cross-entropies, and losses that weight hard samples more."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import ClassVar

import numpy as np

from striate._types import Array
from striate.arguments import check_constructor, check_number
from striate.engines.losses.base import Loss, TargetKind, log_of_output, rows_of_classes, smallest
from striate.errors import UsageError
from striate.network.outputs import OutputForm


@check_constructor
@dataclass(frozen=True, repr=False)
class _ProbabilityLoss(Loss):
    """A loss of probabilities or logits.

    Attributes:
        from_logits: Whether the predictions of a call are logits. In training, the activation of the output decides:
            an output without activation is read as logits, and one with activation must not be declared as logits.
        label_smoothing: ε, 0 to below 1.
        axis: The axis of the classes, which is always the last: −1.
    """

    from_logits: bool = False
    label_smoothing: float = 0.0
    axis: int = field(default=-1, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= check_number("label_smoothing", self.label_smoothing) < 1:
            raise UsageError(f"label_smoothing must be at least 0 and below 1; received {self.label_smoothing}.")
        if self.axis != -1:
            raise UsageError(
                f"{type(self).__name__}: axis must be -1, because classes are the last axis; received {self.axis}."
            )

    @property
    def call_output_form(self) -> OutputForm:
        """Logits with `from_logits`, else probabilities."""
        return "logits" if self.from_logits else "probabilities"

    def _match_classes(self, t: Array, p: Array) -> tuple[Array, Array]:
        t, p = super()._match_classes(t, p)
        return t, p if self.from_logits else p / p.sum(axis=-1, keepdims=True)  # as in Keras


@check_constructor
@dataclass(frozen=True, repr=False)
class CategoricalCrossentropy(_ProbabilityLoss):
    """Cross-entropy for single-label classification.

    p is the output of a softmax. An output without activation is read as logits, that of a log_softmax as log p.

    For targets t, class numbers (N,) or probabilities (N, classes), the loss of a sample is −(Σ w t) Σ s log p over
    the K classes, with s = (1 − ε) t + ε / K. As in Keras, the mean over the batch divides by the number of samples,
    not by the sum of their weights. Unlike `class_weight` of `fit`, class weights also apply to the validation loss,
    so that it can be compared with the training loss.

    Attributes:
        class_weights: w, the weight of each class, 0 or more; a sample with a mixed target has the mean weight of its
            classes. None: all 1.

    Example:
        >>> from striate.losses import CategoricalCrossentropy
        >>> round(CategoricalCrossentropy()([[0, 1], [1, 0]], [[0.5, 0.5], [0.25, 0.75]]), 4)
        1.0397
        >>> round(CategoricalCrossentropy(from_logits=True)([1, 0], [[0.0, 0.0], [0.0, 1.0986]]), 4)
        1.0397
    """

    class_weights: tuple[float, ...] | None = field(default=None, kw_only=True)

    target_kind: ClassVar[TargetKind] = "classes"

    def __post_init__(self) -> None:
        super().__post_init__()
        invalid = [weight for weight in self.class_weights or () if not (isfinite(weight) and weight >= 0)]
        if invalid:
            raise UsageError(f"class_weights must be finite and 0 or more; received {invalid[0]}.")

    def differentiate(
        self, t: Array, p: Array, output_form: OutputForm = "probabilities", min_probability: float | None = None
    ) -> tuple[Array, Array]:
        """Return −(Σ w t) Σ s log p, and its gradient."""
        t = rows_of_classes(t, p)
        weights = None if self.class_weights is None else t @ np.array(self.class_weights, p.dtype)
        if self.label_smoothing:
            t = t * (1 - self.label_smoothing) + self.label_smoothing / p.shape[-1]
        if weights is not None:
            t = t * weights[..., None]
        logs, gradient = _crossentropy(t, p, output_form, min_probability)
        return -np.asarray((t * logs).sum(axis=-1)), gradient

    def sample_values(
        self, t: Array, p: Array, output_form: OutputForm = "probabilities", min_probability: float | None = None
    ) -> Array:
        """Return the loss of each sample (N,), without making rows of class numbers."""
        if t.ndim == p.ndim or p.ndim != 2:
            return super().sample_values(t, p, output_form, min_probability)
        logs = -log_of_output(p, output_form, smallest(p) if min_probability is None else min_probability)
        values = (1 - self.label_smoothing) * logs[np.arange(len(logs)), t]
        if self.label_smoothing:
            values += self.label_smoothing * logs.mean(axis=1)
        return values if self.class_weights is None else values * np.array(self.class_weights)[t]


@check_constructor
@dataclass(frozen=True, repr=False)
class SparseCategoricalCrossentropy(CategoricalCrossentropy):
    """The same as `CategoricalCrossentropy`, which also takes class numbers.

    Attributes:
        ignore_class: None; to leave samples out, give them the weight 0 with `sample_weight`.
    """

    label_smoothing: float = field(default=0.0, kw_only=True)
    ignore_class: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ignore_class is not None:
            raise UsageError(
                f"ignore_class={self.ignore_class} is not supported: give the samples that do not count the weight 0 "
                "with sample_weight, or leave them out."
            )


@check_constructor
@dataclass(frozen=True, repr=False)
class KLDivergence(Loss):
    """Kullback–Leibler divergence Σ t log(t / p) of the predicted from the target probabilities.

    An output without activation is read as logits.
    """

    def differentiate(
        self, t: Array, p: Array, output_form: OutputForm = "probabilities", min_probability: float | None = None
    ) -> tuple[Array, Array]:
        """Return Σ t log(t / p), and its gradient."""
        t = np.clip(t, 1e-7, 1)
        logs, gradient = _crossentropy(t, p, output_form, min_probability)
        return np.asarray((t * (np.log(t) - logs)).sum(axis=-1)), gradient


@check_constructor
@dataclass(frozen=True, repr=False)
class CategoricalFocalCrossentropy(_ProbabilityLoss):
    """Cross-entropy in which well-classified samples have less weight: Σ α (1 − p)^γ · (−t log p).

    Attributes:
        alpha: α, a number or one for each class.
        gamma: γ, 0 or more; 0 weights all samples the same.

    Source:
        Lin et al. 2017, "Focal Loss for Dense Object Detection".
    """

    alpha: float | Sequence[float] = 0.25
    gamma: float = 2.0
    from_logits: bool = field(default=False, kw_only=True)
    label_smoothing: float = field(default=0.0, kw_only=True)

    target_kind: ClassVar[TargetKind] = "classes"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_gamma(self.gamma)
        if not isinstance(self.alpha, int | float):
            object.__setattr__(self, "alpha", tuple(map(float, self.alpha)))

    def differentiate(
        self, t: Array, p: Array, output_form: OutputForm = "probabilities", min_probability: float | None = None
    ) -> tuple[Array, Array]:
        """Return Σ α (1 − p)^γ (−t log p), and its gradient."""
        t = rows_of_classes(t, p)
        if self.label_smoothing:
            t = t * (1 - self.label_smoothing) + self.label_smoothing / p.shape[-1]
        logs = log_of_output(p, output_form, smallest(p) if min_probability is None else min_probability)
        q = np.exp(logs)
        alpha = np.asarray(self.alpha, p.dtype)
        factor, factor_derivative = _power(1 - q, self.gamma)
        values = -np.asarray((alpha * factor * t * logs).sum(axis=-1))
        by_logs = alpha * t * (factor_derivative * q * logs - factor)  # with respect to log p
        if output_form == "log_probabilities":
            return values, by_logs
        if output_form == "logits":
            return values, by_logs - q * by_logs.sum(axis=-1, keepdims=True)
        return values, by_logs / q


@check_constructor
@dataclass(frozen=True, repr=False)
class BinaryCrossentropy(_ProbabilityLoss):
    """Cross-entropy for multi-label classification: mean of −(s log p + (1 − s) log(1 − p)) over the outputs.

    p is the output of a sigmoid. An output without activation is read as logits. The targets t are 0 to 1, and
    s = (1 − ε) t + ε / 2.

    Example:
        >>> from striate.losses import BinaryCrossentropy
        >>> round(BinaryCrossentropy()([0, 1], [0.5, 0.25]), 4)
        1.0397
    """

    target_kind: ClassVar[TargetKind] = "labels"

    def smoothed(self, t: Array) -> Array:
        """Return the smoothed targets s."""
        return t * (1 - self.label_smoothing) + self.label_smoothing / 2 if self.label_smoothing else t

    def differentiate(
        self, t: Array, p: Array, output_form: OutputForm = "probabilities", min_probability: float | None = None
    ) -> tuple[Array, Array]:
        """Return the mean of −(s log p + (1 − s) log(1 − p)), and its gradient."""
        t = self.smoothed(t)
        values, gradient = _binary_terms(t, p, output_form, min_probability)
        return np.asarray(values.mean(axis=-1)), gradient / p.shape[-1]


@check_constructor
@dataclass(frozen=True, repr=False)
class BinaryFocalCrossentropy(BinaryCrossentropy):
    """Binary cross-entropy times (1 − pₜ)^γ, with pₜ = t p + (1 − t)(1 − p), so that labels already right count less.

    Attributes:
        apply_class_balancing: Whether positive labels have the weight α and negative ones 1 − α.
        alpha: α, 0 to 1.
        gamma: γ, 0 or more.

    Source:
        Lin et al. 2017, "Focal Loss for Dense Object Detection".
    """

    apply_class_balancing: bool = False
    alpha: float = 0.25
    gamma: float = 2.0
    from_logits: bool = field(default=False, kw_only=True)
    label_smoothing: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_gamma(self.gamma)
        if not 0 <= check_number("alpha", self.alpha) <= 1:
            raise UsageError(f"BinaryFocalCrossentropy: alpha must be 0 to 1; received {self.alpha}.")

    def differentiate(
        self, t: Array, p: Array, output_form: OutputForm = "probabilities", min_probability: float | None = None
    ) -> tuple[Array, Array]:
        """Return the mean of (1 − pₜ)^γ times the binary cross-entropy, and its gradient."""
        t = self.smoothed(t)
        values, gradient = _binary_terms(t, p, output_form, min_probability)
        q = (1 + np.tanh(p / 2)) / 2 if output_form == "logits" else p
        chain = q * (1 - q) if output_form == "logits" else 1
        factor, factor_derivative = _power(1 - (t * q + (1 - t) * (1 - q)), self.gamma)
        gradient = factor * gradient - factor_derivative * (2 * t - 1) * chain * values
        values = factor * values
        if self.apply_class_balancing:
            weights = t * self.alpha + (1 - t) * (1 - self.alpha)
            values, gradient = values * weights, gradient * weights
        return np.asarray(values.mean(axis=-1)), gradient / p.shape[-1]


def _check_gamma(gamma: float) -> None:
    if not check_number("gamma", gamma) >= 0:
        raise UsageError(f"gamma must be 0 or more; received {gamma}.")


def _crossentropy(t: Array, p: Array, output_form: OutputForm, min_probability: float | None) -> tuple[Array, Array]:
    """Return log p, and the gradient of −Σ t log p."""
    min_probability = smallest(p) if min_probability is None else min_probability
    logs = log_of_output(p, output_form, min_probability)
    if output_form == "logits":
        return logs, np.exp(logs) * t.sum(axis=-1, keepdims=True) - t
    return logs, -t if output_form == "log_probabilities" else -t / np.maximum(p, min_probability)


def _binary_terms(t: Array, p: Array, output_form: OutputForm, min_probability: float | None) -> tuple[Array, Array]:
    """Return −t log p − (1 − t) log(1 − p) for each output, and its derivative."""
    if output_form == "logits":
        return np.logaddexp(0, p) - t * p, (1 + np.tanh(p / 2)) / 2 - t
    min_probability = float(np.finfo(p.dtype).eps) if min_probability is None else min_probability
    q = np.clip(p, min_probability, 1 - min_probability)
    return -(t * np.log(q) + (1 - t) * np.log1p(-q)), (q - t) / (q * (1 - q))


def _power(x: Array, exponent: float) -> tuple[Array, Array]:
    """Return max(x, 0)^exponent and its derivative, which is 0 at 0."""
    x = np.maximum(x, 0)
    if exponent == 0:
        return np.ones_like(x), np.zeros_like(x)
    safe = np.maximum(x, np.finfo(x.dtype).eps)
    return x**exponent, np.where(x > 0, exponent * safe ** (exponent - 1), 0).astype(x.dtype)
