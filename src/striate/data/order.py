"""The order of samples and their random numbers, from (seed, epoch, sample index): no generator state."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.arguments import check_arguments, check_integer
from striate.errors import UsageError

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd: its multiples visit all 64-bit numbers
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
MASK = (1 << 64) - 1
MAX_SAMPLES = 1 << 40  # numbers of samples; more fit into no memory


@check_arguments
def epoch_order(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the order of the samples in an epoch.

    Args:
        n: Number of samples.
        seed: Random seed.
        epoch: Number of the epoch.

    Returns:
        int64 (n,), a permutation of 0 … n − 1.

    Example:
        >>> from striate.data import epoch_order
        >>> sorted(epoch_order(5, seed=0, epoch=1).tolist())
        [0, 1, 2, 3, 4]
    """
    n = check_integer("n", n, most=MAX_SAMPLES)
    ranks = _mix(_stream(seed, epoch, 1) + _steps(np.arange(n)))
    return np.argsort(ranks, kind="stable")


@check_arguments
def batches(n: int, batch_size: int) -> list[slice]:
    """Split n samples into batches; the last one may be smaller.

    A last batch of one sample is merged into the previous one, since batch statistics need more than one sample.

    Args:
        n: Number of samples.
        batch_size: Samples in a batch, at least 1.

    Returns:
        One slice per batch.

    Raises:
        UsageError: If the batch size is below 1.

    Example:
        >>> from striate.data import batches
        >>> batches(7, 3)
        [slice(0, 3, None), slice(3, 7, None)]
    """
    if batch_size < 1:
        raise UsageError(f"The batch size must be at least 1; received {batch_size}.")
    n = check_integer("n", n, most=MAX_SAMPLES)
    starts = list(range(0, n, batch_size))
    if len(starts) > 1 and n - starts[-1] == 1 and batch_size > 1:
        starts.pop()
    return [slice(start, stop) for start, stop in pairwise([*starts, n])]


@check_arguments
def uniform_samples(seed: int, epoch: int, index: NDArray[np.int64], draws: int) -> NDArray[np.float64]:
    """Return uniform random numbers in [0, 1); row i depends only on seed, epoch and index[i].

    Each sample has its own SplitMix64 sequence.

    Args:
        seed: Random seed.
        epoch: Number of the epoch.
        index: int64 (N,), sample numbers.
        draws: Number of random numbers per sample.

    Returns:
        float64 (N, draws).

    Source:
        Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators".

    Example:
        >>> import numpy as np
        >>> from striate.data import uniform_samples
        >>> uniform_samples(seed=0, epoch=0, index=np.array([3, 8]), draws=4).shape
        (2, 4)
    """
    draws = check_integer("draws", draws, most=MAX_SAMPLES)
    starts = _mix(_stream(seed, epoch, 2) + _steps(check_index(index)))
    bits = _mix(starts[:, None] + _steps(np.arange(draws))[None, :])  # (N, draws)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def check_index(index: Any) -> NDArray[np.int64]:
    """Check sample numbers.

    Args:
        index: Integers (N,).

    Returns:
        The same as an array.

    Raises:
        UsageError: If they are not integers, or have another shape.
    """
    numbers = np.asarray(index)
    if numbers.ndim != 1 or (numbers.dtype.kind not in "iu" and numbers.size):
        raise UsageError(f"index must be whole numbers (N,); received {numbers.dtype} {numbers.shape}.")
    return numbers.astype(np.int64, copy=False)


def _steps(index: NDArray[np.int64]) -> NDArray[np.uint64]:
    return (index.astype(np.uint64) + np.uint64(1)) * GOLDEN


def _stream(seed: int, epoch: int, purpose: int) -> np.uint64:
    """Return the start of the sequence of this seed, epoch and purpose."""
    state = np.zeros(1, np.uint64)
    for part in (seed, epoch, purpose):
        state = _mix((state ^ np.uint64(int(part) & MASK)) + GOLDEN)
    return np.uint64(state[0])


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Apply SplitMix64's finalizer: every input bit flips about half of the output bits."""
    z = (z ^ (z >> np.uint64(30))) * FIRST
    z = (z ^ (z >> np.uint64(27))) * SECOND
    return z ^ (z >> np.uint64(31))
