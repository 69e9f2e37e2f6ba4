"""Backpropagation against numerical gradients; and the check itself against planted mistakes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from striate._types import Array
from striate.engines.gradcheck import Row, check_gradients, numerical_gradient
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


def assert_right(rows: list[Row], network: Network, least: float = 0.8) -> None:
    """Every trainable parameter is there, most numbers could be checked, and all of those are right."""
    assert [row.parameter for row in rows] == [p.name for p in network.parameters if p.trainable]
    assert max(row.worst for row in rows) <= LIMIT, rows
    assert min(row.checked for row in rows) > 0, rows
    checked, left = sum(row.checked for row in rows), sum(row.at_kinks for row in rows)
    assert checked >= least * (checked + left), rows


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer(name: str) -> None:
    assert_right(check_gradients(NETWORKS[name], batch=3, samples=10), NETWORKS[name])


@pytest.mark.parametrize("name", ["conv bn relu pool", "winograd pool", "graph", "many", "dropout", "lrn"])
def test_batch_in_shards(name: str) -> None:
    """60 images make two shards."""
    assert_right(check_gradients(NETWORKS[name], batch=60, samples=5), NETWORKS[name], least=0.4)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation: str) -> None:
    """Over maps, over rows, and before a pooling that takes it over where it may."""
    network = chain(
        (5, 6, 2),
        Conv2D(4, 2, activation=activation),
        Conv2D(3, 2, activation=activation),
        MaxPool2D(2, padding="same"),
        Flatten(),
        Dense(5, activation=activation),
    )
    assert_right(check_gradients(network, batch=3, samples=12), network)


def row_of(activation: str = "linear", **last: Any) -> Network:
    layers = [Input((5,)), Rescale(1 / 128, -1), Dense(4, activation="tanh"), Dense(3, activation=activation, **last)]
    return Network.sequential(layers)


LOGARITHMIC: list[Loss] = [CategoricalCrossentropy(), CategoricalCrossentropy(0.1), BinaryCrossentropy()]
ENDS = [(loss, end) for loss in LOGARITHMIC for end in ("softmax", "softmin", "sigmoid")]
ENDS += [(loss, "linear") for loss in LOGARITHMIC] + [(loss, "log_softmax") for loss in LOGARITHMIC[:2]]
ENDS += [(MeanSquaredError(), end) for end in ("softmax", "softmin", "sigmoid", "linear", "log_softmax")]


@pytest.mark.parametrize(("loss", "activation"), ENDS, ids=str)
def test_every_loss_with_every_end(loss: Loss, activation: str) -> None:
    """Also those pairs whose gradients do not pass straight through the activation."""
    network = row_of(activation)
    assert_right(check_gradients(network, losses=[loss], batch=5), network)


@pytest.mark.parametrize("regularizer", [L1(0.1), L2(0.2), L1L2(0.1, 0.2)], ids=str)
def test_penalties(regularizer: Any) -> None:
    network = row_of("softmax", kernel_regularizer=regularizer, bias_regularizer=L2(0.3))
    assert_right(check_gradients(network), network)


@register_layer
@dataclass(frozen=True)
class Swell(Layer):
    """y = x · exp(factor), a factor for each channel: a layer defined here, as a user would."""

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]

    def parameters(self, *inputs: Shape) -> tuple[Parameter, ...]:
        return (Parameter("factor", inputs[0][-1:], Ones()),)


@rule(Swell)
class SwellRule(LayerRule[Swell, Array]):
    """The state is y."""

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, Array]:
        y = x * np.exp(context.weights["factor"])
        return y, y

    def backward(self, context: LayerContext, y: Array, dy: Array) -> tuple[Array]:
        context.gradients["factor"][...] = (dy * y).sum(axis=tuple(range(dy.ndim - 1)))
        return (dy * np.exp(context.weights["factor"]),)


def test_layer_of_your_own() -> None:
    """Over maps and over rows, and once more as a shared layer."""
    twice = Swell()
    network = chain((4, 5, 2), Conv2D(3, 2, activation="tanh"), Swell(), twice, Flatten(), Dense(4), Swell())
    assert_right(check_gradients(network), network)
    image = Input((4,))
    shared = Network(image, Dense(2, activation="softmax")(twice(Activation("tanh")(twice(Rescale()(image))))))
    assert_right(check_gradients(shared), shared)


@pytest.mark.parametrize("name", ["simple-convnet", "lenet5", "lenet5-1998", "mlp", "mnist-quick"])
def test_networks_of_the_zoo(name: str) -> None:
    network = zoo_network(name)
    assert_right(check_gradients(network, samples=6), network, least=0.5)


@pytest.mark.parametrize("name", ["mnist-cnn", "mnist-cnn-functional", "mnist-best"])
def test_larger_networks_of_the_zoo(name: str) -> None:
    network = zoo_network(name, input_shape=(13, 12, 1))
    assert_right(check_gradients(network, batch=3, samples=4), network, least=0.6)


def test_numerical_gradient() -> None:
    """Exact for polynomials up to the fourth degree, and x is left as it was."""
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    before = x.copy()
    gradient = numerical_gradient(lambda a: float((a**4).sum() + a[0, 0] * a[1, 1]), x, step=1e-2)
    np.testing.assert_allclose(gradient, 4 * x**3 + [[3, 0], [0, 1]], rtol=1e-12)
    np.testing.assert_array_equal(x, before)


def test_numerical_gradient_has_fourth_order() -> None:
    """Half the step, a sixteenth of the error."""
    x = np.array([0.3])
    coarse, fine = (numerical_gradient(lambda a: float(np.exp(a[0])), x, step=h)[0] for h in (0.2, 0.1))
    assert (coarse - np.exp(0.3)) / (fine - np.exp(0.3)) == pytest.approx(16, rel=0.05)


@register_layer
@dataclass(frozen=True)
class Rough(Swell):
    """y = x · saw(factor), a saw with a tooth every ten-millionth."""


@rule(Rough)
class RoughRule(LayerRule[Rough, Array]):
    """Its slope is 1 almost everywhere, but no step is smaller than a tooth. The state is x."""

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, Array]:
        factor = context.weights["factor"]
        return x * (factor + np.abs(factor * 1e7 % 2 - 1)), x

    def backward(self, context: LayerContext, x: Array, dy: Array) -> tuple[Array]:
        context.gradients["factor"][...] = (dy * x).sum(axis=0)
        return (dy,)


def test_numbers_at_kinks_are_counted_and_left_out() -> None:
    assert check_gradients(Network.sequential([Input((6,)), Rescale(), Rough(name="rough")])) == [
        Row("rough/factor", checked=0, at_kinks=6, worst=0.0)
    ]


def test_samples_and_seed() -> None:
    """No more numbers than asked for; the same seed gives the same figures, another seed others."""
    rows = check_gradients(row_of("softmax"), samples=3)
    assert [row.checked + row.at_kinks for row in rows] == [3] * 4
    assert rows == check_gradients(row_of("softmax"), samples=3)
    assert rows != check_gradients(row_of("softmax"), samples=3, seed=1)


Plant = Callable[[pytest.MonkeyPatch], None]


def factor(owner: type[LayerRule[Any, Any]]) -> Plant:
    """The gradient of a rule's input is one thousandth too large."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        right: Any = owner.backward

        def wrong(self: LayerRule[Any, Any], context: LayerContext, state: Any, dy: Array) -> list[Any]:
            return [None if dx is None else 1.001 * dx for dx in right(self, context, state, dy)]

        patch.setattr(owner, "backward", wrong)

    return plant


def forgotten_slope(patch: pytest.MonkeyPatch) -> None:
    """Tanh's own slope is left out."""
    patch.setitem(activation.FUNCTIONS, "tanh", activation.FUNCTIONS["tanh"]._replace(backward=lambda dy, y, out: dy))


def kept_slope(patch: pytest.MonkeyPatch) -> None:
    """A relu that lets gradients through where it is 0."""
    patch.setitem(activation.FUNCTIONS, "relu", activation.FUNCTIONS["relu"]._replace(backward=lambda dy, y, out: dy))


def forgotten_bias(patch: pytest.MonkeyPatch) -> None:
    """The bias of a convolution gets half of its gradient."""
    right = convolution.BiasRule.backward

    def wrong(self: convolution.BiasRule, context: LayerContext, state: None, dy: Array) -> Any:
        dx = right(self, context, state, dy)
        context.gradients["bias"] /= 2
        return dx

    patch.setattr(convolution.BiasRule, "backward", wrong)


def forgotten_variance(patch: pytest.MonkeyPatch) -> None:
    """Batch normalization as if its variance did not depend on the input."""
    right: Any = normalization.batch_norm_backward
    patch.setattr(
        normalization,
        "batch_norm_backward",
        lambda dy, state, dbeta, dgamma, *others: right(dy, state, dbeta, 0 * dgamma, *others),
    )


def forgotten_use(patch: pytest.MonkeyPatch) -> None:
    """Of a layer used three times only the first use counts."""
    patch.setattr(planner._Planner, "_mark_repeats", lambda self: self.operations)


def forgotten_penalty(patch: pytest.MonkeyPatch) -> None:
    """The penalties have a value, but no gradient."""
    patch.setattr(Penalties, "add_gradients", lambda self, gradients: None)


def wrong_mean(patch: pytest.MonkeyPatch) -> None:
    """The loss's gradient is that of the sum, not of the mean."""
    right = losses.FUNCTIONS[CategoricalCrossentropy]

    def wrong(p: Array, targets: Array, loss: Loss, count: int, **settings: Any) -> Any:
        return right(p, targets, loss, 1, **settings)

    patch.setitem(losses.FUNCTIONS, CategoricalCrossentropy, wrong)


PLANTS: list[tuple[str, Plant]] = [
    ("conv dilated", factor(convolution.Im2colRule)),
    ("winograd", factor(WinogradRule)),
    ("winograd pool", factor(pooling.CellMaxPoolRule)),
    ("depthwise", factor(depthwise.DepthwiseRule)),
    ("max pool", factor(pooling.MaxPoolRule)),
    ("average pool", factor(pooling.AveragePoolRule)),
    ("global average", factor(pooling.GlobalAveragePoolRule)),
    ("lenet parts", factor(pooling.SubsampleRule)),
    ("lenet parts", factor(dense.RadialBasisRule)),
    ("lrn", factor(normalization.LocalResponseRule)),
    ("conv valid", factor(dense.DenseRule)),
    ("graph", factor(merging.AddRule)),
    ("graph", factor(merging.ConcatenateRule)),
    ("dropout", factor(dropout.DropoutRule)),
    ("dropout", forgotten_slope),
    ("conv bn relu pool", kept_slope),
    ("conv valid", forgotten_bias),
    ("conv bn relu pool", forgotten_variance),
    ("graph", forgotten_use),
    ("penalties", forgotten_penalty),
    ("lrn", wrong_mean),
]


@pytest.mark.parametrize(("name", "plant"), PLANTS)
def test_planted_mistakes_are_caught(name: str, plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    network = row_of("softmax", kernel_regularizer=L2(0.1)) if name == "penalties" else NETWORKS[name]
    assert max(row.worst for row in check_gradients(network, batch=3)) <= LIMIT
    plant(monkeypatch)
    assert max(row.worst for row in check_gradients(network, batch=3)) > 1e-4
