"""Several processes that train together, on one machine or many: PyTorch's process group, as torchrun sets it up."""

import atexit
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch import distributed as dist

from striate.engines.base import Array, Engine
from striate.errors import TrainingError
from striate.network import Network
from striate.processes import Place, cores, place

T = TypeVar("T")

LONGEST_WAIT = timedelta(hours=6)  # for the others, who may be decoding a folder of photographs
CPU = torch.device("cpu")


def join() -> Place:
    """Make a group of the processes that torchrun started, where there are several; returns the place in it."""
    here = place()
    if here.world == 1 or dist.is_initialized():
        return here
    if here.local_world > 1 and os.environ.get("OMP_NUM_THREADS") == "1":  # what torchrun sets, however many cores
        torch.set_num_threads(cores())
    gpu = torch.cuda.is_available()
    if gpu and here.local_rank < torch.cuda.device_count():
        torch.cuda.set_device(here.local_rank)
    with lost_processes():
        dist.init_process_group("cpu:gloo,cuda:nccl" if gpu else "gloo", timeout=LONGEST_WAIT)
    atexit.register(_leave)
    return here


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


@contextmanager
def lost_processes() -> Iterator[None]:
    """Turn PyTorch's errors on processes that no longer answer into a TrainingError."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "gloo" in str(error).lower():
            raise TrainingError(
                "Another process of this training ended or cannot be reached. If it said why, it did so above. "
                "torchrun with --max-restarts starts all of them again, and they go on from the last checkpoint."
            ) from error
        raise


def add_up(tensor: Tensor) -> Tensor:
    """The sum of the processes' tensors, in place."""
    with lost_processes():
        dist.all_reduce(tensor)
    return tensor


class GroupEngine(Engine):
    """An engine that trains together with those of the other processes that torchrun started."""

    def __init__(self, network: Network, weights: Mapping[str, Array], *, dtype: str = "float32") -> None:
        super().__init__(network, weights, dtype=dtype)
        here = join()
        self.rank, self.world = here.rank, here.world

    def total(self, values: Sequence[float]) -> list[float]:
        """Each value summed over all processes."""
        return total(values)

    def share(self, value: T) -> T:
        """The value that the first process has, in all of them."""
        return share(value)

    def gather(self, rows: Array) -> Array:
        """The rows (N, …) of all processes, those of the first first."""
        return gather(rows)


def total(values: Sequence[float]) -> list[float]:
    """Each value summed over all processes."""
    if not dist.is_initialized():
        return list(values)
    sums: list[float] = add_up(torch.tensor(values, dtype=torch.float64)).tolist()
    return sums


def share(value: T) -> T:
    """The value of the first process, in all of them."""
    if not dist.is_initialized():
        return value
    box = [value]
    with lost_processes():
        dist.broadcast_object_list(box, src=0, device=CPU)
    return box[0]


def meet() -> None:
    """Wait until all processes are here."""
    total([0.0])


def gather(rows: Array) -> Array:
    """The rows of all processes, those of the first first."""
    if not dist.is_initialized():
        return rows
    parts: list[Any] = [None] * dist.get_world_size()
    with lost_processes():
        dist.all_gather_object(parts, rows)
    return np.concatenate(parts)
