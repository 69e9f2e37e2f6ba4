"""Upsampling. Arrays have the shape (N, H, W, C) and are planes in memory (see `memory`)."""

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.network import Resizing, UpSampling2D


def _bilinear_weights(size: int, count: int, *, align_corners: bool = False) -> Array:
    """Return the weights (count, size) of the input pixels in each output pixel, by the distance of centers."""
    outputs = np.arange(count)
    if align_corners:
        position = outputs * ((size - 1) / max(count - 1, 1))
    else:
        position = np.clip((outputs + 0.5) * size / count - 0.5, 0, size - 1)
    weights: Array = np.maximum(0, 1 - np.abs(position[:, None] - np.arange(size)))
    return weights


@rule(UpSampling2D)
class UpSamplingRule(LayerRule[UpSampling2D, None]):
    """Repeats pixels, or interpolates between them bilinearly."""

    output_overwritable = True

    def __init__(self, layer: UpSampling2D, *input_shapes: tuple[int, ...]) -> None:
        super().__init__(layer, *input_shapes)
        sides = zip(input_shapes[0][:2], layer.factors, strict=True)
        aligned = layer.interpolation == "bilinear_align_corners"
        self.rows, self.columns = (
            _bilinear_weights(size, size * factor, align_corners=aligned) for size, factor in sides
        )

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, None]:
        """Return y and the state: (N, H, W, C) → (N, H · FY, W · FX, C), with the factors FY and FX."""
        (fy, fx), maps = self.layer.factors, planes(x)
        if self.layer.interpolation == "nearest":
            return planes(maps.repeat(fy, axis=1).repeat(fx, axis=2)), None
        return planes(_resize(maps, self.rows, self.columns)), None

    def backward(self, context: LayerContext, state: None, dy: Array) -> tuple[Array]:
        """Return dx: for each pixel, the gradients of the output pixels times its weights in them, summed."""
        (fy, fx), gradient = self.layer.factors, planes(dy)
        if self.layer.interpolation == "nearest":
            c, h, w, n = gradient.shape
            return (planes(gradient.reshape(c, h // fy, fy, w // fx, fx, n).sum(axis=(2, 4))),)
        return (planes(_resize(gradient, self.rows.T, self.columns.T)),)


def _resize(maps: Array, rows: Array, columns: Array) -> Array:
    """Multiply the height of planes (C, H, W, N) by a matrix (OH, H), and the width by one (OW, W)."""
    c, h, w, n = maps.shape
    tall = np.matmul(rows.astype(maps.dtype), maps.reshape(c, h, w * n)).reshape(c, -1, w, n)
    wide: Array = np.matmul(columns.astype(maps.dtype), tall)
    return wide


@rule(Resizing)
class ResizingRule(LayerRule[Resizing, None]):
    """Interpolates between pixels bilinearly."""

    output_overwritable = True

    def __init__(self, layer: Resizing, *input_shapes: tuple[int, ...]) -> None:
        super().__init__(layer, *input_shapes)
        height, width, _ = input_shapes[0]
        self.rows, self.columns = _bilinear_weights(height, layer.height), _bilinear_weights(width, layer.width)

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, None]:
        """Return y: (N, H, W, C) → (N, height, width, C)."""
        return planes(_resize(planes(x), self.rows, self.columns)), None

    def backward(self, context: LayerContext, state: None, dy: Array) -> tuple[Array]:
        """Return dx: for each pixel, the gradients of the output pixels times its weights in them, summed."""
        return (planes(_resize(planes(dy), self.rows.T, self.columns.T)),)
