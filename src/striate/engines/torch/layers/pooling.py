"""Pooling. Feature maps are (N, C, H, W)."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.layers.convolution import is_symmetric, map_size, pad
from striate.engines.torch.rules import Parameters, rule
from striate.network import AveragePool2D, GlobalAveragePool2D, GlobalMaxPool2D, MaxPool2D, Subsample2D
from striate.network.shapes import Window


@rule(MaxPool2D, layout="channels_first")
def max_pool2d(layer: MaxPool2D, weights: Parameters, x: Tensor) -> Tensor:
    """Return the maximum of each window, padding excluded."""
    window = layer.window
    if _only_last_windows_overhang(window, map_size(x)):
        return F.max_pool2d(x, window.kernel, window.strides, ceil_mode=True)
    margins = window.margins(map_size(x))
    padding = margins[0][0], margins[1][0]
    if not is_symmetric(margins) or _exceeds_half_window(window.kernel, padding):
        x, padding = pad(x, margins, -torch.inf), (0, 0)
    return F.max_pool2d(x, window.kernel, window.strides, padding)


def _only_last_windows_overhang(window: Window, size: tuple[int, int]) -> bool:
    """Return whether padding only completes the last windows; PyTorch's `ceil_mode` does that without a copy."""
    (top, _), (left, _) = window.margins(size)
    axes = zip(size, window.kernel, window.strides, strict=True)
    return not top and not left and window.output_size(size) == tuple(-(-(n - k) // s) + 1 for n, k, s in axes)


@rule(AveragePool2D, layout="channels_first")
def average_pool2d(layer: AveragePool2D, weights: Parameters, x: Tensor) -> Tensor:
    """Return the mean of each window, padding excluded."""
    window = layer.window
    margins = window.margins(map_size(x))
    padding = margins[0][0], margins[1][0]
    if is_symmetric(margins) and not _exceeds_half_window(window.kernel, padding):
        return F.avg_pool2d(x, window.kernel, window.strides, padding, count_include_pad=False)
    # The fraction of each window inside the map.
    coverage = F.avg_pool2d(pad(torch.ones_like(x[:1, :1]), margins), window.kernel, window.strides)
    return F.avg_pool2d(pad(x, margins), window.kernel, window.strides) / coverage


def _exceeds_half_window(kernel: tuple[int, int], padding: tuple[int, int]) -> bool:
    """Return whether padding exceeds half of the window, the maximum that PyTorch's pooling accepts."""
    return any(2 * pad > size for pad, size in zip(padding, kernel, strict=True))


@rule(GlobalAveragePool2D, layout="channels_first")
def global_average_pool2d(layer: GlobalAveragePool2D, weights: Parameters, x: Tensor) -> Tensor:
    """Return the mean of each feature map."""
    return x.mean(dim=(2, 3), keepdim=layer.keepdims)


@rule(GlobalMaxPool2D, layout="channels_first")
def global_max_pool2d(layer: GlobalMaxPool2D, weights: Parameters, x: Tensor) -> Tensor:
    """Return the maximum of each feature map."""
    # amax would distribute the gradient over equal values; max passes it to one of them.
    largest = x.flatten(2).max(dim=2).values
    return largest[:, :, None, None] if layer.keepdims else largest


@rule(Subsample2D, layout="channels_first", activate=True)
def subsample2d(layer: Subsample2D, weights: Parameters, x: Tensor) -> Tensor:
    """Return mean of each window · coefficient + bias, with one coefficient and one bias per channel."""
    mean = F.avg_pool2d(x, layer.window.kernel, layer.window.strides)
    return mean * weights["coefficient"].view(-1, 1, 1) + weights["bias"].view(-1, 1, 1)
