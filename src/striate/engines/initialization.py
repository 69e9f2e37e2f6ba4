"""Initial weights, drawn as the initializers of a network describe them."""

import math
import zlib

import numpy as np

from striate._types import Array, Weights
from striate.errors import UsageError
from striate.network import (
    Constant,
    Conv2D,
    FromValues,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    IdentityMatrix,
    Initializer,
    LecunNormal,
    LecunUniform,
    Network,
    Normal,
    Ones,
    Orthogonal,
    Parameter,
    TruncatedNormal,
    Uniform,
    VarianceScaling,
    Zeros,
    fans,
)

VARIANCE_SCALINGS: dict[type[Initializer], VarianceScaling] = {
    GlorotUniform: VarianceScaling(1.0, "fan_avg", "uniform"),
    GlorotNormal: VarianceScaling(1.0, "fan_avg"),
    HeUniform: VarianceScaling(2.0, "fan_in", "uniform"),
    HeNormal: VarianceScaling(2.0),
    LecunUniform: VarianceScaling(1.0, "fan_in", "uniform"),
    LecunNormal: VarianceScaling(1.0),
}
TRUNCATED_STD = 0.87962566103423978  # standard deviation of the standard normal distribution truncated at ±2


def initial_weights(network: Network, seed: int, dtype: str = "float32", *, layer: str | None = None) -> Weights:
    """Draw the initial weights of a network.

    The numbers depend only on the seed and on the name, the shape and the initializer of the parameter, so adding a
    layer elsewhere in the network does not change them. If the initializer has a seed, the values
    depend only on that seed, its settings and the shape.

    Args:
        network: The network.
        seed: 0 or more.
        dtype: The dtype of the arrays.
        layer: The name of a layer, to sample only its weights.

    Returns:
        The weights by full name (`C1/kernel`).

    Raises:
        UsageError: If an initializer is not supported, or not for the shape of its parameter.
    """
    weights = {
        parameter.name: _sample(parameter.initializer, parameter.shape, _rng(seed, parameter)).astype(dtype)
        for parameter in network.parameters
        if layer is None or parameter.name.rpartition("/")[0] == layer
    }
    for each in {node.layer for node in network.nodes}:
        kernel = weights.get(f"{each.name}/kernel")
        if kernel is not None and isinstance(each, Conv2D) and each.connections:
            kernel[:, :, connection_mask(each.connections, kernel.shape[2]) == 0] = 0
    return weights


def connection_mask(connections: tuple[tuple[int, ...], ...], channels: int) -> Array:
    """Convert connections to a mask.

    Args:
        connections: For each filter, the channels that it reads.
        channels: Number of channels.

    Returns:
        (channels, filters): 1 where a filter is connected to a channel, else 0.
    """
    mask = np.zeros((channels, len(connections)))
    for filter_, connected in enumerate(connections):
        mask[list(connected), filter_] = 1
    return mask


def sample(initializer: Initializer, shape: tuple[int, ...]) -> Array:
    """Draw the values of one array.

    Args:
        initializer: The distribution; without a seed, each call draws other values.
        shape: Shape of the array.

    Returns:
        float64 values.

    Raises:
        UsageError: If the initializer is not supported, or not for this shape.
    """
    return _sample(initializer, shape, np.random.default_rng(initializer.seed))


def _rng(seed: int, parameter: Parameter) -> np.random.Generator:
    own = parameter.initializer.seed
    return np.random.default_rng([seed, zlib.crc32(parameter.name.encode())] if own is None else [own])


def _sample(initializer: Initializer, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    values: Array | float
    match initializer:
        case Zeros():
            values = 0.0
        case Ones():
            values = 1.0
        case Constant(value):
            values = value
        case FromValues(numbers):
            values = _broadcast(np.array(numbers), shape)
        case Normal(mean, stddev):
            values = rng.normal(mean, stddev, shape)
        case Uniform(low, high):
            values = rng.uniform(low, high, shape)
        case TruncatedNormal(mean, stddev):
            values = mean + stddev * _sample_truncated_normal(shape, rng)
        case Orthogonal(gain):
            values = gain * _sample_orthogonal(shape, rng)
        case IdentityMatrix(gain):
            values = gain * _identity(shape)
        case _:
            values = _sample_variance_scaling(initializer, shape, rng)
    return np.broadcast_to(values, shape)


def _sample_variance_scaling(initializer: Initializer, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw from a distribution whose variance depends on the shape."""
    scaling = VARIANCE_SCALINGS.get(type(initializer), initializer)
    if not isinstance(scaling, VarianceScaling):
        raise UsageError(f"The initializer {type(initializer).__name__} is not supported.")
    fan_in, fan_out = fans(shape)
    inputs = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[scaling.mode]
    variance = scaling.scale / inputs
    if scaling.distribution == "uniform":
        limit = math.sqrt(3 * variance)
        return rng.uniform(-limit, limit, shape)
    if scaling.distribution == "untruncated_normal":
        return rng.normal(0, math.sqrt(variance), shape)
    return math.sqrt(variance) / TRUNCATED_STD * _sample_truncated_normal(shape, rng)


def _broadcast(values: Array, shape: tuple[int, ...]) -> Array:
    """Return given values. Raise UsageError unless they have the shape of the parameter, or broadcast to it."""
    try:
        return np.broadcast_to(values, shape)
    except ValueError:
        raise UsageError(
            f"An initializer has values of shape {values.shape}, but the parameter has the shape {shape}."
        ) from None


def _sample_orthogonal(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    if len(shape) < 2:
        raise UsageError(f"The orthogonal initializer is for kernels; received a parameter of shape {shape}.")
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diag(r))  # makes the distribution uniform
    return (q if rows >= columns else q.T).reshape(shape)


def _identity(shape: tuple[int, ...]) -> Array:
    if len(shape) != 2:
        raise UsageError(f"The identity initializer is for kernels with two axes; received the shape {shape}.")
    return np.eye(*shape)


def _sample_truncated_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw from the standard normal distribution, and sample numbers beyond ±2 again."""
    values = rng.standard_normal(shape)
    beyond = np.abs(values) > 2
    while beyond.any():
        values[beyond] = rng.standard_normal(np.count_nonzero(beyond))
        beyond = np.abs(values) > 2
    return values
