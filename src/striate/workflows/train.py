"""Train by a plan, evaluate on the test images, and write a run folder with a report."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from striate import strict_json
from striate._types import Array, Echo
from striate.data import Dataset
from striate.data.split import digests_of, divide_pooled
from striate.evaluation import Bin
from striate.evaluation.metrics import reliability, with_temperature
from striate.evaluation.tasks import AnyEvaluation
from striate.files import atomic_write, remove_temporaries
from striate.models import Model
from striate.models.open_set import fit_open_set, predict_with_features
from striate.network import Network
from striate.tasks import Decision, Task
from striate.time_limit import Remaining, no_time_limit, share_of
from striate.training.callbacks import Callback
from striate.training.monitors import ReduceLROnPlateau
from striate.training.progress import Verbose
from striate.transfer.open_set import OpenSetFindings, probability_threshold
from striate.transfer.open_set_fitting import FittedDetector, Thresholds
from striate.transfer.task_heads import choose_decision
from striate.workflows.extract_features import run_extraction
from striate.workflows.features_in_time import compute_in_time
from striate.workflows.plan import TrainingPlan
from striate.workflows.predictions import Predictions
from striate.workflows.prepare import PreparedRun, make_trainable_model
from striate.workflows.run_folder import continued
from striate.workflows.run_record import TrainingRun, describe_engine
from striate.workflows.strategy import Method
from striate.workflows.torchrun import release_others
from striate.workflows.trained_model import THRESHOLD, average, member_path
from striate.workflows.training_time import StopInTime

if TYPE_CHECKING:
    from striate.workflows.cross_validate import CrossValidated


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """The result of a training.

    Attributes:
        run: The run folder.
        evaluation: Metrics on the test images, or on all images in cross-validation.
        predictions: What they are computed from.
        seconds: Training time of all sessions together.
    """

    run: TrainingRun
    evaluation: AnyEvaluation
    predictions: Predictions
    seconds: float

    @property
    def report(self) -> Path:
        """Path of the report."""
        return self.run.path / "report.html"


@dataclass(frozen=True, eq=False)
class _Trained:
    """What training gave.

    Attributes:
        network: The network.
        model: The model; None for an ensemble, whose members have their own.
        decision: How outputs become predictions.
        test: Outputs (N, K) for the test images.
        validation: Outputs (N, K) for the validation images, where an ensemble needs them.
        open_set: Which of the test images are unknown; None if the detector was not tested on them.
        thresholds: For their distances; None without a detector.
        fold: Number of the fold of each test image (N,) in cross-validation; None without.
        detector: The detector of unknown images of a network that was trained from scratch, if it has one.
        distances: By which it judges the test images, (N,).
    """

    network: Network
    model: Model | None
    decision: Decision
    test: Array
    validation: Array | None = None
    open_set: OpenSetFindings | None = None
    thresholds: Thresholds | None = None
    fold: Array | None = None
    detector: FittedDetector | None = None
    distances: Array | None = None


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
    with _lock_run(run):
        if prepared.plan.base:
            with run.timed():
                prepared = compute_in_time(prepared, run, echo, remaining)
        result = _train(prepared, run, verbose, echo, remaining)
        if prepared.plan.base:
            release_others()
        return result


def _train(
    prepared: PreparedRun, run: TrainingRun, verbose: Verbose, echo: Echo, remaining: Remaining
) -> TrainingResult:
    train_model = _train_folds if prepared.plan.trains_folds else _train_by_method
    trained = train_model(prepared, run, verbose, echo, remaining)
    result = _finish(replace(prepared, network=trained.network), run, trained)
    if prepared.plan.method is Method.FINE_TUNE:
        from striate.workflows.fine_tune import discard_training

        discard_training(run)
    return result


def _train_by_method(
    prepared: PreparedRun, run: TrainingRun, verbose: Verbose, echo: Echo, remaining: Remaining
) -> _Trained:
    if prepared.plan.method is Method.SCRATCH:
        train_networks = _train_one if prepared.plan.ensemble == 1 else _train_members
        return train_networks(prepared, run, verbose, echo, remaining)
    if prepared.plan.method is Method.FINE_TUNE:
        from striate.workflows.fine_tune import run_fine_tuning

        found = run_fine_tuning(prepared, run, echo, verbose, remaining)
    else:
        found = run_extraction(prepared, run, echo, remaining)
    model = found.model
    return _Trained(
        model.network, model, model.decision, found.test, open_set=found.open_set, thresholds=found.thresholds,
        fold=found.fold,
    )  # fmt: skip


def _train_folds(
    prepared: PreparedRun, run: TrainingRun, verbose: Verbose, echo: Echo, remaining: Remaining
) -> _Trained:
    """Train a network for each fold, then the model of the run on all images."""
    from striate.workflows.cross_validate import cross_validate

    if run.record.engine_reason is None:  # all networks use the same engine
        from striate.workflows.fine_tune import fine_tuned

        first = fine_tuned(prepared.network, run.recipe) if prepared.base else run.recipe
        make_trainable_model(replace(prepared, plan=run.record.plan), run, first)

    def train_fold(part: PreparedRun, path: Path, left: Remaining) -> Predictions:
        folder = continued(part, path, run)
        with _lock_run(folder):
            return _train(part, folder, verbose, echo, left).predictions

    found = cross_validate(prepared, run, train_fold, echo, remaining)
    data, rows = divide_pooled(prepared.data)
    echo(f"Final training: all images, {len(data.validation):,} of them for validation")
    final = replace(prepared, data=data, plan=replace(run.record.plan, folds=0))
    trained = _train_by_method(final, run, verbose, echo, remaining)
    if extraction := run.record.extraction:
        suspicious = tuple(replace(each, index=int(rows[each.index])) for each in extraction.suspicious)
        run.record.extraction = replace(extraction, suspicious=suspicious)
    return _with_cross_validated(trained, run, found, prepared.data)


def _with_cross_validated(trained: _Trained, run: TrainingRun, found: "CrossValidated", data: Dataset) -> _Trained:
    """Return the outputs of cross-validation, with thresholds and intervals that all images choose."""
    decision, model = trained.decision, trained.model
    if data.task is not Task.CLASSIFICATION:
        decision = choose_decision(data.task, found.outputs, data.train.y)
        if model:
            model.decision = decision
            model.save(run.model_path, include_optimizer=False)
        else:
            run.record.decision = decision
    open_set, thresholds = None, trained.thresholds
    if thresholds and found.distances is not None and found.rejection_rates is not None:
        open_set = thresholds.findings_of_folds(found.distances, found.rejection_rates, found.outputs, data.train.y)
    return replace(trained, decision=decision, test=found.outputs, fold=found.fold, open_set=open_set)


@contextmanager
def _lock_run(run: TrainingRun) -> Iterator[None]:
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


def _train_one(prepared: PreparedRun, run: TrainingRun, verbose: Verbose, echo: Echo, remaining: Remaining) -> _Trained:
    plan, data = run.record.plan, replace(prepared.data, fingerprint=run.record.fingerprint)
    with run.timed():
        model = make_trainable_model(replace(prepared, plan=plan), run, run.recipe)
        echo(describe_engine(model.engine, run.record.engine_reason or ""))
        callbacks = _callbacks(plan, run, remaining())
        model.train(data, run.recipe, run=run, callbacks=callbacks, verbose=verbose)
    (validation, held_out), (test, features) = (
        predict_with_features(model, part.x) for part in (data.validation, data.test)
    )
    model.decision, threshold = _choose_decision(data, validation)
    model.figures |= {THRESHOLD: threshold}
    classes = data.task is Task.CLASSIFICATION
    detector = fit_open_set(model, data.train, data.validation, len(data.classes), held_out) if classes else None
    model.extras = detector.detector.to_extras() if detector else {}
    model.save(run.model_path, include_optimizer=False)
    run.record.unknown_threshold = threshold
    distances = detector.detector.distances(features) if detector and features is not None else None
    thresholds = detector.thresholds if detector else None
    open_set = thresholds.findings(distances, test, data.test.y) if thresholds and distances is not None else None
    return _Trained(
        prepared.network, model, model.decision, test, validation, open_set, thresholds, detector=detector,
        distances=distances,
    )  # fmt: skip


def _choose_decision(data: Dataset, validation: Array) -> tuple[Decision, float]:
    """Return the decision and the threshold for "unknown", from the outputs (N, K) for the validation images."""
    y = data.validation.y
    if data.task is Task.CLASSIFICATION:
        return Decision(), probability_threshold(validation, y)
    return choose_decision(data.task, validation, y), 0.0


def _train_members(
    prepared: PreparedRun, run: TrainingRun, verbose: Verbose, echo: Echo, remaining: Remaining
) -> _Trained:
    seconds, members = 0.0, list[_Trained]()
    if run.record.engine_reason is None:  # all members use the same engine
        make_trainable_model(replace(prepared, plan=run.record.plan.member(0)), run, run.recipe)
    for number in range(prepared.plan.ensemble):
        echo(f"member {number + 1} of {prepared.plan.ensemble}")
        member = replace(prepared, plan=run.record.plan.member(number))
        folder = continued(member, member_path(run, number), run)
        share = share_of(remaining, prepared.plan.ensemble - number)
        trained = _train_one(member, folder, verbose, echo, share)
        if len(prepared.data.test):
            _finish(member, folder, trained)
        seconds += folder.record.seconds
        members.append(trained)
    validation, test = (
        average([each for each in outputs if each is not None])
        for outputs in ([each.validation for each in members], [each.test for each in members])
    )
    run.record.seconds = seconds
    run.record.decision, run.record.unknown_threshold = _choose_decision(prepared.data, validation)
    detectors = [each.detector for each in members if each.detector]
    if len(detectors) < len(members):
        return _Trained(prepared.network, None, run.record.decision, test)
    found = Thresholds.of(np.mean([each.held_out for each in detectors], axis=0))
    together = replace(found, independent=detectors[0].thresholds.independent)
    run.record.distance_threshold = together.threshold
    distances = np.mean([each.distances for each in members if each.distances is not None], axis=0)
    open_set = together.findings(distances, test, prepared.data.test.y)
    return _Trained(prepared.network, None, run.record.decision, test, open_set=open_set, thresholds=together)


def _callbacks(plan: TrainingPlan, run: TrainingRun, seconds: float) -> list[Callback]:
    callbacks: list[Callback] = [StopInTime(seconds)] if seconds < inf else []
    if plan.plateau:
        callbacks.append(ReduceLROnPlateau(factor=0.5, patience=2))
    if plan.tensorboard and run.written_here:
        from striate.training.tensorboard import TensorBoard

        callbacks.append(TensorBoard(run.path / "tensorboard", histogram_freq=1))
    return callbacks


def _finish(prepared: PreparedRun, run: TrainingRun, trained: _Trained) -> TrainingResult:
    """Evaluate the outputs for the test images, and write metrics and report."""
    from striate.workflows.report import write_run_report

    data, folds = prepared.data, prepared.plan.folds or 0
    found = Predictions.of(data.classes, trained.test, prepared.evaluated, trained.fold, trained.decision)
    predictions = replace(found, trained_on=_trained_on(data, folds))
    if open_set := trained.open_set:
        relative = open_set.distances / open_set.threshold
        predictions = replace(predictions, distances=relative, rejection_rates=open_set.rates)
    evaluation = predictions.evaluation() if folds else predictions.evaluation(data.leaked)
    if run.written_here:
        run.write_record()
        atomic_write(run.path / "metrics.json", strict_json.dumps(evaluation.to_dict()) + "\n")
        predictions.write(run.path)
        uncalibrated = _uncalibrated_bins(prepared, run, predictions)
        write_run_report(prepared, run, evaluation, trained.model, trained.open_set, uncalibrated)
        run.record.finished_epochs = run.recipe.epochs
        run.write_record()
    return TrainingResult(run, evaluation, predictions, run.total_seconds if run.written_here else run.record.seconds)


def _uncalibrated_bins(prepared: PreparedRun, run: TrainingRun, predictions: Predictions) -> tuple[Bin, ...]:
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
