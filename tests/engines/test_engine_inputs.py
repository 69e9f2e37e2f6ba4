"""Inputs and outputs of the engine: dtypes, memory orders, activations, errors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from striate._types import Array
from striate.engines.base import TrainingSettings
from striate.engines.losses import CategoricalCrossentropy, MeanSquaredError
from striate.engines.optimizers import SGD
from striate.errors import NetworkError, UsageError
from striate.network import Conv2D, Dense, Flatten, Input, Layer, MaxPool2D, Network, Rescale, Shape

from .networks import NETWORKS, engine_of, perturbed_weights, pixels, uncompiled

pytestmark = pytest.mark.usefixtures("each_engine")


@pytest.mark.parametrize("name", NETWORKS)
def test_float32_equals_float64_except_for_rounding(name: str) -> None:
    network, weights = NETWORKS[name], perturbed_weights(NETWORKS[name])
    losses = [MeanSquaredError()] * len(network.outputs)
    inputs = pixels(network, 5)
    targets = [np.zeros((5, *shape)) for shape in network.output_shapes]
    single, double = (engine_of(network, losses=losses, weights=weights, dtype=d) for d in ("float32", "float64"))
    for mine, exact in zip(single.forward(inputs), double.forward(inputs), strict=True):
        assert [mine.dtype.name, exact.dtype.name] == ["float32", "float64"]
        np.testing.assert_allclose(mine, exact, rtol=0, atol=2e-5 * max(1, np.abs(exact).max()))
    loss, gradients = single.gradients(inputs, targets)
    exact_loss, exact_gradients = double.gradients(inputs, targets)
    assert loss == pytest.approx(exact_loss, rel=1e-4)
    for key, gradient in exact_gradients.items():
        assert gradients[key].dtype == np.float32
        atol = 5e-4 * max(np.abs(gradient).max(), 1e-3)
        np.testing.assert_allclose(gradients[key], gradient, rtol=0, atol=atol, err_msg=key)


def layer_by_layer(network: Network, weights: dict[str, Array], inputs: list[Array]) -> dict[str, Array]:
    """Run every node as a separate network on the outputs of the previous ones."""
    values: list[Array] = []
    for node in network.nodes:
        if isinstance(node.layer, Input):
            x = inputs[network.inputs.index(len(values))].astype("float64")
            values.append(x.transpose(0, 2, 3, 1) if node.layer.data_format == "channels_first" else x)
            continue
        layers = [Input(shape, name=f"input {i}") for i, shape in enumerate(network.shapes_into(node))]
        separate = Network(layers, node.layer(*layers))
        own = {parameter.name: weights[parameter.name] for parameter in separate.parameters}
        values.append(uncompiled(separate, own).forward([values[i] for i in node.inputs])[0])
    return {str(node.layer.name): value for node, value in zip(network.nodes, values, strict=True)}


@pytest.mark.parametrize("name", NETWORKS)
def test_activations_equal_those_of_separate_layers(name: str) -> None:
    """In inference mode, by name, in the network's shapes; of a shared layer the last use."""
    network, inputs = NETWORKS[name], pixels(NETWORKS[name], 3)
    engine = engine_of(network, losses=[MeanSquaredError()] * len(network.outputs))
    shown = engine.activations(inputs)
    separate = layer_by_layer(network, engine.weights, inputs)
    assert list(shown) == list(dict.fromkeys(str(node.layer.name) for node in network.nodes))
    for node in network.nodes:
        key = str(node.layer.name)
        assert shown[key].shape == (3, *node.shape)
        np.testing.assert_allclose(shown[key], separate[key], rtol=1e-9, atol=1e-10, err_msg=key)
    for index, output in zip(network.outputs, engine.forward(inputs), strict=True):
        np.testing.assert_allclose(shown[str(network.nodes[index].layer.name)], output, rtol=1e-10, atol=1e-12)


def trained(network: Network, x: Array, t: Array) -> list[bytes]:
    """Return the weights after two steps with a batch of 60, which is two shards."""
    engine = engine_of(network, losses=[CategoricalCrossentropy()], dtype="float32", threads=2)
    for step in range(2):
        engine.train_step([x], [t], learning_rate=0.1, step=step)
    return [w.tobytes() for w in engine.weights.values()]


def network(**input_layer: str) -> Network:
    shape = (2, 6, 5) if input_layer else (6, 5, 2)
    layers = [Rescale(), Conv2D(8, 1), Conv2D(4, 3, activation="relu"), MaxPool2D(2), Flatten()]
    return Network.sequential([Input(shape, **input_layer), *layers, Dense(3, activation="softmax")])


X = np.random.default_rng(0).integers(0, 256, (60, 6, 5, 2), dtype=np.uint8)
T = np.arange(60) % 3


def non_contiguous(x: Array) -> Array:
    """Return every other element of a larger array with the same values."""
    large = np.zeros((120, 12, 10, 4), x.dtype)
    large[::2, ::2, ::2, ::2] = x
    return large[::2, ::2, ::2, ::2]


def read_only(x: Array) -> Array:
    copy = x.copy()
    copy.flags.writeable = False
    return copy


WAYS: dict[str, Callable[[Array], Array]] = {
    "float16": lambda x: x.astype("float16"),
    "float32": lambda x: x.astype("float32"),
    "float64": lambda x: x.astype("float64"),
    "uint16": lambda x: x.astype("uint16"),
    "int64": lambda x: x.astype("int64"),
    "fortran": np.asfortranarray,
    "backwards": lambda x: x[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
    "strided": non_contiguous,
    "planes": lambda x: np.ascontiguousarray(x.transpose(3, 1, 2, 0)).transpose(3, 1, 2, 0),
    "swapped bytes": lambda x: x.astype(">f4"),
    "read only": read_only,
}


@pytest.mark.parametrize("way", WAYS)
def test_dtypes_and_memory_orders_of_inputs(way: str) -> None:
    x = WAYS[way](X)
    before = x.copy()
    assert trained(network(), x, T) == trained(network(), X, T)
    np.testing.assert_array_equal(x, before)


def test_channels_first() -> None:
    first = np.ascontiguousarray(X.transpose(0, 3, 1, 2))
    assert trained(network(data_format="channels_first"), first, T) == trained(network(), X, T)


@pytest.mark.parametrize("targets", [T.astype("uint8"), T.astype("int32"), np.eye(3)[T], np.eye(3, dtype=bool)[T]])
def test_dtypes_of_targets(targets: Array) -> None:
    assert trained(network(), X, targets) == trained(network(), X, T)


def test_inputs_and_results_are_not_modified() -> None:
    """Results are copies: the next batch does not overwrite them, and writing to them has no effect."""
    engine = engine_of(network(), losses=[CategoricalCrossentropy()])
    (output,) = engine.forward([X])
    result = engine.train_step([X], [T], learning_rate=0.1, step=0)
    _, gradients = engine.gradients([X], [T])
    weights = engine.weights
    kept = [array.copy() for array in (output, result.outputs[0], *gradients.values(), *weights.values())]
    engine.train_step([X[::-1]], [T], learning_rate=0.1, step=1)
    engine.forward([X[::-1]])
    for array, copy in zip((output, result.outputs[0], *gradients.values(), *weights.values()), kept, strict=True):
        np.testing.assert_array_equal(array, copy)
        array.fill(np.nan)
    assert np.isfinite(engine.forward([X])[0]).all()


def test_given_weights_are_copied() -> None:
    weights = perturbed_weights(network())
    engine = engine_of(network(), weights=weights)
    before = engine.forward([X])[0]
    for array in weights.values():
        array.fill(0)
    np.testing.assert_array_equal(engine.forward([X])[0], before)


def test_batches_of_different_sizes_in_any_order() -> None:
    """Memory is reused without any effect on the next batch."""
    engine = engine_of(network(), losses=[CategoricalCrossentropy()])
    for n in (60, 1, 33, 2, 60, 5):
        fresh = engine_of(network(), losses=[CategoricalCrossentropy()])
        np.testing.assert_array_equal(engine.forward([X[:n]])[0], fresh.forward([X[:n]])[0])
        gradients, expected = (e.gradients([X[:n]], [T[:n]])[1] for e in (engine, fresh))
        for name, gradient in expected.items():
            np.testing.assert_array_equal(gradients[name], gradient)


def test_step_result() -> None:
    """Loss and outputs are those before the update."""
    engine = engine_of(network(), losses=[CategoricalCrossentropy()], dtype="float32")
    (before,) = engine.forward([X])
    result = engine.train_step([X], [T], learning_rate=0.5, step=0)
    np.testing.assert_array_equal(result.outputs[0], before)
    assert result.loss == pytest.approx(-np.log(before[np.arange(60), T]).mean(), rel=1e-5)
    assert engine.gradients([X], [T])[0] != result.loss


def test_invalid_weights_raise() -> None:
    weights = perturbed_weights(network())
    with pytest.raises(UsageError, match=r"Weights of 'dense/bias': expected shape \(3,\), received nothing\."):
        uncompiled(network(), {k: v for k, v in weights.items() if k != "dense/bias"})
    engine = engine_of(network())
    with pytest.raises(UsageError, match=r"Weights of 'dense/bias': expected shape \(3,\), received \(4,\)\."):
        engine.weights = {**weights, "dense/bias": np.zeros(4)}


def test_training_requires_compile_and_a_loss_for_each_output() -> None:
    engine = uncompiled(network(), perturbed_weights(network()))
    with pytest.raises(UsageError, match="call compile first"):
        engine.train_step([X], [T], learning_rate=0.1, step=0)
    with pytest.raises(UsageError, match="Expected one loss for each of 1 outputs, received 2"):
        engine.compile(TrainingSettings(SGD(), [MeanSquaredError(), MeanSquaredError()]))


@dataclass(frozen=True)
class NoRuleLayer(Layer):
    """A layer for which no engine has a rule."""

    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


def test_layer_without_a_rule_raises_an_error_with_its_name() -> None:
    strange = Network.sequential([Input((3,)), NoRuleLayer(name="what")])
    with pytest.raises(
        NetworkError,
        match=r"NoRuleLayer 'what': the (NumPy|PyTorch) engine has no rule for NoRuleLayer\. Register one",
    ):
        uncompiled(strange, {})
