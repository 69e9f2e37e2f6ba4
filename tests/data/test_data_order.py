import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.data import batches, epoch_order, uniform_samples
from striate.errors import UsageError

SEEDS = st.integers(-(2**70), 2**70)


@given(st.integers(0, 300), SEEDS, st.integers(0, 10**6))
def test_epoch_order_is_a_reproducible_permutation(n: int, seed: int, epoch: int) -> None:
    order = epoch_order(n, seed, epoch)
    assert order.dtype == np.int64
    assert np.array_equal(np.sort(order), np.arange(n))
    assert np.array_equal(order, epoch_order(n, seed, epoch))


def test_orders_of_different_epochs_and_seeds_are_uncorrelated() -> None:
    orders = [epoch_order(5000, seed, epoch) for seed in (0, 1, 2) for epoch in (0, 1, 2)]
    for i, one in enumerate(orders):
        assert abs(np.corrcoef(one, np.arange(5000))[0, 1]) < 0.06  # four standard deviations
        for other in orders[:i]:
            assert abs(np.corrcoef(one, other)[0, 1]) < 0.06


def test_first_sample_is_uniformly_distributed() -> None:
    firsts = np.bincount([epoch_order(10, 0, epoch)[0] for epoch in range(5000)], minlength=10)
    assert ((firsts - 500) ** 2 / 500).sum() < 27.9  # chi-square, 9 degrees of freedom, p = 0.001


def test_orders_and_uniforms_equal_recorded_values() -> None:
    assert epoch_order(8, 1, 2).tolist() == [0, 5, 1, 6, 2, 7, 4, 3]
    assert uniform_samples(1, 2, np.array([0, 10**9]), 1)[:, 0].tolist() == [0.9543044154858847, 0.0330548119961942]


@given(st.integers(0, 1000), st.integers(1, 1200))
def test_batches_contain_every_sample_once_in_order(n: int, size: int) -> None:
    cut = batches(n, size)
    assert [i for part in cut for i in range(part.start, part.stop)] == list(range(n))
    sizes = [part.stop - part.start for part in cut]
    assert all(length == size for length in sizes[:-1])
    assert not sizes or 1 <= sizes[-1] <= size + 1
    assert 1 not in sizes or n == 1 or size == 1


def test_last_batch_of_one_is_merged_into_previous() -> None:
    assert batches(7, 3) == [slice(0, 3), slice(3, 7)]
    assert batches(8, 3) == [slice(0, 3), slice(3, 6), slice(6, 8)]
    assert batches(1, 3) == [slice(0, 1)]
    with pytest.raises(UsageError, match="batch size must be at least 1; received 0"):
        batches(7, 0)


def test_uniforms_are_uniform_and_uncorrelated_between_neighbors() -> None:
    u = uniform_samples(0, 0, np.arange(20_000), 8)
    assert u.min() >= 0 and u.max() < 1
    n = u.size
    assert abs(u.mean() - 1 / 2) < 4 / np.sqrt(12 * n)
    assert abs(u.var() - 1 / 12) < 4 * np.sqrt(1 / 180 / n)
    counts = np.histogram(u, 100, (0, 1))[0]
    assert ((counts - n / 100) ** 2 / (n / 100)).sum() < 149  # chi-square, 99 degrees of freedom, p = 0.001
    limit = 4.5 / np.sqrt(20_000)
    between_draws = np.corrcoef(u.T) - np.eye(8)
    assert np.abs(between_draws).max() < limit
    for column in u.T:
        assert abs(np.corrcoef(column[1:], column[:-1])[0, 1]) < limit


def test_uniforms_of_neighboring_seeds_and_epochs_are_uncorrelated() -> None:
    keys = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (-1, 0), (2**32, 0), (0, 2**32)]
    columns = np.array([uniform_samples(seed, epoch, np.arange(20_000), 1)[:, 0] for seed, epoch in keys])
    assert np.abs(np.corrcoef(columns) - np.eye(len(keys))).max() < 4.5 / np.sqrt(20_000)


@given(SEEDS, st.integers(0, 10**6), st.lists(st.integers(0, 2**40), min_size=1, max_size=20), st.integers(1, 9))
def test_uniforms_of_a_sample_do_not_depend_on_others(seed: int, epoch: int, index: list[int], draws: int) -> None:
    together = uniform_samples(seed, epoch, np.array(index), 9)
    separate = [uniform_samples(seed, epoch, np.array([i]), draws)[0] for i in index]
    assert np.array_equal(together[:, :draws], separate)
