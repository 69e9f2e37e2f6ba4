"""Losses compared with SciPy and hand-computed values; logits of any size give finite numbers."""

from typing import Any

import numpy as np
import pytest
from scipy.special import expit, log_softmax, logsumexp, softmax  # type: ignore[import-untyped]

from striate._types import Array
from striate.engines.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Loss,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
    get_loss,
)
from striate.errors import UsageError
from striate.network import Activation, Dense, Input, Network
from striate.training.metrics import loss_sum

from . import loops
from .networks import engine_of

pytestmark = pytest.mark.usefixtures("each_engine")


def activation_network(activation: str, units: int = 4, **settings: Any) -> Any:
    """Return a network that only applies an activation to its input; its weights are the identity."""
    network = Network.sequential([Input((units,)), Dense(units, name="d"), Activation(activation)])
    weights = {"d/kernel": np.eye(units), "d/bias": np.zeros(units)}
    return engine_of(network, weights=weights, **settings)


def loss_of(activation: str, loss: Loss, x: Array, t: Array, dtype: str = "float64") -> tuple[float, Array]:
    """Return the loss and the gradient of the bias, which is the sum over the batch of the loss's gradient."""
    engine = activation_network(activation, x.shape[1], losses=[loss], dtype=dtype)
    value, gradients = engine.gradients([x], [t])
    return value, gradients["d/bias"]


LOGITS = np.random.default_rng(0).standard_normal((6, 4)) * 3
CLASSES = np.array([0, 3, 1, 1, 2, 0])
ONE_HOT = np.eye(4)[CLASSES]


def test_categorical_crossentropy() -> None:
    expected = -log_softmax(LOGITS, axis=1)[np.arange(6), CLASSES].mean()
    slope = (softmax(LOGITS, axis=1) - ONE_HOT).sum(axis=0) / 6
    for targets in (CLASSES, CLASSES.astype("uint8"), ONE_HOT, ONE_HOT.astype("uint8"), ONE_HOT.astype(bool)):
        value, gradient = loss_of("softmax", CategoricalCrossentropy(), LOGITS, targets)
        assert value == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(gradient, slope, rtol=1e-10, atol=1e-12)


def test_softmax_with_loss_equals_loops() -> None:
    value, gradient = loss_of("softmax", CategoricalCrossentropy(), LOGITS, CLASSES)
    assert value == pytest.approx(loops.softmax_cross_entropy(LOGITS, CLASSES), rel=1e-12)
    slope = loops.softmax_cross_entropy_backward(LOGITS, CLASSES)
    np.testing.assert_allclose(gradient, slope.sum(axis=0), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(loops.softmax(LOGITS), softmax(LOGITS, axis=1), rtol=1e-12)
    assert loops.softmax_cross_entropy(np.array([[1000.0, 0.0]]), np.array([1])) == 1000


def test_softmin_is_softmax_of_the_negative() -> None:
    value, gradient = loss_of("softmin", CategoricalCrossentropy(), LOGITS, CLASSES)
    mirrored, mirrored_gradient = loss_of("softmax", CategoricalCrossentropy(), -LOGITS, CLASSES)
    assert value == pytest.approx(mirrored, rel=1e-12)
    np.testing.assert_allclose(gradient, -mirrored_gradient, rtol=1e-10, atol=1e-12)


def test_label_smoothing_equals_hand_computed_value() -> None:
    """Two classes, 0.2: the true one has target 0.9, the other 0.1. Log-probabilities are −log 4 and −log(4/3)."""
    x = np.log(np.array([[1.0, 3.0]]))
    value, gradient = loss_of("softmax", CategoricalCrossentropy(label_smoothing=0.2), x, np.array([0]))
    assert value == pytest.approx(0.9 * np.log(4) + 0.1 * np.log(4 / 3), rel=1e-12)
    np.testing.assert_allclose(gradient, [0.25 - 0.9, 0.75 - 0.1], rtol=1e-12)


def test_binary_crossentropy() -> None:
    targets = np.random.default_rng(1).random((6, 4))
    expected = (targets * np.logaddexp(0, -LOGITS) + (1 - targets) * np.logaddexp(0, LOGITS)).mean()
    value, gradient = loss_of("sigmoid", BinaryCrossentropy(), LOGITS, targets)
    assert value == pytest.approx(expected, rel=1e-10)
    np.testing.assert_allclose(gradient, (expit(LOGITS) - targets).sum(axis=0) / 24, rtol=1e-9, atol=1e-12)


def test_binary_crossentropy_of_one_output() -> None:
    """Targets (N,) and (N, 1) are equivalent; a probability of one half costs log 2."""
    for targets in (np.array([0, 1, 1]), np.array([[0], [1], [1]])):
        value, _ = loss_of("sigmoid", BinaryCrossentropy(), np.zeros((3, 1)), targets)
        assert value == pytest.approx(np.log(2), rel=1e-12)


def test_mean_squared_error_equals_hand_computed_value() -> None:
    x, t = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[0.0, 2.0], [1.0, 2.0]])
    value, gradient = loss_of("linear", MeanSquaredError(), x, t)
    assert value == (1 + 0 + 4 + 9) / 4
    np.testing.assert_allclose(gradient, [2 * (1 + 2) / 4, 2 * (0 + 3) / 4])


def test_mean_squared_error_of_maps() -> None:
    network = Network.sequential([Input((3, 4, 2)), Activation("linear")])
    generator = np.random.default_rng(0)
    x, t = generator.random((2, 5, 3, 4, 2))
    assert engine_of(network, weights={}).gradients([x], [t])[0] == pytest.approx(np.mean((x - t) ** 2), rel=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [50.0, 1e4, 1e30])
@pytest.mark.parametrize(
    ("activation", "loss"),
    [
        ("softmax", CategoricalCrossentropy()),
        ("softmin", CategoricalCrossentropy(label_smoothing=0.1)),
        ("sigmoid", CategoricalCrossentropy()),
        ("sigmoid", BinaryCrossentropy()),
        ("softmax", BinaryCrossentropy()),
        ("log_softmax", MeanSquaredError()),
    ],
    ids=str,
)
def test_extreme_logits_give_finite_numbers(activation: str, loss: Loss, size: float, dtype: str) -> None:
    """Confident and correct, confident and wrong, and undecided between two classes."""
    if isinstance(loss, MeanSquaredError) and size > 1e15:
        size = 1e15  # whose square is still finite in float32
    x = np.array([[1, -1, 0], [-1, 1, 0], [1, 1, -1]]) * size
    t: Array = np.array([0, 0, 2]) if isinstance(loss, CategoricalCrossentropy) else np.eye(3)
    value, gradient = loss_of(activation, loss, x, t, dtype)
    assert np.isfinite(value)
    assert value >= 0
    assert np.isfinite(gradient).all()


def test_gradient_of_a_confident_mistake_does_not_vanish() -> None:
    """The gradient through softmax or sigmoid stays large when the prediction is far off."""
    _, gradient = loss_of("softmax", CategoricalCrossentropy(), np.array([[1e4, -1e4]]), np.array([1]), "float32")
    np.testing.assert_array_equal(gradient, [1, -1])
    _, gradient = loss_of("sigmoid", BinaryCrossentropy(), np.array([[1e4]]), np.array([[0]]), "float32")
    np.testing.assert_array_equal(gradient, [1])


def test_loss_of_a_confident_mistake_is_bounded() -> None:
    """As large as the dtype allows if the loss receives only probabilities: −log of its smallest number."""
    x = np.array([[1e4, -1e4]])
    value, _ = loss_of("sigmoid", CategoricalCrossentropy(), x, np.array([1]), "float32")
    assert value == pytest.approx(-np.log(np.finfo("float32").tiny), rel=1e-6)
    value, _ = loss_of("softmax", BinaryCrossentropy(), x, np.array([[0, 0]]), "float32")
    assert value == pytest.approx(-np.log(np.finfo("float32").eps) / 2, rel=1e-3)


@pytest.mark.parametrize("activation", ["softmax", "softmin", "log_softmax"])
def test_activations_over_classes(activation: str) -> None:
    reference: dict[str, Array] = {
        "softmax": softmax(LOGITS, axis=1),
        "softmin": softmax(-LOGITS, axis=1),
        "log_softmax": LOGITS - logsumexp(LOGITS, axis=1, keepdims=True),
    }
    np.testing.assert_allclose(activation_network(activation).forward([LOGITS])[0], reference[activation], rtol=1e-11)


def test_losses_by_name() -> None:
    assert get_loss("sparse_categorical_crossentropy") == SparseCategoricalCrossentropy()
    assert get_loss("categorical_crossentropy", label_smoothing=0.1) == CategoricalCrossentropy(label_smoothing=0.1)
    with pytest.raises(UsageError, match=r"There is no loss 'maee'. Did you mean 'mae'\?"):
        get_loss("maee")


WEIGHTS = (0.5, 2.0, 0.0, 3.0)
MIXED = np.random.default_rng(2).dirichlet(np.ones(4), 6)


def weighted_loss(logits: Array, rows: Array, smoothing: float) -> Array:
    """Return the loss of each sample (N,), computed number by number."""
    values = []
    for x, t in zip(logits, rows, strict=True):
        logs = log_softmax(x)
        value = sum(-((1 - smoothing) * t[k] + smoothing / 4) * logs[k] for k in range(4))
        values.append(value * sum(t[k] * WEIGHTS[k] for k in range(4)))
    return np.array(values)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("targets", [CLASSES, ONE_HOT, MIXED], ids=["numbers", "one-hot", "mixed"])
@pytest.mark.parametrize("activation", ["softmax", "softmin", "sigmoid"])
def test_class_weights(activation: str, targets: Array, smoothing: float) -> None:
    """Value by loops, gradient by differences; the validation loss is the same."""
    loss = CategoricalCrossentropy(label_smoothing=smoothing, class_weights=WEIGHTS)
    rows = targets if targets.ndim == 2 else np.eye(4)[targets]
    value, gradient = loss_of(activation, loss, LOGITS, targets)
    if activation != "sigmoid":
        signed = LOGITS if activation == "softmax" else -LOGITS
        assert value == pytest.approx(weighted_loss(signed, rows, smoothing).mean(), rel=1e-12)
    for k in range(4):
        step = 1e-5 * np.eye(4)[k]
        slope = (
            loss_of(activation, loss, LOGITS + step, targets)[0] - loss_of(activation, loss, LOGITS - step, targets)[0]
        )
        assert gradient[k] == pytest.approx(slope / 2e-5, rel=1e-5, abs=1e-8)
    output = activation_network(activation).forward([LOGITS])[0]
    assert loss_sum(loss, output, targets) / 6 == pytest.approx(value, rel=1e-6)


def test_class_with_weight_zero_is_not_trained() -> None:
    value, gradient = loss_of(
        "softmax", CategoricalCrossentropy(label_smoothing=0.1, class_weights=WEIGHTS), LOGITS[:1], np.array([2])
    )
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_class_weights_out_of_range_raise(weight: float) -> None:
    with pytest.raises(UsageError, match=f"class_weights must be finite and 0 or more; received {weight}"):
        CategoricalCrossentropy(class_weights=(1.0, weight))
