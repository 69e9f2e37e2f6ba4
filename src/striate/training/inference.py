"""Inference in batches: outputs, loss and metrics of a network on any number of samples."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from striate._types import Array
from striate.arguments import check_integer
from striate.engines.base import Engine
from striate.errors import DataError
from striate.training.callbacks import CallbackList
from striate.training.metrics import MetricSet
from striate.training.samples import Samples

BATCH_SIZE = 250  # number of images in inference: large enough for speed, small enough for memory


def evaluate_in_batches(
    engine: Engine, metrics: MetricSet, samples: Samples, batch_size: int = BATCH_SIZE
) -> dict[str, float]:
    """Compute the mean loss and metrics in inference mode.

    In distributed training, each process evaluates a part of the samples; all processes must call this.

    Args:
        engine: Runs the network.
        metrics: The loss and the metrics to compute.
        samples: Inputs, targets and weights.
        batch_size: Number of samples that go through the network at once.

    Returns:
        For example {"loss": …, "accuracy": …}; the loss includes penalties on weights.
    """
    rows = rows_of_process(engine, len(samples))
    return evaluate_batches(engine, metrics, map(samples.take, slices(rows, batch_size)))


def evaluate_batches(
    engine: Engine, metrics: MetricSet, batches: Iterable[Samples], callbacks: CallbackList | None = None
) -> dict[str, float]:
    """Compute the mean loss and metrics over batches in inference mode.

    Args:
        engine: Runs the network.
        metrics: The loss and the metrics to compute.
        batches: This process's samples of each batch, at least one in all processes.
        callbacks: Their hooks on_test_batch_… are called.

    Returns:
        For example {"loss": …, "accuracy": …}; the loss includes penalties on weights.

    Raises:
        DataError: If there are no samples.
    """
    sums, count, penalties = [0.0] * (1 + metrics.size), 0, penalty(engine)
    for number, batch in enumerate(batches):
        if callbacks:
            callbacks.call("on_test_batch_begin", number, {})
        outputs = engine.forward(batch.inputs)
        loss = metrics.loss_sum(outputs, batch.targets, batch.weights)
        added = [loss, *metrics.sums(outputs, batch.targets, batch.weights)]
        sums = [total + value for total, value in zip(sums, added, strict=True)]
        count += len(batch)
        if callbacks and callbacks.handles("on_test_batch_end"):
            callbacks.call("on_test_batch_end", number, _means(metrics, sums, count, penalties))
    *sums, total = engine.sum_over_processes([*sums, count])
    if not total:
        raise DataError("There are no samples to evaluate on.")
    return _means(metrics, sums, total, penalties)


def _means(metrics: MetricSet, sums: Sequence[float], count: float, penalties: float) -> dict[str, float]:
    return {"loss": sums[0] / count + penalties} | metrics.compute(sums[1:])


def penalty(engine: Engine) -> float:
    """Return the sum of the penalties of the network's regularizers, which is added to the loss."""
    regularizers = {each.name: each.regularizer for each in engine.network.parameters if each.regularizer}
    weights = engine.weights if regularizers else {}
    return sum(float(penalize(weights[name].astype(np.float64))) for name, penalize in regularizers.items())


def rows_of_process(engine: Engine, count: int) -> range:
    """Return the samples that this process handles; each sample belongs to one process.

    Args:
        engine: The engine.
        count: Number of all samples.

    Returns:
        Their range.
    """
    return range(count * engine.rank // engine.world_size, count * (engine.rank + 1) // engine.world_size)


def predict_in_batches(
    engine: Engine, inputs: Sequence[Array], batch_size: int = BATCH_SIZE, *, distributed: bool = False
) -> tuple[Array, ...]:
    """Compute all outputs of a network in inference mode.

    Args:
        engine: Runs the network.
        inputs: One array (N, *input shape) for each input.
        batch_size: Number of samples that go through the network at once.
        distributed: Whether to divide the samples among the processes of distributed training; all of them must call
            this, and all get all outputs.

    Returns:
        One float32 array (N, …) for each output.
    """
    count = len(inputs[0])
    rows = rows_of_process(engine, count) if distributed else range(count)
    empty = tuple(np.zeros((0, *shape), np.float32) for shape in engine.network.output_shapes)
    parts = [empty, *(outputs for _, outputs in forward_in_batches(engine, inputs, rows, batch_size))]
    joined = (np.concatenate(part).astype(np.float32, copy=False) for part in zip(*parts, strict=True))
    return tuple(map(engine.gather, joined)) if distributed else tuple(joined)


def forward_in_batches(
    engine: Engine, inputs: Sequence[Array], rows: range, batch_size: int = BATCH_SIZE
) -> Iterator[tuple[slice, tuple[Array, ...]]]:
    """Yield the rows and the outputs of one batch after another, in inference mode.

    Args:
        engine: Runs the network.
        inputs: One array (N, *input shape) for each input.
        rows: Which of the N samples to use.
        batch_size: Number of samples that go through the network at once.

    Yields:
        The slice of rows of a batch, and its outputs.

    Raises:
        UsageError: If the batch size is below 1.
    """
    for batch in slices(rows, batch_size):
        yield batch, engine.forward([x[batch] for x in inputs])


def slices(rows: range, batch_size: int) -> Iterator[slice]:
    """Cut rows into batches.

    Args:
        rows: The rows.
        batch_size: Number of rows in a batch.

    Yields:
        The slice of each batch.

    Raises:
        UsageError: If the batch size is below 1.
    """
    batch_size = check_integer("batch_size", batch_size, 1)
    for start in range(rows.start, rows.stop, batch_size):
        yield slice(start, min(start + batch_size, rows.stop))


def predict_batches(engine: Engine, batches: Iterable[Sequence[Array]], callbacks: CallbackList) -> tuple[Array, ...]:
    """Compute all outputs of a network over batches, in inference mode.

    Args:
        engine: Runs the network.
        batches: The inputs of each batch.
        callbacks: Their hooks on_predict_batch_… are called.

    Returns:
        One float32 array (N, …) for each output.
    """
    parts = [tuple(np.zeros((0, *shape), np.float32) for shape in engine.network.output_shapes)]
    for number, inputs in enumerate(batches):
        callbacks.call("on_predict_batch_begin", number, {})
        parts.append(engine.forward(inputs))
        if callbacks.handles("on_predict_batch_end"):
            outputs = parts[-1][0] if len(parts[-1]) == 1 else list(parts[-1])
            callbacks.call("on_predict_batch_end", number, {"outputs": outputs})
    return tuple(np.concatenate(part).astype(np.float32, copy=False) for part in zip(*parts, strict=True))
