"""Normalization: values that are normalized together form one channel of the NumPy engine's batch normalization.

Maps are (N, C, D1 … Dn). Source: ONNX's operator pages.
"""

import numpy as np

from striate._types import Array
from striate.engines.numpy.layers.normalization import (
    Moments,
    batch_norm_forward,
    batch_norm_inference,
    lrn_forward,
    moments_of,
)
from striate.engines.numpy.memory import UncachedScratch
from striate.onnx.reference.operators.registry import computed_in_float32, operator


def _channel_last(x: Array) -> Array:
    """Reshape (N, C, D1 … Dn) to (N · D1 · … · Dn, C), each channel contiguous in memory."""
    return np.moveaxis(x, 1, 0).reshape(x.shape[1], -1).T


def _channel_second(rows: Array, shape: tuple[int, ...]) -> Array:
    """Invert `_channel_last`, to the shape (N, C, D1 … Dn)."""
    n, c, *rest = shape
    return np.moveaxis(rows.T.reshape(c, n, *rest), 0, 1)


def _at_least_float32(x: Array) -> Array:
    """Convert to at least float32, the precision that means and variances need."""
    return x.astype(np.promote_types(x.dtype, np.float32), copy=False)


@operator("BatchNormalization")
def batch_normalization(
    x: Array,
    scale: Array,
    bias: Array,
    mean: Array,
    variance: Array,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    spatial: int = 1,
    training_mode: int = 0,
    opset: int,
    outputs: int = 1,
) -> tuple[Array, ...]:
    """Compute scale · (x − mean) / √(variance + ε) + bias; everything except x is (C,).

    In training, mean and variance are those of the batch.

    Returns:
        The maps; in training also the new running mean and variance: momentum · old + (1 − momentum) · of the batch,
        with the population variance.

    Raises:
        ValueError: If the operator has an older form, which is not supported.
    """
    if not spatial or (opset < 14 and outputs > 1):
        raise ValueError("before opset 14, only inference with spatial=1 is supported")
    rows = _channel_last(_at_least_float32(x))
    if not training_mode:
        y = batch_norm_inference(rows, mean, variance, scale, bias, epsilon)
        return (_channel_second(y, x.shape).astype(x.dtype, copy=False),)
    moments, centred = moments_of(rows, UncachedScratch())
    y, _ = batch_norm_forward(rows, moments, moments, centred, scale, bias, epsilon, UncachedScratch())
    running = [
        (old * momentum + new * (1 - momentum)).astype(old.dtype)
        for old, new in ((mean, moments.mean), (variance, moments.variance))
    ]
    return _channel_second(y, x.shape).astype(x.dtype, copy=False), *running


def _standardize(rows: Array, epsilon: float) -> tuple[Array, Moments]:
    """Normalize each row of (K, M) to mean 0 and variance 1, in at least float32, as stash_type 1 requires."""
    x = _at_least_float32(rows).T
    moments, centred = moments_of(x, UncachedScratch())
    one, zero = np.ones(len(rows)), np.zeros(len(rows))
    return batch_norm_forward(x, moments, moments, centred, one, zero, epsilon, UncachedScratch())[0].T, moments


def _scale_channels(rows: Array, x: Array, scale: Array, bias: Array) -> Array:
    """Compute scale · y + bias for each channel, in the shape and dtype of x; scale and bias are (C,)."""
    factor, offset = (values.reshape(-1, *[1] * (x.ndim - 2)) for values in (scale, bias))
    y: Array = factor * rows.reshape(x.shape).astype(x.dtype) + offset
    return y


@operator("InstanceNormalization")
def instance_normalization(x: Array, scale: Array, bias: Array, *, epsilon: float = 1e-5) -> Array:
    """Normalize each map of each image by itself; scale and bias are (C,)."""
    y, _ = _standardize(x.reshape(x.shape[0] * x.shape[1], -1), epsilon)
    return _scale_channels(y, x, scale, bias)


@operator("GroupNormalization")
def group_normalization(
    x: Array, scale: Array, bias: Array, *, num_groups: int, epsilon: float = 1e-5, stash_type: int = 1, opset: int
) -> Array:
    """Normalize each group of channels by itself; scale and bias are (C,), before opset 21 (num_groups,)."""
    y, _ = _standardize(x.reshape(x.shape[0] * num_groups, -1), epsilon)
    if opset < 21:
        scale, bias = (np.repeat(values, x.shape[1] // num_groups) for values in (scale, bias))
    return _scale_channels(y, x, scale, bias)


@operator("LayerNormalization")
def layer_normalization(
    x: Array, scale: Array, bias: Array | None = None, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> tuple[Array, ...]:
    """Normalize over all axes from `axis` on together. Return y, the means, and 1 / √(variance + ε)."""
    axis %= x.ndim
    kept = x.shape[:axis]
    y, moments = _standardize(x.reshape(int(np.prod(kept)), -1), epsilon)
    scaled = y.reshape(x.shape).astype(x.dtype) * scale
    shape = (*kept, *[1] * (x.ndim - axis))
    statistics = (moments.mean, 1 / np.sqrt(moments.variance + epsilon))
    return scaled if bias is None else scaled + bias, *(values.reshape(shape).astype(y.dtype) for values in statistics)


@operator("LRN")
@computed_in_float32
def local_response_normalization(
    x: Array, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0
) -> Array:
    """Compute x / (bias + α / size · Σ x²)^β over `size` neighboring channels; for an even size, one more after c."""
    if size % 2:
        maps = x.reshape(*x.shape[:2], -1, 1).transpose(0, 2, 3, 1)  # (N, D1 · … · Dn, 1, C)
        y, _ = lrn_forward(maps, size // 2, alpha / size, beta, bias)
        return y.transpose(0, 3, 1, 2).reshape(x.shape)
    before, after = (size - 1) // 2, size // 2
    squares = np.pad(x * x, ((0, 0), (before, after), *[(0, 0)] * (x.ndim - 2)))
    total = sum((squares[:, step : step + x.shape[1]] for step in range(size)), start=np.zeros_like(x))
    return np.divide(x, (bias + alpha / size * total) ** beta)
