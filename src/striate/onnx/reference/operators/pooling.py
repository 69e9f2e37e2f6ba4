"""Pooling over any number of axes: the NumPy engine's in two, all windows laid out at once otherwise.

Maps are (N, C, D1 … Dn). Source: ONNX's operator pages MaxPool, AveragePool, GlobalMaxPool and GlobalAveragePool.
"""

import numpy as np

from striate._types import Array
from striate.engines.numpy.pooling import average_pool_forward, max_pool_forward
from striate.onnx.importing.windows import Axes, Ints, axes_of, geometry, members
from striate.onnx.reference.operators.registry import operator, widened


@operator("MaxPool")
def max_pool(
    x: Array,
    *,
    kernel_shape: Ints,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Ints = (),
    pads: Ints = (),
    storage_order: int = 0,
    strides: Ints = (),
    outputs: int = 1,
) -> tuple[Array, ...]:
    """The largest number of each window, padding never; and where it lies in x as one row of numbers.

    storage_order: 1 counts the places of each map (N, C) by columns instead of by rows.
    """
    axes = axes_of(x.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    numbers = x if np.issubdtype(x.dtype, np.floating) else x.astype(np.float64)  # bytes have no −∞
    if outputs == 1:
        return (_largest(numbers, axes).astype(x.dtype, copy=False),)
    candidates = members(numbers, axes, -np.inf)
    places = members(_numbered(x.shape, by_columns=bool(storage_order)), axes, -1)
    best = candidates.argmax(axis=-1)[..., None]
    y, where = (np.take_along_axis(of, best, axis=-1)[..., 0] for of in (candidates, places))
    return y.astype(x.dtype, copy=False), where


def _largest(x: Array, axes: Axes) -> Array:
    if not _for_engine(axes):
        return np.asarray(members(x, axes, -np.inf).max(axis=-1))
    return max_pool_forward(x.transpose(0, 2, 3, 1), geometry(axes))[0].transpose(0, 3, 1, 2)


def _for_engine(axes: Axes) -> bool:
    return len(axes) == 2 and all(axis.dilation == 1 for axis in axes)


def _numbered(shape: tuple[int, ...], *, by_columns: bool) -> Array:
    """0, 1, 2 … in this shape; by_columns: with the first spatial axis running fastest, not the last."""
    numbers = np.arange(np.prod(shape), dtype=np.int64)
    if not by_columns:
        return numbers.reshape(shape)
    return numbers.reshape(*shape[:2], *shape[:1:-1]).transpose(0, 1, *range(len(shape) - 1, 1, -1))


@operator("AveragePool")
@widened
def average_pool(
    x: Array,
    *,
    kernel_shape: Ints,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Ints = (),
    pads: Ints = (),
    strides: Ints = (),
) -> Array:
    """The mean of each window, over its places in the maps or, with count_include_pad, in the padding too."""
    axes = axes_of(x.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    if count_include_pad:
        x = np.pad(x, ((0, 0), (0, 0), *((axis.start, axis.end) for axis in axes)))
        axes = tuple(axis.with_zeros() for axis in axes)
    if _for_engine(axes):
        return average_pool_forward(x.transpose(0, 2, 3, 1), geometry(axes))[0].transpose(0, 3, 1, 2)
    inside = members(np.ones((1, 1, *x.shape[2:]), x.dtype), axes, 0).sum(axis=-1)
    return np.asarray(members(x, axes, 0).sum(axis=-1) / inside)


@operator("GlobalMaxPool")
def global_max_pool(x: Array) -> Array:
    """(N, C, D1 … Dn) → (N, C, 1 … 1)."""
    return np.asarray(x.max(axis=tuple(range(2, x.ndim)), keepdims=True))


@operator("GlobalAveragePool")
def global_average_pool(x: Array) -> Array:
    """(N, C, D1 … Dn) → (N, C, 1 … 1)."""
    return np.asarray(x.mean(axis=tuple(range(2, x.ndim)), keepdims=True))
