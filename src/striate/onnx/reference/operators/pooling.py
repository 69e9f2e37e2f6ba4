"""Pooling over any number of axes: by the NumPy engine in two, with all windows laid out at once otherwise.

Maps are (N, C, D1 … Dn). Source: ONNX's operator pages MaxPool, AveragePool, GlobalMaxPool and GlobalAveragePool.
"""

import numpy as np

from striate._types import Array
from striate.engines.numpy.layers.pooling import average_pool_forward, max_pool_forward
from striate.onnx.reference.operators.registry import computed_in_float32, operator
from striate.onnx.reference.window_axes import Ints, WindowAxes, geometry, window_axes, window_values


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
    """Compute the maximum of each window, padding excluded.

    Returns:
        The maxima, and their indices in the flattened x. With storage_order 1, the indices of each map (N, C) count by
        columns instead of by rows.
    """
    axes = window_axes(x.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    values = x if np.issubdtype(x.dtype, np.floating) else x.astype(np.float64)  # integers have no −∞
    if outputs == 1:
        return (_maximum(values, axes).astype(x.dtype, copy=False),)
    candidates = window_values(values, axes, -np.inf)
    indices = window_values(_indices(x.shape, by_columns=bool(storage_order)), axes, -1)
    best = candidates.argmax(axis=-1)[..., None]
    y, positions = (np.take_along_axis(array, best, axis=-1)[..., 0] for array in (candidates, indices))
    return y.astype(x.dtype, copy=False), positions


def _maximum(x: Array, axes: WindowAxes) -> Array:
    if not _engine_supports(axes):
        return np.asarray(window_values(x, axes, -np.inf).max(axis=-1))
    return max_pool_forward(x.transpose(0, 2, 3, 1), geometry(axes))[0].transpose(0, 3, 1, 2)


def _engine_supports(axes: WindowAxes) -> bool:
    return len(axes) == 2 and all(axis.dilation == 1 for axis in axes)


def _indices(shape: tuple[int, ...], *, by_columns: bool) -> Array:
    """Return 0, 1, 2 … in this shape; by columns, the first spatial axis runs fastest, not the last."""
    indices = np.arange(np.prod(shape), dtype=np.int64)
    if not by_columns:
        return indices.reshape(shape)
    return indices.reshape(*shape[:2], *shape[:1:-1]).transpose(0, 1, *range(len(shape) - 1, 1, -1))


@operator("AveragePool")
@computed_in_float32
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
    """Compute the mean of each window, over its positions in the maps or, with count_include_pad, the padding too."""
    axes = window_axes(x.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    if count_include_pad:
        x = np.pad(x, ((0, 0), (0, 0), *((axis.start, axis.end) for axis in axes)))
        axes = tuple(axis.with_padding_included() for axis in axes)
    if _engine_supports(axes):
        return average_pool_forward(x.transpose(0, 2, 3, 1), geometry(axes))[0].transpose(0, 3, 1, 2)
    inside = window_values(np.ones((1, 1, *x.shape[2:]), x.dtype), axes, 0).sum(axis=-1)
    return np.asarray(window_values(x, axes, 0).sum(axis=-1) / inside)


@operator("GlobalMaxPool")
def global_max_pool(x: Array) -> Array:
    """Compute the maximum of each map: (N, C, D1 … Dn) → (N, C, 1 … 1)."""
    return np.asarray(x.max(axis=tuple(range(2, x.ndim)), keepdims=True))


@operator("GlobalAveragePool")
def global_average_pool(x: Array) -> Array:
    """Compute the mean of each map: (N, C, D1 … Dn) → (N, C, 1 … 1)."""
    return np.asarray(x.mean(axis=tuple(range(2, x.ndim)), keepdims=True))
