"""Learning rates as functions of the step, which an optimizer takes in place of a number, as in Keras."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from math import ceil, cos, floor, log, pi
from typing import Any

from striate.arguments import check_constructor, check_integer, check_number, describe
from striate.errors import UsageError, nearest


@check_constructor
@dataclass(frozen=True)
class LearningRateSchedule:
    """Base of all schedules: the learning rate of each step since `compile`.

    A custom schedule defines `__call__`. The schedules of `fit(schedule=…)` differ: they are factors of the rate, and
    depend on the total number of steps.

    Attributes:
        name: A name, without effect.
    """

    name: str | None = field(default=None, kw_only=True, repr=False)

    def __call__(self, step: int) -> float:
        """Return the learning rate.

        Args:
            step: The step, from 0.

        Returns:
            The rate.
        """
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, step).")

    def get_config(self) -> dict[str, Any]:
        """Return the settings by name."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LearningRateSchedule":
        """Return a schedule with the settings that `get_config` returned."""
        return cls(**config)

    def to_dict(self) -> dict[str, Any]:
        """Return class and settings as values for JSON.

        Returns:
            The class and settings.

        Raises:
            UsageError: If it is a custom class.
        """
        if SCHEDULES.get(type(self).__name__) is not type(self):
            raise UsageError(f"{type(self).__name__} cannot be saved, because it is not one of {', '.join(SCHEDULES)}.")
        return {"schedule": type(self).__name__} | asdict(self)


@check_constructor
@dataclass(frozen=True)
class _Decay(LearningRateSchedule):
    initial_learning_rate: float
    decay_steps: int

    def __post_init__(self) -> None:
        _check_rate(type(self).__name__, self.initial_learning_rate)
        check_integer("decay_steps", self.decay_steps, 1)


@check_constructor
@dataclass(frozen=True)
class ExponentialDecay(_Decay):
    """η · d^(step / N).

    Attributes:
        initial_learning_rate: η.
        decay_steps: N.
        decay_rate: d.
        staircase: Whether to round step / N down, so that the rate changes every N steps.

    Example:
        >>> from striate.optimizers.schedules import ExponentialDecay
        >>> ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5)(200)
        0.025
    """

    decay_rate: float
    staircase: bool = False

    def __call__(self, step: int) -> float:
        """Return the rate."""
        part = step / self.decay_steps
        return float(self.initial_learning_rate * self.decay_rate ** (floor(part) if self.staircase else part))


@check_constructor
@dataclass(frozen=True)
class InverseTimeDecay(_Decay):
    """η / (1 + d · step / N), what `decay=` of older versions of Keras did with N = 1.

    Attributes:
        initial_learning_rate: η.
        decay_steps: N.
        decay_rate: d.
        staircase: Whether to round step / N down.
    """

    decay_rate: float
    staircase: bool = False

    def __call__(self, step: int) -> float:
        """Return the rate."""
        part = step / self.decay_steps
        return self.initial_learning_rate / (1 + self.decay_rate * (floor(part) if self.staircase else part))


@check_constructor
@dataclass(frozen=True)
class PolynomialDecay(_Decay):
    """From η to e in N steps: (η − e)(1 − step / N)^p + e.

    Attributes:
        initial_learning_rate: η.
        decay_steps: N.
        end_learning_rate: e.
        power: p; 1 is a straight line.
        cycle: Whether to restart after N steps, with N two, three, … times as long, rather than to stay at e.
    """

    end_learning_rate: float = 1e-4
    power: float = 1.0
    cycle: bool = False

    def __call__(self, step: int) -> float:
        """Return the rate."""
        steps: float = self.decay_steps
        if self.cycle:
            steps *= max(1, ceil(step / self.decay_steps))
        rest = 1 - min(step, steps) / steps
        fall = self.initial_learning_rate - self.end_learning_rate
        return float(fall * rest**self.power + self.end_learning_rate)


@check_constructor
@dataclass(frozen=True)
class CosineDecay(_Decay):
    """Half a cosine wave from η, or from the target of a warmup, down to α times it.

    Attributes:
        initial_learning_rate: η.
        decay_steps: Number of steps of the decay, after the warmup.
        alpha: α.
        warmup_target: The rate to which the warmup rises in a straight line; None: no warmup.
        warmup_steps: Number of steps of the warmup.
    """

    alpha: float = 0.0
    warmup_target: float | None = None
    warmup_steps: int = 0

    def __call__(self, step: int) -> float:
        """Return the rate."""
        peak = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return peak + (self.warmup_target - peak) * step / self.warmup_steps
            step, peak = step - self.warmup_steps, self.warmup_target
        wave = (1 + cos(pi * min(step / self.decay_steps, 1))) / 2
        return peak * ((1 - self.alpha) * wave + self.alpha)


@check_constructor
@dataclass(frozen=True)
class CosineDecayRestarts(LearningRateSchedule):
    """Half cosine waves one after another, each longer and lower. Source: Loshchilov and Hutter 2017, "SGDR".

    Attributes:
        initial_learning_rate: η.
        first_decay_steps: Number of steps of the first wave.
        t_mul: How many times longer each wave is than the one before.
        m_mul: How many times higher its peak is.
        alpha: The lowest rate as a part of η.
    """

    initial_learning_rate: float
    first_decay_steps: int
    t_mul: float = 2.0
    m_mul: float = 1.0
    alpha: float = 0.0

    def __post_init__(self) -> None:
        _check_rate("CosineDecayRestarts", self.initial_learning_rate)
        check_integer("first_decay_steps", self.first_decay_steps, 1)
        if self.t_mul < 1:
            raise UsageError(f"CosineDecayRestarts: t_mul must be 1 or more; received {self.t_mul}.")

    def __call__(self, step: int) -> float:
        """Return the rate."""
        part = step / self.first_decay_steps
        if self.t_mul == 1:
            wave = floor(part)
            part -= wave
        else:
            wave = floor(log(1 - part * (1 - self.t_mul)) / log(self.t_mul))
            before = (1 - self.t_mul**wave) / (1 - self.t_mul)
            part = (part - before) / self.t_mul**wave
        height = self.m_mul**wave * (1 + cos(pi * part)) / 2
        return self.initial_learning_rate * ((1 - self.alpha) * height + self.alpha)


@check_constructor
@dataclass(frozen=True)
class PiecewiseConstantDecay(LearningRateSchedule):
    """A constant rate between boundaries.

    Attributes:
        boundaries: Steps in rising order; a rate holds up to and including its boundary.
        values: One rate more than there are boundaries.

    Example:
        >>> from striate.optimizers.schedules import PiecewiseConstantDecay
        >>> rate = PiecewiseConstantDecay([10, 20], [0.1, 0.01, 0.001])
        >>> rate(10), rate(11), rate(21)
        (0.1, 0.01, 0.001)
    """

    boundaries: Sequence[int]
    values: Sequence[float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "boundaries", tuple(self.boundaries))
        object.__setattr__(self, "values", tuple(self.values))
        if len(self.values) != len(self.boundaries) + 1:
            raise UsageError(
                "PiecewiseConstantDecay needs one value more than boundaries; received "
                f"{len(self.boundaries)} boundaries and {len(self.values)} values."
            )
        if list(self.boundaries) != sorted(self.boundaries):
            raise UsageError(f"PiecewiseConstantDecay: boundaries must rise; received {list(self.boundaries)}.")
        for value in self.values:
            _check_rate("PiecewiseConstantDecay", value)

    def __call__(self, step: int) -> float:
        """Return the rate."""
        return self.values[sum(step > boundary for boundary in self.boundaries)]


SCHEDULES: dict[str, type[LearningRateSchedule]] = {
    kind.__name__: kind
    for kind in (
        CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay,
    )
}  # fmt: skip


def schedule_from_dict(settings: Mapping[str, Any]) -> LearningRateSchedule:
    """Make the schedule that `to_dict` described.

    Args:
        settings: What `to_dict` returned.

    Returns:
        The schedule.

    Raises:
        UsageError: If there is no such class or setting.
    """
    values = dict(settings)
    name = values.pop("schedule", None)
    if name not in SCHEDULES:
        raise UsageError(f"There is no learning-rate schedule {describe(name)}.{nearest(str(name), SCHEDULES)}")
    return SCHEDULES[name](**values)


def _check_rate(owner: str, rate: float) -> None:
    if not check_number(f"{owner}: the learning rate", rate) >= 0:
        raise UsageError(f"{owner}: the learning rate must be 0 or more; received {rate}.")
