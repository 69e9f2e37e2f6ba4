import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from striate.data import load
from striate.errors import DataError
from striate.images import ImagePolicy, encode_png

Pixels = NDArray[np.uint8]


SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]))


@given(SHAPES, SHAPES, st.sampled_from(["pad", "crop", "stretch", "digit"]))
def test_any_image_gets_the_requested_shape(
    shape: tuple[int, int, int], expected: tuple[int, int, int], fit: str
) -> None:
    pixels = np.arange(np.prod(shape)).reshape(shape).astype(np.uint8)
    out = ImagePolicy(*expected, fit, digit_size=1).apply(pixels)
    assert out.shape == expected
    assert out.dtype == np.uint8


def test_image_of_target_size_is_unchanged() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    for fit in ("pad", "crop", "stretch"):
        assert np.array_equal(ImagePolicy(6, 9, 3, fit).apply(pixels), pixels)


def wide_image() -> Pixels:
    """Return red, green and blue squares of 10×10 side by side."""
    return np.repeat(np.eye(3, dtype=np.uint8)[None] * 255, 10, axis=1).repeat(10, axis=0).reshape(10, 30, 3)


def test_crop_keeps_center_pad_keeps_all_stretch_fills() -> None:
    assert np.array_equal(ImagePolicy(10, 10, 3, "crop").apply(wide_image()), wide_image()[:, 10:20])
    padded = ImagePolicy(30, 30, 3, "pad").apply(wide_image())
    assert np.array_equal(padded[10:20], wide_image())
    assert not padded[:10].any() and not padded[20:].any()
    stretched = ImagePolicy(30, 30, 3, "stretch").apply(wide_image())
    assert np.array_equal(stretched[:, [2, 15, 27]], np.broadcast_to(np.eye(3, dtype=np.uint8) * 255, (30, 3, 3)))


def test_color_becomes_gray_by_luma_and_gray_is_repeated() -> None:
    gray = ImagePolicy(10, 30, 1).apply(wide_image())
    assert gray[5, [5, 15, 25], 0].tolist() == [76, 150, 29]  # 0.299, 0.587, 0.114 of 255
    assert np.array_equal(ImagePolicy(10, 30, 3).apply(gray), np.repeat(gray, 3, axis=2))
    assert np.array_equal(ImagePolicy(10, 30, 1).apply(gray[:, :, 0]), gray)


def test_policy_json_round_trip() -> None:
    policy = ImagePolicy(56, 48, 1, "digit", digit_size=24)
    assert ImagePolicy.from_dict(json.loads(json.dumps(policy.to_dict()))) == policy


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"height": 0, "width": 2}, "at least 1×1; received 0×2"),
        ({"height": 2, "width": 2, "channels": 2}, r"1 channel \(gray\) or 3 \(RGB\); received 2"),
        ({"height": 2, "width": 2, "fit": "squash"}, "fit must be one of pad, crop, stretch, digit; received 'squash'"),
        ({"height": 8, "width": 8, "fit": "digit"}, "A digit of 20 pixels does not fit in 8×8"),
        ({"height": 2}, "needs 'width'"),
        ({"height": 2, "width": 2, "colour": 1}, "no setting 'colour'"),
    ],
)
def test_invalid_settings_raise(settings: dict[str, int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        ImagePolicy.from_dict(settings)


def test_invalid_image_raises() -> None:
    with pytest.raises(DataError, match=r"Expected an image as uint8 \(H, W, 1 or 3\); received float64 \(2, 2\)"):
        ImagePolicy(2, 2).apply(np.zeros((2, 2)))  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"received uint8 \(0, 2, 3\)"):
        ImagePolicy(2, 2).apply(np.zeros((0, 2, 3), np.uint8))


MNIST = ImagePolicy(28, 28, 1, "digit")


def photographed(digit: Pixels, ink: int, paper: int) -> Pixels:
    """Return a digit of MNIST as a large, noisy, unevenly lit RGB photograph of pen on paper, off center."""
    rng = np.random.default_rng(int(digit.sum()))
    large = np.asarray(Image.fromarray(digit).resize((280, 280), Image.Resampling.BICUBIC)) / 255.0
    scene = np.zeros((500, 700))
    top, left = rng.integers(20, 200), rng.integers(20, 400)
    scene[top : top + 280, left : left + 280] = large
    light = np.linspace(-15, 15, 700)[None, :] + rng.normal(0, 4, scene.shape)
    gray = np.clip(paper + (ink - paper) * scene + light, 0, 255).astype(np.uint8)
    return np.repeat(gray[:, :, None], 3, axis=2)


@pytest.mark.parametrize(("ink", "paper"), [(20, 225), (90, 150), (240, 25)])
def test_photographed_digit_equals_the_mnist_digit(ink: int, paper: int) -> None:
    digits = load("mnist5k").test.x[::25, :, :, 0]
    correlations = []
    for digit in digits:
        again = MNIST.apply(photographed(digit, ink, paper))[:, :, 0]
        correlations.append(np.corrcoef(again.ravel(), digit.ravel())[0, 1])
    assert np.median(correlations) > 0.9
    assert min(correlations) > 0.7


def test_digit_is_scaled_to_twenty_pixels_and_centered_by_mass() -> None:
    paper = np.full((300, 200), 255, np.uint8)
    paper[30:230, 100:110] = 0  # a 1
    paper[210:230, 60:150] = 0  # with a heavy base
    out = MNIST.apply(paper)[:, :, 0].astype(float)
    rows = np.flatnonzero(out.max(axis=1) > 64)
    assert rows[-1] - rows[0] + 1 == 20
    center = (out.sum(axis=1) @ np.arange(28), out.sum(axis=0) @ np.arange(28)) / out.sum()
    assert np.abs(center - 14).max() <= 0.6
    assert out.max() == 255 and not out[0].any()


def test_mnist_digits_are_unchanged_even_from_a_file(tmp_path: Path) -> None:
    digit = load("mnist5k").test.x[7]
    assert np.array_equal(MNIST.apply(digit), digit)
    path = tmp_path / "digit.png"
    path.write_bytes(encode_png(digit))
    assert np.array_equal(MNIST.read(path), digit)


def test_half_dark_border_does_not_raise() -> None:
    halves = np.zeros((40, 40), np.uint8)
    halves[:, 20:] = 255
    assert MNIST.apply(halves).shape == (28, 28, 1)


def test_blank_page_gives_an_empty_image() -> None:
    page = (250 + np.random.default_rng(1).integers(-3, 4, (90, 70))).astype(np.uint8)
    assert not MNIST.apply(page).any()
