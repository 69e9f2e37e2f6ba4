"""Metrics by Keras's names, and which of them fits an output."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from striate.arguments import describe
from striate.engines.losses import LOSSES, NAMES, CategoricalCrossentropy, Loss
from striate.errors import UsageError, nearest
from striate.network.naming import snake_case
from striate.training.metrics import accuracies, counts, values
from striate.training.metrics.base import CustomMetric, Metric
from striate.training.metrics.values import LossMetric

CLASSES: dict[str, type[Metric]] = {
    **{
        kind.__name__: kind
        for kind in (
            accuracies.BinaryAccuracy,
            accuracies.CategoricalAccuracy,
            accuracies.SparseCategoricalAccuracy,
            accuracies.SparseTopKCategoricalAccuracy,
            accuracies.TopKCategoricalAccuracy,
            counts.AUC,
            counts.F1Score,
            counts.FBetaScore,
            counts.FalseNegatives,
            counts.FalsePositives,
            counts.Precision,
            counts.Recall,
            counts.TrueNegatives,
            counts.TruePositives,
            values.CosineSimilarity,
            values.R2Score,
            values.RootMeanSquaredError,
        )
    },
}
NAMED = {spelling: kind for name, kind in CLASSES.items() for spelling in (name, snake_case(name))}
UNSUPPORTED = {
    **dict.fromkeys(
        ("meaniou", "iou", "binaryiou", "onehotiou", "onehotmeaniou"), "it is for the segmentation of images"
    ),
    **dict.fromkeys(
        ("precisionatrecall", "recallatprecision", "sensitivityatspecificity", "specificityatsensitivity"),
        "use Precision(thresholds=…) and Recall(thresholds=…), or the thresholds of `striate evaluate`",
    ),
    **dict.fromkeys(("concordancecorrelation", "pearsoncorrelation"), "use R2Score()"),
    "meanmetricwrapper": "pass the function itself",
    "sum": "use Mean(), and multiply by the number of samples",
}
"""Metrics of Keras that Striate does not have, in lower case without underscores, and what to do."""

OutputKind = Literal["classes", "labels", "signs", "values"]


@dataclass(frozen=True)
class Output:
    """What is known of a network's output when metrics are chosen.

    Attributes:
        loss: Its loss; None if it has none.
        activation: Its activation.
        units: The length of its last axis.
    """

    loss: Loss
    activation: str
    units: int

    @property
    def kind(self) -> OutputKind:
        """What the output predicts: by its loss, or by its activation if the loss is for values."""
        if self.loss.target_kind != "values":
            return self.loss.target_kind
        if self.activation in ("softmax", "softmin", "log_softmax") and self.units > 1:
            return "classes"
        return "labels" if self.activation in ("sigmoid", "hard_sigmoid") else "values"


def default_metrics(losses: Sequence[Loss]) -> tuple[str, ...]:
    """Return accuracy for classes and mean absolute error for values."""
    kinds = {loss.target_kind for loss in losses}
    accuracy, error = kinds - {"values"}, kinds & {"values"}
    return ("accuracy",) * bool(accuracy) + ("mean_absolute_error",) * bool(error)


def check_supported(name: str) -> None:
    """Check that a metric is not one that only Keras has.

    Args:
        name: The name.

    Raises:
        UsageError: If only Keras has this metric.
    """
    reason = UNSUPPORTED.get(name.lower().replace("_", ""))
    if reason is not None:
        raise UsageError(f"Striate does not have the metric '{name}': {reason}.")


def get_metric(metric: Any, output: Output) -> Metric:
    """Return the metric that a name, a class, a function or an object means for an output.

    Args:
        metric: As in `Model.compile`.
        output: The output.

    Returns:
        The metric.

    Raises:
        UsageError: If there is no such metric, or it does not match the output.
    """
    if isinstance(metric, type) and issubclass(metric, Metric):
        metric = metric()
    if isinstance(metric, str):
        metric = _create_named(metric, output)
    elif isinstance(metric, Loss):
        metric = LossMetric(metric, snake_case(type(metric).__name__))
    elif callable(metric) and not isinstance(metric, Metric):
        name = getattr(metric, "__name__", "")
        own = name not in NAMED and name not in NAMES
        metric = CustomMetric(metric) if own else _create_named(name, output)
    if not isinstance(metric, Metric) or isinstance(metric, values.Mean):
        raise UsageError(f"metrics must be names of metrics, metrics or functions; received {describe(metric)}.")
    if isinstance(metric, accuracies.Accuracy):
        raise UsageError(
            "Accuracy compares predictions with targets element by element, and outputs are probabilities: use "
            "metrics=['accuracy'], which fits the loss."
        )
    if type(metric).sums is Metric.sums and not metric._variables:
        raise UsageError(
            f"The metric '{metric.name}' has no state that training could add up: make it in __init__ with "
            "self.add_weight(name='total', initializer='zeros'), and change it in update_state with assign_add. A "
            "metric of single samples needs no class: pass a function of y_true and y_pred."
        )
    if metric.input_type == "classes" and output.kind != "classes":
        raise UsageError(_unsuitable(metric.name, output))
    if getattr(metric, "average", "") is None or getattr(metric, "class_aggregation", "") is None:
        raise UsageError(
            f"The metric '{metric.name}' returns an array, and training reports scalars: use "
            f"{type(metric).__name__}({'average' if hasattr(metric, 'average') else 'class_aggregation'}="
            f"{'macro' if hasattr(metric, 'average') else 'uniform_average'!r})."
        )
    if getattr(metric, "_several", False):
        raise UsageError(
            f"The metric '{metric.name}' returns an array, and training reports scalars: use one metric for each "
            "of its thresholds."
        )
    return metric


def metric_named(identifier: Any) -> Any:
    """Return a metric by its Keras name, or the metric or function itself.

    Args:
        identifier: For example "auc" or "mse"; a metric, its class or a function; None for None.

    Returns:
        The metric.

    Raises:
        UsageError: If the name is unknown.

    Example:
        >>> metric_named("auc")
        <AUC name=auc>
    """
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    if identifier is None or isinstance(identifier, Metric) or callable(identifier):
        return identifier
    if not isinstance(identifier, str):
        raise UsageError(f"A metric is a name, a metric or a function; received {describe(identifier)}.")
    if identifier in ("accuracy", "Accuracy"):
        return accuracies.Accuracy()
    if identifier in NAMED:
        return NAMED[identifier](name=snake_case(identifier))
    if identifier in NAMES:
        return LossMetric(NAMES[identifier](), identifier)
    raise UsageError(_unknown(identifier))


def metric_function(name: str) -> Callable[..., Any]:
    """Return an accuracy as a function `f(y_true, y_pred, **settings)` that gives the value of each sample (N,).

    Args:
        name: A Keras name.

    Returns:
        The function, which `compile` takes in place of the metric.

    Example:
        >>> metric_function("categorical_accuracy")([[0, 1], [1, 0]], [[0.1, 0.9], [0.2, 0.8]])
        array([1., 0.])
    """
    kind = NAMED[name]

    def function(y_true: Any, y_pred: Any, **settings: Any) -> Any:
        metric: Any = kind(**settings)
        t, p = metric.match_shapes(y_true, y_pred)
        values = metric.values(t, p, "probabilities").astype(float)
        return values.reshape(len(p), -1).mean(axis=1)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return the value of each sample (N,), as `{kind.__name__}` computes it."
    return function


def _create_named(name: str, output: Output) -> Metric:
    """Return the metric with a Keras name, which is also its name in results."""
    if name in ("accuracy", "acc", "Accuracy"):
        if output.kind == "values":
            raise UsageError(_unsuitable("accuracy", output))
        kind: type[Metric] = accuracies.CategoricalAccuracy if output.kind == "classes" else accuracies.BinaryAccuracy
        return kind(name=name.lower())
    if name in NAMED:
        return NAMED[name](name=snake_case(name))
    if name in NAMES:
        loss = NAMES[name]()
        if isinstance(loss, CategoricalCrossentropy) and output.kind != "classes":
            raise UsageError(_unsuitable(name, output))
        return LossMetric(loss, snake_case(name) if name[0].isupper() and not name.isupper() else name)
    raise UsageError(_unknown(name))


def _unknown(name: str) -> str:
    check_supported(name)
    if name.lower().replace("_", "") in ("f1", "fscore", "f1macro", "macrof1"):
        return f"There is no metric '{name}'. Use metrics.F1Score(average='macro')."
    known = {"accuracy", *(snake_case(kind) for kind in CLASSES), *LOSSES}
    return f"There is no metric '{name}'.{nearest(name, known)}"


def _unsuitable(name: str, output: Output) -> str:
    (fitting,) = default_metrics([output.loss])
    return f"The metric '{name}' does not match this loss; use '{fitting}'."
