"""Backpropagation compared with numerical gradients, and the check itself tested with deliberate errors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from striate._types import Array
from striate.engines.gradcheck import GradientCheck, check_gradients, numerical_gradient
from striate.engines.losses import BinaryCrossentropy, CategoricalCrossentropy, Loss, MeanSquaredError
from striate.engines.numpy import LayerContext, LayerRule, losses, planner, rule
from striate.engines.numpy.layers import (
    activation,
    convolution,
    dense,
    depthwise,
    dropout,
    merging,
    normalization,
    pooling,
)
from striate.engines.numpy.layers.winograd import WinogradRule
from striate.engines.numpy.parameters import Penalties
from striate.network import (
    ACTIVATIONS,
    L1,
    L1L2,
    L2,
    Activation,
    Conv2D,
    Dense,
    Flatten,
    Input,
    Layer,
    MaxPool2D,
    Network,
    Ones,
    Parameter,
    Rescale,
    Shape,
    register_layer,
)
from striate.zoo.registry import network as zoo_network

from .networks import NETWORKS, chain

LIMIT = 1e-7


def assert_gradients_correct(rows: list[GradientCheck], network: Network, least: float = 0.8) -> None:
    """Assert that every trainable parameter was checked, most numbers could be, and all of those are correct."""
    assert [row.parameter for row in rows] == [p.name for p in network.parameters if p.trainable]
    assert max(row.max_error for row in rows) <= LIMIT, rows
    assert min(row.checked for row in rows) > 0, rows
    checked, left = sum(row.checked for row in rows), sum(row.skipped for row in rows)
    assert checked >= least * (checked + left), rows


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer(name: str) -> None:
    assert_gradients_correct(check_gradients(NETWORKS[name], batch=3, samples=10), NETWORKS[name])


@pytest.mark.parametrize("name", ["conv bn relu pool", "winograd pool", "graph", "many", "dropout", "lrn"])
def test_batch_of_two_shards(name: str) -> None:
    """60 images form two shards."""
    assert_gradients_correct(check_gradients(NETWORKS[name], batch=60, samples=5), NETWORKS[name], least=0.4)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation: str) -> None:
    """Over maps, over rows, and before a pooling layer that can be fused with it."""
    network = chain(
        (5, 6, 2),
        Conv2D(4, 2, activation=activation),
        Conv2D(3, 2, activation=activation),
        MaxPool2D(2, padding="same"),
        Flatten(),
        Dense(5, activation=activation),
    )
    assert_gradients_correct(check_gradients(network, batch=3, samples=12), network)


def row_of(activation: str = "linear", **last: Any) -> Network:
    layers = [Input((5,)), Rescale(1 / 128, -1), Dense(4, activation="tanh"), Dense(3, activation=activation, **last)]
    return Network.sequential(layers)


LOGARITHMIC: list[Loss] = [
    CategoricalCrossentropy(),
    CategoricalCrossentropy(label_smoothing=0.1),
    BinaryCrossentropy(),
]
ENDS = [(loss, end) for loss in LOGARITHMIC for end in ("softmax", "softmin", "sigmoid")]
ENDS += [(loss, "linear") for loss in LOGARITHMIC] + [(loss, "log_softmax") for loss in LOGARITHMIC[:2]]
ENDS += [(MeanSquaredError(), end) for end in ("softmax", "softmin", "sigmoid", "linear", "log_softmax")]


@pytest.mark.parametrize(("loss", "activation"), ENDS, ids=str)
def test_every_loss_with_every_output_activation(loss: Loss, activation: str) -> None:
    """Including pairs whose gradients do not pass directly through the activation."""
    network = row_of(activation)
    assert_gradients_correct(check_gradients(network, losses=[loss], batch=5), network)


@pytest.mark.parametrize("regularizer", [L1(0.1), L2(0.2), L1L2(0.1, 0.2)], ids=str)
def test_penalties(regularizer: Any) -> None:
    network = row_of("softmax", kernel_regularizer=regularizer, bias_regularizer=L2(0.3))
    assert_gradients_correct(check_gradients(network), network)


@register_layer
@dataclass(frozen=True)
class ScaleByExp(Layer):
    """y = x · exp(factor), a factor for each channel: a custom layer."""

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        return (Parameter("factor", inputs[0][-1:], Ones()),)


@rule(ScaleByExp)
class ScaleByExpRule(LayerRule[ScaleByExp, Array]):
    """The state is y."""

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, Array]:
        y = x * np.exp(context.weights["factor"])
        return y, y

    def backward(self, context: LayerContext, y: Array, dy: Array) -> tuple[Array]:
        context.gradients["factor"][...] = (dy * y).sum(axis=tuple(range(dy.ndim - 1)))
        return (dy * np.exp(context.weights["factor"]),)


def test_custom_layer() -> None:
    """Over maps and over rows, and also as a shared layer."""
    twice = ScaleByExp()
    network = chain((4, 5, 2), Conv2D(3, 2, activation="tanh"), ScaleByExp(), twice, Flatten(), Dense(4), ScaleByExp())
    assert_gradients_correct(check_gradients(network), network)
    image = Input((4,))
    shared = Network(image, Dense(2, activation="softmax")(twice(Activation("tanh")(twice(Rescale()(image))))))
    assert_gradients_correct(check_gradients(shared), shared)


@pytest.mark.parametrize("name", ["simple-convnet", "lenet5", "lenet5-1998", "mlp", "mnist-quick"])
def test_networks_of_the_zoo(name: str) -> None:
    network = zoo_network(name)
    assert_gradients_correct(check_gradients(network, samples=6), network, least=0.5)


@pytest.mark.parametrize("name", ["mnist-cnn", "mnist-cnn-functional", "mnist-best"])
def test_larger_networks_of_the_zoo(name: str) -> None:
    network = zoo_network(name, input_shape=(13, 12, 1))
    assert_gradients_correct(check_gradients(network, batch=3, samples=4), network, least=0.6)


def test_numerical_gradient() -> None:
    """Exact for polynomials up to degree four, and x is unchanged."""
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    before = x.copy()
    gradient = numerical_gradient(lambda a: float((a**4).sum() + a[0, 0] * a[1, 1]), x, step=1e-2)
    np.testing.assert_allclose(gradient, 4 * x**3 + [[3, 0], [0, 1]], rtol=1e-12)
    np.testing.assert_array_equal(x, before)


def test_numerical_gradient_has_order_four() -> None:
    """Half the step gives a sixteenth of the error."""
    x = np.array([0.3])
    coarse, fine = (numerical_gradient(lambda a: float(np.exp(a[0])), x, step=h)[0] for h in (0.2, 0.1))
    assert (coarse - np.exp(0.3)) / (fine - np.exp(0.3)) == pytest.approx(16, rel=0.05)


@register_layer
@dataclass(frozen=True)
class Sawtooth(ScaleByExp):
    """y = x · sawtooth(factor), with a period of one ten-millionth."""


@rule(Sawtooth)
class SawtoothRule(LayerRule[Sawtooth, Array]):
    """The slope is 1 almost everywhere, but no step is smaller than a period. The state is x."""

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, Array]:
        scaled_gradient = context.weights["factor"]
        return x * (scaled_gradient + np.abs(scaled_gradient * 1e7 % 2 - 1)), x

    def backward(self, context: LayerContext, x: Array, dy: Array) -> tuple[Array]:
        context.gradients["factor"][...] = (dy * x).sum(axis=0)
        return (dy,)


def test_numbers_at_kinks_are_counted_and_skipped() -> None:
    assert check_gradients(Network.sequential([Input((6,)), Rescale(), Sawtooth(name="rough")])) == [
        GradientCheck("rough/factor", checked=0, skipped=6, max_error=0.0)
    ]


def test_samples_and_seed() -> None:
    """No more numbers than requested; the same seed gives the same errors, another seed different ones."""
    rows = check_gradients(row_of("softmax"), samples=3)
    assert [row.checked + row.skipped for row in rows] == [3] * 4
    assert rows == check_gradients(row_of("softmax"), samples=3)
    assert rows != check_gradients(row_of("softmax"), samples=3, seed=1)


ErrorPlanter = Callable[[pytest.MonkeyPatch], None]


def scaled_gradient(owner: type[LayerRule[Any, Any]]) -> ErrorPlanter:
    """The gradient of a rule's input is one thousandth too large."""

    def plant_error(patch: pytest.MonkeyPatch) -> None:
        right: Any = owner.backward

        def wrong(self: LayerRule[Any, Any], context: LayerContext, state: Any, dy: Array) -> list[Any]:
            return [None if dx is None else 1.001 * dx for dx in right(self, context, state, dy)]

        patch.setattr(owner, "backward", wrong)

    return plant_error


def missing_activation_gradient(patch: pytest.MonkeyPatch) -> None:
    """The derivative of tanh is omitted."""
    patch.setitem(activation.FUNCTIONS, "tanh", activation.FUNCTIONS["tanh"]._replace(backward=lambda dy, y, out: dy))


def constant_relu_gradient(patch: pytest.MonkeyPatch) -> None:
    """A relu that passes gradients where it is 0."""
    patch.setitem(activation.FUNCTIONS, "relu", activation.FUNCTIONS["relu"]._replace(backward=lambda dy, y, out: dy))


def half_bias_gradient(patch: pytest.MonkeyPatch) -> None:
    """The bias of a convolution gets half of its gradient."""
    right = convolution.BiasRule.backward

    def wrong(self: convolution.BiasRule, context: LayerContext, state: None, dy: Array) -> Any:
        dx = right(self, context, state, dy)
        context.gradients["bias"] /= 2
        return dx

    patch.setattr(convolution.BiasRule, "backward", wrong)


def missing_variance_gradient(patch: pytest.MonkeyPatch) -> None:
    """Batch normalization as if its variance did not depend on the input."""
    right: Any = normalization.batch_norm_backward
    patch.setattr(
        normalization,
        "batch_norm_backward",
        lambda dy, state, dbeta, dgamma, *others: right(dy, state, dbeta, 0 * dgamma, *others),
    )


def missing_shared_use(patch: pytest.MonkeyPatch) -> None:
    """Only the first use of a layer used three times contributes."""
    patch.setattr(planner._Planner, "_mark_repeats", lambda self: self.operations)


def missing_penalty_gradient(patch: pytest.MonkeyPatch) -> None:
    """The penalties have a value but no gradient."""
    patch.setattr(Penalties, "add_gradients", lambda self, gradients: None)


def sum_instead_of_mean(patch: pytest.MonkeyPatch) -> None:
    """The loss's gradient is that of the sum instead of the mean."""
    right = losses.differentiate

    def wrong(loss: Loss, p: Array, targets: Array, count: int, **settings: Any) -> Any:
        return right(loss, p, targets, 1, **settings)

    patch.setattr(losses, "differentiate", wrong)


DELIBERATE_ERRORS: list[tuple[str, ErrorPlanter]] = [
    ("conv dilated", scaled_gradient(convolution.ConvolutionRule)),
    ("winograd", scaled_gradient(WinogradRule)),
    ("winograd pool", scaled_gradient(pooling.CellMaxPoolRule)),
    ("depthwise", scaled_gradient(depthwise.DepthwiseRule)),
    ("max pool", scaled_gradient(pooling.MaxPoolRule)),
    ("average pool", scaled_gradient(pooling.AveragePoolRule)),
    ("global average", scaled_gradient(pooling.GlobalAveragePoolRule)),
    ("lenet parts", scaled_gradient(pooling.SubsampleRule)),
    ("lenet parts", scaled_gradient(dense.RadialBasisRule)),
    ("lrn", scaled_gradient(normalization.LocalResponseRule)),
    ("conv valid", scaled_gradient(dense.DenseRule)),
    ("graph", scaled_gradient(merging.AddRule)),
    ("graph", scaled_gradient(merging.ConcatenateRule)),
    ("dropout", scaled_gradient(dropout.DropoutRule)),
    ("dropout", missing_activation_gradient),
    ("conv bn relu pool", constant_relu_gradient),
    ("conv valid", half_bias_gradient),
    ("conv bn relu pool", missing_variance_gradient),
    ("graph", missing_shared_use),
    ("penalties", missing_penalty_gradient),
    ("lrn", sum_instead_of_mean),
]


@pytest.mark.parametrize(("name", "plant_error"), DELIBERATE_ERRORS)
def test_deliberate_errors_are_detected(name: str, plant_error: ErrorPlanter, monkeypatch: pytest.MonkeyPatch) -> None:
    network = row_of("softmax", kernel_regularizer=L2(0.1)) if name == "penalties" else NETWORKS[name]
    assert max(row.max_error for row in check_gradients(network, batch=3)) <= LIMIT
    plant_error(monkeypatch)
    assert max(row.max_error for row in check_gradients(network, batch=3)) > 1e-4
