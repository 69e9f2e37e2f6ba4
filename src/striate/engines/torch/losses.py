"""Losses: each gives one number for each sample (N,), from the output and from what went into its activation."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines import losses as describe


def categorical_crossentropy(
    p: Tensor, raw: Tensor, activation: str, targets: Tensor, loss: describe.CategoricalCrossentropy
) -> Tensor:
    """−Σ t log p. p, raw: (N, classes); targets: class numbers (N,) or rows (N, classes)."""
    t = F.one_hot(targets, p.shape[1]).to(p.dtype) if targets.ndim == 1 else targets.to(p.dtype)
    weights = None if loss.class_weights is None else t @ t.new_tensor(loss.class_weights)
    if loss.label_smoothing:
        t = t * (1 - loss.label_smoothing) + loss.label_smoothing / p.shape[1]
    values = -(t * _logs(p, raw, activation)).sum(dim=1)
    return values if weights is None else values * weights


def _logs(p: Tensor, raw: Tensor, activation: str) -> Tensor:
    if activation == "softmax":
        return F.log_softmax(raw, dim=1)
    if activation == "softmin":
        return F.log_softmax(-raw, dim=1)
    return p.clamp_min(torch.finfo(p.dtype).tiny).log()


def binary_crossentropy(
    p: Tensor, raw: Tensor, activation: str, targets: Tensor, loss: describe.BinaryCrossentropy
) -> Tensor:
    """−t log p − (1 − t) log(1 − p), mean over the outputs. p, raw: (N, F)."""
    t = targets.to(p.dtype).reshape(p.shape)
    if activation == "sigmoid":
        values = F.binary_cross_entropy_with_logits(raw, t, reduction="none")
    else:
        edge = torch.finfo(p.dtype).eps
        safe = p.clamp(edge, 1 - edge)
        values = -(t * safe.log() + (1 - t) * torch.log1p(-safe))
    return values.flatten(1).mean(dim=1)


def mean_squared_error(
    p: Tensor, raw: Tensor, activation: str, targets: Tensor, loss: describe.MeanSquaredError
) -> Tensor:
    """(p − t)², mean over the outputs. p: (N, F) or maps (N, C, H, W) with targets (N, H, W, C)."""
    t = targets.to(p.dtype)
    p = p.permute(0, 2, 3, 1) if p.ndim == 4 else p
    return (p - t.reshape(p.shape)).square().flatten(1).mean(dim=1)


RULES: dict[type[describe.Loss], Callable[..., Tensor]] = {
    describe.CategoricalCrossentropy: categorical_crossentropy,
    describe.BinaryCrossentropy: binary_crossentropy,
    describe.MeanSquaredError: mean_squared_error,
}


def sample_losses(output: Any, raw: Any, activation: str, targets: Tensor, loss: describe.Loss) -> Tensor:
    """Return the loss of each sample (N,), computed in float32 at least."""
    output, raw = (x.float() if x.dtype in (torch.bfloat16, torch.float16) else x for x in (output, raw))
    return RULES[type(loss)](output, raw, activation, targets, loss)
