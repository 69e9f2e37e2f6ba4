"""Convolutions."""

from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.layers.padding import is_symmetric, map_size, pad
from striate.engines.torch.rules import Parameters, rule
from striate.network import Conv2D, DepthwiseConv2D


@rule(Conv2D, layout="channels_first", activate=True)
def conv2d(layer: Conv2D, weights: Parameters, x: Tensor) -> Tensor:
    """x ∗ kernel + bias; with connections, each filter sees only some of the channels."""
    kernel = weights["kernel"]
    if layer.connections:
        kernel = kernel * _connection_mask(layer.connections, kernel)
    return _convolve(layer, x, kernel, weights.get("bias"), layer.groups)


@rule(DepthwiseConv2D, layout="channels_first", activate=True)
def depthwise_conv2d(layer: DepthwiseConv2D, weights: Parameters, x: Tensor) -> Tensor:
    """Each channel with kernels of its own."""
    return _convolve(layer, x, weights["kernel"], weights.get("bias"), x.shape[1])


def _convolve(layer: Conv2D | DepthwiseConv2D, x: Tensor, kernel: Tensor, bias: Tensor | None, groups: int) -> Tensor:
    window = layer.window
    margins = window.margins(map_size(x))
    if not is_symmetric(margins):
        x, margins = pad(x, margins), ((0, 0), (0, 0))
    padding = margins[0][0], margins[1][0]
    return F.conv2d(x, kernel, bias, window.strides, padding, window.dilation, groups)


def _connection_mask(connections: tuple[tuple[int, ...], ...], kernel: Tensor) -> Tensor:
    """Return 1 where a filter sees a channel, else 0: (O, C, 1, 1)."""
    mask = kernel.new_zeros((*kernel.shape[:2], 1, 1))
    for output, channels in enumerate(connections):
        mask[output, list(channels)] = 1
    return mask
