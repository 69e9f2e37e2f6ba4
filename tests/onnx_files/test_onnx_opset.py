"""Exported files at each version of ONNX's operators: valid there, and the same numbers."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from striate.engines.numpy import NumpyEngine
from striate.errors import UsageError
from striate.network import (
    ACTIVATIONS,
    Activation,
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Conv2DTranspose,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    GroupNormalization,
    Input,
    Layer,
    LayerNormalization,
    LocalResponseNormalization,
    Maximum,
    MaxPool2D,
    Multiply,
    Network,
    Power,
    RadialBasis,
    Rescale,
    SelectChannels,
    Subsample2D,
    UnitNormalization,
    UpSampling2D,
    ZeroPadding2D,
)
from striate.onnx.export import to_onnx
from striate.onnx.export.graph_builder import MAX_OPSET
from striate.onnx.export.opset import MIN_OPSET
from striate.onnx.importing import import_onnx

from .graphs import pixels, runtime_outputs, some_weights

OPSETS = range(MIN_OPSET, MAX_OPSET + 1)


def of_all_layers() -> Network:
    """Return a network of every layer with an export rule."""
    image = Input((8, 9, 3))
    x = Conv2D(4, 3, padding="same")(ZeroPadding2D(1)(Rescale((1 / 255,) * 3, (0.1, 0.2, 0.3))(image)))
    x = LocalResponseNormalization()(BatchNormalization()(x))
    x = Concatenate()([LayerNormalization()(x), GroupNormalization(2)(x), UnitNormalization()(x)])
    x = Maximum()([DepthwiseConv2D(3, padding="same")(x), x])
    x = Subsample2D(2)(MaxPool2D(2, padding="same")(SelectChannels((3, 1, 5, 7))(x)))
    x = UpSampling2D(2, "bilinear")(UpSampling2D((2, 1))(Conv2DTranspose(3, 3, strides=2, padding="same")(x)))
    x = UpSampling2D((1, 2), "bilinear_align_corners")(Power(2)(x))
    rows = Multiply()([Add()([GlobalAveragePool2D()(x), GlobalMaxPool2D()(x)]), Dense(3)(Flatten()(x))])
    return Network(image, Activation("softmin")(RadialBasis(4, "glorot_uniform")(LayerNormalization()(rows))))


def of_all_activations() -> Network:
    """Return a network with an output for every activation."""
    image = Input((4, 4, 2))
    x = Conv2D(3, 2)(Rescale()(image))
    return Network(image, [Activation(name)(x) for name in ACTIVATIONS])


NETWORKS = {"layers": of_all_layers(), "activations": of_all_activations()}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("opset", OPSETS)
def test_every_opset(name: str, opset: int) -> None:
    network = NETWORKS[name]
    weights, inputs = some_weights(network), pixels(network, 3)
    model = to_onnx(network, weights, opset=opset)
    proto = onnx.load_from_string(model)
    onnx.checker.check_model(proto, full_check=True)
    assert proto.opset_import[0].version == opset
    expected = NumpyEngine(network, weights).forward(inputs)
    for actual, output in zip(runtime_outputs(model, *inputs), expected, strict=True):
        np.testing.assert_allclose(actual, output, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("activation", "opset"),
    [("relu", 13), ("silu", 13), ("hard_swish", 14), ("mish", 18), ("gelu_tanh", 20), ("gelu_exact", 20)],
)
def test_lowest_opset_that_has_the_operators(activation: str, opset: int) -> None:
    network = Network.sequential([Input((4, 4, 2)), Rescale(), Conv2D(3, 2), Activation(activation)])
    proto = onnx.load_from_string(to_onnx(network, some_weights(network)))
    assert proto.opset_import[0].version == opset
    onnx.checker.check_model(proto, full_check=True)


@pytest.mark.parametrize("opset", [0, 12, 21])
def test_other_opsets_raise(opset: int) -> None:
    network = Network.sequential([Input((4,)), Dense(2)])
    with pytest.raises(UsageError, match=f"opset must be from 13 to 20; received {opset}"):
        to_onnx(network, some_weights(network), opset=opset)


@pytest.mark.parametrize("opset", [13, 17, 20])
@pytest.mark.parametrize("layer", [LayerNormalization(), GroupNormalization(3), UnitNormalization(),
                                   UpSampling2D(2), UpSampling2D(3, "bilinear"), Conv2DTranspose(2, 3, 2)])  # fmt: skip
def test_layers_come_back_as_they_were(tmp_path: Path, layer: Layer, opset: int) -> None:
    network = Network.sequential([Input((5, 4, 3)), Rescale(), Conv2D(6, 1), layer])
    weights, inputs = some_weights(network), pixels(network, 2)
    path = tmp_path / "model.onnx"
    path.write_bytes(to_onnx(network, weights, opset=opset))
    imported = import_onnx(path)
    assert [node.layer.kind for node in imported.network.nodes] == [node.layer.kind for node in network.nodes]
    found = NumpyEngine(imported.network, imported.weights).forward(inputs)[0]
    np.testing.assert_allclose(found, NumpyEngine(network, weights).forward(inputs)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("opset", [13, 20])
@pytest.mark.parametrize("name", ["gelu_tanh", "gelu_exact", "hard_swish", "mish", "silu", "softplus"])
def test_activations_come_back_as_they_were(tmp_path: Path, name: str, opset: int) -> None:
    network = Network.sequential([Input((5, 4, 3)), Rescale(), Conv2D(6, 1, activation=name)])
    path = tmp_path / "model.onnx"
    path.write_bytes(to_onnx(network, some_weights(network), opset=opset))
    assert getattr(import_onnx(path).network.nodes[-1].layer, "activation", "") == name
