"""Convert between Striate's channels-last arrays and PyTorch's channels-first tensors.

Images and feature maps (N, H, W, C) become (N, C, H, W) in channels-last memory format: a view, not a copy. For layers
with a channels-first rule, kernels (KH, KW, C, O) become (O, C, KH, KW), and (F, O) become (O, F).
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from striate._types import Array
from striate.engines.torch.rules import Layout


def to_parameter(variable: str, values: Array, layout: Layout, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Convert a weight array to a tensor with its own memory, in the layout of the layer's rule.

    Args:
        variable: Name of the variable, such as "kernel".
        values: The weights.
        layout: The layout of the layer's rule.
        dtype: The dtype of the tensor.
        device: The device of the tensor.

    Returns:
        The tensor.
    """
    tensor = torch.from_numpy(np.array(values)).to(device=device, dtype=dtype)
    if _is_reordered(variable, tensor.ndim, layout):
        if tensor.ndim == 2:
            return tensor.T.contiguous()  # (F, O) → (O, F)
        # (KH, KW, C, O) → (O, C, KH, KW)
        return tensor.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    return tensor


def from_parameter(variable: str, tensor: Tensor, layout: Layout) -> Array:
    """Convert a tensor from `to_parameter`, or a gradient or optimizer slot of that layout, back to an array.

    Args:
        variable: Name of the variable, such as "kernel".
        tensor: The tensor.
        layout: The layout of the layer's rule.

    Returns:
        The array.
    """
    tensor = tensor.detach()
    if _is_reordered(variable, tensor.ndim, layout):
        tensor = tensor.T if tensor.ndim == 2 else tensor.permute(2, 3, 1, 0)
    return np.array(tensor.cpu().numpy(), order="C")


def _is_reordered(variable: str, ndim: int, layout: Layout) -> bool:
    return variable == "kernel" and layout == "channels_first" and ndim in (2, 4)


def to_tensor(x: Any, device: torch.device, dtype: torch.dtype, *, channels_first: bool = False) -> Tensor:
    """Convert an input to a tensor: images (N, H, W, C) to (N, C, H, W); vectors (N, F) keep their shape.

    Args:
        x: An array, or a tensor that is already channels first.
        device: The device of the result.
        dtype: The dtype of the result.
        channels_first: Whether an array is already (N, C, H, W).

    Returns:
        The tensor, in channels-last memory format.
    """
    if isinstance(x, Tensor):
        return x.to(device=device, dtype=dtype)
    is_uint8 = np.asarray(x).dtype == np.uint8  # copied as bytes and converted on the device
    tensor = _send(x, "uint8" if is_uint8 else _numpy_dtype(dtype), device).to(dtype)
    if tensor.ndim != 4:
        return tensor
    if channels_first:
        return tensor.contiguous(memory_format=torch.channels_last)
    return tensor.permute(0, 3, 1, 2)  # (N, H, W, C) → (N, C, H, W), same memory


def to_target(target: Any, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Convert targets to a tensor: integers, such as class numbers (N,), to int64, others to `dtype`.

    Args:
        target: Targets.
        device: The device of the tensor.
        dtype: The dtype of targets that are not integers.

    Returns:
        The tensor.
    """
    is_integer = np.asarray(target).dtype.kind in "iub"
    return _send(target, "int64" if is_integer else _numpy_dtype(dtype), device)


def _numpy_dtype(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _send(x: Any, dtype: str, device: torch.device) -> Tensor:
    """Copy an array to the device; PyTorch supports no foreign byte order, negative strides or read-only memory."""
    tensor = torch.from_numpy(np.require(x, dtype, ["C", "W"]))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def to_array(tensor: Tensor, dtype: str) -> Array:
    """Convert an output to an array.

    Args:
        tensor: The output: (N, C, H, W) or (N, F).
        dtype: "float64", or any other for float32.

    Returns:
        (N, H, W, C) or (N, F).
    """
    tensor = tensor.detach()
    if tensor.ndim == 4:
        tensor = tensor.permute(0, 2, 3, 1)
    return np.ascontiguousarray(tensor.to(dtype=torch.float64 if dtype == "float64" else torch.float32).cpu().numpy())
