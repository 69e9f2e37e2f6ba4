"""Train small networks on the engine, each process with its part of every batch; see test_distributed_engine.py."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from striate.engines.base import TrainingSettings
from striate.engines.initialization import initial_weights
from striate.engines.losses import CategoricalCrossentropy, MeanSquaredError
from striate.engines.optimizers import SGD, Adam
from striate.engines.torch import TorchEngine
from striate.network import (
    L2,
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Input,
    LocalResponseNormalization,
    MaxPool2D,
    Network,
    Rescale,
)

DTYPES = "float64", "float32"
BATCHES = (7, 6, 2, 1)  # with three processes, one of them has no sample of the last two
RATE = 0.01


def residual() -> Network:
    """Batch normalization of maps and of rows, with and without γ and β, a shared layer, dropout, penalties."""
    image = Input((6, 8, 2))
    first = Conv2D(4, 3, activation="relu", kernel_regularizer=L2(0.01))(Rescale()(image))
    x = BatchNormalization()(LocalResponseNormalization(k=1.0)(first))
    shared = Conv2D(4, 3, padding="same", use_bias=False)
    x = Add()(BatchNormalization(scale=False)(shared(x)), BatchNormalization(center=False)(shared(x)))
    x = MaxPool2D(2, padding="same")(Dropout(0.3)(x))
    rows = BatchNormalization()(Dense(5, activation="relu")(Flatten()(x)))
    return Network(image, [Dense(3, activation="softmax")(rows), Dense(2)(GlobalAveragePool2D()(x))])


def train(dtype: str, folder: Path) -> None:
    network = residual()
    engine = TorchEngine(network, initial_weights(network, 0), dtype=dtype, device="cpu")
    # Adam divides by the size of the gradient: where it is 0 except for rounding, float32 steps are noise.
    optimizer = Adam(RATE) if dtype == "float64" else SGD(RATE, momentum=0.9)
    losses = [CategoricalCrossentropy(label_smoothing=0.1, class_weights=(0.5, 1.0, 2.0)), MeanSquaredError()]
    settings = TrainingSettings(optimizer, losses, seed=3, global_clipnorm=0.5, ema_decay=0.9, loss_weights=(1.0, 0.7))
    engine.compile(settings)
    draw = np.random.default_rng(0)
    actual = []
    for step, batch in enumerate(BATCHES):
        x = draw.integers(0, 256, (batch, 6, 8, 2), dtype=np.uint8)
        targets = draw.integers(0, 3, batch), draw.normal(size=(batch, 2))
        rows = slice(engine.rank, None, engine.world_size)
        result = engine.train_step(
            [x[rows]], [t[rows] for t in targets], learning_rate=RATE, step=step, global_batch=batch,
            sample_weights=[None, draw.random(batch)[rows]],
        )  # fmt: skip
        actual.append(result.loss)
        assert [len(output) for output in result.outputs] == [len(x[rows])] * 2
    own = np.arange(engine.rank, 5, engine.world_size)
    results: dict[str, Any] = {
        "losses": np.array(actual),
        "total": np.array(engine.sum_over_processes([len(own), float(own.sum())])),
        "shared": engine.broadcast(np.array([engine.rank])),
        "gathered": engine.gather(own),
    }
    results |= engine.weights | engine.slots
    np.savez(folder / f"{dtype}-{engine.rank}.npz", **results)


if __name__ == "__main__":
    for dtype in DTYPES:
        train(dtype, Path(sys.argv[1]))
