"""Convert between NumPy's layouts and PyTorch's; nothing else in this package reorders weights or images.

Images are (N, H, W, C) outside and (N, C, H, W) inside, with channels last in memory: a view, not a copy. Kernels of
layers that compute channels first are (KH, KW, C, O) outside and (O, C, KH, KW) inside, or (F, O) and (O, F).
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from striate._types import Array
from striate.engines.torch.rules import Layout


def to_parameter(variable: str, values: Array, layout: Layout, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return a layer's variable as a tensor with its own memory, in the layout of the layer's rule."""
    tensor = torch.from_numpy(np.array(values)).to(device=device, dtype=dtype)
    if _is_reordered(variable, tensor.ndim, layout):
        if tensor.ndim == 2:
            return tensor.T.contiguous()  # (F, O) → (O, F)
        # (KH, KW, C, O) → (O, C, KH, KW)
        return tensor.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    return tensor


def from_parameter(variable: str, tensor: Tensor, layout: Layout) -> Array:
    """Return what `to_parameter` was given; also for gradients and the optimizer's slots, which have its layout."""
    tensor = tensor.detach()
    if _is_reordered(variable, tensor.ndim, layout):
        tensor = tensor.T if tensor.ndim == 2 else tensor.permute(2, 3, 1, 0)
    return np.array(tensor.cpu().numpy(), order="C")


def _is_reordered(variable: str, ndim: int, layout: Layout) -> bool:
    return variable == "kernel" and layout == "channels_first" and ndim in (2, 4)


def to_maps(x: Any, device: torch.device, dtype: torch.dtype, *, channels_first: bool = False) -> Tensor:
    """Return an input as a tensor: maps (N, H, W, C) as (N, C, H, W), rows (N, F) as they are.

    Args:
        x: An array, or a tensor, which is taken to be channels first already.
        device: Where the tensor is to be.
        dtype: Its number type.
        channels_first: Whether an array is (N, C, H, W) already.

    Returns:
        The tensor, with channels last in memory.
    """
    if isinstance(x, Tensor):
        return x.to(device=device, dtype=dtype)
    small = np.asarray(x).dtype == np.uint8  # pixels travel as bytes and grow on the device
    tensor = _send(x, "uint8" if small else _numpy_dtype(dtype), device).to(dtype)
    if tensor.ndim != 4:
        return tensor
    if channels_first:
        return tensor.contiguous(memory_format=torch.channels_last)
    return tensor.permute(0, 3, 1, 2)  # (N, H, W, C) → (N, C, H, W), same memory


def to_target(target: Any, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return targets as a tensor: whole numbers, such as class numbers (N,), as int64, all others in `dtype`."""
    is_whole = np.asarray(target).dtype.kind in "iub"
    return _send(target, "int64" if is_whole else _numpy_dtype(dtype), device)


def _numpy_dtype(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _send(x: Any, dtype: str, device: torch.device) -> Tensor:
    """Copy an array to the device; PyTorch takes no foreign byte order, negative strides or read-only memory."""
    tensor = torch.from_numpy(np.require(x, dtype, ["C", "W"]))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def from_maps(tensor: Tensor, dtype: str) -> Array:
    """Return an output as an array: maps (N, C, H, W) as (N, H, W, C)."""
    tensor = tensor.detach()
    if tensor.ndim == 4:
        tensor = tensor.permute(0, 2, 3, 1)
    return np.ascontiguousarray(tensor.to(dtype=torch.float64 if dtype == "float64" else torch.float32).cpu().numpy())
