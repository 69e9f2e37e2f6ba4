"""The head is the minimum that scikit-learn finds, calibrated, and chosen on pictures it never saw."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sklearn.linear_model import LogisticRegression

from striate._types import Array
from striate.transfer.head import calibrate, content_folds, cross_entropy, fit, fit_head, log_softmax
from striate.transfer.minimize import minimize
from striate.transfer.scale import Scale


def blobs(images: int, features: int, classes: int, apart: float = 1.0, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    y = np.arange(images) % classes
    return rng.normal(size=(images, features)) + apart * rng.normal(size=(classes, features))[y], y


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("strength", [0.003, 0.3])
def test_the_head_is_that_of_scikit_learn(classes: int, strength: float) -> None:
    x, y = blobs(150, 20, classes)
    head = fit(x, y, classes, strength)
    own = strength / 2 if classes == 2 else strength  # theirs has one row of weights for two classes, ours two halves
    theirs = LogisticRegression(C=1 / (own * len(x)), tol=1e-9, max_iter=5000).fit(x, y)
    np.testing.assert_allclose(np.exp(log_softmax(head.logits(x))), theirs.predict_proba(x), atol=2e-4)


def test_the_gradient_at_the_end_is_nothing() -> None:
    x, y = blobs(60, 7, 3)
    head = fit(x, y, 3, 0.1)
    away = np.exp(log_softmax(head.logits(x))) - np.eye(3)[y]
    assert np.abs(x.T @ away / len(x) + 0.1 * head.kernel).max() < 2e-6
    assert np.abs(away.mean(axis=0)).max() < 2e-6


def test_many_functions_are_minimised_at_once_each_to_its_own_end() -> None:
    rng = np.random.default_rng(1)
    roots = rng.normal(size=(4, 6, 6))
    matrices = roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(6)
    ends = rng.normal(size=(4, 6))

    def slope(points: Array) -> tuple[Array, Array]:
        turned = np.einsum("pij,pj->pi", matrices, points - ends)
        return np.einsum("pi,pi->p", points - ends, turned) / 2, turned

    np.testing.assert_allclose(minimize(slope, np.zeros((4, 6)), tolerance=1e-8), ends, atol=1e-5)


def test_a_narrow_valley_is_followed_to_its_end() -> None:
    def rosenbrock(points: Array) -> tuple[Array, Array]:
        x, y = points.T
        gradient = np.stack([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)], axis=1)
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2, gradient

    np.testing.assert_allclose(minimize(rosenbrock, np.array([[-1.2, 1.0], [2.0, 2.0]]), tolerance=1e-9), 1, atol=1e-6)


def test_strength_temperature_and_logits_come_from_pictures_held_out() -> None:
    x, y = blobs(200, 40, 2, apart=0.4)
    noise = np.random.default_rng(3).integers(0, 2, 200)
    real, chance = (fit_head(x, labels, 2, content_folds(x, labels, 2)) for labels in (y, noise))
    assert real.accuracy > 0.85
    assert chance.accuracy < 0.65  # a head that had seen them would be right on all
    assert chance.strength > real.strength
    assert real.losses[real.strength] == min(real.losses.values())
    assert real.loss <= real.losses[real.strength] + 1e-9


def test_the_head_takes_features_as_they_are() -> None:
    x, y = blobs(120, 10, 3)
    plain, moved = (fit_head(v, y, 3, np.arange(120) % 5) for v in (x, 50 * x + 7))
    np.testing.assert_allclose(plain.head.logits(x), moved.head.logits(50 * x + 7), atol=2e-3)


@given(some.floats(0.3, 4.0))
@settings(max_examples=15, deadline=None)
def test_the_temperature_undoes_how_much_too_sure_logits_are(factor: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3)) * 2
    y = (rng.random(4000)[:, None] > np.exp(log_softmax(logits)).cumsum(axis=1)).sum(axis=1).clip(max=2)
    temperature = calibrate(logits * factor, y)
    assert temperature == pytest.approx(factor, rel=0.12)
    assert cross_entropy(logits * factor / temperature, y) <= cross_entropy(logits * factor, y)


@pytest.mark.parametrize(("count", "surest"), [(8, 0.9), (80, 0.988), (8000, 0.9999)])
def test_answers_that_are_all_right_are_as_sure_as_their_number_allows(count: int, surest: float) -> None:
    y = np.arange(count) % 2
    logits = 2 * np.eye(2)[y]
    sure = np.exp(log_softmax(logits / calibrate(logits, y))).max(axis=1).mean()
    assert sure == pytest.approx(surest, abs=0.01)


def test_folds_keep_copies_together_and_spread_classes() -> None:
    x, y = blobs(300, 8, 3)
    x, y = np.concatenate([x, x[:90]]), np.concatenate([y, y[:90]])
    folds = content_folds(x, y, 3)
    np.testing.assert_array_equal(folds[:90], folds[300:])
    counts = np.array([np.bincount(folds[y == number], minlength=5) for number in range(3)])
    assert counts.min() > 15
    order = np.random.default_rng(0).permutation(390)
    np.testing.assert_array_equal(content_folds(x[order], y[order], 3), folds[order])


def test_of_few_pictures_hardly_any_are_held_out_at_once() -> None:
    x, y = blobs(12, 8, 2)
    assert np.bincount(content_folds(x, y, 2)).max() <= 2


def test_a_scale_of_few_pictures_trusts_all_features_alike() -> None:
    rng = np.random.default_rng(0)
    few, many = rng.normal(size=(3, 500)), rng.normal(size=(5000, 500)) * np.linspace(0.1, 3, 500)
    assert np.ptp(Scale.of(few).deviation) < 0.2
    np.testing.assert_allclose(Scale.of(many).apply(many).std(axis=0)[100:], 1, atol=0.1)
    constant = Scale.of(np.ones((5, 4))).apply(np.ones((5, 4)))
    np.testing.assert_array_equal(constant, 0)
