"""Checkpoints: the complete state of training in one file, so that it resumes exactly."""

import math
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from striate._types import Array, Weights
from striate.engines.weight_files import load_weights, save_weights
from striate.errors import ModelFileError
from striate.files import remove_temporaries

KEPT_CHECKPOINTS = 2
ARRAY = "$array"
NUMBER = "$number"  # NaN or infinity, which JSON does not have


@dataclass
class Checkpoint:
    """The state of training between two steps.

    Attributes:
        weights: The weights by full name.
        slots: The state of the optimizer by name.
        state: Everything else: JSON values, and arrays of callbacks.
    """

    weights: Weights
    slots: Weights
    state: dict[str, Any] = field(default_factory=dict)


class CheckpointFolder:
    """A folder with the newest checkpoints of one training. A checkpoint is kept until the next one is complete."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def begun(self) -> bool:
        """Whether there is a checkpoint to resume from."""
        return bool(self._files())

    def save(self, checkpoint: Checkpoint, step: int) -> Path:
        """Write a checkpoint, then remove all but the two newest.

        Args:
            checkpoint: The checkpoint.
            step: Number of steps so far.

        Returns:
            The path of the file.

        Raises:
            RunError: If the disk is full, or the file cannot be written.
        """
        path = self.path / f"step-{step:010d}.safetensors"
        arrays: Weights = {}
        metadata = {"kind": "checkpoint", "state": _extract_arrays(checkpoint.state, "state", arrays)}
        arrays |= {f"weights:{name}": array for name, array in checkpoint.weights.items()}
        arrays |= {f"slots:{name}": array for name, array in checkpoint.slots.items()}
        save_weights(path, arrays, metadata)
        for old in self._files()[KEPT_CHECKPOINTS:]:
            old.unlink(missing_ok=True)
        return path

    def load(self) -> Checkpoint | None:
        """Return the newest complete checkpoint, or None. Warn of a damaged one and rename it."""
        remove_temporaries(self.path)
        for path in self._files():
            try:
                return _read(path)
            except ModelFileError as error:
                warnings.warn(f"{error} The checkpoint before it is used.", stacklevel=2)
                path.replace(path.with_suffix(".damaged"))
        return None

    def read_all(self) -> list[tuple[int, Checkpoint]]:
        """Return all checkpoints with the numbers of steps before them, the oldest first; without damaged ones."""
        found = []
        for path in reversed(self._files()):
            with suppress(ModelFileError, ValueError):
                found.append((int(path.stem.removeprefix("step-")), _read(path)))
        return found

    def _files(self) -> list[Path]:
        """All checkpoints, the newest first."""
        return sorted(self.path.glob("step-*.safetensors"), reverse=True)


def _read(path: Path) -> Checkpoint:
    arrays, metadata = load_weights(path)
    if metadata.get("kind") != "checkpoint":
        raise ModelFileError(f"'{path}' is not a checkpoint.")
    try:
        state = _insert_arrays(metadata["state"], arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFileError(f"'{path}' is damaged: its state cannot be read.") from error
    if not isinstance(state, dict):
        raise ModelFileError(f"'{path}' is damaged: its state is not an object.")
    return Checkpoint(_part(arrays, "weights:"), _part(arrays, "slots:"), state)


def _part(arrays: Mapping[str, Array], prefix: str) -> Weights:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _extract_arrays(value: Any, place: str, arrays: Weights) -> Any:
    """Move all arrays in a value to `arrays`; return the value with references to them."""
    if isinstance(value, np.ndarray):
        arrays[place] = value
        return {ARRAY: place}
    if isinstance(value, Mapping):
        return {key: _extract_arrays(item, f"{place}/{key}", arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_extract_arrays(item, f"{place}/{index}", arrays) for index, item in enumerate(value)]
    if isinstance(value, np.generic):
        value = value.item()
    return {NUMBER: str(value)} if isinstance(value, float) and not math.isfinite(value) else value


def _insert_arrays(value: Any, arrays: Mapping[str, Array]) -> Any:
    if isinstance(value, dict):
        if set(value) == {ARRAY}:
            return arrays[value[ARRAY]]
        if set(value) == {NUMBER}:
            return float(value[NUMBER])
        return {key: _insert_arrays(item, arrays) for key, item in value.items()}
    if isinstance(value, list):
        return [_insert_arrays(item, arrays) for item in value]
    return value
