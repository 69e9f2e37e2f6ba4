"""Predict the class of image files with a trained model."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from striate._types import Array
from striate.data.parallel import chunk_ranges, map_ordered, progress_bar
from striate.errors import DataError
from striate.images import UnreadableFile, describe_unsupported, no_images, require_folder, search_folder
from striate.workflows.trained_model import TrainedModel

BATCH_SIZE = 32  # images that a thread decodes and the network then processes together


@dataclass(frozen=True)
class Prediction:
    """The predicted class of one image file.

    Attributes:
        path: The file.
        label: Name of the predicted class.
        probability: Probability of that class, 0 … 1, rounded to six decimals.
        unknown: Whether the prediction should not be trusted; see `TrainedModel.answer`.
    """

    path: str
    label: str
    probability: float
    unknown: bool


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


def predict_files(trained: TrainedModel, files: Sequence[Path]) -> Iterator[Prediction | UnreadableFile]:
    """Predict the class of each image file.

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
) -> Iterator[Prediction | UnreadableFile]:
    readable = [image for image in images if not isinstance(image, UnreadableFile)]
    answers: Iterator[tuple[Array, Any]] = (
        zip(*trained.answer(np.stack(readable)), strict=True) if readable else iter(())
    )
    for file, image in zip(files, images, strict=True):
        if isinstance(image, UnreadableFile):
            yield image
            continue
        probabilities, unknown = next(answers)
        best, probability = int(probabilities.argmax()), float(probabilities.max())
        yield Prediction(str(file), trained.classes[best], round(probability, 6), bool(unknown))
