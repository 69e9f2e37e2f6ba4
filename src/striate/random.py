"""Generate random NumPy arrays, as in `keras.random`. They serve as data, not as layers of a network."""

from typing import Any

import numpy as np

from striate._types import Array
from striate.arguments import check_arguments, check_integer
from striate.engines.initialization import sample
from striate.errors import UsageError
from striate.network import TruncatedNormal

__all__ = ["SeedGenerator", "normal", "randint", "shuffle", "truncated_normal", "uniform"]


class SeedGenerator:
    """Generate a different seed at each use.

    Args:
        seed: Seed of the sequence, 0 or more; None: chosen at random.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._rng = np.random.default_rng(None if seed is None else check_integer("seed", seed))

    def next(self) -> int:
        """Return the next seed."""
        return int(self._rng.integers(2**31))


@check_arguments
def normal(
    shape: tuple[int, ...], mean: float = 0.0, stddev: float = 1.0, dtype: str | None = None, seed: Any = None
) -> Array:
    """Draw numbers from a normal distribution.

    Args:
        shape: Shape of the array.
        mean: Mean.
        stddev: Standard deviation.
        dtype: None: float32.
        seed: An integer or a `SeedGenerator`; None: other numbers in each call.

    Returns:
        The array.

    Example:
        >>> normal((2, 3), seed=1).shape
        (2, 3)
    """
    return _rng(seed).normal(mean, stddev, shape).astype(dtype or "float32")


@check_arguments
def uniform(
    shape: tuple[int, ...], minval: float = 0.0, maxval: float = 1.0, dtype: str | None = None, seed: Any = None
) -> Array:
    """Draw numbers from a uniform distribution.

    Args:
        shape: Shape of the array.
        minval: Smallest number.
        maxval: Upper limit, exclusive.
        dtype: None: float32.
        seed: As in `normal`.

    Returns:
        The array.

    Example:
        >>> uniform((2, 3), seed=1).max() < 1
        np.True_
    """
    return _rng(seed).uniform(minval, maxval, shape).astype(dtype or "float32")


@check_arguments
def truncated_normal(
    shape: tuple[int, ...], mean: float = 0.0, stddev: float = 1.0, dtype: str | None = None, seed: Any = None
) -> Array:
    """Draw numbers from a normal distribution, truncated at two standard deviations from its mean.

    Args:
        shape: Shape of the array.
        mean: Mean before truncation.
        stddev: Standard deviation before truncation.
        dtype: None: float32.
        seed: As in `normal`.

    Returns:
        The array.

    Example:
        >>> abs(truncated_normal((100,), seed=1)).max() <= 2
        np.True_
    """
    own = _rng(seed).integers(2**31)
    return sample(TruncatedNormal(mean, stddev, seed=int(own)), shape).astype(dtype or "float32")


@check_arguments
def randint(shape: tuple[int, ...], minval: int, maxval: int, dtype: str = "int32", seed: Any = None) -> Array:
    """Draw integers from a uniform distribution.

    Args:
        shape: Shape of the array.
        minval: Smallest integer.
        maxval: Upper limit, exclusive.
        dtype: Type of the array.
        seed: As in `normal`.

    Returns:
        The array.

    Raises:
        UsageError: If maxval is not above minval.

    Example:
        >>> randint((3,), 0, 10, seed=1).dtype
        dtype('int32')
    """
    if maxval <= minval:
        raise UsageError(f"randint: maxval must be above minval={minval}; received {maxval}.")
    return _rng(seed).integers(minval, maxval, shape).astype(dtype)


@check_arguments
def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Array:
    """Return a copy of an array, shuffled along an axis.

    Args:
        x: The array.
        axis: Axis along which it is shuffled.
        seed: As in `normal`.

    Returns:
        The shuffled copy.

    Example:
        >>> sorted(shuffle([3, 1, 2], seed=1).tolist())
        [1, 2, 3]
    """
    return np.asarray(_rng(seed).permutation(np.asarray(x), axis=axis))


def _rng(seed: Any) -> np.random.Generator:
    if isinstance(seed, SeedGenerator):
        return np.random.default_rng(seed.next())
    return np.random.default_rng(None if seed is None else check_integer("seed", seed))


def __getattr__(name: str) -> Any:
    if name == "dropout":
        raise UsageError("striate.random makes arrays; in a network write layers.Dropout(rate).")
    if name in ("beta", "binomial", "categorical", "gamma"):
        raise UsageError(f"Striate has no random.{name}: write numpy.random.default_rng(seed).")
    raise AttributeError(f"module 'striate.random' has no attribute '{name}'")
