"""Dropout and batch normalization in training and inference mode."""

from typing import Any

import numpy as np
import pytest

from striate._types import Array
from striate.engines.base import Engine
from striate.network import Activation, BatchNormalization, Conv2D, Dropout, Flatten, Input, Network

from . import loops
from .networks import engine_of, perturbed_weights

pytestmark = pytest.mark.usefixtures("each_engine")


def dropout_engine(rate: float = 0.4, features: int = 2000, **settings: Any) -> Engine:
    return engine_of(Network.sequential([Input((features,)), Dropout(rate, name="drop")]), weights={}, **settings)


def dropout_mask(engine: Engine, step: int = 0, n: int = 60) -> Array:
    ones = np.ones((n, *engine.network.input_shapes[0]))
    return engine.forward([ones], training=True, step=step)[0]


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.4, 0.9])
def test_dropout_drops_its_rate_and_scales_the_rest(rate: float) -> None:
    y = dropout_mask(dropout_engine(rate))
    assert set(np.unique(y)) <= {0.0, 1 / (1 - rate)}
    deviation = np.sqrt(rate * (1 - rate) / y.size)
    assert (y == 0).mean() == pytest.approx(rate, abs=5 * deviation)
    assert y.mean() == pytest.approx(1, abs=5 * deviation / (1 - rate))


def test_dropout_is_off_in_inference() -> None:
    x = np.random.default_rng(0).standard_normal((3, 2000))
    np.testing.assert_array_equal(dropout_engine().forward([x])[0], x)
    np.testing.assert_array_equal(dropout_engine().activations([x])["drop"], x)


def test_dropout_depends_on_seed_and_step_only() -> None:
    """Not on earlier calls, nor on threads, nor on the dtype."""
    first = dropout_mask(dropout_engine(seed=5), step=7)
    busy = dropout_engine(seed=5, threads=3)
    dropout_mask(busy, step=1)
    dropout_mask(busy, step=2, n=13)
    np.testing.assert_array_equal(dropout_mask(busy, step=7), first)
    np.testing.assert_allclose(dropout_mask(dropout_engine(seed=5, dtype="float32"), step=7), first, rtol=1e-6)
    for other in (dropout_mask(dropout_engine(seed=5), step=8), dropout_mask(dropout_engine(seed=6), step=7)):
        assert 0.4 < (other == first).mean() < 0.6  # independent masks agree with probability 0.4² + 0.6² = 0.52


def test_dropout_of_images_shards_and_layers_is_independent() -> None:
    network = Network.sequential([Input((2000,)), Dropout(0.5), Activation("linear"), Dropout(0.5)])
    y = engine_of(network, weights={}).forward([np.ones((60, 2000))], training=True)[0]
    assert (y > 0).mean() == pytest.approx(0.25, abs=0.01)
    kept = dropout_mask(dropout_engine(0.5)) > 0
    for a, b in ((0, 1), (0, 30), (29, 59)):
        assert (kept[a] == kept[b]).mean() == pytest.approx(0.5, abs=0.06)


def test_dropout_of_maps_drops_single_numbers() -> None:
    network = Network.sequential([Input((8, 9, 3)), Dropout(0.5)])
    y = engine_of(network, weights={}).forward([np.ones((4, 8, 9, 3))], training=True)[0]
    assert (y == 0).mean() == pytest.approx(0.5, abs=0.06)
    assert 0 < (y[0, :, :, 0] == 0).mean() < 1


def test_dropout_passes_gradients_through_the_same_mask() -> None:
    """After a bias of 0 for each number, the gradient of Σ y² / n is 2 · mask² · bias; here bias = 1."""
    network = Network.sequential([Input((3, 3, 1)), Conv2D(50, 3, name="c"), Flatten(), Dropout(0.4)])
    engine = engine_of(network, weights={"c/kernel": np.zeros((3, 3, 1, 50)), "c/bias": np.ones(50)})
    x = np.zeros((1, 3, 3, 1))
    y = engine.forward([x], training=True, step=4)[0][0]
    _, gradients = engine.gradients([x], [np.zeros((1, 50))], step=4)
    np.testing.assert_allclose(gradients["c/bias"], 2 * y / 50 / 0.6)
    assert 0 < (y == 0).sum() < 50


def normalization_engine(**settings: Any) -> Engine:
    layers = [Input((4, 5, 3)), BatchNormalization(momentum=0.9, epsilon=0.01, name="bn"), Flatten()]
    return engine_of(Network.sequential(layers), **settings)


@pytest.mark.parametrize("n", [1, 2, 49, 50, 77, 100])
@pytest.mark.parametrize("threads", [1, 2])
def test_batch_norm_over_shards_equals_the_whole_batch(n: int, threads: int) -> None:
    x = np.random.default_rng(0).standard_normal((n, 4, 5, 3)) * [1, 10, 0.1] + [0, 5, 100]
    engine = normalization_engine(threads=threads)
    weights = engine.weights
    expected = loops.batch_norm(x, weights["bn/gamma"], weights["bn/beta"], 0.01)
    np.testing.assert_allclose(engine.forward([x], training=True)[0], expected.reshape(n, -1), rtol=1e-8, atol=1e-9)


def test_batch_norm_in_float32_keeps_precision_far_from_zero() -> None:
    """Mean 1000, standard deviation 1: a mean of squares would lose all digits."""
    x = np.random.default_rng(0).standard_normal((60, 4, 5, 3)) + 1000
    engine = normalization_engine(
        dtype="float32", weights=perturbed_weights(normalization_engine().network, dtype="float32")
    )
    expected = loops.batch_norm(x, engine.weights["bn/gamma"], engine.weights["bn/beta"], 0.01)
    np.testing.assert_allclose(engine.forward([x], training=True)[0], expected.reshape(60, -1), atol=2e-3)


def test_batch_norm_in_inference_uses_the_moving_statistics() -> None:
    x = np.random.default_rng(0).standard_normal((2, 4, 5, 3))
    engine = normalization_engine()
    gamma, beta, mean, variance = (
        engine.weights[f"bn/{name}"] for name in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    expected = gamma * (x - mean) / np.sqrt(variance + 0.01) + beta
    np.testing.assert_allclose(engine.forward([x])[0], expected.reshape(2, -1), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n", [3, 60])
def test_moving_statistics(n: int) -> None:
    """Keras's form, twice: moving ← 0.9 · moving + 0.1 · batch, with the biased variance."""
    engine = normalization_engine()
    generator = np.random.default_rng(0)
    mean, variance = engine.weights["bn/moving_mean"], engine.weights["bn/moving_variance"]
    for step in range(2):
        x = generator.standard_normal((n, 4, 5, 3)) * 3 + 1
        engine.train_step([x], [np.zeros((n, 60))], learning_rate=0.0, step=step)
        mean = 0.9 * mean + 0.1 * x.mean(axis=(0, 1, 2))
        variance = 0.9 * variance + 0.1 * x.var(axis=(0, 1, 2), ddof=0)
        np.testing.assert_allclose(engine.weights["bn/moving_mean"], mean, rtol=1e-12)
        np.testing.assert_allclose(engine.weights["bn/moving_variance"], variance, rtol=1e-12)


def test_only_a_training_step_changes_the_state() -> None:
    engine = normalization_engine()
    before = engine.weights
    x = np.random.default_rng(0).standard_normal((3, 4, 5, 3))
    engine.forward([x], training=True)
    engine.gradients([x], [np.zeros((3, 60))])
    engine.activations([x])
    for name, value in engine.weights.items():
        np.testing.assert_array_equal(value, before[name])


def test_inference_of_an_image_does_not_depend_on_its_batch() -> None:
    """With dropout and batch normalization in the network."""
    network = Network.sequential([Input((4, 5, 2)), Conv2D(3, 2), BatchNormalization(), Flatten(), Dropout(0.5)])
    x = np.random.default_rng(0).standard_normal((55, 4, 5, 2))
    engine = engine_of(network)
    together = engine.forward([x])[0]
    separate = np.concatenate([engine.forward([x[i : i + 1]])[0] for i in range(55)])
    np.testing.assert_allclose(together, separate, rtol=1e-12, atol=1e-13)
