"""Frozen layers: what training leaves unchanged, with equal results on every engine."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pytest

from striate._types import Array
from striate.engines.base import Engine, TrainingSettings
from striate.engines.losses import CategoricalCrossentropy
from striate.engines.optimizers import SGD, AdamW, Optimizer
from striate.errors import UsageError
from striate.network import (
    L2,
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    Input,
    MaxPool2D,
    Network,
    Rescale,
    Subsample2D,
)

from .networks import ENGINES, engine_of, perturbed_weights, pixels
from .test_engine_contract import assert_close, targets_of

LOSS = (CategoricalCrossentropy(),)


def network() -> Network:
    """Return a network with every kind of layer with weights, a shared one, a residual connection, penalties."""
    image = Input((9, 8, 3))
    x = Conv2D(8, 3, padding="same", kernel_regularizer=L2(1e-2), name="first")(Rescale(1 / 128, -1.0)(image))
    x = MaxPool2D(2, padding="same", name="pool")(BatchNormalization(momentum=0.8, name="first_bn")(x))
    shared = Conv2D(8, 3, padding="same", activation="tanh", name="shared")
    x = Add(name="add")([x, shared(shared(x))])
    x = DepthwiseConv2D(3, padding="same", name="deep")(x)
    x = Dropout(0.4, name="drop")(BatchNormalization(momentum=0.8, name="deep_bn")(x))
    x = Subsample2D(2, activation="tanh", name="sub")(x)
    x = Dense(6, activation="tanh", name="dense", kernel_regularizer=L2(1e-2))(Flatten(name="flat")(x))
    return Network(image, Dense(3, activation="softmax", name="end")(x))


NAMES = ("first", "first_bn", "shared", "deep", "deep_bn", "sub", "dense", "end")
CHOICES: list[tuple[str, ...]] = [
    ("first", "first_bn", "drop"),
    ("first_bn", "deep_bn", "drop"),
    ("shared", "drop"),
    ("deep", "sub", "dense", "drop"),
    ("first", "first_bn", "shared", "deep", "deep_bn", "drop", "sub", "dense"),
]


def trained(engine: Engine, frozen: Collection[str], optimizer: Optimizer, steps: int = 3) -> list[float]:
    engine.compile(TrainingSettings(optimizer, LOSS, ema_decay=0.5, global_clipnorm=0.5, frozen_layers=frozen))
    targets = targets_of(engine.network, LOSS, 6)
    return [
        engine.train_step(pixels(engine.network, 6, step), targets, learning_rate=0.05, step=step).loss
        for step in range(steps)
    ]


def changed_layers(before: dict[str, Array], after: dict[str, Array]) -> set[str]:
    """Return the layers of which any number changed."""
    return {name.split("/")[0] for name in before if not np.array_equal(before[name], after[name])}


@pytest.mark.parametrize("frozen", CHOICES, ids=" ".join)
@pytest.mark.usefixtures("each_engine")
def test_frozen_layers_stay_identical_and_all_others_are_trained(frozen: tuple[str, ...]) -> None:
    """Weight decay, averages and moving statistics included."""
    engine = engine_of(network(), dtype="float32", weights=perturbed_weights(network(), dtype="float32"))
    before = engine.weights
    trained(engine, frozen, AdamW(weight_decay=0.5))
    assert changed_layers(before, engine.weights) == set(NAMES) - set(frozen)
    assert not {name.split("/")[0] for name in engine.slots if not name.endswith("average")} & set(frozen)
    with engine.averaged():
        assert changed_layers(before, engine.weights) == set(NAMES) - set(frozen)


@pytest.mark.parametrize("frozen", CHOICES, ids=" ".join)
def test_engines_agree(frozen: tuple[str, ...]) -> None:
    """With frozen dropout, which is then off: losses, gradients, weights, slots, averages."""
    weights = perturbed_weights(network(), by=0.1)
    mine, other = engines = [engine_of(network(), weights=weights, engine=name) for name in ENGINES]
    losses = [trained(engine, frozen, SGD(momentum=0.9, weight_decay=0.1)) for engine in engines]
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)
    assert_close(mine.weights, other.weights)
    assert_close(mine.slots, other.slots, 1e-7)
    inputs, targets = pixels(network(), 5, 9), targets_of(network(), LOSS, 5)
    gradients, others = (engine.gradients(inputs, targets)[1] for engine in engines)
    assert_close(gradients, others)
    assert {name.split("/")[0] for name in gradients} == set(NAMES) - set(frozen)


@pytest.mark.usefixtures("each_engine")
def test_gradients_of_trainable_layers_are_unchanged_by_freezing() -> None:
    """If no frozen layer behaves differently in training."""
    engine = engine_of(network())
    inputs, targets = pixels(network(), 5), targets_of(network(), LOSS, 5)
    engine.compile(TrainingSettings(SGD(), LOSS))
    loss, every = engine.gradients(inputs, targets)
    engine.compile(TrainingSettings(SGD(), LOSS, frozen_layers=["first", "shared", "dense"]))
    same, some = engine.gradients(inputs, targets)
    assert same == pytest.approx(loss, rel=1e-12)
    assert_close(some, {name: every[name] for name in some}, 1e-12)
    assert set(every) - set(some) == {"first/kernel", "first/bias", "shared/kernel", "shared/bias", "dense/kernel",
                                      "dense/bias"}  # fmt: skip


@pytest.mark.usefixtures("each_engine")
def test_frozen_layers_work_in_inference_mode() -> None:
    engine = engine_of(network())
    x = pixels(network(), 5)
    engine.compile(TrainingSettings(SGD(), LOSS, frozen_layers=["first_bn", "deep_bn", "drop"]))
    np.testing.assert_allclose(engine.forward(x, training=True)[0], engine.forward(x)[0], rtol=1e-12)
    engine.compile(TrainingSettings(SGD(), LOSS))
    assert np.abs(engine.forward(x, training=True)[0] - engine.forward(x)[0]).max() > 1e-3


@pytest.mark.usefixtures("each_engine")
def test_compiling_again_unfreezes() -> None:
    engine, never = engine_of(network()), engine_of(network())
    trained(engine, NAMES[:4], SGD(), steps=0)
    assert trained(engine, (), SGD(momentum=0.9)) == trained(never, (), SGD(momentum=0.9))
    assert_close(engine.weights, never.weights, 0)


@pytest.mark.usefixtures("each_engine")
def test_freezing_all_layers_raises() -> None:
    with pytest.raises(UsageError, match="frozen_layers contains all trainable layers of 'network'"):
        engine_of(network()).compile(TrainingSettings(SGD(), LOSS, frozen_layers=NAMES))


@pytest.mark.usefixtures("each_engine")
def test_unknown_layers_raise() -> None:
    settings: dict[str, Any] = {"frozen_layers": ["frist"]}
    with pytest.raises(UsageError, match=r"frozen_layers: 'network' has no layer 'frist'\. Did you mean 'first'\?"):
        engine_of(network()).compile(TrainingSettings(SGD(), LOSS, **settings))
