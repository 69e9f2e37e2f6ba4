"""Several processes that train together, on one machine or many: PyTorch's process group, as torchrun sets it up."""

import atexit
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any, TypeVar
from uuid import uuid4

import numpy as np
import torch
from torch import Tensor
from torch import distributed as dist
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from striate._types import Array
from striate.engines.base import Engine
from striate.errors import TrainingError
from striate.network import Network
from striate.processes import ProcessInfo, cores, current_process

T = TypeVar("T")

LONGEST_WAIT = timedelta(hours=6)  # for the others, who may be decoding a folder of photographs
CPU = torch.device("cpu")
PAUSE = 0.02  # seconds


def join() -> ProcessInfo:
    """Make a group of the processes that torchrun started, where there are several; returns the place in it."""
    here = current_process()
    if here.world_size == 1 or dist.is_initialized():
        return here
    if here.local_world_size > 1 and os.environ.get("OMP_NUM_THREADS") == "1":  # what torchrun sets, however many cores
        torch.set_num_threads(cores())
    gpu = torch.cuda.is_available()
    if gpu and here.local_rank < torch.cuda.device_count():
        torch.cuda.set_device(here.local_rank)
    with lost_processes():
        store, rank, world_size = next(rendezvous("env://", timeout=LONGEST_WAIT))
        store = PrefixStore(_name_of_start(store, rank, world_size), store)
        backend = "cpu:gloo,cuda:nccl" if gpu else "gloo"
        dist.init_process_group(backend, store=store, rank=rank, world_size=world_size, timeout=LONGEST_WAIT)
    atexit.register(_leave)
    return here


def _name_of_start(store: Store, rank: int, world_size: int) -> str:
    """A name that the processes agree on, and that those which torchrun started before them did not have.

    torchrun's store still holds where those could be reached, and PyTorch would try to reach them there
    (pytorch/pytorch, issue 167288).
    """
    store.set(f"here/{rank}", uuid4().hex)
    while True:
        name = sha256(b"".join(store.multi_get([f"here/{other}" for other in range(world_size)]))).hexdigest()
        store.set(f"seen/{rank}", name)
        if set(store.multi_get([f"seen/{other}" for other in range(world_size)])) == {name.encode()}:
            return name
        time.sleep(PAUSE)


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


def all_reduce_sum(tensor: Tensor) -> Tensor:
    """The sum of the processes' tensors, in place."""
    with lost_processes():
        dist.all_reduce(tensor)
    return tensor


class GroupEngine(Engine):
    """An engine that trains together with those of the other processes that torchrun started."""

    def __init__(self, network: Network, weights: Mapping[str, Array], *, dtype: str = "float32") -> None:
        super().__init__(network, weights, dtype=dtype)
        here = join()
        self.rank, self.world_size = here.rank, here.world_size

    def sum_over_processes(self, values: Sequence[float]) -> list[float]:
        """Each value summed over all processes."""
        return total(values)

    def broadcast(self, value: T) -> T:
        """The value that the first process has, in all of them."""
        return share(value)

    def gather(self, rows: Array) -> Array:
        """The rows (N, …) of all processes, those of the first first."""
        return gather(rows)


def total(values: Sequence[float]) -> list[float]:
    """Each value summed over all processes."""
    if not dist.is_initialized():
        return list(values)
    sums: list[float] = all_reduce_sum(torch.tensor(values, dtype=torch.float64)).tolist()
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
