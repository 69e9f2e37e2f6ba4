"""Running the shards of a batch on threads, in step where they must meet.

How a batch is cut depends on its size alone, and sums over shards run in the shards' order:
the bits of a result do not depend on how many threads there are.
"""

from collections.abc import Callable, Generator, Sequence
from itertools import pairwise
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from striate.processes import cores

SHARD = 25
MOST_SHARDS = 2

Task = Generator[Any, list[Any], Any]


def cut(n: int) -> list[slice]:
    """Cut a batch of n into 1 to MOST_SHARDS even parts of about SHARD images or more."""
    parts = max(1, min(MOST_SHARDS, n // SHARD))
    return [slice(start, end) for start, end in pairwise(n * i // parts for i in range(parts + 1))]


class Meeting:
    """Where a fixed number of threads wait for each other, again and again.

    Each thread sleeps on a lock of its own, which costs a fraction of threading.Barrier.
    """

    def __init__(self, threads: int) -> None:
        self._doors = [Lock() for _ in range(threads)]
        for door in self._doors:
            door.acquire()
        self._count = Lock()
        self._missing = threads

    def wait(self, thread: int) -> None:
        """Return when all threads have come."""
        with self._count:
            self._missing -= 1
            last = self._missing == 0
            if last:
                self._missing = len(self._doors)
        if not last:
            self._doors[thread].acquire()
            return
        for number, door in enumerate(self._doors):
            if number != thread:
                door.release()


class Crew:
    """Threads that work through numbered jobs; the calling thread is number 0."""

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads or cores()
        self._orders: list[SimpleQueue[Callable[[], None] | None]] = []
        self._done: SimpleQueue[BaseException | None] = SimpleQueue()

    def __del__(self) -> None:
        for orders in self._orders:
            orders.put(None)

    def run(self, tasks: Sequence[Task]) -> list[Any]:
        """Run generators to their ends. At each `yield part` all wait, and each is sent every part."""
        count = len(tasks)
        workers = min(self.threads, count)
        meeting = Meeting(workers)
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
                meeting.wait(thread)
                if ended or failed:
                    return
                sent = list(parts)
                meeting.wait(thread)

        self._together(work, workers)
        if failed:
            raise failed[0]
        return results

    def map(self, job: Callable[[int], None], count: int) -> None:
        """Call job(0), …, job(count − 1), in any order."""
        workers = min(self.threads, count)

        def work(thread: int) -> None:
            for i in range(thread, count, workers):
                job(i)

        self._together(work, workers)

    def _together(self, work: Callable[[int], None], workers: int) -> None:
        """work(0) on this thread and work(1) … on others, to the end of all."""
        while len(self._orders) < workers - 1:
            orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
            Thread(target=_serve, args=(orders, self._done), daemon=True, name="striate").start()
            self._orders.append(orders)
        for thread in range(1, workers):
            self._orders[thread - 1].put(lambda thread=thread: work(thread))  # type: ignore[misc]
        try:
            work(0)
        finally:
            problems = [self._done.get() for _ in range(1, workers)]
        for problem in problems:
            if problem:
                raise problem


def _serve(orders: "SimpleQueue[Callable[[], None] | None]", done: "SimpleQueue[BaseException | None]") -> None:
    """A worker's life: carry out orders until there is none."""
    while (order := orders.get()) is not None:
        problem = None
        try:
            order()
        except BaseException as caught:
            problem = caught
        done.put(problem)


def _advance(task: Task, parts: list[Any] | None) -> tuple[bool, Any]:
    try:
        return False, task.send(parts)  # type: ignore[arg-type]  # a generator starts with None
    except StopIteration as end:
        return True, end.value
