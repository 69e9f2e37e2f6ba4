"""Folds for cross-validation that do not divide groups of images."""

import numpy as np
from numpy.typing import NDArray

from striate.data.digests import Digests
from striate.data.groups import GroupNumbers


def grouped_folds(keys: Digests, groups: GroupNumbers, y: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Assign images to folds, so that a group never spans two and each class is spread evenly.

    Args:
        keys: Of the content of each image (N,); they decide the fold, so the order of the images does not matter.
        groups: Integers (N,); images with the same number stay together.
        y: Class numbers (N,).
        count: The number of folds.

    Returns:
        Int64 (N,).

    Example:
        >>> import numpy as np
        >>> keys = np.array([5, 9, 2, 7], np.uint64)
        >>> grouped_folds(keys, np.array([0, 0, 1, 2]), np.array([0, 1, 0, 1]), 2).tolist()
        [1, 1, 0, 1]
    """
    first = np.lexsort((keys, groups))
    _, starts, members = np.unique(groups[first], return_index=True, return_counts=True)
    leaders = first[starts]  # the image with the smallest key stands for its group
    fold = np.empty(len(leaders), np.int64)
    for number in np.unique(y[leaders]):
        chosen = np.flatnonzero(y[leaders] == number)
        rank = np.argsort(np.argsort(keys[leaders[chosen]], kind="stable"), kind="stable")
        fold[chosen] = (rank + number) % count
    folds = np.empty(len(y), np.int64)
    folds[first] = np.repeat(fold, members)
    return folds
