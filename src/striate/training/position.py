"""The state of training between two steps, as saved in checkpoints: typed records with bounds."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

COMPATIBLE_TYPES = ((float, int), (str,), (list, tuple, np.ndarray), (dict,))
MAX_COUNT = 10**15  # number of steps, epochs or samples


@dataclass
class Position:
    """The state of training between two steps.

    Attributes:
        cycle_end: The epoch at which the schedule ends.
        cycle_start: The epoch at which it began; extending a finished run begins a new cycle.
        epoch: The current epoch, from 0.
        batch: Number of its batches that are done.
        stopped: Whether a callback ended the cycle.
        count: Number of samples of the epoch used so far.
        sums: Sums of the loss and those of the metrics over these samples.
    """

    cycle_end: int
    cycle_start: int = 0
    epoch: int = 0
    batch: int = 0
    stopped: bool = False
    count: int = 0
    sums: list[float] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether the cycle is over."""
        return self.stopped or self.epoch >= self.cycle_end


@dataclass
class Counters:
    """The counters, loss and metrics of a model during training.

    Attributes:
        iterations: Steps done.
        epochs_done: Epochs done.
        learning_rate: The optimizer's learning rate, without the schedule's factor.
        figures: Loss and metrics of the last epoch.
    """

    iterations: int
    epochs_done: int
    learning_rate: float
    figures: dict[str, float]


@dataclass
class TrainingState:
    """The content of a checkpoint besides weights and the state of the optimizer.

    Attributes:
        position: The position in the training.
        model: The model's counters.
        callbacks: The state of each callback, by its name.
    """

    position: Position
    model: Counters
    callbacks: dict[str, dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Return the state as dictionaries, lists, numbers and arrays."""
        return {"position": asdict(self.position), "model": asdict(self.model), "callbacks": self.callbacks}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], steps: int, sums: int) -> "TrainingState":
        """Return the state that `to_dict` described.

        Args:
            values: Content of a file, not validated yet.
            steps: The number of steps in an epoch.
            sums: The number of sums: one of the loss, and those of the metrics.

        Returns:
            The state.

        Raises:
            ValueError: If an entry is missing, unknown or invalid.
        """
        parts = _check_entries(values, {"position": dict, "model": dict, "callbacks": dict})
        position = Position(**_check_entries(parts["position"], {
            "cycle_end": int, "cycle_start": int, "epoch": int, "batch": int, "stopped": bool, "count": int,
            "sums": list,
        }))  # fmt: skip
        if not (position.cycle_start <= position.epoch <= position.cycle_end and position.batch <= steps):
            raise ValueError(f"epoch {position.epoch} and batch {position.batch} are outside the training")
        if position.sums and len(position.sums) != sums:
            raise ValueError(f"'sums' has {len(position.sums)} values, expected {sums}")
        if position.batch and not (position.count and position.sums):
            raise ValueError("'count' and 'sums' are missing in the middle of an epoch")
        model = Counters(**_check_entries(parts["model"], {
            "iterations": int, "epochs_done": int, "learning_rate": float, "figures": dict,
        }))  # fmt: skip
        if not (math.isfinite(model.learning_rate) and model.learning_rate >= 0):
            raise ValueError(f"'learning_rate' is {model.learning_rate}")
        for number in (*position.sums, *model.figures.values()):
            if not isinstance(number, int | float):
                raise ValueError(f"expected a number, received {number!r:.60}")
        if not all(isinstance(state, dict) for state in parts["callbacks"].values()):
            raise ValueError("the state of a callback is not an object")
        return cls(position, model, parts["callbacks"])


def restore_attributes(owner: object, names: tuple[str, ...], values: Mapping[str, Any]) -> None:
    """Set the named attributes of an object to values of the types that they have.

    Args:
        owner: The object; an attribute that is None takes any value.
        names: The attributes that may be set.
        values: By name.

    Raises:
        ValueError: If a name is not one of these, or a value is of another type.
    """
    kind = type(owner).__name__
    for name, value in values.items():
        if name not in names:
            raise ValueError(f"{kind} has no state '{name:.60}'")
        old = getattr(owner, name, None)
        if old is not None and value is not None and _kind(old) is not _kind(value):
            raise ValueError(f"'{name}' of {kind} is {value!r:.60}, not of type {type(old).__name__}")
    for name, value in values.items():
        setattr(owner, name, value)


def _kind(value: Any) -> type:
    """Return the type; the same for types that JSON does not distinguish."""
    return next((kinds[0] for kinds in COMPATIBLE_TYPES if isinstance(value, kinds)), type(value))


def _check_entries(values: Any, types: Mapping[str, type]) -> dict[str, Any]:
    """Return a dictionary that has exactly these entries, of these types, integers within bounds."""
    if not isinstance(values, dict) or values.keys() != types.keys():
        raise ValueError(f"expected the entries {', '.join(types)}")
    for name, kind in types.items():
        value = values[name]
        accepted = (int, float) if kind is float else kind
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"'{name}' is {value!r:.60}, not of type {kind.__name__}")
        if kind is int and isinstance(value, int) and not 0 <= value <= MAX_COUNT:
            raise ValueError(f"'{name}' is {value!r:.60}")
    return dict(values)
