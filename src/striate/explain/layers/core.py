"""Layers whose units read one cell or a vector: input, activations, scaling, dropout, powers, dense, radial basis."""

from collections.abc import Mapping, Sequence

import numpy as np

from striate._types import Array
from striate.explain.units import (
    Arithmetic,
    Cells,
    InputWindow,
    Operation,
    Position,
    UnitRule,
    as_maps,
    one_cell,
    register_unit_rule,
    weighted_sum,
)
from striate.network import (
    ELU,
    Activation,
    Dense,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    Identity,
    Input,
    Layer,
    LayerScale,
    LeakyReLU,
    Normalization,
    Power,
    PReLU,
    RadialBasis,
    ReLU,
    Rescale,
    Softmax,
    SpatialDropout2D,
)


class ElementRule(UnitRule[Layer]):
    """Base of layers whose units read one cell, at the same place."""

    operation: Operation = "copy"

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the cell at the same place."""
        return [one_cell(0, y, x, channel)]

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the value of the only cell."""
        return Arithmetic(float(cells[0].values.item()))


register_unit_rule(Activation, ELU, Identity, LeakyReLU, ReLU, Softmax)(ElementRule)
register_unit_rule(Dropout, SpatialDropout2D, GaussianDropout, GaussianNoise)(
    ElementRule
)  # in inference, they change nothing


@register_unit_rule(Input)
class InputRule(UnitRule[Input]):
    """A number of the image, or of another input."""

    operation = "input"

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return nothing."""
        return []

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return NaN, in place of which the number itself is shown."""
        return Arithmetic(float("nan"))


@register_unit_rule(Rescale, Normalization)
class RescaleRule(ElementRule):
    """x · scale + offset."""

    operation = "weighted_sum"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the weighted value."""
        assert isinstance(self.layer, Rescale | Normalization)
        numbers = (self.layer.scale, self.layer.offset)
        scale, offset = (number[position[2]] if isinstance(number, tuple) else number for number in numbers)
        return weighted_sum(cells, [scale], offset)


@register_unit_rule(LayerScale)
class LayerScaleRule(ElementRule):
    """scale · x, with the factor of the channel."""

    operation = "weighted_sum"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the weighted value."""
        return weighted_sum(cells, [float(weights["scale"][position[2]])])


@register_unit_rule(PReLU)
class PReluRule(ElementRule):
    """x if x > 0, else alpha · x."""

    operation = "weighted_sum"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the value with the weight 1 or alpha."""
        slopes = weights["alpha"].reshape(as_maps(weights["alpha"].shape))
        y, x, channel = (min(place, size - 1) for place, size in zip(position, slopes.shape, strict=True))
        alpha = float(slopes[y, x, channel])
        return weighted_sum(cells, [1.0 if cells[0].values.item() > 0 else alpha], alpha=alpha)


@register_unit_rule(Power)
class PowerRule(ElementRule):
    """x^exponent."""

    operation = "power"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the power."""
        assert isinstance(self.layer, Power)
        exponent = self.layer.exponent
        return Arithmetic(float(np.power(cells[0].values.item(), exponent)), statistics={"exponent": exponent})


class VectorRule(UnitRule[Layer]):
    """Base of layers whose units read all features of a vector."""

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return all features."""
        return [InputWindow(0, np.array([0]), np.array([0]), np.arange(self.inputs[0][2]))]


@register_unit_rule(Dense)
class DenseRule(VectorRule):
    """Σ kernel · x + bias over all features."""

    operation = "weighted_sum"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the weighted sum; the kernel is (F, units)."""
        unit = position[2]
        bias = float(weights["bias"][unit]) if "bias" in weights else None
        return weighted_sum(cells, [weights["kernel"][None, None, :, unit]], bias)

    def channel_pre_activations(self, cells: Sequence[Cells], weights: Mapping[str, Array]) -> Array:
        """Return the weighted sums of all units."""
        totals: Array = cells[0].values.ravel() @ weights["kernel"] + weights.get("bias", 0.0)
        return totals


@register_unit_rule(RadialBasis)
class RadialBasisRule(VectorRule):
    """Σ (x − prototype)² over all features."""

    operation = "squared_distance"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the sum of the squared differences; the weights of the cells are the prototype."""
        prototype = weights["prototypes"][None, None, :, position[2]]
        terms = (cells[0].values - prototype) ** 2
        return Arithmetic(float(terms.sum()), [prototype], [terms])
