"""Layers without a sliding window: input, rescaling, dense, flatten, and layers that merge several inputs."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.rules import Parameters, rule
from striate.network import (
    Add,
    Average,
    Concatenate,
    Dense,
    Flatten,
    Input,
    Maximum,
    Minimum,
    Multiply,
    Normalization,
    RadialBasis,
    Rescale,
    SelectChannels,
    Subtract,
)


@rule(Input, layout="channels_first")
def input_layer(layer: Input, weights: Parameters, x: Tensor) -> Tensor:
    """Return x."""
    return x


@rule(Normalization, layout="channels_first")
@rule(Rescale, layout="channels_first")
def rescale(layer: Rescale | Normalization, weights: Parameters, x: Tensor) -> Tensor:
    """Return x · scale + offset; each is one number, or one number per channel."""
    axes = [1] * (x.ndim - 2)
    scale, offset = (x.new_tensor(v) for v in (layer.scale, layer.offset))
    if scale.ndim:
        scale = scale.view(-1, *axes)
    if offset.ndim:
        offset = offset.view(-1, *axes)
    return x * scale + offset


@rule(Dense, layout="channels_first", activate=True)
def dense(layer: Dense, weights: Parameters, x: Tensor) -> Tensor:
    """Return x · kernelᵀ + bias."""
    return F.linear(x, weights["kernel"], weights.get("bias"))


@rule(Flatten, layout="channels_first")
def flatten(layer: Flatten, weights: Parameters, x: Tensor) -> Tensor:
    """Return vectors (N, F) in the order of (H, W, C)."""
    return x.permute(0, 2, 3, 1).flatten(1) if x.ndim == 4 else x  # (N, C, H, W) → (N, H·W·C)


@rule(Add, layout="channels_first")
def add(layer: Add, weights: Parameters, *xs: Tensor) -> Tensor:
    """Return the sum of the inputs."""
    return sum(xs[1:], start=xs[0])


@rule(Maximum, layout="channels_first")
def maximum(layer: Maximum, weights: Parameters, *xs: Tensor) -> Tensor:
    """Return the element-wise maximum; of equal inputs, the first receives the gradient."""
    largest = xs[0]
    for x in xs[1:]:
        largest = torch.where(x > largest, x, largest)
    return largest


@rule(Minimum, layout="channels_first")
def minimum(layer: Minimum, weights: Parameters, *xs: Tensor) -> Tensor:
    """Return the element-wise minimum; of equal inputs, the first receives the gradient."""
    least = xs[0]
    for x in xs[1:]:
        least = torch.where(x < least, x, least)
    return least


@rule(Average, layout="channels_first")
def average(layer: Average, weights: Parameters, *xs: Tensor) -> Tensor:
    """Return the mean of the inputs."""
    return sum(xs[1:], start=xs[0]) * (1 / len(xs))


@rule(Subtract, layout="channels_first")
def subtract(layer: Subtract, weights: Parameters, first: Tensor, second: Tensor) -> Tensor:
    """Return the first input minus the second."""
    return first - second


@rule(Multiply, layout="channels_first")
def multiply(layer: Multiply, weights: Parameters, *xs: Tensor) -> Tensor:
    """Return the product of the inputs; a vector (N, C) scales the channels of feature maps."""
    has_maps = max(x.ndim for x in xs) == 4
    product, *others = (x[:, :, None, None] if has_maps and x.ndim == 2 else x for x in xs)  # (N, C) → (N, C, 1, 1)
    for other in others:
        product = product * other
    return product


@rule(Concatenate, layout="channels_first")
def concatenate(layer: Concatenate, weights: Parameters, *xs: Tensor) -> Tensor:
    """Concatenate the inputs along an axis of (N, H, W, C) or (N, F)."""
    axis = layer.axis % xs[0].ndim
    return torch.cat(xs, dim=1 if axis == xs[0].ndim - 1 else axis + 1)


@rule(SelectChannels, layout="channels_first")
def select_channels(layer: SelectChannels, weights: Parameters, x: Tensor) -> Tensor:
    """Return the selected channels."""
    return x[:, list(layer.channels)]


@rule(RadialBasis, layout="channels_first")
def radial_basis(layer: RadialBasis, weights: Parameters, x: Tensor) -> Tensor:
    """Return the squared distance of each vector (F,) to each prototype."""
    return (x[:, :, None] - weights["prototypes"]).square().sum(dim=1)  # (N, F, units) → (N, units)
