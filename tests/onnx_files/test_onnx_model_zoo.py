"""Networks of the ONNX Model Zoo, whose graphs come with the onnx package, without weights."""

from pathlib import Path

import numpy as np
import onnx
import onnx.backend.test
import pytest
from onnx import ModelProto, numpy_helper

from striate.engines.onnxruntime import OnnxEngine

from .graphs import imported, runtime_outputs

FOLDER = Path(onnx.backend.test.__file__).parent / "data" / "light"
PARAMETERS = {  # moving statistics included; the file of shufflenet has 120 of them for two layers
    "squeezenet": 1_235_496, "inception_v1": 6_998_552, "inception_v2": 11_214_888, "densenet121": 8_062_504,
    "shufflenet": 1_420_152,
}  # fmt: skip


def with_weights(name: str) -> ModelProto:
    """Return the graph with random numbers in place of the missing weights."""
    proto = onnx.load(FOLDER / f"light_{name}.onnx")
    generator = np.random.default_rng(0)
    shapes = {tensor.name: numpy_helper.to_array(tensor).tolist() for tensor in proto.graph.initializer}
    nodes = list(proto.graph.node)
    del proto.graph.node[:]
    for node in nodes:
        if node.op_type != "ConstantOfShape":
            proto.graph.node.append(node)
            continue
        shape = shapes[node.input[0]]
        numbers = generator.random(shape, np.float32)
        if len(shape) > 1:
            numbers = (numbers - 0.5) * np.float32((24 / np.prod(shape[1:])) ** 0.5)
        proto.graph.initializer.append(numpy_helper.from_array(numbers, node.output[0]))
    return proto


@pytest.mark.parametrize("name", PARAMETERS)
def test_networks_of_the_model_zoo(name: str, tmp_path: Path) -> None:
    proto = with_weights(name)
    network, weights = imported(proto, tmp_path)
    assert network.parameter_count == PARAMETERS[name]
    x = np.random.default_rng(1).standard_normal((1, 3, 224, 224)).astype(np.float32)
    (expected,) = runtime_outputs(proto, x)
    (found,) = OnnxEngine(network, weights).forward([x])
    np.testing.assert_allclose(found, expected.reshape(found.shape), rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    assert expected.std() > 1e-4
