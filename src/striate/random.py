"""Random arrays as in `keras.random`, of NumPy: to make data, not layers of a network."""

from typing import Any

import numpy as np

from striate._types import Array
from striate.arguments import check_arguments, check_whole
from striate.engines.initialization import draw
from striate.errors import UsageError
from striate.network import TruncatedNormal

__all__ = ["SeedGenerator", "normal", "randint", "shuffle", "truncated_normal", "uniform"]


class SeedGenerator:
    """A seed that is another one in each call.

    Args:
        seed: Where it begins, 0 or more; None: anywhere.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._rng = np.random.default_rng(None if seed is None else check_whole("seed", seed))

    def next(self) -> int:
        """Return the next seed."""
        return int(self._rng.integers(2**31))


@check_arguments
def normal(
    shape: tuple[int, ...], mean: float = 0.0, stddev: float = 1.0, dtype: str | None = None, seed: Any = None
) -> Array:
    """Return numbers of a normal distribution.

    Args:
        shape: Shape of the array.
        mean: Mean.
        stddev: Standard deviation.
        dtype: None: float32.
        seed: An integer or a `SeedGenerator`; None: other numbers in each call.

    Example:
        >>> normal((2, 3), seed=1).shape
        (2, 3)
    """
    return _rng(seed).normal(mean, stddev, shape).astype(dtype or "float32")


@check_arguments
def uniform(
    shape: tuple[int, ...], minval: float = 0.0, maxval: float = 1.0, dtype: str | None = None, seed: Any = None
) -> Array:
    """Return numbers between minval and maxval; arguments are as in `normal`."""
    return _rng(seed).uniform(minval, maxval, shape).astype(dtype or "float32")


@check_arguments
def truncated_normal(
    shape: tuple[int, ...], mean: float = 0.0, stddev: float = 1.0, dtype: str | None = None, seed: Any = None
) -> Array:
    """Return numbers of a normal distribution within two standard deviations; arguments are as in `normal`."""
    own = _rng(seed).integers(2**31)
    return draw(TruncatedNormal(mean, stddev, seed=int(own)), shape).astype(dtype or "float32")


@check_arguments
def randint(shape: tuple[int, ...], minval: int, maxval: int, dtype: str = "int32", seed: Any = None) -> Array:
    """Return integers from minval to below maxval; other arguments are as in `normal`."""
    if maxval <= minval:
        raise UsageError(f"randint: maxval must be above minval={minval}; received {maxval}.")
    return _rng(seed).integers(minval, maxval, shape).astype(dtype)


@check_arguments
def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Array:
    """Return an array in another order along an axis."""
    return np.asarray(_rng(seed).permutation(np.asarray(x), axis=axis))


def _rng(seed: Any) -> np.random.Generator:
    if isinstance(seed, SeedGenerator):
        return np.random.default_rng(seed.next())
    return np.random.default_rng(None if seed is None else check_whole("seed", seed))


def __getattr__(name: str) -> Any:
    if name == "dropout":
        raise UsageError("striate.random makes arrays; in a network write layers.Dropout(rate).")
    if name in ("beta", "binomial", "categorical", "gamma"):
        raise UsageError(f"Striate has no random.{name}: write numpy.random.default_rng(seed).")
    raise AttributeError(f"module 'striate.random' has no attribute '{name}'")
