"""ONNX models that take pictures of any size see the pixels that ImagePolicy makes."""

from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from striate._types import Array
from striate.engines.onnxruntime import OnnxEngine, open_session
from striate.errors import UsageError
from striate.images import ImagePolicy
from striate.network import Activation, Dense, Flatten, Input, Network, Rescale
from striate.onnx.export import to_onnx

from .networks import NETWORKS, chain, lively_weights


def seen(policy: ImagePolicy, pictures: Array) -> Array:
    """What a network behind the door sees of pictures (N, H, W, C)."""
    network = Network.sequential([Input(policy.shape), Activation("linear")])
    model = to_onnx(network, {}, policy=policy.to_dict(), resize=True)
    return open_session(model)([pictures])[0]


def assert_same_pixels(policy: ImagePolicy, pictures: Array) -> None:
    found, expected = seen(policy, pictures), np.stack([policy.apply(picture) for picture in pictures])
    away = np.abs(found - expected.astype("float32"))
    np.testing.assert_array_equal(found, np.floor(found))
    assert away.max() <= 2
    assert away.mean() < 0.4  # small pictures have many sums that are a half but for rounding


sides = st.integers(4, 80)


@given(sides, sides, st.integers(4, 40), st.integers(4, 40), st.sampled_from(["stretch", "crop", "pad"]),
       st.sampled_from([1, 3]), st.integers(0, 9))  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_any_size_to_any_size(h: int, w: int, height: int, width: int, fit: str, channels: int, seed: int) -> None:
    assume(min(h / w * width, w / h * height) > 0.5)  # or nothing of the picture is left
    pictures = np.random.default_rng(seed).integers(0, 256, (2, h, w, channels), dtype=np.uint8)
    assert_same_pixels(ImagePolicy(height, width, channels, fit), pictures)


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_photographs_differ_in_one_pixel_of_a_hundred_at_most(fit: str) -> None:
    """A smooth picture with edges and noise, of a photograph's size."""
    y, x = np.mgrid[:375, :500]
    waves = 127 + 90 * np.sin(x / 17) * np.cos(y / 23) + 30 * (x > 250)
    noise = np.random.default_rng(0).normal(0, 6, (375, 500, 3))
    picture = np.clip(waves[..., None] + noise, 0, 255).astype("uint8")
    policy = ImagePolicy(224, 224, 3, fit)
    away = np.abs(seen(policy, picture[None])[0] - policy.apply(picture))
    assert away.max() <= 1
    assert (away > 0).mean() < 0.01


def test_pictures_of_the_right_size_stay_as_they_are() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (3, 8, 9, 3), dtype=np.uint8)
    for fit in ("stretch", "crop", "pad"):
        np.testing.assert_array_equal(seen(ImagePolicy(8, 9, 3, fit), pictures), pictures)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_whole_network_behind_it(data_format: str) -> None:
    first = data_format == "channels_first"
    shape = (3, 5, 6) if first else (5, 6, 3)
    network = Network.sequential([Input(shape, data_format=data_format), Rescale(), Flatten(), Dense(4)])
    weights, policy = lively_weights(network), ImagePolicy(5, 6, 3, "crop")
    model = to_onnx(network, weights, policy=policy.to_dict(), resize=True)
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    (door,) = onnx.load_from_string(model).graph.input
    sizes = [dim.dim_param or dim.dim_value for dim in door.type.tensor_type.shape.dim]
    assert sizes == (["N", 3, "H", "W"] if first else ["N", "H", "W", 3])
    pictures = np.random.default_rng(0).integers(0, 256, (4, 17, 12, 3), dtype=np.uint8)
    brought = np.stack([policy.apply(picture) for picture in pictures])
    order = (0, 3, 1, 2) if first else (0, 1, 2, 3)
    expected = OnnxEngine(network, weights).forward([brought.transpose(order)])[0]
    found = open_session(model)([np.ascontiguousarray(pictures.transpose(order))])[0]
    np.testing.assert_allclose(found, expected, atol=0.05)


@pytest.mark.parametrize(
    ("network", "policy", "message"),
    [
        (chain((5, 6, 3)), None, r"To resize pictures inside the model, it must be known how: give the policy\."),
        (
            chain((28, 28, 1)),
            ImagePolicy(28, 28, 1, "digit").to_dict(),
            r"Pictures that are fitted by 'digit' cannot be resized inside an ONNX model\.",
        ),
        (NETWORKS["many"], {"fit": "crop"}, r"'network' does not take one picture of uint8 pixels, so nothing can be"),
        (chain((7,)), {"fit": "crop"}, r"'network' does not take one picture of uint8 pixels"),
        (
            Network.sequential([Input((4, 4, 1), dtype="float32"), Activation("relu")]),
            {"fit": "crop"},
            r"'network' does not take one picture of uint8 pixels",
        ),
    ],
)
def test_what_cannot_be_resized(network: Network, policy: dict[str, Any] | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        to_onnx(network, lively_weights(network), policy=policy, resize=True)
