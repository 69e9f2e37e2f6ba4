"""Models imported from ONNX files are ordinary models: they predict, print a summary, train, and are saved."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

import striate as st
from striate import zoo
from striate.errors import ModelFileError
from striate.images import ImagePolicy
from striate.network import Conv2D, Dense, Flatten, Input, Network, Rescale
from striate.onnx.export import to_onnx
from striate.onnx.metadata import ExportMetadata

from .graphs import check, model, numbers, runtime_outputs, some_weights

node = helper.make_node
CLASSES = ("고양이", "dog", "x")


@pytest.fixture
def exported_file(tmp_path: Path) -> Path:
    """A file exported by Striate, with all its metadata."""
    network = zoo.network("simple-convnet", input_shape=(20, 16, 1), classes=3)
    metadata = ExportMetadata(CLASSES, ImagePolicy(20, 16, 1, "pad"), unknown_threshold=0.25, fingerprint="0123")
    path = tmp_path / "own.onnx"
    path.write_bytes(to_onnx(network, some_weights(network), metadata=metadata))
    return path


def test_export_is_imported_completely(exported_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = st.load(exported_file)
    assert (found.name, found.classes, found.policy) == ("simple-convnet", CLASSES, ImagePolicy(20, 16, 1, "pad"))
    assert found.figures == {"unknown_threshold": 0.25}
    x = np.random.default_rng(0).integers(0, 256, (5, 20, 16, 1), np.uint8)
    np.testing.assert_allclose(found.predict(x), runtime_outputs(exported_file.read_bytes(), x)[0], rtol=0, atol=1e-5)
    found.summary()
    assert "conv1" in capsys.readouterr().out


def test_imported_model_is_saved_and_loaded(exported_file: Path, tmp_path: Path) -> None:
    found = st.Model.from_onnx(str(exported_file))
    found.save(tmp_path / "model.safetensors")
    again = st.load(tmp_path / "model.safetensors")
    assert (again.network, again.classes, again.policy) == (found.network, found.classes, found.policy)
    assert all(np.array_equal(found.named_weights[name], array) for name, array in again.named_weights.items())


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_foreign_model_is_trained_further_on_its_input_format(engine: str, tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["image", "k"], ["c"]),
        node("Relu", ["c"], ["r"]),
        node("Flatten", ["r"], ["f"]),
        node("Gemm", ["f", "d", "b"], ["z"]),
        node("Softmax", ["z"], ["y"]),
    ]
    constants = {"k": numbers(4, 3, 3, 3) / 3, "d": numbers(4 * 6 * 5, 2) / 9, "b": numbers(2)}
    path = tmp_path / "foreign.onnx"
    path.write_bytes(model(nodes, {"image": ["N", 3, 8, 7]}, ["y"], constants).SerializeToString())
    found = st.Model.from_onnx(path)
    x, y = numbers(64, 3, 8, 7), np.arange(64) % 2
    x[y == 1, 0] += 1
    np.testing.assert_allclose(found.predict(x), runtime_outputs(path.read_bytes(), x)[0], rtol=0, atol=1e-5)
    assert found.classes == ()
    assert found.policy is None
    found.compile("adam", learning_rate=0.01, engine=engine)
    before = found.evaluate(x, y)["loss"]
    found.fit(x, y, epochs=5, verbose=0)
    assert found.evaluate(x, y)["loss"] < before / 2


def test_images_of_any_size_are_resized_to_the_given_size(tmp_path: Path) -> None:
    path = tmp_path / "any.onnx"
    proto = model([node("GlobalAveragePool", ["x"], ["y"])], {"x": ["N", 3, "H", "W"]}, ["y"])
    path.write_bytes(proto.SerializeToString())
    assert st.Model.from_onnx(path, size=(9, 7)).network.input_shapes == ((3, 9, 7),)


def test_network_is_read_from_the_graph_not_from_the_metadata(exported_file: Path) -> None:
    proto = onnx.load(exported_file)
    other = Network.sequential([Input((20, 16, 1)), Rescale(), Conv2D(1, 3), Flatten(), Dense(3, "softmax")])
    _set_metadata(proto, network=other.to_json())
    exported_file.write_bytes(proto.SerializeToString())
    assert len(st.load(exported_file).network.nodes) == len(zoo.network("simple-convnet").nodes)


def _set_metadata(proto: Any, **changed: str) -> None:
    values = {item.key: item.value for item in proto.metadata_props}
    del proto.metadata_props[:]
    helper.set_model_props(proto, values | changed)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"classes": '["a", "b"]'}, "names 2 classes, but its network has 3 outputs"),
        ({"classes": '["a", "b"'}, "its metadata .classes, image policy. cannot be read"),
        ({"classes": "7"}, "metadata .classes, image policy. cannot be read"),
        ({"policy": '{"height": 20}'}, "metadata .classes, image policy. cannot be read"),
        ({"policy": '{"height": 20, "width": 16, "fit": "guess"}'}, "metadata .classes, image policy. cannot be read"),
        ({"policy": '{"height": 20, "width": 17, "channels": 1}'}, r"prepares images of shape \(20, 17, 1\)"),
        ({"unknown_threshold": "7"}, "unknown_threshold must be a number from 0 to 1, but is (7|nan)"),
        ({"unknown_threshold": "NaN"}, "unknown_threshold must be a number from 0 to 1, but is (7|nan)"),
        ({"classes": "[" * 100_000}, "metadata .classes, image policy. cannot be read"),
    ],
)
def test_damaged_metadata(exported_file: Path, changed: dict[str, str], sentence: str) -> None:
    proto = onnx.load(exported_file)
    _set_metadata(proto, **changed)
    exported_file.write_bytes(proto.SerializeToString())
    with pytest.raises(ModelFileError, match=sentence):
        st.load(exported_file)


def test_metadata_of_other_programs_are_ignored(exported_file: Path) -> None:
    proto = onnx.load(exported_file)
    values = {item.key: item.value for item in proto.metadata_props if item.key != "striate"}
    assert json.loads(values["classes"]) == list(CLASSES)
    del proto.metadata_props[:]
    helper.set_model_props(proto, values)
    exported_file.write_bytes(proto.SerializeToString())
    assert st.load(exported_file).classes == ()


def test_outputs_of_other_programs_are_kept_whatever_their_names(tmp_path: Path) -> None:
    nodes = [node("Relu", ["x"], ["distance"]), node("Sigmoid", ["x"], ["unknown"])]
    network = check(model(nodes, {"x": ("N", 6, 9, 8)}, ["distance", "unknown"]), tmp_path, numbers(2, 6, 9, 8))
    assert len(network.outputs) == 2
