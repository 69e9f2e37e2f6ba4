"""Upsampling and resizing: each unit is a copy of a cell, or a weighted sum of up to four."""

from collections.abc import Mapping, Sequence

import numpy as np

from striate._types import Array
from striate.explain.units import Arithmetic, Cells, InputWindow, Position, UnitRule, register_unit_rule, weighted_sum
from striate.network import Resizing, UpSampling2D


@register_unit_rule(UpSampling2D, Resizing)
class UpSamplingRule(UnitRule[UpSampling2D | Resizing]):
    """Σ weight · x over the nearest rows and columns; the weights of a cell are those of its row and its column."""

    operation = "weighted_sum"

    def _nearest(self, y: int, axis: int) -> tuple[Array, Array]:
        """Return the rows (or columns) of the input between which the output row y lies, and their weights."""
        size, count = self.inputs[0][axis], self.shape[axis]
        if self.layer.interpolation == "nearest":
            return np.array([y // (count // size)]), np.ones(1)
        if self.layer.interpolation == "bilinear":
            center = min(max((y + 0.5) * size / count - 0.5, 0.0), size - 1.0)
        else:
            center = y * (size - 1) / max(count - 1, 1)
        first = int(np.floor(center))
        if first == center:
            return np.array([first]), np.ones(1)
        return np.array([first, first + 1]), np.array([first + 1 - center, center - first])

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the nearest cells of the same channel."""
        return [InputWindow(0, self._nearest(y, 0)[0], self._nearest(x, 1)[0], np.array([channel]))]

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the weighted sum."""
        (_, rows), (_, columns) = self._nearest(position[0], 0), self._nearest(position[1], 1)
        return weighted_sum(cells, [np.outer(rows, columns)[..., None]])
