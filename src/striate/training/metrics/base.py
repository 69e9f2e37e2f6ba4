"""The base of all metrics: sums over samples, from which the value is computed at the end of an epoch.

Because all of a metric's state is sums, it is independent of the batch size and of the number of processes, and a
training that is resumed continues with the same sums.
"""

import inspect
from collections.abc import Callable
from typing import Any, ClassVar, Literal, Self

import numpy as np

from striate._types import Array
from striate.arguments import check_methods
from striate.engines.arrays import numeric_array
from striate.engines.variables import Variable
from striate.errors import UsageError
from striate.network.naming import snake_case
from striate.network.outputs import OutputForm

InputType = Literal["classes", "probabilities", "values"]


@check_methods
class Metric:
    """Base of all metrics.

    A custom metric makes its state with `add_weight` and defines `update_state`, `result` and, unless all zeros
    are right, `reset_state`, as in Keras; in training its state must be a sum over the batches, such as
    a count. Or it defines `size`, `sums` and `compute`.

    Args:
        name: Name of the metric in results; None: the class's name in lower case with underscores.
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

        A custom metric:

        >>> class Mistakes(Metric):
        ...     def __init__(self, name="mistakes"):
        ...         super().__init__(name)
        ...         self.total = self.add_weight(name="total", initializer="zeros")
        ...
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.total.assign_add((y_pred.argmax(axis=-1) != y_true).sum())
        ...
        ...     def result(self):
        ...         return self.total
    """

    input_type: ClassVar[InputType] = "values"
    """What it reads: classes of the highest output, probabilities, or the outputs themselves."""

    _made_with: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
    _variables: list[Variable]
    _is_checked: bool

    def __new__(cls, *arguments: Any, **settings: Any) -> Self:
        """Keep the arguments, which model files contain."""
        metric = super().__new__(cls)
        metric._made_with = arguments, settings
        metric._variables, metric._is_checked = [], False
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
        if self._variables:
            return sum(variable.size for variable in self._variables)
        raise NotImplementedError

    def sums(
        self, t: Array, p: Array, weights: Array | None = None, output_form: OutputForm = "probabilities"
    ) -> Array:
        """Return what a batch adds to the sums.

        Args:
            t: Targets: class numbers (N,), or (N, …).
            p: Outputs (N, …), probabilities rather than logits where the metric reads probabilities.
            weights: (N,) of the samples; None: all 1.
            output_form: What the outputs were before.

        Returns:
            float64 of the length `size`.
        """
        if self._variables:
            return added_state(self, t, p, weights)
        raise NotImplementedError

    def compute(self, sums: Array) -> Any:
        """Compute the value from sums: a number, or an array with one number for each class, label or threshold."""
        if self._variables:
            return value_of_state(self, sums)
        raise NotImplementedError

    def add_variable(
        self,
        shape: tuple[int, ...] = (),
        initializer: Any = "zeros",
        dtype: str | None = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """Make an array of the state of a custom metric.

        Args:
            shape: Its shape; () for one number.
            initializer: Its first values, an initializer or its name.
            dtype: Its dtype; None: float64.
            aggregation: Accepted as in Keras: the states of several processes are added.
            name: A name.

        Returns:
            The variable, to which `update_state` adds with `assign_add`.
        """
        variable = Variable("zeros" if initializer is None else initializer, shape, dtype or "float64", name=name)
        self._variables.append(variable)
        return variable

    def add_weight(
        self, shape: tuple[int, ...] = (), initializer: Any = None, dtype: str | None = None, name: str | None = None
    ) -> Variable:
        """Add an array to the state of a custom metric, as `add_variable` does.

        Args:
            shape: As in `add_variable`.
            initializer: As in `add_variable`.
            dtype: As in `add_variable`.
            name: As in `add_variable`.

        Returns:
            The array.
        """
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """What `add_variable` and `add_weight` made."""
        return list(self._variables)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments with which an equal metric is made, as `from_config` does."""
        arguments, settings = self._made_with
        names = [name for name in inspect.signature(type(self).__init__).parameters if name != "self"]
        return {"name": self.name} | dict(zip(names, arguments, strict=False)) | settings

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return a metric with the configuration that `get_config` returned."""
        return cls(**config)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add samples.

        Args:
            y_true: Targets.
            y_pred: Predictions.
            sample_weight: A weight for each sample (N,); None: all 1.

        Raises:
            UsageError: If the shapes do not match.
        """
        t, p = self.match_shapes(y_true, y_pred)
        weights = None if sample_weight is None else as_numeric("sample_weight", sample_weight).reshape(-1)
        if weights is not None and len(weights) != len(p):
            raise UsageError(f"There are {len(p)} samples but {len(weights)} weights.")
        added = self.sums(t, p, weights)
        self._total = added if self._total is None else self._total + added

    def match_shapes(self, y_true: Any, y_pred: Any) -> tuple[Array, Array]:
        """Convert targets and predictions to arrays that match.

        Args:
            y_true: The targets.
            y_pred: The predictions.

        Returns:
            Both arrays.

        Raises:
            UsageError: If their shapes do not match.
        """
        t, p = as_numeric("y_true", y_true), as_numeric("y_pred", y_pred)
        if p.ndim == 1:
            p = p[:, None]  # (N,) → (N, 1)
        if t.ndim == p.ndim and t.shape[-1] == 1 and p.shape[-1] > 1:
            t = t[..., 0]  # class numbers (N, 1) → (N,)
        elif t.ndim == p.ndim - 1 and p.shape[-1] == 1:
            t = t[..., None]
        if t.ndim < p.ndim and self.input_type != "values":
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
        return t, p

    def result(self) -> Any:
        """Return the value for all samples since `reset_state`; 0 without samples."""
        if self._total is None:
            return 0.0
        value = self.compute(self._total)
        return value if np.ndim(value) else float(value)

    def reset_state(self) -> None:
        """Forget all samples."""
        self._total = None
        for variable in self._variables:
            variable.assign(0)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Add samples, and return the value for all since `reset_state`.

        Args:
            y_true: The targets.
            y_pred: The predictions.
            sample_weight: Weight of each sample (N,); None: all 1.

        Returns:
            The value.
        """
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class MeanOfSamples(Metric):
    """A metric that is the weighted mean of values of the samples."""

    def values(self, t: Array, p: Array, output_form: OutputForm) -> Array:
        """Compute the value of each sample.

        Args:
            t: Targets (N, …).
            p: Predictions (N, …).
            output_form: What the predictions are: probabilities, logits or logarithms of probabilities.

        Returns:
            (N,), or (N, …) for each position of a sample.
        """
        raise NotImplementedError

    def size(self, outputs: int) -> int:
        """Return 2: the sum of the values, and of the weights."""
        return 2

    def sums(
        self, t: Array, p: Array, weights: Array | None = None, output_form: OutputForm = "probabilities"
    ) -> Array:
        """Return the weighted sum of the values, and the sum of the weights."""
        values = self.values(t, p, output_form)
        values = values.reshape(len(p), -1).mean(axis=1, dtype=np.float64) if values.ndim > 1 else values
        if weights is None:
            return np.array([values.sum(dtype=np.float64), len(p)])
        return np.array([values @ weights.astype(np.float64), weights.sum(dtype=np.float64)])

    def compute(self, sums: Array) -> Any:
        """Return the mean."""
        return sums[0] / sums[1] if sums[1] else 0.0


class CustomMetric(MeanOfSamples):
    """A function of targets and outputs, as NumPy arrays, that returns a number or one for each sample.

    Args:
        function: Called with y_true and y_pred.
    """

    def __init__(self, function: Callable[[Array, Array], Any]) -> None:
        super().__init__(getattr(function, "__name__", "metric").replace("<lambda>", "lambda"))
        self._function = function

    def values(self, t: Array, p: Array, output_form: OutputForm) -> Array:
        """Return the values of the function."""
        try:
            result = np.asarray(self._function(t, p), np.float64)
        except Exception as error:
            raise UsageError(_failure_message(self, t, p, error)) from error
        if result.ndim and len(result) != len(p):
            raise UsageError(
                f"The metric '{self.name}' must return a number, or one for each of {len(p)} samples; it returned the "
                f"shape {result.shape}."
            )
        return result if result.ndim else np.full(len(p), float(result))


def added_state(metric: Metric, t: Array, p: Array, weights: Array | None) -> Array:
    """Return what a batch adds to the state of a custom metric. Its state is not changed.

    Args:
        metric: The metric.
        t: Targets.
        p: Outputs.
        weights: (N,) of the samples; None: all 1.

    Returns:
        float64, all variables one after another.

    Raises:
        UsageError: If update_state fails, or its state is not a sum over batches.
    """
    before = _state(metric)
    try:
        metric.reset_state()
        first = _state(metric)
        settings = {} if weights is None else {"sample_weight": weights}
        metric.update_state(t, p, **settings)
        added = _state(metric) - first
        if not metric._is_checked:
            metric.update_state(t, p, **settings)
            metric._is_checked = True
            if not np.allclose(_state(metric) - first, 2 * added, rtol=1e-3, atol=1e-6):
                raise UsageError(
                    f"The state of the metric '{metric.name}' is not a sum: the same batch a second time must add the "
                    "same once more. Count and add in update_state (assign_add), and divide in result."
                )
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(_failure_message(metric, t, p, error)) from error
    finally:
        _set_state(metric, before)
    return added


def value_of_state(metric: Metric, sums: Array) -> float:
    """Return the value of a custom metric for a state that began at that of `reset_state`.

    Args:
        metric: The metric. Its state is not changed.
        sums: What all batches added.

    Returns:
        The number.

    Raises:
        UsageError: If `result` fails, or does not return a number.
    """
    before = _state(metric)
    try:
        metric.reset_state()
        _set_state(metric, _state(metric) + sums)
        return float(metric.result())
    except Exception as error:
        raise UsageError(
            f"result() of the metric '{metric.name}' must return a number: {type(error).__name__}: {error}"
        ) from error
    finally:
        _set_state(metric, before)


def _state(metric: Metric) -> Array:
    return np.concatenate([variable.numpy().ravel().astype(np.float64) for variable in metric._variables])


def _set_state(metric: Metric, values: Array) -> None:
    start = 0
    for variable in metric._variables:
        variable.assign(values[start : start + variable.size].reshape(variable.shape))
        start += variable.size


def _failure_message(metric: Metric, t: Array, p: Array, error: Exception) -> str:
    return (
        f"The metric '{metric.name}' failed with y_true {t.shape} and y_pred {p.shape}, which are NumPy arrays: "
        f"{type(error).__name__}: {error}"
    )


def class_numbers(t: Array) -> Array:
    """Return class numbers (N,), also of rows (N, classes)."""
    return t if t.ndim == 1 else np.asarray(t.argmax(axis=-1))


def as_numeric(what: str, value: Any) -> Array:
    """Convert an array or a tensor to float64.

    Args:
        what: What it is, for the message.
        value: The array or tensor.

    Returns:
        The array; one number becomes (1,).

    Raises:
        UsageError: If it does not consist of numbers.
    """
    array = numeric_array(what, value).astype(np.float64)
    return array.reshape(array.shape or 1)
