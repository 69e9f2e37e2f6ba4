"""Evaluate a trained model on the test images of a data set."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from striate._types import Array
from striate.data import Dataset, Images, load_folder
from striate.data.corrections import correct
from striate.data.folder import LabeledFolder, load_labeled
from striate.data.labels import LabelFile, label_file, labeled_layout
from striate.data.split import digests_of, pool
from striate.errors import DataError, UsageError
from striate.evaluation.tasks import AnyEvaluation
from striate.tasks import Task
from striate.workflows.plan import is_folder
from striate.workflows.predictions import Predictions
from striate.workflows.prepare import load_data
from striate.workflows.trained_model import TrainedModel


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
            "The model file does not record its training data. Name a data set or a folder of images to evaluate on."
        )
    if data is None and trained.cross_validated:
        return _from_cross_validation(trained.cross_validated, Path(name).name)
    if is_folder(name):
        return _evaluate_folder(trained, str(Path(name).resolve()), labels, label_columns)
    if labels:
        raise UsageError(f"--labels is for a folder of images, and '{name}' is not a folder.")
    dataset, notes = load_for_model(name, trained)
    return _evaluate(trained, dataset.name, dataset.classes, _test_part(dataset),
                     (*notes, *dataset.notes, *_changed(trained, dataset, name)))  # fmt: skip


def _evaluate_folder(
    trained: TrainedModel, name: str, labels: str | None, label_columns: Sequence[str]
) -> EvaluationResult:
    """Evaluate on all images of a folder; on its test part alone where the model was trained on this folder."""
    folder = load_labeled(
        name, trained.policy, trained.classes, labels=_label_file(trained, name, labels, label_columns),
        corrections=trained.corrections if trained.data == name and labels is None else {},
        groups=trained.groups if trained.data == name else None,
    )  # fmt: skip
    if trained.cross_validated:
        return _evaluate_new(trained, trained.cross_validated.digests, folder)
    split = folder.split
    if split and trained.fingerprint == pool(split).fingerprint:
        raise UsageError(
            f"The model was trained on all images of '{folder.name}', so it would only repeat what it has learned. "
            "Evaluate it on a folder of new images. The run folder has the figures of cross-validation."
        )
    if split is None or not (trained.data == name or trained.fingerprint == split.fingerprint):
        return _evaluate_new(trained, trained.trained_on, folder)
    if trained.fingerprint != split.fingerprint and trained.trained_on is not None:
        return _evaluate_new(trained, trained.trained_on, folder)  # other images may be in the test part now
    test = _test_part(split)
    note = (
        f"The model was trained on '{folder.name}', so only its test part is measured: "
        f"{len(test):,} of {len(folder.images):,} images."
    )
    notes = (note, *split.notes, *_changed(trained, split, name))
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
        f"The model was trained on all images. The figures come from {predictions.folds}-fold cross-validation: each "
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
        raise UsageError(
            f"The model was trained on all images in '{folder.name}', so it would only repeat what it has learned. "
            "Evaluate it on new images."
        )
    notes = folder.notes
    if not new.all():
        notes = (
            f"The model was trained on {np.count_nonzero(~new):,} of these images, so only the other "
            f"{np.count_nonzero(new):,} are measured.",
            *notes,
        )
    return _evaluate(trained, folder.name, folder.classes, folder.images.take(new), notes)


def _evaluate(
    trained: TrainedModel, name: str, classes: Sequence[str], images: Images, notes: tuple[str, ...],
    leaked: Array | None = None,
) -> EvaluationResult:  # fmt: skip
    labels = to_model_labels(name, classes, images.y, trained.classes, trained.decision.task)
    images = replace(images, y=labels)
    predictions = Predictions.of(trained.classes, trained.outputs(images.x), images, decision=trained.decision)
    return EvaluationResult(name, predictions.evaluation(leaked), predictions, images, notes)


def load_for_model(name: str, trained: TrainedModel) -> tuple[Dataset, list[str]]:
    """Load data in the input shape of a model.

    Returns:
        The data set, and a note if its images had to be resized.
    """
    shape = trained.policy.shape
    if is_folder(name):
        layout = labeled_layout(name, trained.labels)
        corrections = trained.corrections if name == trained.data else {}
        return load_folder(
            name, trained.policy, layout=correct(layout, corrections),
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
        names: Names of the classes, labels or numbers of the data set.
        y: As in `striate.data.Images`.
        classes: Names of the classes, labels or numbers of the model.
        task: That of the model.

    Returns:
        y for the model: class numbers int64 (N,), or (N, K) in the order of its labels or numbers.

    Raises:
        DataError: If the data set has a class that the model does not know, or is for another task.
    """
    if (y.ndim == 1) != (task is Task.CLASSIFICATION):
        raise DataError(
            f"The model's task is {task}, but '{data}' has labels of another kind. Give them with --labels."
        )
    if task is Task.REGRESSION and len(names) == len(classes) == 1:
        return y  # whatever it is called
    unknown = [name for name in names if name not in classes]
    if unknown:
        singular = {Task.CLASSIFICATION: "class", Task.MULTILABEL: "label", Task.REGRESSION: "number"}[task]
        raise DataError(
            f"'{data}' has the {singular} '{unknown[0]}', which the model does not know. "
            f"The {task.outputs} of the model are: {', '.join(classes)}."
        )
    positions = np.array([classes.index(name) for name in names], np.int64)
    if task is Task.CLASSIFICATION:
        return np.asarray(positions[y])
    if task is Task.REGRESSION and len(names) < len(classes):
        missing = next(name for name in classes if name not in names)
        raise DataError(f"'{data}' has no number '{missing}', which the model predicts.")
    complete = np.zeros((len(y), len(classes)), y.dtype)  # a label that no image has is not in the data set
    complete[:, positions] = y
    return complete


def _changed(trained: TrainedModel, dataset: Dataset, name: str) -> list[str]:
    changed = trained.data == name and trained.fingerprint not in (None, dataset.fingerprint)
    return ["The data have changed since the model was trained."] if changed else []
