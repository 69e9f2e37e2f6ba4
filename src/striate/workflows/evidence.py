"""Pictures on which a model's file is compared with the model: real ones where there are any."""

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
from striate.workflows.trained import TrainedModel

GENERATED = 256
CALIBRATION = 128


@dataclass(frozen=True, eq=False)
class Evidence:
    """x: uint8 (N, H, W, C), as the model takes them. what: in words, for example "200 test images of photos".

    calibration: others like them where there are any, uint8 (M, H, W, C). labels: (N,) class numbers, where known.
    files: of the pictures, where they are files. notes: what the person should know.
    """

    what: str
    x: Array
    calibration: Array
    labels: Array | None = None
    files: tuple[Path, ...] | None = None
    notes: tuple[str, ...] = ()

    def full(self, row: int) -> Array:
        """One picture, uint8 (H, W, C), in the size that its file has."""
        if self.files is None:
            return np.asarray(self.x[row])
        picture = read_image(self.files[row])
        height, width, _ = picture.shape
        return ImagePolicy(height, width, self.x.shape[3]).apply(picture)  # grey where the model is


def gather(trained: TrainedModel, paths: Sequence[str], most: int) -> Evidence:
    """At most so many pictures: of these files and folders; else of the test part of the data that the model was

    trained on; else patterns drawn by chance. Raises DataError where none of the files can be read.
    """
    if paths:
        return _of_files(trained, paths, most)
    if trained.data is None:
        return _generated(trained, "The model does not say which data it was trained on")
    try:
        return _of_data(trained, trained.data, most)
    except (StriateError, OSError) as error:
        return _generated(trained, f"The data it was trained on cannot be had ({error})")


def _of_files(trained: TrainedModel, paths: Sequence[str], most: int) -> Evidence:
    files, unreadable = find_files(paths)
    found: dict[Path, Array] = {}
    notes = [f"Skipped: {item.reason}" for item in unreadable]
    for file in (files[row] for row in spread(len(files), most)):
        try:
            found[file] = trained.policy.read(file)
        except DataError as error:
            notes.append(f"Skipped: {error}")
    if not found:
        raise DataError(f"None of the pictures to compare on can be read. {' '.join(notes)}")
    x = np.stack(list(found.values()))
    return Evidence(_counted(len(x), "picture"), x, x[:CALIBRATION], files=tuple(found), notes=tuple(notes))


def _of_data(trained: TrainedModel, name: str, most: int) -> Evidence:
    dataset, _ = load_for_model(name, trained)
    parts = {"test image": dataset.test, "validation image": dataset.validation, "training image": dataset.train}
    kind, part = next((kind, part) for kind, part in parts.items() if len(part))
    chosen = _take(part, most)
    files = None
    if is_folder(name) and chosen.names:
        files = tuple(Path(name) / file for file in chosen.names)
    labels = to_model_labels(dataset, chosen.y, trained.classes)
    calibration = np.asarray(_take(dataset.train, CALIBRATION).x)
    what = f"{_counted(len(labels), kind)} of {dataset.name}"
    return Evidence(what, np.asarray(chosen.x), calibration, labels, files)


def _take(images: Images, most: int) -> Images:
    return images.take(spread(len(images), most))


def spread(count: int, most: int) -> Array:
    """At most so many of `count` rows, evenly."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int)) if count else np.zeros(0, int)


def _generated(trained: TrainedModel, reason: str) -> Evidence:
    """Coarse patterns of one to sixteen pixels a patch."""
    height, width, channels = trained.policy.shape
    generator = np.random.default_rng(0)
    pictures = []
    for row in range(GENERATED + CALIBRATION):
        patch = 2 ** (row % 5)
        coarse = generator.integers(0, 256, (-(-height // patch), -(-width // patch), channels), dtype=np.uint8)
        pictures.append(coarse.repeat(patch, axis=0).repeat(patch, axis=1)[:height, :width])
    x = np.stack(pictures)
    note = f"{reason}, so patterns drawn by chance stand for pictures. Give real ones with --images."
    return Evidence(f"{GENERATED} patterns drawn by chance", x[:GENERATED], x[GENERATED:], notes=(note,))


def _counted(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count:,} {what}s"
