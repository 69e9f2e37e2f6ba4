"""Networks with given weights as bases, without named feature layers."""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from striate import zoo
from striate._types import Array
from striate.data import from_arrays
from striate.engines.losses import log_softmax
from striate.engines.onnxruntime import OnnxEngine
from striate.errors import ModelFileError, UsageError
from striate.network import Conv2D, Dense, GlobalAveragePool2D, Input, MaxPool2D, Network
from striate.pretrained import load_pretrained
from striate.transfer.bases import ALL_LAYERS, Base, check_base, classifier_input, cut_at, join_head, open_base
from striate.transfer.extraction import fit_on_features
from striate.transfer.feature_output import with_features
from striate.transfer.linear_head import LinearHead
from striate.zoo import PublishedWeights, list_bases, register_architecture, registry

from .torch_networks import VGG16, BasicBlock, GoogLeNet, ResNet, randomized, unset

BUILDERS: dict[str, Callable[[], torch.nn.Module]] = {
    "vgg16": lambda: VGG16((1, 1), 7),
    "googlenet": lambda: GoogLeNet(7),
    "resnet18": lambda: ResNet(BasicBlock, (2, 2, 2, 2), 7),
}

SIDES = {"vgg16": 32, "googlenet": 64, "resnet18": 64}  # of the images


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function that writes random weights with PyTorch's names for images of these sides."""

    @cache
    def write(id: str) -> Path:
        folder = tmp_path_factory.mktemp(id)
        x = torch.from_numpy(images(8, SIDES[id])).permute(0, 3, 1, 2).float()
        state = randomized(unset(BUILDERS[id]), x).state_dict()
        if id == "resnet18":
            torch.save(state, folder / "weights.pth")
            return folder / "weights.pth"
        save_file(state, folder / "weights.safetensors")
        return folder / "weights.safetensors"

    return write


def images(count: int, side: int = 64) -> Array:
    """Return square images whose class, alternately 0 and 1, is the direction of their stripes."""
    rng = np.random.default_rng(3)
    stripes = rng.integers(0, 200, (count, side // 8, 1, 3)).repeat(8, axis=1).repeat(side, axis=2)
    stripes[1::2] = stripes[1::2].transpose(0, 2, 1, 3)
    return np.asarray(stripes + rng.integers(0, 50, (count, side, side, 3)), np.uint8)


@pytest.mark.parametrize(
    ("id", "cut", "features"), [("vgg16", "conv3_3", 256), ("vgg16", "pool5", 512), ("resnet18", "conv2_2.relu", 64)]
)
def test_base_is_cut_at_any_layer(
    id: str,
    cut: str,
    features: int,
    random_weights: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    shape = (SIDES[id], SIDES[id], 3)
    base = open_base(id, shape, random_weights(id), cut=cut)
    original = zoo.network(id, input_shape=shape, classes=7)
    whole, _ = load_pretrained(original, random_weights(id))
    assert base.feature_layers == ("pool",)
    assert base.weights.keys() < whole.keys()
    x = images(8, SIDES[id])
    (found,) = OnnxEngine(base.network, base.weights).forward([x])
    expected = OnnxEngine(original, whole).activations([x])
    np.testing.assert_allclose(found, expected[cut].mean(axis=(1, 2)), rtol=1e-3, atol=1e-3)
    assert found.shape == (8, features)
    network, _ = join_head(base, base.top, LinearHead(np.zeros((features, 3)), np.zeros(3)))
    assert network.output_shapes == ((3,),)
    assert [str(node.layer.name) for node in network.nodes][-3:] == [cut, "pool", "output"]


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        ("conv5_4", r"'vgg16' has no layer 'conv5_4' to cut at\. Did you mean 'conv5_\d'\?"),
        ("zzz", r"'vgg16' has no layer 'zzz' to cut at\. Its layers: striate summary vgg16\."),
        (
            "rescale",
            r"cannot be cut at 'rescale': choose a layer between the first one with weights and",
        ),
        ("output", r"cannot be cut at 'output'"),
    ],
)
def test_base_cannot_be_cut_elsewhere(cut: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        cut_at(zoo.network("vgg16"), cut)


def assert_heads_fit(base: Base, layers: tuple[str, ...], x: Array) -> None:
    """Assert that a head joined to each of these layers computes probabilities from the base's features."""
    features_of = dict(zip(base.feature_layers, OnnxEngine(base.network, base.weights).forward([x]), strict=True))
    for layer in layers:
        rng = np.random.default_rng(1)
        head = LinearHead(rng.normal(size=(features_of[layer].shape[1], 3)), rng.normal(size=3))
        (probabilities,) = OnnxEngine(*join_head(base, layer, head)).forward([x])
        np.testing.assert_allclose(probabilities, np.exp(log_softmax(head.logits(features_of[layer]))), atol=1e-3)


@pytest.mark.parametrize(("id", "layers"), [
    ("resnet18", ("conv2_2.relu", "conv3_2.relu", "conv4_2.relu", "pool5")),
    ("googlenet", ("inception_3b.concat", "inception_4e.concat", "pool5")),
])  # fmt: skip
def test_any_network_with_given_weights_is_a_base(
    id: str,
    layers: tuple[str, ...],
    random_weights: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    settings = {"normalization": "batch", "form": "torchvision"} if id == "googlenet" else {}
    base = open_base(id, (64, 64, 3), random_weights(id), settings)
    assert base.feature_layers[-len(layers) :] == layers
    assert {p.name for p in base.network.parameters} == set(base.weights)
    x = images(40)
    assert_heads_fit(base, base.feature_layers, x[:5])
    found = fit_on_features(base, from_arrays(x, np.arange(40) % 2))
    assert found.fitted.accuracy > 0.8
    network, weights = join_head(base, found.layer, found.fitted.head)
    engine, detector = OnnxEngine(with_features(network, classifier_input(network)), weights), found.detector.detector
    assert detector.is_unknown(engine.forward([x])[1]).mean() < 0.2
    uneven = from_arrays(x, np.array([0] * 30 + [1] * 10))
    plain, balanced = (fit_on_features(base, uneven, 5, balanced=each) for each in (False, True))
    assert len(plain.test) == len(uneven.train) + len(uneven.validation)
    odds = [np.log(each.test[:, 1] / each.test[:, 0]) for each in (plain, balanced)]
    np.testing.assert_allclose(odds[1] - odds[0], balanced.shift[1] - balanced.shift[0], atol=1e-3)


def test_dense_layers_of_a_base_are_feature_layers(
    random_weights: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    base = open_base("vgg16", (32, 32, 3), random_weights("vgg16"))
    assert base.feature_layers[-4:] == ("conv4_3", "conv5_3", "pool5", "fc7")
    assert {p.name for p in base.network.parameters} == set(base.weights)
    assert_heads_fit(base, ("fc7",), images(2, 32))


def test_weights_that_features_need_but_do_not_fit_raise(random_weights: Callable[[str], Path]) -> None:
    path = random_weights("vgg16")
    problem = (
        r"cannot be used for base 'vgg16' with images of \(96, 96, 3\): "
        r"'fc6/kernel' is missing or has another shape\. "
    )
    with pytest.raises(ModelFileError, match=problem):
        open_base("vgg16", (96, 96, 3), path)


def test_one_entry_in_the_zoo_makes_a_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry gives the network, its weights and their names; feature layers are found from the graph."""
    state = {"stem.weight": torch.randn(4, 3, 3, 3), "stem.bias": torch.randn(4)}
    state |= {"fc.weight": torch.randn(9, 4), "fc.bias": torch.randn(9)}
    torch.save(state, tmp_path / "tiny.pth")
    digits = hashlib.sha256((tmp_path / "tiny.pth").read_bytes()).hexdigest()[:8]
    (tmp_path / "tiny.pth").rename(tmp_path / f"tiny-{digits}.pth")
    (tmp_path / "tiny_weights").mkdir()
    (tmp_path / "tiny_weights/__init__.py").touch()
    (tmp_path / f"tiny-{digits}.pth").rename(tmp_path / f"tiny_weights/tiny-{digits}.pth")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "_architectures", dict(registry._architectures))
    weights = PublishedWeights(
        f"tiny-{digits}.pth", {"conv": "stem", "output": "fc"}.__getitem__, package="tiny_weights", install="tiny"
    )

    @register_architecture("tiny", weights=weights)
    def tiny(input_shape: tuple[int, ...] = (16, 16, 3), classes: int = 9) -> Network:
        image = Input(input_shape)
        x = MaxPool2D(2, name="pooling")(Conv2D(4, 3, name="conv", padding="same")(image))
        x = GlobalAveragePool2D(name="mean")(x)
        return Network(image, Dense(classes, activation="softmax", name="output")(x), name="tiny")

    assert "tiny" in list_bases()
    check_base("tiny")
    base = open_base("tiny")
    assert base.feature_layers == (ALL_LAYERS, "conv", "mean")
    np.testing.assert_array_equal(base.weights["conv/kernel"], state["stem.weight"].permute(2, 3, 1, 0).numpy())
    assert join_head(base, "mean", LinearHead(np.zeros((4, 2)), np.zeros(2)))[0] == tiny(classes=2)
