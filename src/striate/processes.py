"""Which of the processes that train together this one is, as torchrun tells each of them by its environment."""

import os
from dataclasses import dataclass

NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
NO_ID = "none"  # torchrun's name for a launch that was given none


@dataclass(frozen=True)
class Place:
    """rank: 0 … world − 1, over all machines. local_rank, local_world: the same on this machine alone.

    launch: what all processes of one torchrun share, also after it started them again; None without torchrun.
    restarted: whether torchrun has started this one again.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1
    launch: str | None = None
    restarted: bool = False


def place() -> Place:
    """The place of the process that asks; that of a process alone where nothing is said of others."""
    said = os.environ
    if any(name not in said for name in NEEDED):
        return Place()
    rank, world = int(said["RANK"]), int(said["WORLD_SIZE"])
    local_rank, local_world = int(said.get("LOCAL_RANK", 0)), int(said.get("LOCAL_WORLD_SIZE", 1))
    return Place(rank, world, local_rank, local_world, _launch(), int(said.get("TORCHELASTIC_RESTART_COUNT", 0)) > 0)


def _launch() -> str | None:
    id = os.environ.get("TORCHELASTIC_RUN_ID")
    # The agent that starts processes again is their parent, and stays.
    return f"process {os.getppid()}" if id == NO_ID else id


def cores() -> int:
    """How many cores this process may use: its part of the machine's."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, here // place().local_world)
