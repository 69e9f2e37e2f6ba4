"""Layers that convert, rescale, pad, flatten or select values."""

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import column, planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.engines.numpy.windows import pad
from striate.network import Flatten, Input, Normalization, Rescale, SelectChannels, Shape, ZeroPadding2D


@rule(Input)
class InputRule(LayerRule[Input, None]):
    """Convert an input to the engine's memory order and floating-point type. Inputs have no gradient."""

    output_overwritable = True

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, None]:
        """Return y (N, H, W, C) for x (N, H, W, C), or (N, C, H, W) if data_format is "channels_first"."""
        if x.ndim == 4 and self.layer.data_format == "channels_first":
            x = x.transpose(0, 2, 3, 1)
        source = planes(x)
        y = context.scratch.empty("y", source.shape, context.dtype)
        np.copyto(y, source, casting="unsafe")
        return planes(y), None


@rule(Normalization)
@rule(Rescale)
class RescaleRule(LayerRule[Rescale | Normalization, None]):
    """y = x · scale + offset; each is one number, or one number per channel."""

    output_overwritable = True

    def __init__(self, layer: Rescale | Normalization, *input_shapes: Shape) -> None:
        super().__init__(layer, *input_shapes)
        self.scale, self.offset = np.asarray(layer.scale), np.asarray(layer.offset)

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, None]:
        """Return y and the state; x and y are (N, …, C)."""
        y = context.scratch.empty("y", planes(x).shape, x.dtype)
        np.multiply(planes(x), column(self.scale, x), out=y)
        if self.offset.any():
            y += column(self.offset, x)
        return planes(y), None

    def backward(self, context: LayerContext, state: None, dy: Array) -> tuple[Array]:
        """Return dx = dy · scale."""
        return (planes(planes(dy) * column(self.scale, dy)),)


@rule(ZeroPadding2D)
class ZeroPaddingRule(LayerRule[ZeroPadding2D, None]):
    """Padding with zeros."""

    def __init__(self, layer: ZeroPadding2D, *input_shapes: Shape) -> None:
        super().__init__(layer, *input_shapes)
        (height, width, _) = input_shapes[0]
        self.margins = layer.window.margins((height, width))

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, None]:
        """Return y and the state: (N, H, W, C) → (N, top + H + bottom, left + W + right, C)."""
        return planes(pad(planes(x), self.margins, context.scratch)), None

    def backward(self, context: LayerContext, state: None, dy: Array) -> tuple[Array]:
        """Return dy without the padding."""
        (top, bottom), (left, right) = self.margins
        return (dy[:, top : dy.shape[1] - bottom, left : dy.shape[2] - right],)


@rule(Flatten)
class FlattenRule(LayerRule[Flatten, tuple[int, ...]]):
    """(N, H, W, C) → (N, H·W·C), in the order of (H, W, C). The state is the shape of the input."""

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, tuple[int, ...]]:
        """Reorder planes (C, H, W, N) to (H·W·C, N)."""
        if x.ndim == 2:
            return x, x.shape
        n, h, w, c = x.shape
        y = context.scratch.empty("y", (h, w, c, n), x.dtype)
        np.copyto(y, x.transpose(1, 2, 3, 0))
        return y.reshape(h * w * c, n).T, x.shape

    def backward(self, context: LayerContext, shape: tuple[int, ...], dy: Array) -> tuple[Array]:
        """Reorder (H·W·C, N) to planes (C, H, W, N)."""
        if len(shape) == 2:
            return (dy,)
        n, h, w, c = shape
        dx = context.scratch.empty("dx", (c, h, w, n), dy.dtype)
        np.copyto(dx, dy.T.reshape(h, w, c, n).transpose(2, 0, 1, 3))
        return (planes(dx),)


@rule(SelectChannels)
class SelectChannelsRule(LayerRule[SelectChannels, int]):
    """Selection of channels or features in a given order. The state is the number of input channels."""

    output_overwritable = True

    def __init__(self, layer: SelectChannels, *input_shapes: Shape) -> None:
        super().__init__(layer, *input_shapes)
        self.channels = list(layer.channels)

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, int]:
        """Return y and the state: (N, …, C) → (N, …, channels)."""
        return planes(planes(x)[self.channels]), x.shape[-1]

    def backward(self, context: LayerContext, count: int, dy: Array) -> tuple[Array]:
        """Return for each input channel the sum of the gradients of its copies; 0 if it was not selected."""
        dx = np.zeros((count, *planes(dy).shape[1:]), dy.dtype)
        for channel, gradient in zip(self.channels, planes(dy), strict=True):
            dx[channel] += gradient
        return (planes(dx),)
