"""Loss and metrics that training reports, as sums over a batch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from striate._types import Array
from striate.arguments import describe
from striate.engines.losses import REPORTED_FLOOR, Loss
from striate.engines.losses.base import TargetKind
from striate.errors import UsageError, nearest
from striate.network import Network
from striate.network.outputs import OutputForm, output_forms

Sum = Callable[[Array, Array], float]


def loss_sum(
    loss: Loss, output: Array, target: Array, form: OutputForm = "probabilities", weights: Array | None = None
) -> float:
    """Return the sum over the batch of the loss of each sample.

    Args:
        loss: The loss.
        output: (N, …).
        target: Class numbers (N,), or numbers (N, …).
        form: What the output is.
        weights: Factors (N,) of the losses of the samples; None: all 1.

    Returns:
        The sum.
    """
    values = loss.sample_values(target, output.astype(np.float64), form, REPORTED_FLOOR)
    return float(values.sum() if weights is None else values @ weights)


def correct_classes(output: Array, target: Array) -> float:
    """Count the samples whose highest output is that of the target's class."""
    classes = target if target.ndim == 1 else target.argmax(axis=1)
    return float(np.count_nonzero(output.argmax(axis=1) == classes))


def correct_labels(output: Array, target: Array) -> float:
    """Count correct samples; with several outputs, the correct fraction of each. Above 0.5 counts as positive."""
    return float(((output > 0.5) == (target > 0.5)).mean() * len(output))


def correct_logits(output: Array, target: Array) -> float:
    """Count correct samples like `correct_labels`; logits above 0 count as positive."""
    return float(((output > 0) == (target > 0.5)).mean() * len(output))


def absolute_errors(output: Array, target: Array) -> float:
    """Return the sum over the batch of |output − target|, averaged over the outputs of a sample."""
    return float(np.abs(output - target).mean() * len(output))


METRICS: dict[str, dict[TargetKind, Sum]] = {
    "accuracy": {"classes": correct_classes, "labels": correct_labels, "signs": correct_logits},
    "mean_absolute_error": {"numbers": absolute_errors},
}
SHORT = {"acc": "accuracy", "mae": "mean_absolute_error"}


def default_metrics(losses: Sequence[Loss]) -> tuple[str, ...]:
    """Return accuracy for classes and mean absolute error for numbers."""
    return tuple(name for name, sums in METRICS.items() if any(loss.target_kind in sums for loss in losses))


def _metric(name: str, losses: Sequence[Loss]) -> tuple[str, dict[TargetKind, Sum]]:
    if not isinstance(name, str):
        raise UsageError(f"metrics must be names of metrics; received {describe(name)}.")
    full = SHORT.get(name, name)
    if full not in METRICS:
        raise UsageError(f"There is no metric '{name}'.{nearest(name, METRICS)}")
    if not any(loss.target_kind in METRICS[full] for loss in losses):
        fitting = " or ".join(default_metrics(losses))
        raise UsageError(f"The metric '{full}' does not match this loss; use '{fitting}'.")
    return full, METRICS[full]


class MetricSums:
    """Names of all metrics of a network's outputs, and their sums over a batch.

    With several outputs a name starts with the name of the output layer, as in "digit_accuracy", and each metric
    applies to the outputs whose loss it matches. Raises UsageError for a metric that is unknown or matches no output.
    """

    def __init__(self, network: Network, losses: Sequence[Loss], metrics: Sequence[str]) -> None:
        layers = [network.nodes[index].layer.name for index in network.outputs]
        self.forms = output_forms(network)
        self.names: list[str] = []
        self._sums: list[tuple[int, Sum]] = []
        for name, sums in (_metric(metric, losses) for metric in metrics):
            for index, (layer, loss) in enumerate(zip(layers, losses, strict=True)):
                if loss.target_kind in sums:
                    self.names.append(name if len(layers) == 1 else f"{layer}_{name}")
                    function = sums[loss.target_kind]
                    of_logits = function is correct_labels and self.forms[index] == "logits"
                    self._sums.append((index, correct_logits if of_logits else function))

    def sums(self, outputs: Sequence[Array], targets: Sequence[Array]) -> list[float]:
        """Return one sum over the batch for each name."""
        return [function(outputs[index], targets[index]) for index, function in self._sums]


class Scores(tuple[float, ...]):
    """Loss and metrics of some samples: a tuple in Keras's order, whose values also have names.

    Args:
        figures: The values by name, the loss first.

    Example:
        >>> scores = Scores({"loss": 0.25, "accuracy": 0.5})
        >>> loss, accuracy = scores
        >>> accuracy, scores[1], scores["accuracy"]
        (0.5, 0.5, 0.5)
        >>> dict(scores)
        {'loss': 0.25, 'accuracy': 0.5}
    """

    _names: tuple[str, ...]

    def __new__(cls, figures: Mapping[str, float]) -> "Scores":
        """Make the tuple, because a tuple cannot be filled later."""
        scores = super().__new__(cls, figures.values())
        scores._names = tuple(figures)
        return scores

    def __getnewargs__(self) -> tuple[dict[str, float]]:
        """Return the argument for `copy` and `pickle`."""
        return (dict(self.items()),)

    def keys(self) -> tuple[str, ...]:
        """Return the names, for example ("loss", "accuracy")."""
        return self._names

    def items(self) -> tuple[tuple[str, float], ...]:
        """Return pairs of a name and its value."""
        return tuple(zip(self._names, self, strict=True))

    def values(self) -> tuple[float, ...]:
        """Return the values without names."""
        return tuple(self)

    def __getitem__(self, key: Any) -> Any:
        """Return the value with a name or at a position. Raise UsageError for a name that does not exist."""
        if not isinstance(key, str):
            return super().__getitem__(key)
        if key not in self._names:
            raise UsageError(f"There is no figure '{key}'.{nearest(key, self._names)}")
        return self[self._names.index(key)]

    def __contains__(self, key: object) -> bool:
        """Return whether there is this name, or this value."""
        return key in self._names or super().__contains__(key)

    def _repr_html_(self) -> str:
        from striate import notebook

        return notebook.block(notebook.table(self.keys(), [[f"{value:.4f}" for value in self]], range(len(self))))

    def __repr__(self) -> str:
        return f"Scores({', '.join(f'{name}={value!r}' for name, value in self.items())})"


def to_scores(figures: Mapping[str, float]) -> Scores | float:
    """Return the loss as a number if it is alone, as in Keras, else the scores."""
    return Scores(figures) if len(figures) > 1 else figures["loss"]
