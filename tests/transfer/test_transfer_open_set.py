"""Open-set detection: images of none of the classes are unknown, at the given rate of rejected images."""

import numpy as np
import pytest

from striate._types import Array
from striate.errors import ModelFileError
from striate.transfer.open_set import OpenSetDetector, TradeOff, fit_detector, probability_threshold, trade_offs

MIXING = np.random.default_rng(9).normal(size=(12, 80))


def images(count: int, seed: int, classes: int = 2) -> tuple[Array, Array]:
    """Return features that vary in 12 directions within a class, and a little in all others, and their classes."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % classes
    means = np.random.default_rng(5).normal(size=(classes, 80)) * 6
    return means[y] + rng.normal(size=(count, 12)) @ MIXING + 0.3 * rng.normal(size=(count, 80)), y


@pytest.fixture(scope="module")
def detector() -> OpenSetDetector:
    x, y = images(600, 0)
    return fit_detector(x, y, 2, np.arange(600) % 5, rejection_rate=0.04)[0]


def test_few_known_images_and_nearly_all_others_are_unknown(detector: OpenSetDetector) -> None:
    known, _ = images(2000, 1)
    assert 0.01 < detector.is_unknown(known).mean() < 0.08
    assert 0.4 < detector.distances(known).mean() < 1.2
    others = np.random.default_rng(2).normal(size=(500, 80)) * 6
    assert detector.is_unknown(others).mean() > 0.99


def test_images_between_or_beyond_the_classes_are_unknown(detector: OpenSetDetector) -> None:
    class_means = detector.class_means * detector.std + detector.mean
    assert not detector.is_unknown(class_means).any()
    assert detector.is_unknown(class_means.mean(axis=0, keepdims=True)).all()
    assert detector.is_unknown(class_means + 3 * (class_means - class_means.mean(axis=0))).all()


def test_distance_is_mahalanobis_with_the_stated_covariance() -> None:
    x, y = images(300, 3)
    found, _ = fit_detector(x, y, 2, np.arange(300) % 5)
    size, directions = 80, found.directions
    residual = found.residual_std**2
    covariance = directions * (found.directions_std**2 - residual) @ directions.T + residual * np.eye(size)
    z = (x - found.mean) / found.std
    squares = [np.einsum("ni,ni->n", z - c, np.linalg.solve(covariance, (z - c).T).T) for c in found.class_means]
    np.testing.assert_allclose(found.distances(x), np.sqrt(np.min(squares, axis=0) / size), rtol=1e-3)
    np.testing.assert_allclose(directions.T @ directions, np.eye(directions.shape[1]), atol=1e-4)


def test_smaller_thresholds_reject_more() -> None:
    x, y = images(400, 4)
    found, thresholds = fit_detector(x, y, 2, np.arange(400) % 5, rejection_rate=0.02)
    distances = list(thresholds.values())
    assert distances == sorted(distances, reverse=True)
    assert float(found.threshold) in distances
    assert list(thresholds) == sorted(thresholds)


def test_trade_off_counts_rejected_images_and_remaining_errors() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    rows = trade_offs({0.0: 3.0, 0.1: 1.5}, np.array([0.5, 1.0, 2.0, 2.5]), probabilities, np.array([0, 0, 0, 0]))
    assert rows == (TradeOff(3.0, 0.0, 0.0, 2, 4), TradeOff(1.5, 0.1, 0.5, 1, 2))


@pytest.mark.parametrize("count", [4, 6, 20])
def test_few_images_are_sufficient(count: int) -> None:
    x, y = images(count, 7)
    found, _ = fit_detector(x, y, 2, np.arange(count) % count)
    assert np.isfinite(found.distances(images(50, 8)[0])).all()
    assert found.is_unknown(np.random.default_rng(2).normal(size=(50, 80)) * 20).mean() > 0.9


def test_class_without_images_is_skipped() -> None:
    x, y = images(60, 1)
    found, _ = fit_detector(x, y + (y == 1), 3, np.arange(60) % 5)  # classes 0 and 2
    assert len(found.class_means) == 2


def test_extras_restore_the_detector(detector: OpenSetDetector) -> None:
    extras = detector.to_extras()
    assert all(name.startswith("unknown:") and array.dtype == np.float32 for name, array in extras.items())
    again = OpenSetDetector.from_extras(extras | {"other:thing": np.zeros(3)})
    known, _ = images(100, 1)
    assert again is not None
    np.testing.assert_allclose(again.distances(known), detector.distances(known), rtol=1e-3)
    assert OpenSetDetector.from_extras({}) is None


def test_incomplete_or_mismatched_extras_raise(detector: OpenSetDetector) -> None:
    extras = detector.to_extras()
    short = extras | {"unknown:mean": np.zeros(3, np.float32)}
    with pytest.raises(ModelFileError, match=r"'unknown:mean' has shape \(3,\), expected \(80,\)"):
        OpenSetDetector.from_extras(short)
    del extras["unknown:limit"]
    problem = "unknown images in this model file is incomplete: it lacks 'unknown:limit'"
    with pytest.raises(ModelFileError, match=problem):
        OpenSetDetector.from_extras(extras)


def test_one_image_per_class_is_sufficient() -> None:
    x, y = np.random.default_rng(0).normal(size=(4, 30)), np.arange(4)
    found, _ = fit_detector(x, y, 4, y)
    assert found.distances(x).max() < 1e-3
    assert found.is_unknown(10 * x + 5).all()


def test_probability_threshold_keeps_99_of_100_correct_predictions() -> None:
    rng = np.random.default_rng(4)
    top = rng.uniform(0.5, 1, 1000)
    probabilities, labels = np.stack([top, 1 - top], axis=1).astype(np.float32), rng.integers(0, 2, 1000)
    right = probabilities[labels == 0, 0]
    threshold = probability_threshold(probabilities, labels)
    assert 0.99 <= np.mean(right >= threshold) < 0.995
    assert probability_threshold(probabilities, labels, accept=0.5) == pytest.approx(np.median(right), abs=0.005)


def test_probability_threshold_without_correct_predictions() -> None:
    assert probability_threshold(np.ones((0, 2)), np.array([], dtype=int)) == 0.0
    assert probability_threshold(np.array([[0.9, 0.1]]), np.array([1])) == 1.0
