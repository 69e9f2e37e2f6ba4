"""Models of every origin can be explained: files, runs, ONNX files, and a pretrained base with a head of its own."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import striate as st
from striate._types import Array
from striate.engines.weight_files import save_weights
from striate.errors import ModelFileError
from striate.explain import Trace
from striate.images import ImagePolicy
from striate.models import Model
from striate.network import Input, Network
from striate.onnx.export.model import build_model
from striate.transfer.bases import ALL_LAYERS, join_head, open_base
from striate.transfer.linear_head import LinearHead

L = st.layers
SHAPE = (12, 10, 3)
LAYERS = [
    L.Rescale(1 / 127.5, -1),
    L.Conv2D(5, 3, padding="same", name="first"),
    L.BatchNormalization(name="norm"),
    L.Activation("relu", name="relu"),
    L.AveragePool2D(2, padding="same", name="pool"),
    L.Flatten(),
    L.Dense(4, activation="softmax", name="end"),
]


def an_image(shape: tuple[int, ...] = SHAPE) -> Array:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def assert_explained(model: Model | str | Path, image: Array) -> None:
    """Assert that units of every layer equal the engine, and that all three attributions work."""
    trace = Trace(model, image)
    rng = np.random.default_rng(0)
    for number, node in enumerate(trace.network.nodes):
        shape = node.shape if len(node.shape) == 3 else (1, 1, *node.shape)
        unit = trace.unit(number, [int(rng.integers(size)) for size in shape])
        assert unit.operation != "unknown"
        assert abs(unit.output - unit.engine_output) <= 1e-5 * np.abs(trace.values[number]).max()
    for method in (st.explain.grad_cam, st.explain.occlusion, st.explain.integrated_gradients):
        assert np.isfinite(method(model, image, 1).values).all()
    assert st.explain.graph(model).ranks > 3


@pytest.mark.parametrize("suffix", [".safetensors", ".onnx"])
def test_model_files(suffix: str, tmp_path: Path) -> None:
    model = st.Sequential([st.Input(SHAPE), *LAYERS])
    path = tmp_path / f"model{suffix}"
    if suffix == ".onnx":
        path.write_bytes(build_model(model.network, model.named_weights).SerializeToString())
    else:
        model.save(path)
    assert_explained(path, an_image())


def test_onnx_files_with_channels_first(tmp_path: Path) -> None:
    """The input (C, H, W) is in the order of the file; maps, positions and regions are (H, W, C)."""
    network = Network.sequential([Input((3, 12, 10), data_format="channels_first"), *LAYERS])
    path = tmp_path / "model.onnx"
    path.write_bytes(build_model(network, Model.from_network(network).named_weights).SerializeToString())
    model, image = Model.from_onnx(path), an_image((3, 12, 10))
    assert_explained(model, image)
    convolution = next(node.layer for node in model.network.nodes if node.layer.kind == "Conv2D")
    assert st.explain.feature_maps(model, image, convolution).shape == (12, 10, 5)
    assert st.explain.receptive_field(model, convolution, (11, 0)).rows == (10, 12)


def test_pretrained_base_with_a_head(tmp_path: Path) -> None:
    """The features of all stages side by side, means and variances, are layers like any other."""
    original = st.zoo.build("mnist-best")
    weights = tmp_path / "weights.safetensors"
    save_weights(weights, original.named_weights, {"kind": "weights"})
    base = open_base("mnist-best", weights=weights)
    layer = base.feature_layers[0]
    size = base.network.output_shapes[0][0]
    head = LinearHead(0.01 * np.random.default_rng(0).standard_normal((size, 3)), np.zeros(3))
    network, arrays = join_head(base, layer, head)
    model = Model.from_network(network)
    model.named_weights = arrays
    image = an_image((28, 28, 1))
    trace = Trace(model, image)
    assert layer == ALL_LAYERS
    for number in range(len(network.nodes)):
        unit = trace.unit(number, (0, 0, 0))
        assert unit.operation != "unknown"
        assert abs(unit.output - unit.engine_output) <= 1e-5 * np.abs(trace.values[number]).max()
    assert st.explain.grad_cam(model, image, 1).values.shape == (28, 28)
    assert st.explain.nearest_images(model, image, image[None]).distances[0] < 1e-5


def test_image_files_are_read_by_the_policy(tmp_path: Path) -> None:
    model = st.Sequential([st.Input(SHAPE), *LAYERS])
    pixels = an_image((24, 20, 3))
    Image.fromarray(pixels).save(tmp_path / "image.png")
    with pytest.raises(ModelFileError, match="does not record how image files become its input"):
        Trace(model, tmp_path / "image.png")
    model.policy = ImagePolicy(*SHAPE)
    np.testing.assert_array_equal(Trace(model, tmp_path / "image.png").inputs[0][0], model.policy.apply(pixels))
