"""Losses per sample (N,), computed from the output and from the logits, its value before the activation."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines import losses as base
from striate.network.outputs import OutputForm


def categorical_crossentropy(
    p: Tensor, logits: Tensor, activation: str, targets: Tensor, loss: base.CategoricalCrossentropy, form: OutputForm
) -> Tensor:
    """Return −Σ t log p for p, logits (N, classes) and targets, class numbers (N,) or probabilities (N, classes)."""
    t = F.one_hot(targets, p.shape[1]).to(p.dtype) if targets.ndim == 1 else targets.to(p.dtype)
    weights = None if loss.class_weights is None else t @ t.new_tensor(loss.class_weights)
    if loss.label_smoothing:
        t = t * (1 - loss.label_smoothing) + loss.label_smoothing / p.shape[1]
    values = -(t * _log_probabilities(p, logits, activation, form)).sum(dim=1)
    return values if weights is None else values * weights


def _log_probabilities(p: Tensor, logits: Tensor, activation: str, form: OutputForm) -> Tensor:
    if form == "log_probabilities":
        return p
    if activation == "softmax" or form == "logits":
        return F.log_softmax(logits, dim=1)
    if activation == "softmin":
        return F.log_softmax(-logits, dim=1)
    return p.clamp_min(torch.finfo(p.dtype).tiny).log()


def binary_crossentropy(
    p: Tensor, logits: Tensor, activation: str, targets: Tensor, loss: base.BinaryCrossentropy, form: OutputForm
) -> Tensor:
    """Return the mean over the outputs of −t log p − (1 − t) log(1 − p) for p, logits (N, F)."""
    t = targets.to(p.dtype).reshape(p.shape)
    if activation == "sigmoid" or form == "logits":
        values = F.binary_cross_entropy_with_logits(logits, t, reduction="none")
    else:
        epsilon = torch.finfo(p.dtype).eps
        p = p.clamp(epsilon, 1 - epsilon)
        values = -(t * p.log() + (1 - t) * torch.log1p(-p))
    return values.flatten(1).mean(dim=1)


def mean_squared_error(
    p: Tensor, logits: Tensor, activation: str, targets: Tensor, loss: base.MeanSquaredError, form: OutputForm
) -> Tensor:
    """Return the mean over the outputs of (p − t)² for p (N, F), or p (N, C, H, W) with targets (N, H, W, C)."""
    t = targets.to(p.dtype)
    p = p.permute(0, 2, 3, 1) if p.ndim == 4 else p
    return (p - t.reshape(p.shape)).square().flatten(1).mean(dim=1)


FUNCTIONS: dict[type[base.Loss], Callable[..., Tensor]] = {
    base.CategoricalCrossentropy: categorical_crossentropy,
    base.BinaryCrossentropy: binary_crossentropy,
    base.MeanSquaredError: mean_squared_error,
}


def sample_losses(
    output: Tensor, logits: Tensor, activation: str, targets: Tensor, loss: base.Loss, form: OutputForm
) -> Tensor:
    """Return the loss of each sample (N,), computed in float32 or float64."""
    output, logits = (x.float() if x.dtype in (torch.bfloat16, torch.float16) else x for x in (output, logits))
    return FUNCTIONS[type(loss)](output, logits, activation, targets, loss, form)
