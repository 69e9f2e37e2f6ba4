"""Normalisation. Whatever is brought to mean 0 and variance 1 together is one channel of the NumPy engine's batch norm.

Maps are (N, C, D1 … Dn). Source: ONNX's operator pages.
"""

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import Fresh
from striate.engines.numpy.normalization import (
    Moments,
    batch_norm_forward,
    batch_norm_inference,
    lrn_forward,
    measure,
)
from striate.onnx.reference.operators.registry import operator, widened


def _channel_last(x: Array) -> Array:
    """(N, C, D1 … Dn) → (N · D1 · … · Dn, C), each channel one stretch of memory."""
    return np.moveaxis(x, 1, 0).reshape(x.shape[1], -1).T


def _channel_second(rows: Array, shape: tuple[int, ...]) -> Array:
    """The inverse of `_channel_last`, to the shape (N, C, D1 … Dn)."""
    n, c, *rest = shape
    return np.moveaxis(rows.T.reshape(c, n, *rest), 0, 1)


def _wide(x: Array) -> Array:
    """float32 at least, which means and variances need."""
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
    """y = scale · (x − mean) / √(variance + ε) + bias; in training with the batch's own, and the running ones after.

    All but x are (C,). Running: momentum · old + (1 − momentum) · of the batch, variances being population's.
    """
    if not spatial or (opset < 14 and outputs > 1):
        raise ValueError("of the forms before version 14 only that for prediction, spatial=1, is there")
    rows = _channel_last(_wide(x))
    if not training_mode:
        y = batch_norm_inference(rows, mean, variance, scale, bias, epsilon)
        return (_channel_second(y, x.shape).astype(x.dtype, copy=False),)
    moments, centred = measure(rows, Fresh())
    y, _ = batch_norm_forward(rows, moments, moments, centred, scale, bias, epsilon, Fresh())
    running = [
        (old * momentum + new * (1 - momentum)).astype(old.dtype)
        for old, new in ((mean, moments.mean), (variance, moments.variance))
    ]
    return _channel_second(y, x.shape).astype(x.dtype, copy=False), *running


def _standardise(rows: Array, epsilon: float) -> tuple[Array, Moments]:
    """(K, M) → each row less its mean, by √(variance + ε); as stash_type 1 asks, in float32 at least."""
    x = _wide(rows).T
    moments, centred = measure(x, Fresh())
    one, zero = np.ones(len(rows)), np.zeros(len(rows))
    return batch_norm_forward(x, moments, moments, centred, one, zero, epsilon, Fresh())[0].T, moments


def _scaled(rows: Array, x: Array, scale: Array, bias: Array) -> Array:
    """scale · y + bias for each channel, in the shape and type of x. scale, bias: (C,)."""
    factor, offset = (values.reshape(-1, *[1] * (x.ndim - 2)) for values in (scale, bias))
    y: Array = factor * rows.reshape(x.shape).astype(x.dtype) + offset
    return y


@operator("InstanceNormalization")
def instance_normalization(x: Array, scale: Array, bias: Array, *, epsilon: float = 1e-5) -> Array:
    """Each map of each image by itself. scale, bias: (C,)."""
    y, _ = _standardise(x.reshape(x.shape[0] * x.shape[1], -1), epsilon)
    return _scaled(y, x, scale, bias)


@operator("GroupNormalization")
def group_normalization(
    x: Array, scale: Array, bias: Array, *, num_groups: int, epsilon: float = 1e-5, stash_type: int = 1, opset: int
) -> Array:
    """Each group of channels of each image by itself. scale, bias: (C,), before version 21 (num_groups,)."""
    y, _ = _standardise(x.reshape(x.shape[0] * num_groups, -1), epsilon)
    if opset < 21:
        scale, bias = (np.repeat(values, x.shape[1] // num_groups) for values in (scale, bias))
    return _scaled(y, x, scale, bias)


@operator("LayerNormalization")
def layer_normalization(
    x: Array, scale: Array, bias: Array | None = None, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> tuple[Array, ...]:
    """All axes from `axis` on together. Returns y, and the means and 1 / √(variance + ε), with axes of size 1."""
    axis %= x.ndim
    kept = x.shape[:axis]
    y, moments = _standardise(x.reshape(int(np.prod(kept)), -1), epsilon)
    scaled = y.reshape(x.shape).astype(x.dtype) * scale
    shape = (*kept, *[1] * (x.ndim - axis))
    told = (moments.mean, 1 / np.sqrt(moments.variance + epsilon))
    return scaled if bias is None else scaled + bias, *(values.reshape(shape).astype(y.dtype) for values in told)


@operator("LRN")
@widened
def local_response_normalization(
    x: Array, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0
) -> Array:
    """y = x / (bias + α / size · Σ x²)^β over `size` neighbouring channels; of an even number one more after c."""
    if size % 2:
        maps = x.reshape(*x.shape[:2], -1, 1).transpose(0, 2, 3, 1)  # (N, D1 · … · Dn, 1, C)
        y, _ = lrn_forward(maps, size // 2, alpha / size, beta, bias)
        return y.transpose(0, 3, 1, 2).reshape(x.shape)
    before, after = (size - 1) // 2, size // 2
    squares = np.pad(x * x, ((0, 0), (before, after), *[(0, 0)] * (x.ndim - 2)))
    total = sum((squares[:, step : step + x.shape[1]] for step in range(size)), start=np.zeros_like(x))
    return np.divide(x, (bias + alpha / size * total) ** beta)
