"""Threads that run the shards of a batch and exchange what they need of each other.

How a batch is split depends on its size alone, and sums over shards run in the shards' order:
the bits of a result do not depend on how many threads there are.
"""

from collections.abc import Callable, Generator, Sequence
from itertools import pairwise
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from striate.processes import cores

SHARD_SIZE = 25
# More shards would only add Python calls, which threads cannot share.
MAX_SHARDS = 2

Task = Generator[Any, list[Any], Any]


def split_batch(n: int) -> list[slice]:
    """Split a batch of n into 1 to MAX_SHARDS even parts of SHARD_SIZE images or more."""
    parts = max(1, min(MAX_SHARDS, n // SHARD_SIZE))
    return [slice(start, end) for start, end in pairwise(n * i // parts for i in range(parts + 1))]


class Barrier:
    """A reusable barrier for a fixed number of threads.

    Each thread waits for a lock of its own, which costs a fraction of threading.Barrier.
    """

    def __init__(self, threads: int) -> None:
        self._locks = [Lock() for _ in range(threads)]
        for lock in self._locks:
            lock.acquire()
        self._count = Lock()
        self._missing = threads

    def wait(self, thread: int) -> None:
        """Return when all threads have called this."""
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
    """Threads that work through numbered jobs; the calling thread is number 0. Not for calls from several threads."""

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or cores()
        self._queues: list[SimpleQueue[Callable[[], None] | None]] = []
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()

    def __del__(self) -> None:
        for queue in self._queues:
            queue.put(None)

    def run(self, tasks: Sequence[Task]) -> list[Any]:
        """Run generators to their ends; at each `yield part` all wait, and each is sent the parts of all."""
        count = len(tasks)
        workers = min(self.threads, count)
        barrier = Barrier(workers)
        parts: list[Any] = [None] * count
        results: list[Any] = [None] * count
        failed: list[BaseException] = []

        def work(thread: int) -> None:
            sent: list[Any] | None = None
            mine = range(thread, count, workers)
            while True:
                ended = False
                try:
                    for i in mine:
                        ended, value = _advance(tasks[i], sent)
                        (results if ended else parts)[i] = value
                except BaseException as problem:
                    failed.append(problem)
                barrier.wait(thread)
                if ended or failed:
                    return
                sent = list(parts)
                barrier.wait(thread)

        self._run_on_threads(work, workers)
        if failed:
            raise failed[0]
        return results

    def map(self, job: Callable[[int], None], count: int) -> None:
        """Call job(0), …, job(count − 1), in any order."""
        workers = min(self.threads, count)

        def work(thread: int) -> None:
            for i in range(thread, count, workers):
                job(i)

        self._run_on_threads(work, workers)

    def _run_on_threads(self, work: Callable[[int], None], workers: int) -> None:
        """Call work(0) on this thread and work(1) … on others, and wait for all."""
        while len(self._queues) < workers - 1:
            queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
            Thread(target=_work, args=(queue, self._done), daemon=True, name="striate").start()
            self._queues.append(queue)
        for thread in range(1, workers):
            self._queues[thread - 1].put(lambda thread=thread: work(thread))  # type: ignore[misc]
        try:
            work(0)
        finally:
            problems = [self._done.get() for _ in range(1, workers)]
        for problem in problems:
            if problem:
                raise problem


def _work(queue: "SimpleQueue[Callable[[], None] | None]", done: "SimpleQueue[BaseException | None]") -> None:
    """Call what the queue holds until it holds None."""
    while (job := queue.get()) is not None:
        problem = None
        try:
            job()
        except BaseException as caught:
            problem = caught
        done.put(problem)


def _advance(task: Task, parts: list[Any] | None) -> tuple[bool, Any]:
    """Run a task to its next `yield` or its end; return whether it ended, and what it yielded or returned."""
    try:
        return False, task.send(parts)  # type: ignore[arg-type]  # a generator starts with None
    except StopIteration as end:
        return True, end.value
