"""Batch normalization. Maps are (N, C, H, W), rows (N, F).

Where several processes share a batch, its statistics are those of all samples; PyTorch's own layer for this runs on
GPUs only.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.distributed import all_reduce_sum
from striate.engines.torch.rules import BatchStatistic, Context, Parameters, rule
from striate.network import BatchNormalization

Moments = tuple[Tensor, Tensor]  # mean (C,) and biased variance (C,)


@rule(BatchNormalization, layout="channels_first", with_context=True)
def batch_normalization(layer: BatchNormalization, weights: Parameters, context: Context, x: Tensor) -> Tensor:
    """γ(x − μ) / √(σ² + ε) + β, with the batch's μ and σ² in training, else the moving ones.

    Source: Ioffe and Szegedy 2015, algorithm 1.
    """
    gamma, beta = weights.get("gamma"), weights.get("beta")
    moving_mean, moving_variance = weights["moving_mean"], weights["moving_variance"]
    if not context.trains(layer):
        return F.batch_norm(x, moving_mean, moving_variance, gamma, beta, False, 0.0, layer.epsilon)
    normalize = _normalize_synchronized if context.synchronized else _normalize
    y, (mean, variance) = normalize(x, gamma, beta, moving_mean, layer.epsilon)
    context.statistics.append(BatchStatistic(f"{layer.name}/moving_mean", mean, layer.momentum))
    context.statistics.append(BatchStatistic(f"{layer.name}/moving_variance", variance, layer.momentum))
    return y


def _normalize(
    x: Tensor, gamma: Tensor | None, beta: Tensor | None, like: Tensor, epsilon: float
) -> tuple[Tensor, Moments]:
    """Normalize by the statistics of x. like: (C,), of the statistics' dtype and device."""
    count = x.numel() // x.shape[1]
    if count == 1:  # PyTorch refuses; the mean is the number itself, so that nothing is left
        return _normalize_single(x, gamma, beta), (x.detach().flatten(), torch.zeros_like(x.flatten()))
    # With momentum 1 the "moving" statistics that come out are the batch's own, without a second pass.
    mean, variance = torch.zeros_like(like), torch.ones_like(like)
    y = F.batch_norm(x, mean, variance, gamma, beta, True, 1.0, epsilon)
    return y, (mean, variance * ((count - 1) / count))


def _normalize_single(x: Tensor, gamma: Tensor | None, beta: Tensor | None) -> Tensor:
    axes = [1] * (x.ndim - 2)
    y = x * 0 if gamma is None else x * 0 * gamma.view(1, -1, *axes)  # so that γ has a gradient, 0
    return y if beta is None else y + beta.view(1, -1, *axes)


def _normalize_synchronized(
    x: Tensor, gamma: Tensor | None, beta: Tensor | None, like: Tensor, epsilon: float
) -> tuple[Tensor, Moments]:
    """γ(x − μ) / √(σ² + ε) + β, and μ (C,) and biased σ² (C,) of all processes' samples together.

    x: maps (N, C, H, W) or rows (N, F); N may be 0 in some processes. like: (C,), of the statistics' dtype.
    """
    gamma, beta = torch.ones_like(like) if gamma is None else gamma, torch.zeros_like(like) if beta is None else beta
    y, mean, variance = _SynchronizedNormalization.apply(x, gamma, beta, like, epsilon)  # type: ignore[no-untyped-call]
    return y, (mean, variance)


def _synchronized_moments(x: Tensor, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """μ (C,), σ² (C,) and the number of values of a channel, over all processes; exact though it takes one sum."""
    count = x.numel() // x.shape[1]
    sums = torch.zeros((2 * len(like) + 1,), dtype=torch.float64, device=x.device)
    if count:
        moving = torch.zeros_like(like)  # is moved, and says by its dtype in which to compute
        mean, variance = (part.double() for part in torch.batch_norm_update_stats(x, moving, moving, 0.0))
        sums = torch.cat([mean * count, (variance + mean.square()) * count, sums.new_tensor([count])])
    sums, squares, counts = torch.tensor_split(all_reduce_sum(sums), [len(like), 2 * len(like)])
    mean = sums / counts
    return mean.to(like.dtype), (squares / counts - mean.square()).clamp_min(0).to(like.dtype), counts


class _SynchronizedNormalization(torch.autograd.Function):
    """PyTorch's own steps with given statistics, and what their dependence on x adds to its gradient."""

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
        """dx = γ/σ · (dy − Σdy / M − x̂ Σ(dy x̂) / M), M values of a channel over all processes."""
        x, gamma, mean, variance, counts = ctx.saved_tensors
        inverse = (variance + ctx.epsilon).rsqrt()
        dx, dgamma, dbeta = torch.empty_like(x), torch.zeros_like(gamma), torch.zeros_like(gamma)
        if x.numel():  # PyTorch's own step dies of having no samples
            # dx = γ/σ · dy; of this process's samples dgamma = Σ(dy x̂), dbeta = Σdy
            dx, dgamma, dbeta = torch.ops.aten.native_batch_norm_backward(
                dy, x, gamma, mean, variance, mean, inverse, False, ctx.epsilon, [True, True, True]
            )
        means = all_reduce_sum(torch.stack([dgamma, dbeta])) / counts  # (2, C)
        slope, offset = (-gamma * inverse * means).to(gamma.dtype)
        dx += F.batch_norm(x, mean, variance, slope, offset, False, 0.0, ctx.epsilon)
        return dx, dgamma, dbeta, None, None
