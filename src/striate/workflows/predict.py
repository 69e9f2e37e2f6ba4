"""Say what picture files show, and how surely."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from striate._types import Array
from striate.data.workers import cut, in_order, progress
from striate.errors import DataError
from striate.images import find_images
from striate.workflows.trained import TrainedModel

AT_ONCE = 32  # pictures that a thread decodes before the network sees them


@dataclass(frozen=True)
class Prediction:
    """probability: of the label, 0 … 1. unknown: whether it is not to be trusted: see `TrainedModel.answer`."""

    path: str
    label: str
    probability: float
    unknown: bool


@dataclass(frozen=True)
class Fault:
    """Why a file or folder has no prediction."""

    path: str
    reason: str


def find(paths: Iterable[str]) -> tuple[list[Path], list[Fault]]:
    """All pictures that these files and folders stand for, each once, and the paths that stand for none."""
    found: dict[Path, None] = {}
    faults = []
    for path in paths:
        try:
            found |= dict.fromkeys(find_images([path]))
        except (DataError, OSError) as error:
            faults.append(Fault(path, str(error)))
    return list(found), faults


def predict(trained: TrainedModel, files: Sequence[Path]) -> Iterator[Prediction | Fault]:
    """One answer for each file, in order; a file that cannot be read gets a Fault."""
    parts = [[files[row] for row in rows] for rows in cut(len(files), AT_ONCE)]
    with progress("looking at pictures", len(files)) as advance:
        reads = in_order(lambda part: [_read(trained, file) for file in part], parts)  # ahead of the network
        for part, read in zip(parts, reads, strict=True):
            yield from _answer(trained, part, read)
            advance(len(part))


def _read(trained: TrainedModel, file: Path) -> Array | str:
    """Its pixels (H, W, C), or why it cannot be read."""
    try:
        return trained.policy.read(file)
    except DataError as error:
        return str(error)


def _answer(trained: TrainedModel, files: Sequence[Path], read: Sequence[Array | str]) -> Iterator[Prediction | Fault]:
    pictures = [pixels for pixels in read if not isinstance(pixels, str)]
    rows: Iterator[tuple[Array, Any]] = zip(*trained.answer(np.stack(pictures)), strict=True) if pictures else iter(())
    for file, pixels in zip(files, read, strict=True):
        if isinstance(pixels, str):
            yield Fault(str(file), pixels)
            continue
        row, unknown = next(rows)
        best, top = int(row.argmax()), float(row.max())
        yield Prediction(str(file), trained.classes[best], round(top, 6), bool(unknown))
