"""Every network of the zoo gives the same numbers on both engines."""

import re

import numpy as np
import pytest

from striate._types import Array, Weights
from striate.engines.initialization import initial_weights
from striate.engines.losses import CategoricalCrossentropy
from striate.engines.optimizers import SGD
from striate.network import Network
from striate.training.losses import default_losses
from striate.zoo.registry import list_models
from striate.zoo.registry import network as zoo_network

from .networks import DEEPER, ENGINES, engine_of, narrowed, pixels

SMALL = (65, 61, 3)  # for photographs: the last maps, whose batches are normalized, still have several pixels
LIMIT = 1e-9  # of differences, in float64


def comparable(name: str) -> Network:
    """Return the network without dropout, whose masks differ between engines; for photographs, small and narrow."""
    network = zoo_network(name)
    if network.input_shapes[0][0] > 100:
        network = narrowed(zoo_network(name, input_shape=SMALL))
    return Network.from_json(re.sub(r'"rate": [\d.]+', '"rate": 0.0', network.to_json()))


def perturbed_weights(network: Network) -> Weights:
    """Return initial weights in which constant arrays, such as biases and factors, are perturbed."""
    generator = np.random.default_rng(0)
    weights = initial_weights(network, 1, "float64")
    return {n: w if w.ndim > 1 else w + 0.2 * generator.random(w.shape) for n, w in weights.items()}


def step(network: Network, weights: Weights, engine: str) -> Weights:
    """Return outputs, gradients (SGD's first momentum) and updated weights of one step, by name."""
    losses = default_losses(network)
    made = engine_of(network, losses=losses, optimizer=SGD(momentum=0.9), weights=weights, engine=engine)
    x = pixels(network, 3)
    crossed = isinstance(losses[0], CategoricalCrossentropy)
    target = np.array([0, 1, 1]) if crossed else np.array([[-1.0], [0.5], [2.0]])
    (inferred,) = made.forward(x)
    result = made.train_step(x, [target], learning_rate=1e-3, step=0)
    found = {"inferred": inferred, "trained": result.outputs[0], "loss": np.array(result.loss)}
    return {**found, **made.weights, **made.slots}


def assert_close(mine: Weights, other: Weights) -> None:
    """Compare norms of differences relative to norms of arrays, except where gradients are rounding errors."""
    assert mine.keys() == other.keys()
    longest = max(np.linalg.norm(array) for name, array in other.items() if name.endswith("/momentum"))
    for name, expected in other.items():
        length = max(np.linalg.norm(expected), 1e-3 * longest if name.endswith("/momentum") else 0)
        assert np.linalg.norm(mine[name] - expected) <= LIMIT * length, name


@pytest.mark.parametrize("name", sorted({*list_models()} - DEEPER))
def test_every_network_of_the_zoo(name: str) -> None:
    """Forward pass, gradients, one training step, moving statistics."""
    network = comparable(name)
    weights = perturbed_weights(network)
    mine, other = (step(network, weights, engine) for engine in ENGINES)
    assert_close(mine, other)


def test_comparison_detects_small_differences() -> None:
    """A gradient that is wrong by a millionth in one number of one array, or a weight, is detected."""
    right: dict[str, Array] = {"a/kernel": np.ones(5), "a/kernel/momentum": np.ones(5), "b/bias/momentum": np.ones(3)}
    for name in right:
        wrong = {key: array.copy() for key, array in right.items()}
        wrong[name][1] += 1e-6
        assert_close(right, right)
        with pytest.raises(AssertionError, match=name):
            assert_close(wrong, right)
