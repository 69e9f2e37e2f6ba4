"""Predict the class, labels or values of image files with a trained model."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from striate._types import Array
from striate.data.parallel import map_ordered, one_blas_thread, progress_bar
from striate.errors import DataError, UsageError
from striate.images import UnreadableFile, is_image_file
from striate.images.find import describe_unsupported_file, no_images_message, require_folder, walk_images
from striate.tasks import Task
from striate.workflows.trained_model import TrainedModel

BATCH_SIZE = 32  # images that a thread decodes and the network processes together


@dataclass(frozen=True)
class Prediction:
    """The predicted class of one image file.

    Attributes:
        path: The file.
        label: Name of the predicted class.
        probability: Probability of that class, 0 … 1, rounded to six decimals.
        unknown: Whether the prediction should not be trusted; see `TrainedModel.predict_open_set`.
        probabilities: The probabilities of as many classes as were asked for, the most probable first.
    """

    path: str
    label: str
    probability: float
    unknown: bool
    probabilities: dict[str, float] = field(default_factory=dict)


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
class PredictedValues:
    """The predicted values of one image file, by a regression model.

    Attributes:
        path: The file.
        values: The values by name.
        intervals: Ends of their prediction intervals by name; empty if the model has none.
        coverage: The share of new images whose true value the intervals are meant to contain, 0 … 1.
        unknown: Whether the image is too unlike the training images.
    """

    path: str
    values: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    coverage: float
    unknown: bool


AnyPrediction = Prediction | PredictedLabels | PredictedValues


def find_files(paths: Sequence[str]) -> tuple[list[Path], list[UnreadableFile]]:
    """Find the image files in files and folders.

    Args:
        paths: Files and folders.

    Returns:
        The image files, each once, and what is left out; see `walk_files`.
    """
    found = list(walk_files(distinct_paths(paths)))
    files = [item for item in found if not isinstance(item, UnreadableFile)]
    return files, [item for item in found if isinstance(item, UnreadableFile)]


def iter_input_files(
    paths: Sequence[str], standard_input: BinaryIO, exclude_folder: Path | None = None
) -> tuple[Iterator[Path | UnreadableFile], Callable[[], int] | None]:
    """Find image files one by one, in bounded memory; "-" stands for names from standard input.

    Args:
        paths: Files and folders, or "-" alone.
        standard_input: A binary stream of names.
        exclude_folder: A folder whose images are left out.

    Returns:
        The files, as `walk_files` yields them; and a function that counts them, or None in its place if the names come
        from standard input.

    Raises:
        UsageError: If "-" is combined with other paths.
        DataError: If standard input contains no names.
    """
    if "-" not in paths:
        distinct = distinct_paths(paths)
        return walk_files(distinct, exclude_folder), lambda: sum(1 for _ in walk_files(distinct, exclude_folder))
    if len(paths) > 1:
        raise UsageError("'-' reads all names from standard input and cannot be combined with other files.")
    names = read_names(standard_input)
    first = next(names, None)
    if first is None:
        raise DataError("Standard input contains no file names.")
    return walk_files(chain([first], names), exclude_folder), None


def read_names(stream: BinaryIO) -> Iterator[str]:
    r"""Yield the names in a stream as they arrive: one on each line, or separated by zero bytes if there are any.

    Args:
        stream: A binary stream.

    Yields:
        Each name. Empty lines are skipped: an empty path would mean the current folder.

    Example:
        >>> from io import BytesIO
        >>> list(read_names(BytesIO(b"a.jpg\nb c.jpg\r\n\r\n"))), list(read_names(BytesIO(b"a.jpg\0b\nc.jpg\0")))
        (['a.jpg', 'b c.jpg'], ['a.jpg', 'b\nc.jpg'])
    """
    separator, incomplete = b"", b""
    while block := stream.readline(1 << 16):
        incomplete += block
        separator = separator or (b"\0" if b"\0" in incomplete else b"\n" if b"\n" in incomplete else b"")
        if separator:
            *names, incomplete = incomplete.split(separator)
            yield from _decode_names(names, separator)
    yield from _decode_names([incomplete], separator)


def _decode_names(names: Iterable[bytes], separator: bytes) -> Iterator[str]:
    for name in names:
        if name := name if separator == b"\0" else name.removesuffix(b"\r"):
            yield os.fsdecode(name)


def distinct_paths(paths: Iterable[str]) -> list[str]:
    """Remove paths that are given twice, and images inside a folder that is given too.

    Args:
        paths: Files and folders.

    Returns:
        The other paths, as they were given, in order.

    Example:
        >>> distinct_paths(["new/", "a.jpg", "new/b.jpg", "new"])
        ['new/', 'a.jpg']
    """
    given: dict[Path, str] = {}
    for text in paths:
        given.setdefault(Path(text), text)
    images = [path for path in given if is_image_file(str(path), path.name)]
    inner = {path for path in images if not given.keys().isdisjoint(path.parents)}
    return [text for path, text in given.items() if path not in inner]


def walk_files(paths: Iterable[str], exclude_folder: Path | None = None) -> Iterator[Path | UnreadableFile]:
    """Yield the image files in files and folders one by one, in bounded memory.

    Args:
        paths: Image files, and folders that are searched for image files.
        exclude_folder: A folder whose images are left out.

    Yields:
        The image files in the order of the paths, those of a folder sorted, and what cannot be read: paths that are
        missing or contain no images, folders that cannot be read, and images in formats that Striate does not read.
        Paths inside a folder that was given before are skipped, as `find FOLDER` lists the folder and its files.
    """
    excluded = exclude_folder.resolve() if exclude_folder else None
    walked: set[Path] = set()
    for text in paths:
        path = Path(text)
        if walked and not walked.isdisjoint([path, *path.parents]):
            continue
        try:
            is_file = path.is_file()
            if not is_file and path.is_dir():
                walked.add(path)
            for item in [path] if is_file else _walk(path, text):
                if excluded is None or isinstance(item, UnreadableFile) or excluded not in item.resolve().parents:
                    yield item
        except (DataError, OSError, ValueError) as error:  # ValueError: a zero byte in the name
            yield UnreadableFile(text, str(error))


def _walk(folder: Path, given: str) -> Iterator[Path | UnreadableFile]:
    require_folder(folder, given)
    errors: list[UnreadableFile] = []
    found = False

    def on_error(error: OSError) -> None:
        reason = f"The folder '{error.filename}' cannot be read: {error.strerror or error}."
        errors.append(UnreadableFile(str(error.filename), reason, transient=True))

    for path, readable in walk_images(folder, on_error):
        found = True
        yield Path(path) if readable else UnreadableFile(path, describe_unsupported_file(Path(path)))
    yield from errors
    if not found and not errors:
        raise DataError(no_images_message(folder, []))


def predict_files(
    trained: TrainedModel,
    files: Iterable[Path | UnreadableFile],
    *,
    total: int | Callable[[], int] | None = None,
    top: int = 0,
    threshold: float | None = None,
) -> Iterator[AnyPrediction | UnreadableFile]:
    """Predict the class, labels or values of each image file. Memory does not depend on the number of files.

    Args:
        trained: The model.
        files: Image files; those that are known to be unreadable are yielded as they are.
        total: Their number, or a function that counts them, for the progress bar; None if it is not known.
        top: Number of the most probable classes whose probabilities are returned.
        threshold: For one class, images whose highest probability is lower are marked unknown, whatever the detector
            reports. For labels, the probability from which a label is assigned, in place of the model's thresholds.

    Yields:
        One result for each file, in the order of `files`.
    """
    decoder = OutputDecoder(trained, top, threshold)

    def read(batch: list[Path | UnreadableFile]) -> list[Array | UnreadableFile]:
        return [_read(trained, file) for file in batch]

    with one_blas_thread(), progress_bar("predicting", total) as advance:
        if trained.is_thread_safe:  # each thread reads images and predicts them
            predicted = map_ordered(lambda batch: _predict_batch(decoder, batch, read(batch)), _batches(files))
        else:  # other threads read ahead
            images = map_ordered(lambda batch: (batch, read(batch)), _batches(files))
            predicted = (_predict_batch(decoder, *pair) for pair in images)
        for results in predicted:
            yield from results
            advance(len(results))


@dataclass(frozen=True)
class OutputDecoder:
    """Converts the outputs of a model to predictions; the arguments are those of `predict_files`."""

    trained: TrainedModel
    top: int = 0
    threshold: float | None = None

    def decode(self, path: str, outputs: Array, unknown: bool) -> AnyPrediction:
        """Convert the outputs of the model for one image to a prediction.

        Args:
            path: Name of the image.
            outputs: float32 (K,).
            unknown: Whether the detector reports the image as unknown.

        Returns:
            The prediction.
        """
        return _DECODERS[self.trained.decision.task](self, path, outputs, unknown)


def _batches(files: Iterable[Path | UnreadableFile]) -> Iterator[list[Path | UnreadableFile]]:
    rest = iter(files)
    while batch := list(islice(rest, BATCH_SIZE)):
        yield batch


def _read(trained: TrainedModel, file: Path | UnreadableFile) -> Array | UnreadableFile:
    """Return the pixels of a file, uint8 (H, W, C), or why it cannot be read."""
    if isinstance(file, UnreadableFile):
        return file
    try:
        return trained.policy.read(file)
    except DataError as error:
        return UnreadableFile(str(file), str(error))


def _predict_batch(
    decoder: OutputDecoder, files: Sequence[Path | UnreadableFile], images: Sequence[Array | UnreadableFile]
) -> list[AnyPrediction | UnreadableFile]:
    readable = {row: image for row, image in enumerate(images) if not isinstance(image, UnreadableFile)}
    predictions: dict[int, AnyPrediction] = {}
    if readable:
        outputs, unknown = decoder.trained.predict_open_set(np.stack(list(readable.values())))
        for position, row in enumerate(readable):
            predictions[row] = decoder.decode(str(files[row]), outputs[position], bool(unknown[position]))
    return [image if isinstance(image, UnreadableFile) else predictions[row] for row, image in enumerate(images)]


def _decode_class(decoder: OutputDecoder, path: str, probabilities: Array, unknown: bool) -> Prediction:
    classes, best = decoder.trained.classes, int(probabilities.argmax())
    order = np.argsort(-probabilities, kind="stable")[: decoder.top].tolist() if decoder.top else []
    probability = float(probabilities[best])
    too_low = decoder.threshold is not None and probability < decoder.threshold
    most_probable = {classes[k]: round(float(probabilities[k]), 6) for k in order}
    return Prediction(path, classes[best], round(probability, 6), unknown or too_low, most_probable)


def _decode_labels(decoder: OutputDecoder, path: str, probabilities: Array, unknown: bool) -> PredictedLabels:
    trained, count = decoder.trained, len(probabilities)
    by_name = {name: round(float(p), 6) for name, p in zip(trained.classes, probabilities, strict=True)}
    own, given = trained.decision.thresholds_for(count), decoder.threshold
    thresholds = np.array(own if given is None else [given] * count, np.float32)
    chosen = [k for k in np.argsort(-probabilities, kind="stable").tolist() if probabilities[k] >= thresholds[k]]
    return PredictedLabels(path, tuple(trained.classes[k] for k in chosen), by_name, unknown)


def _six_digits(value: float) -> float:
    """Round to the significant digits of a float32 that mean something."""
    return float(f"{value:.6g}")


def _decode_values(decoder: OutputDecoder, path: str, values: Array, unknown: bool) -> PredictedValues:
    decision, names = decoder.trained.decision, decoder.trained.classes
    by_name = {name: _six_digits(value) for name, value in zip(names, values, strict=True)}
    intervals: dict[str, tuple[float, float]] = {}
    if decision.half_widths:
        half_widths = zip(names, decision.half_widths, strict=True)
        intervals = {
            name: (_six_digits(value - half), _six_digits(value + half))
            for value, (name, half) in zip(values, half_widths, strict=True)
        }
    return PredictedValues(path, by_name, intervals, decision.coverage, unknown)


_DECODERS: dict[Task, Callable[[OutputDecoder, str, Array, bool], AnyPrediction]] = {
    Task.CLASSIFICATION: _decode_class,
    Task.MULTILABEL: _decode_labels,
    Task.REGRESSION: _decode_values,
}
