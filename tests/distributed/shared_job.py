"""Run `striate` commands one after the other, and write which process stores which batch of rows.

Arguments: "killed" (the last process dies at its second batch, once), "paused" (it waits there for a file) or
"undisturbed", then the commands, each after a "+".
"""

import itertools
import os
import signal
import sys
import time
from pathlib import Path
from typing import BinaryIO

from striate.cli import main
from striate.data import cache
from striate.files import atomic_write
from striate.processes import current_process
from striate.workflows import shared_rows

FAILED, STORED = Path("failed"), Path("stored")  # in the folder in which the process was started
PAUSED, CONTINUE, WAITS = Path("paused"), Path("continue"), Path("waits")
RANK, LAST = current_process().rank, current_process().world_size - 1
calls = itertools.count(1)


def noted_write(path: Path, content: bytes) -> None:
    if RANK == LAST and next(calls) == 2:
        if failure == "killed" and not FAILED.exists():
            FAILED.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if failure == "paused":
            PAUSED.touch()
            while not CONTINUE.exists():
                time.sleep(0.05)
    atomic_write(path, content)
    with STORED.open("a") as file:
        file.write(f"{RANK} {path.parts[-3]} {path.name}\n")


def noted_wait(file: BinaryIO) -> None:
    WAITS.touch()
    wait(file)


if __name__ == "__main__":
    failure, arguments = sys.argv[1], sys.argv[2:]
    wait, vars(cache)["_wait"] = cache._wait, noted_wait
    vars(shared_rows).update(atomic_write=noted_write, BATCH_SIZE=4)
    while arguments:
        end = arguments.index("+", 1) if "+" in arguments[1:] else len(arguments)
        sys.argv[1:], arguments = arguments[1:end], arguments[end:]
        try:
            main()
        except SystemExit as stop:
            if stop.code:
                raise
