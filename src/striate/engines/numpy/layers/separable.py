"""Separable convolution: a depthwise convolution, then a product of matrices at each pixel.

Arrays have the shape (N, H, W, C) and are planes in memory (see `memory`).
"""

from dataclasses import dataclass

import numpy as np

from striate._types import Array
from striate.engines.numpy.layers.depthwise import depthwise_backward, depthwise_forward
from striate.engines.numpy.memory import contiguous, planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.engines.numpy.windows import Geometry
from striate.network import SeparableConv2D, Shape


@dataclass
class SeparableState:
    """The padded input as planes, and the depthwise outputs as a matrix (C·M, OH·OW·N)."""

    padded: Array
    matrix: Array


@rule(SeparableConv2D)
class SeparableRule(LayerRule[SeparableConv2D, SeparableState]):
    """y = (x ∗ depthwise) · pointwise + bias."""

    output_overwritable = True

    def __init__(self, layer: SeparableConv2D, input_shape: Shape) -> None:
        super().__init__(layer, input_shape)
        self.window, self.channels = Geometry.of(layer, input_shape), input_shape[2]

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, SeparableState]:
        """Return y and the state: (N, H, W, C) → (N, OH, OW, O)."""
        weights = context.weights
        maps, padded = depthwise_forward(x, weights["depthwise_kernel"], None, self.window, context.scratch)
        n, height, width, count = maps.shape
        matrix = planes(maps).reshape(count, -1)
        product = np.matmul(weights["pointwise_kernel"].reshape(count, -1).T, matrix)
        y = product.reshape(-1, height, width, n)
        if "bias" in weights:
            y += weights["bias"][:, None, None, None]
        return planes(y), SeparableState(padded, matrix)

    def backward(self, context: LayerContext, state: SeparableState, dy: Array) -> tuple[Array]:
        """Return dx (N, H, W, C), from dy (N, OH, OW, O)."""
        pointwise, depthwise = context.weights["pointwise_kernel"], context.weights["depthwise_kernel"]
        n, height, width, filters = dy.shape
        gradient = contiguous(planes(dy), context.scratch, "pointwise dy").reshape(filters, -1)
        context.gradients["pointwise_kernel"][...] = np.matmul(state.matrix, gradient.T).reshape(pointwise.shape)
        if "bias" in context.gradients:
            context.gradients["bias"][...] = gradient.sum(axis=1)
        dmaps = np.matmul(pointwise.reshape(-1, filters), gradient).reshape(-1, height, width, n)
        dx, context.gradients["depthwise_kernel"][...], _ = depthwise_backward(
            planes(dmaps), state.padded, depthwise, self.channels, self.window, context.scratch
        )
        return (dx,)
