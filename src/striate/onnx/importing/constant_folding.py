"""Constant folding: compute operators on constants, for example shapes, once on import.

The size of each result is bounded before its memory is allocated. Operators that `striate.onnx.reference` has
are computed there.
"""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import reduce
from math import prod
from typing import Any, TypeVar

import numpy as np
from onnx import helper

from striate._types import Array
from striate.onnx.graph import OnnxNode
from striate.onnx.reference.operators import OPERATORS

MAX_FOLDED_VALUES = 1 << 27  # number of values of one result
MAX_WORK = 1 << 32  # values read, multiplied and written by all foldings of a graph together: a few seconds
MIN_TOTAL_VALUES, TOTAL_PER_CONSTANT = 1 << 24, 4  # of all results, and per value in the file
Inputs = Sequence[Array]
Attributes = Mapping[str, Any]
Function = Callable[[Inputs, Attributes], Array]
F = TypeVar("F", bound=Function)

FOLDED: dict[str, Function] = {}
_ALLOWED_VALUES: ContextVar[int] = ContextVar("allowed_values", default=MAX_FOLDED_VALUES)  # of the next result


class FoldingError(Exception):
    """Constants that cannot be computed: they do not match, or the result is too large."""


def folded(op_type: str) -> Callable[[F], F]:
    """Register a function that computes an operator on constants.

    Args:
        op_type: The operator.

    Returns:
        The decorator of a function f(inputs, attributes), which is returned unchanged.
    """

    def register(function: F) -> F:
        FOLDED[op_type] = function
        return function

    return register


@dataclass
class FoldingLimits:
    """The remaining limits of constant folding in one graph, so that a small file cannot cause large computations.

    Attributes:
        values: Number of values that all further results together may have.
        work: Number of values that may be read, multiplied and written.
    """

    values: int
    work: int

    @classmethod
    def of(cls, constants: Mapping[str, Array]) -> "FoldingLimits":
        """Return the limits for a graph with these constants."""
        return cls(
            max(MIN_TOTAL_VALUES, TOTAL_PER_CONSTANT * sum(array.size for array in constants.values())), MAX_WORK
        )

    def fold(self, node: OnnxNode, inputs: Sequence[Array | None], opset: int) -> Array | None:
        """Compute a node on constants, as `fold` does, within the limits.

        Args:
            node: The node.
            inputs: Its inputs; None for one that is left out.
            opset: The version of ONNX's operators.

        Returns:
            Its output; None for an operator that is not supported here.

        Raises:
            FoldingError: If the constants cannot be computed, or a limit is exceeded.
        """
        given = [array for array in inputs if array is not None]
        self.work -= sum(array.size for array in given)
        if node.op_type == "MatMul" and len(given) == 2 and given[0].ndim:
            self.work -= given[0].shape[-1] * _matmul_size(given)
        if self.work < 0:
            raise FoldingError("all of them together take too much work")
        token = _ALLOWED_VALUES.set(self.values)
        try:
            result = fold(node, inputs, opset)
        finally:
            _ALLOWED_VALUES.reset(token)
        if result is not None:
            self.values -= result.size
            self.work -= result.size
        if self.values < 0:
            raise FoldingError("all of them together exceed the size limit")
        return result


def fold(node: OnnxNode, inputs: Sequence[Array | None], opset: int) -> Array | None:
    """Compute a node on constants.

    Args:
        node: The node.
        inputs: Its inputs; None for one that is left out.
        opset: The version of the operators.

    Returns:
        Its output; None for an operator that is not supported here.

    Raises:
        FoldingError: If the constants cannot be computed.
    """
    if node.op_type not in FOLDED and node.op_type not in OUTPUT_SIZES:
        return None
    given = [array for array in inputs if array is not None]
    if any(array is None for array in inputs[: len(given)]):
        raise FoldingError("an optional input is left out before others that are given")
    try:
        with np.errstate(all="ignore"):
            if node.op_type in FOLDED:
                result = FOLDED[node.op_type](given, node.attributes)
            else:
                _check_size(OUTPUT_SIZES[node.op_type](given))
                (result,) = OPERATORS[node.op_type](inputs, node.attributes, opset, 1)
    except (ValueError, TypeError, IndexError, OverflowError, KeyError, MemoryError) as error:
        raise FoldingError(str(error)) from error
    return np.asarray(result)


def _check_size(values: int) -> None:
    most = min(MAX_FOLDED_VALUES, _ALLOWED_VALUES.get())
    if values > most:
        others = "" if most == MAX_FOLDED_VALUES else ", together with those computed before it"
        raise FoldingError(f"the result would have {values:,} values, more than are supported{others}")


def _broadcast_size(inputs: Inputs) -> int:
    return prod(np.broadcast_shapes(*(array.shape for array in inputs)))


def _total_size(inputs: Inputs) -> int:
    return sum(array.size for array in inputs)


def _input_size(inputs: Inputs) -> int:
    return inputs[0].size


def _nonempty_size(inputs: Inputs) -> int:
    if not inputs[0].size:
        raise ValueError("an empty array cannot be reduced")
    return inputs[0].size


def _matmul_size(inputs: Inputs) -> int:
    a, b = inputs
    return prod(a.shape[:-1]) * prod(b.shape[-1:]) * prod(b.shape[:-2])


# Operators computed by striate.onnx.reference, with a bound on the size of their results.
OUTPUT_SIZES: dict[str, Callable[[Inputs], int]] = {
    "Add": _broadcast_size,
    "Clip": _input_size,
    "Concat": _total_size,
    "MatMul": _matmul_size,
    "Mul": _broadcast_size,
    "ReduceMean": _nonempty_size,
    "Reshape": _input_size,
    "Transpose": _input_size,
}


def _divide(a: Array, b: Array) -> Array:
    """Divide; integers are rounded towards 0."""
    if np.issubdtype(a.dtype, np.floating):
        return np.asarray(a / b)
    return np.asarray(np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))).astype(a.dtype)


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "Abs": np.abs,
    "Ceil": np.ceil,
    "Div": _divide,
    "Equal": np.equal,
    "Exp": np.exp,
    "Floor": np.floor,
    "Greater": np.greater,
    "Less": np.less,
    "Max": lambda *arrays: reduce(np.maximum, arrays),
    "Min": lambda *arrays: reduce(np.minimum, arrays),
    "Mod": np.mod,
    "Neg": np.negative,
    "Pow": lambda a, b: np.power(a, b).astype(a.dtype),
    "Reciprocal": np.reciprocal,
    "Round": np.round,
    "Sqrt": np.sqrt,
    "Sub": np.subtract,
    "Where": np.where,
}
REDUCTIONS: dict[str, Callable[..., Any]] = {
    "ReduceMax": np.max,
    "ReduceMin": np.min,
    "ReduceProd": np.prod,
    "ReduceSum": np.sum,
}


def _elementwise(function: Callable[..., Any]) -> Function:
    def compute(inputs: Inputs, attributes: Attributes) -> Array:
        _check_size(_broadcast_size(inputs))
        return np.asarray(function(*inputs))

    return compute


def _reduction(function: Callable[..., Any]) -> Function:
    def compute(inputs: Inputs, attributes: Attributes) -> Array:
        _nonempty_size(inputs)
        axes = _axes(inputs, attributes) or None
        return np.asarray(function(inputs[0], axis=axes, keepdims=bool(attributes.get("keepdims", 1))))

    return compute


for _kind, _function in ELEMENTWISE.items():
    folded(_kind)(_elementwise(_function))
for _kind, _function in REDUCTIONS.items():
    folded(_kind)(_reduction(_function))


def _axes(inputs: Inputs, attributes: Attributes) -> tuple[int, ...]:
    """Return the axes, an input in newer files and an attribute in older ones."""
    return tuple(int(axis) for axis in (inputs[1].reshape(-1) if len(inputs) > 1 else attributes.get("axes", ())))


@folded("Cast")
def _cast(inputs: Inputs, attributes: Attributes) -> Array:
    return inputs[0].astype(helper.tensor_dtype_to_np_dtype(attributes["to"]))


@folded("ConstantOfShape")
def _constant_of_shape(inputs: Inputs, attributes: Attributes) -> Array:
    shape = inputs[0].reshape(-1).tolist()
    _check_size(prod(shape))
    value = np.asarray(attributes.get("value", np.zeros(1, np.float32)))
    return np.full(shape, value.reshape(-1)[0], value.dtype)


@folded("DequantizeLinear")
def _dequantize_linear(inputs: Inputs, attributes: Attributes) -> Array:
    """Compute (x − zero point) · scale; each one number, or one for each position on an axis."""
    x, scale = inputs[:2]
    zero_point = inputs[2] if len(inputs) > 2 else np.zeros((), x.dtype)
    shape = [1] * x.ndim
    if scale.size > 1:
        shape[attributes.get("axis", 1)] = -1
    return ((x.astype(np.float64) - zero_point.reshape(shape)) * scale.reshape(shape)).astype(scale.dtype)


@folded("Expand")
def _expand(inputs: Inputs, attributes: Attributes) -> Array:
    shape = np.broadcast_shapes(inputs[0].shape, tuple(inputs[1].reshape(-1).tolist()))
    _check_size(prod(shape))
    return np.broadcast_to(inputs[0], shape).copy()


@folded("Gather")
def _gather(inputs: Inputs, attributes: Attributes) -> Array:
    data, indices = inputs
    axis = attributes.get("axis", 0)
    _check_size(indices.size * (data.size // max(data.shape[axis], 1)))
    return np.take(data, indices, axis)


@folded("Identity")
def _identity(inputs: Inputs, attributes: Attributes) -> Array:
    return inputs[0]


@folded("Range")
def _range(inputs: Inputs, attributes: Attributes) -> Array:
    start, end, step = (array.reshape(-1)[0] for array in inputs)
    _check_size(int(abs((end - start) / step)))
    return np.arange(start, end, step, dtype=start.dtype)


@folded("Shape")
def _shape(inputs: Inputs, attributes: Attributes) -> Array:
    return np.array(inputs[0].shape[attributes.get("start", 0) : attributes.get("end")], np.int64)


@folded("Slice")
def _slice(inputs: Inputs, attributes: Attributes) -> Array:
    data = inputs[0]
    if len(inputs) < 3:
        starts, ends = np.array(attributes["starts"]), np.array(attributes["ends"])
        axes, steps = np.array(attributes.get("axes", range(len(starts)))), np.ones_like(starts)
    else:
        starts, ends = inputs[1:3]
        axes = inputs[3] if len(inputs) > 3 else np.arange(len(starts))
        steps = inputs[4] if len(inputs) > 4 else np.ones_like(starts)
    parts = [slice(None)] * data.ndim
    for start, end, axis, step in zip(starts.tolist(), ends.tolist(), axes.tolist(), steps.tolist(), strict=True):
        parts[axis] = slice(start, None if step < 0 and end < -data.shape[axis] else end, step)
    return data[tuple(parts)]


@folded("Squeeze")
def _squeeze(inputs: Inputs, attributes: Attributes) -> Array:
    return np.squeeze(inputs[0], _axes(inputs, attributes) or None)


@folded("Unsqueeze")
def _unsqueeze(inputs: Inputs, attributes: Attributes) -> Array:
    return np.expand_dims(inputs[0], _axes(inputs, attributes))
