"""Batch normalization and local response normalization. Feature maps are (N, C, H, W), vectors (N, F).

In distributed training the batch statistics are those of all processes together. PyTorch's SyncBatchNorm does the
same on GPUs only.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.distributed import all_reduce_sum
from striate.engines.torch.rules import BatchStatistic, Context, Parameters, rule
from striate.network import BatchNormalization, LocalResponseNormalization

Moments = tuple[Tensor, Tensor]  # mean (C,) and biased variance (C,)
CHANNELS_PER_PRODUCT = 64  # channels of local response normalization computed by one matrix product


@rule(BatchNormalization, layout="channels_first", with_context=True)
def batch_normalization(layer: BatchNormalization, weights: Parameters, context: Context, x: Tensor) -> Tensor:
    """Return γ(x − μ) / √(σ² + ε) + β, with batch statistics in training and moving statistics in inference.

    Returns:
        The output, with the shape of x.

    Source:
        Ioffe and Szegedy 2015, algorithm 1.
    """
    gamma, beta = weights.get("gamma"), weights.get("beta")
    moving_mean, moving_variance = weights["moving_mean"], weights["moving_variance"]
    if str(layer.name) in context.frozen:
        y: Tensor = _FrozenNormalization.apply(x, moving_mean, moving_variance, gamma, beta, layer.epsilon)  # type: ignore[no-untyped-call]
        return y
    if not context.training:
        return F.batch_norm(x, moving_mean, moving_variance, gamma, beta, False, 0.0, layer.epsilon)
    normalize = _normalize_synchronized if context.synchronized else _normalize
    y, (mean, variance) = normalize(x, gamma, beta, moving_mean, layer.epsilon)
    context.statistics.append(BatchStatistic(f"{layer.name}/moving_mean", mean, layer.momentum))
    context.statistics.append(BatchStatistic(f"{layer.name}/moving_variance", variance, layer.momentum))
    return y


class _FrozenNormalization(torch.autograd.Function):
    """Batch normalization with constant statistics, γ and β, which does not keep x for the backward pass."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, mean: Tensor, variance: Tensor, gamma: Tensor | None, beta: Tensor | None, epsilon: float
    ) -> Tensor:
        ctx.save_for_backward(variance, gamma)
        ctx.epsilon = epsilon
        return F.batch_norm(x, mean, variance, gamma, beta, False, 0.0, epsilon)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        """Return dx = γ/σ · dy."""
        variance, gamma = ctx.saved_tensors
        zero = torch.zeros_like(variance)
        return F.batch_norm(dy, zero, variance, gamma, zero, False, 0.0, ctx.epsilon), None, None, None, None, None


def _normalize(
    x: Tensor, gamma: Tensor | None, beta: Tensor | None, like: Tensor, epsilon: float
) -> tuple[Tensor, Moments]:
    """Normalize by the statistics of x. `like` (C,) has the dtype and device of the statistics."""
    count = x.numel() // x.shape[1]
    if count == 1:  # F.batch_norm raises an error here; x − μ is 0
        return _normalize_single(x, gamma, beta), (x.detach().flatten(), torch.zeros_like(x.flatten()))
    # With momentum 1, F.batch_norm writes the batch statistics into the moving ones: no second pass is needed.
    mean, variance = torch.zeros_like(like), torch.ones_like(like)
    y = F.batch_norm(x, mean, variance, gamma, beta, True, 1.0, epsilon)
    return y, (mean, variance * ((count - 1) / count))


def _normalize_single(x: Tensor, gamma: Tensor | None, beta: Tensor | None) -> Tensor:
    """Normalize one value per channel: the result is β, and γ gets the gradient 0."""
    axes = [1] * (x.ndim - 2)
    y = x * 0 if gamma is None else x * 0 * gamma.view(1, -1, *axes)
    return y if beta is None else y + beta.view(1, -1, *axes)


def _normalize_synchronized(
    x: Tensor, gamma: Tensor | None, beta: Tensor | None, like: Tensor, epsilon: float
) -> tuple[Tensor, Moments]:
    """Normalize by the statistics of the samples of all processes.

    Args:
        x: Feature maps (N, C, H, W) or vectors (N, F); N may be 0 in some processes.
        gamma: (C,), or None for 1.
        beta: (C,), or None for 0.
        like: (C,), with the dtype and device of the statistics.
        epsilon: Added to the variance.

    Returns:
        The output, and mean (C,) and biased variance (C,).
    """
    gamma, beta = torch.ones_like(like) if gamma is None else gamma, torch.zeros_like(like) if beta is None else beta
    y, mean, variance = _SynchronizedNormalization.apply(x, gamma, beta, like, epsilon)  # type: ignore[no-untyped-call]
    return y, (mean, variance)


def _synchronized_moments(x: Tensor, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean (C,), biased variance (C,) and values per channel over all processes, with one all-reduce."""
    count = x.numel() // x.shape[1]
    sums = torch.zeros((2 * len(like) + 1,), dtype=torch.float64, device=x.device)
    if count:
        moving = torch.zeros_like(like)  # updated in place; its dtype determines the dtype of the result
        mean, variance = (part.double() for part in torch.batch_norm_update_stats(x, moving, moving, 0.0))
        sums = torch.cat([mean * count, (variance + mean.square()) * count, sums.new_tensor([count])])
    sums, squares, counts = torch.tensor_split(all_reduce_sum(sums), [len(like), 2 * len(like)])
    mean = sums / counts
    return mean.to(like.dtype), (squares / counts - mean.square()).clamp_min(0).to(like.dtype), counts


class _SynchronizedNormalization(torch.autograd.Function):
    """Batch normalization whose forward and backward pass share statistics among all processes."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, like: Tensor, epsilon: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        mean, variance, counts = _synchronized_moments(x, like)
        ctx.save_for_backward(x, gamma, mean, variance, counts)
        ctx.epsilon = epsilon
        ctx.mark_non_differentiable(mean, variance)
        return F.batch_norm(x, mean, variance, gamma, beta, False, 0.0, epsilon), mean, variance

    @staticmethod
    def backward(ctx: Any, dy: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Return dx = γ/σ · (dy − Σdy / M − x̂ Σ(dy x̂) / M), with M values per channel over all processes."""
        x, gamma, mean, variance, counts = ctx.saved_tensors
        inverse = (variance + ctx.epsilon).rsqrt()
        dx, dgamma, dbeta = torch.empty_like(x), torch.zeros_like(gamma), torch.zeros_like(gamma)
        if x.numel():  # PyTorch's function fails without samples
            # dx = γ/σ · dy; dgamma = Σ(dy x̂) and dbeta = Σdy over the samples of this process
            dx, dgamma, dbeta = torch.ops.aten.native_batch_norm_backward(
                dy, x, gamma, mean, variance, mean, inverse, False, ctx.epsilon, [True, True, True]
            )
        means = all_reduce_sum(torch.stack([dgamma, dbeta])) / counts  # (2, C)
        slope, offset = (-gamma * inverse * means).to(gamma.dtype)
        dx += F.batch_norm(x, mean, variance, slope, offset, False, 0.0, ctx.epsilon)
        return dx, dgamma, dbeta, None, None


@rule(LocalResponseNormalization, layout="channels_first")
def local_response_normalization(layer: LocalResponseNormalization, weights: Parameters, x: Tensor) -> Tensor:
    """Return x / (k + α Σ x²)^β, summed over 2 · radius + 1 neighboring channels.

    Returns:
        The output (N, C, H, W).

    Source:
        Krizhevsky, Sutskever, Hinton 2012, section 3.3.
    """
    full_precision = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
    with torch.autocast(x.device.type, enabled=False):
        rows = full_precision.permute(0, 2, 3, 1).flatten(0, 2)  # (N, C, H, W) → (N·H·W, C)
        y: Tensor = _LocalResponse.apply(rows, layer.radius, layer.alpha, layer.beta, layer.k)  # type: ignore[no-untyped-call]
    n, c, h, w = x.shape
    return y.view(n, h, w, c).permute(0, 3, 1, 2).to(x.dtype)


class _LocalResponse(torch.autograd.Function):
    """Local response normalization of rows (M, C), about four times as fast as F.local_response_norm."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, radius: int, alpha: float, beta: float, k: float) -> Tensor:
        """Return x / (k + α Σ x²)^β for x (M, C)."""
        base = _sum_over_neighbors(x.square(), radius, alpha).add_(k)
        power = _inverse_power(base, beta)
        ctx.save_for_backward(x, base, power)
        ctx.settings = radius, alpha, beta
        return x * power

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> Any:
        """Return dx = dy · s^−β − 2αβ x Σ dy · x · s^(−β−1), with s = k + α Σ x² and sums over the same neighbors."""
        x, base, power = ctx.saved_tensors
        radius, alpha, beta = ctx.settings
        dx = dy * power
        neighbors = _sum_over_neighbors((dx * x).div_(base), radius, alpha)
        return dx.addcmul_(x, neighbors, value=-2 * beta), None, None, None, None


def _sum_over_neighbors(x: Tensor, radius: int, alpha: float) -> Tensor:
    """Return α Σ over the channels c − r … c + r for each channel c, (M, C) → (M, C), with a banded matrix."""
    channel = torch.arange(x.shape[1], device=x.device)
    band = ((channel[:, None] - channel).abs() <= radius).to(x.dtype) * alpha
    parts = []
    for start in range(0, x.shape[1], CHANNELS_PER_PRODUCT):
        end = start + CHANNELS_PER_PRODUCT
        neighbors = slice(max(0, start - radius), end + radius)
        parts.append(x[:, neighbors] @ band[neighbors, start:end])
    return torch.cat(parts, dim=1)


def _inverse_power(x: Tensor, beta: float) -> Tensor:
    """Return x^−β; for the usual β = 0.75 with square roots, which take half the time."""
    if beta != 0.75:
        return x.pow(-beta)
    root = x.rsqrt()
    return root.sqrt().mul_(root)
