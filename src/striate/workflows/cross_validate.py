"""Cross-validation of networks: for each fold of the images one is trained on the others, in a run folder of its own.

Heads on features are cross-validated where they are fitted (`transfer/extraction.py`), at hardly any cost.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from striate._types import Array, Echo
from striate.data import Dataset
from striate.data.groups import grouped_folds, identical_groups
from striate.data.split import digests_of, divide_pooled
from striate.evaluation import Evaluation
from striate.evaluation.multilabel import MultilabelEvaluation
from striate.evaluation.tasks import AnyEvaluation
from striate.tasks import Task
from striate.time_limit import Remaining, share_of
from striate.transfer.task_heads import task_folds
from striate.workflows.plan import TrainingPlan
from striate.workflows.predictions import Predictions, read_predictions
from striate.workflows.prepare import PreparedRun
from striate.workflows.run_record import TrainingRun
from striate.workflows.strategy import describe_seconds
from striate.workflows.torchrun import on_rank_0

TrainFold = Callable[[PreparedRun, Path, Remaining], Predictions]


@dataclass(frozen=True, eq=False)
class CrossValidated:
    """The results of the networks of all folds.

    Attributes:
        outputs: Float32 (N, K), of each image by the network that was trained without it.
        fold: Number of the fold of each image (N,).
        distances: See `Predictions`; None unless the networks of all folds have a detector of unknown images.
        rejection_rates: See `Predictions`.
    """

    outputs: Array
    fold: Array
    distances: Array | None
    rejection_rates: Array | None


def cross_validate(
    prepared: PreparedRun, run: TrainingRun, train_fold: TrainFold, echo: Echo, remaining: Remaining,
    clock: Callable[[], float] = time.monotonic,
) -> CrossValidated:  # fmt: skip
    """Train a network for each fold on the images of the others, and predict the images of the fold with it.

    A run that is killed continues where it stopped: folds that are finished are read from their run folders.

    Args:
        prepared: The prepared run, with all images in the training part.
        run: Its folder, which receives one for each fold.
        train_fold: Trains a prepared run in a folder, or continues there, within the seconds that are left; returns the
            predictions for its test images.
        echo: Prints one line.
        remaining: Returns how many seconds are left for all folds and the final training.
        clock: Returns the time in seconds.

    Returns:
        The predictions for all images.
    """
    data, count = prepared.data, prepared.plan.folds
    assert count, "the plan has folds"
    fold = assign_folds(data, count)
    outputs = np.zeros((len(data.train), len(data.classes)), np.float32)
    distances, rates = np.full((2, len(data.train)), np.nan)
    seconds, trained = 0.0, 0
    for number in range(count):
        rows = fold == number
        part, _ = divide_pooled(data, rows)
        plan = _plan_of_fold(run.record.plan, number)
        found = on_rank_0(lambda: _finished_predictions(run.fold_path(number), plan, part))  # noqa: B023 - called now
        left = count - number - 1
        if found is None:
            echo(
                f"Fold {number + 1} of {count}: {len(part.train):,} training, {len(part.validation):,} validation and "
                f"{len(part.test):,} test images"
            )
            began = clock()
            share = share_of(remaining, left + 2)
            found = train_fold(replace(prepared, plan=plan, data=part), run.fold_path(number), share)
            seconds, trained = seconds + clock() - began, trained + 1
        outputs[rows] = found.probabilities
        if found.distances is not None and found.rejection_rates is not None:
            distances[rows], rates[rows] = found.distances, found.rejection_rates
        figure = _describe(found.evaluation())
        if trained:
            rest = describe_seconds((left + 1) * seconds / trained)
            echo(f"Fold {number + 1} of {count}: {figure}; about {rest} left")
        else:
            echo(f"Fold {number + 1} of {count}: {figure}; finished before")
    if np.isnan(rates).any():
        return CrossValidated(outputs, fold, None, None)
    return CrossValidated(outputs, fold, distances, rates)


def assign_folds(data: Dataset, count: int) -> Array:
    """Assign all images to folds by their content, so that classes, labels or numbers are spread evenly.

    Args:
        data: The data set, with all images in the training part.
        count: The number of folds.

    Returns:
        Int64 (N,); images of one group have the same number.
    """
    images, digests = data.train, digests_of(data.train)
    groups = identical_groups(digests) if images.groups is None else images.groups
    if data.task is Task.CLASSIFICATION:
        return grouped_folds(digests, groups, images.y, count)
    return task_folds(data.task, digests, images.y, groups, count)


def _plan_of_fold(plan: TrainingPlan, number: int) -> TrainingPlan:
    """Return the plan of a fold: that of the run, with a seed of its own."""
    return replace(plan, folds=0, recipe=replace(plan.recipe, seed=plan.recipe.seed + number + 1))


def _finished_predictions(path: Path, plan: TrainingPlan, data: Dataset) -> Predictions | None:
    """Return the predictions of a fold whose training has finished before; None if there are none."""
    if not (path / "config.json").exists():
        return None
    record = TrainingRun.open(path).record
    if record.finished_epochs != plan.recipe.epochs or record.fingerprint != data.fingerprint:
        return None
    found = read_predictions(path)
    return found if found and np.array_equal(found.digests, digests_of(data.test)) else None


def _describe(evaluation: AnyEvaluation) -> str:
    if isinstance(evaluation, Evaluation):
        return f"accuracy {100 * (evaluation.accuracy.value or 0):.2f} %"
    if isinstance(evaluation, MultilabelEvaluation):
        return f"mAP {100 * (evaluation.mean_average_precision.value or 0):.2f} %"
    return f"mean absolute error {evaluation.targets[0].mae.value or 0:.4g}"
