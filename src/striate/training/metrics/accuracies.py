"""Accuracies: fractions of right classes, right labels, and of classes among the k most probable."""

from typing import ClassVar

import numpy as np

from striate._types import Array
from striate.arguments import check_integer, check_methods, check_number
from striate.network.outputs import OutputForm
from striate.training.metrics.base import InputType, MeanOfSamples, class_numbers


@check_methods
class Accuracy(MeanOfSamples):
    """The fraction of predictions that equal the targets, for class numbers; `compile` does not take it.

    Args:
        name: Name of the metric in results.
        dtype: None.

    Example:
        >>> from striate.metrics import Accuracy
        >>> Accuracy()([1, 2, 3, 4], [1, 2, 3, 0])
        0.75
    """

    def values(self, t: Array, p: Array, output_form: OutputForm) -> Array:
        """Return whether they are equal."""
        return np.asarray(p == t)


@check_methods
class CategoricalAccuracy(MeanOfSamples):
    """The fraction of samples whose highest output is that of the target's class, given as one-hot row or number.

    Args:
        name: Name of the metric in results.
        dtype: None.
    """

    input_type: ClassVar[InputType] = "classes"

    def values(self, t: Array, p: Array, output_form: OutputForm) -> Array:
        """Return whether the highest output is that of the class."""
        return np.asarray(p.argmax(axis=-1) == class_numbers(t))


@check_methods
class SparseCategoricalAccuracy(CategoricalAccuracy):
    """The same as `CategoricalAccuracy`.

    Args:
        name: Name of the metric in results.
        dtype: None.
    """


@check_methods
class TopKCategoricalAccuracy(MeanOfSamples):
    """The fraction of samples whose class is among the k highest outputs.

    Args:
        k: How many outputs count.
        name: Name of the metric in results.
        dtype: None.
    """

    input_type: ClassVar[InputType] = "classes"

    def __init__(self, k: int = 5, name: str | None = None, dtype: None = None) -> None:
        super().__init__(name)
        self.k = check_integer("k", k, 1)

    def values(self, t: Array, p: Array, output_form: OutputForm) -> Array:
        """Return whether fewer than k outputs come before that of the class; of equal ones the first comes first."""
        classes = class_numbers(t)[:, None]
        own = np.take_along_axis(p, classes, axis=1)
        before = (p > own) | ((p == own) & (np.arange(p.shape[1]) < classes))
        return np.asarray(before.sum(axis=1) < self.k)


@check_methods
class SparseTopKCategoricalAccuracy(TopKCategoricalAccuracy):
    """The same as `TopKCategoricalAccuracy`.

    Args:
        k: How many outputs count.
        name: Name of the metric in results.
        dtype: None.
    """


@check_methods
class BinaryAccuracy(MeanOfSamples):
    """The fraction of correct labels, the mean over the labels of each sample.

    Args:
        name: Name of the metric in results.
        dtype: None.
        threshold: A probability above it counts as positive.
    """

    input_type: ClassVar[InputType] = "probabilities"

    def __init__(self, name: str | None = None, dtype: None = None, threshold: float = 0.5) -> None:
        super().__init__(name)
        self.threshold = check_number("threshold", threshold)

    def values(self, t: Array, p: Array, output_form: OutputForm) -> Array:
        """Return the right labels."""
        return np.asarray((p > self.threshold) == (t > 0.5))
