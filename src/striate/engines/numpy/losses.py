"""Losses and their gradients.

Predictions p are (N, F) or (N, …). Each function returns the sum of the losses over the samples, and the gradient of
the sum divided by `count`, so that the results of the shards of a batch can be added.

`form` says what p is (see `output_forms`); cross-entropy of logits and of log-probabilities is exact for any size.

If `matched` is 0, the gradient is with respect to p. Otherwise it is with respect to the logits of an activation in
MATCHED_ACTIVATIONS, and `matched` is its sign there.
"""

from collections.abc import Callable

import numpy as np

from striate._types import Array
from striate.engines import losses as base
from striate.engines.numpy.memory import planes
from striate.network.outputs import OutputForm

# Activations for which the gradient of loss and activation together is ±(prediction − target).
MATCHED_ACTIVATIONS: dict[type[base.Loss], dict[str, float]] = {
    base.CategoricalCrossentropy: {"softmax": 1.0, "softmin": -1.0},
    base.BinaryCrossentropy: {"sigmoid": 1.0},
}


def one_hot(targets: Array, p: Array) -> Array:
    """Convert class numbers (N,) to one-hot vectors with the dtype and memory order of p (N, classes)."""
    if targets.ndim == 2:
        return _like_predictions(targets, p)
    rows = np.zeros((p.shape[1], len(targets)), p.dtype)
    rows[targets, np.arange(len(targets))] = 1
    return rows.T


def categorical_crossentropy(
    p: Array,
    targets: Array,
    loss: base.CategoricalCrossentropy,
    count: int,
    *,
    matched: float = 0.0,
    form: OutputForm = "probabilities",
) -> tuple[float, Array]:
    """Return −(Σ w t) Σ s log p, with s the smoothed t. p: (N, classes); targets t: (N,) or (N, classes)."""
    t = one_hot(targets, p)
    weights = None if loss.class_weights is None else t @ np.array(loss.class_weights, p.dtype)  # (N,)
    if loss.label_smoothing:
        t = t * (1 - loss.label_smoothing) + loss.label_smoothing / p.shape[1]
    if weights is not None:
        t = t * weights[:, None]
    if form != "probabilities":
        logs = base.log_of_output(p, form, 0)
        slope = np.exp(logs) * t.sum(axis=1, keepdims=True) - t if form == "logits" else -t
        return -float((t * logs).sum(dtype=np.float64)), slope / count
    clipped = np.maximum(p, np.finfo(p.dtype).tiny)
    value = -float((t * np.log(clipped)).sum(dtype=np.float64))
    if matched:
        return value, (p * t.sum(axis=1, keepdims=True) - t) * (matched / count)
    return value, -t / clipped / count


def binary_crossentropy(
    p: Array,
    targets: Array,
    loss: base.BinaryCrossentropy,
    count: int,
    *,
    matched: float = 0.0,
    form: OutputForm = "probabilities",
) -> tuple[float, Array]:
    """Return −t log p − (1 − t) log(1 − p), mean over the outputs. p, targets: (N, F), 0 to 1."""
    t = _like_predictions(targets, p)
    outputs = p[0].size
    if form == "logits":
        value = float((np.logaddexp(0, p) - t * p).sum(dtype=np.float64)) / outputs
        return value, ((1 + np.tanh(p / 2)) / 2 - t) / (count * outputs)
    clipped = np.clip(p, np.finfo(p.dtype).eps, 1 - np.finfo(p.dtype).eps)
    value = -float((t * np.log(clipped) + (1 - t) * np.log1p(-clipped)).sum(dtype=np.float64)) / outputs
    if matched:
        return value, (p - t) * (matched / (count * outputs))
    return value, (clipped - t) / (clipped * (1 - clipped)) / (count * outputs)


def mean_squared_error(
    p: Array,
    targets: Array,
    loss: base.MeanSquaredError,
    count: int,
    *,
    matched: float = 0.0,
    form: OutputForm = "probabilities",
) -> tuple[float, Array]:
    """Return (p − t)², mean over the outputs. p, targets: (N, …)."""
    difference = p - _like_predictions(targets, p)
    outputs = p[0].size
    return float(np.square(difference).sum(dtype=np.float64)) / outputs, difference * (2 / (count * outputs))


def _like_predictions(targets: Array, p: Array) -> Array:
    """Return targets with the shape, dtype and memory order of the predictions."""
    t = np.empty(planes(p).shape, p.dtype) if p.ndim in (2, 4) else np.empty(p.shape, p.dtype)
    t = planes(t) if p.ndim in (2, 4) else t
    np.copyto(t, targets.reshape(p.shape), casting="unsafe")
    return t


Function = Callable[..., tuple[float, Array]]
FUNCTIONS: dict[type[base.Loss], Function] = {
    base.CategoricalCrossentropy: categorical_crossentropy,
    base.BinaryCrossentropy: binary_crossentropy,
    base.MeanSquaredError: mean_squared_error,
}
