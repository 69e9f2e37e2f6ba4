"""Maps made larger. Arrays have the shape (N, H, W, C) and lie in memory as planes (see `memory`)."""

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.network import UpSampling2D


def bilinear_weights(size: int, factor: int) -> Array:
    """Return (size · factor, size): the share of each pixel in each new one, by the distance of their centers."""
    position = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
    weights: Array = np.maximum(0, 1 - np.abs(position[:, None] - np.arange(size)))
    return weights


@rule(UpSampling2D)
class UpSamplingRule(LayerRule[UpSampling2D, None]):
    """Each pixel repeated, or the mean of its neighbors."""

    output_overwritable = True

    def __init__(self, layer: UpSampling2D, *input_shapes: tuple[int, ...]) -> None:
        super().__init__(layer, *input_shapes)
        sides = zip(input_shapes[0][:2], layer.factors, strict=True)
        self.rows, self.columns = (bilinear_weights(size, factor) for size, factor in sides)

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, None]:
        """(N, H, W, C) → (N, H · y, W · x, C)."""
        (y, x_factor), maps = self.layer.factors, planes(x)
        if self.layer.interpolation == "nearest":
            return planes(maps.repeat(y, axis=1).repeat(x_factor, axis=2)), None
        return planes(_along_both(maps, self.rows, self.columns)), None

    def backward(self, context: LayerContext, state: None, dy: Array) -> tuple[Array]:
        """Every pixel has the sum of the gradients of those made of it, by their shares."""
        (y, x), gradient = self.layer.factors, planes(dy)
        if self.layer.interpolation == "nearest":
            c, h, w, n = gradient.shape
            return (planes(gradient.reshape(c, h // y, y, w // x, x, n).sum(axis=(2, 4))),)
        return (planes(_along_both(gradient, self.rows.T, self.columns.T)),)


def _along_both(maps: Array, rows: Array, columns: Array) -> Array:
    """Multiply the height of planes (C, H, W, N) by a matrix (OH, H), and the width by one (OW, W)."""
    c, h, w, n = maps.shape
    tall = np.matmul(rows.astype(maps.dtype), maps.reshape(c, h, w * n)).reshape(c, -1, w, n)
    wide: Array = np.matmul(columns.astype(maps.dtype), tall)
    return wide
