"""Ctrl-C that waits for the end of the step, so that what is saved is whole."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Interrupt:
    """pending: whether Ctrl-C was pressed."""

    pending: bool = False


@contextmanager
def postponed_interrupt() -> Iterator[Interrupt]:
    """Within, the first Ctrl-C only sets `pending`; the second one acts at once.

    Signals reach the main thread only; in another thread, or where Ctrl-C is ignored or has been given
    a meaning of its own, nothing changes.
    """
    interrupt = Interrupt()
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield interrupt
        return

    def note(number: int, frame: FrameType | None) -> None:
        interrupt.pending = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
