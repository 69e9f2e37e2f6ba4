"""A base, its features, and the one network that base and head become."""

from pathlib import Path

import numpy as np
import pytest

from striate import zoo
from striate.data import from_arrays
from striate.engines.onnxruntime import OnnxEngine
from striate.errors import UsageError
from striate.pretrained import load_pretrained
from striate.transfer.bases import TOP, Base, joined, open_base, with_features
from striate.transfer.features import features
from striate.transfer.head import Head, log_softmax

SHAPE = (48, 48, 3)
X = np.random.default_rng(0).integers(0, 256, (5, *SHAPE), dtype=np.uint8)


@pytest.fixture(scope="module")
def base() -> Base:
    return open_base("efficientnet-lite0", SHAPE)


def test_the_last_features_are_what_the_base_hands_to_its_own_classifier(base: Base) -> None:
    whole = zoo.network("efficientnet-lite0", input_shape=SHAPE)
    weights, _ = load_pretrained(whole, "imagenet")
    (expected,) = OnnxEngine(whole, weights).forward([X])
    *_, top = OnnxEngine(base.network, base.weights).forward([X])
    head = Head(weights["output/kernel"], weights["output/bias"])
    np.testing.assert_allclose(np.exp(log_softmax(head.logits(top))), expected, atol=1e-5)
    assert not any(name.startswith("output/") for name in base.weights)


@pytest.mark.parametrize("number", range(4))
def test_base_and_head_become_one_network_at_every_depth(base: Base, number: int) -> None:
    tap = base.taps[number]
    found = OnnxEngine(base.network, base.weights).forward([X])[number]
    rng = np.random.default_rng(1)
    head = Head(rng.normal(size=(found.shape[1], 3)), rng.normal(size=3))
    network, weights = joined(base, tap, head)
    (probabilities,) = OnnxEngine(network, weights).forward([X])
    np.testing.assert_allclose(probabilities, np.exp(log_softmax(head.logits(found))), atol=1e-4)
    told, again = OnnxEngine(with_features(network), weights).forward([X])
    np.testing.assert_allclose(told, probabilities, atol=1e-6)
    np.testing.assert_allclose(again, found, atol=1e-4)
    assert (tap == TOP) == (network == zoo.network("efficientnet-lite0", input_shape=SHAPE, classes=3))


def test_features_are_computed_once(base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path))
    x = np.random.default_rng(2).integers(0, 256, (40, *SHAPE), dtype=np.uint8)
    data = from_arrays(x, np.arange(40) % 2)
    first = features(base, data)
    expected = OnnxEngine(base.network, base.weights).forward([data.train.x])
    for tap, rows in zip(base.taps, expected, strict=True):
        np.testing.assert_allclose(first[0][tap], rows, atol=1e-5)
    assert [len(part[TOP]) for part in first] == [len(data.train), len(data.validation), len(data.test)]
    monkeypatch.setattr(OnnxEngine, "forward", lambda *_: pytest.fail("computed again"))
    again = features(base, data)
    for part, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(part[TOP], other[TOP])


def test_features_do_without_a_disk(base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "file"))
    found = features(base, from_arrays(X, [0, 1, 0, 1, 0], test=(X[:2][:, ::-1], [0, 1])))
    assert found[2][TOP].shape == (2, 1280)


def test_other_networks_are_no_bases() -> None:
    with pytest.raises(UsageError, match=r"no base 'resnet18'\. Known are: efficientnet-lite0"):
        open_base("resnet18", SHAPE)
