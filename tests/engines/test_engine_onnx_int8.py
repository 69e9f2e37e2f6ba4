"""Models quantized to 8 bits: smaller, close to the original, with the same metadata."""

import numpy as np
import onnx
import pytest

from striate.engines.onnxruntime import OnnxEngine, open_session
from striate.network import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool2D,
    Input,
    Network,
    Rescale,
)
from striate.onnx.export import to_onnx
from striate.onnx.export.quantize import quantize
from striate.onnx.metadata import ExportMetadata

from .networks import perturbed_weights, pixels

NETWORK = Network.sequential(
    [
        Input((12, 12, 3)),
        Rescale(1 / 128, -127 / 128),
        Conv2D(32, 3, padding="same", name="conv"),
        BatchNormalization(),
        Activation("relu6"),
        DepthwiseConv2D(3, strides=2),
        Conv2D(64, 1, activation="relu"),
        GlobalAveragePool2D(),
        Dense(300, activation="relu"),
        Dense(5, activation="softmax", name="answer"),
    ]
)


def centered() -> dict[str, np.ndarray]:
    weights = perturbed_weights(NETWORK, dtype="float32")
    return {name: values - 0.15 if name.endswith("kernel") else values for name, values in weights.items()}


def test_size_outputs_and_metadata(capfd: pytest.CaptureFixture[str]) -> None:
    weights, (x,) = centered(), pixels(NETWORK, 40)
    model = to_onnx(NETWORK, weights, metadata=ExportMetadata(tuple("abcde")))
    small = quantize(model, ([x[row : row + 1]] for row in range(20)))
    assert len(small) < 0.5 * len(model)
    found, expected = open_session(small)([x])[0], OnnxEngine(NETWORK, weights).forward([x])[0]
    np.testing.assert_allclose(found, expected, atol=0.1)
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.9
    protos = [onnx.load_from_string(each) for each in (small, model)]
    metadata, before = ({item.key: item.value for item in proto.metadata_props} for proto in protos)
    assert metadata == before | {"quantized": '"int8"'}
    assert [proto.producer_name for proto in protos] == ["striate", "striate"]
    assert capfd.readouterr() == ("", "")


def test_pixels_and_probabilities_stay_exact() -> None:
    x = pixels(NETWORK, 4)[0]
    proto = onnx.load_from_string(quantize(to_onnx(NETWORK, centered()), [[x]]))
    onnx.checker.check_model(proto)
    producers = {node.output[0]: node.op_type for node in proto.graph.node}
    inputs_of = {node.op_type: [producers.get(name) for name in node.input] for node in proto.graph.node}
    assert inputs_of["Softmax"] == ["DequantizeLinear"]
    assert producers["answer"] == "Softmax"
    (scaled,) = (node for node in proto.graph.node if node.name == "rescale/Mul")
    assert producers[scaled.input[0]] == "Cast"
    kernels = [c for c in proto.graph.initializer if c.data_type == onnx.TensorProto.INT8 and len(c.dims) == 4]
    scales = {c.name: list(c.dims) for c in proto.graph.initializer}
    assert len(kernels) == 3
    assert all(scales[f"{c.name.removesuffix('_quantized')}_scale"] == [c.dims[0]] for c in kernels), "one each filter"


def test_network_without_weights_is_unchanged() -> None:
    network = Network.sequential([Input((4, 4, 1)), Rescale(), Flatten(), Activation("softmax")])
    x = pixels(network, 3)[0]
    small = quantize(to_onnx(network, {}), [[x]])
    np.testing.assert_allclose(open_session(small)([x])[0], OnnxEngine(network, {}).forward([x])[0], atol=1e-7)
