"""Stop training in time (`--minutes`), and measure on a few images how fast this machine is now."""

import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from striate.data.parallel import map_ordered
from striate.errors import DataError
from striate.images import ImagePolicy
from striate.processes import cores
from striate.time_limit import Clock
from striate.training.callbacks import Callback
from striate.transfer.bases import open_base

TRIAL_IMAGES_PER_CORE = 8  # number of images of one step of the trial
TRIAL_SECONDS = 1.0  # no step of the trial begins after this time


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
    step = TRIAL_IMAGES_PER_CORE * cores()
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
