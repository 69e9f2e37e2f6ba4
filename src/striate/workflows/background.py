"""Run long computations in another process, which reports its progress and can be stopped at any time."""

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from striate.errors import StriateError, UsageError

NICENESS = 5  # so that answers to the page are computed first
PROGRESS_INTERVAL = 0.1  # seconds between two reports of progress


@dataclass(frozen=True)
class ProgressMessage:
    """The progress of a computation.

    Attributes:
        done: Number of items done.
        total: Number of all items.
    """

    done: int
    total: int


@dataclass(frozen=True)
class _Failure:
    message: str


class Channel:
    """The end of the connection in the process, which exits as soon as the other end is closed.

    Args:
        connection: To the program that started the process.
    """

    def __init__(self, connection: "Connection[Any, Any]") -> None:
        self._connection = connection
        self._reported = 0.0

    def send(self, message: Any) -> None:
        """Send a message to the program that started this process.

        Args:
            message: Any object that can be pickled.
        """
        try:
            self._connection.send(message)
        except OSError:  # it has ended, or it does not want the result any more
            os._exit(0)

    def receive(self, timeout: float | None = 0) -> Any:
        """Return the next message.

        Args:
            timeout: Seconds to wait; None waits without a limit.

        Returns:
            The message; None if there was none in time.
        """
        try:
            return self._connection.recv() if self._connection.poll(timeout) else None
        except (EOFError, OSError):
            os._exit(0)

    def progress(self, done: int, total: int) -> None:
        """Report progress, at most once per PROGRESS_INTERVAL and at the end.

        Args:
            done: Number of items done.
            total: Number of all items.
        """
        if done == total or self.is_due():
            self.send(ProgressMessage(done, total))

    def is_due(self) -> bool:
        """Return whether the next report is due: whether PROGRESS_INTERVAL has passed since the last one."""
        now = time.monotonic()
        due = now - self._reported >= PROGRESS_INTERVAL
        self._reported = now if due else self._reported
        return due


Work = Callable[..., None]


class BackgroundProcess:
    """A process that does one piece of work. `stop` must be called at the end; it may be called at any time.

    Args:
        work: A function of a module, which the process imports; it is called with a Channel and the arguments.
        name: What the process does, for messages.
    """

    def __init__(self, work: Work, name: str) -> None:
        context = multiprocessing.get_context("spawn")  # a forked copy of a program with threads may hang
        self._connection, other = context.Pipe()
        self._name = name
        self._process = context.Process(target=_run, args=(work, other), name=name, daemon=True)
        self._process.start()
        other.close()

    @property
    def pid(self) -> int | None:
        """Number of the process."""
        return self._process.pid

    def submit(self, *arguments: Any) -> None:
        """Send the arguments of the work. This may take as long as the process needs to start.

        Args:
            *arguments: What `work` is called with, after the channel.

        Raises:
            UsageError: If the process has ended.
        """
        self.send(arguments)

    def send(self, message: Any) -> None:
        """Send a message to the process.

        Args:
            message: Any object that can be pickled.

        Raises:
            UsageError: If the process has ended.
        """
        try:
            self._connection.send(message)
        except OSError as error:
            raise self._ended_error() from error

    def receive(self, timeout: float) -> Any:
        """Wait for the next message.

        Args:
            timeout: Seconds to wait.

        Returns:
            The message; None if there was none in time.

        Raises:
            UsageError: If the work failed, or the process ended.
        """
        try:
            message = self._connection.recv() if self._connection.poll(timeout) else None
        except (EOFError, OSError) as error:
            raise self._ended_error() from error
        if isinstance(message, _Failure):
            raise UsageError(message.message)
        return message

    def stop(self) -> None:
        """Kill the process, even while it is computing."""
        self._process.kill()
        self._process.join()

    def _ended_error(self) -> UsageError:
        return UsageError(
            f"The process that {self._name} has ended: it was stopped, or memory ran out. Start it again."
        )


def _run(work: Work, connection: "Connection[Any, Any]") -> None:
    """Do the work in the new process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal reaches all processes; the first one decides
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    channel = Channel(connection)
    try:
        work(channel, *channel.receive(None))
    except StriateError as error:
        channel.send(_Failure(str(error)))
    except MemoryError:
        channel.send(_Failure("There is not enough memory."))
    with contextlib.suppress(OSError):
        connection.close()
