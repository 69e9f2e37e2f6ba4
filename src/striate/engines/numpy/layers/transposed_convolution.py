"""Transposed convolution: the backward pass of a convolution as the forward pass of a layer.

Arrays have the shape (N, H, W, C) and are planes in memory (see `memory`).
"""

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import contiguous, planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.engines.numpy.windows import Geometry, col2im, im2col
from striate.network import Conv2DTranspose


@rule(Conv2DTranspose)
class TransposedConvolutionRule(LayerRule[Conv2DTranspose, Array]):
    """Adds each pixel times the kernel to the output. The state is x as a matrix (C, H·W·N)."""

    output_overwritable = True

    def __init__(self, layer: Conv2DTranspose, *input_shapes: tuple[int, ...]) -> None:
        super().__init__(layer, *input_shapes)
        window = layer.forward_window
        self.window = Geometry(window.kernel, window.strides, window.margins((1, 1)), window.dilation)
        self.output_shape = layer.output_shape(*input_shapes)

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, Array]:
        """Return y and the state: (N, H, W, C) → (N, OH, OW, O)."""
        kernel, matrix = context.weights["kernel"], contiguous(planes(x), context.scratch, "x").reshape(x.shape[3], -1)
        columns = np.matmul(kernel.reshape(-1, kernel.shape[3]), matrix)  # (KH·KW·O, H·W·N)
        y = col2im(columns, (x.shape[0], *self.output_shape), self.window, context.scratch)
        if "bias" in context.weights:
            y = y + context.weights["bias"]
        return y, matrix

    def backward(self, context: LayerContext, matrix: Array, dy: Array) -> tuple[Array | None]:
        """Return dx (N, H, W, C), from dy (N, OH, OW, O)."""
        kernel = context.weights["kernel"]
        columns = im2col(dy, self.window)  # (KH·KW·O, H·W·N)
        context.gradients["kernel"][...] = np.matmul(columns, matrix.T).reshape(kernel.shape)
        if "bias" in context.gradients:
            context.gradients["bias"][...] = planes(dy).sum(axis=(1, 2, 3))
        if not context.needs_dx[0]:
            return (None,)
        dx = np.matmul(kernel.reshape(-1, kernel.shape[3]).T, columns)
        size = self.window.output_size(dy.shape[1], dy.shape[2])
        return (planes(dx.reshape(kernel.shape[3], *size, dy.shape[0])),)
