"""Callbacks that log, set the learning rate, stop training, or call functions."""

import csv
import inspect
import io
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from striate._types import Logs
from striate.arguments import check_constructor, check_number, describe
from striate.errors import RunError, UsageError
from striate.files import atomic_write
from striate.training.callbacks import Callback

__all__ = ["CSVLogger", "LambdaCallback", "LearningRateScheduler", "TerminateOnNaN"]

Hook = Callable[..., Any] | None


@check_constructor
class LearningRateScheduler(Callback):
    """Set the learning rate at the start of every epoch.

    Args:
        schedule: A function of (epoch) or (epoch, learning rate) that returns the learning rate.
        verbose: 1 to print the rate of every epoch, or 0.
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise UsageError(f"LearningRateScheduler: schedule must be a function; received {describe(schedule)}.")
        self.schedule, self.verbose = schedule, verbose
        try:
            self.takes_rate = len(inspect.signature(schedule).parameters) > 1
        except ValueError:  # functions written in C may have no signature
            self.takes_rate = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the learning rate that the function returns."""
        rate = self.schedule(epoch, self.model.learning_rate) if self.takes_rate else self.schedule(epoch)
        self.model.learning_rate = check_number("LearningRateScheduler: the result of schedule", rate)
        if self.verbose and not self.model.engine.rank:
            print(f"Epoch {epoch + 1}: the learning rate is {self.model.learning_rate:g}.", flush=True)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Report the learning rate."""
        if logs is not None:
            logs.setdefault("learning_rate", self.model.learning_rate)


@check_constructor
class CSVLogger(Callback):
    """Write every epoch's values to a CSV file. The file is complete after each epoch.

    Args:
        filename: The file.
        separator: Between two values.
        append: Whether to keep the rows that are in the file, when training continues.
    """

    saved_attributes = ("rows", "names")

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        if len(separator) != 1:
            raise UsageError(f"CSVLogger: separator must be one character; received {separator!r}.")
        self.filename, self.separator, self.append = Path(filename), separator, append
        self.names: list[str] = []
        self.rows: list[list[Any]] = []

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Read the rows to keep."""
        self.names, self.rows = [], []
        if self.append and self.filename.exists():
            try:
                with self.filename.open(newline="", encoding="utf-8") as file:
                    head, *self.rows = list(csv.reader(file, delimiter=self.separator)) or [[]]
            except (OSError, ValueError, csv.Error) as error:
                raise RunError(f"CSVLogger: '{self.filename}' could not be read: {error}.") from error
            self.names = head[1:]

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the file with a row for this epoch; of several processes only the first does."""
        values = logs or {}
        new = [name for name in values if name not in self.names]  # for example after an epoch without validation
        self.names.extend(new)
        self.rows = [[*row, *("NA" for _ in new)] for row in self.rows]
        self.rows.append([epoch, *(values.get(name, "NA") for name in self.names)])
        if self.model.engine.rank:
            return
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self.separator, lineterminator="\n")
        writer.writerows([["epoch", *self.names], *self.rows])
        atomic_write(self.filename, text.getvalue())


@check_constructor
class TerminateOnNaN(Callback):
    """Stop training when the loss is NaN or infinite. Without it, such a loss raises a TrainingError.

    Args:
        raise_error: Whether to raise the error all the same.
    """

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Stop if the loss is not a finite number."""
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            print(f"Batch {batch + 1}: the loss is not a finite number, so training stops.", flush=True)
            self.model.stop_training = True


@check_constructor
class LambdaCallback(Callback):
    """A callback of functions, each with the arguments of the hook of its name.

    Args:
        on_epoch_begin: A function of (epoch, logs).
        on_epoch_end: A function of (epoch, logs).
        on_train_begin: A function of (logs).
        on_train_end: A function of (logs).
        on_train_batch_begin: A function of (batch, logs).
        on_train_batch_end: A function of (batch, logs).
        **hooks: Functions for the other hooks of `Callback`, such as on_test_end.

    Example:
        >>> from striate.callbacks import LambdaCallback
        >>> printer = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    """

    def __init__(
        self,
        on_epoch_begin: Hook = None,
        on_epoch_end: Hook = None,
        on_train_begin: Hook = None,
        on_train_end: Hook = None,
        on_train_batch_begin: Hook = None,
        on_train_batch_end: Hook = None,
        **hooks: Hook,
    ) -> None:
        hooks |= {
            "on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end, "on_train_begin": on_train_begin,
            "on_train_end": on_train_end, "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }  # fmt: skip
        for name, function in hooks.items():
            if not name.startswith("on_"):
                raise UsageError(f"LambdaCallback: '{name}' is not a hook; hooks are methods on_… of Callback.")
            if function is not None:
                if not callable(function):
                    raise UsageError(f"LambdaCallback: {name} must be a function; received {describe(function)}.")
                setattr(self, name, function)
