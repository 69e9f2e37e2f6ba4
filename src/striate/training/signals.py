"""Ctrl-C and SIGTERM that wait for the end of the step, so that what is saved is whole."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

Handler = Callable[[int, FrameType | None], object] | signal.Handlers

# What Python does at each by itself.
STOPS: dict[signal.Signals, Handler] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}


@dataclass
class Interrupt:
    """pending: whether Ctrl-C was pressed, or the process was told to end (SIGTERM)."""

    pending: bool = False


@contextmanager
def deferred_signals() -> Iterator[Interrupt]:
    """Within, the first Ctrl-C or SIGTERM only sets `pending`; the next of its kind acts at once.

    Signals reach the main thread only; in another thread, or where one is ignored or has been given
    a meaning of its own, nothing changes.
    """
    interrupt = Interrupt()

    def note(number: int, frame: FrameType | None) -> None:
        interrupt.pending = True
        signal.signal(number, STOPS[signal.Signals(number)])

    main = threading.current_thread() is threading.main_thread()
    ours = [number for number, usual in STOPS.items() if main and signal.getsignal(number) is usual]
    for number in ours:
        signal.signal(number, note)
    try:
        yield interrupt
    finally:
        for number in ours:
            signal.signal(number, STOPS[number])
