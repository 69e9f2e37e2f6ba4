"""Callbacks that monitor one metric: they stop the training, save the model or reduce the learning rate."""

import math
import os
import re
from pathlib import Path
from typing import Any, ClassVar, Literal

from striate._types import Logs, Weights
from striate.arguments import check_constructor, check_integer, check_number, describe
from striate.engines.weight_files import check_model_name
from striate.errors import UsageError, nearest
from striate.training.callbacks import Callback

__all__ = ["EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau"]

Mode = Literal["auto", "min", "max"]
HIGHER_IS_BETTER = ("acc", "auc", "precision", "recall", "f1", "r2", "top_k", "iou")
ALIASES = {"acc": "accuracy", "accuracy": "acc", "lr": "learning_rate"}
SAME = re.compile(r"(?<![a-z])(acc|accuracy|lr)$")


class Monitor(Callback):
    """Base of the callbacks that monitor one value of the logs.

    Args:
        monitor: Name of the value in the logs; "acc" means "accuracy".
        mode: Whether a smaller ("min") or larger ("max") value is better; "auto" means "max" for accuracies and other
            metrics of which more is better.
        min_delta: A smaller change does not count as an improvement.
        verbose: 1 to print a line for each action, or 0.
    """

    saved_attributes: ClassVar[tuple[str, ...]] = ("best",)

    def __init__(
        self, monitor: str = "val_loss", mode: Mode = "auto", min_delta: float = 0.0, verbose: int = 0
    ) -> None:
        if mode not in ("auto", "min", "max"):
            raise UsageError(f"{type(self).__name__}: mode must be 'auto', 'min' or 'max'; received {mode!r}.")
        if not isinstance(monitor, str):
            raise UsageError(f"{type(self).__name__}: monitor must be a name; received {describe(monitor)}.")
        self.monitor = monitor
        self.verbose = verbose
        self.min_delta = abs(check_number(f"{type(self).__name__}: min_delta", min_delta))
        if not self.min_delta < math.inf:
            raise UsageError(f"{type(self).__name__}: min_delta must be a finite number; received {min_delta}.")
        better_if_higher = any(part in monitor for part in HIGHER_IS_BETTER)
        self.sign = 1 if mode == "max" or (mode == "auto" and better_if_higher) else -1
        self.best: float | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Reset the state."""
        self.best = None

    def current(self, logs: Logs | None) -> float | None:
        """Return the monitored value; None in an epoch without validation.

        Args:
            logs: The values of the epoch.

        Returns:
            The value.

        Raises:
            UsageError: If the training never reports it.
        """
        logs = logs or {}
        for name in (self.monitor, SAME.sub(lambda match: ALIASES[match[0]], self.monitor)):
            if name in logs:
                return logs[name]
        is_validation, reported = self.monitor.startswith("val_"), any(name.startswith("val_") for name in logs)
        if is_validation and not reported and getattr(self, "params", {}).get("validates"):
            return None
        hint = " Pass validation_data to fit." if is_validation and not reported else nearest(self.monitor, logs)
        raise UsageError(
            f"{type(self).__name__} monitors '{self.monitor}', but this training reports only {', '.join(logs)}.{hint}"
        )

    def improved(self, value: float | None, over: float | None = None) -> bool:
        """Compare two values.

        Args:
            value: The new value.
            over: The earlier value; None: there is none.

        Returns:
            Whether the new value is better by more than min_delta.
        """
        if value is None or math.isnan(value):
            return False
        return over is None or self.sign * (value - over) > self.min_delta

    def note(self, epoch: int, text: str) -> None:
        """Print a line if `verbose` is set; of several processes only the first does."""
        if self.verbose and not self.model.engine.rank:
            print(f"Epoch {epoch + 1}: {text}", flush=True)


@check_constructor
class EarlyStopping(Monitor):
    """Stop the training when the monitored value has not improved for `patience` epochs.

    Args:
        monitor: Name of the value in the logs.
        min_delta: A smaller change does not count as an improvement.
        patience: Number of epochs without improvement after which the training stops.
        verbose: 1 to print when the training stops, or 0.
        mode: Whether a smaller ("min") or larger ("max") value is better; "auto" means "max" for accuracies.
        baseline: Stop also if this value is not reached within `patience` epochs.
        restore_best_weights: Whether to restore the weights of the best epoch at the end.
        start_from_epoch: Number of epochs before which nothing is compared.

    Example:
        >>> from striate.callbacks import EarlyStopping
        >>> EarlyStopping("val_accuracy", patience=3).patience
        3
    """

    saved_attributes = ("best", "wait", "stopped_epoch", "best_epoch", "best_weights", "best_logs")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: Mode = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta, verbose)
        self.patience = check_integer("EarlyStopping: patience", patience)
        self.baseline = None if baseline is None else check_number("EarlyStopping: baseline", baseline)
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = check_integer("EarlyStopping: start_from_epoch", start_from_epoch)
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
        value = self.current(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.improved(value, self.best):
            self.best, self.best_epoch, self.best_logs = value, epoch, dict(logs or {})
            if self.restore_best_weights:
                self.best_weights = self.model.engine.weights
            if self.baseline is None or self.improved(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience:
            # The count is reset, so that a finished run that is extended gets its full patience.
            self.wait, self.stopped_epoch = 0, epoch
            self.model.stop_training = True
            self.note(epoch, f"{self.monitor} has not improved for {self.patience} epochs, so training stops.")

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Restore the best weights if `restore_best_weights` is set."""
        if self.best_weights:
            self.model.engine.weights = self.best_weights
            self.model.figures = dict(self.best_logs)
            self.note(self.best_epoch, "the weights of this epoch, the best one, are restored.")


@check_constructor
class ModelCheckpoint(Monitor):
    """Save the model after every epoch, or only when the monitored value is the best so far.

    Args:
        filepath: Path of the file; may contain fields such as {epoch:02d} (from 1), {batch} and {val_accuracy:.4f}.
        monitor: Name of the value in the logs.
        verbose: 1 to print when the model is saved, or 0.
        save_best_only: Whether to save only when the value improves.
        save_weights_only: Whether to save the weights without the network and its settings.
        mode: Whether a smaller ("min") or larger ("max") value is better; "auto" means "max" for accuracies.
        save_freq: "epoch", or the number of steps between two files.
        initial_value_threshold: Only values better than this count as the best.
        period: Number of epochs between two files, as in older versions of Keras.

    Example:
        >>> from striate.callbacks import ModelCheckpoint
        >>> best = ModelCheckpoint("best.safetensors", monitor="val_accuracy", save_best_only=True)
    """

    saved_attributes = ("best", "steps", "epoch")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: Mode = "auto",
        save_freq: Literal["epoch"] | int = "epoch",
        initial_value_threshold: float | None = None,
        period: int = 1,
    ) -> None:
        super().__init__(monitor, mode, verbose=verbose)
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
            raise UsageError(
                f"ModelCheckpoint: save_freq must be 'epoch' or a number of steps; received {save_freq!r}."
            )
        check_model_name(filepath)
        self.filepath = os.fspath(filepath)
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.threshold = initial_value_threshold
        if self.threshold is not None:
            self.threshold = check_number("ModelCheckpoint: initial_value_threshold", initial_value_threshold)
        self.period = check_integer("ModelCheckpoint: period", period, 1)
        self.epoch = self.steps = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Reset the state."""
        self.best = self.threshold
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
        """Save if `save_freq` is "epoch"."""
        if self.save_freq == "epoch" and (epoch + 1) % self.period == 0:
            self.epoch = epoch
            self._save(logs)

    def _save(self, logs: Logs | None, batch: int | None = None) -> None:
        if self.save_best_only:
            value = self.current(logs)
            if value is None:
                return
            if not self.improved(value, self.best):
                self.note(self.epoch, f"{self.monitor} {value:.5f} is not better than {self.best}.")
                return
            self.best = value
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
        best = f"{self.monitor} {self.best:.5f} is the best so far; " if self.save_best_only else ""
        self.note(self.epoch, f"{best}saved to '{path}'.")


@check_constructor
class ReduceLROnPlateau(Monitor):
    """Multiply the learning rate by `factor` when the monitored value has not improved for `patience` epochs.

    Args:
        monitor: Name of the value in the logs.
        factor: Above 0 and below 1.
        patience: Number of epochs without improvement after which the rate is reduced.
        verbose: 1 to print when the rate is reduced, or 0.
        mode: Whether a smaller ("min") or larger ("max") value is better; "auto" means "max" for accuracies.
        min_delta: A smaller change does not count as an improvement.
        cooldown: Number of epochs to wait after a change before counting again.
        min_lr: The learning rate is never set below this.
    """

    saved_attributes = ("best", "wait", "cooling")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: Mode = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta, verbose)
        if not 0 < check_number("ReduceLROnPlateau: factor", factor) < 1:
            raise UsageError(f"ReduceLROnPlateau: factor must be above 0 and below 1; received {factor}.")
        self.factor, self.min_lr = factor, check_number("ReduceLROnPlateau: min_lr", min_lr)
        if not 0 <= self.min_lr < math.inf:
            raise UsageError(f"ReduceLROnPlateau: min_lr must be a finite number, 0 or more; received {min_lr}.")
        self.patience = check_integer("ReduceLROnPlateau: patience", patience)
        self.cooldown = check_integer("ReduceLROnPlateau: cooldown", cooldown)
        self.wait = self.cooling = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Reset the state."""
        super().on_train_begin(logs)
        self.wait = self.cooling = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare the value, and reduce the rate after `patience` epochs without improvement."""
        value = self.current(logs)
        if logs is not None:
            logs.setdefault("learning_rate", self.model.learning_rate)
        if value is None:
            return
        improved = self.improved(value, self.best)
        if self.cooling > 0:
            self.cooling -= 1
            self.wait = 0
        if improved:
            self.best, self.wait = value, 0
            return
        if self.cooling > 0:
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.model.learning_rate = max(self.model.learning_rate * self.factor, self.min_lr)
            self.wait, self.cooling = 0, self.cooldown
            self.note(epoch, f"the learning rate is reduced to {self.model.learning_rate:g}.")
