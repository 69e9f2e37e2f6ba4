"""Work through many files on all cores, in order, with a bar that says how fast it goes."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from striate.processes import cores

J = TypeVar("J")
T = TypeVar("T")


def cut(count: int, size: int) -> list[range]:
    """0 … count − 1 in pieces of `size`, the last may be smaller."""
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def in_order(work: Callable[[J], T], jobs: Iterable[J]) -> Iterator[T]:
    """The results in the order of the jobs; all cores work, and only a few jobs ahead, so that memory is bounded."""
    threads = cores()
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(threads) as pool:  # decoders let other threads run
        for job in jobs:
            waiting.append(pool.submit(work, job))
            if len(waiting) > threads + 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[int], object]]:
    """A bar with images per second on a terminal, nothing elsewhere; gives the function that moves it on."""
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
