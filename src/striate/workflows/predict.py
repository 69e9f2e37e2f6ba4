"""Predict the class, labels or numbers of image files with a trained model."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from striate._types import Array
from striate.data.parallel import chunk_ranges, map_ordered, progress_bar
from striate.errors import DataError
from striate.images import UnreadableFile, describe_unsupported, no_images, require_folder, search_folder
from striate.tasks import Task
from striate.workflows.trained_model import TrainedModel

BATCH_SIZE = 32  # images that a thread decodes and the network then processes together


@dataclass(frozen=True)
class Prediction:
    """The predicted class of one image file.

    Attributes:
        path: The file.
        label: Name of the predicted class.
        probability: Probability of that class, 0 … 1, rounded to six decimals.
        unknown: Whether the prediction should not be trusted; see `TrainedModel.predict_open_set`.
    """

    path: str
    label: str
    probability: float
    unknown: bool


@dataclass(frozen=True)
class PredictedLabels:
    """The predicted labels of one image file.

    Attributes:
        path: The file.
        labels: Names of the labels whose probability reaches their threshold, the most probable first.
        probabilities: The probability of each label that the model knows, 0 … 1, rounded to six decimals.
        unknown: Whether the image is too unlike the training images.
    """

    path: str
    labels: tuple[str, ...]
    probabilities: dict[str, float]
    unknown: bool


@dataclass(frozen=True)
class PredictedNumbers:
    """The predicted numbers of one image file.

    Attributes:
        path: The file.
        values: The numbers by name.
        intervals: Ends of their prediction intervals by name; empty if the model has none.
        coverage: The share of new images whose true number the intervals are meant to contain, 0 … 1.
        unknown: Whether the image is too unlike the training images.
    """

    path: str
    values: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    coverage: float
    unknown: bool


AnyPrediction = Prediction | PredictedLabels | PredictedNumbers


def find_files(paths: Iterable[str]) -> tuple[list[Path], list[UnreadableFile]]:
    """Find the image files that files and folders stand for.

    Args:
        paths: Image files, and folders that are searched for image files.

    Returns:
        All image files, each once, and what is left out: paths that are missing or contain no images, folders that
        cannot be read, and images in formats that Striate does not read.
    """
    found: dict[Path, None] = {}
    unreadable: list[UnreadableFile] = []
    for text in paths:
        path = Path(text)
        try:
            found |= dict.fromkeys([path] if path.is_file() else _search(path, text, unreadable))
        except (DataError, OSError) as error:
            unreadable.append(UnreadableFile(text, str(error)))
    return list(found), unreadable


def _search(folder: Path, given: str, unreadable: list[UnreadableFile]) -> list[Path]:
    """Return the images in a folder, and add what is left out of it to `unreadable`."""
    require_folder(folder, given)
    errors: list[UnreadableFile] = []

    def note(error: OSError) -> None:
        reason = f"The folder '{error.filename}' cannot be read: {error.strerror or error}."
        errors.append(UnreadableFile(str(error.filename), reason, transient=True))

    found = search_folder(folder, note)
    unreadable += errors
    if found.images and found.unsupported:
        unreadable.append(UnreadableFile(str(folder), describe_unsupported(found.unsupported)))
    elif not found.images and (found.unsupported or not errors):
        raise DataError(no_images(folder, found.unsupported))
    return found.images


def predict_files(trained: TrainedModel, files: Sequence[Path]) -> Iterator[AnyPrediction | UnreadableFile]:
    """Predict the class, labels or numbers of each image file.

    Args:
        trained: The model.
        files: Image files.

    Yields:
        One result for each file, in the order of `files`.
    """
    batches = [[files[row] for row in rows] for rows in chunk_ranges(len(files), BATCH_SIZE)]
    with progress_bar("predicting", len(files)) as advance:
        decoded = map_ordered(lambda batch: [_read(trained, file) for file in batch], batches)  # ahead of the network
        for batch, images in zip(batches, decoded, strict=True):
            yield from _predict_batch(trained, batch, images)
            advance(len(batch))


def _read(trained: TrainedModel, file: Path) -> Array | UnreadableFile:
    """Return the pixels of a file, uint8 (H, W, C), or why it cannot be read."""
    try:
        return trained.policy.read(file)
    except DataError as error:
        return UnreadableFile(str(file), str(error))


def _predict_batch(
    trained: TrainedModel, files: Sequence[Path], images: Sequence[Array | UnreadableFile]
) -> Iterator[AnyPrediction | UnreadableFile]:
    readable = [image for image in images if not isinstance(image, UnreadableFile)]
    predictions: Iterator[tuple[Array, Any]] = (
        zip(*trained.predict_open_set(np.stack(readable)), strict=True) if readable else iter(())
    )
    for file, image in zip(files, images, strict=True):
        if isinstance(image, UnreadableFile):
            yield image
            continue
        probabilities, unknown = next(predictions)
        yield PREDICTIONS[trained.decision.task](trained, str(file), probabilities, bool(unknown))


def _class(trained: TrainedModel, path: str, probabilities: Array, unknown: bool) -> Prediction:
    best, probability = int(probabilities.argmax()), float(probabilities.max())
    return Prediction(path, trained.classes[best], round(probability, 6), unknown)


def _labels(trained: TrainedModel, path: str, probabilities: Array, unknown: bool) -> PredictedLabels:
    by_name = {name: round(float(p), 6) for name, p in zip(trained.classes, probabilities, strict=True)}
    thresholds = np.array(trained.decision.thresholds_for(len(trained.classes)), np.float32)
    chosen = [k for k in np.argsort(-probabilities, kind="stable").tolist() if probabilities[k] >= thresholds[k]]
    return PredictedLabels(path, tuple(trained.classes[k] for k in chosen), by_name, unknown)


def _numbers(trained: TrainedModel, path: str, values: Array, unknown: bool) -> PredictedNumbers:
    decision = trained.decision
    by_name = {name: float(value) for name, value in zip(trained.classes, values, strict=True)}
    widths = dict(zip(trained.classes, decision.half_widths, strict=False))
    intervals = {name: (by_name[name] - width, by_name[name] + width) for name, width in widths.items()}
    return PredictedNumbers(path, by_name, intervals, decision.coverage, unknown)


PREDICTIONS: dict[Task, Callable[[TrainedModel, str, Array, bool], AnyPrediction]] = {
    Task.CLASSIFICATION: _class,
    Task.MULTILABEL: _labels,
    Task.REGRESSION: _numbers,
}
