"""Gradient clipping and weight averaging of the NumPy engine compared with plain loops."""

import math

import numpy as np
import pytest

from striate._types import Array, Weights
from striate.engines.base import TrainingSettings
from striate.engines.losses import CategoricalCrossentropy
from striate.engines.numpy import parameters
from striate.engines.optimizers import SGD, Adam
from striate.errors import UsageError
from striate.network import L2, BatchNormalization, Conv2D, Dense, Dropout, Flatten, Input, Network, Rescale

from .networks import NETWORKS, engine_of, perturbed_weights, pixels

pytestmark = pytest.mark.usefixtures("each_engine")

LOSS = (CategoricalCrossentropy(),)


def network() -> Network:
    return Network.sequential(
        [
            Input((5, 6, 1)),
            Rescale(),
            Conv2D(3, 2, activation="tanh", kernel_regularizer=L2(0.01)),
            BatchNormalization(),
            Flatten(),
            Dropout(0.3),
            Dense(3, activation="softmax"),
        ]
    )


def norm(gradients: Weights) -> float:
    return math.sqrt(sum(float(number) ** 2 for g in gradients.values() for number in g.ravel()))


def batch(n: int = 52) -> tuple[list[Array], list[Array]]:
    """Return a batch of two shards."""
    return pixels(network(), n), [np.arange(n) % 3]


@pytest.mark.parametrize("chunk", [parameters.CHUNK, 7], ids=["whole", "in chunks"])
def test_gradients_above_the_norm_are_clipped_to_it(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Penalties count as part of the gradient; the direction is unchanged."""
    monkeypatch.setattr(parameters, "CHUNK", chunk)
    (x, t), weights = batch(), perturbed_weights(network())
    loss, gradients = engine_of(network(), losses=LOSS, weights=weights).gradients(x, t)
    length = norm(gradients)
    for limit in (length / 3, length * 3):
        engine = engine_of(network(), weights=weights, threads=2)
        engine.compile(TrainingSettings(SGD(), LOSS, global_clipnorm=limit))
        assert engine.train_step(x, t, learning_rate=0.5, step=0).loss == pytest.approx(loss, rel=1e-12)
        moved = {name: (weights[name] - engine.weights[name]) / 0.5 for name in gradients}
        assert norm(moved) == pytest.approx(min(length, limit), rel=1e-9)
        for name, gradient in gradients.items():
            np.testing.assert_allclose(moved[name], gradient * min(1, limit / length), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("chunk", [parameters.CHUNK, 7], ids=["whole", "in chunks"])
def test_average_includes_all_steps(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Including moving statistics. The average starts at the weights after the first step."""
    monkeypatch.setattr(parameters, "CHUNK", chunk)
    x, t = batch()
    engine = engine_of(network())
    engine.compile(TrainingSettings(Adam(), LOSS, ema_decay=0.35))
    expected: Weights = {}
    for step in range(8):
        engine.train_step(x, t, learning_rate=0.1, step=step)
        memory = min(0.35, (1 + step) / (10 + step))
        for name, w in engine.weights.items():
            expected[name] = memory * expected[name] + (1 - memory) * w if step else w
    assert {f"{name}/average" for name in engine.weights} < set(engine.slots)
    live = engine.weights
    with engine.averaged():
        averages = engine.weights
        probabilities = engine.forward(x)[0]
        assert all(np.array_equal(engine.slots[f"{name}/average"], a) for name, a in averages.items())
    for name, average in averages.items():
        np.testing.assert_allclose(average, expected[name], rtol=1e-12, atol=1e-14, err_msg=name)
        assert np.array_equal(engine.weights[name], live[name])
    np.testing.assert_allclose(engine_of(network(), weights=averages).forward(x)[0], probabilities, rtol=1e-12)


def test_without_averaging_or_steps_averaged_weights_are_the_weights() -> None:
    for average in (None, 0.9):
        engine = engine_of(network())
        engine.compile(TrainingSettings(SGD(), LOSS, ema_decay=average))
        before = engine.weights
        with engine.averaged():
            assert all(np.array_equal(w, before[name]) for name, w in engine.weights.items())


def test_weights_are_restored_after_an_error() -> None:
    x, t = batch()
    engine = engine_of(network())
    engine.compile(TrainingSettings(SGD(), LOSS, ema_decay=0.5))
    for step in range(3):
        engine.train_step(x, t, learning_rate=0.1, step=step)
    live = engine.weights
    with pytest.raises(KeyboardInterrupt), engine.averaged():
        raise KeyboardInterrupt
    assert all(np.array_equal(w, live[name]) for name, w in engine.weights.items())


def test_averaging_and_clipping_continue_in_another_engine() -> None:
    """Three steps, weights and slots in a new engine, and two more steps give the bytes of five steps in one engine."""
    x, t = batch()

    def run(weights: Weights, slots: Weights, steps: range) -> tuple[Weights, Weights]:
        engine = engine_of(network(), weights=weights, dtype="float32")
        engine.compile(TrainingSettings(Adam(), LOSS, global_clipnorm=0.5, ema_decay=0.9))
        engine.slots = slots
        for step in steps:
            engine.train_step(x, t, learning_rate=0.1, step=step)
        return engine.weights, engine.slots

    start = perturbed_weights(network(), dtype="float32")
    uninterrupted = run(start, {}, range(5))
    for expected, found in zip(uninterrupted, run(*run(start, {}, range(3)), range(3, 5)), strict=True):
        assert {n: a.tobytes() for n, a in expected.items()} == {n: a.tobytes() for n, a in found.items()}


def test_empty_slots_restart_the_average() -> None:
    x, t = batch()
    engine = engine_of(network(), dtype="float32")
    engine.compile(TrainingSettings(SGD(), LOSS, ema_decay=0.9))
    for step in range(2):
        engine.train_step(x, t, learning_rate=0.1, step=step)
    engine.slots = {}
    engine.train_step(x, t, learning_rate=0.1, step=0)
    live = engine.weights
    with engine.averaged():
        assert all(np.array_equal(w, live[name]) for name, w in engine.weights.items())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"global_clipnorm": 0.0}, r"global_clipnorm must be above 0; received 0\.0"),
        ({"global_clipnorm": math.nan}, "global_clipnorm must be above 0; received nan"),
        ({"ema_decay": 1.0}, r"ema_decay must be at least 0 and below 1; received 1\.0"),
        ({"ema_decay": -0.1}, r"ema_decay must be at least 0 and below 1; received -0\.1"),
    ],
)
def test_settings_out_of_range_raise(settings: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        engine_of(network()).compile(TrainingSettings(SGD(), LOSS, **settings))  # type: ignore[arg-type]


def test_losses_must_match_the_outputs() -> None:
    with pytest.raises(UsageError, match="Expected one loss for each of 2 outputs, received 1"):
        engine_of(NETWORKS["many"]).compile(TrainingSettings(SGD(), LOSS))
    with pytest.raises(UsageError, match="class_weights: expected one for each of 3 classes, received 2"):
        engine_of(network()).compile(TrainingSettings(SGD(), [CategoricalCrossentropy(class_weights=(1.0, 2.0))]))
