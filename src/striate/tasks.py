"""What a model predicts: one class, any number of labels, or numeric values; and how its outputs are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any

from striate.errors import UsageError, nearest

COVERAGE = 0.9  # share of new images whose true value a prediction interval contains
MAX_NUMBER = 1e30  # excludes infinity, and what float32 cannot hold


class Task(StrEnum):
    """What is predicted for an image."""

    CLASSIFICATION = "classification"
    """One class of several."""
    MULTILABEL = "multilabel"
    """Any number of labels, also none."""
    REGRESSION = "regression"
    """Numeric values."""

    @property
    def activation(self) -> str:
        """The activation of the network's output."""
        return {Task.CLASSIFICATION: "softmax", Task.MULTILABEL: "sigmoid", Task.REGRESSION: "linear"}[self]

    @property
    def outputs(self) -> str:
        """What the outputs of the network are, in the plural."""
        return {Task.CLASSIFICATION: "classes", Task.MULTILABEL: "labels", Task.REGRESSION: "targets"}[self]

    def counted(self, count: int) -> str:
        """Count the outputs in words.

        Args:
            count: Number of outputs.

        Returns:
            For example "1 target" or "3 classes".
        """
        one = {Task.CLASSIFICATION: "class", Task.MULTILABEL: "label", Task.REGRESSION: "target"}[self]
        return f"1 {one}" if count == 1 else f"{count:,} {self.outputs}"


def get_task(name: str) -> Task:
    """Return a task by its name.

    Args:
        name: The name, or a task.

    Returns:
        The task.

    Raises:
        UsageError: If there is no such task.
    """
    if name not in list(Task):
        raise UsageError(f"There is no task '{name}'.{nearest(name, Task)}")
    return Task(name)


@dataclass(frozen=True)
class Decision:
    """How the outputs of a network become predictions.

    Attributes:
        task: What is predicted.
        thresholds: For multilabel, the probability from which an image has each label, 0 … 1; empty: 0.5 for all.
        half_widths: For regression, half the width of the prediction interval of each number; empty: unknown.
        coverage: The share of new images whose true number the prediction interval is meant to contain, 0 … 1.

    Example:
        >>> Decision.from_dict({"task": "multilabel", "thresholds": [0.4, 0.5]}, 2).thresholds
        (0.4, 0.5)
    """

    task: Task = Task.CLASSIFICATION
    thresholds: tuple[float, ...] = ()
    half_widths: tuple[float, ...] = ()
    coverage: float = COVERAGE

    def thresholds_for(self, labels: int) -> tuple[float, ...]:
        """Return the threshold of each label.

        Args:
            labels: Number of labels.

        Returns:
            The thresholds; 0.5 where none were chosen.
        """
        return self.thresholds or (0.5,) * labels

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as values for JSON."""
        return {
            "task": str(self.task), "thresholds": list(self.thresholds), "half_widths": list(self.half_widths),
            "coverage": self.coverage,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: Any, outputs: int) -> "Decision":
        """Read what `to_dict` returned.

        Args:
            values: From a file.
            outputs: The number of outputs of the network.

        Returns:
            The decision.

        Raises:
            ValueError: If an entry is missing, unknown or out of range.
        """
        if not isinstance(values, Mapping) or not set(values) <= {"task", "thresholds", "half_widths", "coverage"}:
            raise ValueError(f"'decision' must contain a task and its thresholds, but is {values!r:.60}")
        if values.get("task") not in list(Task):
            raise ValueError(f"its task must be one of {', '.join(Task)}, but is {values.get('task')!r:.40}")
        coverage = values.get("coverage", COVERAGE)
        (coverage,) = _numbers("coverage", [coverage], 1, 1)
        return cls(
            Task(values["task"]), _numbers("thresholds", values.get("thresholds", []), outputs, 1),
            _numbers("half_widths", values.get("half_widths", []), outputs, MAX_NUMBER), coverage,
        )  # fmt: skip


def _numbers(name: str, values: Any, count: int, maximum: float) -> tuple[float, ...]:
    """Return numbers in 0 … `maximum`, one for each output or none."""
    valid = isinstance(values, list | tuple) and len(values) in (0, count)
    if not valid or not all(_is_number(value) and 0 <= value <= maximum for value in values):
        raise ValueError(f"its {name} must be {count} numbers from 0 to {maximum:g}, but are {values!r:.60}")
    return tuple(map(float, values))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
