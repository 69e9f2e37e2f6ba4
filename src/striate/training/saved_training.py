"""Compile settings and optimizer state in a model file, with which `fit` continues as if uninterrupted."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np

from striate._types import Array, Weights
from striate.engines.losses import LOSSES
from striate.engines.optimizers import OPTIMIZERS
from striate.engines.schedules import SCHEDULES
from striate.errors import StriateError, UsageError
from striate.training.metrics.base import Metric
from striate.training.metrics.names import CLASSES
from striate.training.position import MAX_COUNT

KINDS: dict[str, type] = {
    **{kind.__name__: kind for kind in (*OPTIMIZERS.values(), *LOSSES.values(), *SCHEDULES.values())},
    **{f"metrics.{name}": kind for name, kind in CLASSES.items()},
}
"""The objects that arguments of compile may contain, by the names in files."""
OBJECT = "object"  # key of the name of a class
PREFIX = "optimizer:"  # prefix of the names of the optimizer's arrays
ENGINE_SETTINGS = ("engine", "device", "precision", "deterministic", "torch_compile")
"""Arguments of compile that may not apply on another machine."""
ARGUMENTS_IN_FILES = {
    "ema_decay": "average", "frozen_layers": "frozen", "global_clipnorm": "clip_norm", "torch_compile": "compiled",
}  # fmt: skip
"""The names of arguments of compile in files, where they differ."""
INVALID = (StriateError, TypeError, ValueError, KeyError, AttributeError, OverflowError)


@dataclass(frozen=True, eq=False)
class SavedTraining:
    """How a model was compiled, and how far it was trained since.

    Attributes:
        arguments: Those of `Model.compile`.
        frozen: Names of the layers whose `trainable` was False.
        seed: Decides the order of the samples and dropout.
        iterations: Steps done since it was compiled.
        epochs_done: Epochs done since it was compiled.
        learning_rate: The optimizer's learning rate.
        slots: The state of the optimizer by name.
    """

    arguments: dict[str, Any]
    frozen: tuple[str, ...]
    seed: int
    iterations: int
    epochs_done: int
    learning_rate: float
    slots: Weights = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Convert everything but the slots to values for JSON.

        Returns:
            The values by name.

        Raises:
            UsageError: If an argument cannot be saved.
        """
        counts = {name: getattr(self, name) for name in ("seed", "iterations", "epochs_done", "learning_rate")}
        arguments = {ARGUMENTS_IN_FILES.get(name, name): value for name, value in self.arguments.items()}
        return counts | {"arguments": _encode(arguments), "frozen": list(self.frozen)}

    @classmethod
    def from_dict(cls, values: Any, slots: Mapping[str, Array], layers: set[str]) -> "SavedTraining":
        """Return what `to_dict` described.

        Args:
            values: Content of a file, not validated yet.
            slots: The state of the optimizer.
            layers: The names of the network's layers.

        Returns:
            The compile settings and the state.

        Raises:
            ValueError: If an entry is missing, unknown or invalid.
        """
        expected = {item.name for item in fields(cls)} - {"slots"}
        if not isinstance(values, dict) or values.keys() != expected:
            raise ValueError(f"expected the entries {', '.join(sorted(expected))}")
        for name in ("seed", "iterations", "epochs_done"):
            count = values[name]
            if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= MAX_COUNT:
                raise ValueError(f"'{name}' is {count!r:.60}")
        rate, frozen = values["learning_rate"], values["frozen"]
        if not isinstance(rate, int | float) or isinstance(rate, bool) or not (math.isfinite(rate) and rate >= 0):
            raise ValueError(f"'learning_rate' is {rate!r:.60}")
        if not isinstance(frozen, list) or not all(isinstance(name, str) and name in layers for name in frozen):
            raise ValueError(f"'frozen' is {frozen!r:.60}")
        try:
            arguments = _decode(values["arguments"])
        except INVALID as error:
            raise ValueError(f"the arguments of compile are invalid: {error}") from error
        if not isinstance(arguments, dict):
            raise ValueError(f"'arguments' is {arguments!r:.60}")
        current = {name: argument for argument, name in ARGUMENTS_IN_FILES.items()}
        arguments = {current.get(name, name): value for name, value in arguments.items()}
        return cls(**(values | {"arguments": arguments, "frozen": tuple(frozen), "slots": dict(slots)}))


def _encode(value: Any) -> Any:
    """Return a value as JSON; objects become dictionaries with the name of their class."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float | np.generic) and np.isfinite(value):
        return value.item() if isinstance(value, np.generic) else value
    if isinstance(value, list | tuple):
        return [_encode(item) for item in value]
    if isinstance(value, Mapping) and OBJECT not in value:
        return {str(key): _encode(item) for key, item in value.items()}
    if isinstance(value, Metric) and KINDS.get(f"metrics.{type(value).__name__}") is type(value):
        arguments, given = value._made_with
        return {OBJECT: f"metrics.{type(value).__name__}", "arguments": _encode(arguments), "settings": _encode(given)}
    if KINDS.get(type(value).__name__) is type(value) and is_dataclass(value):
        settings = {item.name: _encode(getattr(value, item.name)) for item in fields(value) if item.init}
        return {OBJECT: type(value).__name__, "settings": settings}
    name = getattr(value, "__name__", type(value).__name__)
    raise UsageError(f"'{name}' is your own, and a model file contains no code")


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if OBJECT not in value:
        return {key: _decode(item) for key, item in value.items()}
    kind = KINDS.get(value[OBJECT])
    if kind is None:
        raise ValueError(f"there is no object '{value[OBJECT]!s:.60}'")
    settings = {name: _decode(item) for name, item in value["settings"].items()}
    if issubclass(kind, Metric):
        return kind(*_decode(value.get("arguments", [])), **settings)
    return kind(**{name: tuple(item) if isinstance(item, list) else item for name, item in settings.items()})
