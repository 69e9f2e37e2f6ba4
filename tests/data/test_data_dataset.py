from typing import Any

import numpy as np
import pytest

from striate.data import Images, check_images, from_arrays, load
from striate.data.dataset import resize
from striate.errors import DataError

RNG = np.random.default_rng(0)


def pictures(n: int = 60, shape: tuple[int, ...] = (4, 5, 3)) -> Any:
    return RNG.integers(0, 256, (n, *shape), dtype=np.uint8)


LABELS = np.arange(60) % 3


def test_arrays_become_a_data_set_that_loses_and_is_identity() -> None:
    x = pictures()
    data = from_arrays(x, LABELS, ["cat", "dog", "여우"])
    assert data.classes == ("cat", "dog", "여우")
    assert data.shape == (4, 5, 3) == data.policy.shape
    together = {
        (pixels.tobytes(), label)
        for part in (data.train, data.validation, data.test)
        for pixels, label in zip(part.x, part.y, strict=True)
    }
    assert together == {(pixels.tobytes(), label) for pixels, label in zip(x, LABELS, strict=True)}


def test_images_of_several_sizes_are_refused() -> None:
    with pytest.raises(DataError, match=r"The images differ in shape\. Give all of them the same shape\."):
        from_arrays([np.zeros((4, 5)), np.zeros((3, 5))], [0, 1])


def test_classes_are_counted_where_they_are_not_named() -> None:
    assert from_arrays(pictures(), LABELS).classes == ("0", "1", "2")


@pytest.mark.parametrize("labels", [LABELS.tolist(), LABELS[:, None], LABELS.astype(float), np.eye(3)[LABELS]])
def test_labels_may_be_numbers_or_one_hot(labels: Any) -> None:
    assert np.array_equal(check_images(pictures(), labels).y, LABELS)


def test_gray_images_get_a_channel_and_whole_numbers_become_bytes() -> None:
    x = pictures(60, (4, 5))
    images = check_images(x.astype(np.int32), LABELS)
    assert images.x.shape == (60, 4, 5, 1)
    assert images.x.dtype == np.uint8
    assert np.array_equal(images.x[..., 0], x)


def test_floats_stay_floats_and_pixels_scaled_beforehand_are_remarked_on() -> None:
    data = from_arrays(pictures() / 255, LABELS)
    assert data.train.x.dtype == np.float32
    assert any("at most 1. Striate's networks expect 0 … 255" in note for note in data.notes)
    assert not any("at most 1" in note for note in from_arrays(pictures().astype(float), LABELS).notes)


def nan_pixel() -> Any:
    x = pictures().astype(float)
    x[17, 2, 1, 0] = np.nan
    return x


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (pictures(60, (4, 5, 2)), LABELS, r"must have shape \(N, H, W\), .* got \(60, 4, 5, 2\)"),
        (pictures(60, ()), LABELS, r"got \(60,\)"),
        (pictures(0), [], r"There are no images: the array has shape \(0, 4, 5, 3\)"),
        (nan_pixel(), LABELS, "1 images contain NaN or infinite pixels; the first is image 17"),
        (pictures().astype(int) * 2, LABELS, r"must lie in 0 … 255; got 0 … 5"),
        (pictures().astype(str), LABELS, "Pixels must be numbers, preferably uint8"),
        (pictures(59), LABELS, "There are 59 images but 60 labels"),
        (pictures(), LABELS - 1, r"Labels must be in 0 … 2; got -1 … 1"),
        (pictures(), LABELS + 1, r"Labels must be in 0 … 2; got 1 … 3"),
        (pictures(), LABELS + 0.5, "integer class numbers"),
        (pictures(), LABELS * np.nan, "integer class numbers"),
        (pictures(), LABELS.astype(str), r"class numbers \(N,\) or one-hot"),
        (pictures(), np.eye(4)[LABELS], "3 columns, one for each class; got 4"),
        (pictures(), np.ones((60, 3)), "a single 1 in each row"),
        (pictures(), LABELS * 0, "images of one class only; a classifier needs at least two"),
    ],
)
def test_arrays_that_cannot_be_used_are_refused_with_the_reason(x: Any, y: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_arrays(x, y, ["a", "b", "c"])


def test_class_names_must_be_two_and_differ() -> None:
    with pytest.raises(DataError, match="at least two classes; got 1"):
        from_arrays(pictures(), LABELS * 0, ["a"])
    with pytest.raises(DataError, match="some occur twice"):
        from_arrays(pictures(), LABELS, ["a", "b", "a"])


def test_a_test_part_of_ones_own_is_kept_and_must_agree() -> None:
    test = pictures(6), LABELS[:6]
    data = from_arrays(pictures(), LABELS, test=test)
    assert np.array_equal(data.test.x, test[0])
    assert len(data.train) + len(data.validation) == 60
    with pytest.raises(DataError, match=r"Test images are \(4, 4, 3\), training images \(4, 5, 3\)"):
        from_arrays(pictures(), LABELS, test=(pictures(6, (4, 4, 3)), LABELS[:6]))
    with pytest.raises(DataError, match="Test pixels are float32, training pixels uint8"):
        from_arrays(pictures(), LABELS, test=(test[0] / 255, test[1]))


def test_names_go_with_their_images() -> None:
    images = check_images(pictures(), LABELS, names=[f"{i}.png" for i in range(60)])
    taken = images.take(np.array([5, 3]))
    assert taken.names == ("5.png", "3.png")
    assert np.array_equal(taken.x, images.x[[5, 3]])
    assert images.take(images.y == 1).names == tuple(f"{i}.png" for i in range(1, 60, 3))
    with pytest.raises(DataError, match="60 images but 2 names"):
        check_images(pictures(), LABELS, names=["a", "b"])


def test_resizing_keeps_parts_and_labels_and_says_so_in_the_fingerprint() -> None:
    data = load("mnist5k")
    small = resize(data, 14, 14, 3)
    assert small.shape == (14, 14, 3) == small.policy.shape
    assert small.policy.digit_size == 10
    assert np.array_equal(small.test.y, data.test.y)
    assert small.fingerprint != data.fingerprint
    blocks = data.test.x[:50, :, :, 0].reshape(50, 14, 2, 14, 2).mean(axis=(2, 4))
    assert np.corrcoef(small.test.x[:50, :, :, 1].ravel(), blocks.ravel())[0, 1] > 0.98
    assert resize(data, 28, 28, 1) is data


def test_what_would_fill_the_memory_is_refused_before_it_does() -> None:
    with pytest.raises(DataError, match=r"5,000 images of 999×999×3 would take 15\.0 GB .* a size of 516 or less"):
        load("mnist5k", size=999, channels=3)


def test_float_images_are_not_resized() -> None:
    with pytest.raises(DataError, match="Only uint8 images can be resized; those of 'arrays' are float32"):
        resize(from_arrays(pictures() / 1.0, LABELS), 8, 8, 3)


def test_images_know_their_number() -> None:
    assert len(Images(pictures(7), LABELS[:7])) == 7
