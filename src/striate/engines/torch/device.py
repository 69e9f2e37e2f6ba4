"""Devices and precisions, and settings of PyTorch and the C library for the process."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.utils.deterministic

from striate.engines.base import PRECISIONS
from striate.errors import UsageError, nearest
from striate.processes import current_process

DEVICES = ("auto", "cpu", "cuda", "mps")
DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16, "float16": torch.float16}
TRIM_THRESHOLD, MMAP_MAX = -1, -4  # parameters of mallopt, from glibc's malloc.h


def choose_device(name: str) -> torch.device:
    """Return the device with this name; "auto" chooses the fastest available type.

    In distributed training each process uses the GPU with its local rank.

    Args:
        name: "auto", "cpu", "cuda", "cuda:1" or "mps".

    Returns:
        The device.

    Raises:
        UsageError: If the name is unknown, or PyTorch does not find the device on this machine.
    """
    kind, _, index = name.partition(":")
    if kind not in DEVICES or (index and not (kind == "cuda" and index.isdigit())):
        raise UsageError(f"There is no device '{name}'.{nearest(name, DEVICES)}")
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if kind == "auto":
        kind = next(kind for kind, is_available in available.items() if is_available)
    if kind == "cuda" and not index and current_process().world_size > 1:
        index = str(current_process().local_rank)
    chosen = f"{kind}:{index}" if index else kind
    if not available[kind] or (kind == "cuda" and index and int(index) >= torch.cuda.device_count()):
        gpus = [f"cuda:{n}" for n in range(torch.cuda.device_count())]
        devices = [*gpus, *(["mps"] if available["mps"] else []), "cpu"]
        raise UsageError(f"PyTorch finds no device '{chosen}' on this machine. Available: {', '.join(devices)}.")
    return torch.device(chosen)


def accelerator_name(device: torch.device) -> str | None:
    """Return the product name of an accelerator, for example "NVIDIA H100"; None for the CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return None if device.type == "cpu" else device.type


def check_precision(name: str) -> None:
    """Check the name of a precision.

    Args:
        name: The name.

    Raises:
        UsageError: If there is no such precision.
    """
    known = ("auto", *PRECISIONS)
    if name not in known:
        raise UsageError(f"There is no precision '{name}'.{nearest(name, known)}")


def mixed_precision(device: torch.device) -> str:
    """Choose the mixed precision that may be faster on a device.

    Args:
        device: The device.

    Returns:
        "bfloat16" or "float16"; "float32" if there is none.
    """
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    if device.type == "cpu" and _cpu_has_bfloat16():
        return "bfloat16"
    return "float32"


@contextmanager
def deterministic_algorithms(enabled: bool) -> Iterator[None]:
    """Make PyTorch use only deterministic algorithms inside a `with` block, if enabled.

    The setting applies to the whole process. PyTorch warns if it has no deterministic algorithm.

    Args:
        enabled: Whether to do so.
    """
    if not enabled:
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # required by cuBLAS, which reads it at its first use
    deterministic: Any = torch.utils.deterministic
    mode, fill = torch.get_deterministic_debug_mode(), deterministic.fill_uninitialized_memory
    torch.set_deterministic_debug_mode("warn")
    deterministic.fill_uninitialized_memory = False  # not needed: this package writes all memory before it reads it
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(mode)
        deterministic.fill_uninitialized_memory = fill


def _cpu_has_bfloat16() -> bool:
    """Return whether the CPU has bfloat16 instructions; True for older PyTorch, which does not report them."""
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return not capabilities or any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def keep_freed_memory() -> None:
    """Configure glibc to keep freed memory for the process; with another C library, do nothing.

    By default, glibc maps new memory for each large block, which the kernel fills with zeros. That takes up to a third
    of the time of a training step on a CPU, whose feature maps have the same sizes in every step.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(MMAP_MAX, 0)
        library.mallopt(TRIM_THRESHOLD, -1)
