"""Fine-tuning: frozen layers, held-out images, and the comparison of models."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from striate import zoo
from striate._types import Array
from striate.data import Dataset, Images, from_arrays
from striate.data.digests import digest_images
from striate.engines.initialization import initial_weights
from striate.engines.onnxruntime import OnnxEngine
from striate.systems.recipes import TUNED, tuning_recipe
from striate.systems.registry import get_system
from striate.transfer.bases import open_base
from striate.transfer.features import predict_with_features
from striate.transfer.fine_tuning import (
    HeldOutScore,
    batch_normalizations,
    between,
    held_out_rows,
    move_to_validation,
    with_standardization,
    without_standardization,
)
from striate.transfer.linear_head import fit_linear_head
from striate.transfer.open_set_fitting import NOT_HELD_OUT, fit_detector
from striate.transfer.standardization import FeatureScaler

LITE = zoo.network("efficientnet-lite0", classes=2)


@given(some.integers(1, 10**6), some.integers(1, 10**5))
def test_few_images_are_trained_for_more_epochs(images: int, more: int) -> None:
    few, many = tuning_recipe(images), tuning_recipe(images + more)
    assert 12 >= few.epochs >= many.epochs >= TUNED.epochs
    assert get_system("fine-tuning").recipe(images=images) == few


def test_standardization_changes_no_output_and_scales_the_features() -> None:
    """The classifier then reads features of mean 0 and standard deviation 1, and reverting it is exact."""
    network = zoo.network("efficientnet-lite0", input_shape=(32, 32, 3), classes=3)
    weights = initial_weights(network, 0)
    x = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    [(outputs, features)] = predict_with_features(network, weights, [x])
    scaler = FeatureScaler(features.mean(axis=0), features.std(axis=0) + 1e-3)
    changed, arrays = with_standardization(network, weights, scaler)
    [same] = OnnxEngine(changed, arrays).forward([x])
    np.testing.assert_allclose(same, outputs, atol=1e-4)
    assert batch_normalizations(changed) == (*batch_normalizations(network), "standardize")
    back = without_standardization(network, arrays, scaler)
    assert back.keys() == weights.keys()
    for name, value in weights.items():
        np.testing.assert_allclose(back[name], value, rtol=1e-4, atol=1e-5, err_msg=name)


def test_weights_between_two_bases() -> None:
    base = open_base("efficientnet-lite0", (32, 32, 3))
    name = next(iter(base.weights))
    other = {name: base.weights[name] + 2}
    np.testing.assert_allclose(between(base, other, 0.5).weights[name], base.weights[name] + 1, rtol=1e-6)
    np.testing.assert_array_equal(between(base, other, 0).weights[name], base.weights[name])
    assert all(between(base, other, 1).weights[key] is base.weights[key] for key in base.weights if key != name)


def test_training_images_are_never_held_out_when_the_head_is_chosen() -> None:
    """On features that were trained on these images they are separated far better than others."""
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    distance = np.repeat([4.0, 0.5], 100)
    x = rng.normal(size=(200, 20)) + distance[:, None] * np.outer(2 * y - 1, np.eye(20)[0])
    folds = np.where(np.arange(200) < 100, NOT_HELD_OUT, np.arange(200) % 5)
    fitted = fit_linear_head(x, y, 2, folds)
    np.testing.assert_array_equal(fitted.labels, y[100:])
    assert fitted.logits.shape == (100, 2)
    assert 0.55 < fitted.accuracy < 0.8  # 69 % is expected
    assert fit_linear_head(x, y, 2, np.arange(200) % 5).accuracy > fitted.accuracy + 0.05


def dataset(train: tuple[int, ...], validation: int) -> Dataset:
    """Return a data set with these numbers of training images per class, and of validation images of class 0."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(len(train)), train)
    data = from_arrays(rng.integers(0, 256, (60, 4, 4, 3), dtype=np.uint8), np.arange(60) % len(train))
    pixels = rng.integers(0, 256, (len(y) + validation, 4, 4, 3), dtype=np.uint8)
    parts = Images(pixels[: len(y)], y), Images(pixels[len(y) :], np.zeros(validation, np.int64))
    return replace(data, train=parts[0], validation=parts[1])


def test_sufficient_validation_images_are_unchanged() -> None:
    data = dataset((30, 30), 50)
    assert not held_out_rows(data).any()
    assert move_to_validation(data, held_out_rows(data)) is data


def test_few_validation_images_are_extended_by_a_fifth_of_each_class() -> None:
    data = dataset((31, 10, 1, 2), 3)
    rows = held_out_rows(data)
    np.testing.assert_array_equal(np.bincount(data.train.y[rows], minlength=4), [7, 2, 0, 1])
    found = move_to_validation(data, rows)
    assert (len(found.train), len(found.validation)) == (44 - 10, 3 + 10)
    assert found.test is data.test
    before = [*digest_images(data.train.x, 1), *digest_images(data.validation.x, 1)]
    after = [*digest_images(found.train.x, 1), *digest_images(found.validation.x, 1)]
    assert sorted(before) == sorted(after)
    order = np.random.default_rng(1).permutation(len(data.train))
    again = held_out_rows(replace(data, train=data.train.take(order)))
    np.testing.assert_array_equal(again, rows[order])


def test_copies_stay_together() -> None:
    data = dataset((20, 20), 0)
    pixels = data.train.x.copy()
    pixels[5:10] = pixels[5]
    rows = held_out_rows(replace(data, train=Images(pixels, data.train.y)))
    assert len(set(rows[5:10])) == 1
    pixels[:20] = pixels[5]  # a class of copies of one image has nothing to hold out
    assert not held_out_rows(replace(data, train=Images(pixels, data.train.y)))[:20].any()


def score(losses: Array, correct: Array | None = None) -> HeldOutScore:
    return HeldOutScore(losses, np.ones(len(losses), bool) if correct is None else correct)


def test_only_clearly_lower_loss_without_more_errors_is_better() -> None:
    losses = np.random.default_rng(0).exponential(0.1, 200)
    start = score(losses, np.arange(200) > 3)
    noise = np.random.default_rng(1).normal(0, 0.05, 200)
    noise -= noise.mean()
    assert score(0.8 * losses, start.correct).is_better_than(start)
    assert not score(losses, start.correct).is_better_than(start)
    assert not score(1.1 * losses, start.correct).is_better_than(start)
    assert not score(0.8 * losses, np.arange(200) > 4).is_better_than(start)
    assert score(0.8 * losses, np.arange(200) > 2).is_better_than(start)
    assert not score(losses + noise - 0.001, start.correct).is_better_than(start)  # a third of its error
    assert score(losses + noise - 0.01, start.correct).is_better_than(start)


def test_loss_and_accuracy_are_those_of_probabilities() -> None:
    p = np.array([[0.5, 0.5, 0.0], [0.2, 0.1, 0.7], [1.0, 0.0, 0.0]])
    found = HeldOutScore.from_probabilities(p, np.array([0, 2, 1]))
    assert found.loss == pytest.approx((np.log(2) - np.log(0.7) - np.log(1e-12)) / 3)
    assert found.accuracy == pytest.approx(2 / 3)


def test_training_images_do_not_set_the_threshold_for_unknown_images() -> None:
    """They are closer to each other than other images are."""
    rng = np.random.default_rng(1)
    near, far = rng.normal(3, 0.5, (300, 40)), rng.normal(3, 1.0, (100, 40))
    x, y = np.concatenate([near, far]), np.arange(400) % 2
    folds = np.concatenate([np.full(300, NOT_HELD_OUT), np.arange(100) % 5])
    careful = fit_detector(x, y, 2, folds, "pool", rejection_rate=0.05)
    careless = fit_detector(x, y, 2, np.arange(400) % 5, "pool", rejection_rate=0.05)
    others = rng.normal(3, 1.0, (500, 40))
    assert careful.detector.is_unknown(others).mean() < 0.12 < careless.detector.is_unknown(others).mean()
    assert max(careful.thresholds.by_rate.values()) <= careful.detector.distances(far).max() * 1.2


def test_probabilities_and_features_are_computed_in_parts() -> None:
    network = zoo.network("efficientnet-lite0", input_shape=(32, 32, 3), classes=3)
    weights = initial_weights(network, 0)
    x = np.random.default_rng(0).integers(0, 256, (70, 32, 32, 3), dtype=np.uint8)
    (p, rows), (none, nothing) = predict_with_features(network, weights, [x, x[:0]])
    engine = OnnxEngine(network, weights)
    np.testing.assert_allclose(p, engine.forward([x])[0], atol=1e-6)
    np.testing.assert_allclose(rows[:2], engine.activations([x[:2]])["pool"], rtol=1e-3, atol=1e-5)
    assert (none.shape, nothing.shape) == ((0, 3), (0, 1280))
