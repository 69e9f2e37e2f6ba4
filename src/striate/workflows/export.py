"""Write a trained classifier as an ONNX file, once the file's answers are found to be the original's."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from striate._types import Array
from striate.data.workers import progress
from striate.engines.onnxruntime import open_session
from striate.errors import ModelFileError, UsageError
from striate.files import atomic_write
from striate.network import Network
from striate.onnx.export import to_onnx
from striate.workflows.ensemble import as_one
from striate.workflows.evidence import Evidence, gather
from striate.workflows.trained import THRESHOLD, TrainedModel

SUFFIX = ".onnx"
AT_ONCE = 32  # pictures
FEWEST, MOST = 64, 10_000  # pictures to compare on, unless there are fewer
COST, BYTES = 400e9, 256e6  # multiply-adds and pixels, at most, of all pictures together
# How far probabilities may lie apart: by rounding; where pixels of a resize inside the model are rounded otherwise.
ROUNDING, RESIZING = 1e-3, 5e-2


@dataclass(frozen=True)
class Exported:
    """images: how many were compared, and what they are. agreement: the part on which file and original name the same

    class. difference: the largest between two probabilities. accuracy: of original and file, where labels are known.
    """

    path: Path
    bytes: int
    images: str
    agreement: float
    difference: float
    accuracy: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()


def export(
    trained: TrainedModel, path: str | os.PathLike[str], *, int8: bool = False, resize: bool = False,
    pictures: Sequence[str] = (),
) -> Exported:  # fmt: skip
    """Write the model, or the ensemble as one that averages, to an ONNX file.

    int8: quantised, a quarter of the size. resize: the file takes pictures of any size. pictures: files and folders to
    compare on; without them the test images of the data that the model was trained on.
    Raises UsageError for what cannot be exported, and where the path holds another program's file; ModelFileError, and
    writes nothing, where the file's answers are not the original's, but for int8, which rounds.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise UsageError(f"An ONNX file ends in {SUFFIX}; received {path}.")
    _check_free(path)
    network, weights = as_one(trained.models)
    told = {THRESHOLD: trained.threshold, "fingerprint": trained.fingerprint}
    policy = trained.policy.to_dict()
    model = to_onnx(network, weights, classes=trained.classes, policy=policy, resize=resize, metadata=told)
    evidence = gather(trained, pictures, _affordable(network))
    original, found = _answers(trained, model, evidence, resize)
    _check(original, found, evidence, RESIZING if resize else ROUNDING)
    if int8:
        model = _quantized(model, evidence.calibration)
        found = _of_file(model, evidence.x, evidence.what)
    atomic_write(path, model)
    return _summary(path, len(model), evidence, original, found)


def _check_free(path: Path) -> None:
    """Raise UsageError where another program's file would be lost; an older export may be replaced."""
    if path.is_file() and not _exported(path):
        raise UsageError(f"{path} is there already, and is no export of Striate. Choose another name, or remove it.")


def _exported(path: Path) -> bool:
    """Whether Striate wrote the file."""
    from striate.onnx.importing.read import read_onnx

    try:
        return THRESHOLD in read_onnx(path).metadata  # a quantiser puts itself in as the producer
    except ModelFileError:
        return False


def _affordable(network: Network) -> int:
    """How many pictures can be compared on in seconds rather than minutes."""
    each = max(network.multiply_adds / COST, prod(network.input_shapes[0]) / BYTES)
    return int(np.clip(1 / each, FEWEST, MOST))


def _answers(trained: TrainedModel, model: bytes, evidence: Evidence, resize: bool) -> tuple[Array, Array]:
    """Probabilities (N, classes) of the original and of the file."""
    if not resize:
        return _of_original(trained, evidence.x, evidence.what), _of_file(model, evidence.x, evidence.what)
    session = open_session(model)
    brought, found = [], []
    with progress(f"ONNX on {evidence.what}", len(evidence.x)) as advance:
        for row in range(len(evidence.x)):
            picture = evidence.full(row)
            brought.append(trained.policy.apply(picture))
            found.append(session([picture[None]])[0])
            advance(1)
    return _of_original(trained, np.stack(brought), evidence.what), np.concatenate(found)


def _of_original(trained: TrainedModel, x: Array, what: str) -> Array:
    return _in_parts(trained.probabilities, x, f"original on {what}")


def _of_file(model: bytes, x: Array, what: str) -> Array:
    session = open_session(model)
    return _in_parts(lambda part: session([part])[0], x, f"ONNX on {what}")


def _in_parts(run: Callable[[Array], Array], x: Array, title: str) -> Array:
    with progress(title, len(x)) as advance:
        parts = []
        for part in _batches(x, AT_ONCE):
            parts.append(run(part))
            advance(len(part))
    return np.concatenate(parts)


def _batches(x: Array, size: int) -> Iterator[Array]:
    return (x[start : start + size] for start in range(0, len(x), size))


def _quantized(model: bytes, x: Array) -> bytes:
    from striate.onnx.export.quantize import quantize

    return quantize(model, ([part] for part in _batches(x, 1)))


def _check(original: Array, found: Array, evidence: Evidence, tolerance: float) -> None:
    """Raise ModelFileError where a probability differs by more than the tolerance, or is no number.

    Where none does, the class is the same on every picture but where the original itself is undecided.
    """
    away = np.abs(original - found).max(axis=1)
    wrong = ~(away <= tolerance)
    if wrong.any():
        row = int(np.argmax(np.where(np.isnan(away), np.inf, away)))
        where = "" if evidence.files is None else f", most on {evidence.files[row]}"
        raise ModelFileError(
            f"The ONNX file was not written: on {wrong.sum():,} of {evidence.what} its answers are not the original's; "
            f"probabilities differ by up to {away[row]:.2g}{where}. This is a fault of Striate; please report it."
        )


def _summary(path: Path, size: int, evidence: Evidence, original: Array, found: Array) -> Exported:
    chosen, taken = original.argmax(axis=1), found.argmax(axis=1)
    accuracy = None
    if evidence.labels is not None:
        accuracy = float((chosen == evidence.labels).mean()), float((taken == evidence.labels).mean())
    agreement, difference = float((chosen == taken).mean()), float(np.abs(original - found).max())
    return Exported(path, size, evidence.what, agreement, difference, accuracy, evidence.notes)
