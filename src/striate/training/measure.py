"""Loss and metrics of a network on samples it does not learn from."""

from collections.abc import Iterator, Sequence

import numpy as np

from striate.engines.base import Array, Engine
from striate.engines.losses import Loss
from striate.errors import UsageError
from striate.network import L1, L1L2, L2, Regularizer
from striate.training.metrics import Figures, loss_sum
from striate.training.samples import Samples

BATCH_SIZE = 250  # of inference: large enough for speed, small enough for memory


def measure(
    engine: Engine, losses: Sequence[Loss], figures: Figures, samples: Samples, batch_size: int = BATCH_SIZE
) -> dict[str, float]:
    """Mean loss, penalties on weights included, and metrics in inference mode: {"loss": …, "accuracy": …}."""
    sums = [0.0] * (1 + len(figures.names))
    for start, outputs in forward_batches(engine, samples.inputs, batch_size):
        targets = tuple(y[start : start + batch_size] for y in samples.targets)
        loss = sum(map(loss_sum, losses, outputs, targets))
        for index, value in enumerate([loss, *figures.sums(outputs, targets)]):
            sums[index] += value
    means = {name: value / len(samples) for name, value in zip(["loss", *figures.names], sums, strict=True)}
    return means | {"loss": means["loss"] + penalty(engine)}


def penalty(engine: Engine) -> float:
    """What the network's penalties on large weights add to the loss."""
    penalized = [parameter for parameter in engine.network.parameters if parameter.regularizer]
    weights = engine.weights if penalized else {}
    return sum(_penalty(parameter.regularizer, weights[parameter.name].astype(np.float64)) for parameter in penalized)


def _penalty(regularizer: Regularizer | None, w: Array) -> float:
    match regularizer:
        case L1(l1):
            return float(l1 * np.abs(w).sum())
        case L2(l2):
            return float(l2 * np.square(w).sum())
        case L1L2(l1, l2):
            return float(l1 * np.abs(w).sum() + l2 * np.square(w).sum())
    raise UsageError(f"The engines know no penalty {type(regularizer).__name__}.")


def predict(engine: Engine, inputs: Sequence[Array], batch_size: int = BATCH_SIZE) -> tuple[Array, ...]:
    """All outputs, float32 (N, …), in inference mode."""
    parts = [outputs for _, outputs in forward_batches(engine, inputs, batch_size)]
    return tuple(np.concatenate(part).astype(np.float32, copy=False) for part in zip(*parts, strict=True))


def forward_batches(
    engine: Engine, inputs: Sequence[Array], batch_size: int = BATCH_SIZE
) -> Iterator[tuple[int, tuple[Array, ...]]]:
    """(first row, outputs) of batch after batch, in inference mode. Raises UsageError for a batch size below 1."""
    if batch_size < 1:
        raise UsageError(f"batch_size must be 1 or more; received {batch_size}.")
    for start in range(0, len(inputs[0]), batch_size):
        yield start, engine.forward([x[start : start + batch_size] for x in inputs])
