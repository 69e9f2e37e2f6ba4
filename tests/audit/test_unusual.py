"""Each kind of unusual image is found by its measure, and common ones are not."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from striate._types import Array
from striate.audit import (
    THRESHOLDS,
    CommonIssue,
    ImageIssue,
    blur,
    find_unusual,
    measure_pixels,
    measure_sizes,
    outlier_scores,
)
from striate.audit.unusual import check_thresholds
from striate.errors import DataError, UsageError


def scene(seed: int, channels: int = 3) -> Array:
    """Return an image with edges, shading and noise, like a photograph."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:96, :96]
    image = np.full((96, 96, channels), rng.integers(60, 120), float)
    for _ in range(12):
        top, left, height, width = rng.integers(0, 70), rng.integers(0, 70), *rng.integers(8, 60, 2)
        image[top : top + height, left : left + width] = rng.integers(0, 256, channels)
    image *= (0.7 + 0.3 * (x + y) / 190)[..., None]
    return np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)


def soften(image: Array) -> Array:
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(4)))


@pytest.fixture(scope="module")
def common() -> list[Array]:
    return [scene(seed) for seed in range(20)]


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (ImageIssue.LOW_INFORMATION, np.zeros_like),
        (ImageIssue.LOW_INFORMATION, lambda image: (200 + image // 32).astype(np.uint8)),
        (ImageIssue.DARK, lambda image: (image * 0.15).astype(np.uint8)),
        (ImageIssue.LIGHT, lambda image: (255 - image * 0.18).astype(np.uint8)),
        (ImageIssue.BLURRY, soften),
    ],
)
def test_kinds_of_pixels(common: list[Array], kind: ImageIssue, change: object) -> None:
    images = [*common, change(common[0])]  # type: ignore[operator]
    found, usual = find_unusual(measure_pixels(images))
    assert [(item.index, item.kind) for item in found] == [(20, kind)]
    assert usual == ()


def test_colors_of_equal_gray_are_no_uniform_image() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[:20, :, 0], image[20:, :, 1] = 196, 100  # both have a gray level of 59
    assert find_unusual(measure_pixels([image]))[0] == ()


def test_gray_images_are_measured_too(common: list[Array]) -> None:
    gray = [scene(seed, channels=1) for seed in range(5)]
    colored = [np.repeat(image, 3, axis=2) for image in gray]
    for one, three in zip(measure_pixels(gray).values(), measure_pixels(colored).values(), strict=True):
        np.testing.assert_allclose(one, three, atol=1e-5)


def test_blur_does_not_depend_on_contrast_or_direction(common: list[Array]) -> None:
    gray = common[3][..., 0] / 255.0
    assert blur(gray) == pytest.approx(blur(0.1 + 0.3 * gray), abs=1e-9)
    assert blur(gray) == pytest.approx(blur(gray.T))
    moving = np.asarray(Image.fromarray(common[3]).resize((96, 12)).resize((96, 96)))[..., 0] / 255.0
    assert blur(moving) > blur(gray) + 0.2
    assert blur(np.zeros((64, 64))) == blur(np.zeros((4, 4))) == 0


def test_sizes() -> None:
    measures = measure_sizes([(640, 480)] * 6 + [(20, 30), (2000, 100)])
    found, _ = find_unusual(measures)
    assert [(item.index, item.kind, item.measure) for item in found] == [
        (6, ImageIssue.LOW_RESOLUTION, 20.0),
        (7, ImageIssue.ODD_ASPECT_RATIO, 20.0),
    ]


def test_what_most_images_have_in_common_is_usual() -> None:
    found, usual = find_unusual(measure_sizes([(28, 28)] * 9 + [(100, 100)]))
    assert (found, usual) == ((), (CommonIssue(ImageIssue.LOW_RESOLUTION, 9),))


def test_only_outliers_are_listed_where_many_images_are_blurred() -> None:
    rng = np.random.default_rng(0)
    blurs = np.append(rng.uniform(0.5, 0.75, 200), [0.99, 0.3])
    beyond = int((blurs > 0.65).sum())
    found, common = find_unusual({ImageIssue.BLURRY: blurs})
    assert ([item.index for item in found], common) == ([200], (CommonIssue(ImageIssue.BLURRY, beyond),))
    found, common = find_unusual({ImageIssue.BLURRY: blurs}, check_thresholds({"blurred": 0.7}))
    assert (len(found), common) == (int((blurs > 0.7).sum()), ())
    few = np.append(rng.uniform(0.2, 0.75, 20), 0.3)  # too few images to tell what is usual
    found, common = find_unusual({ImageIssue.BLURRY: few})
    assert (len(found), common) == (int((few > 0.65).sum()), ())


def test_outlier_scores_finds_the_image_that_resembles_no_other() -> None:
    rng = np.random.default_rng(0)
    centers = rng.random((3, 64))
    features = np.concatenate([center + 0.05 * rng.normal(size=(60, 64)) for center in centers])
    features = np.concatenate([features, rng.random((1, 64))])
    expected = reference(features)
    np.testing.assert_allclose(outlier_scores(features), expected, rtol=1e-3, atol=1e-3)
    assert np.flatnonzero(outlier_scores(features) > THRESHOLDS[ImageIssue.OUTLIER]).tolist() == [180]


def reference(features: Array) -> Array:
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    fifth = [sorted(1 - unit @ row)[5] for row in unit]  # the first is the image itself
    logs = np.log(np.maximum(fifth, 1e-6))
    return np.asarray((logs - np.median(logs)) / (1.4826 * np.median(np.abs(logs - np.median(logs)))))


def test_outlier_scores_does_not_depend_on_blocks_or_fail_on_few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    features = np.random.default_rng(1).random((50, 8))
    whole = outlier_scores(features)
    monkeypatch.setattr("striate.audit.unusual.BLOCK", 7)
    np.testing.assert_allclose(outlier_scores(features), whole, atol=1e-4)
    assert outlier_scores(features[:3]).tolist() == [0, 0, 0]
    assert np.isfinite(outlier_scores(np.ones((20, 4)))).all() and np.isfinite(outlier_scores(np.zeros((20, 4)))).all()


def test_thresholds_can_be_set() -> None:
    thresholds = check_thresholds({"tiny": "64", "long": 2})
    assert thresholds == {**THRESHOLDS, ImageIssue.LOW_RESOLUTION: 64.0, ImageIssue.ODD_ASPECT_RATIO: 2.0}
    found, _ = find_unusual(measure_sizes([(50, 60)] + [(100, 100)] * 3), thresholds)
    assert [item.kind for item in found] == [ImageIssue.LOW_RESOLUTION]
    with pytest.raises(UsageError, match=r"no kind of unusual images 'darc'\. Did you mean 'dark'"):
        check_thresholds({"darc": 1})
    with pytest.raises(UsageError, match=r"threshold of 'dark' must be a number, such as 0\.2; received 'x'"):
        check_thresholds({"dark": "x"})


def test_images_of_another_type_are_refused() -> None:
    with pytest.raises(DataError, match=r"uint8 \(H, W, 1 or 3\); received float64"):
        measure_pixels([np.zeros((8, 8, 3))])
