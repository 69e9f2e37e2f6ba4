"""The training loop: epochs of steps, with callbacks between them, and checkpoints to resume from after any step."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass

from striate._types import Logs
from striate.engines.base import Engine
from striate.errors import RunError, TrainingError, UsageError
from striate.files import remove_temporaries
from striate.training.batches import BatchSource
from striate.training.callbacks import Callback, CallbackList, History, Params, check_callbacks
from striate.training.checkpoint import Checkpoint
from striate.training.divergence import overflow_ignored, rate_advice, training_note
from striate.training.inference import BATCH_SIZE, evaluate_batches, rows_of_process, slices
from striate.training.input_scale import unscaled_pixels_note
from striate.training.loader import BatchLoader
from striate.training.monitors import EarlyStopping
from striate.training.position import Counters, Position, TrainingState
from striate.training.progress import Verbose, make_progress
from striate.training.recipe import Recipe
from striate.training.run import Run
from striate.training.samples import Samples
from striate.training.schedules import ConstantSchedule
from striate.training.signals import Interrupt, TrainingStopped, deferred_signals
from striate.training.simple_callbacks import TerminateOnNaN
from striate.training.trainable_model import TrainableModel

CHECKPOINT_SECONDS = 20.0


@dataclass
class Validation:
    """How training is validated.

    Attributes:
        source: The samples, or a function that returns new batches of them for this process.
        batch_size: Number of samples in a batch, if all samples are one array.
        frequency: Validate after every epoch whose number, from 1, is a multiple of this or in this list.
    """

    source: Samples | Callable[[], Iterable[Samples]]
    batch_size: int = BATCH_SIZE
    frequency: int | Sequence[int] = 1

    def due(self, epoch: int) -> bool:
        """Return whether to validate after this epoch, counted from 0."""
        frequency = self.frequency
        return (epoch + 1) % frequency == 0 if isinstance(frequency, int) else epoch + 1 in frequency

    def batches(self, engine: Engine) -> Iterable[Samples]:
        """Return this process's batches."""
        if not isinstance(self.source, Samples):
            return self.source()
        return map(self.source.take, slices(rows_of_process(engine, len(self.source)), self.batch_size))


def fit(
    model: TrainableModel,
    recipe: Recipe,
    train: Samples | BatchSource,
    validation: Samples | Validation | None = None,
    *,
    callbacks: Sequence[Callback] | Callback | None = (),
    run: Run | None = None,
    verbose: Verbose = "auto",
    initial_epoch: int = 0,
    report_rate: bool = True,
    notes: Sequence[str] = (),
) -> History:
    """Train a compiled model.

    With a run, checkpoints and history.csv are written, and an interrupted run continues where it stopped, with
    bit-identical results. A finished run whose recipe has more epochs now continues from its last weights, with a new
    cycle of the schedule over the added epochs.

    In distributed training, all processes call this; only rank 0 prints and writes.

    Args:
        model: A compiled model; its optimizer and losses are used.
        recipe: Its epochs, batch size, schedule, augmentation, patience and seed are used, and its average, which the
            engine must keep. With an average, validation and `on_epoch_end` see the averaged weights, and weights that
            such a callback sets are lost with the next step.
        train: The training samples, or the source of the batches.
        validation: The validation samples, if any, or how to validate.
        callbacks: Called between the steps, in this order.
        run: The run folder, if any.
        verbose: 0 (nothing), 1 (a progress bar), 2 (a line per epoch), or "auto".
        initial_epoch: The number of the first epoch, from 0; the recipe's epochs count from 0.
        report_rate: Whether the logs contain the learning rate.
        notes: Shown before the training.

    Returns:
        The loss and metrics of each epoch.

    Raises:
        TrainingError: If the loss is NaN or infinite.
        RunError: If the disk is full, or another process is training in the run folder.
        UsageError: If a callback is invalid, or there are more processes than samples in a batch.
        TrainingStopped: After Ctrl-C, SIGTERM or the stop button of a notebook, when everything is saved: a
            KeyboardInterrupt.
    """
    callbacks = check_callbacks(callbacks)
    if model.engine.world_size > recipe.batch_size:
        raise UsageError(
            f"{model.engine.world_size} processes share each batch, and batch_size={recipe.batch_size} leaves some of "
            "them without a sample: use a larger batch size, or start fewer processes."
        )
    with closing(make_progress(0 if model.engine.rank else verbose)) as progress:
        for note in notes:
            progress.note(note)
        if isinstance(train, Samples) and recipe.batch_size > len(train):
            progress.note(
                f"There are only {len(train)} training samples, fewer than batch_size={recipe.batch_size}: "
                "each step uses all of them."
            )
        if isinstance(train, Samples) and (unscaled := unscaled_pixels_note(model.network, train.inputs)):
            progress.note(unscaled)
        stopping = [EarlyStopping(patience=recipe.patience, restore_best_weights=True)] if recipe.patience else []
        history = History(aligned=run is not None)
        loader = BatchLoader(train, recipe, model.engine) if isinstance(train, Samples) else train
        held = Validation(validation) if isinstance(validation, Samples) else validation
        loop = _Loop(model, recipe, loader, held, [*callbacks, *stopping, history, progress], history, run)
        loop.params |= {"verbose": verbose}
        loop.report_rate = report_rate
        loop.position.epoch = initial_epoch
        with run.locked() if run else nullcontext(), overflow_ignored():
            loop.train()
    if loop.unscaled and not isinstance(train, Samples):
        progress.note(loop.unscaled)
    if outcome := loop.note():
        progress.note(outcome)
    return history


class _Loop:
    """One training. Its methods are in the order in which they are called."""

    def __init__(
        self,
        model: TrainableModel,
        recipe: Recipe,
        loader: BatchSource,
        validation: Validation | None,
        callbacks: Sequence[Callback],
        history: History,
        run: Run | None,
    ) -> None:
        self.model, self.recipe, self.validation, self.run = model, recipe, validation, run
        self.callbacks, self.history = callbacks, history
        self.loader, self.report_rate = loader, True
        self.params: Params = {
            "epochs": recipe.epochs, "steps": loader.steps, "samples": loader.samples, "validates": bool(validation),
        }  # fmt: skip
        self.reported = model.reported
        if loader.steps is None and not isinstance(recipe.schedule, ConstantSchedule):
            raise UsageError(
                "A schedule of the learning rate needs to know the number of steps: pass steps_per_epoch, the number "
                "of batches in an epoch."
            )
        self.tolerates_nan = any(isinstance(c, TerminateOnNaN) and not c.raise_error for c in callbacks)
        self.position = Position(cycle_end=recipe.epochs)
        self.highest_rate = 0.0
        self.unscaled: str | None = None  # a note on the first batch
        self.scheduled_rate: float | None = None  # of the last step, if the optimizer has a schedule
        self.saved_at = time.monotonic()
        self.interrupt = Interrupt()

    def train(self) -> None:
        self._start_callbacks()
        self._resume()
        with deferred_signals() as self.interrupt:
            while self._has_epochs_left():
                self._train_epoch()
        self._keep_average()
        self.hooks.call("on_train_end", dict(self.model.figures))

    def note(self) -> str | None:
        """Return a note if the training diverged or learned nothing, in this session."""
        model = self.model
        if not self.highest_rate or model.engine.rank:
            return None
        return training_note(
            model.network, model.losses, model.figures, self.recipe.optimizer, self.highest_rate, model.iterations
        )

    def _start_callbacks(self) -> None:
        self.model.stop_training = False
        self.hooks = CallbackList(self.callbacks, self.model, self.params)
        self.hooks.call("on_train_begin", {})

    def _resume(self) -> None:
        # The other processes may be on machines that do not see the run folder.
        checkpoint = self.model.engine.broadcast(self._load_checkpoint())
        if checkpoint is None:
            return
        model = self.model
        try:
            state = TrainingState.from_dict(checkpoint.state, self.loader.steps or 0, 1 + self.reported.size)
            for key, callback in _number_callbacks(self.callbacks):
                if key in state.callbacks:
                    callback.restore(state.callbacks[key])
        except ValueError as error:
            folder = self.run.checkpoints.path if self.run else "a run"
            raise RunError(f"The checkpoint in '{folder}' is damaged: {error}. Start a new run.") from error
        model.engine.weights, model.engine.slots = checkpoint.weights, checkpoint.slots
        model.iterations, model.epochs_done = state.model.iterations, state.model.epochs_done
        model.learning_rate, model.figures = state.model.learning_rate, state.model.figures
        self.position = state.position

    def _has_epochs_left(self) -> bool:
        """Begin a new cycle when a finished run was extended; return whether there is an epoch to do."""
        position = self.position
        if position.finished and self.recipe.epochs > position.cycle_end:
            position.cycle_start, position.cycle_end = position.epoch, self.recipe.epochs
            position.stopped = self.model.stop_training = False
        return not position.finished

    def _train_epoch(self) -> None:
        model, position = self.model, self.position
        if position.batch == 0:
            position.count, position.sums = 0, [0.0] * (1 + self.reported.size)
            self.hooks.call("on_epoch_begin", position.epoch, {})
        rate = self._learning_rate(min(position.batch, (self.loader.steps or 1) - 1))
        for batch, count in self.loader.epoch(model.epochs_done, position.batch):
            rate = self._learning_rate(position.batch)
            self._train_step(batch, count, rate)
            interrupted, model.stop_training = self._sum_flags()
            if model.stop_training:
                break
            self._save_or_exit(interrupted)
        model.epochs_done += 1  # before callbacks save the model
        with model.engine.averaged():
            self.params |= {"steps": self.loader.steps, "samples": position.count}
            logs = self._means() | self._validate()
            if self.report_rate:
                logs["learning_rate"] = rate
            model.figures = dict(logs)
            self.hooks.call("on_epoch_end", position.epoch, logs)
        interrupted, model.stop_training = self._sum_flags()
        stopped = model.stop_training or self.loader.exhausted
        position.epoch, position.batch, position.stopped = position.epoch + 1, 0, stopped
        if self.run:
            # In this order: if the process is killed between the two, the epoch is repeated and its row rewritten.
            self.run.write_history(self.history.history)
            self._save_checkpoint()
        self._save_or_exit(interrupted)

    def _learning_rate(self, batch: int) -> float:
        position, steps = self.position, self.loader.steps or 1  # unknown only with a constant rate
        epochs = position.cycle_end - position.cycle_start
        step = (position.epoch - position.cycle_start) * steps + batch
        model, optimizer = self.model, self.recipe.optimizer
        if optimizer.scheduled:
            if self.scheduled_rate not in (None, model.learning_rate):
                raise UsageError(
                    f"A callback set the learning rate to {model.learning_rate:g}, but that of the optimizer is a "
                    "schedule. Use one of the two."
                )
            self.scheduled_rate = model.learning_rate = optimizer.rate_at(model.iterations)
        return model.learning_rate * self.recipe.schedule(step, epochs * steps, epochs)

    def _train_step(self, batch: Samples, count: int, rate: float) -> None:
        """Do one step of `count` samples in all processes, of which this process has the batch."""
        model, position, engine = self.model, self.position, self.model.engine
        self.hooks.call("on_train_batch_begin", position.batch, {})
        result = engine.train_step(
            batch.inputs, batch.targets, learning_rate=rate, step=model.iterations, global_batch=count,
            sample_weights=batch.weights,
        )  # fmt: skip
        if not (math.isfinite(result.loss) or self.tolerates_nan):
            raise TrainingError(
                f"The loss became {result.loss} at step {model.iterations} (epoch {position.epoch + 1}, batch "
                f"{position.batch + 1}) with a learning rate of {rate:g}. "
                f"{rate_advice(self.recipe.optimizer, rate)} Also check that the network scales its pixels (Rescale) "
                "and that the targets are right."
            )
        if not self.highest_rate:
            self.unscaled = unscaled_pixels_note(model.network, batch.inputs)
        self.highest_rate = max(self.highest_rate, rate)
        position.sums[0] += result.loss * count
        sums = engine.sum_over_processes(self.reported.sums(result.outputs, batch.targets, batch.weights))
        position.sums[1:] = [total + value for total, value in zip(position.sums[1:], sums, strict=True)]
        position.count += count
        position.batch += 1
        model.iterations += 1
        if self.hooks.handles("on_train_batch_end"):
            self.hooks.call("on_train_batch_end", position.batch - 1, self._means())

    def _means(self) -> Logs:
        position = self.position
        return {"loss": position.sums[0] / position.count} | self.reported.compute(position.sums[1:])

    def _validate(self) -> Logs:
        if self.validation is None or not self.validation.due(self.position.epoch):
            return {}
        engine = self.model.engine
        self.hooks.call("on_test_begin", {})
        values = evaluate_batches(engine, self.reported, self.validation.batches(engine), self.hooks)
        self.hooks.call("on_test_end", values)
        return {f"val_{name}": value for name, value in values.items()}

    def _sum_flags(self) -> tuple[bool, bool]:
        """Return whether a signal was received, and whether a callback set stop_training, in any process.

        All processes act on it at the same step.
        """
        flags = [self.interrupt.pending, self.model.stop_training]
        interrupted, stopping = self.model.engine.sum_over_processes(flags)
        return bool(interrupted), bool(stopping)

    def _save_or_exit(self, interrupted: bool) -> None:
        """Save a checkpoint if the last one is too old; exit after Ctrl-C or SIGTERM."""
        if interrupted:
            position = self.position
            steps = "" if self.loader.steps is None else f" of {self.loader.steps}"
            message = f"Stopped in epoch {position.epoch + 1} after {position.batch}{steps} steps."
            if self.run is None:
                raise TrainingStopped(
                    f"{message} The model keeps its weights: use it, or call fit to train it further."
                )
            self._save_checkpoint()
            raise TrainingStopped(
                f"{message} Everything is saved; continue with: striate train --resume {self.run.path}"
            )
        # Wall-clock time determines only when a checkpoint is written, never the results.
        if self.run and time.monotonic() - self.saved_at > CHECKPOINT_SECONDS:
            self._save_checkpoint()

    def _keep_average(self) -> None:
        """Make the averaged weights the model's. Checkpoints contain those of the last step, to resume from."""
        if self.recipe.ema_decay is None:
            return
        with self.model.engine.averaged():
            averages = self.model.engine.weights
        self.model.engine.weights = averages

    def _save_checkpoint(self) -> None:
        if self.run is None or not self.run.written_here:
            return
        model = self.model
        counters = Counters(model.iterations, model.epochs_done, model.learning_rate, model.figures)
        callbacks = {key: callback.state() for key, callback in _number_callbacks(self.callbacks)}
        state = TrainingState(self.position, counters, callbacks).to_dict()
        checkpoint = Checkpoint(model.engine.weights, model.engine.slots, state)
        self.run.checkpoints.save(checkpoint, model.iterations)
        self.saved_at = time.monotonic()

    def _load_checkpoint(self) -> Checkpoint | None:
        if self.run is None or not self.run.written_here:
            return None
        remove_temporaries(self.run.path)
        return self.run.checkpoints.load()


def _number_callbacks(callbacks: Sequence[Callback]) -> Iterator[tuple[str, Callback]]:
    """Yield each callback with a name that is the same whenever the same callbacks are passed."""
    counts: dict[str, int] = {}
    for callback in callbacks:
        kind = type(callback).__name__
        counts[kind] = counts.get(kind, 0) + 1
        yield f"{kind}-{counts[kind]}", callback
