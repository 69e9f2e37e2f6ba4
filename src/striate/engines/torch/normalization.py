"""Batch normalisation and local response normalisation. Maps are (N, C, H, W), rows (N, F)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.global_normalization import global_batch_normalization

Moments = tuple[Tensor, Tensor]
BAND = 64  # channels whose neighbours are summed at once


def batch_normalization(
    x: Tensor, weights: Mapping[str, Tensor], epsilon: float, training: bool, *, together: bool = False
) -> tuple[Tensor, Moments | None]:
    """γ(x − μ) / √(σ² + ε) + β; in training also the batch's μ (C,) and biased σ² (C,).

    together: the batch is what all processes are given.

    Source: Ioffe and Szegedy 2015, algorithm 1.
    """
    gamma, beta = weights.get("gamma"), weights.get("beta")
    if not training:
        mean, variance = weights["moving_mean"], weights["moving_variance"]
        return F.batch_norm(x, mean, variance, gamma, beta, False, 0.0, epsilon), None
    if together:
        return global_batch_normalization(x, gamma, beta, weights["moving_mean"], epsilon)
    count = x.numel() // x.shape[1]
    if count == 1:  # PyTorch refuses; the mean is the number itself, and nothing is left
        return _lonely(x, gamma, beta), (x.detach().flatten(), torch.zeros_like(x.flatten()))
    # Memory for all of the past 0: the "moving" statistics that come out are the batch's own, without a second pass.
    mean, variance = torch.zeros_like(weights["moving_mean"]), torch.ones_like(weights["moving_variance"])
    y = F.batch_norm(x, mean, variance, gamma, beta, True, 1.0, epsilon)
    return y, (mean, variance * ((count - 1) / count))


def _lonely(x: Tensor, gamma: Tensor | None, beta: Tensor | None) -> Tensor:
    axes = [1] * (x.ndim - 2)
    y = x * 0 if gamma is None else x * 0 * gamma.view(1, -1, *axes)  # so that γ has a gradient, 0
    return y if beta is None else y + beta.view(1, -1, *axes)


def local_response(x: Tensor, radius: int, alpha: float, beta: float, k: float) -> Tensor:
    """x / (k + α Σ x²)^β, the sum over 2 · radius + 1 neighbouring channels. x: (N, C, H, W).

    Source: Krizhevsky, Sutskever, Hinton 2012, section 3.3.
    """
    wide = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
    with torch.autocast(x.device.type, enabled=False):
        rows = wide.permute(0, 2, 3, 1).flatten(0, 2)  # (N, C, H, W) → (N·H·W, C)
        y: Tensor = _LocalResponse.apply(rows, radius, alpha, beta, k)  # type: ignore[no-untyped-call]
    n, c, h, w = x.shape
    return y.view(n, h, w, c).permute(0, 3, 1, 2).to(x.dtype)


class _LocalResponse(torch.autograd.Function):
    """In a quarter of the time that PyTorch's own takes, most of which goes into pooling over channels and powers."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, radius: int, alpha: float, beta: float, k: float) -> Tensor:
        """x: (M, C)."""
        bracket = _across(x.square(), radius, alpha).add_(k)
        power = _inverse_power(bracket, beta)
        ctx.save_for_backward(x, bracket, power)
        ctx.settings = radius, alpha, beta
        return x * power

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Any:
        """dx = dy · s^−β − 2αβ x Σ dy · x · s^(−β−1), the sum over the same neighbours."""
        x, bracket, power = ctx.saved_tensors
        radius, alpha, beta = ctx.settings
        dx = dy * power
        shared = _across((dx * x).div_(bracket), radius, alpha)
        return dx.addcmul_(x, shared, value=-2 * beta), None, None, None, None


def _across(x: Tensor, radius: int, alpha: float) -> Tensor:
    """For each channel α Σ over its neighbours c − r … c + r, (M, C) → (M, C), as products with a band of α."""
    place = torch.arange(x.shape[1], device=x.device)
    band = ((place[:, None] - place).abs() <= radius).to(x.dtype) * alpha
    parts = []
    for start in range(0, x.shape[1], BAND):
        end = start + BAND
        seen = slice(max(0, start - radius), end + radius)
        parts.append(x[:, seen] @ band[seen, start:end])
    return torch.cat(parts, dim=1)


def _inverse_power(x: Tensor, beta: float) -> Tensor:
    """x^−β; with the usual β by square roots, which take half the time."""
    if beta != 0.75:
        return x.pow(-beta)
    root = x.rsqrt()
    return root.sqrt().mul_(root)
