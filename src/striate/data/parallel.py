"""Process many files on all cores, in order, with a progress bar."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

from striate.notebook import is_cell_command
from striate.processes import cores

J = TypeVar("J")
T = TypeVar("T")


def chunk_ranges(count: int, size: int) -> list[range]:
    """Divide 0 … count − 1 into ranges.

    Args:
        count: The end of the last range.
        size: Length of all ranges but the last, which may be shorter.

    Returns:
        The ranges.
    """
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def map_ordered(function: Callable[[J], T], jobs: Iterable[J]) -> Iterator[T]:
    """Apply a function to jobs on all cores and yield the results in order.

    Only a few jobs are submitted ahead of the consumer, so that memory use is bounded.

    Args:
        function: Called in threads; it should release the GIL, as image decoders do.
        jobs: Its arguments.

    Yields:
        One result per job.
    """
    threads = cores()
    pending: deque[Future[T]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for job in jobs:
            pending.append(pool.submit(function, job))
            if len(pending) > threads + 1:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let NumPy's matrix products use one thread each.

    For small products, and where threads compute several at once, more threads would mostly wait for each other, which
    takes as much processor time as computing. The results then do not depend on the number of cores.
    """
    with _thread_pools().limit(limits=1, user_api="blas"):
        yield


@cache
def _thread_pools() -> ThreadpoolController:
    """Return the thread pools of NumPy's libraries; to find them takes milliseconds."""
    return ThreadpoolController()


@contextmanager
def progress_bar(title: str, total: int | Callable[[], int] | None) -> Iterator[Callable[[int], object]]:
    """Show a progress bar with images per second on a terminal, and nothing elsewhere.

    Args:
        title: Label of the bar.
        total: Number of images, or a function that counts them if the bar is shown; None if it is not known.

    Yields:
        A function to call with the number of images processed since the last call.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console, started = Console(stderr=True), time.perf_counter()
    columns = TextColumn(title), BarColumn(None), MofNCompleteColumn(), TextColumn("{task.fields[speed]}")
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal or is_cell_command(),
    ) as bar:
        if callable(total):
            total = None if bar.disable else total()
        task = bar.add_task("", total=total, speed="")

        def advance(count: int) -> None:
            done = bar.tasks[0].completed + count
            bar.update(task, advance=count, speed=f"{done / (time.perf_counter() - started):,.0f} images/s")

        yield advance
