"""Layers that rearrange or crop values. Arrays have the shape (N, H, W, C) or (N, F) and are planes in memory."""

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.network import CenterCrop, Cropping2D, Permute, Reshape, Shape


def _into_planes(y: Array, context: LayerContext, key: str) -> Array:
    """Copy an array of any memory order to one in the order of planes."""
    copy = context.scratch.empty(key, planes(y).shape, y.dtype)
    np.copyto(copy, planes(y))
    return planes(copy)


@rule(Reshape)
class ReshapeRule(LayerRule[Reshape, tuple[int, ...]]):
    """The values of (H, W, C) or (F,) in another shape. The state is the shape of the input."""

    output_overwritable = True

    def __init__(self, layer: Reshape, *input_shapes: Shape) -> None:
        super().__init__(layer, *input_shapes)
        self.output_shape = layer.output_shape(*input_shapes)

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, tuple[int, ...]]:
        """Return y and the state; x and y are (N, …)."""
        return _into_planes(x.reshape(len(x), *self.output_shape), context, "y"), x.shape

    def backward(self, context: LayerContext, shape: tuple[int, ...], dy: Array) -> tuple[Array]:
        """Return dy in the shape of x."""
        return (_into_planes(dy.reshape(shape), context, "dx"),)


@rule(Permute)
class PermuteRule(LayerRule[Permute, None]):
    """The axes in another order."""

    output_overwritable = True

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, None]:
        """Return y, whose axis i is axis dims[i] of x."""
        return _into_planes(x.transpose(0, *self.layer.dims), context, "y"), None

    def backward(self, context: LayerContext, state: None, dy: Array) -> tuple[Array]:
        """Return dy with the axes in the order of x."""
        return (_into_planes(dy.transpose(0, *(1 + np.argsort(self.layer.dims))), context, "dx"),)


class CropRule(LayerRule[Cropping2D | CenterCrop, None]):
    """The maps without some rows and columns at the borders."""

    output_overwritable = True

    def __init__(self, layer: Cropping2D | CenterCrop, *input_shapes: Shape) -> None:
        super().__init__(layer, *input_shapes)
        self.shape = input_shapes[0]
        (top, bottom), (left, right) = layer.margins(self.shape)
        self.rows, self.columns = slice(top, self.shape[0] - bottom), slice(left, self.shape[1] - right)

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, None]:
        """Return y, a part of x (N, H, W, C)."""
        return _into_planes(x[:, self.rows, self.columns], context, "y"), None

    def backward(self, context: LayerContext, state: None, dy: Array) -> tuple[Array]:
        """Return dx, which is 0 where x was cut off."""
        height, width, channels = self.shape
        dx = planes(np.zeros((channels, height, width, len(dy)), dy.dtype))
        dx[:, self.rows, self.columns] = dy
        return (dx,)


rule(Cropping2D)(CropRule)
rule(CenterCrop)(CropRule)
