"""Batch normalization and local response normalization.

Arrays have the shape (N, H, W, C) or (N, F) and are planes in memory (see `memory`): each channel is contiguous.
If a batch is split into shards, each shard computes sums over its part, which are then combined.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import Scratch, UncachedScratch, contiguous, planes
from striate.engines.numpy.rules import AcrossShards, LayerContext, LayerRule, rule
from striate.network import BatchNormalization, LocalResponseNormalization, Shape


def _rows(x: Array, scratch: Scratch, key: str) -> Array:
    """Reshape the planes of x (N, …, C) to a matrix (C, M)."""
    matrix = contiguous(planes(x), scratch, key)
    return matrix.reshape(matrix.shape[0], -1)


def _like(matrix: Array, x: Array) -> Array:
    """Reshape a matrix (C, M) to the shape of x."""
    return planes(matrix.reshape(planes(x).shape))


@dataclass
class Moments:
    """Statistics of each channel over a shard or a batch.

    Attributes:
        count: Number of values per channel.
        mean: (C,).
        squares: Sum of the squared deviations from the mean, (C,).
    """

    count: int
    mean: Array
    squares: Array

    @staticmethod
    def combine(parts: "list[Moments]") -> "Moments":
        """Combine the moments of shards.

        Args:
            parts: The moments of each shard.

        Returns:
            Those of the batch.

        Source:
            Chan, Golub, LeVeque 1983, equation 2.1.
        """
        count = sum(part.count for part in parts)
        mean = sum((part.mean * (part.count / count) for part in parts), start=np.zeros_like(parts[0].mean))
        squares = sum(
            (part.squares + part.count * (part.mean - mean) ** 2 for part in parts), start=np.zeros_like(mean)
        )
        return Moments(count, mean, squares)

    @property
    def variance(self) -> Array:
        """Biased variance (C,)."""
        return self.squares / self.count


def moments_of(x: Array, scratch: Scratch) -> tuple[Moments, Array]:
    """Compute the moments of a shard.

    Args:
        x: Values (N, …, C).
        scratch: Memory for intermediate arrays.

    Returns:
        The moments, and the values minus their means as a matrix (C, M).
    """
    matrix = _rows(x, scratch, "rows")
    mean = matrix.mean(axis=1)
    centered = scratch.empty("centered", matrix.shape, x.dtype)
    np.subtract(matrix, mean[:, None], out=centered)
    squares = np.einsum("cm,cm->c", centered, centered)
    return Moments(matrix.shape[1], mean.astype(np.float64), squares.astype(np.float64)), centered


@dataclass
class BatchNormState:
    """The state of batch normalization in training.

    Attributes:
        centered: (C, M), the values minus the shard's mean.
        shift: (C,), the shard's mean minus the batch's mean.
        inverse: (C,), 1 / standard deviation.
        moments: The moments of the batch.
    """

    centered: Array
    shift: Array
    inverse: Array
    moments: Moments


def batch_norm_forward(
    x: Array,
    batch: Moments,
    part: Moments,
    centered: Array,
    gamma: Array,
    beta: Array,
    epsilon: float,
    scratch: Scratch,
) -> tuple[Array, BatchNormState]:
    """Normalize by the statistics of the batch: y = γ(x − μ) / √(σ² + ε) + β.

    Args:
        x: (N, …, C).
        batch: Moments of the batch.
        part: Moments of x, the shard.
        centered: (C, M), x minus its mean, from `moments_of`.
        gamma: (C,).
        beta: (C,).
        epsilon: Added to the variance.
        scratch: Provides the memory.

    Returns:
        y (N, …, C), and the state for the backward pass.

    Source: Ioffe and Szegedy 2015, algorithm 1.
    """
    inverse = 1.0 / np.sqrt(batch.variance + epsilon)
    shift = part.mean - batch.mean
    y = scratch.empty("y", centered.shape, x.dtype)
    factor = gamma * inverse
    np.multiply(centered, factor.astype(x.dtype)[:, None], out=y)
    y += (beta + shift * factor).astype(x.dtype)[:, None]
    return _like(y, x), BatchNormState(centered, shift, inverse, batch)


def batch_norm_sums(dy: Array, state: BatchNormState, scratch: Scratch) -> tuple[Array, Array]:
    """Compute the gradients of γ and β for a shard, in float64.

    Args:
        dy: (N, …, C).
        state: From `batch_norm_forward`.
        scratch: Provides the memory.

    Returns:
        dβ = Σ dy (C,) and dγ = Σ dy · x̂ (C,).
    """
    gradient = _rows(dy, scratch, "drows")
    total = gradient.sum(axis=1).astype(np.float64)
    with_centered = np.einsum("cm,cm->c", gradient, state.centered).astype(np.float64)
    return total, state.inverse * (with_centered + state.shift * total)


def batch_norm_backward(
    dy: Array, state: BatchNormState, dbeta: Array, dgamma: Array, gamma: Array, scratch: Scratch
) -> Array:
    """Compute dx = γ / σ · (dy − mean(dy) − x̂ · mean(dy · x̂)).

    Args:
        dy: (N, …, C), of a shard.
        state: From `batch_norm_forward`.
        dbeta: (C,), the sum of `batch_norm_sums` over all shards of the batch.
        dgamma: (C,), likewise.
        gamma: (C,).
        scratch: Provides the memory.

    Returns:
        dx (N, …, C).
    """
    gradient = _rows(dy, scratch, "drows")
    factor = gamma * state.inverse
    slope = -factor * state.inverse * dgamma / state.moments.count
    constant = state.shift * slope - factor * dbeta / state.moments.count
    dx = scratch.empty("dx", gradient.shape, dy.dtype)
    part = scratch.temporary("part", gradient.shape, dy.dtype)
    np.multiply(gradient, factor.astype(dy.dtype)[:, None], out=dx)
    np.multiply(state.centered, slope.astype(dy.dtype)[:, None], out=part)
    dx += part
    dx += constant.astype(dy.dtype)[:, None]
    return _like(dx, dy)


def batch_norm_inference(
    x: Array, mean: Array, variance: Array, gamma: Array, beta: Array, epsilon: float, scratch: Scratch | None = None
) -> Array:
    """Normalize by given statistics: y = γ(x − mean) / √(variance + ε) + β.

    Args:
        x: (N, …, C).
        mean: (C,).
        variance: (C,).
        gamma: (C,).
        beta: (C,).
        epsilon: ε.
        scratch: Provides the memory; None allocates it.

    Returns:
        y (N, …, C).
    """
    scratch = scratch or UncachedScratch()
    matrix = _rows(x, scratch, "rows")
    factor = gamma / np.sqrt(variance + epsilon)
    y = scratch.empty("y", matrix.shape, x.dtype)
    np.multiply(matrix, factor.astype(x.dtype)[:, None], out=y)
    y += (beta - mean * factor).astype(x.dtype)[:, None]
    return _like(y, x)


def batch_norm_inference_backward(
    dy: Array, x: Array, mean: Array, variance: Array, gamma: Array, epsilon: float, scratch: Scratch
) -> tuple[Array, Array, Array]:
    """Compute the gradients of `batch_norm_inference`, for constant statistics.

    Args:
        dy: (N, …, C).
        x: (N, …, C).
        mean: (C,).
        variance: (C,).
        gamma: (C,).
        epsilon: ε.
        scratch: Provides the memory.

    Returns:
        dx = dy · γ / σ (N, …, C), dγ = Σ dy · x̂ (C,) and dβ = Σ dy (C,).
    """
    inverse = 1.0 / np.sqrt(variance + epsilon)
    matrix, gradient = _rows(x, scratch, "rows"), _rows(dy, scratch, "drows")
    total = gradient.sum(axis=1)
    dgamma = inverse * (np.einsum("cm,cm->c", gradient, matrix) - mean * total)
    dx = scratch.empty("dx", gradient.shape, dy.dtype)
    np.multiply(gradient, (gamma * inverse).astype(dy.dtype)[:, None], out=dx)
    return _like(dx, dy), dgamma, total


def _sum_of_neighbors(squares: Array, radius: int) -> Array:
    """Return for each channel c the sum over the channels c − r … c + r: (C, M) → (C, M)."""
    total = squares.copy()
    for step in range(1, min(radius, len(squares) - 1) + 1):
        total[step:] += squares[:-step]
        total[:-step] += squares[step:]
    return total


def lrn_forward(x: Array, radius: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
    """Normalize by neighboring channels: y = x / (k + α Σ x²)^β, the sum over 2r + 1 channels.

    Args:
        x: (N, H, W, C).
        radius: r.
        alpha: α.
        beta: β.
        k: Added to the sum, above 0.

    Returns:
        y (N, H, W, C), and the base of the power, (C, M).

    Source: Krizhevsky, Sutskever, Hinton 2012, section 3.3.
    """
    matrix = _rows(x, UncachedScratch(), "rows")
    base = k + alpha * _sum_of_neighbors(matrix * matrix, radius)
    return _like(matrix * base**-beta, x), base


def lrn_backward(dy: Array, x: Array, base: Array, radius: int, alpha: float, beta: float) -> Array:
    """Compute dx = dy · s^−β − 2αβ x Σ dy · x · s^(−β−1), the sum over the same neighbors.

    Args:
        dy: (N, H, W, C).
        x: (N, H, W, C).
        base: s (C, M), from `lrn_forward`.
        radius: r.
        alpha: α.
        beta: β.

    Returns:
        dx (N, H, W, C).
    """
    matrix, gradient = _rows(x, UncachedScratch(), "rows"), _rows(dy, UncachedScratch(), "drows")
    power = base**-beta
    neighbors = _sum_of_neighbors(gradient * matrix * power / base, radius)
    return _like(gradient * power - (2 * alpha * beta) * matrix * neighbors, x)


@rule(BatchNormalization)
class BatchNormalizationRule(LayerRule[BatchNormalization, BatchNormState | Array]):
    """Normalization by batch statistics in training and by moving statistics in inference.

    The state in inference is x.
    """

    output_overwritable = True

    def __init__(self, layer: BatchNormalization, input_shape: Shape) -> None:
        super().__init__(layer, input_shape)
        self.ones, self.zeros = np.ones(input_shape[-1]), np.zeros(input_shape[-1])

    def forward(
        self, context: LayerContext, x: Array
    ) -> AcrossShards[tuple[Array, BatchNormState | Array]] | tuple[Array, BatchNormState | Array]:
        """Return y and the state; x and y are (N, …, C)."""
        gamma, beta = context.weights.get("gamma", self.ones), context.weights.get("beta", self.zeros)
        if context.training:
            return self._forward_training(context, x, gamma, beta)
        mean, variance = context.weights["moving_mean"], context.weights["moving_variance"]
        return batch_norm_inference(x, mean, variance, gamma, beta, self.layer.epsilon, context.scratch), x

    def _forward_training(
        self, context: LayerContext, x: Array, gamma: Array, beta: Array
    ) -> AcrossShards[tuple[Array, BatchNormState | Array]]:
        part, centered = moments_of(x, context.scratch)
        batch = Moments.combine((yield part))
        return batch_norm_forward(x, batch, part, centered, gamma, beta, self.layer.epsilon, context.scratch)

    def backward(
        self, context: LayerContext, state: BatchNormState | Array, dy: Array
    ) -> AcrossShards[Sequence[Array | None]] | tuple[Array]:
        """Return dx for dy, both (N, …, C)."""
        if isinstance(state, BatchNormState):
            return self._backward_training(context, state, dy)
        mean, variance = context.weights["moving_mean"], context.weights["moving_variance"]
        gamma = context.weights.get("gamma", self.ones)
        dx, dgamma, dbeta = batch_norm_inference_backward(
            dy, state, mean, variance, gamma, self.layer.epsilon, context.scratch
        )
        _write_gradients(context, dgamma, dbeta)
        return (dx,)

    def _backward_training(
        self, context: LayerContext, state: BatchNormState, dy: Array
    ) -> AcrossShards[Sequence[Array | None]]:
        dbeta, dgamma = batch_norm_sums(dy, state, context.scratch)
        _write_gradients(context, dgamma, dbeta)
        parts = yield dbeta, dgamma
        all_beta, all_gamma = (sum(part[i] for part in parts) for i in (0, 1))
        gamma = context.weights.get("gamma", self.ones)
        return (batch_norm_backward(dy, state, all_beta, all_gamma, gamma, context.scratch),)

    def update_statistics(self, context: LayerContext, state: BatchNormState | Array) -> None:
        """Update the moving statistics: moving ← momentum · moving + (1 − momentum) · batch."""
        if not isinstance(state, BatchNormState):  # a frozen layer runs in inference mode
            return
        momentum = self.layer.momentum
        for name, batch in (("moving_mean", state.moments.mean), ("moving_variance", state.moments.variance)):
            moving = context.weights[name]
            moving *= momentum
            moving += ((1 - momentum) * batch).astype(moving.dtype)


def _write_gradients(context: LayerContext, dgamma: Array, dbeta: Array) -> None:
    for name, gradient in (("gamma", dgamma), ("beta", dbeta)):
        if name in context.gradients:
            context.gradients[name][...] = gradient


@rule(LocalResponseNormalization)
class LocalResponseRule(LayerRule[LocalResponseNormalization, tuple[Array, Array]]):
    """Normalization by neighboring channels. The state is x and the base of the power."""

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, tuple[Array, Array]]:
        """Return y and the state; x and y are (N, H, W, C)."""
        y, base = lrn_forward(x, self.layer.radius, self.layer.alpha, self.layer.beta, self.layer.k)
        return y, (x, base)

    def backward(self, context: LayerContext, state: tuple[Array, Array], dy: Array) -> tuple[Array]:
        """Return dx for dy, both (N, H, W, C)."""
        x, base = state
        return (lrn_backward(dy, x, base, self.layer.radius, self.layer.alpha, self.layer.beta),)
