"""Batch normalisation by the statistics of a batch that several processes share; PyTorch's own runs on GPUs only."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from striate.engines.torch.distributed import add_up


def global_batch_normalization(
    x: Tensor, gamma: Tensor | None, beta: Tensor | None, like: Tensor, epsilon: float
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """γ(x − μ) / √(σ² + ε) + β, and μ (C,) and biased σ² (C,) of all processes' samples together.

    x: maps (N, C, H, W) or rows (N, F); N may be 0 in some processes. like: (C,), of the statistics' dtype.
    """
    gamma, beta = torch.ones_like(like) if gamma is None else gamma, torch.zeros_like(like) if beta is None else beta
    y, mean, variance = _Normalize.apply(x, gamma, beta, like, epsilon)  # type: ignore[no-untyped-call]
    return y, (mean, variance)


def _moments(x: Tensor, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """μ (C,), σ² (C,) and the number of values of a channel, over all processes; exact though it takes one sum."""
    count = x.numel() // x.shape[1]
    sums = torch.zeros((2 * len(like) + 1,), dtype=torch.float64, device=x.device)
    if count:
        moving = torch.zeros_like(like)  # is moved, and says by its dtype in which to compute
        mean, variance = (part.double() for part in torch.batch_norm_update_stats(x, moving, moving, 0.0))
        sums = torch.cat([mean * count, (variance + mean.square()) * count, sums.new_tensor([count])])
    sums, squares, counts = torch.tensor_split(add_up(sums), [len(like), 2 * len(like)])
    mean = sums / counts
    return mean.to(like.dtype), (squares / counts - mean.square()).clamp_min(0).to(like.dtype), counts


class _Normalize(torch.autograd.Function):
    """PyTorch's own steps with given statistics, and what their dependence on x adds to its gradient."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, like: Tensor, epsilon: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        mean, variance, counts = _moments(x, like)
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
        means = add_up(torch.stack([dgamma, dbeta])) / counts  # (2, C)
        slope, offset = (-gamma * inverse * means).to(gamma.dtype)
        dx += F.batch_norm(x, mean, variance, slope, offset, False, 0.0, ctx.epsilon)
        return dx, dgamma, dbeta, None, None
