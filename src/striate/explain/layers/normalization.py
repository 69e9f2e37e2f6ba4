"""Normalization by moving averages, by neighboring channels, and by statistics of the sample."""

from collections.abc import Mapping, Sequence

import numpy as np

from striate._types import Array
from striate.explain.units import (
    Arithmetic,
    Cells,
    InputWindow,
    Position,
    UnitRule,
    one_cell,
    register_unit_rule,
    weighted_sum,
)
from striate.network import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    LocalResponseNormalization,
    UnitNormalization,
)


@register_unit_rule(BatchNormalization)
class BatchNormalizationRule(UnitRule[BatchNormalization]):
    """x · scale + shift, with scale = gamma / √(variance + epsilon) and shift = beta − mean · scale."""

    operation = "weighted_sum"

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the cell at the same place."""
        return [one_cell(0, y, x, channel)]

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the scaled and shifted value; the statistics are gamma, beta, mean, variance and epsilon."""
        channel, epsilon = position[2], self.layer.epsilon
        mean, variance = (float(weights[name][channel]) for name in ("moving_mean", "moving_variance"))
        affine = _affine(weights, channel)
        scale = affine["gamma"] / np.sqrt(variance + epsilon)
        shift = affine["beta"] - mean * scale
        return weighted_sum(cells, [scale], shift, **affine, mean=mean, variance=variance, epsilon=epsilon)


@register_unit_rule(LocalResponseNormalization)
class LocalResponseRule(UnitRule[LocalResponseNormalization]):
    """x / (k + alpha · Σ x²)^beta, summed over neighboring channels."""

    operation = "normalization"

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the neighboring channels at the same place."""
        first, last = channel - self.layer.radius, channel + self.layer.radius
        channels = np.arange(max(first, 0), min(last, self.shape[2] - 1) + 1)
        return [InputWindow(0, np.array([y]), np.array([x]), channels)]

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the normalized value; the products are the squares, and `sum` is their sum."""
        layer, (part,) = self.layer, cells
        squares = part.values**2
        total = float(squares.sum())
        value = float(part.values[0, 0, part.channels == position[2]][0])
        statistics = {"value": value, "sum": total, "k": layer.k, "alpha": layer.alpha, "beta": layer.beta}
        return Arithmetic(
            value / (layer.k + layer.alpha * total) ** layer.beta, products=[squares], statistics=statistics
        )


class SampleRule(UnitRule[LayerNormalization | GroupNormalization]):
    """Base of gamma · (x − mean) / √(variance + epsilon) + beta with the mean and variance of the cells read."""

    operation = "normalization"

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the normalized value; the statistics are value, mean, variance, epsilon, gamma and beta."""
        (part,), (y, x, channel), epsilon = cells, position, self.layer.epsilon
        value = float(part.values[part.rows == y][:, part.columns == x][..., part.channels == channel].item())
        mean, variance = float(part.values.mean()), float(part.values.var())
        affine = _affine(weights, channel)
        statistics = {"value": value, "mean": mean, "variance": variance, "epsilon": epsilon, **affine}
        normalized = (value - mean) / np.sqrt(variance + epsilon)
        return Arithmetic(float(affine["gamma"] * normalized + affine["beta"]), statistics=statistics)


@register_unit_rule(LayerNormalization)
class LayerNormalizationRule(SampleRule):
    """Normalization over the channels of a pixel."""

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return all channels at the same place."""
        return [InputWindow(0, np.array([y]), np.array([x]), np.arange(self.shape[2]))]


@register_unit_rule(GroupNormalization)
class GroupNormalizationRule(SampleRule):
    """Normalization over the pixels and channels of a group."""

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return all pixels of the channels of the group."""
        assert isinstance(self.layer, GroupNormalization)
        height, width, channels = self.shape
        size = channels // self.layer.groups_of(channels)
        first = channel // size * size
        return [InputWindow(0, np.arange(height), np.arange(width), np.arange(first, first + size))]


@register_unit_rule(UnitNormalization)
class UnitNormalizationRule(UnitRule[UnitNormalization]):
    """x / √(Σ x²), summed over the channels of a pixel."""

    operation = "normalization"

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return all channels at the same place."""
        return [InputWindow(0, np.array([y]), np.array([x]), np.arange(self.shape[2]))]

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the scaled value; the products are the squares, and `sum` is their sum."""
        squares = cells[0].values ** 2
        value, total = float(cells[0].values[0, 0, position[2]]), float(squares.sum())
        length = np.sqrt(max(total, self.layer.floor))
        return Arithmetic(float(value / length), products=[squares], statistics={"value": value, "sum": total})


def _affine(weights: Mapping[str, Array], channel: int) -> dict[str, float]:
    """Return gamma and beta of a channel: 1 and 0 if the layer has none."""
    gamma, beta = weights.get("gamma"), weights.get("beta")
    return {
        "gamma": 1.0 if gamma is None else float(gamma[channel]),
        "beta": 0.0 if beta is None else float(beta[channel]),
    }
