"""Layers and activations compared with their definitions, which are written out here."""

from collections.abc import Callable
from math import erf, exp, log, pi, sqrt, tanh

import numpy as np
import pytest

from striate._types import Array
from striate.engines.numpy.layers.activation import FUNCTIONS
from striate.network import (
    ACTIVATIONS,
    Activation,
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Flatten,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    Input,
    Layer,
    Multiply,
    Network,
    Rescale,
    SelectChannels,
    ZeroPadding2D,
)

from .networks import engine_of

pytestmark = pytest.mark.usefixtures("each_engine")

X = np.random.default_rng(0).standard_normal((3, 4, 5, 2))
OTHER = np.random.default_rng(1).standard_normal((3, 4, 5, 2))

DEFINITIONS: dict[str, Callable[[float], float]] = {
    "linear": lambda x: x,
    "relu": lambda x: max(x, 0),
    "relu6": lambda x: min(max(x, 0), 6),
    "leaky_relu": lambda x: x if x > 0 else 0.2 * x,
    "elu": lambda x: x if x > 0 else exp(x) - 1,
    "selu": lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * (exp(x) - 1)),
    "gelu_tanh": lambda x: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))),
    "gelu_exact": lambda x: x / 2 * (1 + erf(x / sqrt(2))),
    "mish": lambda x: x * tanh(log(1 + exp(x))),
    "softplus": lambda x: log(1 + exp(x)),
    "silu": lambda x: x / (1 + exp(-x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "exponential": exp,
    "sigmoid": lambda x: 1 / (1 + exp(-x)),
    "log_sigmoid": lambda x: -log(1 + exp(-x)),
    "hard_tanh": lambda x: min(max(x, -1), 1),
    "leaky_relu(negative_slope=0.1)": lambda x: x if x > 0 else 0.1 * x,
    "elu(alpha=0.5)": lambda x: x if x > 0 else 0.5 * (exp(x) - 1),
    "relu(max_value=4.0)": lambda x: min(max(x, 0), 4),
    "relu(max_value=4.0, negative_slope=0.5, threshold=1.0)": lambda x: min(x, 4) if x >= 1 else 0.5 * (x - 1),
    "hard_sigmoid": lambda x: 0 if x < -3 else 1 if x > 3 else x / 6 + 0.5,
    "hard_swish": lambda x: x * (0 if x < -3 else 1 if x > 3 else x / 6 + 0.5),
    "tanh": tanh,
    "scaled_tanh": lambda x: 1.7159 * tanh(2 * x / 3),
}


def run(layer: Layer, *inputs: Array) -> Array:
    """Return the output of one layer in float64."""
    layers = [Input(x.shape[1:], name=f"input {i}") for i, x in enumerate(inputs)]
    return engine_of(Network(layers, layer(*layers)), weights={}).forward(inputs)[0]


@pytest.mark.parametrize("name", DEFINITIONS)
def test_activations(name: str) -> None:
    numbers = [-8.0, -4.0, -3.0, -2.5, -1.0, -0.1, 0.0, 0.1, 1.0, 2.5, 3.0, 4.0, 6.0, 8.0]
    y = run(Activation(name), np.array([numbers]))
    np.testing.assert_allclose(y[0], [DEFINITIONS[name](x) for x in numbers], rtol=1e-12, atol=1e-15)


def test_every_activation_has_a_rule_and_a_test() -> None:
    assert set(FUNCTIONS) == set(ACTIVATIONS)
    plain = {name for name in DEFINITIONS if "(" not in name}
    assert plain | {"softmax", "softmin", "log_softmax"} == set(ACTIVATIONS)


def test_gelu_is_close_to_its_exact_form() -> None:
    numbers = np.linspace(-5, 5, 41)
    exact = [x / 2 * (1 + erf(x / sqrt(2))) for x in numbers]
    np.testing.assert_allclose(run(Activation("gelu_tanh"), numbers[None])[0], exact, atol=5e-4)


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"exponential"}))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_of_very_large_numbers(name: str, dtype: str) -> None:
    """No overflow and no NaN, forward and backward; warnings are errors."""
    network = Network.sequential([Input((4,)), Activation("linear"), Activation(name)])
    x = np.array([[-1e4, 1e4, 0, 88], [-1e4, -1e4, -1e4, 1e4]])
    assert np.isfinite(engine_of(network, weights={}, dtype=dtype).forward([x])[0]).all()
    maps = Network.sequential([Input((1, 2, 2)), Conv2D(2, 1, activation=name, name="c"), Flatten()])
    weights = {"c/kernel": np.eye(2)[None, None], "c/bias": np.zeros(2)}
    engine = engine_of(maps, weights=weights, dtype=dtype)
    _, gradients = engine.gradients([x.reshape(2, 1, 2, 2)], [np.zeros((2, 4))])
    assert all(np.isfinite(gradient).all() for gradient in gradients.values())


@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax"])
def test_activations_over_channels(name: str) -> None:
    """At each pixel separately."""
    sign = -1 if name == "softmin" else 1
    expected = X * sign - np.log(np.exp(sign * X).sum(axis=-1, keepdims=True))
    expected = expected if name == "log_softmax" else np.exp(expected)
    np.testing.assert_allclose(run(Activation(name), X), expected, rtol=1e-11, atol=1e-13)


def test_rescale() -> None:
    np.testing.assert_allclose(run(Rescale(2.0, -1.0), X), X * 2 - 1, rtol=1e-14)
    np.testing.assert_allclose(run(Rescale((2.0, 3.0), (0.5, -1.0)), X), X * [2, 3] + [0.5, -1], rtol=1e-13)
    np.testing.assert_allclose(run(Rescale(), np.array([[255.0, 51.0]])), [[1, 0.2]], rtol=1e-14)


def test_zero_padding() -> None:
    expected = np.pad(X, ((0, 0), (1, 0), (0, 3), (0, 0)))
    np.testing.assert_array_equal(run(ZeroPadding2D(((1, 0), (0, 3))), X), expected)


def test_add_and_concatenate() -> None:
    np.testing.assert_allclose(run(Add(), X, OTHER, X), X + OTHER + X, rtol=1e-14)
    np.testing.assert_array_equal(run(SelectChannels((1, 0, 1)), X), X[..., [1, 0, 1]])
    row = OTHER[:, 0, 0]
    product = X * row[:, None, None] * OTHER
    np.testing.assert_allclose(run(Multiply(), X, row, OTHER), product, rtol=0, atol=1e-14)
    np.testing.assert_allclose(run(Multiply(), row, row), row**2, rtol=1e-14)
    np.testing.assert_array_equal(run(Concatenate(), X, OTHER), np.concatenate([X, OTHER], axis=3))
    np.testing.assert_array_equal(
        run(Concatenate(), X[:, 0, 0], OTHER[:, 0, 0, :1]), np.hstack([X[:, 0, 0], OTHER[:, 0, 0, :1]])
    )


def test_global_pooling_and_flatten() -> None:
    np.testing.assert_allclose(run(GlobalAveragePool2D(), X), X.mean(axis=(1, 2)), rtol=1e-12)
    np.testing.assert_array_equal(run(GlobalMaxPool2D(), X), X.max(axis=(1, 2)))
    np.testing.assert_array_equal(run(Flatten(), X), X.reshape(3, 40))
    np.testing.assert_array_equal(run(Flatten(), X[:, 0, 0]), X[:, 0, 0])


def test_global_max_pooling_ties_go_to_the_first() -> None:
    network = Network.sequential([Input((2, 2, 1)), Conv2D(1, 1, use_bias=False, name="c"), GlobalMaxPool2D()])
    image = np.array([[5.0, 7.0], [7.0, 7.0]])[None, :, :, None]
    _, gradients = engine_of(network, weights={"c/kernel": np.ones((1, 1, 1, 1))}).gradients(
        [image], [np.zeros((1, 1))]
    )
    assert gradients["c/kernel"].item() == 2 * 7 * 7


def test_unconnected_weights_have_no_effect() -> None:
    """Weights outside the table change neither output nor gradient."""
    network = Network.sequential([Input((4, 5, 2)), Conv2D(2, 3, connections=((0,), (0, 1)), name="c"), Flatten()])
    kernel = np.random.default_rng(2).standard_normal((3, 3, 2, 2))
    weights = {"c/kernel": kernel, "c/bias": np.zeros(2)}
    first = engine_of(network, weights=weights)
    y = first.forward([X])[0]
    _, gradients = first.gradients([X], [np.zeros(y.shape)])
    assert not gradients["c/kernel"][:, :, 1, 0].any()
    assert gradients["c/kernel"][:, :, 0, 0].all()
    kernel[:, :, 1, 0] = 1e6
    np.testing.assert_array_equal(engine_of(network, weights=weights).forward([X])[0], y)


def test_batch_normalization_without_center_and_scale() -> None:
    layer = BatchNormalization(center=False, scale=False, epsilon=1e-3, name="n")
    weights = {"n/moving_mean": np.array([1.0, 2.0]), "n/moving_variance": np.array([4.0, 9.0])}
    engine = engine_of(Network.sequential([Input((4, 5, 2)), layer]), weights=weights)
    expected = (X - [1, 2]) / np.sqrt(np.array([4, 9]) + 1e-3)
    np.testing.assert_allclose(engine.forward([X])[0], expected, rtol=1e-12, atol=1e-14)
