"""Threads that compute the shards of a batch and exchange values between them.

The split of a batch depends only on its size, and sums over shards are computed in the order of the shards. So results
do not depend on the number of threads, bit for bit.
"""

import os
from collections.abc import Callable, Generator, Sequence
from itertools import pairwise
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from striate.processes import cores

SHARD_SIZE = 25
# More shards would only add Python calls, which threads cannot run in parallel.
MAX_SHARDS = 2

Task = Generator[Any, list[Any], Any]


def split_batch(n: int) -> list[slice]:
    """Split a batch of n images into up to MAX_SHARDS equal parts of at least SHARD_SIZE images."""
    parts = max(1, min(MAX_SHARDS, n // SHARD_SIZE))
    return [slice(start, end) for start, end in pairwise(n * i // parts for i in range(parts + 1))]


class Barrier:
    """A reusable barrier for a fixed number of threads.

    Each thread waits for its own lock, which is much faster than threading.Barrier.
    """

    def __init__(self, threads: int) -> None:
        self._locks = [Lock() for _ in range(threads)]
        for lock in self._locks:
            lock.acquire()
        self._count = Lock()
        self._missing = threads

    def wait(self, thread: int) -> None:
        """Wait until all threads have called this method."""
        with self._count:
            self._missing -= 1
            last = self._missing == 0
            if last:
                self._missing = len(self._locks)
        if not last:
            self._locks[thread].acquire()
            return
        for number, lock in enumerate(self._locks):
            if number != thread:
                lock.release()


class WorkerPool:
    """A pool of threads, of which the calling thread is number 0. Only one thread may use it at a time."""

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or cores()
        self._start_empty()

    def _start_empty(self) -> None:
        self._process = os.getpid()
        self._queues: list[SimpleQueue[Callable[[], None] | None]] = []
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()

    def __del__(self) -> None:
        for queue in self._queues:
            queue.put(None)

    def run(self, tasks: Sequence[Task]) -> list[Any]:
        """Run generators in parallel. Each `yield` returns the values that all of them yielded.

        Args:
            tasks: The generators.

        Returns:
            Their results.
        """
        count = len(tasks)
        workers = min(self.threads, count)
        barrier = Barrier(workers)
        yielded: list[Any] = [None] * count
        results: list[Any] = [None] * count
        errors: list[BaseException] = []

        def work(thread: int) -> None:
            received: list[Any] | None = None
            own_tasks = range(thread, count, workers)
            while True:
                ended = False
                try:
                    for i in own_tasks:
                        ended, value = _advance(tasks[i], received)
                        (results if ended else yielded)[i] = value
                except BaseException as error:
                    errors.append(error)
                barrier.wait(thread)
                if ended or errors:
                    return
                received = list(yielded)
                barrier.wait(thread)

        self._run_on_threads(work, workers)
        if errors:
            raise errors[0]
        return results

    def map(self, job: Callable[[int], None], count: int) -> None:
        """Call job(0), …, job(count − 1), in any order.

        Args:
            job: Called with each number.
            count: The number of calls.
        """
        workers = min(self.threads, count)

        def work(thread: int) -> None:
            for i in range(thread, count, workers):
                job(i)

        self._run_on_threads(work, workers)

    def _run_on_threads(self, work: Callable[[int], None], workers: int) -> None:
        """Call work(0) on this thread and work(1), … on other threads, and wait for all."""
        if self._process != os.getpid():  # a forked process has none of the threads
            self._start_empty()
        while len(self._queues) < workers - 1:
            queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
            Thread(target=_work, args=(queue, self._done), daemon=True, name="striate").start()
            self._queues.append(queue)
        for thread in range(1, workers):
            self._queues[thread - 1].put(lambda thread=thread: work(thread))  # type: ignore[misc]
        try:
            work(0)
        finally:
            errors = [self._done.get() for _ in range(1, workers)]
        for error in errors:
            if error:
                raise error


def _work(queue: "SimpleQueue[Callable[[], None] | None]", done: "SimpleQueue[BaseException | None]") -> None:
    """Call the functions from a queue, until it returns None."""
    while (job := queue.get()) is not None:
        error = None
        try:
            job()
        except BaseException as exception:
            error = exception
        done.put(error)


def _advance(task: Task, parts: list[Any] | None) -> tuple[bool, Any]:
    """Run a task to its next `yield` or its end; return whether it ended, and what it yielded or returned."""
    try:
        return False, task.send(parts)  # type: ignore[arg-type]  # a generator starts with None
    except StopIteration as end:
        return True, end.value
