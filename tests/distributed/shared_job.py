"""Run `striate` commands one after the other, and write which process stores which batch of rows.

Arguments: "killed" (the last process dies at its second batch, once) or "undisturbed", then the commands, each after a
"+".
"""

import itertools
import os
import signal
import sys
from pathlib import Path

from striate.cli import main
from striate.files import atomic_write
from striate.processes import current_process
from striate.workflows import shared_rows

FAILED, STORED = Path("failed"), Path("stored")  # in the folder in which the process was started
RANK, LAST = current_process().rank, current_process().world_size - 1
calls = itertools.count(1)


def noted_write(path: Path, content: bytes) -> None:
    if failure == "killed" and RANK == LAST and next(calls) == 2 and not FAILED.exists():
        FAILED.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    atomic_write(path, content)
    with STORED.open("a") as file:
        file.write(f"{RANK} {path.parts[-3]} {path.name}\n")


if __name__ == "__main__":
    failure, arguments = sys.argv[1], sys.argv[2:]
    vars(shared_rows).update(atomic_write=noted_write, BATCH_SIZE=4)
    while arguments:
        end = arguments.index("+", 1) if "+" in arguments[1:] else len(arguments)
        sys.argv[1:], arguments = arguments[1:end], arguments[end:]
        try:
            main()
        except SystemExit as stop:
            if stop.code:
                raise
