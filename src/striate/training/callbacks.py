"""Callbacks, as in Keras: code that runs between the steps of a training."""

import inspect
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal

from striate._types import Logs, Weights
from striate.arguments import check_constructor, check_number, check_whole, describe
from striate.engines.weight_files import check_model_name
from striate.errors import UsageError, nearest
from striate.text import counted
from striate.training.position import restore_attributes
from striate.training.trainable_model import TrainableModel

__all__ = [
    "Callback",
    "EarlyStopping",
    "History",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
]

Mode = Literal["auto", "min", "max"]


@check_constructor
class Callback:
    """Base of all callbacks, with the hooks of Keras. Derive from it and override the methods you need.

    Epochs and batches count from 0. `logs` holds the values so far: loss, accuracy, val_loss, val_accuracy, …

    Attributes:
        model: The model in training. A callback may read and set its learning_rate, and set its stop_training.
        params: Numbers of "epochs", of "steps" per epoch and of "samples".
        saved_attributes: Names of the attributes that are saved in checkpoints, so that an interrupted training resumes
            exactly: plain JSON values, arrays, and lists and dicts of them.
    """

    model: TrainableModel
    params: dict[str, int]
    saved_attributes: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        """Do nothing; derived classes may take arguments."""

    def set_params(self, params: dict[str, int]) -> None:
        """Set `params`; called once before on_train_begin."""
        self.params = params

    def set_model(self, model: TrainableModel) -> None:
        """Set `model`; called once before on_train_begin."""
        self.model = model

    def state(self) -> dict[str, Any]:
        """Return the attributes to save in a checkpoint, by name."""
        return {name: getattr(self, name) for name in self.saved_attributes}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned; called after on_train_begin when a training resumes.

        Args:
            state: Values of `saved_attributes`, by name.

        Raises:
            ValueError: Another attribute is named, or a value is of another type.
        """
        restore_attributes(self, self.saved_attributes, state)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Run before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Run after the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Run before the first batch of an epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Run after validation. Values added to `logs` reach later callbacks and the history."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a step."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a step; `logs` holds means over the epoch so far. If stop_training is set, the epoch ends."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a step: another name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a step: another name of `on_train_batch_end`."""


HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))


def overrides(callback: Callback, *hooks: str) -> bool:
    """Return whether a callback defines one of these hooks itself."""
    return any(hook in vars(callback) or getattr(type(callback), hook) is not getattr(Callback, hook) for hook in hooks)


def check_callbacks(callbacks: Any) -> tuple[Callback, ...]:
    """Check the argument `callbacks`.

    Args:
        callbacks: A list of callbacks, or None.

    Returns:
        The callbacks.

    Raises:
        UsageError: One is not a Callback, or defines a method on_… that is never called.
    """
    if callbacks is None:
        return ()
    if not isinstance(callbacks, list | tuple):
        raise UsageError(f"callbacks must be a list of callbacks; received {describe(callbacks)}.")
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise UsageError(f"callbacks must hold callbacks of striate.callbacks; received {describe(callback)}.")
        for name in (*dir(type(callback)), *vars(callback)):
            if name.startswith("on_") and name not in HOOKS and callable(getattr(callback, name)):
                raise UsageError(f"{type(callback).__name__}.{name} is never called.{nearest(name, HOOKS)}")
    return tuple(callbacks)


@check_constructor
class History(Callback):
    """Record of a training, which `fit` returns.

    Attributes:
        history: For each value in the logs, such as "loss", a list with one number per epoch; NaN where an epoch did
            not report it.
        epoch: The numbers of the epochs.
    """

    saved_attributes = ("history", "epoch")

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append the epoch's values."""
        values = logs or {}
        for name in {**self.history, **values}:
            self.history.setdefault(name, [math.nan] * len(self.epoch)).append(values.get(name, math.nan))
        self.epoch.append(epoch)

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {values[-1]:.4f}" for name, values in self.history.items() if name != "learning_rate")
        return f"<History: {counted(len(self.epoch), 'epoch')}{f'; {last}' if last else ''}>"

    def _repr_html_(self) -> str:
        from striate.training.display import history_html

        return history_html(self.history)


class Monitor(Callback):
    """Base of the callbacks that monitor one value of the logs.

    Args:
        monitor: Name of the value in the logs.
        mode: Whether a smaller ("min") or larger ("max") value is better; "auto" means "max" for accuracies.
        min_delta: A smaller change does not count as an improvement.
    """

    saved_attributes: ClassVar[tuple[str, ...]] = ("best",)

    def __init__(self, monitor: str = "val_loss", mode: Mode = "auto", min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            raise UsageError(f"{type(self).__name__}: mode must be 'auto', 'min' or 'max'; received {mode!r}.")
        if not isinstance(monitor, str):
            raise UsageError(f"{type(self).__name__}: monitor must be a name; received {describe(monitor)}.")
        self.monitor = monitor
        self.min_delta = abs(check_number(f"{type(self).__name__}: min_delta", min_delta))
        if not self.min_delta < math.inf:
            raise UsageError(f"{type(self).__name__}: min_delta must be a finite number; received {min_delta}.")
        self.sign = 1 if mode == "max" or (mode == "auto" and "acc" in monitor) else -1
        self.best: float | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Reset the state."""
        self.best = None

    def current(self, logs: Logs | None) -> float:
        """Return the monitored value. Raises UsageError when the training does not report it."""
        if logs and self.monitor in logs:
            return logs[self.monitor]
        hint = " Pass validation_data to fit." if self.monitor.startswith("val_") else ""
        available = ", ".join(logs or {})
        raise UsageError(
            f"{type(self).__name__} monitors '{self.monitor}', but this training reports only {available}.{hint}"
        )

    def improved(self, value: float) -> bool:
        """Return whether the value is the best so far by more than min_delta; if so, store it in `best`."""
        if math.isnan(value):
            return False
        better = self.best is None or self.sign * (value - self.best) > self.min_delta
        if better:
            self.best = value
        return better


@check_constructor
class EarlyStopping(Monitor):
    """Stop the training when the monitored value has not improved for `patience` epochs.

    Args:
        monitor: Name of the value in the logs.
        min_delta: A smaller change does not count as an improvement.
        patience: Number of epochs without improvement after which the training stops.
        mode: Whether a smaller ("min") or larger ("max") value is better; "auto" means "max" for accuracies.
        restore_best_weights: Whether to restore the weights of the best epoch at the end.

    Example:
        >>> from striate.callbacks import EarlyStopping
        >>> EarlyStopping("val_accuracy", patience=3).patience
        3
    """

    saved_attributes = ("best", "wait", "stopped_epoch", "best_epoch", "best_weights", "best_logs")

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
        self.patience = check_whole("EarlyStopping: patience", patience)
        self.restore_best_weights = restore_best_weights
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best_epoch = 0
        self.best_weights: Weights = {}
        self.best_logs: Logs = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Reset the state."""
        super().on_train_begin(logs)
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare the value, and keep the best weights or stop the training."""
        if self.improved(self.current(logs)):
            self.wait, self.best_epoch, self.best_logs = 0, epoch, dict(logs or {})
            if self.restore_best_weights:
                self.best_weights = self.model.engine.weights
            return
        self.wait += 1
        if self.wait >= self.patience:
            # The count is reset, so that a finished run that is extended gets its full patience.
            self.wait, self.stopped_epoch = 0, epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Restore the best weights if `restore_best_weights` is set."""
        if self.best_weights:
            self.model.engine.weights = self.best_weights
            self.model.figures = dict(self.best_logs)


@check_constructor
class ModelCheckpoint(Monitor):
    """Save the model after every epoch, or only when the monitored value is the best so far.

    Args:
        filepath: Path of the file; may contain fields such as {epoch:02d} (from 1), {batch} and {val_accuracy:.4f}.
        monitor: Name of the value in the logs.
        save_best_only: Whether to save only when the value improves.
        save_weights_only: Whether to save the weights without the network and its settings.
        mode: Whether a smaller ("min") or larger ("max") value is better; "auto" means "max" for accuracies.
        save_freq: "epoch", or the number of steps between two files.

    Example:
        >>> from striate.callbacks import ModelCheckpoint
        >>> best = ModelCheckpoint("best.safetensors", monitor="val_accuracy", save_best_only=True)
    """

    saved_attributes = ("best", "steps", "epoch")

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
            raise UsageError(
                f"ModelCheckpoint: save_freq must be 'epoch' or a number of steps; received {save_freq!r}."
            )
        check_model_name(filepath)
        self.filepath = os.fspath(filepath)
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.epoch = self.steps = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Reset the state."""
        super().on_train_begin(logs)
        self.epoch = self.steps = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Store the epoch for the file name."""
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save if `save_freq` is reached."""
        self.steps += 1
        if self.save_freq != "epoch" and self.steps % self.save_freq == 0:
            self._save(logs, batch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save unless files are written by number of steps."""
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
                f"ModelCheckpoint: filepath contains the field {error}; the available fields are {', '.join(fields)}."
            ) from error
        (self.model.save_weights if self.save_weights_only else self.model.save)(path)


@check_constructor
class LearningRateScheduler(Callback):
    """Set the learning rate at the start of every epoch.

    Args:
        schedule: A function of (epoch) or (epoch, learning rate) that returns the learning rate.
    """

    def __init__(self, schedule: Callable[..., float]) -> None:
        if not callable(schedule):
            raise UsageError(f"LearningRateScheduler: schedule must be a function; received {describe(schedule)}.")
        self.schedule = schedule
        try:
            self.takes_rate = len(inspect.signature(schedule).parameters) > 1
        except ValueError:  # functions written in C may have no signature
            self.takes_rate = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the learning rate that the function returns."""
        rate = self.schedule(epoch, self.model.learning_rate) if self.takes_rate else self.schedule(epoch)
        self.model.learning_rate = check_number("LearningRateScheduler: the result of schedule", rate)


@check_constructor
class ReduceLROnPlateau(Monitor):
    """Multiply the learning rate by `factor` when the monitored value has not improved for `patience` epochs.

    Args:
        monitor: Name of the value in the logs.
        factor: Above 0 and below 1.
        patience: Number of epochs without improvement after which the rate is reduced.
        mode: Whether a smaller ("min") or larger ("max") value is better; "auto" means "max" for accuracies.
        min_delta: A smaller change does not count as an improvement.
        cooldown: Number of epochs to wait after a change before counting again.
        min_lr: The learning rate is never set below this.
    """

    saved_attributes = ("best", "wait", "cooling")

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
        if not 0 < check_number("ReduceLROnPlateau: factor", factor) < 1:
            raise UsageError(f"ReduceLROnPlateau: factor must be above 0 and below 1; received {factor}.")
        self.factor, self.min_lr = factor, check_number("ReduceLROnPlateau: min_lr", min_lr)
        if not 0 <= self.min_lr < math.inf:
            raise UsageError(f"ReduceLROnPlateau: min_lr must be a finite number, 0 or more; received {min_lr}.")
        self.patience = check_whole("ReduceLROnPlateau: patience", patience)
        self.cooldown = check_whole("ReduceLROnPlateau: cooldown", cooldown)
        self.wait = self.cooling = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Reset the state."""
        super().on_train_begin(logs)
        self.wait = self.cooling = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare the value, and reduce the rate after `patience` epochs without improvement."""
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
