"""Run `striate` such that the last process fails once in the middle of the second epoch.

Arguments: "killed" (the process dies), "lost" (with torchrun, as when its machine fails) or "stopped" (torchrun is
asked to stop, and signals its processes), then those of striate.
"""

import os
import signal
import sys
import time
from pathlib import Path

from striate.cli import main
from striate.processes import current_process
from striate.training import loop
from striate.training.samples import Samples
from striate.training.signals import Interrupt

FAILED = Path("failed")  # in the folder in which the process was started


def fail(failure: str, interrupt: Interrupt) -> None:
    FAILED.touch()
    if failure == "stopped":
        os.kill(os.getppid(), signal.SIGTERM)
        while not interrupt.pending:
            time.sleep(0.01)
        return
    if failure == "lost":
        os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


class Loop(loop._Loop):
    def _train_step(self, batch: Samples, count: int, rate: float) -> None:
        super()._train_step(batch, count, rate)
        last = current_process().rank == current_process().world_size - 1
        if last and (self.position.epoch, self.position.batch) == (1, 3) and not FAILED.exists():
            fail(failure, self.interrupt)


if __name__ == "__main__":
    failure = sys.argv.pop(1)
    loop._Loop = Loop  # type: ignore[misc]
    main()
