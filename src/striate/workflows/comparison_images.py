"""The images on which an exported file is compared with its model: real ones where there are any."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from striate._types import Array
from striate.data import Images
from striate.errors import DataError, StriateError
from striate.images import ImagePolicy, read_image
from striate.workflows.evaluate import load_for_model, to_model_labels
from striate.workflows.plan import is_folder
from striate.workflows.predict import find_files
from striate.workflows.trained_model import TrainedModel

RANDOM_IMAGES = 256
CALIBRATION_IMAGES = 128


@dataclass(frozen=True, eq=False)
class ComparisonImages:
    """Images on which an exported file is compared with its model.

    Attributes:
        what: How many there are, and what they are, for example "200 test images of photos".
        x: The images as the model takes them, uint8 (N, H, W, C).
        calibration: Other images of the same kind where there are any, uint8 (M, H, W, C).
        labels: Class numbers (N,), where known.
        files: The images' files, where they are files.
        notes: What the user should know.
    """

    what: str
    x: Array
    calibration: Array
    labels: Array | None = None
    files: tuple[Path, ...] | None = None
    notes: tuple[str, ...] = ()

    def full_size(self, row: int) -> Array:
        """Return one image, uint8 (H, W, C), in the size that its file has."""
        if self.files is None:
            return np.asarray(self.x[row])
        image = read_image(self.files[row])
        height, width, _ = image.shape
        return ImagePolicy(height, width, self.x.shape[3]).apply(image)  # gray where the model takes gray images


def collect_images(trained: TrainedModel, paths: Sequence[str], most: int) -> ComparisonImages:
    """Collect images of these files and folders, or else of the model's test data, or else random patterns.

    Args:
        trained: The model.
        paths: Files and folders; may be empty.
        most: How many images to collect at most.

    Returns:
        The images.

    Raises:
        DataError: None of the files can be read.
    """
    if paths:
        return _from_files(trained, paths, most)
    if trained.data is None:
        return _random(trained, "The model does not say which data set it was trained on")
    try:
        return _from_data_set(trained, trained.data, most)
    except (StriateError, OSError) as error:
        return _random(trained, f"The data set it was trained on cannot be loaded ({error})")


def _from_files(trained: TrainedModel, paths: Sequence[str], most: int) -> ComparisonImages:
    files, unreadable = find_files(paths)
    images: dict[Path, Array] = {}
    notes = [f"Skipped: {item.reason}" for item in unreadable]
    for file in (files[row] for row in _evenly(len(files), most)):
        try:
            images[file] = trained.policy.read(file)
        except DataError as error:
            notes.append(f"Skipped: {error}")
    if not images:
        raise DataError(f"None of the images to compare on can be read. {' '.join(notes)}")
    x = np.stack(list(images.values()))
    return ComparisonImages(
        _counted(len(x), "image"), x, x[:CALIBRATION_IMAGES], files=tuple(images), notes=tuple(notes)
    )


def _from_data_set(trained: TrainedModel, name: str, most: int) -> ComparisonImages:
    dataset, _ = load_for_model(name, trained)
    splits = {"test image": dataset.test, "validation image": dataset.validation, "training image": dataset.train}
    kind, split = next((kind, split) for kind, split in splits.items() if len(split))
    chosen = _take(split, most)
    files = None
    if is_folder(name) and chosen.names:
        files = tuple(Path(name) / file for file in chosen.names)
    labels = to_model_labels(dataset.name, dataset.classes, chosen.y, trained.classes, trained.decision.task)
    calibration = np.asarray(_take(dataset.train, CALIBRATION_IMAGES).x)
    what = f"{_counted(len(labels), kind)} of {dataset.name}"
    return ComparisonImages(what, np.asarray(chosen.x), calibration, labels, files)


def _take(images: Images, most: int) -> Images:
    return images.take(_evenly(len(images), most))


def _evenly(count: int, most: int) -> Array:
    """Return at most so many of `count` rows, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int)) if count else np.zeros(0, int)


def _random(trained: TrainedModel, reason: str) -> ComparisonImages:
    """Draw coarse patterns with patches of one to sixteen pixels."""
    height, width, channels = trained.policy.shape
    rng = np.random.default_rng(0)
    patterns = []
    for row in range(RANDOM_IMAGES + CALIBRATION_IMAGES):
        patch = 2 ** (row % 5)
        coarse = rng.integers(0, 256, (-(-height // patch), -(-width // patch), channels), dtype=np.uint8)
        patterns.append(coarse.repeat(patch, axis=0).repeat(patch, axis=1)[:height, :width])
    x = np.stack(patterns)
    note = f"{reason}, so random patterns are used in place of images. Pass real images with --images."
    return ComparisonImages(f"{RANDOM_IMAGES} random patterns", x[:RANDOM_IMAGES], x[RANDOM_IMAGES:], notes=(note,))


def _counted(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"
