"""Open-set detection: images of none of the classes are unknown, at the given rate of rejected images."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gamma  # type: ignore[import-untyped]

from striate._types import Array
from striate.errors import ModelFileError
from striate.transfer.open_set import (
    NEIGHBORS,
    OpenSetDetector,
    TradeOff,
    probability_threshold,
    rejection_rates,
    trade_offs,
)
from striate.transfer.open_set_fitting import (
    NOT_HELD_OUT,
    SHRINKAGE,
    Thresholds,
    cross_validated_quantile,
    fit_detector,
    held_out_quantile,
)

MIXING = np.random.default_rng(9).normal(size=(12, 80))


def images(count: int, seed: int, classes: int = 2) -> tuple[Array, Array]:
    """Return features that vary in 12 directions within a class, and a little in all others, and their classes."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % classes
    means = np.random.default_rng(5).normal(size=(classes, 80)) * 6
    return means[y] + rng.normal(size=(count, 12)) @ MIXING + 0.3 * rng.normal(size=(count, 80)), y


def others(count: int, seed: int = 2) -> Array:
    """Return features of something else."""
    return np.random.default_rng(seed).normal(size=(count, 80)) * 6


@pytest.fixture(scope="module")
def detector() -> OpenSetDetector:
    x, y = images(600, 0)
    return fit_detector(x, y, 2, np.arange(600) % 5, "pool").detector


@pytest.mark.parametrize("count", [20, 60, 400])
def test_two_percent_of_known_images_are_unknown_on_average(count: int) -> None:
    known, _ = images(1000, 1)
    shares = []
    for seed in range(10, 22):
        x, y = images(count, seed)
        shares.append(fit_detector(x, y, 2, np.arange(count) % 5, "pool").detector.is_unknown(known).mean())
    assert 0.01 < np.mean(shares) < (0.03 if count > 100 else 0.045)


def test_nearly_all_other_images_are_unknown(detector: OpenSetDetector) -> None:
    known, _ = images(1000, 1)
    assert 0.8 < np.median(detector.distances(known)) < 1.2
    assert detector.is_unknown(others(500)).mean() > 0.99


def test_images_between_the_classes_are_unknown(detector: OpenSetDetector) -> None:
    known, y = images(200, 1)
    means = np.stack([known[y == number].mean(axis=0) for number in range(2)])
    assert not detector.is_unknown(means).any()
    assert detector.is_unknown(means.mean(axis=0, keepdims=True)).all()


def test_distance_is_that_from_the_mean_of_neighbors_and_from_class_means_along_discriminants() -> None:
    x, y = images(60, 3, classes=3)
    found = fit_detector(x, y, 3, np.arange(60) % 5, "pool").detector
    query, _ = images(7, 4)
    unit = found.neighbors / np.linalg.norm(found.neighbors.astype(float), axis=1, keepdims=True)
    for row, distance in zip(query, found.distances(query), strict=True):
        direction = row / np.linalg.norm(row)
        mean = unit[np.argsort(unit @ direction)[-NEIGHBORS:]].mean(axis=0)
        near = 1 - direction @ mean / np.linalg.norm(mean)
        along = np.linalg.norm(direction @ found.directions - found.class_means, axis=1).min()
        assert distance == pytest.approx((near + along) / found.scale, rel=1e-4)


@pytest.mark.parametrize("count", [40, 300])  # fewer and more images than features
def test_discriminants_span_those_of_fisher(count: int) -> None:
    x, y = images(count, 3, classes=3)
    found = fit_detector(x, y, 3, np.arange(count) % 5, "pool").detector
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    within = unit - np.stack([unit[y == number].mean(axis=0) for number in range(3)])[y]
    covariance = within.T @ within / (count - 3)
    shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.trace(covariance) / 80 * np.eye(80)
    means = np.stack([unit[y == number].mean(axis=0) for number in range(3)])
    expected = np.linalg.solve(shrunk, (means - means[0])[1:].T)
    assert (
        np.linalg.matrix_rank(np.concatenate([found.directions, expected], axis=1), tol=1e-3 * np.linalg.norm(expected))
        == 2
    )


def test_smaller_thresholds_reject_more() -> None:
    x, y = images(400, 4)
    fitted = fit_detector(x, y, 2, np.arange(400) % 5, "pool", rejection_rate=0.02)
    distances = list(fitted.thresholds.by_rate.values())
    assert distances == sorted(distances, reverse=True)
    assert float(fitted.detector.threshold) == pytest.approx(fitted.thresholds.by_rate[0.02])
    assert list(fitted.thresholds.by_rate) == sorted(fitted.thresholds.by_rate)


def test_held_out_distances_are_those_of_new_images() -> None:
    x, y = images(400, 4)
    fitted = fit_detector(x, y, 2, np.arange(400) % 5, "pool")
    new = fitted.detector.distances(images(2000, 9)[0])
    assert np.median(fitted.held_out) == pytest.approx(np.median(new), rel=0.05)
    assert np.quantile(fitted.held_out, 0.9) == pytest.approx(np.quantile(new, 0.9), rel=0.1)


def test_copies_of_images_do_not_lower_the_threshold() -> None:
    x, y = images(100, 4)
    copies, labels = np.concatenate([x, x]), np.concatenate([y, y])
    near = copies + np.random.default_rng(0).normal(0, 0.01, copies.shape)
    once = fit_detector(x, y, 2, np.arange(100) % 5, "pool").detector
    twice = fit_detector(copies, labels, 2, np.arange(200) % 5, "pool").detector
    groups = fit_detector(near, labels, 2, np.arange(200) % 5, "pool", groups=np.arange(200) % 100).detector
    for found in (twice, groups):
        assert found.threshold * found.scale > 0.7 * once.threshold * once.scale


def test_order_of_images_does_not_matter() -> None:
    x, y = images(90, 4, classes=3)
    folds, order = np.arange(90) % 5, np.random.default_rng(0).permutation(90)
    one, two = fit_detector(x, y, 3, folds, "pool"), fit_detector(x[order], y[order], 3, folds[order], "pool")
    np.testing.assert_array_equal(one.detector.neighbors, two.detector.neighbors)
    np.testing.assert_array_equal(one.held_out[order], two.held_out)
    assert one.thresholds == two.thresholds


def test_files_grow_by_less_than_four_megabytes() -> None:
    size, classes = 6000, 70
    rng, y = np.random.default_rng(0), np.arange(700) % 70
    x = rng.normal(size=(classes, size)).astype(np.float32)[y] + rng.normal(size=(700, size)).astype(np.float32)
    folds = np.where(np.arange(700) < 650, NOT_HELD_OUT, 0)
    detector = fit_detector(x, y, classes, folds, "pool").detector
    assert detector.directions.shape == (size, 64)
    assert len(detector.neighbors) > 300
    assert 3_000_000 < sum(array.nbytes for array in detector.to_extras().values()) < 4_000_000


def test_memory_is_bounded_and_holds_images_of_each_class() -> None:
    x, y = images(600, 4, classes=3)
    x, y = x[y < 2 + (np.arange(600) % 20 == 2)], y[y < 2 + (np.arange(600) % 20 == 2)]  # few of the third class
    fitted = fit_detector(x, y, 3, np.arange(len(y)) % 5, "pool", max_images=60)
    assert fitted.detector.neighbors.shape == (60, 80)
    assert fitted.detector.class_means.shape[0] == 3
    assert len(fitted.held_out) == len(x)
    assert 0.005 < fitted.detector.is_unknown(images(2000, 1, classes=2)[0]).mean() < 0.05


@settings(max_examples=15, deadline=None)
@given(st.integers(10, 300), st.integers(0, 99), st.sampled_from([0.005, 0.02, 0.05]), st.sampled_from([1, 2, 4]))
def test_thresholds_of_held_out_images_reject_the_stated_share(count: int, seed: int, rate: float, shape: int) -> None:
    """Also of skewed distances, and where the threshold is beyond all of them."""
    draws = np.random.default_rng(seed).gamma(shape, 1, (300, count))
    rejected = [gamma.sf(held_out_quantile(row, 1 - rate), shape) for row in draws]
    assert 0.6 * rate < np.mean(rejected) < 2 * rate


def test_thresholds_reject_two_percent_of_skewed_distances() -> None:
    draws = np.random.default_rng(0).gamma(3, 1, (2000, 63))
    assert np.mean([gamma.sf(held_out_quantile(row, 0.98), 3) for row in draws]) == pytest.approx(0.02, abs=0.003)


@settings(max_examples=10, deadline=None)
@given(st.integers(20, 300), st.integers(0, 99), st.sampled_from([0.01, 0.02, 0.05, 0.2]))
def test_cross_validated_thresholds_hold_for_normal_distances(count: int, seed: int, rate: float) -> None:
    draws = np.random.default_rng(seed).normal(5, 1, (200, count))
    beyond = [1 - NormalDist(5, 1).cdf(cross_validated_quantile(row, 1 - rate)) for row in draws]
    assert 0.7 * rate < np.mean(beyond) < 1.4 * rate


def test_threshold_is_an_order_statistic_where_there_are_enough() -> None:
    values = np.random.default_rng(0).permutation(499) + 1.0
    assert held_out_quantile(values, 0.98) == pytest.approx(490)  # the 490th of 500 intervals
    assert held_out_quantile(values, 0.975) == pytest.approx(487.5)
    assert Thresholds.of(values).threshold == pytest.approx(490) == Thresholds.of(values).by_rate[0.02]


def test_thresholds_of_equal_distances_are_that_distance() -> None:
    for quantile in (held_out_quantile, cross_validated_quantile):
        assert quantile(np.array([2.0]), 0.98) == 2
        assert quantile(np.full(7, 2.0), 0.98) == pytest.approx(2)
        assert quantile(np.zeros(7), 0.98) == 0


def test_frozen_features_and_validation_images_have_their_own_rules() -> None:
    x, y = images(60, 4)
    frozen = fit_detector(x, y, 2, np.arange(60) % 5, "pool")
    assert frozen.thresholds.threshold == pytest.approx(cross_validated_quantile(frozen.held_out, 0.98))
    trained = fit_detector(x, y, 2, np.repeat([NOT_HELD_OUT, 0], 30), "pool")
    assert len(trained.held_out) == trained.thresholds.held_out == 30
    assert trained.thresholds.threshold == pytest.approx(held_out_quantile(trained.held_out, 0.98))


def test_trade_off_counts_rejected_images_and_remaining_errors() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    thresholds = {0.0: 3.0, 0.1: 1.5}
    rates = rejection_rates(thresholds, np.array([0.5, 1.0, 2.0, 2.5]))
    rows = trade_offs(thresholds, rates, probabilities, np.array([0, 0, 0, 0]))
    assert rows == (TradeOff(3.0, 0.0, 0.0, 2, 4), TradeOff(1.5, 0.1, 0.5, 1, 2))


def test_equal_thresholds_have_one_row() -> None:
    thresholds = {0.0: 3.0, 0.005: 3.0, 0.01: 3.0, 0.05: 2.0, 0.1: 2.0}
    rates = rejection_rates(thresholds, np.array([1.0, 2.5]))
    rows = trade_offs(thresholds, rates, np.eye(2), np.array([0, 1]))
    assert [(row.threshold, row.expected_rate) for row in rows] == [(3.0, 0.0), (2.0, 0.05)]


def test_folds_reject_by_their_own_thresholds() -> None:
    """Two detectors whose distances differ by a factor of ten reject the same share as one would."""
    rng = np.random.default_rng(0)
    held_out, new = rng.gamma(9, size=400), rng.gamma(9, size=1000)
    probabilities, labels = np.eye(2)[rng.integers(0, 2, 1000)], rng.integers(0, 2, 1000)
    scales, of_first = (1.0, 10.0), np.arange(1000) < 500
    relative, rates = np.empty(1000), np.empty(1000)
    for scale, own in zip(scales, (of_first, ~of_first), strict=True):
        thresholds = Thresholds.of(scale * held_out)
        found = thresholds.findings(scale * new[own], probabilities[own], labels[own])
        assert found is not None
        relative[own], rates[own] = found.distances / found.threshold, found.rates
    final = Thresholds.of(3 * held_out)
    together, alone = (
        final.findings_of_folds(relative, rates, probabilities, labels),
        final.findings(3 * new, probabilities, labels),
    )
    assert alone is not None and together.of_folds and not alone.of_folds
    assert together.trade_offs == alone.trade_offs
    np.testing.assert_allclose(together.distances, alone.distances)


def test_groups_count_once_in_the_precision_of_the_threshold() -> None:
    distances = np.random.default_rng(0).normal(5, 1, 60)
    assert Thresholds.of(distances).independent == 60
    assert Thresholds.of(distances, groups=np.arange(60) // 6).independent == 10
    assert Thresholds.of(distances, cross_validated=True).independent is None


@pytest.mark.parametrize("count", [4, 6, 20])
def test_few_images_are_sufficient(count: int) -> None:
    x, y = images(count, 7)
    found = fit_detector(x, y, 2, np.arange(count) % count, "pool").detector
    assert np.isfinite(found.distances(images(50, 8)[0])).all()
    assert found.is_unknown(others(50)).mean() > 0.9


def test_class_without_images_is_skipped() -> None:
    x, y = images(60, 1)
    found = fit_detector(x, y + (y == 1), 3, np.arange(60) % 5, "pool").detector  # classes 0 and 2
    assert found.class_means.shape == (2, 1)


def test_single_class_has_no_discriminants() -> None:
    x, _ = images(60, 1)
    found = fit_detector(x, np.zeros(60, int), 1, np.arange(60) % 5, "pool").detector
    assert found.directions.shape == (80, 0)
    assert found.is_unknown(others(50)).all()


def test_extras_restore_the_detector(detector: OpenSetDetector) -> None:
    extras = detector.to_extras()
    assert extras["unknown:neighbors"].dtype == np.int8
    again = OpenSetDetector.from_extras(extras | {"other:thing": np.zeros(3)})
    known, _ = images(100, 1)
    assert again is not None
    assert again.layer == "pool"
    np.testing.assert_array_equal(again.distances(known), detector.distances(known))
    assert OpenSetDetector.from_extras({}) is None


def test_incomplete_or_mismatched_extras_raise(detector: OpenSetDetector) -> None:
    extras = detector.to_extras()
    short = extras | {"unknown:directions": np.zeros((3, 1), np.float32)}
    with pytest.raises(ModelFileError, match=r"'unknown:directions' has shape \(3, 1\), expected \(80, 1\)"):
        OpenSetDetector.from_extras(short)
    del extras["unknown:threshold"]
    problem = "unknown images in this model file is incomplete: it lacks 'unknown:threshold'"
    with pytest.raises(ModelFileError, match=problem):
        OpenSetDetector.from_extras(extras)


@pytest.mark.parametrize("name", ["neighbors", "directions", "class_means", "scale", "threshold"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (0, 80), (80, 0), (2, 3, 4)])
def test_arrays_of_other_shapes_raise(detector: OpenSetDetector, name: str, shape: tuple[int, ...]) -> None:
    extras = detector.to_extras()
    if extras[f"unknown:{name}"].shape == shape:
        return
    extras[f"unknown:{name}"] = np.ones(shape, np.float32)
    with pytest.raises(ModelFileError, match="The detector of unknown images in this model file is damaged: 'unknown:"):
        OpenSetDetector.from_extras(extras)


def test_one_image_per_class_is_sufficient() -> None:
    x, y = np.random.default_rng(0).normal(size=(4, 30)), np.arange(4)
    found = fit_detector(x, y, 4, y, "pool").detector
    assert np.isfinite(found.threshold)
    assert not found.is_unknown(x).any()


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
