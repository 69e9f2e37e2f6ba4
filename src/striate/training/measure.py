"""Loss and metrics of a network on samples it does not learn from."""

from collections.abc import Iterator, Sequence

import numpy as np

from striate._types import Array
from striate.engines.base import Engine
from striate.engines.losses import Loss
from striate.errors import UsageError
from striate.network import L1, L1L2, L2, Regularizer
from striate.training.metrics import Figures, loss_sum
from striate.training.samples import Samples

BATCH_SIZE = 250  # of inference: large enough for speed, small enough for memory


def measure(
    engine: Engine, losses: Sequence[Loss], figures: Figures, samples: Samples, batch_size: int = BATCH_SIZE
) -> dict[str, float]:
    """Mean loss, penalties on weights included, and metrics in inference mode: {"loss": …, "accuracy": …}.

    Several processes that train together each take a part of the samples; all of them must call this.
    """
    sums = [0.0] * (1 + len(figures.names))
    for rows, outputs in forward_batches(engine, samples.inputs, own_part(engine, len(samples)), batch_size):
        targets = tuple(y[rows] for y in samples.targets)
        loss = sum(map(loss_sum, losses, outputs, targets))
        for index, value in enumerate([loss, *figures.sums(outputs, targets)]):
            sums[index] += value
    totals = zip(["loss", *figures.names], engine.sum_over_processes(sums), strict=True)
    means = {name: value / len(samples) for name, value in totals}
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


def own_part(engine: Engine, count: int) -> range:
    """The samples, of so many in all, that this process takes: each sample is in the part of one process."""
    return range(count * engine.rank // engine.world_size, count * (engine.rank + 1) // engine.world_size)


def predict(
    engine: Engine, inputs: Sequence[Array], batch_size: int = BATCH_SIZE, *, together: bool = False
) -> tuple[Array, ...]:
    """All outputs, float32 (N, …), in inference mode.

    together: several processes that train together each take a part, and all get all; all of them must call this.
    """
    count = len(inputs[0])
    rows = own_part(engine, count) if together else range(count)
    empty = tuple(np.zeros((0, *shape), np.float32) for shape in engine.network.output_shapes)
    parts = [empty, *(outputs for _, outputs in forward_batches(engine, inputs, rows, batch_size))]
    found = (np.concatenate(part).astype(np.float32, copy=False) for part in zip(*parts, strict=True))
    return tuple(map(engine.gather, found)) if together else tuple(found)


def forward_batches(
    engine: Engine, inputs: Sequence[Array], rows: range, batch_size: int = BATCH_SIZE
) -> Iterator[tuple[slice, tuple[Array, ...]]]:
    """Rows and outputs of batch after batch of these rows, in inference mode.

    Raises UsageError for a batch size below 1.
    """
    if batch_size < 1:
        raise UsageError(f"batch_size must be 1 or more; received {batch_size}.")
    for start in range(rows.start, rows.stop, batch_size):
        batch = slice(start, min(start + batch_size, rows.stop))
        yield batch, engine.forward([x[batch] for x in inputs])
