"""Callbacks, as in Keras: code that runs between training steps."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from striate._types import Logs
from striate.arguments import check_constructor, describe
from striate.errors import UsageError, nearest
from striate.text import counted
from striate.training.position import restore_attributes
from striate.training.trainable_model import TrainableModel

__all__ = ["Callback", "History"]

Params = dict[str, Any]


@check_constructor
class Callback:
    """Base of all callbacks, with the hooks of Keras. Derive from it and override the methods you need.

    Epochs and batches count from 0. `logs` holds the values so far: loss, accuracy, val_loss, val_accuracy, …
    The hooks on_test_… also run when `fit` validates.

    Attributes:
        model: The model in training. A callback may read and set its learning_rate, and set its stop_training.
        params: Numbers of "epochs", of "steps" per epoch and of "samples", which are None while they are unknown, and
            "verbose" and "validates", whether there is a validation.
        saved_attributes: Names of the attributes that are saved in checkpoints, so that an interrupted training resumes
            exactly: plain JSON values, arrays, and lists and dicts of them.
    """

    model: TrainableModel
    params: Params
    saved_attributes: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        """Do nothing; derived classes may take arguments."""

    def set_params(self, params: Params) -> None:
        """Set `params`; called once before on_train_begin."""
        self.params = params

    def set_model(self, model: TrainableModel) -> None:
        """Set `model`; called once before on_train_begin."""
        self.model = model

    def state(self) -> dict[str, Any]:
        """Return the attributes to save in a checkpoint, by name."""
        return {name: getattr(self, name) for name in self.saved_attributes}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned; called after on_train_begin when training resumes.

        Args:
            state: Values of `saved_attributes`, by name.

        Raises:
            ValueError: If another attribute is named, or a value is of another type.
        """
        restore_attributes(self, self.saved_attributes, state)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Run before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Run after the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Run before the first batch of an epoch.

        Args:
            epoch: The epoch, counted from 0.
            logs: Empty.
        """

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Run after validation. Values added to `logs` reach later callbacks and the history.

        Args:
            epoch: The epoch, counted from 0.
            logs: Loss and metrics of the epoch.
        """

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a step.

        Args:
            batch: The batch of the epoch, counted from 0.
            logs: Empty.
        """
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a step. If stop_training is set, the epoch ends.

        Args:
            batch: The batch of the epoch, counted from 0.
            logs: Means over the epoch so far.
        """
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Run before an evaluation, and before each validation during training."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Run after an evaluation; `logs` holds its result."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a batch is evaluated.

        Args:
            batch: The batch, counted from 0.
            logs: Empty.
        """

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a batch was evaluated.

        Args:
            batch: The batch, counted from 0.
            logs: Means over the batches so far.
        """

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Run before a prediction."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Run after a prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before the outputs of a batch are computed.

        Args:
            batch: The batch, counted from 0.
            logs: Empty.
        """

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Run after the outputs of a batch were computed.

        Args:
            batch: The batch, counted from 0.
            logs: The outputs under "outputs".
        """

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Run before a step: another name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Run after a step: another name of `on_train_batch_end`."""


HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))


ALIASES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


class CallbackList:
    """Callbacks in the order in which they are called. Hooks that none of them overrides cost nothing.

    Args:
        callbacks: The callbacks.
        model: Passed to their `set_model`.
        params: Passed to their `set_params`.
    """

    def __init__(self, callbacks: Sequence[Callback], model: TrainableModel, params: Params) -> None:
        self.params = params
        for callback in callbacks:
            callback.set_model(model)
            callback.set_params(params)
        self._overriding = {
            hook: [c for c in callbacks if _overrides(c, hook, ALIASES.get(hook, hook))] for hook in HOOKS
        }

    def handles(self, hook: str) -> bool:
        """Return whether a callback overrides this hook."""
        return bool(self._overriding[hook])

    def call(self, hook: str, *values: Any) -> None:
        """Call this hook of all callbacks that override it.

        Args:
            hook: Its name.
            *values: The number of the epoch or batch if the hook takes one, and the logs.
        """
        for callback in self._overriding[hook]:
            getattr(callback, hook)(*values)


def _overrides(callback: Callback, *hooks: str) -> bool:
    """Return whether a callback defines one of these hooks itself."""
    return any(hook in vars(callback) or getattr(type(callback), hook) is not getattr(Callback, hook) for hook in hooks)


def check_callbacks(callbacks: Any) -> tuple[Callback, ...]:
    """Check the argument `callbacks`.

    Args:
        callbacks: A list of callbacks, a single one, or None.

    Returns:
        The callbacks.

    Raises:
        UsageError: If one is not a Callback, or defines a method on_… that is never called.
    """
    if callbacks is None:
        return ()
    if isinstance(callbacks, Callback):
        callbacks = (callbacks,)
    if not isinstance(callbacks, list | tuple):
        raise UsageError(f"callbacks must be a list of callbacks; received {describe(callbacks)}.")
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise UsageError(f"callbacks must contain callbacks of striate.callbacks; received {describe(callback)}.")
        for name in (*dir(type(callback)), *vars(callback)):
            if name.startswith("on_") and name not in HOOKS and callable(getattr(callback, name)):
                raise UsageError(f"{type(callback).__name__}.{name} is never called.{nearest(name, HOOKS)}")
    return tuple(callbacks)


@check_constructor
class History(Callback):
    """Record of training, which `fit` returns.

    Args:
        aligned: Whether all lists have one number per epoch, NaN where an epoch did not report the value; otherwise, as
            in Keras, such epochs are left out.

    Attributes:
        history: For each value in the logs, such as "loss", a list with one number per epoch.
        epoch: The numbers of the epochs.
    """

    saved_attributes = ("history", "epoch")

    def __init__(self, *, aligned: bool = False) -> None:
        self.aligned = aligned
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append the epoch's values."""
        values = logs or {}
        names = {**self.history, **values} if self.aligned else values
        for name in names:
            start = [math.nan] * len(self.epoch) if self.aligned else []
            self.history.setdefault(name, start).append(values.get(name, math.nan))
        self.epoch.append(epoch)

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {values[-1]:.4f}" for name, values in self.history.items() if name != "learning_rate")
        return f"<History: {counted(len(self.epoch), 'epoch')}{f'; {last}' if last else ''}>"

    def _repr_html_(self) -> str:
        from striate.training.display import history_html

        return history_html(self.history)
