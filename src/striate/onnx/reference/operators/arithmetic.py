"""Sums, products and means. Source: ONNX's operator pages."""

from collections.abc import Sequence

import numpy as np

from striate._types import Array
from striate.onnx.reference.operators.registry import computed_in_float32, operator


@operator("Add")
def add(a: Array, b: Array) -> Array:
    """Compute a + b, with broadcasting."""
    return np.add(a, b)


@operator("Mul")
def multiply(a: Array, b: Array) -> Array:
    """Compute a · b, with broadcasting."""
    return np.multiply(a, b)


@operator("MatMul")
@computed_in_float32
def matmul(a: Array, b: Array) -> Array:
    """Compute the matrix product, like `numpy.matmul`."""
    return np.asarray(np.matmul(a, b))


@operator("Gemm")
@computed_in_float32
def gemm(
    a: Array,
    b: Array,
    c: Array | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Array:
    """Compute α · a b + β · c; c is broadcast to (M, N), and a or b may be transposed."""
    y = np.matmul(a.T if transA else a, b.T if transB else b)
    y = y if alpha == 1 else y * alpha
    return np.asarray(y if c is None else y + c * beta, a.dtype)


@operator("ReduceMean")
def reduce_mean(
    x: Array,
    over: Array | None = None,
    *,
    axes: Sequence[int] | None = None,
    keepdims: int = 1,
    noop_with_empty_axes: int = 0,
) -> Array:
    """Compute the mean over some axes, or over all. Before opset 18 they are an attribute, later an input."""
    chosen = tuple(int(axis) for axis in (over if over is not None else axes if axes is not None else ()))
    if not chosen and noop_with_empty_axes:
        return x
    return np.asarray(x.mean(axis=chosen or None, keepdims=bool(keepdims)), x.dtype)
