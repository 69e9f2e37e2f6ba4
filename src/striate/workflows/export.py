"""Write a trained model as an ONNX file, after checking that the file predicts the same as the original."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Literal

import numpy as np

from striate._types import Array, Weights
from striate.data import Images
from striate.data.parallel import progress_bar
from striate.engines.onnxruntime import open_session
from striate.errors import DataError, ModelFileError, StriateError, UsageError
from striate.files import atomic_write
from striate.images import ImagePolicy, read_image
from striate.models import Model
from striate.network import Add, Input, Layer, Network, Rescale
from striate.onnx.export import to_onnx
from striate.onnx.export.opset import check_model
from striate.onnx.export.weights import quantize_weights
from striate.onnx.metadata import UNKNOWN_THRESHOLD, ExportMetadata
from striate.tasks import Decision, Task
from striate.text import counted
from striate.transfer.feature_output import with_features
from striate.transfer.open_set import OpenSetDetector
from striate.workflows.evaluate import load_for_model, to_model_labels
from striate.workflows.plan import is_folder
from striate.workflows.predict import find_files
from striate.workflows.trained_model import TrainedModel

SUFFIX = ".onnx"
BATCH_SIZE = 32
MIN_IMAGES, MAX_IMAGES = 64, 10_000  # how many images are compared, unless there are fewer
RANDOM_IMAGES = 256
CALIBRATION_IMAGES = 128
MAX_MULTIPLY_ADDS, MAX_PIXELS = 400e9, 256e6  # limits of all compared images together
# The largest allowed difference between probabilities: from rounding; with images resized inside the model.
TOLERANCE, RESIZE_TOLERANCE = 1e-3, 5e-2
Precision = Literal["float32", "int8", "8-bit weights"]


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
        """Return an image in the size that its file has.

        Args:
            row: Number of the image.

        Returns:
            uint8 (H, W, C).
        """
        if self.files is None:
            return np.asarray(self.x[row])
        image = read_image(self.files[row])
        height, width, _ = image.shape
        return ImagePolicy(height, width, self.x.shape[3]).apply(image)  # gray where the model takes gray images


@dataclass(frozen=True)
class ExportResult:
    """An exported file or page and how its predictions compare with the original's.

    Attributes:
        path: The file, or the folder of a page.
        bytes: Its size; of a page, the size of what a browser loads.
        precision: "float32", "int8" (also of models that were trained on features in 8-bit integers), or "8-bit
            weights", which are computed with in float32.
        images: How many images were compared, and what they are.
        agreement: The fraction of images on which file and original predict the same class or labels; None for
            numbers.
        difference: The largest difference between two probabilities or numbers.
        correct: For classes, where they are known: how many predictions of the original and of the file are correct,
            of how many.
        notes: What the user should know.
        task: What the model predicts.
    """

    path: Path
    bytes: int
    precision: Precision
    images: str
    agreement: float | None
    difference: float
    correct: tuple[int, int, int] | None = None
    notes: tuple[str, ...] = ()
    task: Task = Task.CLASSIFICATION


def export(
    trained: TrainedModel,
    path: str | os.PathLike[str],
    *,
    int8: bool = False,
    resize: bool = False,
    images: Sequence[str] = (),
    opset: int | None = None,
) -> ExportResult:
    """Write a trained model, or an ensemble as one network, to an ONNX file.

    Args:
        trained: The model or ensemble.
        path: The file to write.
        int8: Whether to quantize to 8 bits, which reduces the size to a quarter.
        resize: Whether the file takes images of any size.
        images: Files and folders to compare on; without them, the test images of the model's data set.
        opset: The version of ONNX's operators; None: the lowest that has all operators of this network.

    Returns:
        The file and the comparison.

    Raises:
        UsageError: If the model cannot be exported like this, or the path holds another program's file.
        ModelFileError: If the file's outputs differ from the original's; nothing is written. Not raised for the
            rounding of `int8`.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise UsageError(f"The name of an ONNX file must end in {SUFFIX}; received '{path}'.")
    _check_replaceable(path)
    precision: Precision = "int8" if int8 else "float32"
    model, result = convert(trained, path, precision, resize=resize, images=images, opset=opset)
    atomic_write(path, model)
    return result


def convert(
    trained: TrainedModel,
    path: Path,
    precision: Precision,
    *,
    resize: bool,
    images: Sequence[str] = (),
    opset: int | None = None,
) -> tuple[bytes, ExportResult]:
    """Convert a trained model to ONNX and compare the two, without writing anything.

    Args:
        trained: As in `export`.
        path: Path of the file or folder that will hold it, for the result.
        precision: As in `ExportResult`.
        resize: As in `export`.
        images: As in `export`.
        opset: As in `export`.

    Returns:
        The bytes of an ONNX file, and the comparison.

    Raises:
        UsageError: As in `export`.
        ModelFileError: As in `export`.
    """
    detectors = trained.detectors
    network, weights = ensemble_network(trained.models, detectors)
    metadata = ExportMetadata(trained.classes, trained.policy, trained.threshold, trained.fingerprint, trained.decision)
    model = to_onnx(
        network, weights, metadata=metadata, resize=resize, opset=opset, ranges=trained.ranges, detectors=detectors,
        distance_threshold=trained.distance_threshold if len(detectors) > 1 else None,
    )  # fmt: skip
    compared = collect_images(trained, images, _affordable_images(network))
    original, exported = _compare(trained, model, compared, resize)
    tolerance = RESIZE_TOLERANCE if resize else TOLERANCE
    _check_outputs(original, exported, compared, tolerance * _scale(trained, original))
    if trained.ranges:  # the file computes in integers already, as the model does
        precision = "int8"
    elif precision != "float32":
        model = quantize_weights(model) if precision == "8-bit weights" else _quantize(model, compared.calibration)
        exported = _probabilities_of_file(model, compared.x, compared.what)
    check_model(model)
    difference = float(np.abs(original - exported).max())
    result = ExportResult(
        path, len(model), precision, compared.what, None, difference, None, compared.notes, trained.decision.task
    )
    return model, _with_agreement(result, compared, original, exported, trained.decision)


def _scale(trained: TrainedModel, original: Array) -> float:
    """Return the size of the outputs: 1 for probabilities; for numbers, their largest deviation from the mean."""
    if trained.decision.task is not Task.REGRESSION:
        return 1.0
    return max(float(np.abs(original - original.mean(axis=0)).max()), 1e-3 * float(np.abs(original).max()), 1e-6)


def _check_replaceable(path: Path) -> None:
    """Raise UsageError where another program's file would be overwritten; an older export may be."""
    if path.is_file() and not _is_export(path):
        raise UsageError(
            f"'{path}' already exists and was not exported by Striate. Choose another name, or remove the file."
        )


def _is_export(path: Path) -> bool:
    from striate.onnx.importing import read_onnx

    try:
        return UNKNOWN_THRESHOLD in read_onnx(path).metadata  # tools that change the file replace its producer
    except ModelFileError:
        return False


def _affordable_images(network: Network) -> int:
    """Return how many images can be compared in seconds rather than minutes."""
    cost = max(network.multiply_adds / MAX_MULTIPLY_ADDS, prod(network.input_shapes[0]) / MAX_PIXELS)
    return int(np.clip(1 / cost, MIN_IMAGES, MAX_IMAGES))


def _compare(trained: TrainedModel, model: bytes, images: ComparisonImages, resize: bool) -> tuple[Array, Array]:
    """Return the probabilities (N, classes) of the original and of the file."""
    if not resize:
        original = _probabilities_of_original(trained, images.x, images.what)
        return original, _probabilities_of_file(model, images.x, images.what)
    session = open_session(model)
    resized, exported = [], []
    with progress_bar(f"ONNX on {images.what}", len(images.x)) as advance:
        for row in range(len(images.x)):
            image = images.full_size(row)
            resized.append(trained.policy.apply(image))
            exported.append(session([image[None]])[0])
            advance(1)
    return _probabilities_of_original(trained, np.stack(resized), images.what), np.concatenate(exported)


def _probabilities_of_original(trained: TrainedModel, x: Array, what: str) -> Array:
    return _in_batches(trained.outputs, x, f"original on {what}")


def _probabilities_of_file(model: bytes, x: Array, what: str) -> Array:
    session = open_session(model)
    return _in_batches(lambda batch: session([batch])[0], x, f"ONNX on {what}")


def _in_batches(run: Callable[[Array], Array], x: Array, title: str) -> Array:
    with progress_bar(title, len(x)) as advance:
        outputs = []
        for batch in _batches(x, BATCH_SIZE):
            outputs.append(run(batch))
            advance(len(batch))
    return np.concatenate(outputs)


def _batches(x: Array, size: int) -> Iterator[Array]:
    return (x[start : start + size] for start in range(0, len(x), size))


def _quantize(model: bytes, x: Array) -> bytes:
    from striate.onnx.export.quantize import quantize

    return quantize(model, ([batch] for batch in _batches(x, 1)))


def _check_outputs(original: Array, exported: Array, images: ComparisonImages, tolerance: float) -> None:
    """Check the outputs of the file; within the tolerance, predicted classes differ only for near ties.

    Raises:
        ModelFileError: If a probability differs by more than the tolerance, or is NaN.
    """
    differences = np.abs(original - exported).max(axis=1)
    wrong = ~(differences <= tolerance)
    if wrong.any():
        row = int(np.argmax(np.where(np.isnan(differences), np.inf, differences)))
        where = "" if images.files is None else f", most on {images.files[row]}"
        raise ModelFileError(
            f"The ONNX file was not written: on {wrong.sum():,} of {images.what} its outputs differ from the "
            f"original's by up to {differences[row]:.2g}{where}. "
            "This is a bug in Striate; please report it."
        )


def _with_agreement(
    compared: ExportResult, images: ComparisonImages, original: Array, exported: Array, decision: Decision
) -> ExportResult:
    if decision.task is Task.REGRESSION:
        return compared
    if decision.task is Task.MULTILABEL:
        thresholds = np.array(decision.thresholds_for(original.shape[1]), np.float32)
        same = ((original >= thresholds) == (exported >= thresholds)).all(axis=1)
        return replace(compared, agreement=float(same.mean()))
    predicted, predicted_by_file = original.argmax(axis=1), exported.argmax(axis=1)
    compared = replace(compared, agreement=float((predicted == predicted_by_file).mean()))
    if images.labels is None:
        return compared
    hits = [int((classes == images.labels).sum()) for classes in (predicted, predicted_by_file)]
    return replace(compared, correct=(hits[0], hits[1], len(images.labels)))


def ensemble_network(models: Sequence[Model], detectors: Sequence[OpenSetDetector] = ()) -> tuple[Network, Weights]:
    """Return one network whose output is the mean of the models' outputs.

    Args:
        models: The members. Layers of the first are named `member-1.NAME`; a single member keeps its own network.
        detectors: Their detectors of unknown images. The features that they read are further outputs.

    Returns:
        The network and its weights.

    Raises:
        UsageError: If the members take different inputs.
    """
    networks = [model.network for model in models]
    if detectors:
        pairs = zip(networks, detectors, strict=True)
        networks = [with_features(network, detector.layer, detector.size) for network, detector in pairs]
    if len(models) == 1:
        return networks[0], models[0].named_weights
    inputs = [_input_layer(network) for network in networks]
    if any(replace(layer, name="x") != replace(inputs[0], name="x") for layer in inputs):
        raise UsageError(
            "The members of the ensemble take images of different sizes, so they cannot be exported as one network."
        )
    entries: list[tuple[Layer, tuple[int, ...]]] = [(inputs[0], ())]
    weights: Weights = {}
    outputs = []
    for number, (model, network) in enumerate(zip(models, networks, strict=True), start=1):
        outputs.append(_append_member(entries, network, f"member-{number}."))
        weights |= {f"member-{number}.{name}": array for name, array in model.named_weights.items()}
    predictions, *features = zip(*outputs, strict=True)
    entries += [(Add(name="sum"), predictions), (Rescale(1 / len(models), name="mean"), (len(entries),))]
    name = f"{models[0].network.name} × {len(models)}"
    shown = (len(entries) - 1, *(index for member in features for index in member))
    return Network.from_entries(name, entries, (0,), shown), weights


def _input_layer(network: Network) -> Input:
    (index,) = network.inputs
    layer = network.nodes[index].layer
    assert isinstance(layer, Input)
    return layer


def _append_member(entries: list[tuple[Layer, tuple[int, ...]]], network: Network, prefix: str) -> tuple[int, ...]:
    """Append a network's layers, reading from the first entry, and return the indices of its outputs."""
    layers = {id(node.layer): replace(node.layer, name=prefix + str(node.layer.name)) for node in network.nodes}
    indices: list[int] = []
    for node in network.nodes:
        if isinstance(node.layer, Input):
            indices.append(0)
            continue
        entries.append((layers[id(node.layer)], tuple(indices[source] for source in node.inputs)))
        indices.append(len(entries) - 1)
    return tuple(indices[output] for output in network.outputs)


def collect_images(trained: TrainedModel, paths: Sequence[str], max_images: int) -> ComparisonImages:
    """Collect images of these files and folders, or else of the model's test data, or else random images.

    Args:
        trained: The model.
        paths: Files and folders; may be empty.
        max_images: The largest number of images.

    Returns:
        The images.

    Raises:
        DataError: If none of the files can be read.
    """
    if paths:
        return _from_files(trained, paths, max_images)
    if trained.data is None:
        return _random(trained, "The model does not say which data set it was trained on")
    try:
        return _from_data_set(trained, trained.data, max_images)
    except (StriateError, OSError) as error:
        return _random(trained, f"The data set it was trained on cannot be loaded ({error})")


def _from_files(trained: TrainedModel, paths: Sequence[str], max_images: int) -> ComparisonImages:
    files, unreadable = find_files(paths)
    images: dict[Path, Array] = {}
    notes = [f"Skipped: {item.reason}" for item in unreadable]
    for file in (files[row] for row in _evenly(len(files), max_images)):
        try:
            images[file] = trained.policy.read(file)
        except DataError as error:
            notes.append(f"Skipped: {error}")
    if not images:
        raise DataError(f"None of the images to compare on can be read. {' '.join(notes)}")
    x = np.stack(list(images.values()))
    return ComparisonImages(
        counted(len(x), "image"), x, x[:CALIBRATION_IMAGES], files=tuple(images), notes=tuple(notes)
    )


def _from_data_set(trained: TrainedModel, name: str, max_images: int) -> ComparisonImages:
    dataset, _ = load_for_model(name, trained)
    splits = {"test image": dataset.test, "validation image": dataset.validation, "training image": dataset.train}
    kind, split = next((kind, split) for kind, split in splits.items() if len(split))
    kind = "training image" if trained.cross_validated else kind  # then all images were used for training
    chosen = _take(split, max_images)
    files = None
    if is_folder(name) and chosen.names:
        files = tuple(Path(name) / file for file in chosen.names)
    labels = to_model_labels(dataset.name, dataset.classes, chosen.y, trained.classes, trained.decision.task)
    calibration = np.asarray(_take(dataset.train, CALIBRATION_IMAGES).x)
    what = f"{counted(len(labels), kind)} of {dataset.name}"
    return ComparisonImages(what, np.asarray(chosen.x), calibration, labels, files)


def _take(images: Images, max_images: int) -> Images:
    return images.take(_evenly(len(images), max_images))


def _evenly(count: int, max_images: int) -> Array:
    """Return the numbers of at most `max_images` of `count` rows, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, max_images)).astype(int)) if count else np.zeros(0, int)


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
    note = f"{reason}, so random images are used in place of images. Pass real images with --images."
    return ComparisonImages(f"{RANDOM_IMAGES} random images", x[:RANDOM_IMAGES], x[RANDOM_IMAGES:], notes=(note,))
