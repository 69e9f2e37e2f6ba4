"""Layers with several inputs: sum, difference, mean, product, maximum, minimum, concatenation."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np

from striate._types import Array
from striate.explain.units import (
    Arithmetic,
    Cells,
    InputWindow,
    Position,
    UnitRule,
    maximum,
    one_cell,
    register_unit_rule,
    weighted_sum,
)
from striate.network import Add, Average, Concatenate, Layer, Maximum, Minimum, Multiply, Shape, Subtract


class MergingRule(UnitRule[Layer]):
    """Base of layers whose units read the same place of all inputs. A vector beside maps has one value for a map."""

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return one cell of each input."""
        places = ((0, 0) if shape[:2] == (1, 1) != self.shape[:2] else (y, x) for shape in self.inputs)
        return [one_cell(source, *place, channel) for source, place in enumerate(places)]


@register_unit_rule(Add)
class AddRule(MergingRule):
    """The sum of the inputs."""

    operation = "sum"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the sum."""
        return weighted_sum(cells, [1.0] * len(cells))


@register_unit_rule(Average)
class AverageRule(MergingRule):
    """The mean of the inputs."""

    operation = "mean"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the sum of value / count."""
        return weighted_sum(cells, [1 / len(cells)] * len(cells), count=len(cells))


@register_unit_rule(Subtract)
class SubtractRule(MergingRule):
    """The first input minus the second."""

    operation = "weighted_sum"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the difference, as a sum with the weights 1 and −1."""
        return weighted_sum(cells, [1.0, -1.0])


@register_unit_rule(Maximum)
class MaximumRule(MergingRule):
    """The largest of the inputs."""

    operation = "maximum"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the maximum."""
        return maximum(cells)


@register_unit_rule(Minimum)
class MinimumRule(MergingRule):
    """The smallest of the inputs."""

    operation = "minimum"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the minimum."""
        return maximum(cells, -1)


@register_unit_rule(Multiply)
class MultiplyRule(MergingRule):
    """The product of the inputs."""

    operation = "product"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the product."""
        return Arithmetic(float(np.prod([part.values.item() for part in cells])))


@register_unit_rule(Concatenate)
class ConcatenateRule(UnitRule[Concatenate]):
    """The cell of the input that this row, column or channel comes from."""

    operation = "copy"

    def __init__(self, layer: Concatenate, inputs: Sequence[Shape]) -> None:
        super().__init__(layer, inputs)
        axis = layer.axis - 1 if layer.axis > 0 else layer.axis + len(inputs[0])
        self.axis = axis + 3 - len(inputs[0])  # of (H, W, C)
        self.starts = [0, *accumulate(shape[self.axis] for shape in self.inputs)]
        self.input_window_from = "corners" if self.axis == 2 else "all"

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the cell of one input."""
        place = [y, x, channel]
        source = int(np.searchsorted(self.starts, place[self.axis], side="right")) - 1
        source = min(max(source, 0), len(self.inputs) - 1)  # of places outside the map
        place[self.axis] -= self.starts[source]
        return [one_cell(source, *place)]

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the value of the only cell."""
        return Arithmetic(float(cells[0].values.item()))

    def sample_channels(self) -> Sequence[int]:
        """Return the first and last channel of each input."""
        if self.axis != 2:
            return super().sample_channels()
        return sorted({*self.starts[:-1], *(end - 1 for end in self.starts[1:])})
