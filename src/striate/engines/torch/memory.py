"""Keeps freed memory for the next step, instead of asking the system for it again thousands of times."""

import ctypes
import sys

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # of mallopt, in glibc's malloc.h


def keep_freed_memory() -> None:
    """Tell glibc to give nothing back to the system; does nothing where the C library is another.

    By default it maps each large block anew, and the system fills each with zeros before its first use: up to a third
    of the time of a step on a CPU, whose maps are as large in every step.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(MMAP_MAX, 0)
        library.mallopt(TRIM_THRESHOLD, -1)
