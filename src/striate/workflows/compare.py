"""Compare trained models on the same images, and write a page about it."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from striate._types import Array
from striate.data import Images
from striate.data.mapped import take_rows
from striate.data.split import digests_of, pool
from striate.errors import DataError, RunError, StriateError, UsageError
from striate.evaluation.comparison import Comparison, compare
from striate.evaluation.comparison_page import ComparisonData, write_comparison_page
from striate.tasks import Task
from striate.workflows.evaluate import evaluate_model
from striate.workflows.predictions import Predictions, read_predictions
from striate.workflows.prepare import load_for
from striate.workflows.run_record import TrainingRun
from striate.workflows.trained_model import open_trained_model

PAGE = "comparison.html"


@dataclass(frozen=True, eq=False)
class RunComparison:
    """What `compare_runs` returns.

    Attributes:
        comparison: The figures and tests.
        shared: Number of images that all runs were tested on.
        tested: Number of test images of each run, by name.
        contradicting: Number of shared images that are left out, because their classes in the runs differ.
        page: The page.
    """

    comparison: Comparison
    shared: int
    tested: dict[str, int]
    contradicting: int
    page: Path


def compare_runs(
    runs: Sequence[str | os.PathLike[str]], data: str | None = None, out: str | os.PathLike[str] | None = None
) -> RunComparison:
    """Compare runs on the images that all of them were tested on, and write a page.

    Args:
        runs: At least two run folders; with `data` also model files.
        data: A folder of new images with a subfolder for each class, on which all models are evaluated instead.
        out: The page; by default comparison.html in the folder of the last run.

    Returns:
        The comparison.

    Raises:
        UsageError: If there are fewer than two runs, one is given twice, or one has another task than classification.
        RunError: If a run has not finished.
        DataError: If the runs have no test image in common, or different classes.

    Example:
        >>> from striate.workflows.compare import compare_runs
        >>> found = compare_runs(["runs/a", "runs/b"])  # doctest: +SKIP
        >>> found.comparison.pairs[0].significant  # doctest: +SKIP
        True
    """
    paths = [Path(run) for run in runs]
    if len(paths) < 2:
        raise UsageError(f"A comparison needs at least two runs; received {len(paths)}.")
    if len({path.resolve() for path in paths}) < len(paths):
        raise UsageError("The same run is given twice. Give different runs.")
    names = _short_names(paths)
    evaluated = [evaluate_model(open_trained_model(path), data) for path in paths] if data else []
    predictions = [result.predictions for result in evaluated] or [_read_stored(path) for path in paths]
    for path, each in zip(paths, predictions, strict=True):
        if each.decision.task is not Task.CLASSIFICATION:
            raise UsageError(
                f"Runs that predict one class for each image can be compared, but the task of '{path}' is "
                f"{each.decision.task}."
            )
    tested = {name: len(each.labels) for name, each in zip(names, predictions, strict=True)}
    shared, contradicting = _take_shared_images(names, predictions)
    first = shared[0]
    comparison = compare(
        first.labels,
        dict(zip(names, (each.probabilities for each in shared), strict=True)),
        first.classes,
        first.names,
        _groups(shared),
    )
    candidates = (result.images for result in evaluated) if data else map(_images_of_run, paths)
    images = _find_images(candidates, first.digests)
    folds = {bool(each.folds) for each in predictions}
    page = Path(out) if out else _folder_of(paths[-1]) / PAGE
    write_comparison_page(page, ComparisonData(comparison, tested, contradicting, any(folds), len(folds) > 1, images))
    return RunComparison(comparison, len(first.labels), tested, contradicting, page)


def _short_names(paths: Sequence[Path]) -> list[str]:
    """Return the shortest names by which the paths differ: their last part, or as many as are needed."""
    parts = [path.resolve().parts for path in paths]
    for count in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-count:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]


def _folder_of(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _read_stored(path: Path) -> Predictions:
    """Return the predictions that training has kept in a run folder."""
    if path.is_file():
        raise UsageError(f"'{path}' is a model file, which has no test images. Give a run folder, or --data.")
    TrainingRun.open(path)
    found = read_predictions(path)
    if found is None:
        raise RunError(
            f"'{path}' holds no predictions to compare: it has not finished, or an earlier version trained it. "
            "Finish or repeat it, or compare the models on new images with --data FOLDER."
        )
    return found


def _take_shared_images(names: Sequence[str], runs: Sequence[Predictions]) -> tuple[list[Predictions], int]:
    """Return each run's predictions for all shared images in the same order, and how many were left out."""
    classes = runs[0].classes
    for name, run in zip(names, runs, strict=True):
        if set(run.classes) != set(classes):
            different = sorted(set(run.classes) ^ set(classes))[0]
            raise DataError(f"'{names[0]}' and '{name}' have different classes, such as '{different}'.")
    digests = runs[0].digests
    for run in runs[1:]:
        digests = np.intersect1d(digests, run.digests)
    digests = np.unique(digests)
    if not len(digests):
        counts = " and ".join(f"{len(run.labels):,}" for run in runs)
        raise DataError(
            f"The runs have no test image in common; they have {counts} test images. Train them on the same images and "
            "the same split, or compare them on new images with --data FOLDER."
        )
    aligned = [_align(run, digests, classes) for run in runs]
    same = np.all([run.labels == aligned[0].labels for run in aligned], axis=0)
    if not same.any():
        raise DataError("All shared test images have different classes in the runs, so they cannot be compared.")
    return [run.take(np.flatnonzero(same)) for run in aligned], int(np.count_nonzero(~same))


def _groups(runs: Sequence[Predictions]) -> Array | None:
    """Return the groups of the images as the first run recorded them; None if no run recorded any."""
    return next((run.groups for run in runs if run.groups is not None), None)


def _align(run: Predictions, digests: Array, classes: tuple[str, ...]) -> Predictions:
    """Return the predictions for the images with these digests, with the classes in this order."""
    taken = run.take(_rows_of(digests, run.digests))
    columns = [run.classes.index(name) for name in classes]
    numbers = np.array([classes.index(name) for name in run.classes])
    return replace(taken, classes=classes, probabilities=taken.probabilities[:, columns], labels=numbers[taken.labels])


def _rows_of(digests: Array, known: Array) -> Array:
    """Return the positions of digests among the known ones."""
    order = np.argsort(known, kind="stable")
    return np.asarray(order[np.searchsorted(known, digests, sorter=order)])


def _images_of_run(path: Path) -> Images | None:
    """Return all images that a run was trained and tested on; None if they are no longer there."""
    try:
        return pool(load_for(TrainingRun.open(path).record.plan)).train
    except StriateError:
        return None


def _find_images(candidates: Iterable[Images | None], digests: Array) -> Any:
    """Return the pixels of the images with these digests (N, H, W, C); None if they are in no candidate."""
    for images in candidates:
        if images is None:
            continue
        known = digests_of(images)
        if np.isin(digests, known).all():
            return take_rows(images.x, _rows_of(digests, known))
    return None
