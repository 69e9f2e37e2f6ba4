"""Losses of classification, and dropout. Source: ONNX's operator pages."""

import numpy as np

from striate._types import Array
from striate.engines.numpy.activations import RULES
from striate.onnx.reference.operators.registry import operator, widened


@operator("NegativeLogLikelihoodLoss")
@widened
def negative_log_likelihood(
    logs: Array,
    targets: Array,
    weights: Array | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Array:
    """−w[t] · logs[n, t, …], each, summed, or summed and divided by Σ w[t].

    logs: log-probabilities (N, C, D1 … Dn); targets: class numbers (N, D1 … Dn); weights: (C,), 1 each if left out.
    ignore_index: places with this target count nothing.
    """
    counted = np.ones(targets.shape, np.bool_) if ignore_index is None else targets != ignore_index
    classes = np.where(counted, targets, 0)
    each = np.ones(logs.shape[1], logs.dtype) if weights is None else weights
    shares = np.where(counted, each[classes], 0).astype(logs.dtype)  # (N, D1 … Dn)
    losses: Array = -np.take_along_axis(logs, classes[:, None], axis=1)[:, 0] * shares
    if reduction == "none":
        return losses
    total = losses.sum()
    return np.asarray(total if reduction == "sum" else total / shares.sum(), logs.dtype)


@operator("SoftmaxCrossEntropyLoss")
@widened
def softmax_cross_entropy(
    scores: Array,
    targets: Array,
    weights: Array | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> tuple[Array, Array]:
    """The loss of the log-softmax of scores (N, C, D1 … Dn) over the classes, and that log-softmax."""
    logs = np.moveaxis(scores, 1, 0)
    logs = np.moveaxis(RULES["log_softmax"].forward(logs, np.empty_like(logs)), 0, 1)
    return negative_log_likelihood(logs, targets, weights, ignore_index=ignore_index, reduction=reduction), logs


@operator("Dropout")
def dropout(
    x: Array,
    rate: Array | None = None,
    training: Array | None = None,
    *,
    ratio: float = 0.5,
    seed: int | None = None,
    opset: int,
) -> tuple[Array, Array]:
    """x itself; in training a part `rate` of it 0 and the rest larger for it. And what was kept, since 10 as bools.

    Before version 12 the rate is the attribute ratio, and there is no training. ONNX leaves open which numbers a seed
    stands for; here, as in its own tests, those of NumPy's oldest generator.
    """
    part = ratio if rate is None else float(rate)
    if training is None or not training or not part:
        return x, np.ones(x.shape, np.bool_ if opset >= 10 else x.dtype)
    kept = np.random.RandomState(seed).uniform(size=x.shape) >= part
    return np.asarray(x * kept / (1 - part), x.dtype), kept
