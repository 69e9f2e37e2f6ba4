"""Pooling of windows and of entire maps, and LeNet's trainable subsampling."""

from collections.abc import Mapping, Sequence

import numpy as np

from striate._types import Array
from striate.explain.layers.convolution import window_cells
from striate.explain.units import (
    Arithmetic,
    Cells,
    InputWindow,
    Position,
    UnitRule,
    maximum,
    register_unit_rule,
    weighted_sum,
)
from striate.network import AveragePool2D, GlobalAveragePool2D, GlobalMaxPool2D, Layer, MaxPool2D, Subsample2D


class WindowRule(UnitRule[Layer]):
    """Base of pooling over a window of one channel."""

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the window in the same channel."""
        assert self.layer.window
        height, width, _ = self.inputs[0]
        rows, columns = window_cells(self.layer.window, (height, width), y, x)
        return [InputWindow(0, rows, columns, np.array([channel]))]


@register_unit_rule(MaxPool2D)
class MaxPoolRule(WindowRule):
    """The largest value of a window, padding excluded."""

    operation = "maximum"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the maximum."""
        return maximum(cells)


@register_unit_rule(AveragePool2D)
class AveragePoolRule(WindowRule):
    """The mean of a window, padding excluded."""

    operation = "mean"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the sum of value / count, where count is the number of cells that are not padding."""
        return _mean(cells)


@register_unit_rule(Subsample2D)
class SubsampleRule(WindowRule):
    """coefficient · mean of a window + bias."""

    operation = "weighted_sum"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the weighted sum, in which every cell has the weight coefficient / count."""
        coefficient, bias = (float(weights[name][position[2]]) for name in ("coefficient", "bias"))
        count = cells[0].values.size
        weight = np.full(cells[0].values.shape, coefficient / count)
        return weighted_sum(cells, [weight], bias, coefficient=coefficient, count=count)


class GlobalRule(UnitRule[Layer]):
    """Base of pooling over an entire map."""

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the map of the same channel."""
        height, width, _ = self.inputs[0]
        return [InputWindow(0, np.arange(height), np.arange(width), np.array([channel]))]


@register_unit_rule(GlobalAveragePool2D)
class GlobalAverageRule(GlobalRule):
    """The mean of a map."""

    operation = "mean"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the sum of value / (H · W)."""
        return _mean(cells)


@register_unit_rule(GlobalMaxPool2D)
class GlobalMaxRule(GlobalRule):
    """The largest value of a map."""

    operation = "maximum"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the maximum."""
        return maximum(cells)


def _mean(cells: Sequence[Cells]) -> Arithmetic:
    count = int(cells[0].mask.sum())
    return weighted_sum(cells, [cells[0].mask[..., None] / count], count=count)
