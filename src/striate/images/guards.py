"""Limit the memory that all running Pillow decoders use together, and silence their warnings."""

import ctypes
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

MAX_MEMORY = 400_000_000  # bytes for all images being decoded; a larger image is decoded alone


class MemoryLimiter:
    """The memory of all images being decoded. A thread waits until its image fits within the limit."""

    def __init__(self) -> None:
        self._used, self._changed = 0, threading.Condition()

    @contextmanager
    def reserve(self, size: int) -> Iterator[None]:
        """Reserve bytes inside a `with` block; a size above the limit waits until no other memory is reserved.

        Args:
            size: Number of bytes.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._used or self._used + size <= MAX_MEMORY)
            self._used += size
        try:
            yield
        finally:
            with self._changed:
                if size > MAX_MEMORY // 8:
                    _release_freed_memory()
                self._used -= size
                self._changed.notify_all()


MEMORY = MemoryLimiter()


def _release_freed_memory() -> None:
    """Return freed memory of large images to the operating system; glibc would keep it for each thread."""
    with suppress(AttributeError, OSError, TypeError):  # other C libraries have no such function
        ctypes.CDLL(None).malloc_trim(0)


@cache
def silence_decoders() -> None:
    """Keep Pillow and libtiff from printing their own lines; what they find is in Pillow's errors too."""
    logging.getLogger("PIL").addHandler(logging.NullHandler())  # else Python prints what no handler takes
    from PIL import _imaging

    with suppress(AttributeError, OSError):  # Pillow may be linked with libtiff in another way
        library = ctypes.CDLL(_imaging.__file__)
        for setter in (library.TIFFSetErrorHandler, library.TIFFSetWarningHandler):
            setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
            setter(None)


class _Muted:
    """The number of running decoders, and the warning filters to restore after the last one."""

    lock = threading.Lock()
    depth = 0
    saved: "warnings.catch_warnings[None] | None" = None


@contextmanager
def mute_warnings() -> Iterator[None]:
    """Mute Pillow's warnings; `catch_warnings` alone is not safe when several threads decode."""
    with _Muted.lock:
        if _Muted.depth == 0:
            _Muted.saved = warnings.catch_warnings()
            _Muted.saved.__enter__()
            warnings.simplefilter("ignore")
        _Muted.depth += 1
    try:
        yield
    finally:
        with _Muted.lock:
            _Muted.depth -= 1
            if _Muted.depth == 0 and _Muted.saved is not None:
                _Muted.saved.__exit__(None, None, None)
