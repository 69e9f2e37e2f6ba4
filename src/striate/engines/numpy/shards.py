"""Running the shards of a batch on threads, in step where they must meet.

How a batch is cut depends on its size alone, and sums over shards run in the shards' order:
the bits of a result do not depend on how many threads there are.
"""

import itertools
import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

SHARD = 25
MOST_SHARDS = 2


def cut(n: int) -> list[slice]:
    """Cut a batch of n into 1 to MOST_SHARDS even parts of about SHARD images or more."""
    parts = max(1, min(MOST_SHARDS, n // SHARD))
    edges = [n * i // parts for i in range(parts + 1)]
    return [slice(start, end) for start, end in itertools.pairwise(edges)]


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Crew:
    """Threads that work through numbered jobs; the calling thread is one of them."""

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or cores()
        self._pool: ThreadPoolExecutor | None = None

    def map(self, job: Callable[[int], Any], count: int) -> list[Any]:
        """[job(0), …, job(count − 1)]."""
        workers = min(self.threads, count)
        if workers <= 1:
            return [job(i) for i in range(count)]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads - 1, "striate")
        results: list[Any] = [None] * count

        def work(first: int) -> None:
            for i in range(first, count, workers):
                results[i] = job(i)

        futures = [self._pool.submit(work, first) for first in range(1, workers)]
        try:
            work(0)
        finally:
            problems = [future.exception() for future in futures]
        for problem in problems:
            if problem:
                raise problem
        return results

    def run(self, tasks: Sequence[Generator[Any, list[Any], Any]]) -> list[Any]:
        """Run generators to their ends. At each `yield part` all wait, and each is sent every part."""
        parts: list[Any] | None = None
        while True:
            results = self.map(lambda i: _advance(tasks[i], parts), len(tasks))  # noqa: B023 - map ends before parts changes
            if results[0][0]:
                return [value for _, value in results]
            parts = [value for _, value in results]


def _advance(task: Generator[Any, list[Any], Any], parts: list[Any] | None) -> tuple[bool, Any]:
    try:
        return False, task.send(parts)  # type: ignore[arg-type]  # a generator starts with None
    except StopIteration as end:
        return True, end.value
