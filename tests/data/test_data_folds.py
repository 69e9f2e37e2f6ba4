"""Folds of a cross-validation: groups stay whole, classes are spread evenly, the order of images does not matter."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.data.groups import grouped_folds


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_groups_stay_together_and_order_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(4, 60))
    keys = rng.permutation(2**40 + np.arange(count)).astype(np.uint64)
    groups, y = rng.integers(0, count, count), rng.integers(0, 3, count)
    folds = grouped_folds(keys, groups, y, 5)
    assert all(len(np.unique(folds[groups == group])) == 1 for group in np.unique(groups))
    order = rng.permutation(count)
    np.testing.assert_array_equal(grouped_folds(keys[order], groups[order], y[order], 5), folds[order])


def test_folds_are_even_within_each_class() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [50, 23, 7])
    folds = grouped_folds(rng.permutation(80).astype(np.uint64), np.arange(80), y, 5)
    for number in range(3):
        counts = np.bincount(folds[y == number], minlength=5)
        assert counts.max() - counts.min() <= 1
