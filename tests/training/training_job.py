"""A training run with every source of differences between resumed runs; see test_training_kill.py."""

import sys
from pathlib import Path

import numpy as np

import striate as st
from striate.data import Augmentation, from_arrays
from striate.engines.optimizers import Adam
from striate.network import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Input, MaxPool2D, Rescale
from striate.training import Recipe, Run, RunRecord, loop
from striate.training.callbacks import Callback
from striate.training.monitors import EarlyStopping, ReduceLROnPlateau

RECIPE = Recipe(
    epochs=12,
    batch_size=10,
    optimizer=Adam(3e-3),
    augmentation=Augmentation(rotation=20, shift=0.1),
    class_weights=True,
    global_clipnorm=1.0,
    ema_decay=0.95,
    seed=5,
)


def data() -> st.data.Dataset:
    generator = np.random.default_rng(0)
    y = generator.integers(0, 3, 700)
    x = generator.integers(0, 120, (700, 12, 10, 1)) + 40 * y[:, None, None, None]
    return from_arrays(x.astype(np.uint8), y)


def model() -> st.Model:
    return st.Sequential(
        [
            Input((12, 10, 1)),
            Rescale(),
            Conv2D(6, 3),
            BatchNormalization(),
            MaxPool2D(2),
            Flatten(),
            Dropout(0.3),
            Dense(16, activation="relu"),
            Dense(3, activation="softmax"),
        ]
    )


def callbacks() -> list[st.callbacks.Callback]:
    stopping = EarlyStopping("val_accuracy", patience=4, min_delta=0.05, restore_best_weights=True)
    return [stopping, ReduceLROnPlateau("loss", patience=2, factor=0.5, min_delta=0.3)]


class PrintSteps(Callback):
    """Print a line after each step."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        print("step", flush=True)


def train(path: Path, engine: str, epochs: int | None = None) -> None:
    """Start the run or resume it. epochs: the number of epochs to extend it to."""
    dataset, made = data(), model()
    made.use_engine(engine)
    old = (path / "config.json").exists()
    run = Run.open(path) if old else Run.create(RunRecord(RECIPE, dataset.fingerprint), path)
    if epochs:
        run.extend(epochs)
    print("ready", flush=True)
    made.train(dataset, run=run, callbacks=[*callbacks(), PrintSteps()], verbose=0)


if __name__ == "__main__":
    loop.CHECKPOINT_SECONDS = 0.03
    train(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else None)
