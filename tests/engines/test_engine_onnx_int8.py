"""Models quantized to 8 bits: smaller, close to the original, with the same metadata."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from striate.engines import onnxruntime as onnxruntime_engine
from striate.engines.onnxruntime import OnnxEngine, feature_ranges, open_session, products_are_exact
from striate.models import Model
from striate.network import (
    Activation,
    Add,
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
from striate.onnx.export.int8 import to_int8
from striate.onnx.export.model import build_model
from striate.onnx.export.quantize import quantize
from striate.onnx.export.weights import quantize_weights
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


RESIDUAL = Network.from_entries(
    "residual",
    [
        (Input((16, 16, 3), name="x"), ()),
        (Rescale(1 / 128, -127 / 128, name="scaled"), (0,)),
        (Conv2D(8, 3, activation="relu", name="first"), (1,)),
        (DepthwiseConv2D(3, activation="relu6", name="second"), (2,)),
        (Conv2D(16, 1, name="third"), (3,)),
        (Conv2D(32, 1, activation="relu6", name="wide"), (4,)),
        (DepthwiseConv2D(3, padding="same", activation="relu", name="depth"), (5,)),
        (Conv2D(16, 1, name="narrow"), (6,)),
        (Add(name="total"), (4, 7)),
        (GlobalAveragePool2D(name="mean"), (8,)),
        (Dense(5, name="answer"), (9,)),
    ],
    (0,),
    (10,),
)


def test_engine_computes_in_integers_what_floats_give_nearly() -> None:
    weights, (x,) = perturbed_weights(RESIDUAL, dtype="float32"), pixels(RESIDUAL, 24)
    ranges = feature_ranges(RESIDUAL, weights, x)
    expected = OnnxEngine(RESIDUAL, weights).forward([x])[0]
    found = OnnxEngine(RESIDUAL, weights, ranges=ranges).forward([x])[0]
    assert not np.array_equal(found, expected)
    np.testing.assert_allclose(
        found, expected, atol=0.03 * float(expected.std()) + 0.02 * float(np.abs(expected).max())
    )
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.995


def test_integers_are_the_same_on_processors_without_exact_products(monkeypatch: pytest.MonkeyPatch) -> None:
    weights, (x,) = perturbed_weights(RESIDUAL, dtype="float32"), pixels(RESIDUAL, 8)
    ranges = feature_ranges(RESIDUAL, weights, x)
    outputs = []
    for exact in (True, False):
        monkeypatch.setattr(onnxruntime_engine, "products_are_exact", lambda exact=exact: exact)
        outputs.append(OnnxEngine(RESIDUAL, weights, ranges=ranges).forward([x])[0])
    assert products_are_exact() in (True, False)
    if products_are_exact():  # elsewhere, the first of them overflows
        np.testing.assert_array_equal(outputs[0], outputs[1])


def test_integer_model_has_integer_convolutions_after_the_first_three_and_integer_sums() -> None:
    weights, (x,) = perturbed_weights(RESIDUAL, dtype="float32"), pixels(RESIDUAL, 2)
    model = build_model(RESIDUAL, weights, dtypes=["uint8"])
    integer = to_int8(model, feature_ranges(RESIDUAL, weights, x))
    onnx.checker.check_model(integer, full_check=True)
    read = {node.output[0]: node for node in integer.graph.node}
    convolutions = [node for node in integer.graph.node if node.op_type == "Conv"]
    assert [read[node.input[0]].op_type == "DequantizeLinear" for node in convolutions] == [False] * 3 + [True] * 3
    (total,) = (node for node in integer.graph.node if node.op_type == "Add" and node.output[0] == "total")
    assert [read[name].op_type for name in total.input] == ["DequantizeLinear"] * 2
    kernels = [item for item in integer.graph.initializer if item.name.endswith("kernel/integers")]
    assert [onnx.numpy_helper.to_array(item).dtype for item in kernels] == [np.int8] * 3


def test_stored_weights_of_8_bits_keep_outputs_and_metadata(tmp_path: Path) -> None:
    layers = [Conv2D(128, 3, padding="same"), DepthwiseConv2D(3), Conv2D(256, 1), GlobalAveragePool2D()]
    network = Network.sequential([Input((9, 8, 16)), Rescale(), *layers, Dense(5)])
    weights, (x,) = perturbed_weights(network, dtype="float32"), pixels(network, 20)
    model = to_onnx(network, weights, metadata=ExportMetadata(tuple("abcde")))
    small = quantize_weights(model)
    assert len(small) < 0.35 * len(model)
    kernels = {
        item.name: item.data_type for item in onnx.load_from_string(small).graph.initializer if len(item.dims) == 4
    }
    assert sorted(kernels.values()).count(onnx.TensorProto.INT8) == 2
    found, expected = open_session(small)([x])[0], OnnxEngine(network, weights).forward([x])[0]
    assert 0 < np.abs(found - expected).max() < 0.01 * np.abs(expected).max()
    (tmp_path / "small.onnx").write_bytes(small)
    loaded = Model.from_onnx(tmp_path / "small.onnx")
    assert loaded.classes == tuple("abcde")
    np.testing.assert_allclose(loaded.predict(x), found, rtol=1e-3)
