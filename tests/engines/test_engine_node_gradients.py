"""Gradients with respect to inputs and inner layers: NumPy against PyTorch and against differences."""

import numpy as np
import pytest

from striate.engines.onnxruntime import OnnxEngine
from striate.errors import UsageError

from .networks import ENGINES, NETWORKS, perturbed_weights, pixels, uncompiled


@pytest.mark.parametrize("name", NETWORKS)
def test_engines_agree(name: str) -> None:
    """The gradients of all nodes, in inference mode, are equal on both engines, and the weights stay."""
    network = NETWORKS[name]
    weights = perturbed_weights(network, by=0.1)
    inputs = pixels(network, 3)
    rng = np.random.default_rng(0)
    seeds = [rng.standard_normal((3, *shape)) for shape in network.output_shapes]
    nodes = range(len(network.nodes))
    mine, other = (uncompiled(network, weights, engine=engine) for engine in ENGINES)
    found, expected = mine.node_gradients(inputs, seeds, nodes), other.node_gradients(inputs, seeds, nodes)
    for node in nodes:
        assert found[node].shape == expected[node].shape == (3, *network.nodes[node].shape)
        np.testing.assert_allclose(found[node], expected[node], rtol=0, atol=1e-9 * max(1, np.abs(found[node]).max()))
    for parameter, value in mine.weights.items():
        np.testing.assert_array_equal(value, weights[parameter])


def test_gradient_of_an_input_is_a_difference_quotient() -> None:
    network = NETWORKS["graph"]
    engine = uncompiled(network, perturbed_weights(network))
    (x,) = (array.astype(np.float64) for array in pixels(network, 1))
    seed = np.array([[0.3, -1.0, 2.0]])
    found = engine.node_gradients([x], [seed], network.inputs)[network.inputs[0]]
    for place in [(0, 0, 0, 0), (0, 4, 5, 1), (0, 2, 3, 1)]:
        step = np.zeros_like(x)
        step[place] = 1e-3
        high, low = ((seed * engine.forward([x + sign * step])[0]).sum() for sign in (1, -1))
        np.testing.assert_allclose(found[place], (high - low) / 2e-3, rtol=1e-5)


def test_onnx_engine_says_which_engines_compute_gradients() -> None:
    network = NETWORKS["conv valid"]
    engine = OnnxEngine(network, perturbed_weights(network, dtype="float32"))
    with pytest.raises(UsageError, match="'onnx' computes no gradients: use engine 'numpy' or 'torch'"):
        engine.node_gradients(pixels(network, 1), [np.ones((1, 3))], network.inputs)


@pytest.mark.parametrize("engine", ENGINES)
def test_values_of_all_uses_of_a_shared_layer(engine: str) -> None:
    """Every node has its own value, and the weights of one layer are those of the whole."""
    network = NETWORKS["graph"]
    weights = perturbed_weights(network)
    made = uncompiled(network, weights, engine=engine)
    values = made.node_values(pixels(network, 2))
    uses = [index for index, node in enumerate(network.nodes) if node.layer.name == "shared"]
    assert len(uses) == 3
    assert len({values[index].tobytes() for index in uses}) == 3
    np.testing.assert_array_equal(made.weights_of("shared")["kernel"], weights["shared/kernel"])
    assert made.weights_of("shared").keys() == {"kernel", "bias"}
    assert made.weights_of("rescale") == {}
