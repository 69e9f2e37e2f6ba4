"""Learning-rate schedules: the factor of the learning rate as a function of the step."""

import math
from dataclasses import dataclass, fields
from typing import Any, Literal

from striate.arguments import check_constructor, check_integer, check_number, describe
from striate.errors import UsageError, nearest

Shape = Literal["cosine", "linear"]


@check_constructor
@dataclass(frozen=True)
class Schedule:
    """Base of all schedules."""

    def __call__(self, step: int, steps: int, epochs: int) -> float:
        """Return the factor on the learning rate.

        Args:
            step: The step, 0 … steps − 1.
            steps: Number of steps of the training.
            epochs: Number of its epochs.

        Returns:
            The factor, 0 to 1.
        """
        raise NotImplementedError


@check_constructor
@dataclass(frozen=True)
class Constant(Schedule):
    """A constant learning rate."""

    def __call__(self, step: int, steps: int, epochs: int) -> float:
        """Return 1."""
        return 1.0


@check_constructor
@dataclass(frozen=True)
class OneCycle(Schedule):
    """An increase from 1/start_divisor to 1, followed by a decrease to 1/end_divisor.

    Attributes:
        warmup: The fraction of all steps in which the rate rises, 0 to 1.
        start_divisor: The rate begins at the optimizer's divided by this; 1 or more.
        end_divisor: The rate ends at the optimizer's divided by this; 1 or more.
        shape: "cosine" or "linear", of both slopes.

    Source: Smith and Topin 2018, "Super-convergence".
    """

    warmup: float = 0.25
    start_divisor: float = 25.0
    end_divisor: float = 1e4
    shape: Shape = "cosine"

    def __post_init__(self) -> None:
        for name in ("warmup", "start_divisor", "end_divisor"):
            check_number(f"OneCycle: {name}", getattr(self, name))
        if not 0 <= self.warmup <= 1:
            raise UsageError(f"OneCycle: warmup must be a fraction of the training, 0 to 1; received {self.warmup}.")
        if min(self.start_divisor, self.end_divisor) < 1:
            raise UsageError(
                f"OneCycle: start_divisor and end_divisor must be 1 or more; received {self.start_divisor} and "
                f"{self.end_divisor}."
            )
        if self.shape not in ("cosine", "linear"):
            raise UsageError(f"OneCycle: shape must be 'cosine' or 'linear'; received {self.shape!r}.")

    def __call__(self, step: int, steps: int, epochs: int) -> float:
        """Return the factor; its peak of 1 is at step warmup · (steps − 1)."""
        last = max(steps - 1, 1)
        peak = self.warmup * last
        if step < peak:
            return self._interpolate(1 / self.start_divisor, 1.0, step / peak)
        return self._interpolate(1.0, 1 / self.end_divisor, (step - peak) / max(last - peak, 1e-12))

    def _interpolate(self, start: float, end: float, part: float) -> float:
        if self.shape == "cosine":
            part = (1 - math.cos(math.pi * part)) / 2
        return start + (end - start) * part


@check_constructor
@dataclass(frozen=True)
class Cosine(Schedule):
    """Cosine decay from 1 to `end`.

    Attributes:
        end: The last factor, 0 to 1.

    Example:
        >>> from striate.training import Cosine
        >>> [round(Cosine()(step, 4, 1), 2) for step in range(4)]
        [1.0, 0.85, 0.5, 0.15]

    Source:
        Loshchilov and Hutter 2017, "SGDR", without restarts.
    """

    end: float = 0.0

    def __post_init__(self) -> None:
        check_number("Cosine: end", self.end)

    def __call__(self, step: int, steps: int, epochs: int) -> float:
        """Return the factor."""
        return self.end + (1 - self.end) * (1 + math.cos(math.pi * step / max(steps, 1))) / 2


@check_constructor
@dataclass(frozen=True)
class StepDecay(Schedule):
    """The rate is multiplied by `factor` every `every` epochs.

    Attributes:
        factor: Factor of the rate.
        every: Number of epochs between two changes, 1 or more.

    Example:
        >>> from striate.training import StepDecay
        >>> [StepDecay(0.5, every=1)(step, 3, 3) for step in range(3)]
        [1.0, 0.5, 0.25]
    """

    factor: float = 0.5
    every: int = 5

    def __post_init__(self) -> None:
        check_number("StepDecay: factor", self.factor)
        check_integer("StepDecay: every", self.every, 1)

    def __call__(self, step: int, steps: int, epochs: int) -> float:
        """Return the factor."""
        epoch = step * epochs // max(steps, 1)
        return float(self.factor ** (epoch // self.every))


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Constant,
    "one_cycle": OneCycle,
    "cosine": Cosine,
    "step": StepDecay,
}


def get_schedule(schedule: str | Schedule | None, **settings: Any) -> Schedule:
    """Return a schedule by its name.

    Args:
        schedule: The name, a schedule, or None for a constant learning rate.
        **settings: Settings of the schedule.

    Returns:
        The schedule.

    Raises:
        UsageError: If there is no such schedule or setting.
    """
    if schedule is None:
        return Constant()
    if isinstance(schedule, Schedule):
        return schedule
    if not isinstance(schedule, str):
        raise UsageError(f"schedule must be a name or a Schedule; received {describe(schedule)}.")
    if schedule not in SCHEDULES:
        raise UsageError(f"There is no schedule '{schedule}'.{nearest(schedule, SCHEDULES)}")
    chosen = SCHEDULES[schedule]
    unknown = set(settings) - {field.name for field in fields(chosen)}
    if unknown:
        raise UsageError(f"Schedule '{schedule}' has no setting '{min(unknown)}'.")
    return chosen(**settings)
