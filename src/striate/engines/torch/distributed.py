"""Distributed training: the process group that torchrun sets up, on one machine or several."""

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

TIMEOUT = timedelta(hours=6)  # another process may be decoding a large folder of images
CPU = torch.device("cpu")
POLL_SECONDS = 0.02


def join_group() -> ProcessInfo:
    """Join the process group, if torchrun started several processes; return this process's place in it."""
    here = current_process()
    if here.world_size == 1 or dist.is_initialized():
        return here
    if here.local_world_size > 1 and os.environ.get("OMP_NUM_THREADS") == "1":  # what torchrun sets, however many cores
        torch.set_num_threads(cores())
    gpu = torch.cuda.is_available()
    if gpu and here.local_rank < torch.cuda.device_count():
        torch.cuda.set_device(here.local_rank)
    with lost_processes():
        store, rank, world_size = next(rendezvous("env://", timeout=TIMEOUT))
        store = PrefixStore(_launch_name(store, rank, world_size), store)
        backend = "cpu:gloo,cuda:nccl" if gpu else "gloo"
        dist.init_process_group(backend, store=store, rank=rank, world_size=world_size, timeout=TIMEOUT)
    atexit.register(_leave)
    return here


def _launch_name(store: Store, rank: int, world_size: int) -> str:
    """Return a name that all processes agree on and that no earlier start of them had.

    torchrun's store still holds the addresses of earlier starts, and PyTorch would try to connect to them
    (pytorch/pytorch, issue 167288).
    """
    store.set(f"here/{rank}", uuid4().hex)
    while True:
        name = sha256(b"".join(store.multi_get([f"here/{other}" for other in range(world_size)]))).hexdigest()
        store.set(f"seen/{rank}", name)
        if set(store.multi_get([f"seen/{other}" for other in range(world_size)])) == {name.encode()}:
            return name
        time.sleep(POLL_SECONDS)


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


@contextmanager
def lost_processes() -> Iterator[None]:
    """Raise TrainingError where PyTorch reports that another process no longer answers."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "gloo" in str(error).lower():
            raise TrainingError(
                "Another process of this training ended or cannot be reached; its own message, if any, is above. "
                "With --max-restarts torchrun restarts all processes, and training continues at the last checkpoint."
            ) from error
        raise


def all_reduce_sum(tensor: Tensor) -> Tensor:
    """Add up the tensors of all processes, in place."""
    with lost_processes():
        dist.all_reduce(tensor)
    return tensor


class DistributedEngine(Engine):
    """An engine that trains with the engines of the other processes that torchrun started."""

    def __init__(self, network: Network, weights: Mapping[str, Array], *, dtype: str = "float32") -> None:
        super().__init__(network, weights, dtype=dtype)
        here = join_group()
        self.rank, self.world_size = here.rank, here.world_size

    def sum_over_processes(self, values: Sequence[float]) -> list[float]:
        """Return each value summed over all processes."""
        return total(values)

    def broadcast(self, value: T) -> T:
        """Return the value of the process with rank 0."""
        return share(value)

    def gather(self, rows: Array) -> Array:
        """Return the rows (N, …) of all processes, in the order of their ranks."""
        return gather(rows)


def total(values: Sequence[float]) -> list[float]:
    """Return each value summed over all processes."""
    if not dist.is_initialized():
        return list(values)
    sums: list[float] = all_reduce_sum(torch.tensor(values, dtype=torch.float64)).tolist()
    return sums


def share(value: T) -> T:
    """Return the value of the process with rank 0."""
    if not dist.is_initialized():
        return value
    box = [value]
    with lost_processes():
        dist.broadcast_object_list(box, src=0, device=CPU)
    return box[0]


def barrier() -> None:
    """Wait until all processes have called this."""
    total([0.0])


def gather(rows: Array) -> Array:
    """Return the rows of all processes, in the order of their ranks."""
    if not dist.is_initialized():
        return rows
    parts: list[Any] = [None] * dist.get_world_size()
    with lost_processes():
        dist.all_gather_object(parts, rows)
    return np.concatenate(parts)
