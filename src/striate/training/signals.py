"""Ctrl-C and SIGTERM that take effect at the end of a step, so that a complete state is saved."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

Handler = Callable[[int, FrameType | None], object] | signal.Handlers

# Python's default handlers.
STOP_SIGNALS: dict[signal.Signals, Handler] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
}


class TrainingStopped(KeyboardInterrupt):
    """Training was stopped with Ctrl-C, SIGTERM or the stop button of a notebook, after a complete step."""

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows: the message, without the calls that led to it."""
        return [str(self)]


@dataclass
class Interrupt:
    """The state of deferred signals.

    Attributes:
        pending: Whether Ctrl-C was pressed or SIGTERM was received.
    """

    pending: bool = False


@contextmanager
def deferred_signals() -> Iterator[Interrupt]:
    """Defer signals within a `with` block: the first Ctrl-C or SIGTERM sets `pending`, the next takes effect at once.

    Signals reach the main thread only. In another thread, or for a signal that is ignored or has another handler,
    nothing changes.

    Yields:
        The state, which the signals change.
    """
    interrupt = Interrupt()

    def note(number: int, frame: FrameType | None) -> None:
        interrupt.pending = True
        signal.signal(number, STOP_SIGNALS[signal.Signals(number)])

    main = threading.current_thread() is threading.main_thread()
    ours = [number for number, usual in STOP_SIGNALS.items() if main and signal.getsignal(number) is usual]
    for number in ours:
        signal.signal(number, note)
    try:
        yield interrupt
    finally:
        for number in ours:
            signal.signal(number, STOP_SIGNALS[number])
