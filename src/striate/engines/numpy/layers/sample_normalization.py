"""Normalization of each sample by its own statistics: layer, group and unit normalization.

Arrays have the shape (N, H, W, C) or (N, F) and are planes in memory (see `memory`).
"""

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import column, planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.network import GroupNormalization, LayerNormalization, UnitNormalization


class SampleNormalizationRule(LayerRule[LayerNormalization | GroupNormalization, tuple[Array, Array]]):
    """y = γ x̂ + β with x̂ = (x − mean) / √(variance + ε). The state is x̂, as planes, and 1 / √(variance + ε)."""

    output_overwritable = True

    def __init__(self, layer: LayerNormalization | GroupNormalization, *input_shapes: tuple[int, ...]) -> None:
        super().__init__(layer, *input_shapes)
        channels = input_shapes[0][-1]
        self.groups = layer.groups_of(channels) if isinstance(layer, GroupNormalization) else None

    def _parts(self, maps: Array) -> Array:
        """Reshape planes to (A, R, B). Means are over R: all channels of a pixel, or channels and pixels of a group."""
        if self.groups is None:
            return maps.reshape(1, maps.shape[0], -1)
        return maps.reshape(self.groups, -1, maps.shape[-1])

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, tuple[Array, Array]]:
        """Return y and the state; x and y are (N, …, C)."""
        maps = planes(x)
        parts = self._parts(maps)
        centered = parts - parts.mean(axis=1, keepdims=True)
        inverse = 1 / np.sqrt(np.square(centered).mean(axis=1, keepdims=True) + self.layer.epsilon)
        normalized = (centered * inverse).reshape(maps.shape)
        y = normalized * column(context.weights["gamma"], maps) if self.layer.scale else normalized
        if self.layer.center:
            y = y + column(context.weights["beta"], maps)
        return planes(y if y is not normalized else y.copy()), (normalized, inverse)

    def backward(self, context: LayerContext, state: tuple[Array, Array], dy: Array) -> tuple[Array]:
        """Return dx = (g − mean(g) − x̂ · mean(g · x̂)) / √(variance + ε) with g = γ · dy."""
        (normalized, inverse), gradient = state, planes(dy)
        pixels = tuple(range(1, gradient.ndim))
        if "gamma" in context.gradients:
            context.gradients["gamma"][...] = (gradient * normalized).sum(axis=pixels)
        if "beta" in context.gradients:
            context.gradients["beta"][...] = gradient.sum(axis=pixels)
        if self.layer.scale:
            gradient = gradient * column(context.weights["gamma"], gradient)
        g, x = self._parts(gradient), self._parts(normalized)
        dx = inverse * (g - g.mean(axis=1, keepdims=True) - x * (g * x).mean(axis=1, keepdims=True))
        return (planes(dx.reshape(gradient.shape)),)


rule(LayerNormalization)(SampleNormalizationRule)
rule(GroupNormalization)(SampleNormalizationRule)


@rule(UnitNormalization)
class UnitNormalizationRule(LayerRule[UnitNormalization, tuple[Array, Array, Array]]):
    """y = x / √max(Σ x², floor), summed over channels. The state is y, 1 / √…, and where the sum exceeds the floor."""

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, tuple[Array, Array, Array]]:
        """Return y and the state; x and y are (N, …, C)."""
        maps = planes(x)
        squares = np.square(maps).sum(axis=0, keepdims=True)
        inverse = 1 / np.sqrt(np.maximum(squares, self.layer.floor))
        y = maps * inverse
        return planes(y), (y, inverse, squares > self.layer.floor)

    def backward(self, context: LayerContext, state: tuple[Array, Array, Array], dy: Array) -> tuple[Array]:
        """Return dx = (dy − y · Σ dy · y) / √(Σ x²); below the floor dy / √floor."""
        (y, inverse, above), gradient = state, planes(dy)
        along = (gradient * y).sum(axis=0, keepdims=True) * above
        return (planes(inverse * (gradient - y * along)),)
