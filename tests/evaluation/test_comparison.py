"""Comparisons of classifiers: tests and intervals against SciPy, loops and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest, false_discovery_control  # type: ignore[import-untyped]

from striate.errors import DataError
from striate.evaluation.comparison import (
    balanced_difference,
    compare,
    difference_interval,
    holm_correction,
    mcnemar_test,
)

CLASSES = ("a", "b", "c")


def outputs(labels: NDArray[np.int64], right: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return probabilities of 0.8 for the true class where `right`, and for the next class elsewhere."""
    answers = np.where(right, labels, (labels + 1) % 3)
    return np.where(np.arange(3) == answers[:, None], 0.8, 0.1).astype(np.float32)


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemars_test_equals_the_binomial_test_of_scipy(first: int, second: int) -> None:
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar_test(first, second) == pytest.approx(expected, rel=1e-9)
    assert mcnemar_test(first, second) == mcnemar_test(second, first)


def test_mcnemars_test_of_many_images_is_finite() -> None:
    assert 0 < mcnemar_test(4_000, 4_400) < 1e-4


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holms_method_rejects_what_the_step_by_step_procedure_rejects(p_values: list[float]) -> None:
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    rejected: set[int] = set()
    for rank, index in enumerate(order):
        if p_values[index] * (len(p_values) - rank) >= 0.05:
            break
        rejected.add(index)
    adjusted = holm_correction(p_values)
    assert {index for index, p in enumerate(adjusted) if p < 0.05} == rejected
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))
    assert all(a >= b - 1e-12 for a, b in zip(adjusted, false_discovery_control(p_values), strict=True))


@pytest.mark.parametrize(
    ("first", "second", "images"), [(0.05, 0.1, 60), (0.02, 0.02, 100), (0.2, 0.1, 30), (0, 0.03, 80)]
)
def test_interval_of_the_difference_covers_the_truth(first: float, second: float, images: int) -> None:
    rng, truth = np.random.default_rng(1), second - first
    hits = []
    for only_first, only_second, _ in rng.multinomial(images, [first, second, 1 - first - second], 1500).tolist():
        found = difference_interval(only_first, only_second, images)
        assert found.low is not None and found.high is not None
        hits.append(found.low <= truth <= found.high)
    assert np.mean(hits) > 0.94


@pytest.mark.parametrize(("sizes", "first", "second"), [
    ((40, 40, 40), (0.9, 0.8, 0.7), (0.95, 0.85, 0.6)),
    ((200, 30, 12), (0.95, 0.8, 0.6), (0.95, 0.9, 0.7)),
    ((1000, 8), (0.99, 0.9), (0.99, 0.8)),
    ((14, 14), (0.9, 0.9), (0.95, 0.8)),
    ((1,) * 120, (0.7,) * 120, (0.8,) * 120),
])  # fmt: skip
def test_interval_of_the_balanced_difference_covers_the_truth(
    sizes: tuple[int, ...], first: tuple[float, ...], second: tuple[float, ...]
) -> None:
    rng, truth = np.random.default_rng(2), float(np.mean(second) - np.mean(first))
    labels = np.repeat(np.arange(len(sizes)), sizes)
    hits = []
    for _ in range(800):
        one, other = (rng.random(len(labels)) < np.repeat(shares, sizes) for shares in (first, second))
        found = balanced_difference(one, other, labels)
        assert found.low is not None and found.high is not None
        hits.append(found.low <= truth <= found.high)
    assert np.mean(hits) > 0.92


def test_interval_of_the_balanced_difference_equals_that_of_a_paired_bootstrap() -> None:
    """Where classes are large, nothing needs to be mixed in."""
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(3), (300, 200, 150))
    first, second = rng.random(650) < 0.8, rng.random(650) < 0.7
    rows = [np.flatnonzero(labels == k) for k in range(3)]
    gain = second.astype(float) - first
    draws = [np.mean([gain[rng.choice(each, len(each))].mean() for each in rows]) for _ in range(2000)]
    found = balanced_difference(first, second, labels)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(draws, (0.025, 0.975))), abs=0.006)


def test_comparison_counts_what_loops_count() -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, 90)
    right = {name: rng.random(90) < share for name, share in (("one", 0.9), ("two", 0.6), ("three", 0.6))}
    found = compare(labels, {name: outputs(labels, each) for name, each in right.items()}, CLASSES)
    assert [(pair.first, pair.second) for pair in found.pairs] == [("one", "two"), ("one", "three"), ("two", "three")]
    for pair in found.pairs:
        one, other = right[pair.first].tolist(), right[pair.second].tolist()
        assert pair.only_first == sum(a and not b for a, b in zip(one, other, strict=True))
        assert pair.only_second == sum(b and not a for a, b in zip(one, other, strict=True))
        assert pair.accuracy.value == pytest.approx((sum(other) - sum(one)) / 90)
        recalls = [np.mean(right[pair.second][labels == k]) - np.mean(right[pair.first][labels == k]) for k in range(3)]
        assert pair.balanced_accuracy.value == pytest.approx(np.mean(recalls))
    assert [pair.significant for pair in found.pairs] == [True, True, False]
    assert {item.index for item in found.disagreements} == {
        row for row in range(90) if len({bool(each[row]) for each in right.values()}) == 2
    }
    assert found.to_dict()["runs"]["one"]["correct"] == right["one"].sum()


def test_class_differences_have_intervals() -> None:
    labels = np.repeat(np.arange(3), 20)
    right = np.ones(60, bool)
    worse = right.copy()
    worse[:12] = False
    found = compare(labels, {"good": outputs(labels, right), "bad": outputs(labels, worse)}, CLASSES)
    assert found.class_differences["a"].value == pytest.approx(-0.6)
    assert found.class_differences["a"].high is not None and found.class_differences["a"].high < 0
    unchanged = found.class_differences["b"]
    assert unchanged.value == 0 and unchanged.low is not None and unchanged.low < 0
    assert found.disagreements[0].predicted == ("a", "b")


def test_groups_are_what_counts() -> None:
    """Ten images of each of six videos: one video decides, so the difference may be chance."""
    labels, groups = np.arange(60) % 3, np.arange(60) // 10
    right = np.ones(60, bool)
    worse = groups > 0
    alone, grouped = (
        compare(labels, {"a": outputs(labels, worse), "b": outputs(labels, right)}, CLASSES, None, each).pairs[0]
        for each in (None, groups)
    )
    assert (alone.only_second, grouped.only_second) == (10, 10)
    assert alone.significant and not grouped.significant
    assert grouped.p == mcnemar_test(0, 1) == 1
    for one, other in ((alone.accuracy, grouped.accuracy), (alone.balanced_accuracy, grouped.balanced_accuracy)):
        assert one.value == other.value and one.low is not None and other.low is not None
        assert other.low < one.low


def test_equal_classifiers_do_not_differ() -> None:
    labels = np.arange(30) % 3
    same = outputs(labels, np.ones(30, bool))
    (pair,) = compare(labels, {"x": same, "y": same}, CLASSES).pairs
    assert (pair.p, pair.adjusted_p, pair.accuracy.value, pair.significant) == (1, 1, 0, False)


def test_one_classifier_cannot_be_compared() -> None:
    with pytest.raises(DataError, match="at least two classifiers; received 1"):
        compare(np.zeros(2, int), {"x": np.eye(3)[:2]}, CLASSES)
