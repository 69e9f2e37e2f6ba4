"""Optimizers compared with textbook rules that are written out here."""

from collections.abc import Callable

import numpy as np
import pytest

from striate._types import Array, Weights
from striate.engines.base import TrainingSettings
from striate.engines.losses import CategoricalCrossentropy
from striate.engines.numpy import parameters
from striate.engines.optimizers import SGD, AdaGrad, Adam, AdamW, Optimizer, RMSprop, get_optimizer
from striate.errors import UsageError
from striate.network import L2, BatchNormalization, Conv2D, Dense, Dropout, Flatten, Input, Network, Rescale

from .networks import engine_of, perturbed_weights, pixels

pytestmark = pytest.mark.usefixtures("each_engine")

RATES = [0.1, 0.05, 0.2, 0.01, 0.1]
Rule = Callable[[str, Array, Array, dict[str, Array], float, int], Array]


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


def plain(name: str, w: Array, g: Array, memory: dict[str, Array], rate: float, t: int) -> Array:
    return w - rate * g


def decayed(name: str, w: Array, g: Array, memory: dict[str, Array], rate: float, t: int) -> Array:
    return w - rate * (g + (0.1 * w if name.endswith("/kernel") else 0))


def momentum(name: str, w: Array, g: Array, memory: dict[str, Array], rate: float, t: int) -> Array:
    memory["v"] = 0.9 * memory.get("v", 0) + g
    return w - rate * memory["v"]


def nesterov(name: str, w: Array, g: Array, memory: dict[str, Array], rate: float, t: int) -> Array:
    memory["v"] = 0.9 * memory.get("v", 0) + g
    return w - rate * (g + 0.9 * memory["v"])


def adagrad(name: str, w: Array, g: Array, memory: dict[str, Array], rate: float, t: int) -> Array:
    memory["h"] = memory.get("h", 0) + g**2
    return w - rate * g / (np.sqrt(memory["h"]) + 1e-7)


def rmsprop(name: str, w: Array, g: Array, memory: dict[str, Array], rate: float, t: int) -> Array:
    memory["h"] = 0.8 * memory.get("h", 0) + 0.2 * g**2
    return w - rate * g / (np.sqrt(memory["h"]) + 1e-5)


def adam(name: str, w: Array, g: Array, memory: dict[str, Array], rate: float, t: int) -> Array:
    memory["m"] = 0.8 * memory.get("m", 0) + 0.2 * g
    memory["v"] = 0.99 * memory.get("v", 0) + 0.01 * g**2
    return w - rate * (memory["m"] / (1 - 0.8**t)) / (np.sqrt(memory["v"] / (1 - 0.99**t)) + 1e-4)


def adamw(name: str, w: Array, g: Array, memory: dict[str, Array], rate: float, t: int) -> Array:
    shrunk = rate * 0.1 * w if name.endswith("/kernel") else 0
    return adam(name, w, g, memory, rate, t) - shrunk


TEXTBOOK: list[tuple[Optimizer, Rule]] = [
    (SGD(), plain),
    (SGD(weight_decay=0.1), decayed),
    (SGD(momentum=0.9), momentum),
    (SGD(momentum=0.9, nesterov=True), nesterov),
    (AdaGrad(), adagrad),
    (RMSprop(rho=0.8, epsilon=1e-5), rmsprop),
    (Adam(beta_1=0.8, beta_2=0.99, epsilon=1e-4), adam),
    (AdamW(beta_1=0.8, beta_2=0.99, epsilon=1e-4, weight_decay=0.1), adamw),
]


@pytest.mark.parametrize(("optimizer", "rule"), TEXTBOOK, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("chunk", [parameters.CHUNK, 7], ids=["whole", "in chunks"])
def test_five_steps(optimizer: Optimizer, rule: Rule, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a batch of two shards and a changing learning rate."""
    monkeypatch.setattr(parameters, "CHUNK", chunk)
    net = network()
    weights = perturbed_weights(net)
    engine = engine_of(net, losses=[CategoricalCrossentropy()], optimizer=optimizer, weights=weights, threads=2)
    probe = engine_of(net, losses=[CategoricalCrossentropy()], weights=weights)
    memories: dict[str, dict[str, Array]] = {name: {} for name in weights}
    x, t = pixels(net, 52), np.arange(52) % 3
    for step, rate in enumerate(RATES):
        loss, gradients = probe.gradients(x, [t], step=step)
        result = engine.train_step(x, [t], learning_rate=rate, step=step)
        assert result.loss == pytest.approx(loss, rel=1e-12)
        moved = {n: rule(n, weights[n], g, memories[n], rate, step + 1) for n, g in gradients.items()}
        weights = {**engine.weights, **moved}
        for name, expected in moved.items():
            np.testing.assert_allclose(engine.weights[name], expected, rtol=1e-10, atol=1e-12, err_msg=name)
        probe.weights = weights


@pytest.mark.parametrize(("optimizer", "rule"), TEXTBOOK, ids=lambda value: getattr(value, "__name__", ""))
def test_slots_continue_in_a_new_engine(optimizer: Optimizer, rule: Rule) -> None:
    """Three steps, weights and slots in a new engine, and two more steps give the bytes of five steps in one engine."""
    net = network()
    x, t = pixels(net, 52), np.arange(52) % 3

    def run(engine_weights: Weights, slots: Weights | None, steps: range) -> tuple[Weights, Weights]:
        engine = engine_of(
            net,
            losses=[CategoricalCrossentropy()],
            optimizer=optimizer,
            weights=engine_weights,
            dtype="float32",
            seed=3,
        )
        assert engine.slots == {}
        if slots is not None:
            engine.slots = slots
        for step in steps:
            engine.train_step(x, [t], learning_rate=RATES[step], step=step)
        return engine.weights, engine.slots

    start = perturbed_weights(net, dtype="float32")
    uninterrupted, uninterrupted_slots = run(start, None, range(5))
    continued, slots = run(*run(start, None, range(3)), range(3, 5))
    assert {name: w.tobytes() for name, w in continued.items()} == {
        name: w.tobytes() for name, w in uninterrupted.items()
    }
    assert {name: s.tobytes() for name, s in slots.items()} == {
        name: s.tobytes() for name, s in uninterrupted_slots.items()
    }


def test_compile_and_empty_slots_reset_the_optimizer() -> None:
    net = network()
    engine = engine_of(net, losses=[CategoricalCrossentropy()], optimizer=Adam())
    start, (x, t) = engine.weights, (pixels(net, 4), np.arange(4) % 3)

    def step() -> dict[str, bytes]:
        engine.weights = start
        engine.train_step(x, [t], learning_rate=0.1, step=0)
        return {name: w.tobytes() for name, w in engine.weights.items()}

    first = step()
    assert step() != first
    engine.slots = {}
    assert step() == first
    engine.compile(TrainingSettings(Adam(), [CategoricalCrossentropy()]))
    assert engine.slots == {}
    assert step() == first


def test_slots_are_copies_by_name() -> None:
    engine = engine_of(network(), losses=[CategoricalCrossentropy()], optimizer=Adam())
    x = pixels(network(), 4)
    engine.train_step(x, [np.zeros(4, int)], learning_rate=0.1, step=0)
    slots = engine.slots
    trainable = {p.name for p in engine.network.parameters if p.trainable}
    assert set(slots) == {f"{name}/{slot}" for name in trainable for slot in ("mean", "square")} | {"iterations"}
    assert slots["iterations"] == [1]
    before = slots["dense/bias/mean"].copy()
    engine.train_step(x, [np.zeros(4, int)], learning_rate=0.1, step=1)
    np.testing.assert_array_equal(slots["dense/bias/mean"], before)


def test_first_step_of_adam_is_the_learning_rate() -> None:
    """By hand: m̂ / √v̂ = ±1 for any size of the gradient."""
    net = Network.sequential([Input((1,)), Dense(1, use_bias=False, name="d")])
    engine = engine_of(net, optimizer=Adam(epsilon=1e-12), weights={"d/kernel": np.array([[2.0]])})
    engine.train_step([np.array([[3.0]])], [np.array([[0.0]])], learning_rate=0.25, step=0)
    assert engine.weights["d/kernel"][0, 0] == pytest.approx(1.75, abs=1e-9)


def test_gradient_descent_equals_hand_computed_values() -> None:
    """(2·3 − 1)² = 25 has the slope 2 · 5 · 3 = 30 in the weight 2; with its penalty 0.5 · 2² it is 27 and 32."""
    net = Network.sequential([Input((1,)), Dense(1, use_bias=False, kernel_regularizer=L2(0.5), name="d")])
    engine = engine_of(net, weights={"d/kernel": np.array([[2.0]])})
    result = engine.train_step([np.array([[3.0]])], [np.array([[1.0]])], learning_rate=0.01, step=0)
    assert result.loss == 27
    assert result.outputs[0] == [[6.0]]
    assert engine.weights["d/kernel"][0, 0] == pytest.approx(2 - 0.32)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("sgd", {"learning_rate": 0.0}, r"The learning rate must be above 0; received 0\.0"),
        ("adam", {"learning_rate": float("nan")}, "The learning rate must be above 0; received nan"),
        ("sgd", {"momentum": 1.0}, r"SGD: momentum must be at least 0 and below 1; received 1\.0"),
        ("adamw", {"beta_2": -0.1}, r"AdamW: beta_2 must be at least 0 and below 1; received -0\.1"),
        ("rmsprop", {"epsilon": -1e-7}, "RMSprop: epsilon must be 0 or more; received -1e-07"),
    ],
)
def test_settings_out_of_range_raise(name: str, settings: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        get_optimizer(name, **settings)


def test_smoothing_out_of_range_raises() -> None:
    with pytest.raises(UsageError, match=r"label_smoothing must be at least 0 and below 1; received 1\.5"):
        CategoricalCrossentropy(label_smoothing=1.5)
