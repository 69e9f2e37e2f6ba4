"""Operators that move numbers and change none, and those that reduce: what a tensor's axes are is followed through."""

from collections.abc import Callable
from dataclasses import replace
from math import prod

import numpy as np
from onnx import helper

from striate._types import Array
from striate.network import Flatten, GlobalAveragePool2D, GlobalMaxPool2D, Layer, RadialBasis
from striate.onnx.importing.building import Building, Rule, Value, across
from striate.onnx.importing.graph import Operation
from striate.onnx.importing.rules.channels import GROUPED, grouped
from striate.onnx.importing.rules.windows import is_row, pool_all

TURNS = {
    ("CHW", (0, 2, 3, 1)): "HWC", ("HWC", (0, 3, 1, 2)): "CHW",
    ("GCHW", (0, 2, 1, 3, 4)): "CGHW", ("CGHW", (0, 2, 1, 3, 4)): "GCHW",  # the channels in groups, to be shuffled
}  # fmt: skip


def _transpose(build: Building, operation: Operation) -> Value:
    value = build.value(operation)
    rank = 1 + len(value.dims)
    perm = tuple(operation.attributes.get("perm", range(rank)[::-1]))
    if sorted(perm) != list(range(rank)):
        raise build.refusal(operation, f"its perm {perm} is not that of {rank} axes.")
    if perm == tuple(range(rank)):
        return value
    if (value.axes, perm) not in TURNS:
        raise build.refusal(operation, f"it reorders axes in a way that layers do not: {perm}.")
    return replace(value, dims=tuple(value.dims[axis - 1] for axis in perm[1:]), axes=TURNS[value.axes, perm])


def reshape(build: Building, operation: Operation, value: Value, dims: tuple[int, ...]) -> Value:
    """The value with these sizes, without the batch. Raises NetworkError for what is more than flattening maps."""
    if dims == value.dims:
        return value
    whole = value.maps or value
    if value.axes in GROUPED or (len(dims) == 4 and value.axes == "CHW"):
        return grouped(build, operation, value, dims)
    if prod(dims) == prod(value.dims):
        if len(dims) == 1:
            return flat(build, operation, value)
        if len(dims) == 3:
            for axes in _orders(whole):
                if dims == _sizes(whole, axes):
                    return replace(whole, dims=dims, axes=axes, maps=None)
    raise build.refusal(
        operation,
        f"it turns (N, {', '.join(map(str, value.dims))}) into (N, {', '.join(map(str, dims))}); "
        "only maps can be flattened.",
    )


def _orders(value: Value) -> tuple[str, ...]:
    """Axes of maps in which the same numbers lie in the same order."""
    if value.axes == "F" or prod(value.size) == 1 or value.channels == 1:
        return ("CHW", "HWC") if value.order is None else ()
    return (value.axes,)


def _sizes(value: Value, axes: str) -> tuple[int, ...]:
    return (value.channels, *value.size) if axes == "CHW" else (*value.size, value.channels)


def flat(build: Building, operation: Operation, value: Value) -> Value:
    """Maps as a row; its order is remembered where the network's is another."""
    if value.axes == "F":
        return value
    if is_row(build, value):
        return replace(value, dims=(value.channels,), axes="F")
    step = build.flattened.get(value.step)
    if step is None:
        step = build.flattened[value.step] = build.add(operation, Flatten(), value.step)
    (height, width), channels = value.size, value.channels
    order = None
    if "HWC" not in _orders(value):
        order = np.arange(height * width * channels).reshape(height, width, channels).transpose(2, 0, 1).reshape(-1)
    return Value(step, (prod(value.dims),), "F", order, value, value.numbers)


def _to_shape(build: Building, operation: Operation) -> Value:
    value = build.value(operation)
    wanted = build.whole_numbers(operation, 1, "shape") or ()
    full = (build.batch, *value.dims)
    copied = not operation.attributes.get("allowzero", 0)
    sizes = [full[i] if size == 0 and copied and i < len(full) else size for i, size in enumerate(wanted)]
    known = prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known:
        sizes[sizes.index(-1)] = prod(full) // known
    if not sizes or sizes[0] != build.batch or prod(sizes) != prod(full) or min(sizes) < 1:
        raise build.refusal(operation, f"its shape {wanted} mixes images of a batch, or has another number of values.")
    return reshape(build, operation, value, tuple(sizes[1:]))


def _flatten(build: Building, operation: Operation) -> Value:
    value = build.value(operation)
    axis = operation.attributes.get("axis", 1)
    if axis not in (1, -len(value.dims)):
        raise build.refusal(operation, f"it flattens from axis {axis}; only axis 1 keeps images apart.")
    return reshape(build, operation, value, (prod(value.dims),))


def _squeeze(build: Building, operation: Operation) -> Value:
    value = build.value(operation)
    full = (build.batch, *value.dims)
    axes = build.whole_numbers(operation, 1, "axes")
    dropped = {i for i, n in enumerate(full) if n == 1} if axes is None else {axis % len(full) for axis in axes}
    if 0 in dropped or any(full[axis] != 1 for axis in dropped):
        raise build.refusal(operation, f"it takes away the axes {sorted(dropped)} of (N, {value.dims}).")
    return reshape(build, operation, value, tuple(n for i, n in enumerate(full) if i and i not in dropped))


def _unsqueeze(build: Building, operation: Operation) -> Value:
    value = build.value(operation)
    axes = build.whole_numbers(operation, 1, "axes") or ()
    rank = 1 + len(value.dims) + len(axes)
    dims = [build.batch, *value.dims]
    for axis in sorted(axis % rank for axis in axes):
        dims.insert(axis, 1)
    if dims[0] != build.batch or rank > 4:
        raise build.refusal(operation, f"it adds the axes {axes}.")
    if value.axes == "HW" and dims[1] == 1:
        return replace(value, dims=tuple(dims[1:]), axes="CHW")
    if len(dims) == 3 and value.axes == "F":  # a column, of which only distances are taken
        return replace(value, dims=tuple(dims[1:]), axes="column")
    return reshape(build, operation, value, tuple(dims[1:]))


def _same(build: Building, operation: Operation) -> Value:
    return build.value(operation)


def _dropout(build: Building, operation: Operation) -> Value:
    if build.given(operation, 2) and build.constant(operation, 2).any():
        raise build.refusal(operation, "it drops out, as in training; export it for inference.")
    return build.value(operation)


def _cast(build: Building, operation: Operation) -> Value:
    value = build.value(operation)
    try:
        dtype = helper.tensor_dtype_to_np_dtype(operation.attributes["to"])
    except KeyError:
        raise build.refusal(operation, "it turns numbers into an unknown dtype.") from None
    if np.issubdtype(dtype, np.floating):
        return replace(value, numbers="real" if value.numbers == "real" else "whole")
    if value.numbers == "integer" and np.issubdtype(dtype, np.integer) and dtype.itemsize > 2:
        return value
    raise build.refusal(operation, f"it turns numbers into {dtype}.")


def _shape(build: Building, operation: Operation) -> Array:
    value = build.value(operation)
    start, end = operation.attributes.get("start", 0), operation.attributes.get("end")
    return np.array((build.batch, *value.dims)[start:end], np.int64)


def _reduce(layer: Callable[[], Layer]) -> Callable[[Building, Operation], Value]:
    """The mean or largest number of each map, where height and width are reduced."""

    def rule(build: Building, operation: Operation) -> Value:
        value = build.value(operation)
        rank = 1 + len(value.dims)
        axes = sorted(axis % rank for axis in build.whole_numbers(operation, 1, "axes") or range(rank))
        if axes != {"CHW": [2, 3], "HWC": [1, 2]}.get(value.axes):
            raise build.refusal(operation, f"it reduces the axes {axes}; only height and width can be.")
        pooled = pool_all(build, operation, value, layer())
        dims = pooled.dims if value.axes == "CHW" else (1, 1, value.channels)
        if not operation.attributes.get("keepdims", 1):
            return replace(pooled, dims=(value.channels,), axes="F")
        return replace(pooled, dims=dims, axes=value.axes)

    return rule


def _distance(build: Building, operation: Operation) -> Value:
    """Σ (x − w)² over a row: how far it lies from each prototype, as our own radial-basis layers are written."""
    away = build.maker(operation.inputs[0])
    axes = build.whole_numbers(operation, 1, "axes")
    if away is None or away.kind != "Sub" or axes != (1,) or operation.attributes.get("keepdims", 1):
        raise build.refusal(operation, "only the distance from constant prototypes can.")
    value, prototypes = build.value(away), build.constant(away, 1)
    if value.axes != "column" or prototypes.ndim != 2 or len(prototypes) != value.dims[0]:
        raise build.refusal(operation, "only the distance of rows from constant prototypes can.")
    numbers = across(value, np.asarray(prototypes, np.float32))
    layer = RadialBasis(numbers.shape[1], "zeros")
    step = build.add(operation, layer, value.step, prototypes=numbers)
    return Value(step, (numbers.shape[1],), "F")


def _quantized(build: Building, operation: Operation) -> Value:
    raise build.refusal(operation, "it works with numbers of 8 bits; import the file it was quantised from.")


RULES: dict[str, Rule] = {
    "Cast": _cast,
    "DequantizeLinear": _quantized,
    "Dropout": _dropout,
    "Flatten": _flatten,
    "Identity": _same,
    "QuantizeLinear": _quantized,
    "ReduceMax": _reduce(GlobalMaxPool2D),
    "ReduceMean": _reduce(GlobalAveragePool2D),
    "ReduceSumSquare": _distance,
    "Reshape": _to_shape,
    "Shape": _shape,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
