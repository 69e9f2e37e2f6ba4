"""Arithmetic on constants: what exporters leave in a graph to compute shapes, done once and for all."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from striate._types import Array

LARGEST_FOLDED = 1 << 27  # numbers
Inputs = Sequence[Array]
Rule = Callable[[Inputs, Mapping[str, Any]], Array]


class FoldingError(Exception):
    """Constants that cannot be computed: they do not fit together, or are too large."""


def fold(kind: str, inputs: Sequence[Array | None], attributes: Mapping[str, Any]) -> Array | None:
    """What an operator makes of constants (None: an input left out); None for an operator that is not computed here.

    Raises FoldingError.
    """
    if kind not in RULES:
        return None
    given = [array for array in inputs if array is not None]
    try:
        with np.errstate(all="ignore"):
            result = RULES[kind](given, attributes)
    except (ValueError, TypeError, IndexError, OverflowError, KeyError, MemoryError) as error:
        raise FoldingError(str(error)) from error
    return np.asarray(result)


def _bounded(size: int) -> None:
    if size > LARGEST_FOLDED:
        raise FoldingError(f"it would have {size:,} numbers")


def _pointwise(function: Callable[..., Any]) -> Rule:
    def rule(inputs: Inputs, attributes: Mapping[str, Any]) -> Array:
        _bounded(prod(np.broadcast_shapes(*(array.shape for array in inputs))))
        return np.asarray(function(*inputs))

    return rule


def _divide(a: Array, b: Array) -> Array:
    """Whole numbers are rounded towards 0."""
    if np.issubdtype(a.dtype, np.floating):
        return np.asarray(a / b)
    return np.asarray(np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))).astype(a.dtype)


def _axes(inputs: Inputs, attributes: Mapping[str, Any]) -> tuple[int, ...]:
    """An input in newer files, an attribute in older ones."""
    return tuple(int(axis) for axis in (inputs[1].reshape(-1) if len(inputs) > 1 else attributes.get("axes", ())))


def _concat(inputs: Inputs, attributes: Mapping[str, Any]) -> Array:
    _bounded(sum(array.size for array in inputs))
    return np.concatenate(inputs, attributes["axis"])


def _gather(inputs: Inputs, attributes: Mapping[str, Any]) -> Array:
    data, places = inputs
    axis = attributes.get("axis", 0)
    _bounded(places.size * (data.size // max(data.shape[axis], 1)))
    return np.take(data, places, axis)


def _slice(inputs: Inputs, attributes: Mapping[str, Any]) -> Array:
    data = inputs[0]
    if len(inputs) < 3:
        starts, ends = np.array(attributes["starts"]), np.array(attributes["ends"])
        axes, steps = np.array(attributes.get("axes", range(len(starts)))), np.ones_like(starts)
    else:
        starts, ends = inputs[1:3]
        axes = inputs[3] if len(inputs) > 3 else np.arange(len(starts))
        steps = inputs[4] if len(inputs) > 4 else np.ones_like(starts)
    cut = [slice(None)] * data.ndim
    for start, end, axis, step in zip(starts.tolist(), ends.tolist(), axes.tolist(), steps.tolist(), strict=True):
        cut[axis] = slice(start, None if step < 0 and end < -data.shape[axis] else end, step)
    return data[tuple(cut)]


def _shape(inputs: Inputs, attributes: Mapping[str, Any]) -> Array:
    return np.array(inputs[0].shape[attributes.get("start", 0) : attributes.get("end")], np.int64)


def _squeeze(inputs: Inputs, attributes: Mapping[str, Any]) -> Array:
    return np.squeeze(inputs[0], _axes(inputs, attributes) or None)


def _reshape(inputs: Inputs, attributes: Mapping[str, Any]) -> Array:
    data, shape = inputs
    sizes = [data.shape[i] if size == 0 else size for i, size in enumerate(shape.reshape(-1).tolist())]
    return data.reshape(sizes)


def _expand(inputs: Inputs, attributes: Mapping[str, Any]) -> Array:
    shape = np.broadcast_shapes(inputs[0].shape, tuple(inputs[1].reshape(-1).tolist()))
    _bounded(prod(shape))
    return np.broadcast_to(inputs[0], shape).copy()


def _full(inputs: Inputs, attributes: Mapping[str, Any]) -> Array:
    shape = inputs[0].reshape(-1).tolist()
    _bounded(prod(shape))
    value = np.asarray(attributes.get("value", np.zeros(1, np.float32)))
    return np.full(shape, value.reshape(-1)[0], value.dtype)


def _range(inputs: Inputs, attributes: Mapping[str, Any]) -> Array:
    start, end, step = (array.reshape(-1)[0] for array in inputs)
    _bounded(int(abs((end - start) / step)))
    return np.arange(start, end, step, dtype=start.dtype)


def _matmul(inputs: Inputs, attributes: Mapping[str, Any]) -> Array:
    a, b = inputs
    _bounded(prod(a.shape[:-1]) * prod(b.shape[-1:]) * prod(b.shape[:-2]))
    return np.asarray(a @ b)


def _reduce(function: Callable[..., Any]) -> Rule:
    def rule(inputs: Inputs, attributes: Mapping[str, Any]) -> Array:
        axes = _axes(inputs, attributes) or None
        if not inputs[0].size:
            raise ValueError("there is nothing to reduce")
        return np.asarray(function(inputs[0], axis=axes, keepdims=bool(attributes.get("keepdims", 1))))

    return rule


def _cast(inputs: Inputs, attributes: Mapping[str, Any]) -> Array:
    from onnx import helper

    return inputs[0].astype(helper.tensor_dtype_to_np_dtype(attributes["to"]))


def _scaled(inputs: Inputs, attributes: Mapping[str, Any]) -> Array:
    """DequantizeLinear: (x − zero) · scale, each one number or one for each place on an axis."""
    x, scale = inputs[:2]
    zero = inputs[2] if len(inputs) > 2 else np.zeros((), x.dtype)
    wide = [1] * x.ndim
    if scale.size > 1:
        wide[attributes.get("axis", 1)] = -1
    return ((x.astype(np.float64) - zero.reshape(wide)) * scale.reshape(wide)).astype(scale.dtype)


RULES: dict[str, Rule] = {
    "Abs": _pointwise(np.abs),
    "Add": _pointwise(np.add),
    "Cast": _cast,
    "Ceil": _pointwise(np.ceil),
    "Concat": _concat,
    "ConstantOfShape": _full,
    "DequantizeLinear": _scaled,
    "Div": _pointwise(_divide),
    "Equal": _pointwise(np.equal),
    "Exp": _pointwise(np.exp),
    "Expand": _expand,
    "Floor": _pointwise(np.floor),
    "Gather": _gather,
    "Greater": _pointwise(np.greater),
    "Identity": lambda inputs, attributes: inputs[0],
    "Less": _pointwise(np.less),
    "MatMul": _matmul,
    "Max": _pointwise(lambda *arrays: np.max(np.broadcast_arrays(*arrays), axis=0)),
    "Min": _pointwise(lambda *arrays: np.min(np.broadcast_arrays(*arrays), axis=0)),
    "Mod": _pointwise(np.mod),
    "Mul": _pointwise(np.multiply),
    "Neg": _pointwise(np.negative),
    "Pow": _pointwise(lambda a, b: np.power(a, b).astype(a.dtype)),
    "Range": _range,
    "Reciprocal": _pointwise(np.reciprocal),
    "ReduceMax": _reduce(np.max),
    "ReduceMean": _reduce(np.mean),
    "ReduceMin": _reduce(np.min),
    "ReduceProd": _reduce(np.prod),
    "ReduceSum": _reduce(np.sum),
    "Reshape": _reshape,
    "Round": _pointwise(np.round),
    "Shape": _shape,
    "Slice": _slice,
    "Sqrt": _pointwise(np.sqrt),
    "Squeeze": _squeeze,
    "Sub": _pointwise(np.subtract),
    "Transpose": lambda inputs, attributes: np.transpose(inputs[0], attributes.get("perm")),
    "Unsqueeze": lambda inputs, attributes: np.expand_dims(inputs[0], _axes(inputs, attributes)),
    "Where": _pointwise(np.where),
}
