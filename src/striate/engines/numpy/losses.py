"""Losses and their gradients.

Predictions p are (N, F) or (N, …). Each function returns the sum of the losses over the samples, and the gradient of
the sum divided by `count`, so that the results of the shards of a batch can be added. The losses of the samples are
multiplied by `weights` (N,), if they are given.

`form` says what p is (see `output_forms`); cross-entropy of logits and of log-probabilities is exact for any size.

If `matched` is 0, the gradient is with respect to p. Otherwise it is with respect to the logits of an activation in
MATCHED_ACTIVATIONS, and `matched` is its sign there.
"""

import numpy as np

from striate._types import Array
from striate.engines import losses as base
from striate.engines.numpy.memory import planes
from striate.network.outputs import OutputForm

# Activations for which the gradient of loss and activation together is ±(prediction − target).
MATCHED_ACTIVATIONS: dict[type[base.Loss], dict[str, float]] = {
    base.CategoricalCrossentropy: {"softmax": 1.0, "softmin": -1.0},
    base.SparseCategoricalCrossentropy: {"softmax": 1.0, "softmin": -1.0},
    base.BinaryCrossentropy: {"sigmoid": 1.0},
}


def differentiate(
    loss: base.Loss,
    p: Array,
    targets: Array,
    count: int,
    *,
    weights: Array | None = None,
    matched: float = 0.0,
    form: OutputForm = "probabilities",
) -> tuple[float, Array]:
    """Compute the sum of a loss over the samples, and its gradient divided by `count`.

    Args:
        loss: The loss.
        p: Predictions (N, F) or (N, …).
        targets: Class numbers (N,), or an array of the shape of p.
        count: Number of samples of the whole batch.
        weights: (N,), factors of the losses; None: all 1.
        matched: 0, or the sign of the activation with respect to whose logits the gradient is computed.
        form: What p is.

    Returns:
        The sum, and the gradient, of the shape of p.
    """
    if isinstance(loss, base.CategoricalCrossentropy):
        return categorical_crossentropy(p, targets, loss, count, weights=weights, matched=matched, form=form)
    if type(loss) is base.BinaryCrossentropy:
        return binary_crossentropy(p, targets, loss, count, weights=weights, matched=matched, form=form)
    if weights is not None:
        loss.check_weighted()
    is_numbers = isinstance(loss, base.CustomLoss) or (loss.target_kind == "classes" and targets.ndim < p.ndim)
    values, gradient = loss.differentiate(targets if is_numbers else _like_predictions(targets, p), p, form)
    positions = values[0].size
    values = values.reshape(len(p), positions)
    if weights is not None:
        weights = weights.astype(p.dtype)
        values = values * weights[:, None]
        gradient = gradient * weights.reshape(-1, *[1] * (p.ndim - 1))
    return float(values.sum(dtype=np.float64)) / positions, gradient * (1 / (count * positions))


def one_hot(targets: Array, p: Array) -> Array:
    """Convert class numbers (N,) to one-hot vectors with the dtype and memory order of p (N, classes).

    Args:
        targets: Class numbers (N,), or one-hot rows (N, classes).
        p: Predictions (N, classes).

    Returns:
        (N, classes).
    """
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
    weights: Array | None = None,
    matched: float = 0.0,
    form: OutputForm = "probabilities",
) -> tuple[float, Array]:
    """Return −(Σ w t) Σ s log p, with s the smoothed t. p: (N, classes); targets t: (N,) or (N, classes)."""
    t = one_hot(targets, p)
    if loss.class_weights is not None:
        of_classes = t @ np.array(loss.class_weights, p.dtype)  # (N,)
        weights = of_classes if weights is None else of_classes * weights.astype(p.dtype)
    if loss.label_smoothing:
        t = t * (1 - loss.label_smoothing) + loss.label_smoothing / p.shape[1]
    if weights is not None:
        t = t * weights.astype(p.dtype, copy=False)[:, None]
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
    weights: Array | None = None,
    matched: float = 0.0,
    form: OutputForm = "probabilities",
) -> tuple[float, Array]:
    """Return −s log p − (1 − s) log(1 − p), mean over the outputs, with s the smoothed targets. p: (N, F), 0 to 1."""
    t = loss.smoothed(_like_predictions(targets, p))
    w = 1 if weights is None else weights.astype(p.dtype).reshape(-1, *[1] * (p.ndim - 1))
    outputs = p[0].size
    if form == "logits":
        value = float((w * (np.logaddexp(0, p) - t * p)).sum(dtype=np.float64)) / outputs
        return value, w * ((1 + np.tanh(p / 2)) / 2 - t) / (count * outputs)
    clipped = np.clip(p, np.finfo(p.dtype).eps, 1 - np.finfo(p.dtype).eps)
    value = -float((w * (t * np.log(clipped) + (1 - t) * np.log1p(-clipped))).sum(dtype=np.float64)) / outputs
    if matched:
        return value, w * (p - t) * (matched / (count * outputs))
    return value, w * (clipped - t) / (clipped * (1 - clipped)) / (count * outputs)


def _like_predictions(targets: Array, p: Array) -> Array:
    """Return targets with the shape, dtype and memory order of the predictions."""
    t = np.empty(planes(p).shape, p.dtype) if p.ndim in (2, 4) else np.empty(p.shape, p.dtype)
    t = planes(t) if p.ndim in (2, 4) else t
    np.copyto(t, targets.reshape(p.shape), casting="unsafe")
    return t
