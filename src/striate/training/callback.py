"""What a callback is: code that runs between the steps of a training and may watch, save, slow down or stop it."""

import os
from typing import Any, ClassVar, Protocol

from striate.engines.base import Engine
from striate.engines.losses import Loss
from striate.network import Network

Logs = dict[str, float]


class Trainee(Protocol):
    """What training and callbacks see of the model.

    learning_rate: the optimiser's, before the schedule's factor. figures: those of the weights as they are.
    iterations, epochs_done: over the model's whole life.
    """

    stop_training: bool
    learning_rate: float
    figures: Logs
    iterations: int
    epochs_done: int

    @property
    def network(self) -> Network:
        """The description."""

    @property
    def engine(self) -> Engine:
        """The weights, and the arithmetic on them."""

    @property
    def losses(self) -> tuple[Loss, ...]:
        """One for each output."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics of each output."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole model to one file."""

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write the weights alone."""


class Callback:
    """Base of all callbacks, with Keras's hooks. Derive from it and override what you need.

    self.model is the model in training: read self.model.learning_rate or set it, set self.model.stop_training.
    Epochs and batches count from 0. `logs` holds the figures so far: loss, accuracy, val_loss, val_accuracy, …
    A callback that keeps something from one epoch to the next names those attributes in `remembers` (plain JSON values,
    arrays, and lists and dicts of them), so that a training which was killed goes on exactly.
    """

    model: Trainee
    params: dict[str, int]
    remembers: ClassVar[tuple[str, ...]] = ()

    def set_params(self, params: dict[str, int]) -> None:
        """Called once before on_train_begin with the numbers of "epochs", of "steps" in one, and of "samples"."""
        self.params = params

    def set_model(self, model: Trainee) -> None:
        """Called once before on_train_begin."""
        self.model = model

    def state(self) -> dict[str, Any]:
        """What the callback remembers, by the attribute's name."""
        return {name: getattr(self, name) for name in self.remembers}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what state() gave; called after on_train_begin when a training goes on."""
        for name, value in state.items():
            setattr(self, name, value)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before the first batch of an epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After validation; what is set in `logs` is seen by later callbacks and the history."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a step."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a step; `logs` are means over the epoch so far."""
