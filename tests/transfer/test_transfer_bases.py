"""Pretrained bases, their features, and the network that joins base and head."""

from pathlib import Path

import numpy as np
import pytest

from striate import zoo
from striate._types import Array
from striate.data import from_arrays
from striate.engines.losses import log_softmax
from striate.engines.onnxruntime import OnnxEngine
from striate.errors import UsageError
from striate.models import Model
from striate.network import Conv2D, Dense, Flatten, GlobalAveragePool2D, Input, Network
from striate.pretrained import load_pretrained
from striate.transfer.bases import ALL_LAYERS, Base, classifier_input, find_feature_layers, join_head, open_base
from striate.transfer.feature_output import with_features
from striate.transfer.features import extract_features
from striate.transfer.linear_head import LinearHead

SHAPE = (48, 48, 3)
X = np.random.default_rng(0).integers(0, 256, (5, *SHAPE), dtype=np.uint8)


@pytest.fixture(scope="module")
def base() -> Base:
    return open_base("efficientnet-lite0", SHAPE)


def test_last_features_equal_the_input_of_the_networks_classifier(base: Base) -> None:
    whole = zoo.network("efficientnet-lite0", input_shape=SHAPE)
    weights, _ = load_pretrained(whole, "imagenet")
    (expected,) = OnnxEngine(whole, weights).forward([X])
    *_, top = OnnxEngine(base.network, base.weights).forward([X])
    head = LinearHead(weights["output/kernel"], weights["output/bias"])
    np.testing.assert_allclose(np.exp(log_softmax(head.logits(top))), expected, atol=1e-5)
    assert not any(name.startswith("output/") for name in base.weights)
    assert base.top == "pool"


def check_joined(base: Base, number: int, x: Array) -> Network:
    """Check that base and head, joined at a feature layer, compute what both compute one after the other."""
    layer = base.feature_layers[number]
    found = OnnxEngine(base.network, base.weights).forward([x])[number]
    rng = np.random.default_rng(1)
    head = LinearHead(rng.normal(size=(found.shape[1], 3)), rng.normal(size=3))
    network, weights = join_head(base, layer, head)
    (probabilities,) = OnnxEngine(network, weights).forward([x])
    np.testing.assert_allclose(probabilities, np.exp(log_softmax(head.logits(found))), atol=1e-4)
    both = OnnxEngine(with_features(network, classifier_input(network)), weights).forward([x])
    np.testing.assert_allclose(both[0], probabilities, atol=1e-6)
    compared = found if layer != ALL_LAYERS else OnnxEngine(base.network, base.weights).forward([x])[-1]
    np.testing.assert_allclose(both[1], compared, atol=1e-4 * np.abs(found).max())
    return network


@pytest.mark.parametrize("number", range(5))
def test_base_and_head_can_be_joined_at_every_feature_layer(base: Base, number: int) -> None:
    network = check_joined(base, number, X)
    assert (number == 4) == (network == zoo.network("efficientnet-lite0", input_shape=SHAPE, classes=3))


def test_statistics_of_all_layers_are_mean_and_variance_of_their_maps(base: Base) -> None:
    entries = [(node.layer, node.inputs) for node in base.original.nodes]
    names = [node.layer.name for node in base.original.nodes]
    maps = [*base.feature_layers[1:-1], "head_relu6"]  # the classifier reads the mean of the last maps
    kept = names.index(maps[-1]) + 1
    outputs = tuple(names.index(name) for name in maps)
    network = Network.from_entries("maps", entries[:kept], base.original.inputs, outputs)
    weights = {p.name: base.weights[p.name] for p in network.parameters}
    expected = [
        block for x in OnnxEngine(network, weights).forward([X]) for block in (x.var(axis=(1, 2)), x.mean(axis=(1, 2)))
    ]
    found = OnnxEngine(base.network, base.weights).forward([X])[base.feature_layers.index(ALL_LAYERS)]
    assert base.block_sizes(ALL_LAYERS) == tuple(block.shape[1] for block in expected)
    assert base.block_sizes(base.top) == (1280,)
    np.testing.assert_allclose(found, np.concatenate(expected, axis=1), rtol=1e-3, atol=1e-3)


def test_all_layers_joined_compute_the_same_with_every_engine(base: Base) -> None:
    rng = np.random.default_rng(1)
    size = sum(base.block_sizes(ALL_LAYERS))
    head = LinearHead(rng.normal(size=(size, 3)) / 100, rng.normal(size=3))
    network, weights = join_head(base, ALL_LAYERS, head)
    model = Model.from_network(network)
    model.named_weights = weights
    outputs = []
    for engine in ("onnx", "torch", "numpy"):
        model.use_engine(engine)
        outputs.append(model.predict(X))
    np.testing.assert_allclose(outputs[1], outputs[0], atol=1e-4)
    np.testing.assert_allclose(outputs[2], outputs[0], atol=1e-4)


def test_features_are_computed_once(base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path))
    x = np.random.default_rng(2).integers(0, 256, (40, *SHAPE), dtype=np.uint8)
    data = from_arrays(x, np.arange(40) % 2)
    first = extract_features(base, data)
    expected = OnnxEngine(base.network, base.weights).forward([data.train.x])
    for layer, rows in zip(base.feature_layers, expected, strict=True):
        np.testing.assert_allclose(first[0][layer], rows, atol=1e-5)
    assert [len(part[base.top]) for part in first] == [len(data.train), len(data.validation), len(data.test)]
    monkeypatch.setattr(OnnxEngine, "forward", lambda *_: pytest.fail("computed again"))
    again = extract_features(base, data)
    for part, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(part[base.top], other[base.top])


def test_features_are_computed_without_a_cache(base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "file"))
    found = extract_features(base, from_arrays(X, [0, 1, 0, 1, 0], test=(X[:2][:, ::-1], [0, 1])))
    assert found[2][base.top].shape == (2, 1280)


RESNET18 = ("conv2_2.relu", "conv3_2.relu", "conv4_2.relu", "pool5")
VGG16_LAYERS = ("conv4_3", "conv5_3", "pool5", "fc7")


def test_striate_model_file_is_a_base(tmp_path: Path) -> None:
    model = Model.from_network(zoo.network("alexnet", input_shape=(67, 67, 3), classes=3))
    model.save(tmp_path / "model.safetensors")
    base = open_base("alexnet", (67, 67, 3), tmp_path / "model.safetensors")
    assert base.feature_layers == (ALL_LAYERS, "norm2", "conv5", "pool5", "fc7")
    np.testing.assert_array_equal(base.weights["conv5/kernel"], model.named_weights["conv5/kernel"])


def test_feature_layers_are_the_last_of_each_stage() -> None:
    assert find_feature_layers(zoo.network("resnet18")) == RESNET18
    assert find_feature_layers(zoo.network("resnet50", form="torchvision")) == (
        "conv2_3.relu", "conv3_4.relu", "conv4_6.relu", "pool5",
    )  # fmt: skip
    assert find_feature_layers(zoo.network("vgg16")) == VGG16_LAYERS
    assert find_feature_layers(zoo.network("mlp")) == ("hidden2",)
    image = Input((8, 8, 3))
    output = Dense(2, name="last")(GlobalAveragePool2D(name="mean")(Conv2D(4, 3, strides=2, name="conv")(image)))
    assert find_feature_layers(Network(image, output)) == ("mean",)
    for id in zoo.list_bases():
        network, named = zoo.network(id), zoo.get_architecture(id).feature_layers
        assert not named or named[-1] == find_feature_layers(network)[-1]
        assert all(network.layer(name) for name in named)


def test_networks_that_cannot_be_bases_raise() -> None:
    with pytest.raises(
        UsageError, match=r"no published weights for 'lenet5'\. Weights are available for: convnext-tiny"
    ):
        open_base("lenet5", SHAPE)
    with pytest.raises(UsageError, match=r"There is no model 'resnet'\. Did you mean"):
        open_base("resnet", SHAPE)
    with pytest.raises(UsageError, match="'lenet5-1998' cannot be a base: it ends with Activation 'output'"):
        find_feature_layers(zoo.network("lenet5-1998"))
    image = Input((8, 8, 3))
    with pytest.raises(UsageError, match="'network' cannot be a base: it ends with Flatten"):
        find_feature_layers(Network(image, Flatten()(image)))
