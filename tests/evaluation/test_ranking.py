"""ROC, precision–recall, thresholds, top-k and costs against scikit-learn and loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score, top_k_accuracy_score

from striate.errors import DataError
from striate.evaluation.costs import expected_cost
from striate.evaluation.ranking import TARGET, count_above, rank, top_k

RNG = np.random.default_rng(0)


def predictions(images: int, classes: int, rounded: bool = False) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    labels = RNG.integers(0, classes, images)
    scores = RNG.normal(size=(images, classes))
    scores[np.arange(images), labels] += 1.2
    odds = np.exp(scores)
    probabilities = odds / odds.sum(axis=1, keepdims=True)
    return (probabilities.round(1) if rounded else probabilities), labels


@pytest.mark.parametrize("rounded", [False, True])  # rounded: many equal scores
def test_areas_equal_those_of_scikit_learn(rounded: bool) -> None:
    probabilities, labels = predictions(300, 4, rounded)
    for number, found in enumerate(rank(probabilities, labels, tuple("abcd"))):
        scores, positive = probabilities[:, number], labels == number
        assert found.auc.value == pytest.approx(roc_auc_score(positive, scores))
        assert found.average_precision == pytest.approx(average_precision_score(positive, scores))
        assert found.auc.low is not None and found.auc.high is not None
        assert found.auc.low < (found.auc.value or 0) < found.auc.high


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40))
def test_counts_above_a_threshold_equal_those_of_a_loop(images: list[tuple[int, bool]]) -> None:
    scores, positive = np.array([s for s, _ in images]), np.array([p for _, p in images])
    thresholds, hits, alarms = count_above(scores, positive)
    assert thresholds.tolist() == sorted({s for s, _ in images}, reverse=True)
    for threshold, hit, alarm in zip(thresholds.tolist(), hits.tolist(), alarms.tolist(), strict=True):
        assert hit == sum(s >= threshold and p for s, p in images)
        assert alarm == sum(s >= threshold and not p for s, p in images)


def test_thresholds_reach_the_wanted_recall_and_precision() -> None:
    probabilities, labels = predictions(500, 3)
    for number, found in enumerate(rank(probabilities, labels, tuple("abc"))):
        scores, positive = probabilities[:, number], labels == number
        assert found.for_recall is not None
        recalls = {t: float((scores[positive] >= t).mean()) for t in scores.tolist()}
        assert found.for_recall.threshold == max(t for t, recall in recalls.items() if recall >= TARGET)
        chosen = scores >= found.for_recall.threshold
        assert found.for_recall.precision.value == pytest.approx(positive[chosen].mean())
        precise = [t for t in scores.tolist() if positive[scores >= t].mean() >= TARGET]
        if found.for_precision is None:
            assert not precise
        else:
            assert found.for_precision.threshold == min(precise)


def test_perfect_ranking_has_an_interval_with_a_width() -> None:
    found = rank(np.eye(2)[[0] * 10 + [1] * 10], np.array([0] * 10 + [1] * 10), ("a", "b"))[0]
    assert found.auc.value == 1 and found.auc.low is not None and 0.6 < found.auc.low < 0.8


def test_class_without_images_has_no_curve() -> None:
    found = rank(np.full((4, 2), 0.5), np.zeros(4, int), ("a", "b"))
    assert [(each.auc.value, each.for_recall, each.roc) for each in found] == [(None, None, ())] * 2


def test_top_k_equals_that_of_scikit_learn() -> None:
    probabilities, labels = predictions(200, 12)
    for k, found in top_k(probabilities, labels).items():
        assert found.value == pytest.approx(top_k_accuracy_score(labels, probabilities, k=k))
    assert top_k(*predictions(20, 4)) == {}


def test_expected_cost_equals_that_of_loops() -> None:
    probabilities, labels = predictions(80, 3)
    costs = np.array([[0, 1, 2], [5, 0, 1], [20, 3, 0]])
    found = expected_cost(probabilities, labels, costs)
    likely, cheap = [], []
    for row, label in zip(probabilities.tolist(), labels.tolist(), strict=True):
        expected = [sum(row[i] * costs[i][j] for i in range(3)) for j in range(3)]
        likely.append(costs[label][row.index(max(row))])
        cheap.append(costs[label][expected.index(min(expected))])
    assert found.most_probable.value == pytest.approx(np.mean(likely))
    assert found.cheapest.value == pytest.approx(np.mean(cheap))
    assert (found.cheapest.value or 0) < (found.most_probable.value or 0)


def test_costs_of_another_shape_are_refused() -> None:
    with pytest.raises(DataError, match=r"shape \(3, 3\); received shape \(2, 2\)"):
        expected_cost(np.full((1, 3), 1 / 3), np.array([0]), np.zeros((2, 2)))
