"""Classification losses and dropout. Source: ONNX's operator pages."""

import numpy as np

from striate._types import Array
from striate.engines.numpy.layers.activation import FUNCTIONS
from striate.onnx.reference.operators.registry import computed_in_float32, operator


@operator("NegativeLogLikelihoodLoss")
@computed_in_float32
def negative_log_likelihood(
    logs: Array,
    targets: Array,
    weights: Array | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Array:
    """Compute −w[t] · logs[n, t, …]: each, summed, or summed and divided by Σ w[t].

    Args:
        logs: Log-probabilities (N, C, D1 … Dn).
        targets: Class numbers (N, D1 … Dn).
        weights: Class weights (C,); 1 each if left out.
        ignore_index: Positions with this target are ignored.
        reduction: "none", "sum" or "mean".

    Returns:
        The losses (N, D1 … Dn), or a scalar.
    """
    counted = np.ones(targets.shape, np.bool_) if ignore_index is None else targets != ignore_index
    classes = np.where(counted, targets, 0)
    each = np.ones(logs.shape[1], logs.dtype) if weights is None else weights
    weighted = np.where(counted, each[classes], 0).astype(logs.dtype)  # (N, D1 … Dn)
    losses: Array = -np.take_along_axis(logs, classes[:, None], axis=1)[:, 0] * weighted
    if reduction == "none":
        return losses
    total = losses.sum()
    return np.asarray(total if reduction == "sum" else total / weighted.sum(), logs.dtype)


@operator("SoftmaxCrossEntropyLoss")
@computed_in_float32
def softmax_cross_entropy(
    scores: Array,
    targets: Array,
    weights: Array | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> tuple[Array, Array]:
    """Compute the loss of the log-softmax of scores (N, C, D1 … Dn) over the classes, and that log-softmax."""
    logs = np.moveaxis(scores, 1, 0)
    logs = np.moveaxis(FUNCTIONS["log_softmax"].forward(logs, np.empty_like(logs)), 0, 1)
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
    """Return x itself; in training with a fraction `rate` set to 0 and the rest scaled up. Also return the mask.

    Before opset 12 the rate is the attribute ratio, and there is no training. ONNX does not specify a random number
    generator; as in its own tests, NumPy's oldest one is used.
    """
    fraction = ratio if rate is None else float(rate)
    if training is None or not training or not fraction:
        return x, np.ones(x.shape, np.bool_ if opset >= 10 else x.dtype)
    kept = np.random.RandomState(seed).uniform(size=x.shape) >= fraction
    return np.asarray(x * kept / (1 - fraction), x.dtype), kept
