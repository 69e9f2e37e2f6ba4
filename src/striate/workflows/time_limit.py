"""How long training may take (`--minutes`), and how fast this machine is now, measured on a few images."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from striate.data.parallel import map_ordered
from striate.errors import DataError
from striate.images import ImagePolicy
from striate.processes import cores
from striate.training.callbacks import Callback
from striate.transfer.bases import open_base

Clock = Callable[[], float]
TRIAL_IMAGES = 8  # for each core, in one step of the trial
TRIAL_SECONDS = 1.0  # after which no further step begins
FINAL_SECONDS = 2.5  # of one core, for the detector of unknown images, the evaluation and the report
CLASS_SECONDS = 0.008  # of it, for each class
PACE_SECONDS = 5.0  # the pace is that of the last 5 to 10 seconds


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
        return self.end - self.clock() - (FINAL_SECONDS + CLASS_SECONDS * self.classes) * self.pace()

    def pace(self) -> float:
        """Return how long a second of processor time has lately taken, at least 1; other programs make it longer."""
        now = self.clock(), self.processor()
        if not self._marks or now[0] - self._marks[-1][0] >= PACE_SECONDS:
            self._marks.append(now)
        seconds, used = now[0] - self._marks[0][0], now[1] - self._marks[0][1]
        return max(1.0, seconds / max(used, 0.1 * seconds)) if seconds > 0 else 1.0


class StopInTime(Callback):
    """Stop training before an epoch that would exceed the time limit, and within one that does.

    Args:
        seconds: How long the training may take.
        clock: Returns the time in seconds.
    """

    def __init__(self, seconds: float, clock: Clock = time.monotonic) -> None:
        """Store the limit; the time is measured from the start of training."""
        super().__init__()
        self.seconds, self.clock = seconds, clock
        self.end = self.began = 0.0

    def on_train_begin(self, logs: object = None) -> None:
        """Set the time at which training must end."""
        self.end = self.clock() + self.seconds

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        """Record when the epoch begins."""
        self.began = self.clock()

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        """Stop within the epoch if the time is over."""
        if self.clock() > self.end:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        """Stop if another epoch as long as this one would end too late."""
        now = self.clock()
        if now + (now - self.began) > self.end:
            self.model.stop_training = True


def seconds_per_image(base: str, files: Sequence[Path], size: int, clock: Clock = time.monotonic) -> float:
    """Measure how long it takes to read images and to compute their features, divided among all cores.

    Args:
        base: Id of the base.
        files: Image files, of which some are read; unreadable ones are skipped.
        size: Height and width of the input in pixels.
        clock: Returns the time in seconds.

    Returns:
        Seconds for one image on one core, at the present load of the machine.

    Raises:
        DataError: If none of the first files can be read.
    """
    from striate.engines.onnxruntime import OnnxEngine

    opened, policy = open_base(base, (size, size, 3)), ImagePolicy(size, size)
    engine = OnnxEngine(opened.network, opened.weights)
    engine.forward([np.zeros((1, *policy.shape), np.uint8)])  # prepares the session
    step = TRIAL_IMAGES * cores()
    chosen, count, began = cycle(files[:: max(1, len(files) // (4 * step))]), 0, clock()
    while count == 0 or clock() - began < TRIAL_SECONDS:
        read = [x for x in map_ordered(lambda file: _read(file, policy), islice(chosen, step)) if x is not None]
        if not read:
            raise DataError(f"None of the images that were tried can be read, such as '{files[0]}'.")
        engine.forward([np.stack(read)])
        count += len(read)
    return (clock() - began) / count * cores()


def _read(file: Path, policy: ImagePolicy) -> np.ndarray | None:
    try:
        return policy.read(file)
    except DataError:
        return None
