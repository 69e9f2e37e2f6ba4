"""Metrics of several labels against scikit-learn and loops, and the coverage of their intervals."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t  # type: ignore[import-untyped]
from sklearn import metrics

from striate import strict_json
from striate._types import Array
from striate.errors import DataError
from striate.evaluation.bootstrap import bootstrap
from striate.evaluation.multilabel import evaluate_labels, weighted_average_precision
from striate.transfer.task_heads import best_threshold


def labels(seed: int, images: int, classes: int, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (N, K) and labels (N, K) that agree more or less; each label occurs."""
    rng = np.random.default_rng(seed)
    y = (rng.random((images, classes)) < rng.uniform(0.1, 0.6, classes)).astype(np.uint8)
    y[rng.integers(0, images, classes), np.arange(classes)] = 1
    p = np.clip(0.4 * y + rng.normal(0.3, 0.25, y.shape), 0, 1)
    return (p.round(1) if ties else p).astype(np.float32), y


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 40), st.integers(2, 4), st.booleans())
def test_metrics_equal_those_of_scikit_learn(seed: int, images: int, classes: int, ties: bool) -> None:
    p, y = labels(seed, images, classes, ties)
    thresholds = np.random.default_rng(seed).uniform(0.2, 0.8, classes).tolist()
    found = evaluate_labels(p, y, [f"label {k}" for k in range(classes)], thresholds)
    predicted = p >= np.array(thresholds, np.float32)
    options = {"zero_division": 0}
    assert found.mean_average_precision.value == pytest.approx(metrics.average_precision_score(y, p, average="macro"))
    assert found.macro_f1.value == pytest.approx(metrics.f1_score(y, predicted, average="macro", **options))
    assert found.micro_f1.value == pytest.approx(metrics.f1_score(y, predicted, average="micro", **options))
    assert found.exact_match.value == pytest.approx((predicted == y).all(axis=1).mean())
    assert found.label_accuracy == pytest.approx(1 - metrics.hamming_loss(y, predicted))
    for k, label in enumerate(found.per_class):
        assert label.average_precision.value == pytest.approx(metrics.average_precision_score(y[:, k], p[:, k]))
        assert (label.support, label.predicted) == (y[:, k].sum(), predicted[:, k].sum())
        if predicted[:, k].any():
            assert label.precision.value == pytest.approx(metrics.precision_score(y[:, k], predicted[:, k]))
        assert label.recall.value == pytest.approx(metrics.recall_score(y[:, k], predicted[:, k]))
    for estimate in (found.mean_average_precision, found.macro_f1, found.micro_f1):
        assert estimate.low is not None
        assert estimate.high is not None
        assert 0 <= estimate.low <= (estimate.value or 0) <= estimate.high <= 1 + 1e-12
    strict_json.dumps(found.to_dict())


def test_weights_stand_for_repeated_images() -> None:
    p, y = labels(3, 30, 1, ties=True)
    order = np.argsort(-p[:, 0], kind="stable")
    weights = np.random.default_rng(0).integers(0, 4, (5, 30))
    found = weighted_average_precision(p[order, 0], y[order, 0].astype(bool), weights[:, order].astype(float))
    for value, counts in zip(found, weights, strict=True):
        rows = np.repeat(np.arange(30), counts)
        assert value == pytest.approx(metrics.average_precision_score(y[rows, 0], p[rows, 0]))


def test_errors_name_missed_and_extra_labels_most_confident_first() -> None:
    p = np.array([[0.9, 0.2, 0.8], [0.4, 0.9, 0.1], [0.01, 0.9, 0.2]], np.float32)
    y = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0]], np.uint8)
    found = evaluate_labels(p, y, ["a", "b", "c"], [0.5] * 3, ["x.png", "y.png", "z.png"])
    assert [(m.path, m.labels, m.missed, m.extra) for m in found.errors] == [
        ("z.png", ("a",), ("a",), ("b",)),
        ("x.png", ("a",), (), ("c",)),
    ]
    assert json.loads(strict_json.dumps(found.to_dict()))["errors"][0]["missed"] == ["a"]


def test_label_without_images_does_not_count() -> None:
    p, y = labels(5, 20, 2)
    one = evaluate_labels(p, y, ["a", "b"], [0.5, 0.5])
    two = evaluate_labels(
        np.column_stack([p, np.full(20, 0.1, np.float32)]), np.column_stack([y, np.zeros(20, np.uint8)]),
        ["a", "b", "never"], [0.5] * 3,
    )  # fmt: skip
    assert two.mean_average_precision.value == one.mean_average_precision.value
    assert two.macro_f1.value == one.macro_f1.value
    assert two.per_class[2].average_precision.value is None


def test_invalid_outputs_are_refused() -> None:
    y = np.array([[1, 0]], np.uint8)
    for p, message in (
        (np.array([[0.5, np.nan]]), "not probabilities"),
        (np.array([[-3.0, 2.0]]), "sigmoid"),
        (np.zeros((1, 3)), "shape"),
    ):
        with pytest.raises(DataError, match=message):
            evaluate_labels(p, y, ["a", "b"], [0.5, 0.5])
    with pytest.raises(DataError, match="no test images"):
        evaluate_labels(np.zeros((0, 2)), np.zeros((0, 2), np.uint8), ["a", "b"], [0.5, 0.5])


def test_bootstrap_interval_covers_the_mean() -> None:
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(60):
        x = rng.normal(5, 2, 60)
        (value,), (low,), (high,) = bootstrap(lambda w, x=x: (w @ x / w.sum(axis=1))[:, None], 60)  # type: ignore[misc]
        assert value == pytest.approx(x.mean())
        assert high - low == pytest.approx(2 * 1.96 * x.std() / 60**0.5, rel=0.2)
        inside += low <= 5 <= high
    assert inside >= 51  # of 60; 95 % would be 57


def test_bootstrap_interval_of_few_images_is_that_of_student() -> None:
    x = np.random.default_rng(3).normal(5, 2, 8)
    _, (low,), (high,) = bootstrap(lambda w: (w @ x / w.sum(axis=1))[:, None], 8)
    assert high - low == pytest.approx(2 * t.ppf(0.975, 7) * x.std(ddof=1) / 8**0.5, rel=0.1)


def test_bootstrap_corrects_the_bias_of_resamples() -> None:
    x = np.random.default_rng(4).normal(5, 2, 400)

    def mean(weights: Array) -> Array:
        """Smaller in resamples, where images occur twice, than in the images."""
        return np.asarray((weights @ x / 400)[:, None] - 0.1 * (weights.max(axis=1, keepdims=True) > 1))

    (value,), (low,), (high,) = bootstrap(mean, 400)
    assert (low + high) / 2 == pytest.approx(value + 0.1, abs=0.06)  # as far above as resamples are below


def test_cross_validation_decides_each_fold_by_thresholds_of_the_others() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random((60, 1)) < 0.5).astype(np.uint8)
    fold = np.repeat([0, 1], 30)
    p = np.clip(0.2 + 0.5 * y + 0.05 * rng.random((60, 1)), 0, 1)
    p[fold == 1] -= 0.2  # whose best threshold is lower
    own = [best_threshold(p[fold == k, 0], y[fold == k, 0]) for k in (0, 1)]
    found = evaluate_labels(p, y, ["a"], [0.37], folds=2, fold=fold)
    expected = [(p[fold == k] >= np.float32(own[1 - k])) == y[fold == k] for k in (0, 1)]
    assert found.exact_match.value == pytest.approx(np.concatenate(expected).mean())
    assert [each.figures["exact_match"] for each in found.by_fold] == [part.mean() for part in expected]
    tested = evaluate_labels(p, y, ["a"], [0.37])
    assert tested.by_fold == () and tested.folds == 0


def test_intervals_of_cross_validation_are_wider() -> None:
    rng = np.random.default_rng(1)
    y = (rng.random((200, 3)) < 0.4).astype(np.uint8)
    p = 0.3 * y + 0.7 * rng.random((200, 3))
    tested, crossed = (evaluate_labels(p, y, ["a", "b", "c"], [0.5] * 3, folds=folds) for folds in (0, 5))
    for name in ("mean_average_precision", "macro_f1", "micro_f1", "exact_match"):
        one, other = getattr(tested, name), getattr(crossed, name)
        assert one.value == other.value
        assert (other.high - other.low) / (one.high - one.low) == pytest.approx(1.75**0.5, rel=0.12)


def test_groups_count_as_single_images() -> None:
    rng = np.random.default_rng(4)
    y = (rng.random((60, 3)) < 0.4).astype(np.uint8)
    p = 0.3 * y + 0.7 * rng.random((60, 3))
    single = evaluate_labels(p, y, ["a", "b", "c"], [0.5] * 3)
    p, y = np.repeat(p, 5, axis=0), np.repeat(y, 5, axis=0)
    together = evaluate_labels(p, y, ["a", "b", "c"], [0.5] * 3, groups=np.repeat(np.arange(60), 5))
    for name in ("mean_average_precision", "macro_f1", "micro_f1", "exact_match"):
        one, other = getattr(single, name), getattr(together, name)
        assert (other.value, other.low, other.high) == pytest.approx((one.value, one.low, one.high), rel=0.05)
    apart = evaluate_labels(p, y, ["a", "b", "c"], [0.5] * 3)
    assert apart.mean_average_precision.width < 0.6 * single.mean_average_precision.width
