"""With torchvision's weights, our networks compute what PyTorch computes."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from striate import zoo
from striate._types import Array
from striate.engines.initialization import initial_weights
from striate.engines.numpy import NumpyEngine
from striate.errors import ModelFileError, UsageError
from striate.language import Language, localized, use_language
from striate.models import Model
from striate.network import Network
from striate.pretrained import load_pretrained
from striate.pretrained.published import published

from .torch_networks import VGG16, BasicBlock, Bottleneck, GoogLeNet, ResNet, randomized, unset

BLOCKS: dict[str, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, ...]]] = {
    "resnet18": (BasicBlock, (2, 2, 2, 2)),
    "resnet34": (BasicBlock, (3, 4, 6, 3)),
    "resnet50": (Bottleneck, (3, 4, 6, 3)),
    "resnet101": (Bottleneck, (3, 4, 23, 3)),
    "resnet152": (Bottleneck, (3, 8, 36, 3)),
}
CLASSES = 7


def resnet(id: str, classes: int = CLASSES) -> ResNet:
    return ResNet(*BLOCKS[id], classes)


def network_of(id: str, size: tuple[int, int], **settings: Any) -> Network:
    settings = {"classes": CLASSES, **published(id).settings, **settings}
    return zoo.network(id, input_shape=(*size, 3), **settings)


def pixels(size: tuple[int, int]) -> Array:
    """Return blobs rather than noise, so that deep maps differ between positions."""
    small = np.random.default_rng(1).integers(0, 256, (2, 4, 5, 3), dtype=np.uint8)
    return small.repeat(-(-size[0] // 4), axis=1).repeat(-(-size[1] // 5), axis=2)[:, : size[0], : size[1]]


def as_tensor(x: Array) -> torch.Tensor:
    return torch.from_numpy(x).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize(
    ("id", "size", "build"),
    [
        ("resnet18", (75, 64), lambda: resnet("resnet18")),
        ("resnet50", (64, 75), lambda: resnet("resnet50")),
        ("vgg16", (64, 96), lambda: VGG16((2, 3), CLASSES)),
        ("googlenet", (75, 96), lambda: GoogLeNet(CLASSES)),
    ],
)
def test_same_weights_give_the_same_probabilities(
    id: str, size: tuple[int, int], build: Callable[[], nn.Module], tmp_path: Path
) -> None:
    x = pixels(size)
    module = randomized(unset(build), as_tensor(x))
    torch.save(module.state_dict(), tmp_path / "weights.pth")
    network = network_of(id, size)
    weights, notes = load_pretrained(network, tmp_path / "weights.pth")
    assert notes == ()
    assert set(weights) == {parameter.name for parameter in network.parameters}
    with torch.no_grad():
        expected = module(as_tensor(x)).softmax(1).numpy()
    (found,) = NumpyEngine(network, weights).forward([x])
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.ptp(expected, axis=0).max() > 0.1  # otherwise wrong weights would pass too


@pytest.mark.parametrize("id", BLOCKS)
def test_every_layer_has_its_torchvision_name(id: str) -> None:
    with torch.device("meta"):
        module = resnet(id)
    expected = {name.rpartition(".")[0] for name in module.state_dict()}
    network = network_of(id, (64, 64))
    found = {published(id).layer_name(parameter.name.rpartition("/")[0]) for parameter in network.parameters}
    assert found == expected


def test_head_is_omitted_for_another_number_of_classes(tmp_path: Path) -> None:
    module = resnet("resnet18", classes=10)
    torch.save(
        {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in module.state_dict().items()}}, tmp_path / "w.pth"
    )
    network = network_of("resnet18", (64, 64), classes=2)
    weights, (note,) = load_pretrained(network, tmp_path / "w.pth")
    assert note == (
        "The layer 'output' keeps its initial weights, because 'w.pth' does not fit there: "
        "its 'output/kernel' has shape (512, 10), expected (512, 2)."
    )
    assert set(weights) == {p.name for p in network.parameters if not p.name.startswith("output/")}
    np.testing.assert_array_equal(
        weights["conv1/kernel"], module.state_dict()["conv1.weight"].permute(2, 3, 1, 0).numpy()
    )
    model = Model.from_network(network)
    model.named_weights = initial_weights(network, 0) | weights
    assert model.predict(pixels((64, 64))).shape == (2, 2)


def test_images_of_another_size_omit_all_dense_layers_of_vgg16(tmp_path: Path) -> None:
    """The second one would fit, but its inputs would have another meaning."""
    module = VGG16((1, 1), CLASSES)
    save_file(module.state_dict(), tmp_path / "vgg.safetensors")
    weights, (note,) = load_pretrained(network_of("vgg16", (64, 64)), tmp_path / "vgg.safetensors")
    assert note == (
        "The layers 'fc6', 'fc7', 'output' keep their initial weights, because 'vgg.safetensors' does not fit there: "
        "its 'fc6/kernel' has shape (512, 4096), expected (2048, 4096)."
    )
    assert {name.partition("/")[0] for name in weights} == {f"conv{s}_{n}" for s in range(1, 6) for n in (1, 2, 3)} - {
        "conv1_3",
        "conv2_3",
    }


def test_striate_model_keeps_its_own_names(tmp_path: Path) -> None:
    source = Model.from_network(zoo.network("lenet5"), seed=3)
    source.save(tmp_path / "model.safetensors")
    weights, notes = load_pretrained(zoo.network("lenet5"), tmp_path / "model.safetensors")
    assert notes == ()
    for name, array in source.named_weights.items():
        np.testing.assert_array_equal(weights[name], array)
    weights, (note,) = load_pretrained(zoo.network("lenet5", classes=3), str(tmp_path / "model.safetensors"))
    assert "'output' keeps its initial weights" in note
    assert "output/kernel" not in weights and "F6/kernel" in weights
    with pytest.raises(
        ModelFileError, match=r"of another network: it contains 'C1/bias', .*, which 'mlp' does not have\."
    ):
        load_pretrained(zoo.network("mlp"), tmp_path / "model.safetensors")
    small = zoo.network("mlp", input_shape=(5, 5, 1))
    with pytest.raises(ModelFileError, match=r"another network: its 'hidden1/kernel' has shape \(784, 512\), expected"):
        Model.from_network(zoo.network("mlp")).save(tmp_path / "mlp.safetensors")
        load_pretrained(small, tmp_path / "mlp.safetensors")


def raise_mismatch(network: Network, path: Path) -> str:
    """Load weights of another network, and return the message in Korean."""
    with pytest.raises(ModelFileError) as raised:
        load_pretrained(network, path)
    with use_language(Language.KOREAN):
        return localized(str(raised.value))


def test_weights_of_another_network_raise(tmp_path: Path) -> None:
    torch.save(resnet("resnet34").state_dict(), tmp_path / "34.pth")
    with pytest.raises(
        ModelFileError, match=r"34\.pth' contains the weights of another network: it contains 'layer1\.2\.conv1"
    ):
        load_pretrained(network_of("resnet18", (64, 64)), tmp_path / "34.pth")
    torch.save(resnet("resnet18").state_dict(), tmp_path / "18.pth")
    with pytest.raises(ModelFileError, match=r"another network: it lacks 'layer1\.2\.conv1\.weight', .* and 60 more\."):
        load_pretrained(network_of("resnet34", (64, 64)), tmp_path / "18.pth")
    gray = zoo.network("resnet18", input_shape=(64, 64, 1), classes=CLASSES)
    with pytest.raises(ModelFileError, match=r"its 'conv1/kernel' has shape \(7, 7, 3, 64\), expected \(7, 7, 1, 64\)"):
        load_pretrained(gray, tmp_path / "18.pth")
    with pytest.raises(ModelFileError, match=r"PyTorch's names, such as 'conv1.weight'\. .* not for 'lenet5'\."):
        load_pretrained(zoo.network("lenet5"), tmp_path / "18.pth")
    for network, file, korean in (
        (network_of("resnet18", (64, 64)), "34.pth", r"'resnet18'에 없는 'layer1.*외 \d+개가 있습니다\.$"),
        (network_of("resnet34", (64, 64)), "18.pth", r": 'layer1.*외 60개가 없습니다\.$"),
        (gray, "18.pth", r": 'conv1/kernel'의 형상은 \(7, 7, 1, 64\)이어야 하는데 \(7, 7, 3, 64\)입니다\.$"),
        (zoo.network("vgg16"), "18.pth", r": 이름 \d+개 가운데 'vgg16'의 것은 \d+개뿐입니다\. .* 있습니다\.$"),
    ):
        assert re.search(korean, raise_mismatch(network, tmp_path / file))


def test_network_of_another_form_raises_an_error_with_its_settings(tmp_path: Path) -> None:
    """All shapes would fit, but the network would compute something other than the one that was trained."""
    torch.save(resnet("resnet50").state_dict(), tmp_path / "50.pth")
    expected = r"^This 'resnet50' has other settings than .* these weights\. Build it with --set form=torchvision\.$"
    with pytest.raises(UsageError, match=expected):
        load_pretrained(zoo.network("resnet50", classes=CLASSES), tmp_path / "50.pth")
    weights, _ = load_pretrained(network_of("resnet50", (64, 64), dropout=0.4), tmp_path / "50.pth")
    assert "output/kernel" in weights


@pytest.mark.parametrize("prefix", ["module.", "model.", "backbone.", "module.model."])
def test_wrapped_checkpoint_gives_the_same_weights(prefix: str, tmp_path: Path) -> None:
    network, state = network_of("resnet18", (64, 64)), resnet("resnet18").state_dict()
    torch.save(state, tmp_path / "plain.pth")
    wrapped = {prefix + name: tensor for name, tensor in state.items()}
    optimizer = {"state": {0: {"momentum_buffer": torch.zeros(2)}}, "param_groups": [{"lr": 0.1}]}
    torch.save({"epoch": 3, "model_state_dict": wrapped, "optimizer": optimizer}, tmp_path / "wrapped.pth")
    expected, notes = load_pretrained(network, tmp_path / "plain.pth")
    found, _ = load_pretrained(network, tmp_path / "wrapped.pth")
    assert found.keys() == expected.keys()
    assert notes == ()
    assert all(np.array_equal(found[name], expected[name]) for name in expected)
