"""Open what `striate explore` shows: a run, a model, an ONNX file or a small network that it trains, with images."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from striate._types import Array
from striate.data import Images
from striate.data import load as load_data_set
from striate.data.split import digests_of
from striate.engines.losses import class_probabilities
from striate.engines.optimizers import Adam
from striate.errors import NetworkError, StriateError, UsageError
from striate.images import ImagePolicy, UnreadableFile
from striate.models import Model, load
from striate.network.outputs import output_forms
from striate.onnx.importing import import_convertible_part
from striate.tasks import Task
from striate.text import counted
from striate.training import Recipe
from striate.transfer.int8 import ranges_from_extras
from striate.workflows.evaluate import load_for_model
from striate.workflows.explore import ExploredImages, Explorer, channels_first, cost_of, policy_of
from striate.workflows.predict import find_files
from striate.workflows.predictions import Predictions, read_predictions
from striate.workflows.run_record import TrainingRun
from striate.workflows.trained_model import (
    TrainedModel,
    member_path,
    open_trained_model,
    require_image_settings,
    with_fast_engine,
)
from striate.zoo import build

DIGITS = "mnist5k"
DIGITS_RECIPE = Recipe(epochs=3, batch_size=50, optimizer=Adam(3e-3))  # a few seconds
FLOAT32_NOTE = (
    "This model predicts with features in 8-bit integers. Its feature maps are shown as float32 gives them, and "
    "probabilities on these pages may differ a little from its predictions."
)
MAX_PREDICTION_WORK = 10_000_000_000  # multiply-adds that may be spent on predictions before the page opens


def open_explorer(path: str | os.PathLike[str] | None = None, images: Sequence[str] = ()) -> Explorer:
    """Open what `striate explore` shows.

    Args:
        path: A run folder, model file or ONNX file; None trains a small network on the digits that come with Striate.
        images: Image files and folders; without them, the test images of a run.

    Returns:
        The model with its images.

    Raises:
        UsageError: If the model takes no images, or gives no vector, or the files contain no images.
        StriateError: If the model or an image cannot be read.
    """
    if path is None:
        explorer = _digits()
        return explorer if not images else _with_files(explorer.name, explorer.model, images, ())
    path = Path(path)
    if path.name == "model.safetensors" and (path.parent / "config.json").is_file():
        path = path.parent
    trained = open_trained_model(path) if path.is_dir() else None
    model, is_whole = (trained.models[0], True) if trained else _open_model(path)
    name = path.resolve().name if path.is_dir() else path.stem
    notes: list[str] = list(model.notes)
    if ranges_from_extras(model.extras):
        notes.append(FLOAT32_NOTE)
    policy = policy_of(model, is_whole=is_whole)  # raises now, rather than when images are read
    require_image_settings(model, path, classes=False)
    if trained and len(trained.models) > 1:
        path = member_path(TrainingRun.open(path), 0)
        trained = open_trained_model(path)
        notes.append(f"This run is an ensemble: its first network is shown, with its own predictions, '{path}'.")
    if images:
        return _with_files(name, model, images, notes, is_whole=is_whole)
    if trained:
        return _with_run(name, path, trained, notes)
    if is_whole and policy.shape == (28, 28, 1) and model.network.output_shapes[0] == (10,):
        digits = load_data_set(DIGITS)
        named = model.classes in ((), digits.classes)
        return Explorer(name, model, _predict(model, digits.test, known=named), notes, None, digits.train)
    return Explorer(name, model, _no_images(policy), notes, is_whole=is_whole)


def _open_model(path: Path) -> tuple[Model, bool]:
    """Return a model, and whether it is the whole one: of an ONNX file that cannot be converted, its beginning."""
    try:
        return with_fast_engine(load(path)), True
    except NetworkError:
        if path.suffix != ".onnx":
            raise
    beginning = import_convertible_part(path)
    model = Model.from_network(beginning.network)
    model.named_weights, model.notes = beginning.weights, beginning.notes
    return model, False


def _digits() -> Explorer:
    digits, model = load_data_set(DIGITS), build("lenet5")
    model.train(digits, DIGITS_RECIPE, verbose=0)
    return Explorer("LeNet-5", model, _predict(model, digits.test), training=digits.train)


def _with_files(
    name: str, model: Model, paths: Sequence[str], notes: Sequence[str], *, is_whole: bool = True
) -> Explorer:
    files, unusable = find_files(paths)
    policy, pixels, names = policy_of(model, is_whole=is_whole), [], []
    for file in files:
        try:
            pixels.append(policy.read(file))
            names.append(str(file))
        except StriateError as error:
            unusable.append(UnreadableFile(str(file), str(error)))
    if not pixels:
        reason = unusable[0].reason if unusable else "the folders are empty."
        raise UsageError(f"None of the files can be shown: {reason}")
    left_out = [f"Not shown: {counted(len(unusable), 'file')}. {unusable[0].reason}"] if unusable else []
    images = Images(np.stack(pixels), np.zeros(len(pixels), np.int64), names=tuple(names))
    shown = _predict(model, images, known=False, predict=is_whole)
    return Explorer(name, model, shown, [*notes, *left_out], is_whole=is_whole)


def _with_run(name: str, folder: Path, trained: TrainedModel, notes: list[str]) -> Explorer:
    """Return the model of a run with the images of its data for which there are predictions."""
    model, policy, run = trained.models[0], trained.policy, folder if len(trained.models) == 1 else None
    if trained.data is None:
        return Explorer(name, model, _no_images(policy), notes, run)
    try:
        data, more = load_for_model(trained.data, trained)
    except (StriateError, OSError) as error:
        gone = f"The images of the run cannot be read, so its mistakes are not shown: {error}"
        return Explorer(name, model, _no_images(policy), [*notes, gone], run)
    stored = read_predictions(folder)
    if stored is None or trained.decision.task is not Task.CLASSIFICATION:
        known = trained.decision.task is Task.CLASSIFICATION
        return Explorer(name, model, _predict(model, data.test, known=known), [*notes, *more], run, data.train)
    parts = [part for part in (data.test, data.validation, data.train) if len(part)]
    return Explorer(name, model, _match_stored(stored, parts), [*notes, *more], run, data.train)


def _match_stored(stored: Predictions, parts: Sequence[Images]) -> ExploredImages:
    """Return the images of which there are stored predictions, found by their content."""
    row_of = {int(digest): row for row, digest in enumerate(stored.digests)}
    rows: list[int] = []
    pixels: list[Array] = []
    for part in parts:
        found = [(number, row_of.pop(int(d), -1)) for number, d in enumerate(digests_of(part))]
        chosen = [(number, row) for number, row in found if row >= 0]
        pixels.extend(part.x[number] for number, _ in chosen)
        rows.extend(row for _, row in chosen)
    order = np.array(rows, np.int64)
    probabilities = stored.probabilities[order]
    names = tuple(stored.names[row] for row in rows) if stored.names else None
    x = np.stack(pixels) if pixels else np.zeros((0, *parts[0].x.shape[1:]), np.uint8)
    predicted = probabilities.argmax(axis=1).astype(np.int64)
    return ExploredImages(x, names, stored.labels[order], predicted, probabilities.max(axis=1))


def _predict(model: Model, images: Images, *, known: bool = True, predict: bool = True) -> ExploredImages:
    """Return images with the predictions of a model, for as many as do not take long."""
    count = min(len(images), max(1, MAX_PREDICTION_WORK // cost_of(model)))
    predicted, best = np.full(len(images), -1, np.int64), np.zeros(len(images), np.float32)
    if predict and model.decision.task is Task.CLASSIFICATION:
        x = np.asarray(images.x[:count])
        outputs = model.predict(x.transpose(0, 3, 1, 2) if channels_first(model) else x)
        outputs = outputs[0] if isinstance(outputs, list | tuple) else outputs
        probabilities = class_probabilities(outputs, output_forms(model.network)[0])
        predicted[:count], best[:count] = probabilities.argmax(axis=1), probabilities.max(axis=1)
    labels = images.y if known and images.y.ndim == 1 else None
    return ExploredImages(images.x, images.names, labels, predicted, best)


def _no_images(policy: ImagePolicy) -> ExploredImages:
    return ExploredImages(np.zeros((0, *policy.shape), np.uint8), None, None, np.zeros(0, np.int64), np.zeros(0))
