"""Short trials of several ways to compute, on this machine and at its present load."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

ROUNDS = 3  # the first warms up
MIN_SECONDS = 30.0  # duration of training from which a trial of another engine, which takes three seconds, may pay
MIN_STEPS, ROUND_SECONDS = 4, 0.2  # of a round: fewer steps of a small network would measure other load on the machine

Clock = Callable[[], float]


def shortest_times(runs: Mapping[str, Callable[[], object]], clock: Clock = time.perf_counter) -> dict[str, float]:
    """Run alternatives in turn, so that other load on the machine affects all of them.

    Args:
        runs: What to run, by name.
        clock: Returns the time in seconds.

    Returns:
        The shortest time of each in seconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            start = clock()
            run()
            seconds[name].append(clock() - start)
    return {name: min(durations) for name, durations in seconds.items()}


@dataclass(frozen=True, eq=False)
class EngineTrial:
    """A training whose engine may be chosen by a trial.

    Attributes:
        steps: The number of steps of the training.
        seconds: Roughly how long it takes.
        prepare: Called with the name of an engine; returns a function that trains for one step.
        clock: Returns the time in seconds.
    """

    steps: int
    seconds: float
    prepare: Callable[[str], Callable[[], object]]
    clock: Clock = time.perf_counter

    def predict(self, *engines: str) -> dict[str, float] | None:
        """Predict how many seconds the training takes with each engine; None if it is too short for a trial."""
        if self.seconds < MIN_SECONDS:
            return None
        count = max(MIN_STEPS, round(ROUND_SECONDS * self.steps / self.seconds))
        found = shortest_times({engine: self._round(engine, count) for engine in engines}, self.clock)
        return {engine: seconds / count * self.steps for engine, seconds in found.items()}

    def _round(self, engine: str, count: int) -> Callable[[], None]:
        step = self.prepare(engine)

        def run() -> None:
            for _ in range(count):
                step()

        return run
