"""Rank and world size of this process, as set by torchrun, and the processor and the cores that it may use."""

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
BACKGROUND_NICENESS = 10  # about a tenth of the processor time of a thread with the usual priority, if both need it
UNNAMED = "none"  # torchrun's default for --rdzv-id


@dataclass(frozen=True)
class ProcessInfo:
    """A process in distributed training.

    Attributes:
        rank: Rank among the processes on all machines, 0 … world_size − 1.
        world_size: Number of processes on all machines.
        local_rank: Rank among the processes on this machine.
        local_world_size: Number of processes on this machine.
        launch: Identifier of the torchrun launch, unchanged if torchrun restarts its processes; or None.
        named: Whether the user set `launch` with --rdzv-id, so that it is the same if the user starts torchrun again.
        restarted: Whether torchrun has restarted this process.
    """

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    local_world_size: int = 1
    launch: str | None = None
    named: bool = False
    restarted: bool = False


def current_process() -> ProcessInfo:
    """Return rank, world size and launch of this process; rank 0 of 1 without torchrun."""
    environment = os.environ
    if any(name not in environment for name in VARIABLES):
        return ProcessInfo()
    launch = environment.get("TORCHELASTIC_RUN_ID")
    named = launch not in (None, UNNAMED)
    return ProcessInfo(
        rank=int(environment["RANK"]),
        world_size=int(environment["WORLD_SIZE"]),
        local_rank=int(environment.get("LOCAL_RANK", 0)),
        local_world_size=int(environment.get("LOCAL_WORLD_SIZE", 1)),
        # The parent is torchrun's agent, which keeps running when it restarts its processes.
        launch=f"process {os.getppid()}" if launch == UNNAMED else launch,
        named=named,
        restarted=int(environment.get("TORCHELASTIC_RESTART_COUNT", 0)) > 0,
    )


_alone = False  # whether the other processes on this machine wait


def cores() -> int:
    """Return the number of cores that this process may use: its share of the machine's cores."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return available if _alone else max(1, available // current_process().local_world_size)


def lower_thread_priority() -> None:
    """Let the other threads of this process run first, where threads have priorities of their own: on Linux.

    Threads that this thread starts have its priority.
    """
    if platform.system() == "Linux":
        os.nice(BACKGROUND_NICENESS)  # of this thread


@contextmanager
def all_cores() -> Iterator[None]:
    """Let this process use all cores, while the other processes on its machine wait for it."""
    global _alone  # noqa: PLW0603 - a property of the process
    before, _alone = _alone, True
    try:
        yield
    finally:
        _alone = before


def processor() -> str:
    """Return the name of the processor, for example "AMD EPYC 9654 96-Core Processor"; empty if it is unknown."""
    try:
        if platform.system() == "Linux":
            lines = Path("/proc/cpuinfo").read_text("utf-8", errors="replace").splitlines()
            return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
        if platform.system() == "Darwin":
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
    return platform.processor()
