"""Heads for several labels and for numbers: against scikit-learn, held-out outputs, thresholds, intervals, folds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, Ridge

from striate.tasks import Task
from striate.transfer.standardization import FeatureScaler
from striate.transfer.task_heads import (
    best_threshold,
    choose_decision,
    conformal_half_widths,
    fit_logistic,
    fit_ridge,
    fit_task_head,
    task_folds,
)


def features(seed: int, images: int, size: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(images, size)).astype(np.float32)


def label_data(seed: int, images: int = 200, size: int = 8, labels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = features(seed, images, size)
    logits = 2 * x @ rng.normal(size=(size, labels)) - 1
    return x, (rng.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(np.uint8)


def number_data(seed: int, images: int = 200, size: int = 8, noise: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = features(seed, images, size)
    return x, (30 + x @ rng.normal(size=(size, 2)) * [1, 20] + noise * rng.normal(size=(images, 2)) * [1, 20]).astype(
        np.float32
    )


def test_logistic_regressions_equal_those_of_scikit_learn() -> None:
    x, y = label_data(0)
    penalty = 0.03
    found = fit_logistic(x, y, penalty)
    for k in range(y.shape[1]):
        model = LogisticRegression(C=1 / (penalty * len(x)), tol=1e-8, max_iter=1000).fit(x, y[:, k])
        assert found.kernel[:, k] == pytest.approx(model.coef_[0], abs=2e-3)
        assert found.bias[k] == pytest.approx(model.intercept_[0], abs=5e-3)  # there is a small prior


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 30), st.integers(1, 20), st.sampled_from([0.01, 1.0, 100.0]))
def test_ridge_equals_that_of_scikit_learn(seed: int, images: int, size: int, penalty: float) -> None:
    x, y = number_data(seed, images, size)
    found = fit_ridge(x, y, penalty)
    model = Ridge(alpha=penalty * images).fit(x.astype(np.float64), y)
    assert found.kernel == pytest.approx(model.coef_.T, rel=1e-3, abs=1e-3)
    assert found.bias == pytest.approx(model.intercept_, rel=1e-3, abs=1e-2)


@pytest.mark.parametrize("task", [Task.MULTILABEL, Task.REGRESSION])
def test_held_out_outputs_are_those_of_heads_fitted_without_the_image(task: Task) -> None:
    x, y = label_data(1) if task is Task.MULTILABEL else number_data(1)
    folds = task_folds(task, x, y)
    found = fit_task_head(task, x, y, folds)
    scaled = FeatureScaler.fit(x).transform(x)
    for fold in range(5):
        out = folds == fold
        fit = fit_logistic if task is Task.MULTILABEL else fit_ridge
        differences = []  # with the penalty that is best for the other folds
        for penalty in found.losses:
            values = fit(scaled[~out], y[~out], penalty).logits(scaled[out])
            expected = 1 / (1 + np.exp(-values)) if task is Task.MULTILABEL else values
            differences.append(np.abs(found.held_out[out] - expected).max())
        assert min(differences) < (0.02 if task is Task.MULTILABEL else 1e-3)
    assert found.losses[found.penalty] == min(found.losses.values())
    assert found.outputs(x).shape == y.shape
    assert len(np.unique(folds)) == 5


def test_labels_on_all_or_no_images_get_probabilities_near_their_frequency() -> None:
    x, y = label_data(2, 100)
    y[:, 0], y[:, 1] = 0, 1
    found = fit_task_head(Task.MULTILABEL, x, y, task_folds(Task.MULTILABEL, x, y))
    p = found.outputs(x)
    assert 0 < p[:, 0].max() < 0.05
    assert 0.95 < p[:, 1].min() < 1
    assert found.decision.thresholds[:2] == (0.5, 0.5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(10, 40))
def test_no_threshold_has_a_larger_f1(seed: int, images: int) -> None:
    rng = np.random.default_rng(seed)
    y = np.zeros(images, int)
    y[rng.choice(images, 5, replace=False)] = 1
    p = np.clip(0.3 * y + rng.random(images) * 0.7, 0, 1).round(2)

    def f1(threshold: float) -> float:
        predicted = p >= threshold
        return float(2 * (y & predicted).sum() / (y.sum() + predicted.sum())) if predicted.any() else 0.0

    found = best_threshold(p, y)
    assert 0 <= found <= 1
    assert f1(found) == pytest.approx(max(f1(value) for value in [*p, 0.0]))


def test_intervals_cover_the_stated_share_of_new_images() -> None:
    covered, count = [], 0
    for seed in range(40):
        x, y = number_data(seed, 300, 8)
        known, new = slice(0, 120), slice(120, None)
        found = fit_task_head(Task.REGRESSION, x[known], y[known], task_folds(Task.REGRESSION, x[known], y[known]))
        widths = np.array(found.decision.half_widths)
        covered.append((np.abs(found.outputs(x[new]) - y[new]) <= widths).mean(axis=0))
        count += y[new].size
    share = np.mean(covered)
    assert 0.88 <= share <= 0.93  # stated: 0.9; standard error of the mean over 40 fits: below 0.01
    assert count == 40 * 180 * 2


def test_conformal_rank() -> None:
    residuals = np.arange(1, 20)[:, None] * np.array([1.0, -2.0])
    assert conformal_half_widths(residuals, 0.9).tolist() == [18, 36]  # ⌈20 · 0.9⌉ = 18th of 19
    assert conformal_half_widths(residuals[:3], 0.9).tolist() == [3, 6]  # too few: the largest
    assert choose_decision(Task.REGRESSION, residuals[:0], residuals[:0]).half_widths == ()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([Task.MULTILABEL, Task.REGRESSION]))
def test_folds_depend_on_content_and_spread_labels(seed: int, task: Task) -> None:
    x, y = label_data(seed, 120, 4) if task is Task.MULTILABEL else number_data(seed, 120, 4)
    x[7], y[7] = x[3], y[3]
    folds = task_folds(task, x, y)
    order = np.random.default_rng(seed).permutation(120)
    assert np.array_equal(task_folds(task, x[order], y[order]), folds[order])
    assert folds[7] == folds[3]
    groups = np.arange(120) // 3
    grouped = task_folds(task, x, y, groups)
    assert np.array_equal(grouped, grouped[::3].repeat(3))
    assert np.array_equal(task_folds(task, x[order], y[order], -groups[order]), grouped[order])
    sizes = np.bincount(folds)
    assert len(sizes) == 5
    assert sizes.max() - sizes.min() <= 4
    if task is Task.MULTILABEL:
        for column in y.T:
            counts = np.bincount(folds, column, 5)
            assert counts.max() - counts.min() <= 4
    else:
        assert np.ptp([np.median(y[folds == fold, 0]) for fold in range(5)]) < 0.5 * y[:, 0].std()
