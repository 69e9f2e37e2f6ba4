import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import kstest  # type: ignore[import-untyped]

from striate.data import PHOTO_PRESETS, PRESETS, Augmentation, get_augmentation, load
from striate.data.color import FROM_RGB, TO_RGB, color_matrices, recolor
from striate.data.mixing import beta, box_areas
from striate.data.warp import warp
from striate.errors import DataError, UsageError

RNG = np.random.default_rng(0)
ODD = RNG.integers(0, 256, (9, 14, 17, 3), dtype=np.uint8)
INDEX = np.array([40, 7, 3, 1000, 12, 5, 99, 6, 2])
SHAPE = (14, 17, 3)
EVERYTHING = Augmentation(
    180, 0.2, (1.0, 1.6), 20, (1.0, 1.3), True, True, (0.2, 1.0), (0.75, 1.33), "reflect", 0.5, 0.5, 0.5, 0.5, 0.3, 0.6,
    0.5, 1.0,
)  # fmt: skip
RECORDED = [
    [
        [-0.21031471097782642, -0.7504103484304615, 6.234580081073673],
        [-0.6305899196770641, -0.023150217540044645, 6.167702172209968],
    ],
    [
        [-0.6897691436370491, 0.10013815365435395, 4.996764293219762],
        [-0.004040878841397725, -0.5811993162714862, 7.571140168686315],
    ],
]
SUM = 5472801
UNMIXED = replace(EVERYTHING, mixup=0, cutmix=0)


def augmented(augmentation: Augmentation, x: NDArray[Any] = ODD, index: NDArray[np.int64] = INDEX) -> NDArray[Any]:
    return augmentation.sample(index, 3, 4, x.shape[1:]).apply(x)


def test_random_numbers_equal_recorded_values() -> None:
    """Recorded from the version with seven settings, whose trained results are published."""
    seven = Augmentation(180, 0.2, (1.0, 1.6), 20, (1.0, 1.3), True, True)
    assert seven.matrices(np.array([0, 41]), 3, 4, 7, 11) == pytest.approx(np.array(RECORDED), rel=1e-12)
    old = {"rotation": 18, "shift": 3 / 28, "zoom": [0.8, 1.2], "shear": 15, "stretch": [1 / 1.2, 1.2],
           "flip_horizontal": False, "flip_vertical": False}  # fmt: skip
    assert Augmentation.from_dict(old) == PRESETS["strong"]


def test_new_settings_do_not_change_random_numbers_of_others() -> None:
    reference = EVERYTHING.sample(INDEX, 3, 4, SHAPE)
    for name in ("brightness", "hue", "gray", "erase"):
        other = Augmentation.from_dict(EVERYTHING.to_dict() | {name: 0.0}).sample(INDEX, 3, 4, SHAPE)
        assert reference.mixing is not None
        assert other.mixing is not None
        assert np.array_equal(reference.matrices, other.matrices)  # type: ignore[arg-type]
        assert np.array_equal(reference.mixing.ratios, other.mixing.ratios)
        assert np.array_equal(reference.mixing.partners, other.mixing.partners)


def test_augmentation_json_round_trip() -> None:
    assert Augmentation.from_dict(json.loads(json.dumps(EVERYTHING.to_dict()))) == EVERYTHING
    assert not EVERYTHING.is_identity
    assert Augmentation(fill="reflect").is_identity


# The result for an image depends on that image only.


@settings(deadline=None)
@given(st.integers(1, 8))
def test_augmentation_does_not_depend_on_batch_size(cut: int) -> None:
    apart = [augmented(UNMIXED, ODD[part], INDEX[part]) for part in (slice(cut), slice(cut, None))]
    assert np.array_equal(augmented(UNMIXED), np.concatenate(apart))


@pytest.mark.parametrize("world_size", [2, 3, 20])
def test_ranks_together_equal_a_single_process(world_size: int) -> None:
    whole = augmented(EVERYTHING)
    for rank in range(world_size):
        changes = EVERYTHING.sample(INDEX, 3, 4, SHAPE, rank=rank, world_size=world_size)
        own = np.arange(rank, len(INDEX), world_size)
        assert np.array_equal(changes.indices[: len(own)], own)
        assert len(set(changes.indices)) == len(changes.indices) <= 2 * len(own)
        assert np.array_equal(changes.apply(ODD[changes.indices]), whole[own])


def test_parameters_depend_on_seed_epoch_and_index() -> None:
    first = augmented(EVERYTHING)
    assert np.array_equal(first, augmented(EVERYTHING))
    for seed, epoch, index in ((4, 4, INDEX), (3, 5, INDEX), (3, 4, INDEX + 1)):
        assert not np.array_equal(first, EVERYTHING.sample(index, seed, epoch, SHAPE).apply(ODD))


def test_apply_does_not_modify_input_and_does_not_mix() -> None:
    before = ODD.copy()
    for augmentation in (EVERYTHING, Augmentation(erase=1), Augmentation(mixup=1), Augmentation(brightness=1)):
        augmented(augmentation)
        assert np.array_equal(ODD, before)
    assert np.array_equal(EVERYTHING.apply(ODD, INDEX, 3, 4), augmented(UNMIXED))


# Crops and edges


def crop_boxes(augmentation: Augmentation, height: int, width: int, n: int = 4000) -> NDArray[np.float64]:
    """Return (N, 4): top, left, bottom, right of the part of the original that fills the result, borders included."""
    inverse = augmentation.matrices(np.arange(n), 0, 0, height, width)
    corners = np.array([[-0.5, -0.5, 1], [height - 0.5, width - 0.5, 1]])
    return np.asarray(np.einsum("nij,kj->nki", inverse, corners).reshape(n, 4) + 0.5)


def test_crops_are_inside_the_image_with_requested_area_and_aspect() -> None:
    top, left, bottom, right = crop_boxes(Augmentation(crop=(0.3, 0.5), crop_aspect=(0.5, 2.0)), 40, 80).T
    assert min(top.min(), left.min()) >= -1e-9
    assert bottom.max() <= 40 + 1e-9
    assert right.max() <= 80 + 1e-9
    height, width = (bottom - top) / 40, (right - left) / 80
    area, aspect = height * width, width / height
    assert (area.min(), area.max()) == pytest.approx((0.3, 0.5), abs=0.002)
    assert (aspect.min(), aspect.max()) == pytest.approx((0.5, 2.0), rel=0.01)
    assert abs((aspect > 1).mean() - 0.5) < 0.03
    assert abs(area.mean() - 0.4) < 0.003
    places = top / (40 - (bottom - top)), left / (80 - (right - left))
    for place in places:
        assert np.abs(np.histogram(place, 5, (0, 1))[0] / 800 - 1).max() < 0.15


def test_crop_wider_than_image_has_image_width() -> None:
    top, left, bottom, right = crop_boxes(Augmentation(crop=(0.9, 0.9), crop_aspect=(4.0, 4.0)), 40, 80).T
    assert np.allclose([left.min(), right.max()], [0, 80])
    assert np.allclose(bottom - top, 40 * (0.9 / 4) ** 0.5)
    top, left, bottom, right = crop_boxes(Augmentation(crop=(0.9, 0.9), crop_aspect=(0.25, 0.25)), 40, 80).T
    assert np.allclose([top.min(), bottom.max()], [0, 40])
    assert np.allclose(right - left, 80 * (0.9 / 4) ** 0.5)


@pytest.mark.parametrize(("fill", "pad"), [("edge", "edge"), ("reflect", "reflect")])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pixels_outside_the_image_equal_numpy_padding(fill: str, pad: Any, dtype: Any) -> None:
    x = ODD.astype(dtype)
    inverse = Augmentation(180, 0.3, (0.8, 1.2), 20).matrices(np.arange(9), 0, 0, 14, 17)
    margin = 13  # the largest distance that one reflection covers
    padded = np.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)), pad)
    shifted = inverse + np.array([[0, 0, margin], [0, 0, margin]])
    assert np.array_equal(warp(x, inverse, 14, 17, fill), warp(padded, shifted, 14, 17))


def test_pixels_far_outside_and_single_pixel_images_repeat_the_edge() -> None:
    far = np.array([[[1.0, 0, 1e9], [0, 1, -1e9]]])
    for fill in ("edge", "reflect"):
        assert (warp(ODD[:1], far, 3, 4, fill)[0] == ODD[0, -1 if fill == "edge" else 0, 0]).all()
        assert (warp(ODD[:1, :1, :1], far, 3, 4, fill) == ODD[0, 0, 0]).all()


# Colors


def recolored(x: NDArray[np.uint8], *, brightness: float = 1, contrast: float = 1, saturation: float = 1,
               hue: float = 0) -> NDArray[np.float32]:  # fmt: skip
    b, c, s, h = (np.array([value], np.float64) for value in (brightness, contrast, saturation, hue))
    out = x.astype(np.float32)
    recolor(out, color_matrices(b, c, s, h, x.shape[2])[0])
    return out


def luma(x: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(x @ np.array([0.299, 0.587, 0.114]))


def test_brightness_contrast_and_saturation_equal_their_definitions() -> None:
    x = RNG.integers(60, 120, (6, 5, 3), dtype=np.uint8)
    assert recolored(x, brightness=1.5) == pytest.approx(x * 1.5, rel=1e-5)
    assert recolored(x, contrast=0.5) == pytest.approx(127.5 + (x - 127.5) * 0.5, rel=1e-5)
    gray = luma(x)[:, :, None]
    assert recolored(x, saturation=1.4) == pytest.approx(gray + (x - gray) * 1.4, rel=1e-4)
    assert recolored(x, saturation=0) == pytest.approx(np.repeat(gray, 3, axis=2), rel=1e-5)
    as_pillow = np.asarray(Image.fromarray(x).convert("L"))
    assert np.abs(recolored(x, saturation=0)[:, :, 0] - as_pillow).max() <= 0.6


def test_hue_permutes_primary_colors_and_keeps_gray_and_luma() -> None:
    x = RNG.integers(100, 150, (6, 5, 3), dtype=np.uint8)
    assert recolored(x, hue=2 * np.pi) == pytest.approx(x, abs=1e-3)
    assert luma(recolored(x, hue=1.0)) == pytest.approx(luma(x), rel=1e-5)
    gray = np.full((2, 2, 3), 90, np.uint8)
    assert recolored(gray, hue=2.0) == pytest.approx(gray, rel=1e-5)
    red = np.array([[[160, 100, 100]]], np.uint8)
    third = recolored(red, hue=-2 * np.pi / 3)[0, 0]
    other = recolored(red, hue=2 * np.pi / 3)[0, 0]
    assert {third.argmax(), other.argmax()} == {1, 2}  # green in one direction, blue in the other


def test_hue_rotations_add_up() -> None:
    one, ones = np.ones(3), np.array([0.3, 1.1, 1.4])
    first, second, both = color_matrices(one, one, one, ones, 3)[:, :, :3]
    assert second @ first == pytest.approx(both, abs=1e-5)


def test_hue_is_uniform_between_both_limits() -> None:
    matrices = Augmentation(hue=0.25).sample(np.arange(4000), 0, 0, SHAPE).color_matrices
    assert matrices is not None
    turned = FROM_RGB @ matrices[:, :, :3] @ TO_RGB  # luma and two color differences
    angle = np.arctan2(turned[:, 2, 1], turned[:, 1, 1])
    assert (angle.min(), angle.max()) == pytest.approx((-np.pi / 2, np.pi / 2), abs=0.01)


def test_augmentation_rounds_gray_levels_to_nearest() -> None:
    changes = Augmentation(brightness=0.5).sample(INDEX, 3, 4, SHAPE)
    assert changes.color_matrices is not None
    exact = np.clip(ODD * changes.color_matrices[:, 0, 0][:, None, None, None], 0, 255)
    assert np.abs(changes.apply(ODD) - exact).max() <= 0.5001


def test_pixels_are_clipped_to_their_range() -> None:
    out = augmented(Augmentation(brightness=1, contrast=1, saturation=1, hue=0.5))
    assert out.dtype == np.uint8
    wild = recolored(ODD[0], brightness=2, contrast=2)
    assert (wild.min(), wild.max()) == (0, 255)


def test_single_channel_uses_brightness_and_contrast_only() -> None:
    gray = ODD[..., :1]
    assert np.array_equal(augmented(Augmentation(saturation=1, hue=0.5, gray=1), gray), gray)
    assert not np.array_equal(augmented(Augmentation(brightness=0.5), gray), gray)


def test_gray_probability_is_as_requested() -> None:
    matrices = Augmentation(gray=0.3).sample(np.arange(4000), 0, 0, SHAPE).color_matrices
    assert matrices is not None
    gray = np.abs(matrices[:, 0, :3] - matrices[:, 1, :3]).max(axis=1) < 1e-6
    assert abs(gray.mean() - 0.3) < 0.03


def test_color_settings_are_uniform_over_their_range() -> None:
    white = np.array([1, 1, 1, 0])
    for name, low, high in (("brightness", 0.6, 1.4), ("contrast", 0.6, 1.4)):
        matrices = Augmentation.from_dict({name: 0.4}).sample(np.arange(4000), 0, 0, SHAPE).color_matrices
        assert matrices is not None
        gain = matrices[:, 0] @ white
        assert (gain.min(), gain.max()) == pytest.approx((low, high), abs=0.01)


# Erasing


def test_erase_boxes_have_requested_probability_and_area() -> None:
    changes = Augmentation(erase=0.4).sample(np.arange(4000), 0, 0, (60, 90, 3))
    assert changes.erase_boxes is not None
    assert changes.erase_colors is not None
    size = box_areas(changes.erase_boxes) / (60 * 90)
    hit = size > 0
    assert abs(hit.mean() - 0.4) < 0.03
    assert size[hit].min() > 0.015
    assert 0.18 < size.max() < 0.21
    assert changes.erase_boxes.min() >= 0
    assert (changes.erase_boxes[:, 2:].max(axis=0) <= (60, 90)).all()
    assert (changes.erase_colors.min(), changes.erase_colors.max()) == (0, 255)
    assert np.array_equal(changes.erase_colors, np.rint(changes.erase_colors))


def test_erase_fills_box_and_keeps_other_pixels() -> None:
    changes = Augmentation(erase=1).sample(INDEX, 3, 4, SHAPE)
    out = changes.apply(ODD)
    assert changes.erase_boxes is not None
    assert changes.erase_colors is not None
    for before, after, (top, left, bottom, right), paint in zip(
        ODD, out, changes.erase_boxes, changes.erase_colors, strict=True
    ):
        assert (after[top:bottom, left:right] == paint).all()
        after[top:bottom, left:right] = before[top:bottom, left:right]
        assert np.array_equal(after, before)


# Mixing


@pytest.mark.parametrize("alpha", [0.2, 0.5, 1.0, 4.0])
def test_mixup_ratios_follow_beta_distribution(alpha: float) -> None:
    ratios = beta(alpha, np.random.default_rng(1).random((20_000, 4)))
    assert kstest(ratios, "beta", args=(alpha, alpha)).pvalue > 0.01


def test_beta_is_finite_at_extreme_random_numbers() -> None:
    largest = 1 - 2.0**-53
    corners = np.array(np.meshgrid(*[[0.0, largest]] * 4)).reshape(4, -1).T
    for alpha in (0.01, 1.0, 10.0):
        assert ((beta(alpha, corners) >= 0) & (beta(alpha, corners) <= 1)).all()


def test_mixup_is_weighted_mean_of_two_augmented_images() -> None:
    mixup = replace(EVERYTHING, cutmix=0.0)
    changes, unmixed = mixup.sample(INDEX, 3, 4, SHAPE), augmented(UNMIXED).astype(float)
    assert changes.mixing is not None
    own = changes.mixing.ratios[:, None, None, None]
    expected = own * unmixed + (1 - own) * unmixed[changes.mixing.partners]
    assert np.abs(changes.apply(ODD) - expected).max() <= 1


def test_cutmix_pastes_box_of_partner() -> None:
    changes, unmixed = replace(EVERYTHING, mixup=0.0).sample(INDEX, 3, 4, SHAPE), augmented(UNMIXED)
    out = changes.apply(ODD)
    assert changes.mixing is not None
    for row, (partner, ratio, box) in enumerate(
        zip(changes.mixing.partners, changes.mixing.ratios, changes.mixing.boxes, strict=True)
    ):
        expected = unmixed[row].copy()
        part = slice(box[0], box[2]), slice(box[1], box[3])
        expected[part] = unmixed[partner][part]
        assert np.array_equal(out[row], expected)
        assert ratio == pytest.approx(1 - (box[2] - box[0]) * (box[3] - box[1]) / (14 * 17))


def test_partners_are_other_images_and_own_ratio_is_larger() -> None:
    n = 600
    mixing = EVERYTHING.sample(np.arange(n), 0, 0, (60, 60, 3)).mixing
    assert mixing is not None
    distance = (mixing.partners - np.arange(n)) % n
    assert distance.min() >= 1
    assert np.abs(np.histogram(distance, 4, (0, n))[0] / 150 - 1).max() < 0.3
    assert mixing.ratios.min() >= 0.49  # boxes consist of whole pixels
    cut = mixing.boxes.any(axis=1)
    assert abs(cut.mean() - 0.5) < 0.07
    assert mixing.boxes[cut].min() >= 0
    assert mixing.boxes[cut].max() <= 60


def test_images_are_not_mixed_with_themselves_if_others_exist() -> None:
    for epoch in range(50):
        mixing = Augmentation(cutmix=1.0).sample(np.arange(3), 0, epoch, SHAPE).mixing
        assert mixing is not None
        assert not (mixing.partners == np.arange(3)).any()


def test_ratios_depend_on_sample_not_position() -> None:
    here, there = (EVERYTHING.sample(index, 3, 4, SHAPE).mixing for index in (INDEX, INDEX[::-1]))
    assert here is not None
    assert there is not None
    assert np.array_equal(here.ratios, there.ratios[::-1])
    assert np.array_equal(here.boxes, there.boxes[::-1])


def test_targets_are_mixed_with_same_ratios() -> None:
    mixing = EVERYTHING.sample(INDEX, 3, 4, SHAPE).mixing
    assert mixing is not None
    y = np.eye(9, dtype=np.float32)
    rows = mixing.mix_targets(y)
    assert rows.dtype == np.float32
    assert rows.shape == (9, 9)
    assert rows.sum(axis=1) == pytest.approx(1)
    assert rows[np.arange(9), mixing.partners] == pytest.approx(1 - mixing.ratios, abs=1e-6)


def test_single_image_is_mixed_with_itself() -> None:
    mixed = Augmentation(mixup=1.0, cutmix=1.0)
    assert np.array_equal(augmented(mixed, ODD[:1], INDEX[:1]), ODD[:1])
    assert mixed.sample(INDEX[:0], 0, 0, SHAPE).apply(ODD[:0]).shape == (0, *SHAPE)


# Float pixels


def test_float_images_can_be_moved_and_mixed() -> None:
    x = ODD.astype(np.float32) / 255
    moved = replace(EVERYTHING, brightness=0, contrast=0, saturation=0, hue=0, gray=0, erase=0)
    out = augmented(moved, x)
    assert out.dtype == np.float32
    assert np.abs(out * 255 - augmented(moved)).max() <= 1


@pytest.mark.parametrize("name", ["brightness", "gray", "erase"])
def test_color_settings_of_float_images_raise(name: str) -> None:
    with pytest.raises(DataError, match=r"need uint8 pixels \(0 … 255\); received float32\. Pass uint8 pixels, or set"):
        augmented(Augmentation.from_dict({name: 0.5}), ODD.astype(np.float32))


# Presets


def test_photo_presets_mirror_preset_names() -> None:
    assert list(PHOTO_PRESETS) == list(PRESETS)
    assert get_augmentation("light", photographs=True) is PHOTO_PRESETS["light"]
    assert get_augmentation("light") is PRESETS["light"]
    for name, preset in PHOTO_PRESETS.items():
        assert preset.is_identity == (name == "none")
        assert preset.is_identity or (preset.fill == "reflect" and preset.flip_horizontal)
    assert not any(preset.flip_horizontal or preset.fill != "black" for preset in PRESETS.values())
    with pytest.raises(UsageError, match=r"There is no augmentation 'strng'\. Did you mean 'strong'"):
        get_augmentation("strng", photographs=True)


def test_digit_presets_equal_recorded_results() -> None:
    """Recorded from the version before presets for photographs existed."""
    x = load("mnist5k").train.x[:200]
    moved = PRESETS["strong"].apply(x, np.arange(200), 5, 6)
    assert int(moved.astype(np.int64).sum()) == SUM


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"crop": (0, 1)}, r"crop must be \(smallest, largest\) within 0\.01 … 1; received 0, 1"),
        ({"crop": (0.5, 1.5)}, r"crop must be .* received 0\.5, 1\.5"),
        ({"crop_aspect": (2, 1)}, r"crop_aspect must be \(smallest, largest\) within 0\.1 … 10; received 2, 1"),
        ({"fill": "reflct"}, r"unknown fill 'reflct'\. Did you mean 'reflect'"),
        ({"hue": 0.6}, r"hue must be in 0 … 0\.5; received 0\.6"),
        ({"gray": 2}, r"gray must be in 0 … 1; received 2"),
        ({"erase": -0.1}, r"erase must be in 0 … 1; received -0\.1"),
        ({"mixup": float("nan")}, r"mixup must be in 0 … 10; received nan"),
        ({"mixp": 1}, r"no setting 'mixp'\. Did you mean 'mixup'"),
    ],
)
def test_invalid_settings_raise(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Augmentation.from_dict(given)
