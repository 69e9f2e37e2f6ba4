"""Operators that select or reorder channels: slices, splits, single channels, channels in groups."""

from dataclasses import replace
from itertools import accumulate
from math import prod

import numpy as np

from striate._types import Array
from striate.network import SelectChannels
from striate.onnx.graph import OnnxNode
from striate.onnx.importing.network_builder import CHANNEL_AXES, LayerOutput, NetworkBuilder
from striate.onnx.importing.rules import rule

GROUPED_AXES = ("GCHW", "CGHW", "HWGC", "HWCG")


def is_channel_axis(value: LayerOutput, axis: int) -> bool:
    """Return whether an axis of the graph's tensor is that of the channels."""
    return value.axes in CHANNEL_AXES and axis % (1 + len(value.dims)) == 1 + CHANNEL_AXES[value.axes]


def select(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput, channels: Array) -> LayerOutput:
    """Append a layer that selects channels.

    Args:
        builder: The network so far.
        node: The node.
        value: The input.
        channels: Numbers of the graph's channels, in the order of the output.

    Returns:
        The output.
    """
    indices = channels if value.order is None else value.order[channels]
    layer = builder.add_layer(node, SelectChannels(tuple(indices.tolist())), value.layer)
    axis = CHANNEL_AXES[value.axes]
    dims = (*value.dims[:axis], len(channels), *value.dims[axis + 1 :])
    return replace(value, layer=layer, dims=dims, order=None, maps=None)


def regroup(builder: NetworkBuilder, node: OnnxNode, value: LayerOutput, dims: tuple[int, ...]) -> LayerOutput:
    """Put channels into groups, (C, H, W) → (G, C / G, H, W), or back, which shuffles them if they were transposed.

    Args:
        builder: The network so far.
        node: The node.
        value: The input.
        dims: Sizes of the output without the batch.

    Returns:
        The output.
    """
    first = value.axes.endswith("HW")
    pixels, groups = (slice(-2, None), slice(-2)) if first else (slice(2), slice(2, None))
    count = prod(value.dims[groups])
    builder.reserve_order(node, count)
    if dims[pixels] == value.dims[pixels] and prod(dims[groups]) == count and not builder.is_vector(value):
        if len(dims) == 4:
            return replace(value, dims=dims, axes="GCHW" if first else "HWGC", maps=None)
        shuffled = np.arange(count).reshape(value.dims[groups][1::-1]).T.reshape(-1)
        ungrouped = replace(value, dims=dims, axes="CHW" if first else "HWC")
        return ungrouped if value.axes in ("GCHW", "HWGC") else select(builder, node, ungrouped, shuffled)
    raise builder.unsupported(node, f"it reshapes grouped channels {value.dims} to {dims}, which is not a shuffle.")


@rule("Slice")
def _slice(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    """Select a range of channels; of other axes everything must be taken."""
    value = builder.input(node)
    shape = (builder.batch, *value.dims)
    starts, ends = (builder.integers(node, index, name) or () for index, name in ((1, "starts"), (2, "ends")))
    axes = builder.integers(node, 3, "axes") or tuple(range(len(starts)))
    steps = builder.integers(node, 4, "steps") or (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise builder.unsupported(node, "its starts, ends, axes and steps do not match.")
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = shape[axis % len(shape)]
        taken = range(size)[start : None if step < 0 and end < -size else end : step]
        if taken == range(size):
            continue
        if not is_channel_axis(value, axis) or not taken:
            raise builder.unsupported(node, "it takes a part of its input; only channels can be sliced.")
        builder.reserve_order(node, len(taken))
        value = select(builder, node, value, np.array(taken))
        shape = (builder.batch, *value.dims)
    return value


@rule("Gather")
def _gather(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    """Select channels by number; a scalar number removes the axis of channels."""
    value, numbers, axis = builder.input(node), builder.constant(node, 1), node.attributes.get("axis", 0)
    count = value.dims[CHANNEL_AXES[value.axes]] if value.axes in CHANNEL_AXES else 0
    valid = np.issubdtype(numbers.dtype, np.integer) and numbers.size and (abs(numbers + 0.5) < count).all()
    if numbers.ndim > 1 or not is_channel_axis(value, axis) or not valid:
        raise builder.unsupported(node, "it selects something other than channels.")
    builder.reserve_order(node, numbers.size)
    selected = select(builder, node, value, numbers.reshape(-1) % count)
    if numbers.ndim == 1:
        return selected
    if value.axes == "F":
        return replace(selected, dims=(), axes="scalar")
    if value.axes != "CHW" or builder.is_vector(selected):
        raise builder.unsupported(node, "it selects one number of a vector.")
    return replace(selected, dims=selected.dims[1:], axes="HW")


@rule("Expand", "Tile")
def _expand(builder: NetworkBuilder, node: OnnxNode) -> LayerOutput:
    """Repeat channels, or repeat one number for each channel over all pixels, as a factor of a product."""
    value, numbers = builder.input(node), builder.integers(node, 1, "shape") or ()
    before = (builder.batch, *value.dims)
    if len(numbers) > len(before) or value.axes not in CHANNEL_AXES:
        raise builder.unsupported(node, f"it expands {value.dims} by {numbers}.")
    numbers = (1,) * (len(before) - len(numbers)) + numbers
    if node.op_type == "Tile":
        repeats = numbers
    else:
        repeats = tuple(new if old == 1 and new > 0 else 1 for old, new in zip(before, numbers, strict=True))
        if any(new not in (1, old * n) for old, new, n in zip(before, numbers, repeats, strict=True)):
            raise builder.unsupported(node, f"it expands (N, {value.dims}) to {numbers}.")
    channel_axis = 1 + CHANNEL_AXES[value.axes]
    elsewhere = [n for axis, n in enumerate(repeats) if axis != channel_axis and n != 1]
    if min(repeats) < 1 or repeats[0] != 1 or (elsewhere and (value.size != (1, 1) or value.axes == "F")):
        raise builder.unsupported(node, f"it repeats (N, {value.dims}) by {repeats}; only channels can be repeated.")
    if repeats[channel_axis] > 1:
        builder.reserve_order(node, value.channels * repeats[channel_axis])
        value = select(builder, node, value, np.tile(np.arange(value.channels), repeats[channel_axis]))
    if not elsewhere:
        return value
    dims = tuple(size * n for size, n in zip(value.dims, repeats[1:], strict=True))
    spread = (value.channels, *dims[1:]) if value.axes == "CHW" else (*dims[:2], value.channels)
    return replace(value, dims=spread, axes="spread", maps=value)


@rule("Split")
def _split(builder: NetworkBuilder, node: OnnxNode) -> tuple[LayerOutput, ...]:
    value, parts = builder.input(node), len(node.outputs)
    count = value.dims[CHANNEL_AXES[value.axes]] if value.axes in CHANNEL_AXES else 0
    most = -(-count // parts)
    sizes = builder.integers(node, 1, "split") or tuple(min(most, count - most * part) for part in range(parts))
    axis = node.attributes.get("axis", 0)
    if not is_channel_axis(value, axis) or sum(sizes) != count or len(sizes) != parts or min(sizes) < 1:
        raise builder.unsupported(
            node, f"it splits {value.dims} into {sizes} along axis {axis}; only channels can be split."
        )
    builder.reserve_order(node, count)
    ends = accumulate(sizes)
    return tuple(
        select(builder, node, value, np.arange(end - size, end)) for end, size in zip(ends, sizes, strict=True)
    )
