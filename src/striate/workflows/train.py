"""Train by a plan, evaluate on the test images, and write a run folder with a report."""

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from pathlib import Path

import numpy as np

from striate import strict_json
from striate._types import Array, Echo
from striate.data import Dataset
from striate.data.split import digests_of
from striate.engines.choose import accelerator
from striate.errors import DataError, RunError, UsageError
from striate.evaluation import Bin
from striate.evaluation.metrics import reliability, with_temperature
from striate.evaluation.tasks import AnyEvaluation
from striate.files import atomic_write, remove_temporaries
from striate.models import Model
from striate.processes import cores, current_process
from striate.tasks import Decision, Task
from striate.time_limit import Remaining, no_time_limit
from striate.training import check_inputs, predict_in_batches
from striate.training.callbacks import Callback
from striate.training.monitors import ReduceLROnPlateau
from striate.training.progress import Verbose
from striate.training.run import ROOT
from striate.training.tensorboard import TensorBoard
from striate.transfer.open_set import OpenSetFindings, probability_threshold
from striate.transfer.task_heads import choose_decision
from striate.workflows import run_record
from striate.workflows.extract_features import check_enough, run_extraction
from striate.workflows.features_in_time import compute_in_time
from striate.workflows.fine_tune import discard_stages, run_fine_tuning
from striate.workflows.open_set import fit_open_set
from striate.workflows.plan import TrainingPlan, is_folder
from striate.workflows.plan_checks import check_outside
from striate.workflows.predictions import Predictions
from striate.workflows.prepare import PreparedRun, make_trainable_model, prepare
from striate.workflows.run_record import TrainingRecord, TrainingRun, describe_engine
from striate.workflows.strategy import Method, describe_seconds, fine_tuning_seconds, training_seconds
from striate.workflows.torchrun import local_rank_0_first, on_rank_0, release_others, run_name
from striate.workflows.trained_model import THRESHOLD, average, member_path
from striate.workflows.training_time import StopInTime

LONG_SECONDS = 300  # training time above which an estimate is printed


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """The result of a training.

    Attributes:
        run: The run folder.
        evaluation: Metrics on the test images.
        seconds: Training time of all sessions together.
    """

    run: TrainingRun
    evaluation: AnyEvaluation
    seconds: float

    @property
    def report(self) -> Path:
        """Path of the report."""
        return self.run.path / "report.html"


@dataclass(frozen=True, eq=False)
class _Outputs:
    """Probabilities (N, classes) on the validation and on the test images."""

    validation: Array
    test: Array


def start(prepared: PreparedRun, out: str | os.PathLike[str] | None = None) -> TrainingRun:
    """Create the run folder of a prepared run; no other process can train in it until `train` has returned.

    Args:
        prepared: The prepared run.
        out: The folder; by default a new one in runs/.

    Returns:
        The run.

    Raises:
        DataError: If there are too few images.
    """
    if not len(prepared.data.test) and not prepared.plan.folds:
        raise DataError(
            f"'{prepared.data.name}' is too small: its test split is empty. Add images, about ten or more per class. "
            f"To list its contents, run: striate data scan {shlex.quote(str(prepared.plan.data))}"
        )
    plan = prepared.plan
    if plan.base:
        check_enough(prepared.data)
    record = TrainingRecord(
        plan.recipe, prepared.data.fingerprint, plan=plan, versions=run_record.versions(plan),
        hardware=run_record.hardware(), started=run_record.now(), launch=current_process().launch,
    )  # fmt: skip
    return on_rank_0(lambda: _create(record, out))


def _create(record: TrainingRecord, out: str | os.PathLike[str] | None) -> TrainingRun:
    run = TrainingRun.create(record, out, run_name(record.plan))
    run.lock()
    return run


def check_run_folder(data: str | None, out: str | os.PathLike[str] | None) -> None:
    """Check, before the folder of images is read, that the run folder is not inside it, where Striate never writes.

    Args:
        data: Name of the data set, or the folder.
        out: The run folder.

    Raises:
        UsageError: If it is.
    """
    if data and is_folder(data):
        check_outside(out or ROOT, data, "folder")


def check_out(out: str | os.PathLike[str] | None) -> None:
    """Check, before the data are loaded, that a run folder would not overwrite anything.

    Args:
        out: The folder; None for a new one.

    Raises:
        RunError: If it already contains a run, or a file that a run writes.
    """
    if out is None:
        return
    if (Path(out) / "config.json").exists():
        raise RunError(
            f"'{out}' already contains a run. Continue it with --resume, or choose another folder with --out."
        )
    for name in ("model.safetensors", "metrics.json", "report.html"):
        if (Path(out) / name).exists():
            raise RunError(f"'{out}' contains a {name}, which the run would replace. Choose another folder with --out.")


def reopen(path: str | os.PathLike[str], epochs: int | None = None) -> tuple[PreparedRun, TrainingRun]:
    """Open and prepare a run to continue it.

    Args:
        path: The run folder.
        epochs: New total number of epochs; None: as planned.

    Returns:
        The prepared run, and its folder.

    Raises:
        UsageError: If `epochs` is given for a method without epochs to add.
    """
    run, trained = on_rank_0(lambda: _open_locked(path))
    plan = run.record.plan
    if plan.base and epochs is not None:
        what = "fine-tunes in stages" if plan.method is Method.FINE_TUNE else "fits a classifier to features"
        raise UsageError(f"'{run.path}' {what}, which has no epochs to add: leave --epochs out.")
    prepared = local_rank_0_first(lambda: prepare(plan, has_checkpoint=trained))
    run.require_data(prepared.data.fingerprint)
    if epochs is not None:
        run.extend(epochs)
    return replace(prepared, plan=run.record.plan), run


def is_finished(path: str | os.PathLike[str], epochs: int | None) -> bool:
    """Return whether a run has nothing to continue: it is complete, and `epochs` asks for no more than it has.

    Args:
        path: The run folder.
        epochs: New total number of epochs; None: as planned.

    Raises:
        RunError: If it is not a run folder.
    """
    run = TrainingRun.open(path)
    plan = run.record.plan
    planned = run.recipe.epochs
    if run.record.finished_epochs != planned or not (epochs is None or (epochs == planned and not plan.base)):
        return False
    folders = [run.path] if plan.ensemble == 1 else [member_path(run, number) for number in range(plan.ensemble)]
    return all((folder / run.model_path.name).exists() for folder in folders) and (run.path / "report.html").exists()


def _open_locked(path: str | os.PathLike[str]) -> tuple[TrainingRun, bool]:
    """Return the run, locked, and whether it has a checkpoint."""
    TrainingRun.open(path).lock()
    run = TrainingRun.open(path)  # read again: another process may have changed it before the lock was taken
    return run, run.record.plan.ensemble == 1 and run.checkpoints.begun


def long_run_note(prepared: PreparedRun, run: TrainingRun) -> str | None:
    """Return a sentence on about how long training takes; None for feature extraction and up to five minutes.

    Args:
        prepared: The prepared run.
        run: Its folder; finished epochs are not counted.
    """
    plan = prepared.plan
    if plan.method is Method.FEATURES:
        return None
    device = None if plan.device == "cpu" or plan.engine == "numpy" else accelerator()
    where = f"on {device}" if device else f"on {cores()} {'core' if cores() == 1 else 'cores'}"
    if plan.method is Method.FINE_TUNE:
        passes = len(prepared.data.train) * run.recipe.epochs
        seconds = fine_tuning_seconds(passes, prepared.network.multiply_adds, device, cores())
        return f"Fine-tuning takes about {describe_seconds(seconds)} {where}, less if it stops early."
    done = 0 if plan.ensemble > 1 else len(run.read_history().get("loss", ()))
    passes = len(prepared.data.train) * max(0, run.recipe.epochs - done) * plan.ensemble
    shared = current_process().world_size
    seconds = training_seconds(passes, prepared.network, device, cores()) / shared
    if seconds <= LONG_SECONDS:
        return None
    return (
        f"This training takes about {describe_seconds(seconds)} {where}. Fewer --epochs or a smaller --model take "
        "less time; after Ctrl-C it can be continued."
    )


def train(
    prepared: PreparedRun, run: TrainingRun, *, verbose: Verbose = "auto", echo: Echo = print,
    remaining: Remaining = no_time_limit,
) -> TrainingResult:  # fmt: skip
    """Train a prepared run, or continue it where it stopped; write metrics.json and report.html.

    Args:
        prepared: The prepared run.
        run: Its folder. When several processes train together, only rank 0 writes.
        verbose: What training prints.
        echo: Prints one line.
        remaining: Returns how many seconds are left; training should take no longer.

    Returns:
        The result.

    Raises:
        RunError: If the run began with other data, or another process is training in its folder.
    """
    run.require_data(prepared.data.fingerprint)
    with _locked(run):
        if prepared.plan.base:
            with run.timed():
                prepared = compute_in_time(prepared, run, echo, remaining)
            outcome = (
                run_fine_tuning(prepared, run, echo, verbose, remaining)
                if prepared.plan.method is Method.FINE_TUNE
                else run_extraction(prepared, run, echo, remaining)
            )
            extracted = replace(prepared, network=outcome.model.network)
            result = _finish(extracted, run, outcome.test, outcome.model.decision, outcome.model, outcome.open_set)
            if prepared.plan.method is Method.FINE_TUNE:
                discard_stages(run)
            release_others()
            return result
        if prepared.plan.ensemble == 1:
            return _train_one(prepared, run, verbose, echo, remaining)[0]
        return _train_members(prepared, run, verbose, echo, remaining)


@contextmanager
def _locked(run: TrainingRun) -> Iterator[None]:
    """Lock the run folder against other processes, and after Ctrl-C tell the user how to continue."""
    run.lock()
    try:
        if run.written_here:
            remove_temporaries(run.path)
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"Stopped. Continue with: striate train --resume {shlex.quote(str(run.path))}"
        ) from None
    finally:
        run.release()


def _train_one(
    prepared: PreparedRun, run: TrainingRun, verbose: Verbose, echo: Echo, remaining: Remaining
) -> tuple[TrainingResult, _Outputs]:
    plan = run.record.plan
    with run.timed():
        model = make_trainable_model(replace(prepared, plan=plan), run, run.recipe)
        echo(describe_engine(model.engine, run.record.engine_reason or ""))
        callbacks = _callbacks(plan, run, remaining())
        model.train(prepared.data, run.recipe, run=run, callbacks=callbacks, verbose=verbose)
    outputs = _Outputs(*(_predict(model, part.x) for part in (prepared.data.validation, prepared.data.test)))
    data = prepared.data
    model.decision, threshold = _choose_decision(data, outputs.validation)
    model.figures |= {THRESHOLD: threshold}
    found = fit_open_set(model, data)
    model.extras = found[0].detector.to_extras() if found else {}
    model.save(run.model_path, include_optimizer=False)
    run.record.unknown_threshold = threshold
    open_set = found[0].findings(found[1], outputs.test, data.test.y) if found else None
    return _finish(prepared, run, outputs.test, model.decision, model, open_set), outputs


def _choose_decision(data: Dataset, validation: Array) -> tuple[Decision, float]:
    """Return the decision and the threshold for "unknown", from the outputs (N, K) for the validation images."""
    y = data.validation.y
    if data.task is Task.CLASSIFICATION:
        return Decision(), probability_threshold(validation, y)
    return choose_decision(data.task, validation, y), 0.0


def _predict(model: Model, x: Array) -> Array:
    """Return probabilities (N, classes); when several processes train together, each predicts a part of the images."""
    return predict_in_batches(model.engine, check_inputs(model.network, x), distributed=True)[0]


def _train_members(
    prepared: PreparedRun, run: TrainingRun, verbose: Verbose, echo: Echo, remaining: Remaining
) -> TrainingResult:
    seconds, outputs = 0.0, []
    if run.record.engine_reason is None:  # all members use the same engine
        make_trainable_model(replace(prepared, plan=run.record.plan.member(0)), run, run.recipe)
    for number in range(prepared.plan.ensemble):
        echo(f"member {number + 1} of {prepared.plan.ensemble}")
        member = replace(prepared, plan=run.record.plan.member(number))
        path = member_path(run, number)
        folder = on_rank_0(partial(_started_member, path)) or start(member, path)
        folder.record.engine_reason = run.record.engine_reason
        if folder.recipe.epochs < run.recipe.epochs:
            folder.extend(run.recipe.epochs)
        share = partial(_share_of, remaining, prepared.plan.ensemble - number)
        result, member_outputs = _train_one(member, folder, verbose, echo, share)
        seconds += result.seconds
        outputs.append(member_outputs)
    joined = _Outputs(average([o.validation for o in outputs]), average([o.test for o in outputs]))
    run.record.seconds = seconds
    run.record.decision, run.record.unknown_threshold = _choose_decision(prepared.data, joined.validation)
    return _finish(prepared, run, joined.test, run.record.decision)


def _share_of(remaining: Remaining, members: int) -> float:
    return remaining() / members


def _started_member(path: Path) -> TrainingRun | None:
    return TrainingRun.open(path) if (path / "config.json").exists() else None


def _callbacks(plan: TrainingPlan, run: TrainingRun, seconds: float) -> list[Callback]:
    callbacks: list[Callback] = [StopInTime(seconds)] if seconds < inf else []
    if plan.plateau:
        callbacks.append(ReduceLROnPlateau(factor=0.5, patience=2))
    if plan.tensorboard and run.written_here:
        callbacks.append(TensorBoard(run.path / "tensorboard", histogram_freq=1))
    return callbacks


def _finish(
    prepared: PreparedRun,
    run: TrainingRun,
    outputs: Array,
    decision: Decision,
    model: Model | None = None,
    open_set: OpenSetFindings | None = None,
) -> TrainingResult:
    """Evaluate the outputs (N, K) for the test images, and write metrics and report."""
    from striate.workflows.report import write_run_report

    data, folds = prepared.data, prepared.plan.folds or 0
    predictions = replace(
        Predictions.of(data.classes, outputs, prepared.evaluated, folds, decision), trained_on=_trained_on(data, folds)
    )
    evaluation = predictions.evaluation() if folds else predictions.evaluation(data.leaked)
    if run.written_here:
        run.write_record()
        atomic_write(run.path / "metrics.json", strict_json.dumps(evaluation.to_dict()) + "\n")
        predictions.write(run.path)
        write_run_report(prepared, run, evaluation, model, open_set, _uncalibrated(prepared, run, predictions))
        run.record.finished_epochs = run.recipe.epochs
        run.write_record()
    return TrainingResult(run, evaluation, run.record.seconds)


def _uncalibrated(prepared: PreparedRun, run: TrainingRun, predictions: Predictions) -> tuple[Bin, ...]:
    """Return the images by the probability that they had before a head on features was calibrated."""
    found = run.record.extraction
    of_head = prepared.plan.method is Method.FEATURES and prepared.data.task is Task.CLASSIFICATION
    if found is None or not of_head or prepared.plan.recipe.class_weights:
        return ()
    return reliability(with_temperature(predictions.probabilities, 1 / found.temperature), predictions.labels)


def _trained_on(data: Dataset, folds: int) -> Array:
    """Return the digests of the training and validation images; with cross-validation all are test images too."""
    parts = (data.train, data.validation) if not folds else ()
    return np.concatenate([np.zeros(0, np.uint64), *map(digests_of, parts)])
