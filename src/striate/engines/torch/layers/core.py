"""Layers without windows: input, scaling, reshaping, dense, and those that join several inputs."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.rules import Parameters, rule
from striate.network import Add, Concatenate, Dense, Flatten, Input, Multiply, Rescale, SelectChannels


@rule(Input, layout="channels_first")
def input_layer(layer: Input, weights: Parameters, x: Tensor) -> Tensor:
    """x."""
    return x


@rule(Rescale, layout="channels_first")
def rescale(layer: Rescale, weights: Parameters, x: Tensor) -> Tensor:
    """x · scale + offset, each a number or one for each channel."""
    axes = [1] * (x.ndim - 2)
    scale, offset = (x.new_tensor(v) for v in (layer.scale, layer.offset))
    if scale.ndim:
        scale = scale.view(-1, *axes)
    if offset.ndim:
        offset = offset.view(-1, *axes)
    return x * scale + offset


@rule(Dense, layout="channels_first", activate=True)
def dense(layer: Dense, weights: Parameters, x: Tensor) -> Tensor:
    """x · kernelᵀ + bias."""
    return F.linear(x, weights["kernel"], weights.get("bias"))


@rule(Flatten, layout="channels_first")
def flatten(layer: Flatten, weights: Parameters, x: Tensor) -> Tensor:
    """Rows in the order of (H, W, C)."""
    return x.permute(0, 2, 3, 1).flatten(1) if x.ndim == 4 else x  # (N, C, H, W) → (N, H·W·C)


@rule(Add, layout="channels_first")
def add(layer: Add, weights: Parameters, *xs: Tensor) -> Tensor:
    """Return the sum of the inputs."""
    return sum(xs[1:], start=xs[0])


@rule(Multiply, layout="channels_first")
def multiply(layer: Multiply, weights: Parameters, *xs: Tensor) -> Tensor:
    """Return the product of the inputs; rows multiply whole maps."""
    maps = max(x.ndim for x in xs) == 4
    product, *others = (x[:, :, None, None] if maps and x.ndim == 2 else x for x in xs)  # (N, C) → (N, C, 1, 1)
    for other in others:
        product = product * other
    return product


@rule(Concatenate, layout="channels_first")
def concatenate(layer: Concatenate, weights: Parameters, *xs: Tensor) -> Tensor:
    """Return the channels of all inputs, one after the other."""
    return torch.cat(xs, dim=1)


@rule(SelectChannels, layout="channels_first")
def select_channels(layer: SelectChannels, weights: Parameters, x: Tensor) -> Tensor:
    """Return some of the channels."""
    return x[:, list(layer.channels)]
