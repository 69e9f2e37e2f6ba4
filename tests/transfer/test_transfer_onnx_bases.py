"""ONNX classifiers of other programs as bases."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper, save

from striate import zoo
from striate._types import Array
from striate.engines.initialization import initial_weights
from striate.engines.onnxruntime import OnnxEngine
from striate.errors import ModelFileError, UsageError
from striate.images import encode_png
from striate.onnx.export import to_onnx
from striate.transfer.bases import check_base, join_head, open_base
from striate.transfer.linear_head import LinearHead
from striate.transfer.onnx_bases import onnx_input_shape
from striate.workflows.plan import make_plan
from striate.workflows.prepare import prepare

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def classifier(
    path: Path,
    size: Any = 16,
    *,
    channels: int = 3,
    end: str = "dense",
    gain: float = 1,
    props: dict[str, str] | None = None,
) -> str:
    """Write a network for (N, C, H, W) of floats: convolution, pooling named as Striate's own layers, classes."""
    rng = np.random.default_rng(0)
    constants = {
        "w": rng.normal(0, 0.3, (6, channels, 3, 3)),
        "b": rng.normal(0, 0.3, 6),
        "k": rng.normal(0, gain, (6, 4)),
        "c": rng.normal(0, 1, 4),
    }
    nodes = [
        helper.make_node("Conv", ["images", "w", "b"], ["maps"], "output", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["maps"], ["active"], "pool"),
    ]
    if end == "dense":
        nodes += [
            helper.make_node("GlobalAveragePool", ["active"], ["mean"], "average"),
            helper.make_node("Flatten", ["mean"], ["features"], "flat"),
            helper.make_node("Gemm", ["features", "k", "c"], ["logits"], "fc"),
            helper.make_node("Softmax", ["logits"], ["classes"], "probabilities"),
        ]
        outputs = [helper.make_tensor_value_info("classes", TensorProto.FLOAT, ["n", 4])]
    else:
        outputs = [helper.make_tensor_value_info("active", TensorProto.FLOAT, ["n", 6, size, size])]
    inputs = [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", channels, size, size])]
    tensors = [numpy_helper.from_array(values.astype(np.float32), name) for name, values in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "g", inputs, outputs, tensors),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    helper.set_model_props(model, props or {})
    save(model, path)
    return str(path)


def pixels() -> Array:
    return np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("setting", "props", "mean", "std", "bgr"),
    [
        ("imagenet", {}, MEAN, STD, False),
        ("0..1", {}, [0.0] * 3, [1.0] * 3, False),
        ({"mean": [0.1, 0.2, 0.3], "std": 0.5, "bgr": True}, {}, [0.1, 0.2, 0.3], [0.5] * 3, True),
        (None, {"Image.NominalPixelRange": "Normalized_1_1"}, [0.5] * 3, [0.5] * 3, False),
        (
            None, {"Image.NominalPixelRange": "NominalRange_0_255", "Image.BitmapPixelFormat": "Bgr8"},
            [0.0] * 3, [1 / 255] * 3, True,
        ),
    ],
)  # fmt: skip
def test_features_are_what_the_last_dense_layer_reads(
    setting: Any, props: dict[str, str], mean: list[float], std: list[float], bgr: bool, tmp_path: Path
) -> None:
    gain = 0.01 if std[0] < 0.01 else 1
    path = classifier(tmp_path / "net.onnx", gain=gain, props=props)
    base = open_base(path, None, settings={} if setting is None else {"preprocessing": setting})
    assert base.name == "net"
    assert base.original.input_shapes == ((16, 16, 3),)
    x = ((pixels() / 255 - mean) / std)[..., :: -1 if bgr else 1].transpose(0, 3, 1, 2).astype(np.float32)
    (wanted,) = onnxruntime.InferenceSession(path).run(None, {"images": x})
    features = OnnxEngine(base.network, base.weights).forward([pixels()])[-1]
    assert features.shape == (3, 6)
    rng = np.random.default_rng(0)
    [rng.normal(0, 0.3, shape) for shape in ((6, 3, 3, 3), 6)]
    kernel, bias = rng.normal(0, gain, (6, 4)), rng.normal(0, 1, 4)
    (found,) = OnnxEngine(*join_head(base, base.top, LinearHead(kernel, bias))).forward([pixels()])
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert np.ptp(wanted, axis=0).max() > 1e-3


def test_size_of_the_images(tmp_path: Path) -> None:
    fixed, free = classifier(tmp_path / "a.onnx"), classifier(tmp_path / "b.onnx", "side")
    assert (onnx_input_shape(fixed), onnx_input_shape(free)) == ((16, 16, 3), (224, 224, 3))
    assert open_base(free, (24, 20, 3), settings={"preprocessing": "0..1"}).original.input_shapes == ((24, 20, 3),)
    with pytest.raises(UsageError, match=r"a\.onnx' takes images of 16×16 only; received 24×20\."):
        open_base(fixed, (24, 20, 3), settings={"preprocessing": "0..1"})


def test_export_of_striate_needs_no_preprocessing(tmp_path: Path) -> None:
    network = zoo.network("tutorial-cnn")
    weights = initial_weights(network, 0)
    (tmp_path / "own.onnx").write_bytes(to_onnx(network, weights))
    base = open_base(str(tmp_path / "own.onnx"))
    x = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    hidden = OnnxEngine(network, weights).activations([x])["hidden"]
    np.testing.assert_allclose(OnnxEngine(base.network, base.weights).forward([x])[-1], hidden, atol=1e-4)


def token_model(path: Path) -> str:
    """Write a network that takes numbers of words."""
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["rows"])]
    table = numpy_helper.from_array(np.zeros((9, 4), np.float32), "table")
    inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "length"])]
    outputs = [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n", "length", 4])]
    save(
        helper.make_model(
            helper.make_graph(nodes, "g", inputs, outputs, [table]),
            opset_imports=[helper.make_opsetid("", 17)],
            ir_version=8,
        ),
        path,
    )
    return str(path)


def test_other_files_are_refused_with_a_sentence(tmp_path: Path) -> None:
    maps = classifier(tmp_path / "maps.onnx", end="maps")
    settings = {"preprocessing": "imagenet"}
    with pytest.raises(
        ModelFileError, match=r"maps\.onnx' cannot be a base: an image classifier ends .* returns 16×16×6 values"
    ):
        open_base(maps, settings=settings)
    with pytest.raises(
        ModelFileError, match=r"takes 'input_ids' \(int64, \?×\?\), and a base takes one batch of color .* language"
    ):
        open_base(token_model(tmp_path / "words.onnx"), settings=settings)
    with pytest.raises(ModelFileError, match=r"its images have 1 channels, and a base takes color images with 3"):
        open_base(classifier(tmp_path / "gray.onnx", channels=1), settings=settings)
    with pytest.raises(
        UsageError, match=r"does not say how pixels become its input\. Add --set preprocessing=imagenet"
    ):
        open_base(classifier(tmp_path / "plain.onnx"))
    with pytest.raises(UsageError, match=r"preprocessing must be one of imagenet, 0\.\.1, .* received 7\."):
        open_base(str(tmp_path / "plain.onnx"), settings={"preprocessing": 7})
    with pytest.raises(UsageError, match=r"There is no file 'none\.onnx' to use as a base\."):
        check_base("none.onnx")
    with pytest.raises(UsageError, match=r"contains its weights: leave out --weights\."):
        check_base(maps, "weights.pth")


def test_images_get_the_size_of_the_file(tmp_path: Path) -> None:
    fixed = classifier(tmp_path / "fixed.onnx")
    for number in range(24):
        file = tmp_path / "photos" / ("a", "b")[number % 2] / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (20, 20, 3), dtype=np.uint8)
        file.write_bytes(encode_png(pixels))
    plan = make_plan(str(tmp_path / "photos"), base=fixed, sets={"preprocessing": "0..1"})
    assert prepare(plan).data.shape == (16, 16, 3)
