"""Losses and their gradients.

Predictions are (N, F) or (N, …). Each function returns the loss of every image summed, and the gradient of the
mean over `count` images, so that the shards of one batch add up.
"""

from collections.abc import Callable

import numpy as np

from striate._types import Array
from striate.engines import losses as describe
from striate.engines.numpy.memory import planes

# Where the loss's gradient passes straight through the output's activation, as prediction − target.
MATCHES: dict[type[describe.Loss], dict[str, float]] = {
    describe.CategoricalCrossentropy: {"softmax": 1.0, "softmin": -1.0},
    describe.BinaryCrossentropy: {"sigmoid": 1.0},
}


def one_hot(targets: Array, p: Array) -> Array:
    """Class numbers (N,) → rows of one 1, in the shape, type and memory order of p (N, classes); rows stay rows."""
    if targets.ndim == 2:
        return _shaped(targets, p)
    rows = np.zeros((p.shape[1], len(targets)), p.dtype)
    rows[targets, np.arange(len(targets))] = 1
    return rows.T


def categorical_crossentropy(
    p: Array, targets: Array, loss: describe.CategoricalCrossentropy, count: int, *, matched: float = 0.0
) -> tuple[float, Array]:
    """−(Σ w t) Σ s log p, s being t smoothed. p: probabilities (N, classes); targets: (N,) or (N, classes).

    matched: the sign with which the gradient is taken with respect to the softmax's argument; 0: to p itself.
    """
    t = one_hot(targets, p)
    weights = None if loss.class_weights is None else t @ np.array(loss.class_weights, p.dtype)  # (N,)
    if loss.label_smoothing:
        t = t * (1 - loss.label_smoothing) + loss.label_smoothing / p.shape[1]
    if weights is not None:
        t = t * weights[:, None]
    safe = np.maximum(p, np.finfo(p.dtype).tiny)
    value = -float((t * np.log(safe)).sum(dtype=np.float64))
    if matched:
        return value, (p * t.sum(axis=1, keepdims=True) - t) * (matched / count)
    return value, -t / safe / count


def binary_crossentropy(
    p: Array, targets: Array, loss: describe.BinaryCrossentropy, count: int, *, matched: float = 0.0
) -> tuple[float, Array]:
    """−t log p − (1 − t) log(1 − p), mean over the outputs. p, targets: (N, F), 0 to 1."""
    t = _shaped(targets, p)
    safe = np.clip(p, np.finfo(p.dtype).eps, 1 - np.finfo(p.dtype).eps)
    outputs = p[0].size
    value = -float((t * np.log(safe) + (1 - t) * np.log1p(-safe)).sum(dtype=np.float64)) / outputs
    if matched:
        return value, (p - t) * (matched / (count * outputs))
    return value, (safe - t) / (safe * (1 - safe)) / (count * outputs)


def mean_squared_error(
    p: Array, targets: Array, loss: describe.MeanSquaredError, count: int, *, matched: float = 0.0
) -> tuple[float, Array]:
    """(p − t)², mean over the outputs. p, targets: (N, …)."""
    difference = p - _shaped(targets, p)
    outputs = p[0].size
    return float(np.square(difference).sum(dtype=np.float64)) / outputs, difference * (2 / (count * outputs))


def _shaped(targets: Array, p: Array) -> Array:
    """Targets in the shape, type and memory order of the predictions."""
    t = np.empty(planes(p).shape, p.dtype) if p.ndim in (2, 4) else np.empty(p.shape, p.dtype)
    t = planes(t) if p.ndim in (2, 4) else t
    np.copyto(t, targets.reshape(p.shape), casting="unsafe")
    return t


Rule = Callable[..., tuple[float, Array]]
RULES: dict[type[describe.Loss], Rule] = {
    describe.CategoricalCrossentropy: categorical_crossentropy,
    describe.BinaryCrossentropy: binary_crossentropy,
    describe.MeanSquaredError: mean_squared_error,
}
