"""The base of all losses, and log-probabilities in NumPy.

Cross-entropy replaces probabilities below a floor by the floor, because log 0 is −∞. In training, the floor is the
smallest normal number of the dtype, so that it does not change gradients.
"""

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

import numpy as np

from striate._types import Array
from striate.arguments import check_constructor
from striate.engines.arrays import numeric_array
from striate.errors import UsageError
from striate.network.outputs import OutputForm

REPORTED_FLOOR = 1e-7  # lower bound of probabilities in reported losses, as in Keras: no image dominates the mean
FITTED_FLOOR = 1e-12  # lower bound of probabilities whose logarithms are fitted, as for temperature scaling
EPSILON = 1e-7  # Keras's, which keeps logarithms and quotients finite

REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none")
TargetKind = Literal["classes", "labels", "signs", "values"]


def log_probabilities(p: Array, min_probability: float) -> Array:
    """Return log max(p, min_probability) in the dtype of p."""
    return np.asarray(np.log(np.maximum(p, min_probability)))


def log_softmax(logits: Array) -> Array:
    """Return the logarithm of the softmax over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def log_of_output(output: Array, output_form: OutputForm, min_probability: float) -> Array:
    """Return the logarithms of the probabilities of classes.

    Args:
        output: A network's output (N, classes).
        output_form: What it is.
        min_probability: Smaller probabilities count as this one. Log-probabilities and logits, which are exact, need no
            floor.

    Returns:
        An array of the same shape and dtype.
    """
    if output_form == "logits":
        return log_softmax(output)
    return output if output_form == "log_probabilities" else log_probabilities(output, min_probability)


def class_probabilities(output: Array, output_form: OutputForm) -> Array:
    """Convert the output of a classifier to probabilities.

    Args:
        output: (N, classes).
        output_form: Whether they are probabilities, their logarithms or logits.

    Returns:
        Probabilities (N, classes).
    """
    return output if output_form == "probabilities" else np.exp(log_of_output(output, output_form, 0))


def smallest(p: Array) -> float:
    """Return the smallest normal number of the dtype of p."""
    return float(np.finfo(p.dtype).tiny)


def rows_of_classes(t: Array, p: Array) -> Array:
    """Return class numbers (N,) as one-hot rows like the predictions p (N, classes); rows unchanged."""
    if t.ndim == p.ndim:
        return t
    return np.asarray(np.arange(p.shape[-1]) == t[..., None]).astype(p.dtype)


@check_constructor
@dataclass(frozen=True, repr=False)
class Loss:
    """Base of all losses. The loss of a batch is the mean over its samples.

    Attributes:
        reduction: How a call reduces the values to one number: "sum_over_batch_size" (their mean), "sum",
            "mean_with_sample_weight", or "none" or None for the values themselves. Training always uses the mean.
        name: A name, without effect.
        dtype: None; losses are computed in the dtype of the engine.

    Example:
        >>> from striate.losses import Huber, MeanSquaredError
        >>> MeanSquaredError()([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]])
        0.5
        >>> Huber(delta=2.0, reduction="none")([[0.0], [0.0]], [[1.0], [4.0]])
        array([0.5, 6. ])
    """

    reduction: str | None = field(default="sum_over_batch_size", kw_only=True)
    name: str | None = field(default=None, kw_only=True)
    dtype: None = field(default=None, kw_only=True)

    target_kind: ClassVar[TargetKind] = "values"
    """What targets are: classes (class numbers, or rows that sum to 1), labels (0 to 1), signs (−1 and 1, or 0 and 1),
    or values (any numbers)."""

    def __post_init__(self) -> None:
        if self.reduction is not None and self.reduction not in REDUCTIONS:
            raise UsageError(
                f"{type(self).__name__}: reduction must be one of {', '.join(REDUCTIONS)}; received {self.reduction!r}."
            )

    def get_config(self) -> dict[str, Any]:
        """Return the settings by name."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Loss":
        """Return a loss with the settings that `get_config` returned."""
        return cls(**config)

    def differentiate(
        self, t: Array, p: Array, output_form: OutputForm = "probabilities", min_probability: float | None = None
    ) -> tuple[Array, Array]:
        """Return the loss at each position, and the gradient of the sum of all with respect to p.

        Args:
            t: Targets of the shape of p, or class numbers (N,) for a loss of classes.
            p: Outputs (N, …, F).
            output_form: What the outputs are.
            min_probability: The smallest probability; None is right for training.

        Returns:
            An array (N, …) without the last axis, and one of the shape of p.
        """
        raise NotImplementedError

    def sample_values(
        self, t: Array, p: Array, output_form: OutputForm = "probabilities", min_probability: float | None = None
    ) -> Array:
        """Return the loss of each sample (N,): the mean over its positions. Arguments are those of `differentiate`."""
        values, _ = self.differentiate(t, p, output_form, min_probability)
        return np.asarray(values.reshape(len(values), -1).mean(axis=1))

    def check_weighted(self) -> None:
        """Check that the losses of single samples can be weighted.

        Raises:
            UsageError: If they cannot.
        """

    @property
    def call_output_form(self) -> OutputForm:
        """What outputs that are passed to a call are."""
        return "probabilities"

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Compute the loss of predictions.

        Args:
            y_true: Targets.
            y_pred: Predictions (N, …, F).
            sample_weight: A weight for each sample (N,).

        Returns:
            A float; the values (N, …) without reduction.

        Raises:
            UsageError: If the shapes do not match.
        """
        p = numeric_array("y_pred", y_pred).astype(np.float64)
        t = numeric_array("y_true", y_true).astype(np.float64)
        t, p = self.match_shapes(t, p)
        values, _ = self.differentiate(t, p, self.call_output_form, REPORTED_FLOOR)
        weights = None
        if sample_weight is not None:
            weights = numeric_array("sample_weight", sample_weight).astype(np.float64)
            weights = weights.reshape(len(weights), *[1] * (values.ndim - 1)) if weights.ndim == 1 else weights
            values = values * np.broadcast_to(weights, values.shape)
        if self.reduction in (None, "none"):
            return values
        if self.reduction == "sum":
            return float(values.sum())
        if self.reduction == "mean_with_sample_weight" and weights is not None:
            return float(values.sum() / np.broadcast_to(weights, values.shape).sum())
        return float(values.mean())

    def match_shapes(self, t: Array, p: Array) -> tuple[Array, Array]:
        """Convert targets and predictions to the same shape.

        Args:
            t: The targets; class numbers become rows.
            p: The predictions.

        Returns:
            Both arrays.

        Raises:
            UsageError: If their shapes do not match.
        """
        if p.ndim == 0:
            t, p = t[None], p[None]
        if p.ndim == t.ndim + 1 and p.shape[-1] == 1:
            t = t[..., None]  # (N,) → (N, 1)
        elif t.ndim == p.ndim + 1 and t.shape[-1] == 1:
            t = t[..., 0]  # (N, 1) → (N,)
        if self.target_kind == "classes":
            return self._match_classes(t, p)
        if t.shape != p.shape:
            raise UsageError(
                f"{type(self).__name__}: y_true has the shape {t.shape} and y_pred {p.shape}; both must be the same."
            )
        return t, p

    def _match_classes(self, t: Array, p: Array) -> tuple[Array, Array]:
        if p.ndim == t.ndim and t.shape[-1] == 1 and p.shape[-1] > 1:
            t = t[..., 0]  # (N, 1) → (N,)
        if t.ndim == p.ndim - 1 and t.shape == p.shape[:-1]:
            if t.size and (t.min() < 0 or t.max() >= p.shape[-1] or (t % 1).any()):
                raise UsageError(f"{type(self).__name__}: class numbers must be integers 0 … {p.shape[-1] - 1}.")
            t = rows_of_classes(t, p)
        if t.shape != p.shape:
            raise UsageError(
                f"{type(self).__name__}: y_true must be class numbers {p.shape[:-1]} or rows {p.shape}; received "
                f"{t.shape}."
            )
        return t, p

    def __repr__(self) -> str:
        changed = [item for item in fields(self) if getattr(self, item.name) != item.default]
        return f"{type(self).__name__}({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in changed)})"
