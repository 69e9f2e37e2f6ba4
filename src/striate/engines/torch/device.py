"""Choose the device and the precision that a network trains with."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.utils.deterministic

from striate.errors import UsageError, nearest
from striate.processes import current_process

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str) -> torch.device:
    """Return the device of this name; "auto" is the fastest kind available.

    Of several processes on a machine, each takes the GPU with its local rank.

    Args:
        name: "auto", "cpu", "cuda", "cuda:1" or "mps".

    Returns:
        The device.

    Raises:
        UsageError: The name is unknown, or the machine has no such device.
    """
    kind, _, number = name.partition(":")
    if kind not in DEVICES or (number and not (kind == "cuda" and number.isdigit())):
        raise UsageError(f"There is no device '{name}'.{nearest(name, DEVICES)}")
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if kind == "auto":
        kind = next(kind for kind, there in here.items() if there)
    if kind == "cuda" and not number and current_process().world_size > 1:
        number = str(current_process().local_rank)
    chosen = f"{kind}:{number}" if number else kind
    if not here[kind] or (kind == "cuda" and number and int(number) >= torch.cuda.device_count()):
        found = [*(f"cuda:{n}" for n in range(torch.cuda.device_count())), *(["mps"] if here["mps"] else []), "cpu"]
        raise UsageError(f"PyTorch finds no device '{chosen}' on this machine; there is: {', '.join(found)}.")
    return torch.device(chosen)


def maker_name(device: torch.device) -> str | None:
    """Return the name of an accelerator, for example NVIDIA H100; None for the CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return None if device.type == "cpu" else device.type


def check_precision(name: str) -> None:
    """Raise UsageError for a precision that is not known."""
    if name not in PRECISIONS:
        raise UsageError(f"There is no precision '{name}'.{nearest(name, PRECISIONS)}")


def candidate(device: torch.device) -> str:
    """Return the mixed precision that is worth a trial on this device; "float32" if none is."""
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    if device.type == "cpu" and _cpu_has_bfloat16():
        return "bfloat16"
    return "float32"


@contextmanager
def repeatable(wanted: bool) -> Iterator[None]:
    """Within it, if wanted, PyTorch takes only algorithms that give the same bits each time.

    PyTorch has one such switch for the whole process, and warns where it has no such algorithm.
    """
    if not wanted:
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs for it, read at its first use
    memory: Any = torch.utils.deterministic
    mode, fill = torch.get_deterministic_debug_mode(), memory.fill_uninitialized_memory
    torch.set_deterministic_debug_mode("warn")
    memory.fill_uninitialized_memory = False  # nothing here reads memory before it is written
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(mode)
        memory.fill_uninitialized_memory = fill


def _cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 by itself; older PyTorch cannot say, and the trial decides."""
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return not capabilities or any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
