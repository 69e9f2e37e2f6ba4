"""Striate's own 8-bit files: imported as networks of floats, and counted as the networks they were."""

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

import striate as st
from striate.engines.initialization import initial_weights
from striate.engines.numpy import NumpyEngine
from striate.errors import NetworkError
from striate.network import Network
from striate.onnx.export import to_onnx
from striate.onnx.export.quantize import quantize
from striate.onnx.importing import import_onnx, read_onnx
from striate.onnx.importing.operator_costs import operator_costs

from .graphs import imported, model, runtime_outputs


def quantized(network: Network, folder: Path) -> tuple[Path, np.ndarray, dict[str, np.ndarray]]:
    """Return an 8-bit file of a network, images, and the weights it was made of."""
    weights = initial_weights(network, 0)
    x = np.random.default_rng(0).integers(0, 256, (40, *network.input_shapes[0])).astype(np.uint8)
    path = folder / "int8.onnx"
    path.write_bytes(quantize(to_onnx(network, weights), ([image[None]] for image in x[:20])))
    return path, x, weights


@pytest.mark.parametrize("name", ["lenet5", "mnist-quick", "resnet18"])
def test_answers_are_nearer_to_the_file_than_the_original_is(tmp_path: Path, name: str) -> None:
    small = name == "resnet18"
    network = st.zoo.network(name, input_shape=(32, 32, 3), classes=4) if small else st.zoo.network(name)
    path, x, weights = quantized(network, tmp_path)
    result = import_onnx(path)
    found = NumpyEngine(result.network, result.weights).forward([x])[0]
    (of_file,) = runtime_outputs(path.read_bytes(), x)
    original = NumpyEngine(network, weights).forward([x])[0]
    assert np.abs(found - of_file).max() < 0.06
    assert np.abs(found - of_file).mean() < 1.05 * np.abs(original - of_file).mean()
    assert "rounds feature maps to 8 bits" in result.notes[0]
    assert st.load(path).predict(x[:2]).shape == found[:2].shape


def test_parameters_and_operations_are_counted_through_dequantization(tmp_path: Path) -> None:
    network = st.zoo.network("lenet5")
    path, _, _ = quantized(network, tmp_path)
    costs = operator_costs(read_onnx(path))
    kernels = network.parameter_count
    assert kernels <= sum(cost.parameters for cost in costs) <= kernels + 10  # and scales of pixels
    assert sum(cost.multiply_adds or 0 for cost in costs) == pytest.approx(network.multiply_adds, rel=0.02)
    assert import_onnx(path).network.parameter_count == network.parameter_count


def test_other_arithmetic_with_8_bits_raises(tmp_path: Path) -> None:
    constants = {"s": np.float32(0.1), "s2": np.float32(0.2), "z": np.uint8(0)}
    quantize_x = helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"])
    for last, sentence in (
        (helper.make_node("DequantizeLinear", ["q", "s2", "z"], ["y"]), "differs from that of QuantizeLinear"),
        (helper.make_node("MaxPool", ["q"], ["y"], kernel_shape=[2, 2]), "it computes with 8-bit integers"),
    ):
        with pytest.raises(NetworkError, match=sentence):
            imported(model([quantize_x, last], {"x": ("N", 3, 4, 4)}, ["y"], constants), tmp_path)
