"""Metrics of numbers against scikit-learn, and what their intervals cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from striate import strict_json
from striate.errors import DataError
from striate.evaluation.regression import evaluate_regression


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 60), st.integers(1, 3), st.floats(-1e4, 1e4), st.floats(0.01, 1e3))
def test_metrics_equal_those_of_scikit_learn(seed: int, images: int, count: int, shift: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    y = (shift + scale * rng.normal(size=(images, count))).astype(np.float32)
    p = (y + scale * rng.normal(0, 0.5, y.shape)).astype(np.float32)
    widths = (0.6 * scale * np.ones(count)).tolist()
    found = evaluate_regression(p, y, [f"number {k}" for k in range(count)], widths)
    p, y = p.astype(np.float64), y.astype(np.float64)
    for k, number in enumerate(found.targets):
        assert number.mae.value == pytest.approx(metrics.mean_absolute_error(y[:, k], p[:, k]))
        assert number.rmse.value == pytest.approx(metrics.root_mean_squared_error(y[:, k], p[:, k]))
        assert number.r2.value == pytest.approx(metrics.r2_score(y[:, k], p[:, k]), rel=1e-6, abs=1e-6)
        assert number.covered.value == pytest.approx((np.abs(p - y)[:, k] <= widths[k]).mean())
        assert number.baseline_mae == pytest.approx(np.abs(y[:, k] - np.median(y[:, k])).mean())
        for estimate in (number.mae, number.rmse, number.r2):
            assert estimate.low is not None
            assert estimate.high is not None
            assert estimate.low <= (estimate.value or 0) <= estimate.high
    strict_json.dumps(found.to_dict())


def test_errors_are_sorted_relative_to_the_spread_of_each_number() -> None:
    y = np.array([[0, 0], [10, 0.1], [20, 0.2]], np.float32)
    p = y + np.array([[1, 0], [-9, 0], [0, 0.3]], np.float32)
    found = evaluate_regression(p, y, ["big", "small"], names=["a", "b", "c"])
    assert [(e.path, e.name) for e in found.errors[:2]] == [("c", "small"), ("b", "big")]
    assert found.errors[1].true == 10
    assert found.errors[1].predicted == pytest.approx(1)
    assert found.targets[0].half_width is None
    assert found.targets[0].covered.value is None


def test_constant_or_single_images_have_no_r2() -> None:
    same = evaluate_regression(np.array([[1.0], [2.0]]), np.array([[3.0], [3.0]]), ["x"])
    assert same.targets[0].r2.value is None
    assert same.targets[0].mae.value == 1.5
    single = evaluate_regression(np.array([[1.0]]), np.array([[3.0]]), ["x"])
    assert (single.targets[0].mae.value, single.targets[0].mae.low) == (2, None)


def test_invalid_outputs_are_refused() -> None:
    with pytest.raises(DataError, match="NaN or infinity"):
        evaluate_regression(np.array([[np.inf]]), np.array([[1.0]]), ["x"])
    with pytest.raises(DataError, match="shape"):
        evaluate_regression(np.zeros((2, 2)), np.zeros((2, 1)), ["x"])
    with pytest.raises(DataError, match="no test images"):
        evaluate_regression(np.zeros((0, 1)), np.zeros((0, 1)), ["x"])


def test_cross_validation_widens_intervals_and_covers_each_fold_with_those_of_the_others() -> None:
    rng = np.random.default_rng(2)
    y, fold = rng.normal(size=(200, 2)), np.arange(200) % 2
    p = y + rng.normal(size=(200, 2)) * np.where(fold == 0, 1.0, 3.0)[:, None]
    tested = evaluate_regression(p, y, ["a", "b"], [4.0, 4.0])
    crossed = evaluate_regression(p, y, ["a", "b"], [4.0, 4.0], folds=2, fold=fold)
    widths = [np.sort(np.abs(p - y)[fold == k], axis=0)[90] for k in (0, 1)]  # ⌈101 · 0.9⌉ = 91st of 100
    inside = np.abs(p - y) <= np.where((fold == 0)[:, None], widths[1], widths[0])
    for k, (one, other) in enumerate(zip(tested.targets, crossed.targets, strict=True)):
        assert other.covered.value == inside[:, k].mean()
        assert one.mae.value == other.mae.value
        width = (other.mae.high or 0) - (other.mae.low or 0)
        assert width / ((one.mae.high or 0) - (one.mae.low or 0)) == pytest.approx(1.75**0.5, rel=0.12)
    assert [(each.fold, each.name) for each in crossed.by_fold] == [(1, "a"), (1, "b"), (2, "a"), (2, "b")]
    assert crossed.to_dict()["by_fold"][0]["images"] == crossed.by_fold[0].n_images
    assert crossed.by_fold[0].figures["mae"] == pytest.approx(np.abs(p - y)[fold == 0, 0].mean())


def test_intervals_of_rare_large_errors_are_wide_enough() -> None:
    """Percentiles of resamples cover the root mean squared error of these skewed errors 77 times in 100."""
    rng, covered = np.random.default_rng(3), 0
    truth = np.exp(1)  # of lognormal errors, whose squares have the mean exp(2)
    for _ in range(100):
        errors = np.exp(rng.normal(0, 1, (50, 1))) * rng.choice([-1, 1], (50, 1))
        rmse = evaluate_regression(errors, np.zeros((50, 1)) + rng.normal(0, 1e-6, (50, 1)), ["x"]).targets[0].rmse
        covered += (rmse.low or 0) <= truth <= (rmse.high or 0)
    assert covered >= 81


def test_groups_count_as_single_images() -> None:
    rng = np.random.default_rng(4)
    y, noise = rng.normal(size=(40, 1)), rng.normal(size=(40, 1))
    single = evaluate_regression(y + noise, y, ["x"], [1.5]).targets[0]
    repeated, groups = np.repeat(y, 6, axis=0), np.repeat(np.arange(40), 6)
    together = evaluate_regression(repeated + np.repeat(noise, 6, axis=0), repeated, ["x"], [1.5], groups=groups)
    for name in ("mae", "rmse", "r2", "covered"):
        one, other = getattr(single, name), getattr(together.targets[0], name)
        assert (other.value, other.low, other.high) == pytest.approx((one.value, one.low, one.high), rel=0.02)
    apart = evaluate_regression(repeated + np.repeat(noise, 6, axis=0), repeated, ["x"], [1.5]).targets[0]
    assert apart.mae.width < 0.5 * single.mae.width
