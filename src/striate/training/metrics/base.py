"""The base of all metrics: sums over samples, from which the figure is computed at the end of an epoch.

Because all of a metric's state is sums, it is independent of the batch size and of the number of processes, and a
training that is resumed continues with the same sums.
"""

import re
from collections.abc import Callable
from typing import Any, ClassVar, Literal, Self

import numpy as np

from striate._types import Array
from striate.arguments import check_methods, describe
from striate.errors import UsageError
from striate.network.outputs import OutputForm

Reads = Literal["classes", "probabilities", "numbers"]


@check_methods
class Metric:
    """Base of all metrics.

    A metric of your own defines `size`, `sums` and `compute`.

    Args:
        name: The name of the figure; None: the class's name in lower case with underscores.
        dtype: None; metrics are computed in float64.

    Example:
        >>> from striate.metrics import Precision
        >>> precision = Precision()
        >>> precision.update_state([1, 1, 0], [0.9, 0.2, 0.8])
        >>> precision.result()
        0.5
        >>> precision.reset_state()
        >>> precision([0, 1], [0.3, 0.7])
        1.0
    """

    reads: ClassVar[Reads] = "numbers"
    """What it reads: classes of the highest output, probabilities, or the outputs themselves."""

    _made_with: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})

    def __new__(cls, *arguments: Any, **settings: Any) -> Self:
        """Keep the arguments, which model files contain."""
        metric = super().__new__(cls)
        metric._made_with = arguments, settings
        return metric

    def __init__(self, name: str | None = None, dtype: None = None) -> None:
        self.name = name or snake_case(type(self).__name__)
        self._total: Array | None = None

    def size(self, outputs: int) -> int:
        """Return the number of sums.

        Args:
            outputs: The length of the last axis of the outputs.

        Returns:
            The number.
        """
        raise NotImplementedError

    def sums(self, t: Array, p: Array, weights: Array | None = None, form: OutputForm = "probabilities") -> Array:
        """Return what a batch adds to the sums.

        Args:
            t: Targets: class numbers (N,), or (N, …).
            p: Outputs (N, …), probabilities rather than logits where the metric reads probabilities.
            weights: (N,) of the samples; None: all 1.
            form: What the outputs were before.

        Returns:
            float64 of the length `size`.
        """
        raise NotImplementedError

    def compute(self, sums: Array) -> Any:
        """Return the figure: a number, or an array with one number for each class, label or threshold."""
        raise NotImplementedError

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add samples.

        Args:
            y_true: Targets.
            y_pred: Predictions.
            sample_weight: A weight for each sample (N,); None: all 1.

        Raises:
            UsageError: The shapes do not match.
        """
        t, p = numbers("y_true", y_true), numbers("y_pred", y_pred)
        weights = None if sample_weight is None else numbers("sample_weight", sample_weight).reshape(-1)
        if p.ndim == 1:
            p = p[:, None]  # (N,) → (N, 1)
        if t.ndim == p.ndim and t.shape[-1] == 1 and p.shape[-1] > 1:
            t = t[..., 0]  # class numbers (N, 1) → (N,)
        elif t.ndim == p.ndim - 1 and p.shape[-1] == 1:
            t = t[..., None]
        if t.ndim < p.ndim and self.reads != "numbers":
            if t.shape != p.shape[:-1] or (t.size and (t.min() < 0 or t.max() >= p.shape[-1] or (t % 1).any())):
                raise UsageError(
                    f"{type(self).__name__}: y_true must be class numbers 0 … {p.shape[-1] - 1} of the shape "
                    f"{p.shape[:-1]}, or rows {p.shape}."
                )
            t = t.astype(np.int64)
        elif t.shape != p.shape:
            raise UsageError(
                f"{type(self).__name__}: y_true has the shape {t.shape} and y_pred {p.shape}; both must be the same."
            )
        if weights is not None and len(weights) != len(p):
            raise UsageError(f"There are {len(p)} samples but {len(weights)} weights.")
        added = self.sums(t, p, weights)
        self._total = added if self._total is None else self._total + added

    def result(self) -> Any:
        """Return the figure of all samples since `reset_state`; 0 without samples."""
        if self._total is None:
            return 0.0
        figure = self.compute(self._total)
        return figure if np.ndim(figure) else float(figure)

    def reset_state(self) -> None:
        """Forget all samples."""
        self._total = None

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Add samples, and return the figure of all since `reset_state`."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class MeanOfSamples(Metric):
    """A metric that is the weighted mean of values of the samples."""

    def values(self, t: Array, p: Array, form: OutputForm) -> Array:
        """Return the value of each sample (N,), or of each of its positions (N, …)."""
        raise NotImplementedError

    def size(self, outputs: int) -> int:
        """Return 2: the sum of the values, and of the weights."""
        return 2

    def sums(self, t: Array, p: Array, weights: Array | None = None, form: OutputForm = "probabilities") -> Array:
        """Return the weighted sum of the values, and the sum of the weights."""
        values = self.values(t, p, form)
        values = values.reshape(len(p), -1).mean(axis=1, dtype=np.float64) if values.ndim > 1 else values
        if weights is None:
            return np.array([values.sum(dtype=np.float64), len(p)])
        return np.array([values @ weights.astype(np.float64), weights.sum(dtype=np.float64)])

    def compute(self, sums: Array) -> Any:
        """Return the mean."""
        return sums[0] / sums[1] if sums[1] else 0.0


class OwnMetric(MeanOfSamples):
    """A function of targets and outputs, as NumPy arrays, that returns a number or one for each sample.

    Args:
        function: Called with y_true and y_pred.
    """

    def __init__(self, function: Callable[[Array, Array], Any]) -> None:
        super().__init__(getattr(function, "__name__", "metric").replace("<lambda>", "lambda"))
        self._function = function

    def values(self, t: Array, p: Array, form: OutputForm) -> Array:
        """Return the values of the function."""
        try:
            result = np.asarray(self._function(t, p), np.float64)
        except Exception as error:
            raise UsageError(
                f"The metric '{self.name}' failed with y_true {t.shape} and y_pred {p.shape}, which are NumPy arrays: "
                f"{type(error).__name__}: {error}"
            ) from error
        if result.ndim and len(result) != len(p):
            raise UsageError(
                f"The metric '{self.name}' must return a number, or one for each of {len(p)} samples; it returned the "
                f"shape {result.shape}."
            )
        return result if result.ndim else np.full(len(p), float(result))


def snake_case(name: str) -> str:
    """Return a class's name as Keras names its figure.

    Args:
        name: For example "TopKCategoricalAccuracy".

    Returns:
        For example "top_k_categorical_accuracy".
    """
    parts = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", parts).lower()


def class_numbers(t: Array) -> Array:
    """Return class numbers (N,), also of rows (N, classes)."""
    return t if t.ndim == 1 else np.asarray(t.argmax(axis=-1))


def numbers(what: str, value: Any) -> Array:
    """Return an array or a tensor as float64. Raise UsageError for anything else than numbers."""
    try:
        array = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
        if array.dtype.kind in "buif":
            return array.astype(np.float64).reshape(array.shape or 1)
    except (TypeError, ValueError):  # not an array, or lists of different lengths
        pass
    raise UsageError(f"{what} must be numbers; received {describe(value)}.")
