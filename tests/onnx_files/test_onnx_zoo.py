"""Every network of the zoo, exported and imported again, is the same function on every engine."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engines.networks import DEEPER, narrowed

from striate import zoo
from striate._types import Array
from striate.engines.choose import make_engine
from striate.engines.onnxruntime import OnnxEngine
from striate.engines.weight_files import check_weights
from striate.images import ImagePolicy
from striate.network import (
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePool2D,
    Input,
    MaxPool2D,
    Network,
    Rescale,
)
from striate.onnx.export import to_onnx
from striate.onnx.importing import import_onnx
from striate.onnx.metadata import ExportMetadata

from .graphs import pixels, runtime_outputs, some_weights

LARGE_IMAGE = 100  # pixels; networks for larger images are tested on smaller ones
SMALL_SHAPE = (67, 63, 3)  # leaves feature maps of several pixels


def round_trip(network: Network, folder: Path, **settings: Any) -> tuple[Network, dict[str, Array], bytes]:
    """Export and import a network; return the imported network, its weights, and the file."""
    path = folder / "model.onnx"
    path.write_bytes(to_onnx(network, some_weights(network), **settings))
    result = import_onnx(path)
    check_weights(result.network, result.weights, "imported")
    return result.network, result.weights, path.read_bytes()


@pytest.mark.parametrize("id", sorted({*zoo.list_models()} - DEEPER))
def test_every_zoo_network_survives_export_and_import(id: str, tmp_path: Path) -> None:
    network = zoo.network(id)
    if network.input_shapes[0][0] > LARGE_IMAGE:
        network = narrowed(zoo.network(id, input_shape=SMALL_SHAPE))
    found, weights, file = round_trip(network, tmp_path)
    inputs = pixels(network, 2)
    (expected,) = runtime_outputs(file, *inputs)
    for engine in ("onnx", "numpy", "torch"):
        (answer,) = make_engine(engine, found, weights).forward(inputs)
        np.testing.assert_allclose(np.asarray(answer), expected, rtol=1e-4, atol=1e-5)
    assert (found.name, found.input_shapes, found.output_shapes) == (
        network.name, network.input_shapes, network.output_shapes,
    )  # fmt: skip


def test_layers_keep_their_names_and_settings(tmp_path: Path) -> None:
    network = zoo.network("lenet5")
    found, weights, _ = round_trip(network, tmp_path)
    own, theirs = ([(row.name, row.kind, row.output_size, row.kernel) for row in n.table()] for n in (network, found))
    assert own == theirs
    for name, array in some_weights(network).items():
        np.testing.assert_array_equal(weights[name], array)


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_embedded_resizing_is_removed_on_import(fit: str, tmp_path: Path) -> None:
    """Images of the network's own size are unchanged by it; others are resized by the policy."""
    network = zoo.network("resnet18", input_shape=(40, 56, 3), classes=3)
    policy = ImagePolicy(40, 56, fit=fit)
    found, weights, _ = round_trip(network, tmp_path, metadata=ExportMetadata(policy=policy), resize=True)
    inputs = pixels(network, 2)
    (expected,) = OnnxEngine(network, some_weights(network)).forward(inputs)
    np.testing.assert_allclose(OnnxEngine(found, weights).forward(inputs)[0], expected, rtol=0, atol=1e-5)
    assert found.input_shapes == ((40, 56, 3),)


def test_branches_shared_layers_and_inputs_of_every_kind(tmp_path: Path) -> None:
    maps = Input((7, 6, 3), "float32", name="maps")
    planes = Input((3, 7, 6), "float32", "channels_first", name="planes")
    row = Input((5,), "float32", name="row")
    conv = Conv2D(3, 3, padding="same", name="shared")
    once, twice = conv(Rescale((0.5, 1.0, 2.0), (0.1, 0.2, 0.3))(maps)), conv(planes)
    joined = Concatenate()([Add()([once, twice, BatchNormalization()(twice)]), DepthwiseConv2D(1)(once)])
    pooled = MaxPool2D((2, 3), (1, 2), ((1, 0), (2, 1)))(joined)
    rows = Concatenate()([Flatten()(pooled), GlobalAveragePool2D()(joined), row])
    network = Network([maps, planes, row], [Dense(4, "softmax")(rows), pooled], name="many")
    found, weights, _ = round_trip(network, tmp_path)
    generator = np.random.default_rng(0)
    inputs = [generator.standard_normal((3, *shape)).astype(np.float32) for shape in network.input_shapes]
    expected = OnnxEngine(network, some_weights(network)).forward(inputs)
    for own, answer in zip(OnnxEngine(found, weights).forward(inputs), expected, strict=True):
        np.testing.assert_allclose(own, answer, rtol=0, atol=1e-5)
