"""Which of the processes that train together this one is, as torchrun tells each of them by its environment."""

import os
from dataclasses import dataclass

NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
NO_NAME = "none"  # torchrun's --rdzv-id where none was given


@dataclass(frozen=True)
class ProcessInfo:
    """rank: 0 … world − 1, over all machines. local_rank, local_world_size: the same on this machine alone.

    launch: what all processes of one torchrun share, also after it started them again; None without torchrun.
    named: whether that is a name of its own, --rdzv-id, which it keeps when torchrun itself is started anew.
    restarted: whether torchrun has started this one again.
    """

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    local_world_size: int = 1
    launch: str | None = None
    named: bool = False
    restarted: bool = False


def current_process() -> ProcessInfo:
    """The place of the process that asks; that of a process alone where nothing is said of others."""
    said = os.environ
    if any(name not in said for name in NEEDED):
        return ProcessInfo()
    launch = said.get("TORCHELASTIC_RUN_ID")
    named = launch not in (None, NO_NAME)
    return ProcessInfo(
        rank=int(said["RANK"]),
        world_size=int(said["WORLD_SIZE"]),
        local_rank=int(said.get("LOCAL_RANK", 0)),
        local_world_size=int(said.get("LOCAL_WORLD_SIZE", 1)),
        # The agent that starts processes again is their parent, and stays.
        launch=f"process {os.getppid()}" if launch == NO_NAME else launch,
        named=named,
        restarted=int(said.get("TORCHELASTIC_RESTART_COUNT", 0)) > 0,
    )


def cores() -> int:
    """How many cores this process may use: its part of the machine's."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, here // current_process().local_world_size)
