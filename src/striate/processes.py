"""Rank and world size of this process in distributed training, as torchrun sets them, and its number of cores."""

import os
from dataclasses import dataclass

VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
UNNAMED = "none"  # torchrun's --rdzv-id if none was given


@dataclass(frozen=True)
class ProcessInfo:
    """The place of a process among those that train together.

    Attributes:
        rank: 0 … world_size − 1, over all machines.
        world_size: Number of processes on all machines.
        local_rank: Rank among the processes on this machine.
        local_world_size: Number of processes on this machine.
        launch: Identifies one start of torchrun, also after it restarted its processes; None without torchrun.
        named: Whether `launch` was given by the user (--rdzv-id), so that it survives a restart of torchrun itself.
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
    """Return the place of this process; rank 0 of 1 without torchrun."""
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
        # The agent that restarts processes is their parent and keeps running.
        launch=f"process {os.getppid()}" if launch == UNNAMED else launch,
        named=named,
        restarted=int(environment.get("TORCHELASTIC_RESTART_COUNT", 0)) > 0,
    )


def cores() -> int:
    """Return how many cores this process may use: its share of those of the machine."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, available // current_process().local_world_size)
