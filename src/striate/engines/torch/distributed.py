"""Distributed training: the processes that torchrun starts, on one machine or several."""

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

TIMEOUT = timedelta(hours=6)  # another process may be decoding a large image folder
CPU = torch.device("cpu")
POLL_SECONDS = 0.02


def join_group() -> ProcessInfo:
    """Join the process group if torchrun started several processes; return this process's rank and world size."""
    process = current_process()
    if process.world_size == 1 or dist.is_initialized():
        return process
    # torchrun sets one thread, however many cores there are.
    if process.local_world_size > 1 and os.environ.get("OMP_NUM_THREADS") == "1":
        torch.set_num_threads(cores())
    gpu = torch.cuda.is_available()
    if gpu and process.local_rank < torch.cuda.device_count():
        torch.cuda.set_device(process.local_rank)
    with communication_errors():
        store, rank, world_size = next(rendezvous("env://", timeout=TIMEOUT))
        store = PrefixStore(_launch_name(store, rank, world_size), store)
        backend = "cpu:gloo,cuda:nccl" if gpu else "gloo"
        dist.init_process_group(backend, store=store, rank=rank, world_size=world_size, timeout=TIMEOUT)
    atexit.register(_leave_group)
    return process


def _launch_name(store: Store, rank: int, world_size: int) -> str:
    """Return a name for this launch, the same in all processes and different from that of every earlier launch.

    torchrun's store still holds the addresses of earlier launches, to which PyTorch would try to connect
    (https://github.com/pytorch/pytorch/issues/167288).
    """
    store.set(f"id/{rank}", uuid4().hex)
    while True:
        name = sha256(b"".join(store.multi_get([f"id/{other}" for other in range(world_size)]))).hexdigest()
        store.set(f"name/{rank}", name)
        if set(store.multi_get([f"name/{other}" for other in range(world_size)])) == {name.encode()}:
            return name
        time.sleep(POLL_SECONDS)


def _leave_group() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


@contextmanager
def communication_errors() -> Iterator[None]:
    """Raise TrainingError instead of PyTorch's communication errors inside a `with` block."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "gloo" in str(error).lower():
            raise TrainingError(
                "Another process of this training run ended or cannot be reached; its error message, if any, is above. "
                "With --max-restarts torchrun restarts all processes, and training resumes from the last checkpoint."
            ) from error
        raise


def all_reduce_sum(tensor: Tensor) -> Tensor:
    """Add up the tensors of all processes, in place."""
    with communication_errors():
        dist.all_reduce(tensor)
    return tensor


class DistributedEngine(Engine):
    """Base of engines that train in several processes, started by torchrun."""

    def __init__(self, network: Network, weights: Mapping[str, Array], *, dtype: str = "float32") -> None:
        super().__init__(network, weights, dtype=dtype)
        process = join_group()
        self.rank, self.world_size = process.rank, process.world_size

    def sum_over_processes(self, values: Sequence[float]) -> list[float]:
        """Return each value summed over all processes."""
        return sum_over_processes(values)

    def broadcast(self, value: T) -> T:
        """Return the value that rank 0 passed."""
        return broadcast(value)

    def gather(self, rows: Array) -> Array:
        """Return the rows (N, …) of all processes, in the order of their ranks."""
        return gather(rows)


def sum_over_processes(values: Sequence[float]) -> list[float]:
    """Sum each value over all processes.

    Args:
        values: The values of this process.

    Returns:
        The sums.
    """
    if not dist.is_initialized():
        return list(values)
    sums: list[float] = all_reduce_sum(torch.tensor(values, dtype=torch.float64)).tolist()
    return sums


def broadcast(value: T) -> T:
    """Send the value of rank 0 to all processes.

    Args:
        value: The value; ignored except in rank 0.

    Returns:
        The value of rank 0.
    """
    if not dist.is_initialized():
        return value
    values = [value]
    with communication_errors():
        dist.broadcast_object_list(values, src=0, device=CPU)
    return values[0]


def barrier() -> None:
    """Wait until all processes have called this function."""
    sum_over_processes([0.0])


def gather(rows: Array) -> Array:
    """Join the rows of all processes, in the order of their ranks.

    Args:
        rows: The rows (N, …) of this process.

    Returns:
        All rows.
    """
    if not dist.is_initialized():
        return rows
    parts: list[Any] = [None] * dist.get_world_size()
    with communication_errors():
        dist.all_gather_object(parts, rows)
    return np.concatenate(parts)


def send_to_rank_0(rows: Array | None, shape: tuple[int, ...], source: int) -> Array | None:
    """Send an array from one process to rank 0; all processes call this function.

    Args:
        rows: float32 of the shape, in the process that sends it.
        shape: Shape of the array.
        source: Rank of the process that sends it.

    Returns:
        The array on rank 0; None in all other processes.
    """
    rank = dist.get_rank()
    if rank == source == 0:
        return rows
    with communication_errors():
        if rank == source:
            dist.send(torch.from_numpy(np.ascontiguousarray(rows)), dst=0)
        elif rank == 0:
            received = torch.empty(shape)
            dist.recv(received, src=source)
            return received.numpy()
    return None


def gather_values(value: T) -> list[T]:
    """Collect the values of all processes.

    Args:
        value: The value of this process.

    Returns:
        The values in the order of the ranks.
    """
    values: list[Any] = [None] * dist.get_world_size()
    with communication_errors():
        dist.all_gather_object(values, value)
    return values
