"""Run `striate`, and write which process stores which batch of features, or predicts which files.

Arguments: "killed" (the last process dies at its second batch, once) or "undisturbed", then those of striate.
"""

import itertools
import os
import signal
import sys
from pathlib import Path
from typing import Any

from striate.cli import main
from striate.files import atomic_write
from striate.processes import current_process
from striate.transfer.features import Batch, FeatureComputer
from striate.workflows import shared_features

FAILED, STORED = Path("failed"), Path("stored")  # in the folder in which the process was started
RANK, LAST = current_process().rank, current_process().world_size - 1
rows = FeatureComputer.rows
calls = itertools.count(1)


def fail() -> None:
    """Die at the second call."""
    if failure == "killed" and RANK == LAST and next(calls) == 2 and not FAILED.exists():
        FAILED.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def failing_rows(self: FeatureComputer, batch: Batch) -> Any:
    fail()
    return rows(self, batch)


def noted_write(path: Path, content: bytes) -> None:
    atomic_write(path, content)
    with STORED.open("a") as file:
        file.write(f"{RANK} {path.name}\n")


if __name__ == "__main__":
    failure = sys.argv.pop(1)
    FeatureComputer.rows = failing_rows  # type: ignore[method-assign]
    vars(shared_features)["atomic_write"] = noted_write
    main()
