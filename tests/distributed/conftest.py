"""Several processes on this machine, started as a person starts them: by torchrun."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import striate

SOURCE = Path(striate.__file__).parents[1]
Finished = subprocess.CompletedProcess[str]
Torchrun = Callable[..., Finished]

pytest.importorskip("torch", reason="several processes train together on PyTorch, which is not installed")


def environment() -> dict[str, str]:
    """That of a person who has set nothing, warnings being errors."""
    kept = {name: value for name, value in os.environ.items() if name not in ("STRIATE_DEBUG", "OMP_NUM_THREADS")}
    return kept | {"PYTHONPATH": str(SOURCE), "PYTHONIOENCODING": "utf-8", "STRIATE_CACHE": str(Path.cwd())}


def torchrun(processes: int, *args: str | Path) -> list[str]:
    """The command for `torchrun --nproc-per-node N ARGS`; for one process, without torchrun."""
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)] if processes > 1 else []
    return [sys.executable, *launcher, *map(str, args)]


def run(processes: int, *args: str | Path, cwd: Path) -> Finished:
    """Run the command to its end."""
    return subprocess.run(
        torchrun(processes, *args), cwd=cwd, env=environment(), capture_output=True, encoding="utf-8", check=False,
        timeout=120,
    )  # fmt: skip
