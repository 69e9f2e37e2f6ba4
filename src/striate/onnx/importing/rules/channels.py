"""Operators that take the channels apart or shuffle them: slices, splits, single channels, channels in groups."""

from dataclasses import replace
from math import prod

import numpy as np

from striate._types import Array
from striate.network import SelectChannels
from striate.onnx.importing.building import PLACES, Building, Rule, Value
from striate.onnx.importing.graph import Operation
from striate.onnx.importing.rules.windows import is_row

GROUPED = ("GCHW", "CGHW")


def channel_axis(build: Building, operation: Operation, value: Value, axis: int) -> bool:
    """Whether an axis of the graph's tensor is that of the channels."""
    return value.axes in PLACES and axis % (1 + len(value.dims)) == 1 + PLACES[value.axes]


def select(build: Building, operation: Operation, value: Value, channels: Array) -> Value:
    """These of the graph's channels, in this order."""
    ours = channels if value.order is None else value.order[channels]
    layer = SelectChannels(tuple(ours.tolist()))
    step, place = build.add(operation, layer, value.step), PLACES[value.axes]
    dims = (*value.dims[:place], len(channels), *value.dims[place + 1 :])
    return replace(value, step=step, dims=dims, order=None, maps=None)


def grouped(build: Building, operation: Operation, value: Value, dims: tuple[int, ...]) -> Value:
    """Channels put into groups, (C, H, W) → (G, C / G, H, W), and back."""
    count = prod(value.dims[:-2])
    if dims[-2:] == value.dims[-2:] and prod(dims[:-2]) == count and not is_row(build, value):
        if len(dims) == 4:
            return replace(value, dims=dims, axes="GCHW", maps=None)
        shuffled = np.arange(count).reshape(value.dims[1::-1]).T.reshape(-1)
        back = replace(value, dims=(count, *dims[-2:]), axes="CHW")
        return back if value.axes == "GCHW" else select(build, operation, back, shuffled)
    raise build.refusal(operation, f"it makes {dims} of channels in groups, {value.dims}; that is no shuffle of them.")


def _sliced(build: Building, operation: Operation) -> Value:
    """A part of the channels; of other axes all must be taken."""
    value = build.value(operation)
    full = (build.batch, *value.dims)
    starts, ends = (build.whole_numbers(operation, i, name) or () for i, name in ((1, "starts"), (2, "ends")))
    axes = build.whole_numbers(operation, 3, "axes") or tuple(range(len(starts)))
    steps = build.whole_numbers(operation, 4, "steps") or (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise build.refusal(operation, "its starts, ends, axes and steps do not fit together.")
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = full[axis % len(full)]
        taken = range(size)[start : None if step < 0 and end < -size else end : step]
        if taken == range(size):
            continue
        if not channel_axis(build, operation, value, axis) or not taken:
            raise build.refusal(operation, "it takes a part of its input; only channels can be taken apart.")
        value = select(build, operation, value, np.array(taken))
        full = (build.batch, *value.dims)
    return value


def _gather(build: Building, operation: Operation) -> Value:
    """Channels by number; one alone leaves maps without an axis of channels."""
    value, numbers, axis = build.value(operation), build.constant(operation, 1), operation.attributes.get("axis", 0)
    count = value.dims[PLACES[value.axes]] if value.axes in PLACES else 0
    known = np.issubdtype(numbers.dtype, np.integer) and numbers.size and (abs(numbers + 0.5) < count).all()
    if numbers.ndim > 1 or not channel_axis(build, operation, value, axis) or not known:
        raise build.refusal(operation, "it picks something other than channels.")
    picked = select(build, operation, value, numbers.reshape(-1) % count)
    if numbers.ndim == 1:
        return picked
    if value.axes != "CHW" or is_row(build, picked):
        raise build.refusal(operation, "it picks one number of a row.")
    return replace(picked, dims=picked.dims[1:], axes="HW")


def _split(build: Building, operation: Operation) -> tuple[Value, ...]:
    """Channels in several parts."""
    value, parts = build.value(operation), len(operation.outputs)
    count = value.dims[PLACES[value.axes]] if value.axes in PLACES else 0
    most = -(-count // parts)
    sizes = build.whole_numbers(operation, 1, "split") or tuple(min(most, count - most * part) for part in range(parts))
    axis = operation.attributes.get("axis", 0)
    if not channel_axis(build, operation, value, axis) or sum(sizes) != count or len(sizes) != parts or min(sizes) < 1:
        raise build.refusal(operation, f"it splits {value.dims} into {sizes} along axis {axis}; only channels can be.")
    starts = [sum(sizes[:part]) for part in range(parts)]
    return tuple(
        select(build, operation, value, np.arange(start, start + size))
        for start, size in zip(starts, sizes, strict=True)
    )


RULES: dict[str, Rule] = {"Gather": _gather, "Slice": _sliced, "Split": _split}
