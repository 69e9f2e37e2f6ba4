"""Layers without a window: input, dense, activation, scaling, padding, merging, and layers that only move values."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np

from striate._types import Array
from striate.explain.units import (
    Arithmetic,
    Cells,
    Operation,
    Position,
    Reads,
    UnitRule,
    maximum,
    one_cell,
    rule,
    weighted_sum,
)
from striate.network import (
    Activation,
    Add,
    Concatenate,
    Dense,
    Dropout,
    Flatten,
    Input,
    Layer,
    Maximum,
    Multiply,
    Power,
    RadialBasis,
    Rescale,
    SelectChannels,
    Shape,
    ZeroPadding2D,
)


class ElementRule(UnitRule[Layer]):
    """Base of layers whose units read one cell, at the same place."""

    operation: Operation = "copy"

    def reads(self, y: int, x: int, channel: int) -> Sequence[Reads]:
        """Return the cell at the same place."""
        return [one_cell(0, y, x, channel)]

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the value of the only cell."""
        return Arithmetic(float(cells[0].values.item()))


rule(Activation, Dropout)(ElementRule)  # in inference, dropout changes nothing


@rule(Input)
class InputRule(UnitRule[Input]):
    """A number of the image, or of another input."""

    operation = "input"

    def reads(self, y: int, x: int, channel: int) -> Sequence[Reads]:
        """Return nothing."""
        return []

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return NaN, in place of which the number itself is shown."""
        return Arithmetic(float("nan"))


@rule(Rescale)
class RescaleRule(ElementRule):
    """x · scale + offset."""

    operation = "weighted_sum"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the weighted value."""
        assert isinstance(self.layer, Rescale)
        numbers = (self.layer.scale, self.layer.offset)
        scale, offset = (number[position[2]] if isinstance(number, tuple) else number for number in numbers)
        return weighted_sum(cells, [scale], offset)


@rule(Power)
class PowerRule(ElementRule):
    """x^exponent."""

    operation = "power"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the power."""
        assert isinstance(self.layer, Power)
        exponent = self.layer.exponent
        return Arithmetic(float(np.power(cells[0].values.item(), exponent)), numbers={"exponent": exponent})


@rule(ZeroPadding2D)
class ZeroPaddingRule(ElementRule):
    """The cell at the same place before padding, which may be padding."""

    def reads(self, y: int, x: int, channel: int) -> Sequence[Reads]:
        """Return the cell at the same place, less the padding above and to the left."""
        assert isinstance(self.layer, ZeroPadding2D)
        (top, _), (left, _) = self.layer.window.margins((1, 1))
        return [one_cell(0, y - top, x - left, channel)]


@rule(Flatten)
class FlattenRule(ElementRule):
    """The cell that becomes this feature."""

    def reads(self, y: int, x: int, channel: int) -> Sequence[Reads]:
        """Return the cell of number `channel` in row-major order."""
        return [one_cell(0, *map(int, np.unravel_index(channel, self.inputs[0])))]


@rule(SelectChannels)
class SelectChannelsRule(ElementRule):
    """The cell of the selected channel."""

    def reads(self, y: int, x: int, channel: int) -> Sequence[Reads]:
        """Return the cell at the same place in the selected channel."""
        assert isinstance(self.layer, SelectChannels)
        return [one_cell(0, y, x, self.layer.channels[channel])]

    def sample_channels(self) -> Sequence[int]:
        """Return all channels."""
        return range(self.shape[2])


class VectorRule(UnitRule[Layer]):
    """Base of layers whose units read all features of a vector."""

    def reads(self, y: int, x: int, channel: int) -> Sequence[Reads]:
        """Return all features."""
        return [Reads(0, np.array([0]), np.array([0]), np.arange(self.inputs[0][2]))]


@rule(Dense)
class DenseRule(VectorRule):
    """Σ kernel · x + bias over all features."""

    operation = "weighted_sum"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the weighted sum; the kernel is (F, units)."""
        unit = position[2]
        bias = float(weights["bias"][unit]) if "bias" in weights else None
        return weighted_sum(cells, [weights["kernel"][None, None, :, unit]], bias)

    def channel_totals(self, cells: Sequence[Cells], weights: Mapping[str, Array]) -> Array:
        """Return the weighted sums of all units."""
        totals: Array = cells[0].values.ravel() @ weights["kernel"] + weights.get("bias", 0.0)
        return totals


@rule(RadialBasis)
class RadialBasisRule(VectorRule):
    """Σ (x − prototype)² over all features."""

    operation = "squared_distance"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the sum of the squared differences; the weights of the cells are the prototype."""
        prototype = weights["prototypes"][None, None, :, position[2]]
        terms = (cells[0].values - prototype) ** 2
        return Arithmetic(float(terms.sum()), [prototype], [terms])


class MergingRule(UnitRule[Layer]):
    """Base of layers whose units read the same place of all inputs. A vector beside maps has one value for a map."""

    def reads(self, y: int, x: int, channel: int) -> Sequence[Reads]:
        """Return one cell of each input."""
        places = ((0, 0) if shape[:2] == (1, 1) != self.shape[:2] else (y, x) for shape in self.inputs)
        return [one_cell(source, *place, channel) for source, place in enumerate(places)]


@rule(Add)
class AddRule(MergingRule):
    """The sum of the inputs."""

    operation = "sum"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the sum."""
        return weighted_sum(cells, [1.0] * len(cells))


@rule(Maximum)
class MaximumRule(MergingRule):
    """The largest of the inputs."""

    operation = "maximum"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the maximum."""
        return maximum(cells)


@rule(Multiply)
class MultiplyRule(MergingRule):
    """The product of the inputs."""

    operation = "product"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the product."""
        return Arithmetic(float(np.prod([part.values.item() for part in cells])))


@rule(Concatenate)
class ConcatenateRule(UnitRule[Concatenate]):
    """The cell of the input that this channel comes from."""

    operation = "copy"

    def __init__(self, layer: Concatenate, inputs: Sequence[Shape]) -> None:
        super().__init__(layer, inputs)
        self.starts = [0, *accumulate(shape[2] for shape in self.inputs)]

    def reads(self, y: int, x: int, channel: int) -> Sequence[Reads]:
        """Return the cell at the same place of one input."""
        source = int(np.searchsorted(self.starts, channel, side="right")) - 1
        return [one_cell(source, y, x, channel - self.starts[source])]

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the value of the only cell."""
        return Arithmetic(float(cells[0].values.item()))

    def sample_channels(self) -> Sequence[int]:
        """Return the first and last channel of each input."""
        ends = (end - 1 for end in self.starts[1:])
        return sorted({*self.starts[:-1], *ends})
