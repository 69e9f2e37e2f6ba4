"""The linear head is the minimum that scikit-learn finds, calibrated, and chosen on held-out images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sklearn.linear_model import LogisticRegression

from striate._types import Array
from striate.engines.losses import log_softmax
from striate.transfer import linear_head, standardization
from striate.transfer.extraction import balancing_shift
from striate.transfer.lbfgs import minimize
from striate.transfer.linear_head import (
    PENALTIES,
    LinearHead,
    choose_without_fold,
    content_folds,
    cross_entropies,
    cross_entropy,
    fit_linear_head,
    fit_logistic_regression,
    fit_temperature,
)
from striate.transfer.open_set_fitting import NOT_HELD_OUT
from striate.transfer.standardization import FeatureScaler


def blobs(images: int, features: int, classes: int, separation: float = 1.0, seed: int = 0) -> tuple[Array, Array]:
    """Return features (N, F) of normally distributed classes, and their class numbers."""
    rng = np.random.default_rng(seed)
    y = np.arange(images) % classes
    return rng.normal(size=(images, features)) + separation * rng.normal(size=(classes, features))[y], y


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("penalty", [0.003, 0.3])
def test_head_equals_scikit_learn(classes: int, penalty: float) -> None:
    x, y = blobs(150, 20, classes)
    head = fit_logistic_regression(x, y, classes, penalty)
    # For two classes scikit-learn has one row of weights, each half of which is a row of ours.
    scaled = penalty / 2 if classes == 2 else penalty
    expected = LogisticRegression(C=1 / (scaled * len(x)), tol=1e-9, max_iter=5000).fit(x, y)
    np.testing.assert_allclose(np.exp(log_softmax(head.logits(x))), expected.predict_proba(x), atol=2e-4)


def test_gradient_is_zero_at_the_solution() -> None:
    x, y = blobs(60, 7, 3)
    head = fit_logistic_regression(x, y, 3, 0.1)
    error = np.exp(log_softmax(head.logits(x))) - np.eye(3)[y]
    assert np.abs(x.T @ error / len(x) + 0.1 * head.kernel).max() < 2e-6
    assert np.abs(error.mean(axis=0)).max() < 2e-6


def test_several_functions_are_minimized_at_once() -> None:
    rng = np.random.default_rng(1)
    roots = rng.normal(size=(4, 6, 6))
    matrices = roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(6)
    minima = rng.normal(size=(4, 6))

    def quadratics(points: Array) -> tuple[Array, Array]:
        gradient = np.einsum("pij,pj->pi", matrices, points - minima)
        return np.einsum("pi,pi->p", points - minima, gradient) / 2, gradient

    np.testing.assert_allclose(minimize(quadratics, np.zeros((4, 6)), tolerance=1e-8), minima, atol=1e-5)


def test_minimum_of_rosenbrocks_function_is_found() -> None:
    def rosenbrock(points: Array) -> tuple[Array, Array]:
        x, y = points.T
        gradient = np.stack([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)], axis=1)
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2, gradient

    np.testing.assert_allclose(minimize(rosenbrock, np.array([[-1.2, 1.0], [2.0, 2.0]]), tolerance=1e-9), 1, atol=1e-6)


def test_penalty_temperature_and_logits_come_from_held_out_images() -> None:
    x, y = blobs(200, 40, 2, separation=0.4)
    noise = np.random.default_rng(3).integers(0, 2, 200)
    real, chance = (fit_linear_head(x, labels, 2, content_folds(x, labels, 2)) for labels in (y, noise))
    assert real.accuracy > 0.85
    assert chance.accuracy < 0.65  # a head fitted to these images would classify all correctly
    assert chance.penalty > real.penalty
    assert real.losses[real.penalty] == min(real.losses.values())
    assert real.loss <= real.losses[real.penalty] + 1e-9


def test_head_accepts_features_that_are_not_standardized() -> None:
    x, y = blobs(120, 10, 3)
    plain, moved = (fit_linear_head(v, y, 3, np.arange(120) % 5) for v in (x, 50 * x + 7))
    np.testing.assert_allclose(plain.head.logits(x), moved.head.logits(50 * x + 7), atol=2e-3)


def test_more_features_than_images_give_the_same_head_as_in_the_space_of_the_images() -> None:
    x, y = blobs(40, 90, 3)
    folds = np.arange(40) % 5
    found = fit_linear_head(x, y, 3, folds)
    scaler = FeatureScaler.fit(x)
    expected = fit_logistic_regression(scaler.transform(x), y, 3, found.penalty)
    new = np.random.default_rng(5).normal(size=(20, 90))
    np.testing.assert_allclose(
        found.head.logits(new) * found.temperature, expected.logits(scaler.transform(new)), atol=2e-3
    )


def test_head_of_many_images_is_fitted_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = blobs(210, 12, 3)
    folds = np.arange(210) % 5
    whole = fit_linear_head(x, y, 3, folds)
    monkeypatch.setattr(standardization, "IN_MEMORY", 100)
    monkeypatch.setattr(standardization, "ROWS_PER_BLOCK", 32)
    monkeypatch.setattr(FeatureScaler, "transform", small_transform)
    blocks = fit_linear_head(x, y, 3, folds)
    assert blocks.penalty == whole.penalty
    np.testing.assert_allclose(blocks.logits, whole.logits, atol=1e-3)
    np.testing.assert_allclose(blocks.head.logits(x), whole.head.logits(x), atol=1e-3)


def test_logits_of_no_images_are_empty() -> None:
    assert LinearHead(np.ones((4, 3)), np.zeros(3)).logits(np.ones((0, 4), np.float32)).shape == (0, 3)


def small_transform(self: FeatureScaler, x: Array) -> Array:
    """Standardize features. Fail if they are more than a block."""
    assert len(x) <= 32
    return np.asarray((x - self.mean) / self.std, np.float32)


def test_blocks_of_features_weigh_the_same() -> None:
    x, _ = blobs(500, 40, 3)
    scaled = FeatureScaler.fit(x * np.repeat([1, 1000], [10, 30]), (10, 30)).transform(
        x * np.repeat([1, 1000], [10, 30])
    )
    first, second = scaled[:, :10].var(axis=0).sum(), scaled[:, 10:].var(axis=0).sum()
    assert first == pytest.approx(second, rel=0.02)
    assert first + second == pytest.approx(40, rel=0.02)


def test_search_of_the_penalty_ends_when_smaller_ones_only_get_worse() -> None:
    x, _ = blobs(100, 20, 2)
    found = fit_linear_head(x, np.random.default_rng(0).integers(0, 2, 100), 2, np.arange(100) % 5)
    *_, before, last = found.losses.values()
    assert len(found.losses) < len(PENALTIES)
    assert min(found.losses.values()) < before < last


def test_search_converges_with_many_classes_too() -> None:
    """Gradients shrink with the number of classes; a fixed tolerance would end the search at its start."""
    x, y = blobs(320, 60, 80)
    folds = np.arange(320) // 80
    found = fit_linear_head(x, y, 80, folds)
    scaled = FeatureScaler.fit(x).transform(x)
    exact = []
    for held in (folds == k for k in range(4)):
        head = fit_logistic_regression(scaled[~held], y[~held], 80, 0.003)
        exact.append(cross_entropy(head.logits(scaled[held]), y[held]))
    assert found.losses[0.003] == pytest.approx(np.mean(exact), rel=0.05)


def test_slow_search_begins_at_a_ridge_regression_and_finds_the_same_head(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = blobs(320, 60, 80)
    folds = np.arange(320) // 80
    usual = fit_linear_head(x, y, 80, folds)
    monkeypatch.setattr(linear_head, "SMALL_WORK", 1)
    found = fit_linear_head(x, y, 80, folds)
    assert max(found.losses) == 0.1 < max(usual.losses)
    assert found.penalty == usual.penalty
    assert found.losses[found.penalty] == pytest.approx(usual.losses[usual.penalty], rel=0.02)
    assert found.accuracy == pytest.approx(usual.accuracy, abs=0.02)


@given(some.floats(0.3, 4.0))
@settings(max_examples=15, deadline=None)
def test_temperature_corrects_overconfident_logits(factor: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3)) * 2
    y = (rng.random(4000)[:, None] > np.exp(log_softmax(logits)).cumsum(axis=1)).sum(axis=1).clip(max=2)
    temperature = fit_temperature(logits * factor, y)
    assert temperature == pytest.approx(factor, rel=0.12)
    assert cross_entropy(logits * factor / temperature, y) <= cross_entropy(logits * factor, y)


@pytest.mark.parametrize(("count", "confidence"), [(8, 0.9), (80, 0.988), (8000, 0.9999)])
def test_confidence_of_correct_predictions_is_limited_by_their_number(count: int, confidence: float) -> None:
    y = np.arange(count) % 2
    logits = 2 * np.eye(2)[y]
    mean = np.exp(log_softmax(logits / fit_temperature(logits, y))).max(axis=1).mean()
    assert mean == pytest.approx(confidence, abs=0.01)


def test_folds_keep_copies_together_and_spread_classes() -> None:
    x, y = blobs(300, 8, 3)
    x, y = np.concatenate([x, x[:90]]), np.concatenate([y, y[:90]])
    folds = content_folds(x, y, 3)
    np.testing.assert_array_equal(folds[:90], folds[300:])
    counts = np.array([np.bincount(folds[y == number], minlength=5) for number in range(3)])
    assert counts.min() > 15
    order = np.random.default_rng(0).permutation(390)
    np.testing.assert_array_equal(content_folds(x[order], y[order], 3), folds[order])


def test_leave_one_out_is_used_for_few_images() -> None:
    x, y = blobs(12, 8, 2)
    assert np.bincount(content_folds(x, y, 2)).max() <= 2


def test_variances_of_few_images_are_shrunk_toward_their_mean() -> None:
    rng = np.random.default_rng(0)
    few, many = rng.normal(size=(3, 500)), rng.normal(size=(5000, 500)) * np.linspace(0.1, 3, 500)
    assert np.ptp(FeatureScaler.fit(few).std) < 0.2
    np.testing.assert_allclose(FeatureScaler.fit(many).transform(many).std(axis=0)[100:], 1, atol=0.1)
    constant = FeatureScaler.fit(np.ones((5, 4))).transform(np.ones((5, 4)))
    np.testing.assert_array_equal(constant, 0)


def test_choice_without_the_fold_is_not_optimistic() -> None:
    """Of many candidates that guess, the best one looks better than chance; without the own fold it does not."""
    rng = np.random.default_rng(4)
    naive, honest = [], []
    for _ in range(40):
        y, folds = rng.integers(0, 2, 60), np.arange(60) % 5
        logits = {number: rng.normal(size=(60, 2)) for number in range(20)}
        losses = {number: cross_entropies(values, y) for number, values in logits.items()}
        best = min(losses, key=lambda number: losses[number].mean())
        naive.append((logits[best].argmax(axis=1) == y).mean())
        honest.append((choose_without_fold(logits, losses, folds).argmax(axis=1) == y).mean())
    assert np.mean(naive) > 0.55
    assert abs(np.mean(honest) - 0.5) < 0.03


def test_images_of_a_single_fold_choose_for_themselves() -> None:
    """As where the held-out images of fine-tuning are one group."""
    x, y = blobs(30, 4, 2)
    folds = np.where(np.arange(30) < 24, NOT_HELD_OUT, 0)
    fitted = fit_linear_head(x, y, 2, folds)
    assert fitted.penalty == min(fitted.losses, key=lambda penalty: fitted.losses[penalty])
    assert cross_entropy(fitted.logits * fitted.temperature, y[24:]) == pytest.approx(fitted.losses[fitted.penalty])


def test_balanced_classifier_recalls_more_images_of_rare_classes() -> None:
    x, y = blobs(3000, 20, 2, separation=0.25)
    kept = (y == 0) | (np.arange(3000) % 12 < 2)
    train, test = kept & (np.arange(3000) < 1500), np.arange(3000) >= 1500
    head = fit_linear_head(x[train], y[train], 2, content_folds(x[train], y[train], 2)).head
    logits, shift = head.logits(x[test]), balancing_shift(y[train], 2)
    recalls = [
        [float((values[y[test] == k].argmax(axis=1) == k).mean()) for k in range(2)]
        for values in (logits, logits + shift)
    ]
    assert recalls[1][1] > recalls[0][1] + 0.1
    assert np.mean(recalls[1]) > np.mean(recalls[0]) + 0.03
    assert abs(recalls[1][0] - recalls[1][1]) < 0.1  # both classes count the same
