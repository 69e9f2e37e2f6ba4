import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from striate.data import PRESETS, Augmentation, get_augmentation, load
from striate.data.warp import inverse_affine, warp
from striate.errors import UsageError

RNG = np.random.default_rng(0)
ODD = RNG.integers(0, 256, (6, 7, 11, 3), dtype=np.uint8)
EVERYTHING = Augmentation(180, 0.2, (1.0, 1.6), 20, (1.0, 1.3), True, True)


def warp_in_loops(x: NDArray[Any], inverse: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Warp pixel by pixel in float64, without rounding: the slow reference implementation."""
    n, H, W, C = x.shape
    out = np.zeros((n, height, width, C))
    for image, i, j, c in np.ndindex(out.shape):
        y, z = inverse[image] @ (i, j, 1)
        top, left = int(np.floor(y)), int(np.floor(z))
        for row, row_part in ((top, top + 1 - y), (top + 1, y - top)):
            for column, column_part in ((left, left + 1 - z), (left + 1, z - left)):
                if 0 <= row < H and 0 <= column < W:
                    out[image, i, j, c] += row_part * column_part * x[image, row, column, c]
    return out


@pytest.mark.parametrize("size", [(7, 11), (9, 5), (1, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_warp_equals_reference_implementation(size: tuple[int, int], dtype: Any) -> None:
    x = ODD.astype(dtype)
    inverse = EVERYTHING.matrices(np.arange(6), 3, 4, 7, 11)
    inverse[5, :, 2] += 1e9  # far outside the image
    fast, slow = warp(x, inverse, *size), warp_in_loops(x, inverse, *size)
    assert fast.dtype == dtype
    assert fast.shape == slow.shape
    assert np.abs(fast - slow).max() < 2.6  # positions are rounded to 1/256 pixel, and noise differs by up to 255
    assert not fast[5].any()


def test_warp_of_smooth_images_differs_by_at_most_one_gray_level() -> None:
    x = (np.add.outer(np.arange(20) * 5, np.arange(30) * 4) % 256)[None, ..., None].astype(np.uint8)
    inverse = Augmentation(rotation=10, zoom=(1.3, 1.3)).matrices(np.arange(1), 0, 0, 20, 30)
    assert np.abs(warp(x, inverse, 20, 30) - warp_in_loops(x, inverse, 20, 30)).max() <= 1


def test_warp_rounds_gray_levels_to_nearest() -> None:
    x = RNG.integers(0, 256, (40, 9, 9, 1), dtype=np.uint8)
    inverse = EVERYTHING.matrices(np.arange(40), 0, 0, 9, 9)
    assert abs((warp(x, inverse, 9, 9) - warp_in_loops(x, inverse, 9, 9)).mean()) < 0.1


def test_warp_keeps_white_inside_the_image() -> None:
    white = np.full((50, 30, 30, 1), 255, np.uint8)
    turned = Augmentation(rotation=180, zoom=(1, 1.6), shear=20).apply(white, np.arange(50), 0, 0)
    assert (turned[:, 9:21, 9:21] == 255).all()


@given(st.integers(-9, 9), st.integers(-13, 13), st.sampled_from([np.uint8, np.float32]))
def test_whole_pixel_shifts_are_exact_and_fill_with_black(down: int, right: int, dtype: Any) -> None:
    x = ODD[:1].astype(dtype)
    moved = warp(x, np.array([[[1.0, 0, -down], [0, 1, -right]]]), 7, 11)
    expected = np.zeros_like(x)
    for i, j in np.ndindex(7, 11):
        if 0 <= i - down < 7 and 0 <= j - right < 11:
            expected[0, i, j] = x[0, i - down, j - right]
    assert np.array_equal(moved, expected)


def test_identity_augmentation_returns_input() -> None:
    assert np.array_equal(Augmentation().apply(ODD, np.arange(6), 0, 0), ODD)
    inverse = Augmentation().matrices(np.arange(6), 0, 0, 7, 11)
    assert np.array_equal(warp(ODD, inverse, 7, 11), ODD)
    assert PRESETS["none"].is_identity


def matrix(**given: float) -> NDArray[np.float64]:
    angle, shear, height, width = (
        np.array([given.get(name, standard)])
        for name, standard in (("angle", 0.0), ("shear", 0.0), ("height", 1.0), ("width", 1.0))
    )
    return inverse_affine(angle, shear, (height, width), (3.0, 3.0), (np.array([3.0]), np.array([3.0])))


def test_right_angles_flips_and_doubling_are_exact() -> None:
    x = RNG.integers(0, 256, (1, 7, 7, 1), dtype=np.uint8)
    assert np.array_equal(warp(x, matrix(angle=np.pi / 2), 7, 7), np.rot90(x, -1, axes=(1, 2)))  # clockwise
    assert np.array_equal(warp(x, matrix(width=-1), 7, 7), x[:, :, ::-1])
    assert np.array_equal(warp(x, matrix(height=-1), 7, 7), x[:, ::-1])
    doubled = warp(x, matrix(height=2, width=2), 7, 7)
    assert np.array_equal(doubled[:, 1::2, 1::2], x[:, 2:5, 2:5])


def test_shear_shifts_rows_in_proportion_to_height() -> None:
    x = np.zeros((1, 7, 7, 1), np.uint8)
    x[:, :, 3] = 200
    leaning = warp(x, matrix(shear=1), 7, 7)[0, :, :, 0]
    assert np.array_equal(leaning, np.eye(7, dtype=np.uint8) * 200)


@settings(deadline=None)
@given(st.integers(1, 39), st.sampled_from([np.uint8, np.float32]))
def test_augmentation_does_not_depend_on_batch_size(cut: int, dtype: Any) -> None:
    x = np.tile(ODD, (7, 1, 1, 1))[:40].astype(dtype)
    index = np.arange(1000, 1040)
    together = EVERYTHING.apply(x, index, 5, 6)
    apart = [EVERYTHING.apply(x[part], index[part], 5, 6) for part in (slice(cut), slice(cut, None))]
    assert np.array_equal(together, np.concatenate(apart))


def test_batches_larger_than_the_cache_are_unchanged() -> None:
    x = load("mnist5k").train.x[:300]
    index = np.arange(300)
    together = PRESETS["strong"].apply(x, index, 5, 6)
    separate = [PRESETS["strong"].apply(x[i : i + 1], index[i : i + 1], 5, 6) for i in range(300)]
    assert np.array_equal(together, np.concatenate(separate))


def test_sample_depends_only_on_seed_epoch_and_index() -> None:
    x = np.repeat(ODD[:1], 2, axis=0)
    base = EVERYTHING.apply(x, np.array([4, 9]), 1, 1)
    assert np.array_equal(base, EVERYTHING.apply(x, np.array([4, 9]), 1, 1))
    assert np.array_equal(base[::-1], EVERYTHING.apply(x, np.array([9, 4]), 1, 1))
    assert not np.array_equal(base[0], base[1])
    for seed, epoch in ((2, 1), (1, 2)):
        assert not np.array_equal(base, EVERYTHING.apply(x, np.array([4, 9]), seed, epoch))


def forward_affine(augmentation: Augmentation, n: int = 4000) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return linear parts (N, 2, 2) and shifts of the center (N, 2), from original to result, of 21×41 pixels."""
    inverse = augmentation.matrices(np.arange(n), 0, 0, 21, 41)
    linear = np.linalg.inv(inverse[:, :, :2])
    middle = np.array([10.0, 20.0])
    return linear, np.einsum("nij,nj->ni", linear, middle - inverse[:, :, 2]) - middle


def test_settings_are_uniform_over_their_range() -> None:
    turned, reference = forward_affine(Augmentation(rotation=180))
    angle = np.degrees(np.arctan2(turned[:, 1, 0], turned[:, 0, 0]))
    assert np.abs(np.histogram(angle, 8, (-180, 180))[0] / 500 - 1).max() < 0.2
    assert np.abs(reference).max() < 1e-9
    _, moved = forward_affine(Augmentation(shift=0.25))
    assert np.abs(moved).max(axis=0) == pytest.approx([5.25, 10.25], rel=0.01)
    assert np.abs(moved.mean(axis=0)).max() < 0.3
    grown, _ = forward_affine(Augmentation(zoom=(1.0, 1.6)))
    assert (grown[:, 0, 0].min(), grown[:, 0, 0].max()) == pytest.approx((1.0, 1.6), abs=0.01)
    assert np.array_equal(grown[:, 0, 0], grown[:, 1, 1])
    leaning, _ = forward_affine(Augmentation(shear=20))
    assert np.degrees(np.arctan(leaning[:, 1, 0])).max() == pytest.approx(20, abs=0.1)
    assert np.degrees(np.arctan(leaning[:, 1, 0])).min() == pytest.approx(-20, abs=0.1)
    wide, _ = forward_affine(Augmentation(stretch=(1.0, 1.3)))
    ratio = wide[:, 1, 1] / wide[:, 0, 0]
    assert (ratio.min(), ratio.max()) == pytest.approx((1.0, 1.3), abs=0.01)
    assert np.linalg.det(wide) == pytest.approx(1)


@pytest.mark.parametrize(("name", "axis"), [("flip_vertical", 0), ("flip_horizontal", 1)])
def test_flip_horizontal_mirrors_half_of_the_images(name: str, axis: int) -> None:
    linear, _ = forward_affine(Augmentation.from_dict({name: True}))
    assert abs((linear[:, axis, axis] < 0).mean() - 0.5) < 0.04
    assert (linear[:, 1 - axis, 1 - axis] > 0).all()


def test_each_setting_has_independent_random_numbers() -> None:
    both, separate = forward_affine(Augmentation(shift=0.1, rotation=9))[1], forward_affine(Augmentation(shift=0.1))[1]
    assert both == pytest.approx(separate)


def test_former_setting_names_in_model_files_are_read() -> None:
    assert Augmentation.from_dict({"grey": 0.25}) == Augmentation(gray=0.25)


def test_presets_keep_digits_inside_the_image() -> None:
    x = load("mnist5k").train.x[::10]
    ink = x.sum(axis=(1, 2, 3), dtype=np.int64)
    for name in ("light", "standard", "strong"):
        changed = PRESETS[name].apply(x, np.arange(len(x)), 0, 1).sum(axis=(1, 2, 3), dtype=np.int64)
        assert np.median(changed / ink) > 0.9
        assert (changed / ink).min() > 0.5


def test_augmentation_json_round_trip_and_preset_names() -> None:
    assert Augmentation.from_dict(json.loads(json.dumps(EVERYTHING.to_dict()))) == EVERYTHING
    assert get_augmentation("light") is PRESETS["light"]
    assert get_augmentation(EVERYTHING) is EVERYTHING


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"rotation": -1}, r"rotation must be in 0 … 180; received -1"),
        ({"shift": 2}, r"shift must be in 0 … 1; received 2"),
        ({"shear": 90}, r"shear must be in 0 … 60; received 90"),
        ({"zoom": (1.2, 0.8)}, r"zoom must be \(smallest, largest\) within 0\.1 … 10; received 1\.2, 0\.8"),
        ({"stretch": (0, 1)}, r"stretch must be .* received 0, 1"),
        ({"rotate": 3}, r"no setting 'rotate'\. Did you mean 'rotation'"),
    ],
)
def test_invalid_settings_raise(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Augmentation.from_dict(given)


def test_unknown_preset_raises_and_suggests_nearest() -> None:
    with pytest.raises(UsageError, match=r"There is no augmentation 'lite'\. Did you mean 'light'"):
        get_augmentation("lite")
