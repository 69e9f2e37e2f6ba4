"""Evaluate a trained model on the test images of a data set, also by what its errors cost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

import numpy as np

from striate._types import Array
from striate.data import Dataset, Images, load_folder
from striate.data.corrections import apply_corrections
from striate.data.folder import LabeledFolder, load_labeled
from striate.data.labels import LabelFile, label_file, labeled_layout
from striate.data.split import digests_of, pool
from striate.data.tables import Table, read_table
from striate.errors import DataError, UsageError
from striate.evaluation.costs import ExpectedCost, expected_cost
from striate.evaluation.tasks import AnyEvaluation
from striate.tasks import Task
from striate.workflows.plan import is_folder
from striate.workflows.predictions import Predictions
from striate.workflows.prepare import load_data
from striate.workflows.shared_rows import share_outputs
from striate.workflows.torchrun import local_rank_0_first
from striate.workflows.trained_model import TrainedModel

TRAINED_ON_ALL = (
    "The model was trained on all images of '{}', so a high accuracy on them would mean nothing. Evaluate it on a "
    "folder of new images."
)


@dataclass(frozen=True)
class EvaluationResult:
    """What `evaluate_model` returns.

    Attributes:
        data: Name of the data set.
        evaluation: The metrics on its test images.
        predictions: What they are computed from.
        images: The pixels of the test images; None if the figures come from cross-validation.
        notes: Remarks about the data, such as a change of the image size.
    """

    data: str
    evaluation: AnyEvaluation
    predictions: Predictions
    images: Images | None
    notes: tuple[str, ...] = ()


def evaluate_model(
    trained: TrainedModel, data: str | None = None, labels: str | None = None, label_columns: Sequence[str] = ()
) -> EvaluationResult:
    """Evaluate a trained model on test images.

    Processes that torchrun started share the images; where there is something to compute, only rank 0 returns.

    Args:
        trained: The model.
        data: Name of a data set, or a folder of images; by default the data that the model was trained on.
        labels: CSV file with the labels of the folder's images; by default that of the training if the folder is the
            same, else each subfolder is a class.
        label_columns: Headings of its columns with labels, if there are others.

    Returns:
        The metrics, and remarks about the data.

    Raises:
        UsageError: If no data are named and the model does not record what it was trained on.
        DataError: If the test part is empty, or the data have classes that the model does not know.
    """
    name = data or trained.data
    if name is None:
        raise UsageError(
            "The model file does not record its training data. Pass a data set or a folder of images to evaluate on."
        )
    if data is None and trained.cross_validated:
        return _from_cross_validation(trained.cross_validated, Path(name).name)
    if is_folder(name):
        return _evaluate_folder(trained, str(Path(name).resolve()), labels, label_columns)
    if labels:
        raise UsageError(f"--labels is for a folder of images, and '{name}' is not a folder.")
    dataset, notes = local_rank_0_first(lambda: load_for_model(name, trained))
    return _evaluate(trained, dataset.name, dataset.classes, _test_part(dataset),
                     (*notes, *dataset.notes, *_describe_changes(trained, dataset, name)))  # fmt: skip


def _evaluate_folder(
    trained: TrainedModel, name: str, labels: str | None, label_columns: Sequence[str]
) -> EvaluationResult:
    """Evaluate on all images of a folder; only on its test part if the model was trained on this folder."""
    own = trained.data == name
    file = _label_file(trained, name, labels, label_columns)
    corrections = trained.corrections if own and labels is None else {}
    groups = trained.groups if own else None
    folder = local_rank_0_first(
        lambda: load_labeled(name, trained.policy, trained.classes, labels=file, corrections=corrections, groups=groups)
    )
    if trained.cross_validated:
        return _evaluate_new(trained, trained.cross_validated.digests, folder)
    split = folder.split
    if split and trained.fingerprint == pool(split).fingerprint:
        raise UsageError(f"{TRAINED_ON_ALL.format(folder.name)} The run folder has the metrics of cross-validation.")
    if split is None or not (trained.data == name or trained.fingerprint == split.fingerprint):
        return _evaluate_new(trained, trained.trained_on, folder)
    if trained.fingerprint != split.fingerprint and trained.trained_on is not None:
        return _evaluate_new(trained, trained.trained_on, folder)  # other images may be in the test part now
    test = _test_part(split)
    note = (
        f"The model was trained on '{folder.name}', so it is evaluated on the test part only: "
        f"{len(test):,} of {len(folder.images):,} images."
    )
    notes = (note, *split.notes, *_describe_changes(trained, split, name))
    return _evaluate(trained, folder.name, split.classes, test, notes, split.leaked)


def _label_file(trained: TrainedModel, folder: str, labels: str | None, columns: Sequence[str]) -> LabelFile | None:
    """Return the CSV file with the labels of a folder. Raise UsageError if the model's task needs one."""
    task = trained.decision.task
    if labels is None and trained.data == folder:
        return trained.labels
    if labels is None and task is not Task.CLASSIFICATION:
        raise UsageError(f"The model's task is {task}: to evaluate it on a folder, give the labels with --labels FILE.")
    return label_file(labels, task if labels else None, columns)


def _from_cross_validation(predictions: Predictions, name: str) -> EvaluationResult:
    note = (
        f"The model was trained on all images. The metrics come from {predictions.folds}-fold cross-validation: each "
        "image was predicted by a model that was trained without it. Name a folder of new images to evaluate on them."
    )
    return EvaluationResult(name, predictions.evaluation(), predictions, None, (note,))


def _evaluate_new(trained: TrainedModel, used: Array | None, folder: LabeledFolder) -> EvaluationResult:
    """Evaluate on those images of a folder that the model was not trained on.

    Args:
        trained: The model.
        used: Digests of the images that it was trained on, if they are known.
        folder: The images.

    Returns:
        The metrics, with a note on images left out.

    Raises:
        UsageError: If it was trained on all of them.
    """
    if used is None:
        return _evaluate(trained, folder.name, folder.classes, folder.images, folder.notes)
    new = ~np.isin(digests_of(folder.images), used)
    if not new.any() and trained.cross_validated:
        return _from_cross_validation(trained.cross_validated, folder.name)
    if not new.any():
        raise UsageError(TRAINED_ON_ALL.format(folder.name))
    notes = folder.notes
    if not new.all():
        notes = (
            f"The model was trained on {np.count_nonzero(~new):,} of these images, so it is evaluated on "
            f"the other {np.count_nonzero(new):,} only.",
            *notes,
        )
    return _evaluate(trained, folder.name, folder.classes, folder.images.take(new), notes)


def _evaluate(
    trained: TrainedModel, name: str, classes: Sequence[str], images: Images, notes: tuple[str, ...],
    leaked: Array | None = None,
) -> EvaluationResult:  # fmt: skip
    labels = to_model_labels(name, classes, images.y, trained.classes, trained.decision.task)
    images = replace(images, y=labels)
    predictions = Predictions.of(trained.classes, share_outputs(trained, images), images, decision=trained.decision)
    return EvaluationResult(name, predictions.evaluation(leaked), predictions, images, notes)


def load_for_model(name: str, trained: TrainedModel) -> tuple[Dataset, list[str]]:
    """Load data in the input shape of a model.

    Args:
        name: Name of a data set, or a folder of images.
        trained: The model.

    Returns:
        The data set, and a note if its images had to be resized.
    """
    shape = trained.policy.shape
    if is_folder(name):
        layout = labeled_layout(name, trained.labels)
        corrections = trained.corrections if name == trained.data else {}
        return load_folder(
            name, trained.policy, layout=apply_corrections(layout, corrections),
            groups=trained.groups if name == trained.data else None,
        ), []  # fmt: skip
    dataset = load_data(name)
    if dataset.shape == shape:
        return dataset, []
    original, required = ("×".join(map(str, size)) for size in (dataset.shape, shape))
    return load_data(name, shape), [f"The images are {original}; they were resized to the model's {required}."]


def _test_part(dataset: Dataset) -> Images:
    if not len(dataset.test):
        raise DataError(f"'{dataset.name}' has no test images: it is too small to be split. Add images.")
    return dataset.test


def to_model_labels(
    data: str, names: Sequence[str], y: Array, classes: Sequence[str], task: Task = Task.CLASSIFICATION
) -> Array:
    """Convert the labels of a data set to those of a model, matched by name.

    Args:
        data: Name of the data set.
        names: Names of the classes, labels or targets of the data set.
        y: As in `striate.data.Images`.
        classes: Names of the classes, labels or targets of the model.
        task: The task of the model.

    Returns:
        y for the model: class numbers int64 (N,), or (N, K) in the order of its labels or targets.

    Raises:
        DataError: If the data set has a class that the model does not know, or is for another task.
    """
    if (y.ndim == 1) != (task is Task.CLASSIFICATION):
        raise DataError(
            f"The model's task is {task}, but '{data}' has labels of another kind. Give them with --labels."
        )
    if task is Task.REGRESSION and len(names) == len(classes) == 1:
        return y  # a single target may have another name
    unknown = [name for name in names if name not in classes]
    if unknown:
        singular = {Task.CLASSIFICATION: "class", Task.MULTILABEL: "label", Task.REGRESSION: "target"}[task]
        raise DataError(
            f"'{data}' has the {singular} '{unknown[0]}', which the model does not know. "
            f"The {task.outputs} of the model are: {', '.join(classes)}."
        )
    positions = np.array([classes.index(name) for name in names], np.int64)
    if task is Task.CLASSIFICATION:
        return np.asarray(positions[y])
    if task is Task.REGRESSION and len(names) < len(classes):
        missing = next(name for name in classes if name not in names)
        raise DataError(f"'{data}' has no target '{missing}', which the model predicts.")
    complete = np.zeros((len(y), len(classes)), y.dtype)  # labels that no image of the data set has stay 0
    complete[:, positions] = y
    return complete


def _describe_changes(trained: TrainedModel, dataset: Dataset, name: str) -> list[str]:
    changed = trained.data == name and trained.fingerprint not in (None, dataset.fingerprint)
    return ["The data have changed since the model was trained."] if changed else []


def measure_costs(result: EvaluationResult, path: str | Path) -> ExpectedCost:
    """Return what the errors of an evaluated model cost.

    Args:
        result: The evaluation.
        path: A table of costs, see `read_costs`.

    Returns:
        The mean cost of an image.

    Raises:
        UsageError: If the model does not predict one class per image.
    """
    found = result.predictions
    if found.decision.task is not Task.CLASSIFICATION:
        raise UsageError(f"--costs is for classification; the model's task is {found.decision.task}.")
    return expected_cost(found.probabilities, found.labels, read_costs(path, found.classes))


def read_costs(path: str | Path, classes: Sequence[str]) -> Array:
    r"""Read what it costs to predict one class for an image of another.

    The first row of the table has the predicted classes, the first column the true ones, in any order.

    Args:
        path: A CSV file.
        classes: The classes of the model.

    Returns:
        Float64 (K, K): row: true class, column: predicted class.

    Raises:
        DataError: If the file cannot be read, a class is missing, unknown or there twice, or a cost is not a number.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "costs.csv")
        ...     _ = file.write_text("true,good,defect\ngood,0,1\ndefect,20,0\n")
        ...     read_costs(file, ("defect", "good")).tolist()
        [[0.0, 20.0], [1.0, 0.0]]
    """
    table = read_table(path)
    if table.header is None:
        raise DataError(
            f"'{path}' has no header: its first row must name the predicted classes, such as "
            f"{_example_header(classes)}."
        )
    columns, rows = table.header[1:], tuple(row[0] for row in table.rows)
    for where, names in (("first row", columns), ("first column", rows)):
        wrong = sorted(set(names) ^ set(classes))
        if wrong:
            problem = "is not a class of the model" if wrong[0] in names else "is missing"
            raise DataError(f"'{path}': '{wrong[0]}' {problem} in its {where}. The classes are: {', '.join(classes)}.")
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"'{path}': '{twice}' is in its {where} more than once.")
    costs = np.empty((len(classes), len(classes)))
    for number, row in enumerate(table.rows):
        for name, cell in zip(columns, row[1:], strict=True):
            costs[classes.index(row[0]), classes.index(name)] = _read_cost(table, number, cell)
    return costs


def _example_header(classes: Sequence[str]) -> str:
    return ",".join(("true", *classes[:3])) + (",…" if len(classes) > 3 else "")


def _read_cost(table: Table, row: int, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise DataError(f"'{table.path}': line {table.lines[row]} has '{cell}' where a cost is expected, a number.")
    return value
