"""Measure a trained classifier on the test part of a data set."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from striate.data import Dataset, Images, load_folder
from striate.errors import DataError, UsageError
from striate.evaluation import Evaluation, evaluate
from striate.workflows.plan import is_folder
from striate.workflows.prepare import load_data
from striate.workflows.trained import TrainedModel


@dataclass(frozen=True)
class Measured:
    """data: name of the data set. notes: what the person should know about how it was brought to the model."""

    data: str
    evaluation: Evaluation
    notes: tuple[str, ...] = ()


def measure(trained: TrainedModel, data: str | None = None) -> Measured:
    """Figures on the test images of `data`, a name or folder; without it, of what the model was trained on.

    Raises UsageError where there is no telling what to measure on, DataError for classes the model does not know.
    """
    name = data or trained.data
    if name is None:
        raise UsageError("The model file does not say which data it was trained on: name the data to measure on.")
    name = str(Path(name).resolve()) if is_folder(name) else name
    dataset, notes = load_brought(name, trained)
    test = _test_part(dataset)
    labels = renumber(dataset, test.y, trained.classes)
    evaluation = evaluate(trained.probabilities(test.x), labels, trained.classes, test.names)
    return Measured(dataset.name, evaluation, (*notes, *_notes(trained, dataset, name)))


def load_brought(name: str, trained: TrainedModel) -> tuple[Dataset, list[str]]:
    """The data in the model's shape, and a note where that is not their own."""
    shape = trained.policy.shape
    if is_folder(name):
        return load_folder(name, trained.policy), []
    dataset = load_data(name)
    if dataset.shape == shape:
        return dataset, []
    own, wanted = ("×".join(map(str, size)) for size in (dataset.shape, shape))
    return load_data(name, shape), [f"The pictures are {own}; they were brought to the model's {wanted}."]


def _test_part(dataset: Dataset) -> Images:
    if not len(dataset.test):
        raise DataError(f"'{dataset.name}' is too small: no image fell into its test part.")
    return dataset.test


def renumber(dataset: Dataset, y: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]", classes: Sequence[str]) -> (
    "np.ndarray[tuple[int, ...], np.dtype[np.int64]]"
):  # fmt: skip
    """The class numbers of the model for those of the data."""
    strange = [name for name in dataset.classes if name not in classes]
    if strange:
        raise DataError(
            f"'{dataset.name}' has the class '{strange[0]}', which the model does not know. "
            f"It was trained to tell apart: {', '.join(classes)}."
        )
    return np.array([classes.index(name) for name in dataset.classes], np.int64)[y]


def _notes(trained: TrainedModel, dataset: Dataset, name: str) -> tuple[str, ...]:
    changed = trained.data == name and trained.fingerprint not in (None, dataset.fingerprint)
    return (*dataset.notes, *(["The data are not the same as when the model was trained."] if changed else []))
