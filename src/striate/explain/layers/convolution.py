"""Convolutions: each unit is a weighted sum of a window."""

from collections.abc import Mapping, Sequence

import numpy as np

from striate._types import Array
from striate.explain.units import Arithmetic, Cells, InputWindow, Position, UnitRule, register_unit_rule, weighted_sum
from striate.network import Conv2D, Conv2DTranspose, DepthwiseConv2D, IntPair, SeparableConv2D, Shape, Window


def window_cells(window: Window, size: IntPair, y: int, x: int) -> tuple[Array, Array]:
    """Return the cells under a window, padding included.

    Args:
        window: The window of the layer.
        size: Height and width of the input.
        y: Row of the output.
        x: Column of the output.

    Returns:
        The rows and the columns of the input.
    """
    (top, _), (left, _) = window.margins(size)
    (ky, kx), (sy, sx), (dy, dx) = window.kernel, window.strides, window.dilation
    return y * sy - top + dy * np.arange(ky), x * sx - left + dx * np.arange(kx)


@register_unit_rule(Conv2D)
class ConvolutionRule(UnitRule[Conv2D]):
    """Σ kernel · x + bias over a window and the input channels of the filter's group, or of its connections."""

    operation = "weighted_sum"

    def __init__(self, layer: Conv2D, inputs: Sequence[Shape]) -> None:
        super().__init__(layer, inputs)
        self.height, self.width, self.channels = self.inputs[0]

    def _channels(self, channel: int) -> tuple[Array, Array]:
        """Return the input channels of a filter, and their indices in its kernel."""
        if self.layer.connections:
            connected = np.array(self.layer.connections[channel])
            return connected, connected
        size = self.channels // self.layer.groups
        first = channel // (self.layer.filters // self.layer.groups) * size
        return np.arange(first, first + size), np.arange(size)

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the window and the filter's input channels."""
        rows, columns = window_cells(self.layer.window, (self.height, self.width), y, x)
        return [InputWindow(0, rows, columns, self._channels(channel)[0])]

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the weighted sum."""
        channel = position[2]
        kernel = weights["kernel"][:, :, self._channels(channel)[1], channel]
        return weighted_sum(cells, [kernel], _bias(weights, channel))

    def sample_channels(self) -> Sequence[int]:
        """Return one channel of each group; with connections, all."""
        if self.layer.connections:
            return range(self.layer.filters)
        return range(0, self.layer.filters, self.layer.filters // self.layer.groups)


@register_unit_rule(DepthwiseConv2D)
class DepthwiseRule(UnitRule[DepthwiseConv2D]):
    """Σ kernel · x + bias over a window of one channel."""

    operation = "weighted_sum"

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the window in one input channel."""
        height, width, _ = self.inputs[0]
        rows, columns = window_cells(self.layer.window, (height, width), y, x)
        return [InputWindow(0, rows, columns, np.array([channel // self.layer.depth_multiplier]))]

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the weighted sum."""
        channel = position[2]
        return weighted_sum(cells, [weights["kernel"][:, :, :, channel]], _bias(weights, channel))


@register_unit_rule(SeparableConv2D)
class SeparableRule(UnitRule[SeparableConv2D]):
    """Σ kernel · x + bias with the product of the depthwise and the pointwise kernel."""

    operation = "weighted_sum"

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the window in all input channels."""
        height, width, channels = self.inputs[0]
        rows, columns = window_cells(self.layer.window, (height, width), y, x)
        return [InputWindow(0, rows, columns, np.arange(channels))]

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the weighted sum; the weight of a cell is the sum over the depthwise filters of its channel."""
        depthwise = weights["depthwise_kernel"].astype(np.float64)  # KH, KW, 1, C · M
        products = depthwise[:, :, 0] * weights["pointwise_kernel"][0, 0, :, position[2]]
        kernel = products.reshape(*products.shape[:2], self.inputs[0][2], -1).sum(axis=3)
        return weighted_sum(cells, [kernel], _bias(weights, position[2]))


@register_unit_rule(Conv2DTranspose)
class TransposedConvolutionRule(UnitRule[Conv2DTranspose]):
    """Σ kernel · x + bias over the cells whose kernel, placed on the output, covers the unit."""

    operation = "weighted_sum"
    input_window_from = "lines"

    def _taps(self, y: int, axis: int) -> tuple[Array, Array]:
        """Return the rows (or columns) of the input that reach the output row y, and the kernel rows that do."""
        window = self.layer.forward_window
        before = window.margins((1, 1))[axis][0]
        offsets = y + before - window.dilation[axis] * np.arange(window.kernel[axis])[::-1]
        reached = offsets % window.strides[axis] == 0
        return offsets[reached] // window.strides[axis], np.flatnonzero(reached[::-1])[::-1]

    def input_window(self, y: int, x: int, channel: int) -> Sequence[InputWindow]:
        """Return the cells that reach the unit; there may be none."""
        return [InputWindow(0, self._taps(y, 0)[0], self._taps(x, 1)[0], np.arange(self.inputs[0][2]))]

    def compute(self, cells: Sequence[Cells], weights: Mapping[str, Array], position: Position) -> Arithmetic:
        """Return the weighted sum; the kernel is (KH, KW, O, C)."""
        y, x, channel = position
        taps = np.ix_(self._taps(y, 0)[1], self._taps(x, 1)[1])
        return weighted_sum(cells, [weights["kernel"][:, :, channel][taps]], _bias(weights, channel))


def _bias(weights: Mapping[str, Array], channel: int) -> float | None:
    return float(weights["bias"][channel]) if "bias" in weights else None
