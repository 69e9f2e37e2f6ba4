"""Callbacks, with Keras's names and meaning: code that runs between the steps of a training."""

import inspect
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from striate._types import Weights
from striate.engines.base import Engine
from striate.engines.losses import Loss
from striate.errors import UsageError
from striate.network import Network

__all__ = [
    "Callback",
    "EarlyStopping",
    "History",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
]

Logs = dict[str, float]
Mode = Literal["auto", "min", "max"]


class TrainableModel(Protocol):
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

    model: TrainableModel
    params: dict[str, int]
    remembers: ClassVar[tuple[str, ...]] = ()

    def set_params(self, params: dict[str, int]) -> None:
        """Take the numbers of "epochs", of "steps" per epoch and of "samples"; called once before on_train_begin."""
        self.params = params

    def set_model(self, model: TrainableModel) -> None:
        """Take the model in training; called once before on_train_begin."""
        self.model = model

    def state(self) -> dict[str, Any]:
        """Return what the callback remembers, by attribute name."""
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


class History(Callback):
    """What every training returns: `history` maps each figure to its list of values, `epoch` lists the epochs.

    A figure that an epoch did not report is NaN there, so that all lists are of one length.
    """

    remembers = ("history", "epoch")

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append the epoch's figures."""
        found = logs or {}
        for name in {**self.history, **found}:
            self.history.setdefault(name, [math.nan] * len(self.epoch)).append(found.get(name, math.nan))
        self.epoch.append(epoch)


class Monitor(Callback):
    """Base of the callbacks that watch one figure and know whether it got better.

    monitor: the figure's name in the logs. mode: "min" or "max" is better; "auto" takes max for accuracies.
    min_delta: a change smaller than this is no improvement.
    """

    remembers: ClassVar[tuple[str, ...]] = ("best",)

    def __init__(self, monitor: str = "val_loss", mode: Mode = "auto", min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            raise UsageError(f"{type(self).__name__}: mode is 'auto', 'min' or 'max', not '{mode}'.")
        self.monitor = monitor
        self.min_delta = abs(min_delta)
        self.sign = 1 if mode == "max" or (mode == "auto" and "acc" in monitor) else -1
        self.best: float | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget an earlier training."""
        self.best = None

    def current(self, logs: Logs | None) -> float:
        """Return the monitored value. Raises UsageError when the training does not report it."""
        if logs and self.monitor in logs:
            return logs[self.monitor]
        hint = " Pass validation_data to fit." if self.monitor.startswith("val_") else ""
        known = ", ".join(logs or {})
        raise UsageError(
            f"{type(self).__name__} watches '{self.monitor}', but this training reports only {known}.{hint}"
        )

    def improved(self, value: float) -> bool:
        """Whether the value is the best so far, by more than min_delta; if so it becomes the best."""
        if math.isnan(value):
            return False
        better = self.best is None or self.sign * (value - self.best) > self.min_delta
        if better:
            self.best = value
        return better


class EarlyStopping(Monitor):
    """Stop when the watched figure has not improved for `patience` epochs.

    restore_best_weights: at the end, go back to the weights of the best epoch.
    """

    remembers = ("best", "wait", "stopped_epoch", "best_epoch", "best_weights", "best_logs")

    def __init__(
        self,
        monitor: str = "val_loss",
        *,
        min_delta: float = 0.0,
        patience: int = 0,
        mode: Mode = "auto",
        restore_best_weights: bool = False,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.restore_best_weights = restore_best_weights
        self._forget()

    def _forget(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best_epoch = 0
        self.best_weights: Weights = {}
        self.best_logs: Logs = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget an earlier training."""
        super().on_train_begin(logs)
        self._forget()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare, remember the best weights, or lose patience."""
        if self.improved(self.current(logs)):
            self.wait, self.best_epoch, self.best_logs = 0, epoch, dict(logs or {})
            if self.restore_best_weights:
                self.best_weights = self.model.engine.weights
            return
        self.wait += 1
        if self.wait >= self.patience:
            # The count starts anew, so that a finished run that is extended gets its patience back.
            self.wait, self.stopped_epoch = 0, epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Go back to the best weights, if asked to."""
        if self.best_weights:
            self.model.engine.weights = self.best_weights
            self.model.figures = dict(self.best_logs)


class ModelCheckpoint(Monitor):
    """Save the model after every epoch, or only when the watched figure is the best so far.

    filepath: may hold fields such as {epoch:02d} (from 1), {batch} and {val_accuracy:.4f}.
    save_weights_only: leave the network and its settings out of the file. save_freq: "epoch", or every so many steps.
    """

    remembers = ("best", "steps", "epoch")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        *,
        monitor: str = "val_loss",
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: Mode = "auto",
        save_freq: Literal["epoch"] | int = "epoch",
    ) -> None:
        super().__init__(monitor, mode)
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
            raise UsageError(f"ModelCheckpoint: save_freq is 'epoch' or a number of steps, not {save_freq!r}.")
        self.filepath = os.fspath(filepath)
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.epoch = self.steps = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget an earlier training."""
        super().on_train_begin(logs)
        self.epoch = self.steps = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remember the epoch for the file's name."""
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save if the time has come by steps."""
        self.steps += 1
        if self.save_freq != "epoch" and self.steps % self.save_freq == 0:
            self._save(logs, batch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save if the time has come by epochs."""
        if self.save_freq == "epoch":
            self._save(logs)

    def _save(self, logs: Logs | None, batch: int | None = None) -> None:
        if self.save_best_only and not self.improved(self.current(logs)):
            return
        fields: dict[str, Any] = dict(logs or {}) | {"epoch": self.epoch + 1}
        if batch is not None:
            fields["batch"] = batch + 1
        try:
            path = Path(self.filepath.format(**fields))
        except KeyError as error:
            raise UsageError(
                f"ModelCheckpoint: filepath names the field {error}, but there is only {', '.join(fields)}."
            ) from error
        (self.model.save_weights if self.save_weights_only else self.model.save)(path)


class LearningRateScheduler(Callback):
    """Set the learning rate at the start of every epoch from a function of (epoch) or (epoch, learning rate)."""

    def __init__(self, schedule: Callable[..., float]) -> None:
        self.schedule = schedule
        self.takes_rate = len(inspect.signature(schedule).parameters) > 1

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Ask the function."""
        rate = self.schedule(epoch, self.model.learning_rate) if self.takes_rate else self.schedule(epoch)
        self.model.learning_rate = float(rate)


class ReduceLROnPlateau(Monitor):
    """Multiply the learning rate by `factor` when the watched figure has not improved for `patience` epochs.

    cooldown: epochs to wait after a change before counting again. min_lr: the rate is never set below this.
    """

    remembers = ("best", "wait", "cooling")

    def __init__(
        self,
        monitor: str = "val_loss",
        *,
        factor: float = 0.1,
        patience: int = 10,
        mode: Mode = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if not 0 < factor < 1:
            raise UsageError(f"ReduceLROnPlateau: factor lies between 0 and 1, not {factor}.")
        self.factor, self.patience, self.cooldown, self.min_lr = factor, patience, cooldown, min_lr
        self.wait = self.cooling = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget an earlier training."""
        super().on_train_begin(logs)
        self.wait = self.cooling = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare, and lower the rate when patience is lost."""
        improved = self.improved(self.current(logs))
        if self.cooling > 0:
            self.cooling -= 1
            self.wait = 0
        if improved:
            self.wait = 0
            return
        if self.cooling > 0:
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.model.learning_rate = max(self.model.learning_rate * self.factor, self.min_lr)
            self.wait, self.cooling = 0, self.cooldown
