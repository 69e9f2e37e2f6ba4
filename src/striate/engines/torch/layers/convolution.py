"""Convolution and zero padding. Feature maps are (N, C, H, W)."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.rules import Parameters, rule
from striate.network import Conv2D, Conv2DTranspose, DepthwiseConv2D, SeparableConv2D, ZeroPadding2D
from striate.network.shapes import Margins

FAST_BFLOAT16 = 3  # size of depthwise kernels up to which gradients in bfloat16 are fast on a CPU


@rule(Conv2D, layout="channels_first", activate=True)
def conv2d(layer: Conv2D, weights: Parameters, x: Tensor) -> Tensor:
    """Return x ∗ kernel + bias; with `connections`, each filter uses only some of the channels."""
    kernel = weights["kernel"]
    if layer.connections:
        kernel = kernel * _connection_mask(layer.connections, kernel)
    return _convolve(layer, x, kernel, weights.get("bias"), layer.groups)


@rule(DepthwiseConv2D, layout="channels_first", activate=True)
def depthwise_conv2d(layer: DepthwiseConv2D, weights: Parameters, x: Tensor) -> Tensor:
    """Convolve each channel with its own kernels."""
    kernel, bias = weights["kernel"], weights.get("bias")
    if not (x.device.type == "cpu" and torch.is_autocast_enabled("cpu") and max(kernel.shape[2:]) > FAST_BFLOAT16):
        return _convolve(layer, x, kernel, bias, x.shape[1])
    with torch.autocast("cpu", enabled=False):  # of 5 × 5, PyTorch 2.13 takes three times as long in bfloat16
        return _convolve(layer, x.to(kernel.dtype), kernel, bias, x.shape[1]).to(x.dtype)


@rule(SeparableConv2D, layout="channels_first", activate=True)
def separable_conv2d(layer: SeparableConv2D, weights: Parameters, x: Tensor) -> Tensor:
    """Convolve each channel with its own kernels, then mix the channels of each pixel."""
    # (KH, KW, C, O) → (O, C, KH, KW)
    depthwise, pointwise = (weights[f"{name}_kernel"].permute(3, 2, 0, 1) for name in ("depthwise", "pointwise"))
    maps = _convolve(layer, x, depthwise.contiguous(), None, x.shape[1])
    return F.conv2d(maps, pointwise.contiguous(), weights.get("bias"))


@rule(ZeroPadding2D, layout="channels_first")
def zero_padding2d(layer: ZeroPadding2D, weights: Parameters, x: Tensor) -> Tensor:
    """Add zeros around each feature map."""
    return pad(x, layer.window.margins(map_size(x)))


@rule(Conv2DTranspose, layout="channels_first", activate=True)
def conv2d_transpose(layer: Conv2DTranspose, weights: Parameters, x: Tensor) -> Tensor:
    """Add each pixel times the kernel (C, O, KH, KW) to a larger feature map."""
    window = layer.forward_window
    margins, bias = window.margins((1, 1)), weights.get("bias")
    padding = (margins[0][0], margins[1][0]) if is_symmetric(margins) else (0, 0)
    y = F.conv_transpose2d(
        x, weights["kernel"], bias, window.strides, padding, layer.extra, dilation=window.dilation
    )  # fmt: skip
    if is_symmetric(margins):
        return y
    (top, bottom), (left, right) = margins
    return y[:, :, top : y.shape[2] - bottom, left : y.shape[3] - right]


def _convolve(
    layer: Conv2D | DepthwiseConv2D | SeparableConv2D, x: Tensor, kernel: Tensor, bias: Tensor | None, groups: int
) -> Tensor:
    window = layer.window
    margins = window.margins(map_size(x))
    if not is_symmetric(margins):
        x, margins = pad(x, margins), ((0, 0), (0, 0))
    padding = margins[0][0], margins[1][0]
    if x.dtype == torch.float64:
        # PyTorch 2.13 on the CPU: "slow_conv2d: grad_weight must be contiguous" for one filter on several channels.
        kernel = kernel.contiguous()
    return F.conv2d(x, kernel, bias, window.strides, padding, window.dilation, groups)


def _connection_mask(connections: tuple[tuple[int, ...], ...], kernel: Tensor) -> Tensor:
    """Return a mask (O, C, 1, 1): 1 where a filter is connected to a channel, else 0."""
    mask = kernel.new_zeros((*kernel.shape[:2], 1, 1))
    for output, channels in enumerate(connections):
        mask[output, list(channels)] = 1
    return mask


def pad(x: Tensor, margins: Margins, value: float = 0.0) -> Tensor:
    """Return feature maps (N, C, H, W) padded with `value`.

    Args:
        x: (N, C, H, W).
        margins: ((top, bottom), (left, right)).
        value: The value of the padding.

    Returns:
        The padded maps.
    """
    (top, bottom), (left, right) = margins
    return F.pad(x, (left, right, top, bottom), value=value)


def is_symmetric(margins: Margins) -> bool:
    """Return whether both sides of each axis have the same padding; PyTorch's functions support no other."""
    return all(before == after for before, after in margins)


def map_size(x: Tensor) -> tuple[int, int]:
    """Return the height and width of feature maps (N, C, H, W)."""
    return x.shape[2], x.shape[3]
