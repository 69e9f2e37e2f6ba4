"""Loss and metrics of a network on samples it does not learn from."""

from collections.abc import Iterator, Sequence

import numpy as np

from striate.engines.base import Array, Engine
from striate.engines.losses import Loss
from striate.training.metrics import Figures, loss_sum
from striate.training.samples import Samples

BATCH_SIZE = 250  # of inference: large enough for speed, small enough for memory


def measure(
    engine: Engine, losses: Sequence[Loss], figures: Figures, samples: Samples, batch_size: int = BATCH_SIZE
) -> dict[str, float]:
    """Mean loss and metrics in inference mode: {"loss": …, "accuracy": …}. Penalties on weights are not counted."""
    sums = [0.0] * (1 + len(figures.names))
    for start, outputs in forward_batches(engine, samples.inputs, batch_size):
        targets = tuple(y[start : start + batch_size] for y in samples.targets)
        loss = sum(map(loss_sum, losses, outputs, targets))
        for index, value in enumerate([loss, *figures.sums(outputs, targets)]):
            sums[index] += value
    return {name: value / len(samples) for name, value in zip(["loss", *figures.names], sums, strict=True)}


def predict(engine: Engine, inputs: Sequence[Array], batch_size: int = BATCH_SIZE) -> tuple[Array, ...]:
    """All outputs, float32 (N, …), in inference mode."""
    parts = [outputs for _, outputs in forward_batches(engine, inputs, batch_size)]
    return tuple(np.concatenate(part).astype(np.float32, copy=False) for part in zip(*parts, strict=True))


def forward_batches(
    engine: Engine, inputs: Sequence[Array], batch_size: int = BATCH_SIZE
) -> Iterator[tuple[int, tuple[Array, ...]]]:
    """(first row, outputs) of batch after batch, in inference mode."""
    for start in range(0, len(inputs[0]), batch_size):
        yield start, engine.forward([x[start : start + batch_size] for x in inputs])
