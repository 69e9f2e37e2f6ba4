"""Process many files on all cores, in order, with a progress bar."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from striate.processes import cores, current_process

J = TypeVar("J")
T = TypeVar("T")


def chunk_ranges(count: int, size: int) -> list[range]:
    """Cut 0 … count − 1 into ranges of `size` numbers; the last one may be smaller."""
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def map_ordered(function: Callable[[J], T], jobs: Iterable[J]) -> Iterator[T]:
    """Apply a function to jobs on all cores and yield the results in order.

    Only a few jobs run ahead of the results that were taken, so memory is bounded.

    Args:
        function: called in threads; it should release the GIL, as image decoders do.
        jobs: its arguments.

    Yields:
        One result per job.
    """
    # Of several processes on a machine only one reads images; the others wait for it and leave their cores to it.
    threads = cores() * current_process().local_world_size
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for job in jobs:
            waiting.append(pool.submit(function, job))
            if len(waiting) > threads + 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[Callable[[int], object]]:
    """Show a progress bar with images per second on a terminal, and nothing elsewhere.

    Args:
        title: what is being done.
        total: number of images.

    Yields:
        A function to call with the number of images that were finished.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console, began = Console(stderr=True), time.perf_counter()
    columns = TextColumn(title), BarColumn(None), MofNCompleteColumn(), TextColumn("{task.fields[speed]}")
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=total, speed="")

        def advance(count: int) -> None:
            done = bar.tasks[0].completed + count
            bar.update(task, advance=count, speed=f"{done / (time.perf_counter() - began):,.0f} images/s")

        yield advance
