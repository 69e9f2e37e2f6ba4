"""The training loop: epochs of steps, with callbacks between them, and a way to go on after any of them."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

from striate.engines.base import Engine
from striate.errors import TrainingError, UsageError
from striate.files import remove_temporaries
from striate.training.callback import Callback, Logs, Trainee
from striate.training.callbacks import EarlyStopping, History
from striate.training.checkpoint import Checkpoint
from striate.training.feed import Feed
from striate.training.interrupts import Interrupt, postponed_interrupt
from striate.training.measure import measure
from striate.training.metrics import Figures
from striate.training.progress import Verbose, make_progress
from striate.training.recipe import Recipe
from striate.training.run import Run
from striate.training.samples import Samples

CHECKPOINT_SECONDS = 20.0


@dataclass
class Position:
    """Where a training stands between two steps.

    epoch: the current one, from 0. batch: how many of its batches are done. The schedule spans the epochs from
    cycle_start to cycle_end; extending a finished run begins a new such cycle. stopped: a callback ended the cycle.
    sums: of the loss and each metric over the `count` samples of the epoch so far.
    """

    cycle_end: int
    cycle_start: int = 0
    epoch: int = 0
    batch: int = 0
    stopped: bool = False
    count: int = 0
    sums: list[float] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether the cycle is over."""
        return self.stopped or self.epoch >= self.cycle_end


def fit(
    model: Trainee,
    recipe: Recipe,
    train: Samples,
    validation: Samples | None = None,
    *,
    callbacks: Sequence[Callback] = (),
    run: Run | None = None,
    verbose: Verbose = "auto",
) -> History:
    """Train a compiled model; return its figures by epoch.

    The recipe's epochs, batch size, schedule, augmentation, patience and seed are used, and its average, which the
    engine must keep; optimiser and losses are the model's own. With an average, validation and on_epoch_end see the
    averaged weights, and what such a callback sets in their place is gone with the next step.
    With a run, checkpoints and history.csv are written, and a training that was cut off goes on where it stood: its
    result has the same bits as if it had never stopped. A finished run whose recipe has more epochs now goes on from
    its last weights, with a new cycle of the schedule over the added epochs.
    Several processes that train together all call this; the first of them alone writes and speaks.
    Raises TrainingError when the loss is no longer a number, RunError when the disk is full, and KeyboardInterrupt
    after Ctrl-C or SIGTERM, with everything saved; UsageError for more processes than a batch has samples.
    """
    _check_processes(model.engine, recipe)
    verbose = 0 if model.engine.rank else verbose
    with closing(make_progress(verbose)) as progress:
        if recipe.batch_size > len(train):
            progress.note(f"There are {len(train)} samples, fewer than batch_size={recipe.batch_size}: steps take all.")
        loop = _Loop(model, recipe, train, validation, run)
        loop.run_with([*callbacks, *_stopping(recipe), loop.history, progress])
    return loop.history


class _Loop:
    def __init__(
        self, model: Trainee, recipe: Recipe, train: Samples, validation: Samples | None, run: Run | None
    ) -> None:
        self.model, self.recipe, self.train, self.validation, self.run = model, recipe, train, validation, run
        self.history = History()
        self.callbacks: Sequence[Callback] = ()
        self.figures = Figures(model.network, model.losses, model.metrics)
        self.feed = Feed(train, recipe, model.engine)
        self.position = Position(cycle_end=recipe.epochs)
        self.saved_at = time.monotonic()
        self.interrupt = Interrupt()

    def run_with(self, callbacks: Sequence[Callback]) -> None:
        self._begin(callbacks)
        self._resume()
        with postponed_interrupt() as self.interrupt:
            while self._in_cycle():
                self._epoch()
        self._settle()
        for callback in callbacks:
            callback.on_train_end(dict(self.model.figures))

    def _begin(self, callbacks: Sequence[Callback]) -> None:
        self.model.stop_training = False
        self.callbacks = callbacks
        # Most callbacks leave the hooks around a step alone; a step of a small network is too short to call them all.
        self.before_batch = [c for c in callbacks if _overrides(c, "on_train_batch_begin")]
        self.after_batch = [c for c in callbacks if _overrides(c, "on_train_batch_end")]
        params = {"epochs": self.recipe.epochs, "steps": self.feed.steps, "samples": len(self.train)}
        for callback in callbacks:
            callback.set_model(self.model)
            callback.set_params(params)
            callback.on_train_begin()

    def _in_cycle(self) -> bool:
        """Whether there is an epoch to do; begins a new cycle when a finished run is to have more epochs."""
        here = self.position
        if here.finished and self.recipe.epochs > here.cycle_end:
            here.cycle_start, here.cycle_end = here.epoch, self.recipe.epochs
            here.stopped = self.model.stop_training = False
        return not here.finished

    def _epoch(self) -> None:
        here = self.position
        if here.batch == 0:
            here.count, here.sums = 0, [0.0] * (1 + len(self.figures.names))
            for callback in self.callbacks:
                callback.on_epoch_begin(here.epoch)
        rate = self._rate(min(here.batch, self.feed.steps - 1))
        for batch, count in self.feed.epoch(self.model.epochs_done, here.batch):
            rate = self._rate(here.batch)
            self._step(batch, count, rate)
            self._pause()
        with self.model.engine.averaged():
            self._report(self._means() | self._validate() | {"learning_rate": rate})
        self._end_epoch()

    def _step(self, batch: Samples, count: int, rate: float) -> None:
        """One step of `count` samples, of which this process has the batch."""
        model, here, engine = self.model, self.position, self.model.engine
        for callback in self.before_batch:
            callback.on_train_batch_begin(here.batch)
        result = engine.train_step(
            batch.inputs, batch.targets, learning_rate=rate, step=model.iterations, global_batch=count
        )
        if not math.isfinite(result.loss):
            raise self._diverged(result.loss, rate)
        here.sums[0] += result.loss * count
        found = engine.sum_over_processes(self.figures.sums(result.outputs, batch.targets))
        for index, value in enumerate(found, start=1):
            here.sums[index] += value
        here.count += count
        here.batch += 1
        model.iterations += 1
        if self.after_batch:
            logs = self._means()
            for callback in self.after_batch:
                callback.on_train_batch_end(here.batch - 1, logs)

    def _rate(self, batch: int) -> float:
        here, steps = self.position, self.feed.steps
        epochs = here.cycle_end - here.cycle_start
        step = (here.epoch - here.cycle_start) * steps + batch
        return self.model.learning_rate * self.recipe.schedule(step, epochs * steps, epochs)

    def _means(self) -> Logs:
        here = self.position
        names = ("loss", *self.figures.names)
        return {name: value / here.count for name, value in zip(names, here.sums, strict=True)}

    def _validate(self) -> Logs:
        if self.validation is None:
            return {}
        found = measure(self.model.engine, self.model.losses, self.figures, self.validation)
        return {f"val_{name}": value for name, value in found.items()}

    def _report(self, logs: Logs) -> None:
        self.model.figures = dict(logs)
        for callback in self.callbacks:
            callback.on_epoch_end(self.position.epoch, logs)

    def _end_epoch(self) -> None:
        model, here = self.model, self.position
        model.epochs_done += 1
        here.epoch, here.batch, here.stopped = here.epoch + 1, 0, model.stop_training
        if self.run:
            # In this order: after a kill between the two, the epoch is done again, and so is its row.
            self.run.write_history(self.history.history)
            self._save()
        self._pause()

    def _settle(self) -> None:
        """The averaged weights become the model's. Checkpoints keep those of the last step, to go on from."""
        if self.recipe.average is None:
            return
        with self.model.engine.averaged():
            averages = self.model.engine.weights
        self.model.engine.weights = averages

    def _pause(self) -> None:
        """Between two steps: heed Ctrl-C and SIGTERM, and save when the last checkpoint is some time ago."""
        if self.model.engine.sum_over_processes([self.interrupt.pending])[
            0
        ]:  # in any process: they all stop at the same step
            raise KeyboardInterrupt(self._interrupted())
        # The clock decides only when a checkpoint is written, never what is computed.
        if self.run and time.monotonic() - self.saved_at > CHECKPOINT_SECONDS:
            self._save()

    def _interrupted(self) -> str:
        here = self.position
        place = f"Stopped in epoch {here.epoch + 1} after {here.batch} of {self.feed.steps} steps."
        if self.run is None:
            return f"{place} The model keeps what it has learnt."
        self._save()
        return f"{place} Everything is saved; go on with: striate train --resume {self.run.path}"

    def _save(self) -> None:
        if self.run is None or not self.run.written_here:
            return
        model = self.model
        state = {
            "position": asdict(self.position),
            "model": {name: getattr(model, name) for name in ("iterations", "epochs_done", "learning_rate", "figures")},
            "callbacks": {key: callback.state() for key, callback in _keyed(self.callbacks)},
        }
        checkpoint = Checkpoint(model.engine.weights, model.engine.slots, state)
        self.run.checkpoints.save(checkpoint, model.iterations)
        self.saved_at = time.monotonic()

    def _resume(self) -> None:
        # The others may be on machines that do not see the run folder.
        checkpoint = self.model.engine.broadcast(self._checkpoint())
        if checkpoint is None:
            return
        self.model.engine.weights = checkpoint.weights
        self.model.engine.slots = checkpoint.slots
        for name, value in checkpoint.state["model"].items():
            setattr(self.model, name, value)
        self.position = Position(**checkpoint.state["position"])
        states: dict[str, Any] = checkpoint.state["callbacks"]
        for key, callback in _keyed(self.callbacks):
            if key in states:
                callback.restore(states[key])

    def _checkpoint(self) -> Checkpoint | None:
        if self.run is None or not self.run.written_here:
            return None
        remove_temporaries(self.run.path)
        return self.run.checkpoints.load()

    def _diverged(self, loss: float, rate: float) -> TrainingError:
        here = self.position
        return TrainingError(
            f"The loss became {loss} at step {self.model.iterations} (epoch {here.epoch + 1}, batch {here.batch + 1}) "
            f"with a learning rate of {rate:g}. Try a learning rate of {rate / 10:.1g}, and see that the network "
            "scales its pixels (Rescale) and that the targets are right."
        )


def _check_processes(engine: Engine, recipe: Recipe) -> None:
    if engine.world_size > recipe.batch_size:
        raise UsageError(
            f"{engine.world_size} processes share each batch, and batch_size={recipe.batch_size} leaves some of them "
            "without a sample: give a larger batch size, or start fewer processes."
        )


def _stopping(recipe: Recipe) -> list[Callback]:
    return [EarlyStopping(patience=recipe.patience, restore_best_weights=True)] if recipe.patience else []


def _overrides(callback: Callback, hook: str) -> bool:
    return getattr(type(callback), hook) is not getattr(Callback, hook)


def _keyed(callbacks: Sequence[Callback]) -> Iterator[tuple[str, Callback]]:
    """Each callback under a name that stays the same when the same callbacks are given again."""
    seen: dict[str, int] = {}
    for callback in callbacks:
        kind = type(callback).__name__
        seen[kind] = seen.get(kind, 0) + 1
        yield f"{kind}-{seen[kind]}", callback
