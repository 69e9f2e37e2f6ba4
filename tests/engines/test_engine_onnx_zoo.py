"""Every network of the zoo gives the same numbers on the ONNX engine as on NumPy."""

import numpy as np
import pytest

from striate import zoo
from striate._types import Weights
from striate.engines.numpy import NumpyEngine
from striate.engines.onnxruntime import OnnxEngine
from striate.network import Network

from .networks import DEEPER, narrowed, pixels

# Sizes at which the large networks still have maps of more than one pixel; the others keep their own size.
SMALL = dict.fromkeys(("alexnet", "alexnet-2012", "googlenet"), (67, 63, 3)) | {"vgg16": (33, 35, 3)}
SMALL |= {f"resnet{depth}": (65, 61, 3) for depth in (18, 34, 50)}
SMALL |= dict.fromkeys(("efficientnet-lite0", "efficientnet-b0", "mobilenetv3-large", "mobilenetv3-small"), (65, 61, 3))
SMALL |= dict.fromkeys(("convnext-tiny", "densenet121", "regnety-400mf"), (65, 61, 3))


def some_weights(network: Network) -> Weights:
    """Return weights with which activations neither grow nor vanish, drawn faster than an engine's initial weights."""
    generator = np.random.default_rng(0)
    weights = {}
    for parameter in network.parameters:
        shape = parameter.shape
        numbers = generator.random(shape, np.float32)
        matrix = len(shape) > 1
        weights[parameter.name] = (numbers - 0.5) * (24 / np.prod(shape[:-1])) ** 0.5 if matrix else numbers + 0.5
    return {name: values.astype(np.float32) for name, values in weights.items()}


@pytest.mark.parametrize("id", sorted({*zoo.list_models()} - DEEPER))
def test_every_network_of_the_zoo(id: str) -> None:
    network = narrowed(zoo.network(id, input_shape=SMALL[id])) if id in SMALL else zoo.network(id)
    weights = some_weights(network)
    inputs = pixels(network, 2)
    (found,) = OnnxEngine(network, weights).forward(inputs)
    (expected,) = NumpyEngine(network, weights).forward(inputs)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    assert expected.std() > 0.01
