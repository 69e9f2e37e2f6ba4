"""Learning-rate schedules: the factor of the learning rate as a function of the step."""

import math
from dataclasses import dataclass, fields
from typing import Any, Literal

from striate.arguments import check_constructor, check_integer, check_number, describe
from striate.errors import UsageError, nearest

AnnealStrategy = Literal["cosine", "linear"]


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
class ConstantSchedule(Schedule):
    """A constant learning rate."""

    def __call__(self, step: int, steps: int, epochs: int) -> float:
        """Return 1."""
        return 1.0


@check_constructor
@dataclass(frozen=True)
class OneCycle(Schedule):
    """An increase from 1/div_factor to 1, followed by a decrease to 1/final_div_factor.

    Attributes:
        warmup: The fraction of all steps in which the rate rises, 0 to 1.
        div_factor: The rate begins at the optimizer's divided by this; 1 or more.
        final_div_factor: The rate ends at the optimizer's divided by this; 1 or more.
        anneal_strategy: "cosine" or "linear", of both slopes.

    Source: Smith and Topin 2018, "Super-convergence".
    """

    warmup: float = 0.25
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    anneal_strategy: AnnealStrategy = "cosine"

    def __post_init__(self) -> None:
        for name in ("warmup", "div_factor", "final_div_factor"):
            check_number(f"OneCycle: {name}", getattr(self, name))
        if not 0 <= self.warmup <= 1:
            raise UsageError(f"OneCycle: warmup must be a fraction of the training, 0 to 1; received {self.warmup}.")
        if min(self.div_factor, self.final_div_factor) < 1:
            raise UsageError(
                f"OneCycle: div_factor and final_div_factor must be 1 or more; received {self.div_factor} and "
                f"{self.final_div_factor}."
            )
        if self.anneal_strategy not in ("cosine", "linear"):
            raise UsageError(
                f"OneCycle: anneal_strategy must be 'cosine' or 'linear'; received {self.anneal_strategy!r}."
            )

    def __call__(self, step: int, steps: int, epochs: int) -> float:
        """Return the factor; its peak of 1 is at step warmup · (steps − 1)."""
        last = max(steps - 1, 1)
        peak = self.warmup * last
        if step < peak:
            return self._interpolate(1 / self.div_factor, 1.0, step / peak)
        return self._interpolate(1.0, 1 / self.final_div_factor, (step - peak) / max(last - peak, 1e-12))

    def _interpolate(self, start: float, end: float, part: float) -> float:
        if self.anneal_strategy == "cosine":
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
    """The rate is multiplied by `factor` every `step_size` epochs.

    Attributes:
        factor: Factor of the rate.
        step_size: Number of epochs between two changes, 1 or more.

    Example:
        >>> from striate.training import StepDecay
        >>> [StepDecay(0.5, step_size=1)(step, 3, 3) for step in range(3)]
        [1.0, 0.5, 0.25]
    """

    factor: float = 0.5
    step_size: int = 5

    def __post_init__(self) -> None:
        check_number("StepDecay: factor", self.factor)
        check_integer("StepDecay: step_size", self.step_size, 1)

    def __call__(self, step: int, steps: int, epochs: int) -> float:
        """Return the factor."""
        epoch = step * epochs // max(steps, 1)
        return float(self.factor ** (epoch // self.step_size))


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": ConstantSchedule,
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
        return ConstantSchedule()
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
