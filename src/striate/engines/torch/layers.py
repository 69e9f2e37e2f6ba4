"""How PyTorch runs each kind of layer: one short rule each.

A rule gets the layer, its parameters by variable name in PyTorch's layouts, what it meets in this pass, and its
inputs: maps (N, C, H, W) or rows (N, F). It returns the output before the layer's activation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.normalization import batch_normalization, local_response
from striate.network import (
    Activation,
    Add,
    AveragePool2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    Input,
    Layer,
    LocalResponseNormalization,
    MaxPool2D,
    Multiply,
    RadialBasis,
    Rescale,
    SelectChannels,
    Subsample2D,
    ZeroPadding2D,
)
from striate.network.shapes import Margins, Window

Parameters = Mapping[str, Tensor]


@dataclass
class Pass:
    """One pass over the network.

    chances: even random numbers in 0 … 1 for each dropout layer by name. together: whether the batch is shared with
    other processes. every: whether the outputs of all nodes are wanted. frozen: names of layers that work as in
    inference even in training. moments: what batch normalisation found, (layer's name, mean (C,), variance (C,)), in
    the order of use.
    """

    training: bool = False
    chances: Mapping[str, Tensor] = field(default_factory=dict)
    together: bool = False
    every: bool = False
    frozen: frozenset[str] = frozenset()
    moments: list[tuple[str, Tensor, Tensor]] = field(default_factory=list)

    def trains(self, layer: Layer) -> bool:
        """Whether a layer works as in training."""
        return self.training and str(layer.name) not in self.frozen


Rule = Callable[..., Tensor]  # (layer, parameters, pass, *inputs)


def _even(margins: Margins) -> bool:
    """Whether both sides of each axis have the same padding, which PyTorch's own windows can add."""
    return all(before == after for before, after in margins)


def _pad(x: Tensor, margins: Margins, value: float = 0.0) -> Tensor:
    (top, bottom), (left, right) = margins
    return F.pad(x, (left, right, top, bottom), value=value)


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[2], x.shape[3]


def _rescale(layer: Rescale, weights: Parameters, _: Pass, x: Tensor) -> Tensor:
    axes = [1] * (x.ndim - 2)
    scale, offset = (x.new_tensor(v) for v in (layer.scale, layer.offset))
    if scale.ndim:
        scale = scale.view(-1, *axes)
    if offset.ndim:
        offset = offset.view(-1, *axes)
    return x * scale + offset


def _convolve(layer: Conv2D | DepthwiseConv2D, weights: Parameters, _: Pass, x: Tensor) -> Tensor:
    window = layer.window
    margins = window.margins(_size(x))
    if not _even(margins):
        x, margins = _pad(x, margins), ((0, 0), (0, 0))
    padding = margins[0][0], margins[1][0]
    groups, kernel = x.shape[1], weights["kernel"]
    if isinstance(layer, Conv2D):
        groups = layer.groups
        kernel = kernel * _links(layer.connections, kernel) if layer.connections else kernel
    return F.conv2d(x, kernel, weights.get("bias"), window.strides, padding, window.dilation, groups)


def _links(connections: tuple[tuple[int, ...], ...], kernel: Tensor) -> Tensor:
    """1 where a filter sees a channel, else 0: (O, C, 1, 1)."""
    links = kernel.new_zeros((*kernel.shape[:2], 1, 1))
    for output, seen in enumerate(connections):
        links[output, list(seen)] = 1
    return links


def _dense(layer: Dense, weights: Parameters, _: Pass, x: Tensor) -> Tensor:
    return F.linear(x, weights["kernel"], weights.get("bias"))


def _max_pool(layer: MaxPool2D, weights: Parameters, _: Pass, x: Tensor) -> Tensor:
    window = layer.window
    if _overhanging(window, _size(x)):
        return F.max_pool2d(x, window.kernel, window.strides, ceil_mode=True)
    margins = window.margins(_size(x))
    padding = margins[0][0], margins[1][0]
    if not _even(margins) or _too_wide(window.kernel, padding):
        x, padding = _pad(x, margins, -torch.inf), (0, 0)
    return F.max_pool2d(x, window.kernel, window.strides, padding)


def _overhanging(window: Window, size: tuple[int, int]) -> bool:
    """Whether padding only lets the last windows hang over the end, which PyTorch can do without a copy."""
    (top, _), (left, _) = window.margins(size)
    axes = zip(size, window.kernel, window.strides, strict=True)
    return not top and not left and window.output_size(size) == tuple(-(-(n - k) // s) + 1 for n, k, s in axes)


def _average_pool(layer: AveragePool2D, weights: Parameters, _: Pass, x: Tensor) -> Tensor:
    window = layer.window
    margins = window.margins(_size(x))
    padding = margins[0][0], margins[1][0]
    if _even(margins) and not _too_wide(window.kernel, padding):
        return F.avg_pool2d(x, window.kernel, window.strides, padding, count_include_pad=False)
    inside = F.avg_pool2d(_pad(torch.ones_like(x[:1, :1]), margins), window.kernel, window.strides)
    return F.avg_pool2d(_pad(x, margins), window.kernel, window.strides) / inside


def _too_wide(kernel: tuple[int, int], padding: tuple[int, int]) -> bool:
    """PyTorch's pooling takes padding up to half of the window."""
    return any(2 * pad > size for pad, size in zip(padding, kernel, strict=True))


def _subsample(layer: Subsample2D, weights: Parameters, _: Pass, x: Tensor) -> Tensor:
    mean = F.avg_pool2d(x, layer.window.kernel, layer.window.strides)
    return mean * weights["coefficient"].view(-1, 1, 1) + weights["bias"].view(-1, 1, 1)


def _radial_basis(layer: RadialBasis, weights: Parameters, _: Pass, x: Tensor) -> Tensor:
    return (x[:, :, None] - weights["prototypes"]).square().sum(dim=1)  # (N, F, units) → (N, units)


def _flatten(layer: Flatten, weights: Parameters, _: Pass, x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1).flatten(1) if x.ndim == 4 else x  # (N, C, H, W) → (N, H·W·C)


def _dropout(layer: Dropout, weights: Parameters, now: Pass, x: Tensor) -> Tensor:
    if not now.trains(layer) or not layer.rate:
        return x
    kept = now.chances[str(layer.name)] >= layer.rate
    return x * kept * (1 / (1 - layer.rate))


def _batch_normalize(layer: BatchNormalization, weights: Parameters, now: Pass, x: Tensor) -> Tensor:
    y, moments = batch_normalization(x, weights, layer.epsilon, now.trains(layer), together=now.together)
    if moments:
        now.moments.append((str(layer.name), *moments))
    return y


def _local_response(layer: LocalResponseNormalization, weights: Parameters, _: Pass, x: Tensor) -> Tensor:
    return local_response(x, layer.radius, layer.alpha, layer.beta, layer.k)


def _same(layer: Layer, weights: Parameters, _: Pass, x: Tensor) -> Tensor:
    return x


def _multiply(layer: Multiply, weights: Parameters, _: Pass, *xs: Tensor) -> Tensor:
    maps = max(x.ndim for x in xs) == 4
    first, *others = (x[:, :, None, None] if maps and x.ndim == 2 else x for x in xs)  # (N, C) → (N, C, 1, 1)
    for other in others:
        first = first * other
    return first


RULES: dict[type[Layer], Rule] = {
    Input: _same,
    Rescale: _rescale,
    ZeroPadding2D: lambda layer, weights, now, x: _pad(x, layer.window.margins(_size(x))),
    Conv2D: _convolve,
    DepthwiseConv2D: _convolve,
    Dense: _dense,
    MaxPool2D: _max_pool,
    AveragePool2D: _average_pool,
    GlobalAveragePool2D: lambda layer, weights, now, x: x.mean(dim=(2, 3)),
    GlobalMaxPool2D: lambda layer, weights, now, x: x.flatten(2).max(dim=2).values,  # amax would share out ties
    Subsample2D: _subsample,
    RadialBasis: _radial_basis,
    Flatten: _flatten,
    Activation: _same,
    Dropout: _dropout,
    BatchNormalization: _batch_normalize,
    LocalResponseNormalization: _local_response,
    Add: lambda layer, weights, now, *xs: sum(xs[1:], start=xs[0]),
    Multiply: _multiply,
    SelectChannels: lambda layer, weights, now, x: x[:, list(layer.channels)],
    Concatenate: lambda layer, weights, now, *xs: torch.cat(xs, dim=1),
}
