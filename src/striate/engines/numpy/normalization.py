"""Batch normalisation and local response normalisation.

Arrays have the shape (N, H, W, C) or (N, F) and lie in memory as planes (see `memory`): a channel is one row.
A batch may be cut into shards: each shard sums what it has, and the sums are joined before anybody goes on.
"""

from dataclasses import dataclass

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import Fresh, Scratch, contiguous, planes


def rows(x: Array, scratch: Scratch, key: str) -> Array:
    """(N, …, C) → its planes as a matrix (C, everything else)."""
    matrix = contiguous(planes(x), scratch, key)
    return matrix.reshape(matrix.shape[0], -1)


def like(matrix: Array, x: Array) -> Array:
    """A matrix (C, everything else) back to the shape of x."""
    return planes(matrix.reshape(planes(x).shape))


@dataclass
class Moments:
    """Of some of a batch: how many numbers a channel has, their mean (C,), their squared deviations' sum (C,)."""

    count: int
    mean: Array
    squares: Array

    @staticmethod
    def join(parts: "list[Moments]") -> "Moments":
        """Of the whole batch. Source: Chan, Golub, LeVeque 1983, equation 2.1."""
        count = sum(part.count for part in parts)
        mean = sum((part.mean * (part.count / count) for part in parts), start=np.zeros_like(parts[0].mean))
        squares = sum(
            (part.squares + part.count * (part.mean - mean) ** 2 for part in parts), start=np.zeros_like(mean)
        )
        return Moments(count, mean, squares)

    @property
    def variance(self) -> Array:
        """Mean squared deviation (C,), biased as in training."""
        return self.squares / self.count


def measure(x: Array, scratch: Scratch) -> tuple[Moments, Array]:
    """Moments of a shard, and its numbers with the shard's own mean taken off, as a matrix (C, M)."""
    matrix = rows(x, scratch, "rows")
    mean = matrix.mean(axis=1)
    centred = scratch.empty("centred", matrix.shape, x.dtype)
    np.subtract(matrix, mean[:, None], out=centred)
    squares = np.einsum("cm,cm->c", centred, centred)
    return Moments(matrix.shape[1], mean.astype(np.float64), squares.astype(np.float64)), centred


@dataclass
class Saved:
    """What the backward pass needs.

    centred: (C, M), the shard's numbers less the shard's mean; shift: (C,), the shard's mean less the whole batch's;
    inverse: (C,), 1 / standard deviation; count: how many numbers a channel has in the whole batch.
    """

    centred: Array
    shift: Array
    inverse: Array
    count: int


def batch_norm_forward(
    x: Array, whole: Moments, part: Moments, centred: Array, gamma: Array, beta: Array, epsilon: float, scratch: Scratch
) -> tuple[Array, Saved]:
    """y = γ(x − μ) / √(σ² + ε) + β with the whole batch's μ and σ². Source: Ioffe and Szegedy 2015, algorithm 1.

    x, y: (N, …, C); gamma, beta: (C,); centred: (C, M) as `measure` gives it.
    """
    inverse = 1.0 / np.sqrt(whole.variance + epsilon)
    shift = part.mean - whole.mean
    y = scratch.empty("y", centred.shape, x.dtype)
    factor = gamma * inverse
    np.multiply(centred, factor.astype(x.dtype)[:, None], out=y)
    y += (beta + shift * factor).astype(x.dtype)[:, None]
    return like(y, x), Saved(centred, shift, inverse, whole.count)


def batch_norm_sums(dy: Array, saved: Saved, scratch: Scratch) -> tuple[Array, Array]:
    """Of a shard: Σ dy (C,), which is dβ, and Σ dy · x̂ (C,), which is dγ; in float64."""
    gradient = rows(dy, scratch, "drows")
    total = gradient.sum(axis=1).astype(np.float64)
    with_centred = np.einsum("cm,cm->c", gradient, saved.centred).astype(np.float64)
    return total, saved.inverse * (with_centred + saved.shift * total)


def batch_norm_backward(dy: Array, saved: Saved, dbeta: Array, dgamma: Array, gamma: Array, scratch: Scratch) -> Array:
    """dx = γ / σ · (dy − mean(dy) − x̂ · mean(dy · x̂)), the means over the whole batch (dbeta, dgamma: its sums)."""
    gradient = rows(dy, scratch, "drows")
    factor = gamma * saved.inverse
    slope = -factor * saved.inverse * dgamma / saved.count
    constant = saved.shift * slope - factor * dbeta / saved.count
    dx = scratch.empty("dx", gradient.shape, dy.dtype)
    part = scratch.temporary("part", gradient.shape, dy.dtype)
    np.multiply(gradient, factor.astype(dy.dtype)[:, None], out=dx)
    np.multiply(saved.centred, slope.astype(dy.dtype)[:, None], out=part)
    dx += part
    dx += constant.astype(dy.dtype)[:, None]
    return like(dx, dy)


def batch_norm_inference(
    x: Array, mean: Array, variance: Array, gamma: Array, beta: Array, epsilon: float, scratch: Scratch | None = None
) -> Array:
    """y = γ(x − moving mean) / √(moving variance + ε) + β. x, y: (N, …, C); the rest (C,)."""
    scratch = scratch or Fresh()
    matrix = rows(x, scratch, "rows")
    factor = gamma / np.sqrt(variance + epsilon)
    y = scratch.empty("y", matrix.shape, x.dtype)
    np.multiply(matrix, factor.astype(x.dtype)[:, None], out=y)
    y += (beta - mean * factor).astype(x.dtype)[:, None]
    return like(y, x)


def batch_norm_inference_backward(
    dy: Array, x: Array, mean: Array, variance: Array, gamma: Array, epsilon: float, scratch: Scratch
) -> tuple[Array, Array, Array]:
    """dx = dy · γ / σ with the moving statistics, dγ = Σ dy · x̂ (C,), dβ = Σ dy (C,). dy, x, dx: (N, …, C)."""
    inverse = 1.0 / np.sqrt(variance + epsilon)
    matrix, gradient = rows(x, scratch, "rows"), rows(dy, scratch, "drows")
    total = gradient.sum(axis=1)
    dgamma = inverse * (np.einsum("cm,cm->c", gradient, matrix) - mean * total)
    dx = scratch.empty("dx", gradient.shape, dy.dtype)
    np.multiply(gradient, (gamma * inverse).astype(dy.dtype)[:, None], out=dx)
    return like(dx, dy), dgamma, total


def _across(squares: Array, radius: int) -> Array:
    """For each channel, the sum over its neighbours c − r … c + r: (C, M) → (C, M)."""
    total = squares.copy()
    for step in range(1, min(radius, len(squares) - 1) + 1):
        total[step:] += squares[:-step]
        total[:-step] += squares[step:]
    return total


def lrn_forward(x: Array, radius: int, alpha: float, beta: float, k: float) -> tuple[Array, Array]:
    """y = x / (k + α Σ x²)^β, the sum over 2r + 1 neighbouring channels. Returns y and the bracket, (C, M).

    Source: Krizhevsky, Sutskever, Hinton 2012, section 3.3.
    """
    matrix = rows(x, Fresh(), "rows")
    bracket = k + alpha * _across(matrix * matrix, radius)
    return like(matrix * bracket**-beta, x), bracket


def lrn_backward(dy: Array, x: Array, bracket: Array, radius: int, alpha: float, beta: float) -> Array:
    """dx = dy · s^−β − 2αβ x Σ dy · x · s^(−β−1), the sum over the same neighbours."""
    matrix, gradient = rows(x, Fresh(), "rows"), rows(dy, Fresh(), "drows")
    power = bracket**-beta
    shared = _across(gradient * matrix * power / bracket, radius)
    return like(gradient * power - (2 * alpha * beta) * matrix * shared, x)
