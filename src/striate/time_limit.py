"""Limits on the time that a program may take (`--minutes`)."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

Clock = Callable[[], float]  # returns a time in seconds
Remaining = Callable[[], float]  # returns the seconds that are left

FINAL_SECONDS = 2.5  # time of one core for the open-set detector, the evaluation and the report
FINAL_SECONDS_PER_CLASS = 0.008
PACE_SECONDS = 5.0  # the pace is that of the last 5 to 10 seconds


def no_time_limit() -> float:
    """Return infinity: time is not limited."""
    return inf


def share_of(remaining: Remaining, trainings: int) -> Remaining:
    """Divide the time that is left among several trainings of the same length.

    Args:
        remaining: Returns how many seconds are left for all of them.
        trainings: The number of trainings that are not done.

    Returns:
        A function that returns how many seconds are left for the next of them.
    """
    if remaining() == inf:
        return remaining
    reserved = remaining() * (1 - 1 / trainings)
    return lambda: remaining() - reserved


@dataclass(eq=False)
class TimeLimit:
    """A limit on the time from now on.

    Attributes:
        end: Time of the clock at which everything should be finished.
        clock: Returns the time in seconds.
        processor: Returns the processor time of this process in seconds.
        classes: The number of classes, once it is known.
    """

    end: float
    clock: Clock = time.monotonic
    processor: Clock = time.process_time
    classes: int = 0
    _marks: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=2))  # times of both clocks

    @classmethod
    def start(cls, minutes: float, clock: Clock = time.monotonic, processor: Clock = time.process_time) -> "TimeLimit":
        """Return a limit that began with the program, which has used its processor time since then.

        Args:
            minutes: How long everything may take.
            clock: Returns the time in seconds.
            processor: Returns the processor time of this process in seconds.

        Returns:
            The limit.
        """
        now = clock(), processor()
        return cls(now[0] - now[1] + 60 * minutes, clock, processor, _marks=deque([now], maxlen=2))

    def remaining(self) -> float:
        """Return the seconds that are left for training, without those that will be needed after it."""
        return self.end - self.clock() - (FINAL_SECONDS + FINAL_SECONDS_PER_CLASS * self.classes) * self.pace()

    def pace(self) -> float:
        """Return how long a second of processor time has lately taken, at least 1; other programs make it longer."""
        now = self.clock(), self.processor()
        if not self._marks or now[0] - self._marks[-1][0] >= PACE_SECONDS:
            self._marks.append(now)
        seconds, used = now[0] - self._marks[0][0], now[1] - self._marks[0][1]
        return max(1.0, seconds / max(used, 0.1 * seconds)) if seconds > 0 else 1.0
