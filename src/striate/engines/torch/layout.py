"""Where NumPy's layouts become PyTorch's and back: the only place that reorders weights and pictures.

Pictures are (N, H, W, C) outside and (N, C, H, W) inside, with channels last in memory: a view, not a copy.
Kernels are (KH, KW, C, O) outside and (O, C, KH, KW) inside; dense kernels (F, O) outside and (O, F) inside.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from striate._types import Array
from striate.network import Conv2D, Dense, DepthwiseConv2D, Layer

KERNELS = (Conv2D, DepthwiseConv2D, Dense)


def to_parameter(layer: Layer, variable: str, values: Array, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A parameter in PyTorch's layout, in memory of its own."""
    tensor = torch.from_numpy(np.array(values)).to(device=device, dtype=dtype)
    if variable != "kernel" or not isinstance(layer, KERNELS):
        return tensor
    if isinstance(layer, Dense):
        return tensor.T.contiguous()  # (F, O) → (O, F)
    return tensor.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)  # (KH, KW, C, O) → (O, C, KH, KW)


def from_parameter(layer: Layer, variable: str, tensor: Tensor) -> Array:
    """What `to_parameter` was given; also for gradients and the optimiser's slots, which have the same layout."""
    tensor = tensor.detach()
    if variable == "kernel" and isinstance(layer, KERNELS):
        tensor = tensor.T if isinstance(layer, Dense) else tensor.permute(2, 3, 1, 0)
    return np.array(tensor.cpu().numpy(), order="C")


def to_maps(x: Any, device: torch.device, dtype: torch.dtype, *, channels_first: bool = False) -> Tensor:
    """An input as a tensor: (N, H, W, C) → (N, C, H, W); rows (N, F) stay. A tensor is already in that order."""
    if isinstance(x, Tensor):
        return x.to(device=device, dtype=dtype)
    small = np.asarray(x).dtype == np.uint8  # pixels travel as bytes and grow on the device
    tensor = _sent(x, "uint8" if small else _numpy(dtype), device).to(dtype)
    if tensor.ndim != 4:
        return tensor
    if channels_first:
        return tensor.contiguous(memory_format=torch.channels_last)
    return tensor.permute(0, 3, 1, 2)  # (N, H, W, C) → (N, C, H, W), same memory


def to_target(target: Any, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Class numbers (N,), and whatever else is whole, as int64; the rest in the dtype."""
    whole = np.asarray(target).dtype.kind in "iub"
    return _sent(target, "int64" if whole else _numpy(dtype), device)


def _numpy(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _sent(x: Any, dtype: str, device: torch.device) -> Tensor:
    """An array on the device. PyTorch takes no foreign byte order, negative strides or read-only memory."""
    tensor = torch.from_numpy(np.require(x, dtype, ["C", "W"]))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def from_maps(tensor: Tensor, dtype: str) -> Array:
    """An output as an array: (N, C, H, W) → (N, H, W, C)."""
    tensor = tensor.detach()
    if tensor.ndim == 4:
        tensor = tensor.permute(0, 2, 3, 1)
    return np.ascontiguousarray(tensor.to(dtype=torch.float64 if dtype == "float64" else torch.float32).cpu().numpy())
