"""Layers that only move values: flattening, reshaping, cropping, padding, selection of channels, permutation."""

from collections.abc import Sequence

import numpy as np

from striate.explain.layers.core import ElementRule
from striate.explain.units import InputWindow, one_cell, register_unit_rule
from striate.network import (
    CenterCrop,
    Cropping2D,
    Flatten,
    Permute,
    Reshape,
    SelectChannels,
    ZeroPadding2D,
)


@register_unit_rule(ZeroPadding2D)
class ZeroPaddingRule(ElementRule):
    """The cell at the same place before padding, which may be padding."""

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the cell at the same place, less the padding above and to the left."""
        assert isinstance(self.layer, ZeroPadding2D)
        (top, _), (left, _) = self.layer.window.margins((1, 1))
        return [one_cell(0, y - top, x - left, channel)]


@register_unit_rule(Flatten)
class FlattenRule(ElementRule):
    """The cell that becomes this feature."""

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the cell of number `channel` in row-major order."""
        return [one_cell(0, *map(int, np.unravel_index(channel, self.inputs[0])))]


@register_unit_rule(SelectChannels)
class SelectChannelsRule(ElementRule):
    """The cell of the selected channel."""

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the cell at the same place in the selected channel."""
        assert isinstance(self.layer, SelectChannels)
        return [one_cell(0, y, x, self.layer.channels[channel])]

    def sample_channels(self) -> Sequence[int]:
        """Return all channels."""
        return range(self.shape[2])


@register_unit_rule(Cropping2D, CenterCrop)
class CroppingRule(ElementRule):
    """The cell at the same place before cropping."""

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the cell at the same place, plus what is cut off above and to the left."""
        assert isinstance(self.layer, Cropping2D | CenterCrop)
        (top, _), (left, _) = self.layer.margins(self.inputs[0])
        return [one_cell(0, y + top, x + left, channel)]


@register_unit_rule(Reshape)
class ReshapeRule(ElementRule):
    """The cell with the same number in row-major order."""

    input_window_from = "all"

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the cell with the same number; for a place outside the map, that of the nearest."""
        place = (min(max(place, 0), size - 1) for place, size in zip((y, x, channel), self.shape, strict=True))
        number = int(np.ravel_multi_index(tuple(place), self.shape))
        return [one_cell(0, *map(int, np.unravel_index(number, self.inputs[0])))]

    def sample_channels(self) -> Sequence[int]:
        """Return all channels."""
        return range(self.shape[2])


@register_unit_rule(Permute)
class PermuteRule(ElementRule):
    """The cell at the same place along the original axes."""

    input_window_from = "all"

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the cell at the same place; axes that are channels are limited to those that there are."""
        assert isinstance(self.layer, Permute)
        if len(self.layer.dims) == 1:
            return [one_cell(0, y, x, channel)]
        place = [0, 0, 0]
        for axis, value in zip(self.layer.dims, (y, x, channel), strict=True):
            place[axis - 1] = value
        place[2] = min(max(place[2], 0), self.inputs[0][2] - 1)
        return [one_cell(0, *place)]

    def sample_channels(self) -> Sequence[int]:
        """Return all channels."""
        return range(self.shape[2])
