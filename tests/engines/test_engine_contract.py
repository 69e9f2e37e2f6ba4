"""The engines compared: every layer, every optimizer with every loss, transferred weights and slots.

Each engine alone is compared with independent references in the other files of this folder.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from striate._types import Array
from striate.engines.base import Engine, TrainingSettings
from striate.engines.gradcheck import numerical_gradient
from striate.engines.losses import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    Loss,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from striate.engines.optimizers import (
    SGD,
    Adadelta,
    AdaGrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Nadam,
    Optimizer,
    RMSprop,
)
from striate.engines.torch import rule as torch_rule
from striate.network import (
    ACTIVATIONS,
    L1,
    L1L2,
    L2,
    BatchNormalization,
    Conv2D,
    Dense,
    Flatten,
    Input,
    LocalResponseNormalization,
    MaxPool2D,
    Network,
    Rescale,
)
from striate.network.outputs import output_forms
from striate.training.metrics import loss_sum

from .networks import ENGINES, NETWORKS, chain, engine_of, perturbed_weights, pixels
from .test_engine_gradients import ScaleByExp

LIMIT = 1e-9
SOFT: list[Loss] = [
    CategoricalCrossentropy(),
    CategoricalCrossentropy(label_smoothing=0.2, class_weights=(0.5, 2.0, 1.0)),
    MeanSquaredError(),
]


def assert_close(mine: Mapping[str, Array], other: Mapping[str, Array], limit: float = LIMIT) -> None:
    """Assert equal names, and numbers that differ by at most `limit` relative to the largest of each array."""
    assert mine.keys() == other.keys()
    for name, expected in other.items():
        assert mine[name].shape == expected.shape, name
        atol = limit * max(np.abs(expected).max(initial=0), 1e-3)
        np.testing.assert_allclose(mine[name], expected, rtol=0, atol=atol, err_msg=name)


def both_engines(network: Network, **settings: Any) -> list[Engine]:
    """Return an engine of each kind with the same weights."""
    weights = perturbed_weights(network, by=0.1)
    return [engine_of(network, weights=weights, engine=name, **settings) for name in ENGINES]


def outputs(engine: Engine, inputs: Sequence[Array], training: bool) -> dict[str, Array]:
    return {str(index): y for index, y in enumerate(engine.forward(inputs, training=training))}


def targets_of(network: Network, losses: Sequence[Loss], n: int) -> list[Array]:
    generator = np.random.default_rng(7)
    return [
        generator.integers(0, shape[-1], n) if loss.target_kind == "classes" else generator.random((n, *shape))
        for loss, shape in zip(losses, network.output_shapes, strict=True)
    ]


def assert_engines_agree(network: Network, *, batch: int = 5, training: bool = True, limit: float = LIMIT) -> None:
    """Compare the outputs of the network, of all layers in inference mode, loss and gradients."""
    losses: list[Loss] = [MeanSquaredError()] * len(network.outputs)
    inputs, targets = pixels(network, batch), targets_of(network, losses, batch)
    mine, other = both_engines(network, losses=losses)
    assert_close(mine.weights, other.weights, 0)
    assert_close(outputs(mine, inputs, training), outputs(other, inputs, training), limit)
    assert_close(mine.activations(inputs), other.activations(inputs), limit)
    loss, gradients = mine.gradients(inputs, targets, training=training)
    other_loss, other_gradients = other.gradients(inputs, targets, training=training)
    assert loss == pytest.approx(other_loss, rel=limit)
    assert_close(gradients, other_gradients, limit)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer(name: str) -> None:
    """In training mode without dropout, whose masks differ between engines."""
    assert_engines_agree(NETWORKS[name], training=name not in ("dropout", "noise"))


@pytest.mark.parametrize("name", ["bn dense", "bn plain", "many"])
def test_batch_of_one(name: str) -> None:
    assert_engines_agree(NETWORKS[name], batch=1)


def test_local_response_normalization_of_many_channels() -> None:
    assert_engines_agree(chain((2, 3, 2), Conv2D(135, 1), LocalResponseNormalization(radius=3, alpha=0.3, k=1.5)))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation: str) -> None:
    """Over maps, over rows, and before a pooling layer."""
    layers = [Conv2D(4, 2, activation=activation), MaxPool2D(2, padding="same"), Flatten()]
    assert_engines_agree(chain((5, 6, 2), *layers, Dense(5, activation=activation)))


@torch_rule(ScaleByExp)
def scale_by_exp(layer: ScaleByExp, weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """y = x · exp(factor); a rule receives channels last."""
    assert x.shape[-1] == len(weights["factor"])
    return x * weights["factor"].exp()


def test_custom_layer() -> None:
    """With a rule for each engine: over maps, over rows, and as a shared layer."""
    twice = ScaleByExp()
    image = Input((4, 5, 2))
    maps = twice(Conv2D(3, 2, activation="tanh")(twice(Conv2D(3, 1)(Rescale()(image)))))
    assert_engines_agree(Network(image, Dense(3, activation="softmax")(ScaleByExp()(Flatten()(maps)))))


@pytest.mark.parametrize("name", ["lenet parts", "graph", "many", "depthwise", "lrn", "bn dense", "dropout"])
@pytest.mark.usefixtures("each_engine")
def test_numerical_gradients(name: str) -> None:
    """Of smooth networks, by differences of the same engine's losses, for every tenth number."""
    network = NETWORKS[name]
    losses: list[Loss] = [MeanSquaredError()] * len(network.outputs)
    inputs, targets = pixels(network, 3), targets_of(network, losses, 3)
    weights = perturbed_weights(network, by=0.1)
    engine = engine_of(network, weights=weights, losses=losses)
    _, gradients = engine.gradients(inputs, targets)

    def loss(numbers: Array) -> float:
        flat = weights[key].reshape(-1).copy()
        flat[::10] = numbers
        engine.weights = {**weights, key: flat.reshape(weights[key].shape)}
        return engine.gradients(inputs, targets)[0]

    for key, gradient in gradients.items():
        slopes = numerical_gradient(loss, weights[key].reshape(-1)[::10].copy(), step=1e-3)
        np.testing.assert_allclose(gradient.reshape(-1)[::10], slopes, rtol=1e-6, atol=1e-9, err_msg=key)


def small_network() -> Network:
    """Convolution, batch normalization and penalties, with odd sizes."""
    return Network.sequential(
        [
            Input((7, 5, 3)),
            Rescale(1 / 128, -1.0),
            Conv2D(5, (3, 2), strides=(1, 2), padding="same", kernel_regularizer=L1L2(1e-3, 1e-2)),
            BatchNormalization(momentum=0.8),
            Conv2D(4, 3, padding="same", activation="tanh", bias_regularizer=L2(0.1)),
            MaxPool2D(2, padding="same"),
            Flatten(),
            Dense(3, activation="softmax", kernel_regularizer=L1(1e-3)),
        ]
    )


OPTIMIZERS: list[Optimizer] = [
    SGD(),
    SGD(weight_decay=0.1),
    SGD(momentum=0.9),
    SGD(momentum=0.9, nesterov=True, weight_decay=0.1),
    AdaGrad(),
    RMSprop(),
    Adam(),
    AdamW(weight_decay=0.1),
    Adam(amsgrad=True, weight_decay=0.1),
    RMSprop(momentum=0.8, centered=True, epsilon=1e-3, weight_decay=0.1),
    Adadelta(learning_rate=1.0, epsilon=1e-4),
    Nadam(weight_decay=0.1),
    Adamax(),
]
LIMITS: list[dict[str, float]] = [{}, {"global_clipnorm": 0.05, "ema_decay": 0.6}]


def train(engine: Engine, loss: Loss, steps: range, batch: int = 6) -> list[float]:
    """Return the loss of each step; the batches depend on the step only."""
    network = engine.network
    targets = targets_of(network, [loss], batch)
    return [
        engine.train_step(pixels(network, batch, step), targets, learning_rate=0.01 / (1 + step), step=step).loss
        for step in steps
    ]


@pytest.mark.parametrize("limits", LIMITS, ids=["plain", "clipped and averaged"])
@pytest.mark.parametrize("loss", SOFT, ids=["cross-entropy", "weighted and smoothed", "squares"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_every_optimizer_with_every_loss(optimizer: Optimizer, loss: Loss, limits: dict[str, float]) -> None:
    """Four steps: losses, weights, moving statistics, slots, averages."""
    engines = both_engines(small_network())
    results = []
    for engine in engines:
        engine.compile(TrainingSettings(optimizer, [loss], **limits))  # type: ignore[arg-type]
        results.append(train(engine, loss, range(4)))
    assert results[0] == pytest.approx(results[1], rel=LIMIT)
    assert_close(engines[0].weights, engines[1].weights)
    assert_close(engines[0].slots, engines[1].slots, 1e-7)
    with engines[0].averaged(), engines[1].averaged():
        assert_close(engines[0].weights, engines[1].weights)


LOSSES: list[tuple[Loss, str]] = [
    (SparseCategoricalCrossentropy(), "softmax"),
    *((KLDivergence(), end) for end in ("softmax", "log_softmax", "linear", "sigmoid")),
    *((CategoricalFocalCrossentropy(), end) for end in ("softmax", "softmin", "log_softmax", "linear")),
    (CategoricalFocalCrossentropy((0.1, 0.5, 1.0), gamma=0.5, label_smoothing=0.1), "softmax"),
    (CategoricalFocalCrossentropy(gamma=0), "softmax"),
    *((BinaryCrossentropy(label_smoothing=0.2), end) for end in ("sigmoid", "linear")),
    *((BinaryFocalCrossentropy(True, gamma=gamma), end) for end in ("sigmoid", "linear") for gamma in (0, 1.5)),
    (MeanAbsoluteError(), "linear"),
    (MeanAbsolutePercentageError(), "linear"),
    (MeanSquaredLogarithmicError(), "softplus"),
    (Huber(0.3), "linear"),
    (LogCosh(), "linear"),
    (Poisson(), "softplus"),
    (Hinge(), "tanh"),
    (SquaredHinge(), "linear"),
    (CategoricalHinge(), "linear"),
    (CosineSimilarity(), "linear"),
]


@pytest.mark.parametrize(("loss", "activation"), LOSSES, ids=str)
def test_every_loss(loss: Loss, activation: str) -> None:
    """Loss and gradients of each sample of rows; gradients by differences are checked in test_engine_losses_keras."""
    network = Network.sequential([Input((5,)), Rescale(1 / 128, -1), Dense(3, activation=activation)])
    mine, other = both_engines(network, losses=[loss])
    targets = targets_of(network, [loss], 6)
    if loss.target_kind == "signs":
        targets = [np.round(targets[0])]
    value, gradients = mine.gradients(pixels(network, 6), targets)
    other_value, other_gradients = other.gradients(pixels(network, 6), targets)
    assert value == pytest.approx(other_value, rel=LIMIT)
    assert_close(gradients, other_gradients)
    output = mine.forward(pixels(network, 6))[0]
    assert loss_sum(loss, output, targets[0], output_forms(network)[0]) / 6 == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("loss", [BinaryCrossentropy(), MeanAbsoluteError(), CosineSimilarity()], ids=str)
def test_losses_of_maps(loss: Loss) -> None:
    network = chain((4, 5, 2), Conv2D(3, 2, activation="sigmoid"))
    targets = targets_of(network, [loss], 3)
    mine, other = (engine.gradients(pixels(network, 3), targets) for engine in both_engines(network, losses=[loss]))
    assert mine[0] == pytest.approx(other[0], rel=LIMIT)
    assert_close(mine[1], other[1])


WEIGHTED: list[tuple[Loss, str]] = [
    (CategoricalCrossentropy(), "softmax"),
    (CategoricalCrossentropy(label_smoothing=0.2, class_weights=(0.5, 2.0, 1.0)), "softmax"),
    (CategoricalCrossentropy(), "linear"),
    (BinaryCrossentropy(), "sigmoid"),
    (BinaryCrossentropy(), "linear"),
    (CategoricalFocalCrossentropy(), "softmax"),
    (Huber(), "linear"),
]


@pytest.mark.parametrize(("loss", "activation"), WEIGHTED, ids=str)
def test_sample_weights_and_loss_weights(loss: Loss, activation: str) -> None:
    """The weighted loss and gradients are the weighted means of those of single samples, the sum divided by N."""
    x = Input((5,))
    network = Network(x, [Dense(3, activation=activation)(Rescale(1 / 128, -1)(x)), Dense(2)(x)])
    losses: list[Loss] = [loss, MeanSquaredError()]
    inputs, targets = pixels(network, 6), targets_of(network, losses, 6)
    first, second = np.array([0.5, 2.0, 0.0, 1.0, 3.0, 1.5]), np.array([1.0, 0.0, 2.0, 1.0, 1.0, 4.0])
    weights = perturbed_weights(network, by=0.1)
    values = []
    for name in ENGINES:
        engine = engine_of(network, weights=weights, engine=name, losses=losses)
        engine.compile(TrainingSettings(SGD(), losses, loss_weights=(0.3, -2.0)))
        value, gradients = engine.gradients(inputs, targets, sample_weights=[first, second])
        expected, expected_gradients = 0.0, dict.fromkeys(gradients, np.zeros(()))
        for output, (factor, chosen) in enumerate([(0.3, first), (-2.0, second)]):
            engine.compile(TrainingSettings(SGD(), losses, loss_weights=[float(i == output) for i in range(2)]))
            for n in range(6):
                part = engine.gradients([a[n : n + 1] for a in inputs], [t[n : n + 1] for t in targets])
                expected += factor * chosen[n] * part[0] / 6
                for key, slope in part[1].items():
                    expected_gradients[key] = expected_gradients[key] + factor * chosen[n] * slope / 6
        assert value == pytest.approx(expected, rel=LIMIT)
        assert_close(gradients, expected_gradients)
        engine.compile(TrainingSettings(SGD(), losses))
        ones = engine.gradients(inputs, targets, sample_weights=[np.ones(6), None])
        assert ones[0] == pytest.approx(engine.gradients(inputs, targets)[0], rel=LIMIT)
        values.append(engine.train_step(inputs, targets, learning_rate=0.1, step=0, sample_weights=[first, None]).loss)
    assert values[0] == pytest.approx(values[1], rel=LIMIT)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_binary_crossentropy(activation: str) -> None:
    network = Network.sequential([Input((5,)), Rescale(), Dense(4, activation=activation)])
    losses = [
        train(engine, BinaryCrossentropy(), range(3)) for engine in both_engines(network, losses=[BinaryCrossentropy()])
    ]
    assert losses[0] == pytest.approx(losses[1], rel=LIMIT)


def test_lion() -> None:
    """Its steps are signs, which are noise for parameters without gradient, as a bias before batch normalization."""
    network = chain((4, 5, 2), Conv2D(3, 2, activation="tanh"), Flatten(), Dense(3, activation="softmax"))
    engines = both_engines(network)
    for engine in engines:
        engine.compile(TrainingSettings(Lion(weight_decay=0.1), [CategoricalCrossentropy()]))
        train(engine, CategoricalCrossentropy(), range(4))
    assert_close(engines[0].weights, engines[1].weights)
    assert_close(engines[0].slots, engines[1].slots)


@pytest.mark.parametrize(("first", "second"), list(product(ENGINES, ENGINES)))
@pytest.mark.parametrize("limits", LIMITS, ids=["plain", "clipped and averaged"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_training_continues_in_another_engine(
    optimizer: Optimizer, limits: dict[str, float], first: str, second: str
) -> None:
    """Three steps, transferred weights and slots, and three more steps equal six steps in one engine."""
    network, loss = small_network(), CategoricalCrossentropy()

    def trained(engine: str, steps: range, before: Engine | None = None) -> Engine:
        weights = before.weights if before else perturbed_weights(network, by=0.1)
        made = engine_of(network, weights=weights, engine=engine)
        made.compile(TrainingSettings(optimizer, [loss], **limits))  # type: ignore[arg-type]
        made.slots = before.slots if before else {}
        train(made, loss, steps)
        return made

    uninterrupted = trained(first, range(6))
    parts = trained(second, range(3, 6), trained(first, range(3)))
    assert_close(parts.weights, uninterrupted.weights, 1e-8)
    assert_close(parts.slots, uninterrupted.slots, 1e-6)
