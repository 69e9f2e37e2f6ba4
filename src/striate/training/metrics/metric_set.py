"""The loss and the metrics that training reports, as sums over samples."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from striate._types import Array
from striate.engines.losses import (
    REPORTED_FLOOR,
    Loss,
    SparseCategoricalCrossentropy,
    class_probabilities,
)
from striate.engines.losses.base import rows_of_classes
from striate.errors import UsageError, nearest
from striate.network import Network
from striate.network.outputs import OutputForm, output_activation, output_forms
from striate.training.metrics.base import CustomMetric, Metric
from striate.training.metrics.names import Output, default_metrics, get_metric
from striate.training.metrics.values import OutputLoss

Chosen = list[tuple[int, Metric]]


def loss_sum(
    loss: Loss, output: Array, target: Array, output_form: OutputForm = "probabilities", weights: Array | None = None
) -> float:
    """Return the sum over the batch of the loss of each sample.

    Args:
        loss: The loss.
        output: (N, …).
        target: Class numbers (N,), or numbers (N, …).
        output_form: What the output is.
        weights: Factors of the losses (N,); None: all 1.

    Returns:
        The sum.
    """
    values = loss.sample_values(target, output.astype(np.float64), output_form, REPORTED_FLOOR)
    return float(values.sum() if weights is None else values @ weights.astype(np.float64))


def output_names(network: Network) -> list[str]:
    """Return the names of the layers of a network's outputs."""
    return [str(network.nodes[index].layer.name) for index in network.outputs]


class MetricSet:
    """The metrics that training and evaluation report besides the loss.

    They are named as in Keras: with several outputs, each has its loss, as in "digit_loss", and the names of metrics
    start with the name of the output, as in "digit_accuracy".

    Args:
        network: The network.
        losses: One for each output.
        metrics: As in `Model.compile`. None: those that match the losses.
        weighted_metrics: As in `Model.compile`: metrics in which samples count with their weights.
        loss_weights: A factor for the loss of each output; empty: all 1.

    Raises:
        UsageError: If a metric is unknown or does not match an output.
    """

    def __init__(
        self,
        network: Network,
        losses: Sequence[Loss],
        metrics: Any = None,
        weighted_metrics: Any = None,
        loss_weights: Sequence[float] = (),
    ) -> None:
        self._losses = tuple(losses)
        self._factors = tuple(loss_weights) or (1.0,) * len(self._losses)
        self._forms = output_forms(network)
        self._layers = output_names(network)
        self._outputs = [
            Output(loss, output_activation(network, index), network.nodes[index].shape[-1])
            for loss, index in zip(self._losses, network.outputs, strict=True)
        ]
        self._metrics: list[tuple[str, int, Metric, bool]] = []  # name, output, metric, whether it is weighted
        several = len(self._losses) > 1
        if several:
            for index, loss in enumerate(self._losses):
                self._add(index, OutputLoss(loss), True)
        if metrics is None:
            metrics = [list(default_metrics([loss])) for loss in self._losses]
        for weighted, given in ((False, metrics), (True, weighted_metrics)):
            for index, metric in self._choose(given):
                self._add(index, metric, weighted)
        self._sizes = [metric.size(self._outputs[index].units) for _, index, metric, _ in self._metrics]

    def _add(self, index: int, metric: Metric, weighted: bool) -> None:
        """Add a metric under a name that no other has."""
        prefix = f"{self._layers[index]}_" if len(self._layers) > 1 else ""
        name, number = f"{prefix}{metric.name}", 0
        if weighted and name in self.names:
            name = f"{prefix}weighted_{metric.name}"
        first = name
        while name in self.names:
            number += 1
            name = f"{first}_{number}"
        self._metrics.append((name, index, metric, weighted))

    def _choose(self, given: Any) -> Chosen:
        """Return the metrics of each output."""
        outputs = list(enumerate(self._outputs))
        if isinstance(given, Mapping):
            for name in given:
                if name not in self._layers:
                    raise UsageError(f"metrics: there is no output '{name}'.{nearest(str(name), self._layers)}")
            given = [given.get(layer) for layer in self._layers]
        elif not isinstance(given, list | tuple):
            given = [] if given is None else [given]
        nested = any(item is None or isinstance(item, list | tuple) for item in given)
        if len(outputs) == 1 and not nested:
            return [(0, get_metric(item, self._outputs[0])) for item in given]
        if nested and len(given) != len(outputs):
            raise UsageError(f"metrics: expected one list for each of {len(outputs)} outputs, received {len(given)}.")
        if nested or (len(given) == len(outputs) and self._match_in_order(given)):
            rows = [row if isinstance(row, list | tuple) else [] if row is None else [row] for row in given]
            pairs = [(i, item) for i, row in enumerate(rows) for item in row]
            return [(i, get_metric(item, self._outputs[i])) for i, item in pairs]
        return [(i, metric) for item in given for i, metric in self._match_outputs(item)]

    def _match_in_order(self, given: Sequence[Any]) -> bool:
        return all(any(index == i for i, _ in self._match_outputs(item)) for index, item in enumerate(given))

    def _match_outputs(self, item: Any) -> Chosen:
        """Return the metric for each output that it matches."""
        chosen, error = [], None
        for index, output in enumerate(self._outputs):
            try:
                metric = get_metric(item, output)
            except UsageError as unsuitable:
                error = error or unsuitable
                continue
            is_own = isinstance(metric, CustomMetric) or bool(metric._variables)
            if is_own or (metric.input_type == "values") == (output.kind == "values"):
                chosen.append((index, metric))
        if not chosen:
            raise error or UsageError(f"The metric {item!r} matches no output; pass a list for each output.")
        return chosen

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the metrics besides the loss, in Keras's order."""
        return tuple(name for name, *_ in self._metrics)

    @property
    def size(self) -> int:
        """The number of sums."""
        return sum(self._sizes)

    def sums(
        self, outputs: Sequence[Array], targets: Sequence[Array], weights: Sequence[Array | None] = ()
    ) -> list[float]:
        """Return what a batch adds to the sums.

        Args:
            outputs: (N, …) of each output.
            targets: Targets of each output.
            weights: Weights of the samples, for each output (N,) or None; empty: all 1.

        Returns:
            `size` numbers.
        """
        added: list[float] = []
        for _, index, metric, weighted in self._metrics:
            t, p = self._read(index, metric, outputs[index], targets[index])
            chosen = weights[index] if weighted and weights else None
            added += metric.sums(t, p, chosen, self._forms[index]).tolist()
        return added

    def _read(self, index: int, metric: Metric, p: Array, t: Array) -> tuple[Array, Array]:
        """Return targets and output as a metric reads them."""
        output_form, output = self._forms[index], self._outputs[index]
        if (
            isinstance(metric, CustomMetric) or metric._variables
        ):  # class numbers for a sparse loss, else rows, as in Keras
            is_sparse = isinstance(output.loss, SparseCategoricalCrossentropy)
            return t if is_sparse or output.loss.target_kind != "classes" else rows_of_classes(t, p), p
        if metric.input_type != "probabilities" or output_form == "probabilities":
            return t, p
        if output.kind == "classes":
            return t, class_probabilities(p, output_form)
        return t, (1 + np.tanh(p / 2)) / 2 if output.kind in ("labels", "signs") else p

    def loss_sum(self, outputs: Sequence[Array], targets: Sequence[Array], weights: Sequence[Array | None]) -> float:
        """Sum the weighted losses of all outputs over a batch; see `sums`.

        Args:
            outputs: The predictions of each output.
            targets: The targets of each output.
            weights: For each output, factors of the samples' losses, or None.

        Returns:
            The sum.
        """
        return sum(
            float(factor) * loss_sum(loss, p, t, output_form, w)
            for factor, loss, p, t, output_form, w in zip(
                self._factors, self._losses, outputs, targets, self._forms, weights or [None] * len(outputs),
                strict=True,
            )
        )  # fmt: skip

    def compute(self, sums: Sequence[float]) -> dict[str, float]:
        """Compute all metrics from sums over all samples.

        Args:
            sums: From `sums`, added up over all batches.

        Returns:
            The values by name.
        """
        values, start, numbers = {}, 0, np.array(sums, np.float64)
        for (name, _, metric, _), size in zip(self._metrics, self._sizes, strict=True):
            values[name] = float(metric.compute(numbers[start : start + size]))
            start += size
        return values


class Scores(tuple[float, ...]):
    """Loss and metrics of some samples: a tuple in Keras's order, whose values also have names.

    Args:
        values: The values by name, the loss first.

    Example:
        >>> scores = Scores({"loss": 0.25, "accuracy": 0.5})
        >>> loss, accuracy = scores
        >>> accuracy, scores[1], scores["accuracy"]
        (0.5, 0.5, 0.5)
        >>> dict(scores)
        {'loss': 0.25, 'accuracy': 0.5}
    """

    _names: tuple[str, ...]

    def __new__(cls, values: Mapping[str, float]) -> "Scores":
        """Make the tuple, because a tuple cannot be filled later."""
        scores = super().__new__(cls, values.values())
        scores._names = tuple(values)
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
            raise UsageError(f"There is no metric '{key}'.{nearest(key, self._names)}")
        return self[self._names.index(key)]

    def __contains__(self, key: object) -> bool:
        """Return whether there is this name, or this value."""
        return key in self._names or super().__contains__(key)

    def _repr_html_(self) -> str:
        from striate import notebook

        return notebook.block(notebook.table(self.keys(), [[f"{value:.4f}" for value in self]], range(len(self))))

    def __repr__(self) -> str:
        return f"Scores({', '.join(f'{name}={value!r}' for name, value in self.items())})"


def to_scores(values: Mapping[str, float]) -> Scores | float:
    """Return the loss as a number if it is alone, as in Keras, else the scores."""
    return Scores(values) if len(values) > 1 else values["loss"]
