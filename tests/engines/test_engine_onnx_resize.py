"""ONNX models that accept images of any size compute the same pixels as ImagePolicy."""

import numpy as np
import onnx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from striate._types import Array
from striate.engines.onnxruntime import OnnxEngine, open_session
from striate.errors import UsageError
from striate.images import ImagePolicy
from striate.network import Activation, Dense, Flatten, Input, Network, Rescale
from striate.onnx.export import to_onnx
from striate.onnx.metadata import ExportMetadata

from .networks import NETWORKS, chain, perturbed_weights


def resized(policy: ImagePolicy, images: Array) -> Array:
    """Return the pixels that the network gets of images (N, H, W, C)."""
    network = Network.sequential([Input(policy.shape), Activation("linear")])
    model = to_onnx(network, {}, metadata=ExportMetadata(policy=policy), resize=True)
    return open_session(model)([images])[0]


def assert_same_pixels(policy: ImagePolicy, images: Array) -> None:
    found, expected = resized(policy, images), np.stack([policy.apply(image) for image in images])
    difference = np.abs(found - expected.astype("float32"))
    np.testing.assert_array_equal(found, np.floor(found))
    assert difference.max() <= 2
    assert difference.mean() < 0.4  # Pillow 13 resizes the columns of some images first


sides = st.integers(4, 80)


@given(sides, sides, st.integers(4, 40), st.integers(4, 40), st.sampled_from(["stretch", "crop", "pad"]),
       st.sampled_from([1, 3]), st.integers(0, 9))  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_any_size_to_any_size(h: int, w: int, height: int, width: int, fit: str, channels: int, seed: int) -> None:
    assume(min(h / w * width, w / h * height) > 0.5)  # otherwise nothing of the image would remain
    images = np.random.default_rng(seed).integers(0, 256, (2, h, w, channels), dtype=np.uint8)
    assert_same_pixels(ImagePolicy(height, width, channels, fit), images)


@given(sides, sides, st.integers(4, 40), st.integers(4, 40), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_rows_first_gives_the_pixels_of_pillow(h: int, w: int, height: int, width: int, seed: int) -> None:
    """Also where a sum is a half except for the steps in which Pillow stores weights."""
    image = np.random.default_rng(seed).integers(0, 256, (h, w, 3), dtype=np.uint8)
    rows = Image.fromarray(image).resize((width, h), Image.Resampling.BILINEAR)
    expected = np.asarray(rows.resize((width, height), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(resized(ImagePolicy(height, width, 3, "stretch"), image[None])[0], expected)


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
@pytest.mark.parametrize(("height", "width"), [(375, 500), (256, 341), (480, 640)])
def test_photographs_have_the_same_pixels(fit: str, height: int, width: int) -> None:
    """A smooth image with edges and noise, of a photograph's size."""
    y, x = np.mgrid[:height, :width]
    waves = 127 + 90 * np.sin(x / 17) * np.cos(y / 23) + 30 * (x > 250)
    noise = np.random.default_rng(0).normal(0, 6, (height, width, 3))
    image = np.clip(waves[..., None] + noise, 0, 255).astype("uint8")
    policy = ImagePolicy(224, 224, 3, fit)
    np.testing.assert_array_equal(resized(policy, image[None])[0], policy.apply(image))


def test_images_of_the_target_size_are_unchanged() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 9, 3), dtype=np.uint8)
    for fit in ("stretch", "crop", "pad"):
        np.testing.assert_array_equal(resized(ImagePolicy(8, 9, 3, fit), images), images)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_whole_network_after_the_resizing(data_format: str) -> None:
    first = data_format == "channels_first"
    shape = (3, 5, 6) if first else (5, 6, 3)
    network = Network.sequential([Input(shape, data_format=data_format), Rescale(), Flatten(), Dense(4)])
    weights, policy = perturbed_weights(network), ImagePolicy(5, 6, 3, "crop")
    model = to_onnx(network, weights, metadata=ExportMetadata(policy=policy), resize=True)
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    (info,) = onnx.load_from_string(model).graph.input
    sizes = [dim.dim_param or dim.dim_value for dim in info.type.tensor_type.shape.dim]
    assert sizes == (["N", 3, "H", "W"] if first else ["N", "H", "W", 3])
    images = np.random.default_rng(0).integers(0, 256, (4, 17, 12, 3), dtype=np.uint8)
    expected_pixels = np.stack([policy.apply(image) for image in images])
    order = (0, 3, 1, 2) if first else (0, 1, 2, 3)
    expected = OnnxEngine(network, weights).forward([expected_pixels.transpose(order)])[0]
    found = open_session(model)([np.ascontiguousarray(images.transpose(order))])[0]
    np.testing.assert_allclose(found, expected, atol=0.05)


@pytest.mark.parametrize(
    ("network", "policy", "message"),
    [
        (
            chain((5, 6, 3)),
            None,
            r"To resize images inside the ONNX model, pass the image policy: metadata\.policy is None\.",
        ),
        (
            chain((28, 28, 1)),
            ImagePolicy(28, 28, 1, "digit"),
            r"Images with fit 'digit' cannot be resized inside an ONNX model; supported are stretch, crop, pad\.",
        ),
        (
            NETWORKS["many"],
            ImagePolicy(4, 4),
            r"Images cannot be resized inside the ONNX model: 'network' does not take a single uint8 image\.",
        ),
        (chain((7,)), ImagePolicy(4, 4), r"'network' does not take a single uint8 image"),
        (
            Network.sequential([Input((4, 4, 1), dtype="float32"), Activation("relu")]),
            ImagePolicy(4, 4),
            r"'network' does not take a single uint8 image",
        ),
    ],
)
def test_unsupported_resizing_raises(network: Network, policy: ImagePolicy | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        to_onnx(network, perturbed_weights(network), metadata=ExportMetadata(policy=policy), resize=True)
