"""Wrong labels are found, hard images are not taken for label errors, and the estimate does not depend on order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import striate
from striate._types import Array
from striate.audit import find_label_errors
from striate.engines.losses import log_softmax
from striate.errors import DataError
from striate.transfer.linear_head import content_folds, fit_linear_head


def classifier(truth: Array, classes: int, seed: int, spread: float) -> Array:
    """Return calibrated probabilities (N, K) of images of which some are hard; truth is drawn from them."""
    rng = np.random.default_rng(seed)
    logits = spread * rng.gumbel(size=(len(truth), classes))
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    drawn = np.array([rng.choice(classes, p=row) for row in p])
    # give each image the probabilities in the order that makes its true class the one that was drawn
    rolled = (np.arange(classes) - truth[:, None] + drawn[:, None]) % classes
    return np.take_along_axis(p, rolled, axis=1)


def swap(truth: Array, classes: int, count: int, seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(truth), count, replace=False)
    labels = truth.copy()
    labels[rows] = (truth[rows] + rng.integers(1, classes, count)) % classes
    return labels, rows


@pytest.mark.parametrize("spread", [3.0, 6.0, 12.0])
def test_hard_images_are_no_label_errors(spread: float) -> None:
    truth = np.arange(1200) % 4
    p = classifier(truth, 4, seed=1, spread=spread)
    assert (p.argmax(axis=1) != truth).mean() > 0.02
    found = find_label_errors(p, truth)
    assert found.rate < 0.01 and len(found.indices) <= 0.0125 * len(truth)


def test_classifiers_that_are_often_wrong_are_no_evidence_of_label_errors() -> None:
    """Of 300 images that a calibrated classifier classifies with an accuracy of 48 %, hardly any label is suggested."""
    truth = np.arange(300) % 5
    counts = [len(find_label_errors(classifier(truth, 5, seed, spread=0.7), truth).indices) for seed in range(16)]
    assert np.mean(counts) < 0.01 * 300 and max(counts) <= 0.03 * 300


@pytest.mark.parametrize(("classes", "share"), [(2, 0.05), (4, 0.05), (4, 0.2)])
def test_swapped_labels_of_a_linear_classifier(classes: int, share: float) -> None:
    rng = np.random.default_rng(classes)
    truth = np.arange(800) % classes
    features = (4 * np.eye(classes, 16)[truth] + rng.normal(size=(800, 16))).astype(np.float32)
    labels, rows = swap(truth, classes, round(share * 800), seed=3)
    fitted = fit_linear_head(features, labels, classes, content_folds(features, labels, classes))
    found = find_label_errors(np.exp(log_softmax(fitted.logits)), labels)
    assert abs(found.rate - share) < 0.02
    assert len(found.indices) == round(1.25 * found.rate * 800)
    assert np.isin(rows, found.indices[: round(1.5 * len(rows))]).mean() > 0.75
    assert found.probability[rows].mean() > 0.6 and np.delete(found.probability, rows).mean() < 0.05
    assert (found.suggested != labels).all() and (found.suggested[rows] == truth[rows]).mean() > 0.8


def test_clear_images_come_first() -> None:
    p = np.array([[0.97, 0.02, 0.01]] * 50 + [[0.3, 0.4, 0.3]] + [[0.001, 0.998, 0.001]])
    found = find_label_errors(p, np.zeros(52, int))
    assert found.indices[0] == 51 and found.suggested[51] == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(1, 80))
def test_order_of_images_and_classes_does_not_matter(seed: int, classes: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    p, y = rng.dirichlet(np.full(classes, 0.3), count), rng.integers(0, classes, count)
    found = find_label_errors(p, y)
    images, names = rng.permutation(count), rng.permutation(classes)
    moved = find_label_errors(p[images][:, np.argsort(names)], names[y[images]])
    assert 0 <= found.rate <= 0.5 and ((found.probability >= 0) & (found.probability <= 1)).all()
    assert moved.rate == pytest.approx(found.rate, abs=1e-6)
    np.testing.assert_allclose(moved.probability, found.probability[images], atol=1e-6)
    assert sorted(images[moved.indices].tolist()) == sorted(found.indices.tolist())
    np.testing.assert_array_equal(moved.suggested, names[found.suggested[images]])


def test_probabilities_of_zero_are_possible() -> None:
    found = find_label_errors(np.eye(2)[[0, 0, 1, 1]], [0, 0, 1, 0])
    assert np.isfinite(found.probability).all()


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        ([[0.5, 0.5]], [0, 1], r"received \(1, 2\) and \(2,\)"),
        ([[1.0]], [0], "at least two classes"),
        (np.zeros((0, 2)), [], "shape"),
        ([[2.0, -1.0]], [0], "sum 1 in each row"),
        ([[np.nan, 1.0]], [0], "sum 1 in each row"),
        ([[0.5, 0.5]], [2], "from 0 to 1; received 2 to 2"),
        ([[0.5, 0.5]], [0.0], "received float64"),
    ],
)
def test_invalid_arguments_are_refused(probabilities: object, labels: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        striate.audit.find_label_errors(probabilities, labels)
