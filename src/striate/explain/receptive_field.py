"""The region of the input image that one unit sees, exactly: through branches, padding, groups and upsampling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from striate.arguments import explain_arguments
from striate.errors import UsageError
from striate.explain.trace import AnyLayer, AnyModel, as_model, check_position, node_index
from striate.explain.units import InputWindow, UnitRule, as_maps, make_rule
from striate.network import Input, IntPair, Margins, Network

Span = tuple[int, int]  # first and last
Channels = frozenset[int] | None  # None: all


@dataclass(frozen=True)
class Region:
    """The receptive field of a unit in an input image. The ranges are (start, stop), stop excluded.

    Inside the rectangle there may be pixels that the unit does not see, for example between the kernel values of a
    dilated convolution. After Reshape and Permute, the rectangle may be larger than necessary.

    Attributes:
        layer: Name of the unit's layer.
        input: Name of the input.
        rows: Rows of the image that the unit sees.
        columns: Columns of the image that it sees.
        unclipped_rows: The same as if the image continued beyond its borders: padding of all layers included.
        unclipped_columns: The same for columns.
    """

    layer: str
    input: str
    rows: IntPair
    columns: IntPair
    unclipped_rows: IntPair
    unclipped_columns: IntPair

    @property
    def size(self) -> IntPair:
        """Height and width, not clipped."""
        return self.unclipped_rows[1] - self.unclipped_rows[0], self.unclipped_columns[1] - self.unclipped_columns[0]

    @property
    def padding(self) -> Margins:
        """((top, bottom), (left, right)): rows and columns of the unclipped receptive field outside the image."""
        pairs = ((self.rows, self.unclipped_rows), (self.columns, self.unclipped_columns))
        (top, bottom), (left, right) = ((seen[0] - all[0], all[1] - seen[1]) for seen, all in pairs)
        return (top, bottom), (left, right)

    def crop(self, image: Any) -> Any:
        """Crop an image (H, W, …) to the receptive field."""
        return image[slice(*self.rows), slice(*self.columns)]


@dataclass(frozen=True)
class _Box:
    """Cells of a node: rows and columns from first to last, and channels."""

    rows: Span
    columns: Span
    channels: Channels

    def union(self, other: "_Box | None") -> "_Box":
        if other is None:
            return self
        both = None if self.channels is None or other.channels is None else self.channels | other.channels
        return _Box(_join(self.rows, other.rows), _join(self.columns, other.columns), both)

    def clipped(self, height: int, width: int) -> "_Box | None":
        """Return the part inside a map, or None if there is none."""
        rows = max(self.rows[0], 0), min(self.rows[1], height - 1)
        columns = max(self.columns[0], 0), min(self.columns[1], width - 1)
        inside = rows[0] <= rows[1] and columns[0] <= columns[1]
        return _Box(rows, columns, self.channels) if inside else None


@explain_arguments
def receptive_field(model: AnyModel | Network, layer: AnyLayer, position: int | Sequence[int]) -> Region:
    """Return the receptive field of a unit in the input.

    Args:
        model: A model, a network, or the path of a run folder, model file or ONNX file.
        layer: The layer.
        position: (y, x), or (y, x, channel), which matters where channels come from different branches; for a layer
            whose output is a vector, the number of the unit.

    Returns:
        The region in the image. For a network with several inputs, in the first one that the unit sees.

    Raises:
        NetworkError: If there is no such layer.
        UsageError: If the position is outside the layer's output, or the unit sees no input.

    Example:
        >>> import striate as st
        >>> region = st.explain.receptive_field(st.zoo.network("lenet5"), "C3", (0, 9))
        >>> region.rows, region.columns, region.size
        ((0, 12), (16, 28), (14, 14))
        >>> region.padding
        ((2, 0), (0, 2))
    """
    network = model if isinstance(model, Network) else as_model(model).network
    number = node_index(network, layer)
    return Fields(network).region(number, *_check_place(network, number, position))


class Fields:
    """Receptive fields of units of one network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        nodes = network.nodes
        self.rules = [make_rule(node.layer, network.shapes_into(node)) for node in nodes]

    def region(self, number: int, y: int, x: int, channel: int | None) -> Region:
        """Return the receptive field of a unit in the input.

        Args:
            number: Number of the node.
            y: Row of the unit.
            x: Column of the unit.
            channel: Channel of the unit; None: all channels.

        Returns:
            The region.

        Raises:
            UsageError: If the unit sees padding only.
        """
        start = _Box((y, y), (x, x), None if channel is None else frozenset([channel]))
        seen, unclipped = self._inputs(number, start, clip=True), self._inputs(number, start, clip=False)
        name = str(self.network.nodes[number].layer.name)
        for source in self.network.inputs:
            if source in seen:
                inner, outer = seen[source], unclipped[source]
                return Region(
                    name,
                    str(self.network.nodes[source].layer.name),
                    _after(inner.rows),
                    _after(inner.columns),
                    _after(outer.rows),
                    _after(outer.columns),
                )
        raise UsageError(f"The receptive field of the unit of '{name}' contains only padding.")

    def _inputs(self, number: int, start: _Box, *, clip: bool) -> Mapping[int, _Box]:
        """Return the cells of the network's inputs on which cells of a node depend."""
        boxes: dict[int, _Box] = {number: start}
        for current in range(number, -1, -1):
            node = self.network.nodes[current]
            if current not in boxes or isinstance(node.layer, Input):
                continue
            for source, box in self._read_by(self.rules[current], boxes[current]).items():
                target = node.inputs[source]
                height, width, _ = as_maps(self.network.nodes[target].shape)
                part = box.clipped(height, width) if clip else box
                if part is not None:
                    boxes[target] = part.union(boxes.get(target))
        return {source: boxes[source] for source in self.network.inputs if source in boxes}

    def _read_by(self, rule: UnitRule[Any], box: _Box) -> dict[int, _Box]:
        """Return the cells that the units of a box read, by input of the layer."""
        found: dict[int, _Box] = {}
        channels = rule.sample_channels() if box.channels is None else box.channels
        for channel in channels:
            for part in self._read_by_channel(rule, box, channel):
                found[part.source] = _box(rule, part, all_channels=box.channels is None).union(found.get(part.source))
        return found

    def _read_by_channel(self, rule: UnitRule[Any], box: _Box, channel: int) -> list[InputWindow]:
        """Return what the units of a box in one channel read."""
        if rule.input_window_from == "all":
            places = ((y, x) for y in range(*_after(box.rows)) for x in range(*_after(box.columns)))
            return [reads for y, x in places for reads in rule.input_window(y, x, channel)]
        # Rows depend on y alone, and columns on x alone.
        lines = rule.input_window_from == "lines"
        ys, xs = (range(*_after(span)) if lines else sorted(set(span)) for span in (box.rows, box.columns))
        rows = zip(*(rule.input_window(y, box.columns[0], channel) for y in ys), strict=True)
        columns = zip(*(rule.input_window(box.rows[0], x, channel) for x in xs), strict=True)
        joined = (
            InputWindow(
                tall[0].source,
                np.concatenate([part.rows for part in tall]),
                np.concatenate([part.columns for part in wide]),
                tall[0].channels,
            )
            for tall, wide in zip(rows, columns, strict=True)
        )
        return [reads for reads in joined if reads.rows.size and reads.columns.size]


def _box(rule: UnitRule[Any], reads: InputWindow, *, all_channels: bool) -> _Box:
    whole = all_channels or len(reads.channels) == rule.inputs[reads.source][2]
    return _Box(
        (int(reads.rows.min()), int(reads.rows.max())),
        (int(reads.columns.min()), int(reads.columns.max())),
        None if whole else frozenset(reads.channels.tolist()),
    )


def _after(span: Span) -> Span:
    return span[0], span[1] + 1


def _join(a: Span, b: Span) -> Span:
    return min(a[0], b[0]), max(a[1], b[1])


def _check_place(network: Network, number: int, position: int | Sequence[int]) -> tuple[int, int, int | None]:
    """Return (y, x, channel), with None for all channels. Raise UsageError if it is outside the node's output."""
    values: Any = position
    if len(network.nodes[number].shape) == 3 and hasattr(values, "__len__") and len(values) == 2:
        y, x, _ = check_position(network, number, (*values, 0))
        return y, x, None
    y, x, channel = check_position(network, number, position)
    return y, x, channel
