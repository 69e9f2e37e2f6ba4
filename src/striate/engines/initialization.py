"""Initial weights, drawn as the initializers of a network describe them."""

import math
import zlib

import numpy as np

from striate._types import Array, Weights
from striate.errors import UsageError
from striate.network import (
    Constant,
    Conv2D,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    Network,
    Normal,
    Ones,
    TruncatedNormal,
    Uniform,
    Values,
    Zeros,
    fans,
)

TRUNCATED_STD = 0.87962566103423978  # standard deviation of the standard normal distribution truncated at ±2


def initial_weights(network: Network, seed: int, dtype: str = "float32", *, layer: str | None = None) -> Weights:
    """Draw the initial weights of a network.

    The numbers depend only on the seed and on the name, the shape and the initializer of the parameter, so adding a
    layer elsewhere in the network does not change them.

    Args:
        network: The network.
        seed: 0 or more.
        dtype: The dtype of the arrays.
        layer: The name of a layer, to draw only its weights.

    Returns:
        The weights by full name (`C1/kernel`).

    Raises:
        UsageError: An initializer is not supported.
    """
    weights = {
        parameter.name: _draw(parameter.initializer, parameter.shape, _rng(seed, parameter.name)).astype(dtype)
        for parameter in network.parameters
        if layer is None or parameter.name.rpartition("/")[0] == layer
    }
    for each in {node.layer for node in network.nodes}:
        kernel = weights.get(f"{each.name}/kernel")
        if kernel is not None and isinstance(each, Conv2D) and each.connections:
            kernel[:, :, connection_mask(each.connections, kernel.shape[2]) == 0] = 0
    return weights


def connection_mask(connections: tuple[tuple[int, ...], ...], channels: int) -> Array:
    """Return a mask (channels, filters): 1 where a filter is connected to a channel, else 0."""
    mask = np.zeros((channels, len(connections)))
    for filter_, connected in enumerate(connections):
        mask[list(connected), filter_] = 1
    return mask


def _rng(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _draw(initializer: Initializer, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    values: Array | float
    match initializer:
        case Zeros():
            values = 0.0
        case Ones():
            values = 1.0
        case Constant(value):
            values = value
        case Values(numbers):
            values = np.array(numbers)
        case Normal(mean, stddev):
            values = rng.normal(mean, stddev, shape)
        case Uniform(low, high):
            values = rng.uniform(low, high, shape)
        case TruncatedNormal(mean, stddev):
            values = mean + stddev * _truncated(shape, rng)
        case GlorotUniform() | HeUniform():
            limit = math.sqrt(3 * _variance(initializer, shape))
            values = rng.uniform(-limit, limit, shape)
        case GlorotNormal() | HeNormal():
            values = math.sqrt(_variance(initializer, shape)) / TRUNCATED_STD * _truncated(shape, rng)
        case _:
            raise UsageError(f"The initializer {type(initializer).__name__} is not supported.")
    return np.broadcast_to(values, shape)


def _variance(initializer: Initializer, shape: tuple[int, ...]) -> float:
    fan_in, fan_out = fans(shape)
    return 2 / fan_in if isinstance(initializer, HeUniform | HeNormal) else 2 / (fan_in + fan_out)


def _truncated(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw from the standard normal distribution, and draw numbers beyond ±2 again."""
    values = rng.standard_normal(shape)
    beyond = np.abs(values) > 2
    while beyond.any():
        values[beyond] = rng.standard_normal(np.count_nonzero(beyond))
        beyond = np.abs(values) > 2
    return values
