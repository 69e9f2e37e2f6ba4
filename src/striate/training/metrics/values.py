"""Metrics of regression, losses as metrics, and plain means."""

from typing import Any, ClassVar, Literal

import numpy as np

from striate._types import Array
from striate.arguments import check_methods
from striate.engines.losses import LOSSES, REPORTED_FLOOR, Loss
from striate.engines.losses import CosineSimilarity as CosineLoss
from striate.engines.losses.base import rows_of_classes
from striate.errors import UsageError
from striate.network.outputs import OutputForm
from striate.training.metrics.base import InputType, MeanOfSamples, Metric, as_numeric


class LossMetric(MeanOfSamples):
    """A loss as a metric: the mean over the samples, without penalties and without factors of outputs.

    Args:
        loss: The loss.
        name: Name of the metric in results.
    """

    input_type: ClassVar[InputType] = "values"

    def __init__(self, loss: Loss, name: str) -> None:
        super().__init__(name)
        self.loss = loss

    def values(self, t: Array, p: Array, output_form: OutputForm) -> Array:
        """Return the loss of each sample."""
        if self.loss.target_kind != "classes":
            t = rows_of_classes(t, p)
        return self.loss.sample_values(t, p.astype(np.float64), output_form, REPORTED_FLOOR)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add samples; see `Metric.update_state`."""
        p = as_numeric("y_pred", y_pred)
        t, p = self.loss.match_shapes(as_numeric("y_true", y_true), p[:, None] if p.ndim == 1 else p)
        weights = None if sample_weight is None else as_numeric("sample_weight", sample_weight)
        added = self.sums(t, p, weights, self.loss.call_output_form)
        self._total = added if self._total is None else self._total + added


class OutputLoss(LossMetric):
    """The loss of one of several outputs, divided by the number of samples as the whole loss is.

    Args:
        loss: The loss.
    """

    def __init__(self, loss: Loss) -> None:
        super().__init__(loss, "loss")

    def sums(
        self, t: Array, p: Array, weights: Array | None = None, output_form: OutputForm = "probabilities"
    ) -> Array:
        """Return the weighted sum of the losses, and the number of samples."""
        return np.array([super().sums(t, p, weights, output_form)[0], len(p)])


def _metric_of(loss: str) -> type[LossMetric]:
    """Return the class of a loss as a metric, with the settings of the loss."""
    kind = LOSSES[loss]

    class OfLoss(LossMetric):
        def __init__(self, name: str | None = None, dtype: None = None, **settings: Any) -> None:
            super().__init__(kind(**settings), name or loss)

    OfLoss.__name__ = OfLoss.__qualname__ = kind.__name__
    OfLoss.__doc__ = f"The loss `{kind.__name__}` as a metric; its arguments are those of the loss, and `name`."
    return OfLoss


MeanSquaredError = _metric_of("mean_squared_error")
MeanAbsoluteError = _metric_of("mean_absolute_error")
MeanAbsolutePercentageError = _metric_of("mean_absolute_percentage_error")
MeanSquaredLogarithmicError = _metric_of("mean_squared_logarithmic_error")
LogCoshError = _metric_of("log_cosh")
Huber = _metric_of("huber")
Poisson = _metric_of("poisson")
KLDivergence = _metric_of("kl_divergence")
Hinge = _metric_of("hinge")
SquaredHinge = _metric_of("squared_hinge")
CategoricalHinge = _metric_of("categorical_hinge")
CategoricalCrossentropy = _metric_of("categorical_crossentropy")
SparseCategoricalCrossentropy = _metric_of("sparse_categorical_crossentropy")
BinaryCrossentropy = _metric_of("binary_crossentropy")


@check_methods
class CosineSimilarity(MeanOfSamples):
    """The cosine of the angle between outputs and targets: 1 for the same direction.

    Args:
        name: Name of the metric in results.
        dtype: None.
        axis: −1, the last axis.
    """

    def __init__(self, name: str | None = None, dtype: None = None, axis: int = -1) -> None:
        super().__init__(name)
        if axis != -1:
            raise UsageError(f"CosineSimilarity: axis must be -1, the axis of the outputs; received {axis}.")

    def values(self, t: Array, p: Array, output_form: OutputForm) -> Array:
        """Return the cosine."""
        return -CosineLoss().differentiate(rows_of_classes(t, p), p.astype(np.float64))[0]


@check_methods
class RootMeanSquaredError(MeanOfSamples):
    """The root of the mean of (p − t)² over all samples and outputs.

    Args:
        name: Name of the metric in results.
        dtype: None.
    """

    def values(self, t: Array, p: Array, output_form: OutputForm) -> Array:
        """Return the squared errors."""
        return np.asarray(np.square(p.astype(np.float64) - rows_of_classes(t, p)))

    def compute(self, sums: Array) -> Any:
        """Return the root of the mean."""
        return np.sqrt(super().compute(sums))


@check_methods
class R2Score(Metric):
    """The coefficient of determination 1 − Σ(t − p)² / Σ(t − mean of t)².

    Args:
        class_aggregation: "uniform_average" (mean over the outputs), "variance_weighted_average", or None for an array
            with one number for each output.
        num_regressors: 0; the score is not adjusted for the number of regressors.
        name: Name of the metric in results.
        dtype: None.
    """

    def __init__(
        self,
        class_aggregation: Literal["uniform_average", "variance_weighted_average"] | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = None,
        dtype: None = None,
    ) -> None:
        super().__init__(name)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise UsageError(
                "R2Score: class_aggregation must be 'uniform_average', 'variance_weighted_average' or None; received "
                f"{class_aggregation!r}."
            )
        if num_regressors:
            raise UsageError("R2Score: num_regressors must be 0; the score is not adjusted for regressors.")
        self.class_aggregation = class_aggregation

    def size(self, outputs: int) -> int:
        """Return four sums for each output."""
        return 4 * outputs

    def sums(
        self, t: Array, p: Array, weights: Array | None = None, output_form: OutputForm = "probabilities"
    ) -> Array:
        """Return the sums of weights, of targets, of their squares and of squared errors, for each output."""
        t, p = (x.reshape(-1, p.shape[-1]).astype(np.float64) for x in (rows_of_classes(t, p), p))
        w = np.ones((len(p), 1)) if weights is None else weights.astype(np.float64)[:, None]
        each = (np.broadcast_to(w, p.shape), w * t, w * t * t, w * np.square(t - p))
        return np.concatenate([values.sum(axis=0) for values in each])

    def compute(self, sums: Array) -> Any:
        """Return the score; 0 for an output whose targets do not vary."""
        count, total, squares, errors = sums.reshape(4, -1)
        if not count.all():
            return 0.0
        spread = squares - total * total / count
        varies = spread > 0
        scores = np.where(varies, 1 - errors / np.where(varies, spread, 1), 0.0)
        if self.class_aggregation is None:
            return scores
        if self.class_aggregation == "variance_weighted_average" and spread.sum() > 0:
            return (spread * scores).sum() / spread.sum()
        return scores.mean()


@check_methods
class Mean(Metric):
    """The weighted mean of values, for custom training loops; `compile` does not take it.

    Args:
        name: Name of the metric in results.
        dtype: None.

    Example:
        >>> from striate.metrics import Mean
        >>> mean = Mean()
        >>> mean.update_state([1.0, 3.0])
        >>> mean.update_state(8.0)
        >>> mean.result()
        4.0
    """

    def update_state(self, values: Any, sample_weight: Any = None, _: Any = None) -> None:  # type: ignore[override]
        """Add values.

        Args:
            values: Numbers of any shape.
            sample_weight: Their weights; None: all 1.
        """
        x = as_numeric("values", values)
        w = np.broadcast_to(1.0 if sample_weight is None else as_numeric("sample_weight", sample_weight), x.shape)
        added = np.array([(x * w).sum(), w.sum()])
        self._total = added if self._total is None else self._total + added

    def __call__(self, values: Any, sample_weight: Any = None, _: Any = None) -> Any:  # type: ignore[override]
        """Add values, and return the mean of all since `reset_state`."""
        self.update_state(values, sample_weight)
        return self.result()

    def compute(self, sums: Array) -> Any:
        """Return the mean."""
        return sums[0] / sums[1] if sums[1] else 0.0
