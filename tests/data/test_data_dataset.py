from typing import Any

import numpy as np
import pytest

from striate.data import Images, as_images, from_arrays, load
from striate.data.dataset import resize
from striate.errors import DataError

RNG = np.random.default_rng(0)


def random_images(n: int = 60, shape: tuple[int, ...] = (4, 5, 3)) -> Any:
    return RNG.integers(0, 256, (n, *shape), dtype=np.uint8)


LABELS = np.arange(60) % 3


def test_from_arrays_keeps_all_images_and_pixels() -> None:
    x = random_images()
    data = from_arrays(x, LABELS, ["cat", "dog", "여우"])
    assert data.classes == ("cat", "dog", "여우")
    assert data.shape == (4, 5, 3) == data.policy.shape
    together = {
        (pixels.tobytes(), label)
        for part in (data.train, data.validation, data.test)
        for pixels, label in zip(part.x, part.y, strict=True)
    }
    assert together == {(pixels.tobytes(), label) for pixels, label in zip(x, LABELS, strict=True)}


def test_images_of_different_shapes_raise() -> None:
    with pytest.raises(DataError, match=r"The images differ in shape\. Give all of them the same shape\."):
        from_arrays([np.zeros((4, 5)), np.zeros((3, 5))], [0, 1])


def test_classes_without_names_are_numbered() -> None:
    assert from_arrays(random_images(), LABELS).classes == ("0", "1", "2")


@pytest.mark.parametrize("labels", [LABELS.tolist(), LABELS[:, None], LABELS.astype(float), np.eye(3)[LABELS]])
def test_labels_can_be_class_numbers_or_one_hot(labels: Any) -> None:
    assert np.array_equal(as_images(random_images(), labels).y, LABELS)


def test_gray_images_get_channel_and_integers_become_uint8() -> None:
    x = random_images(60, (4, 5))
    images = as_images(x.astype(np.int32), LABELS)
    assert images.x.shape == (60, 4, 5, 1)
    assert images.x.dtype == np.uint8
    assert np.array_equal(images.x[..., 0], x)


def test_floats_stay_floats_with_a_note_if_already_scaled() -> None:
    data = from_arrays(random_images() / 255, LABELS)
    assert data.train.x.dtype == np.float32
    assert any("at most 1. Striate's networks expect 0 … 255" in note for note in data.notes)
    assert not any("at most 1" in note for note in from_arrays(random_images().astype(float), LABELS).notes)


def nan_pixel() -> Any:
    x = random_images().astype(float)
    x[17, 2, 1, 0] = np.nan
    return x


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (random_images(60, (4, 5, 2)), LABELS, r"must have shape \(N, H, W\), .* received \(60, 4, 5, 2\)"),
        (random_images(60, ()), LABELS, r"received \(60,\)"),
        (random_images(0), [], r"There are no images: the array has shape \(0, 4, 5, 3\)"),
        (nan_pixel(), LABELS, "1 images contain NaN or infinite pixels; the first is image 17"),
        (random_images().astype(int) * 2, LABELS, r"must be in 0 … 255; received 0 … 5"),
        (random_images().astype(str), LABELS, "Pixels must be numbers, preferably uint8"),
        (random_images(59), LABELS, "There are 59 images but 60 labels"),
        (random_images(), LABELS - 1, r"Labels must be in 0 … 2; received -1 … 1"),
        (random_images(), LABELS + 1, r"Labels must be in 0 … 2; received 1 … 3"),
        (random_images(), LABELS + 0.5, "integer class numbers"),
        (random_images(), LABELS * np.nan, "integer class numbers"),
        (random_images(), LABELS.astype(str), r"class numbers \(N,\) or one-hot"),
        (random_images(), np.eye(4)[LABELS], "3 columns, one for each class; received 4"),
        (random_images(), np.ones((60, 3)), "a single 1 in each row"),
        (random_images(), LABELS * 0, "images of one class only; a classifier needs at least two"),
    ],
)
def test_invalid_arrays_raise_with_reason(x: Any, y: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_arrays(x, y, ["a", "b", "c"])


def test_fewer_than_two_or_duplicate_class_names_raise() -> None:
    with pytest.raises(DataError, match="at least two classes; received 1"):
        from_arrays(random_images(), LABELS * 0, ["a"])
    with pytest.raises(DataError, match="some occur more than once"):
        from_arrays(random_images(), LABELS, ["a", "b", "a"])


def test_given_test_part_is_kept_and_must_match() -> None:
    test = random_images(6), LABELS[:6]
    data = from_arrays(random_images(), LABELS, test=test)
    assert np.array_equal(data.test.x, test[0])
    assert len(data.train) + len(data.validation) == 60
    with pytest.raises(
        DataError, match=r"Test images have shape \(4, 4, 3\), training images \(4, 5, 3\); they must be equal"
    ):
        from_arrays(random_images(), LABELS, test=(random_images(6, (4, 4, 3)), LABELS[:6]))
    with pytest.raises(DataError, match="Test images have dtype float32, training images uint8; they must be equal"):
        from_arrays(random_images(), LABELS, test=(test[0] / 255, test[1]))


def test_names_stay_with_their_images() -> None:
    images = as_images(random_images(), LABELS, names=[f"{i}.png" for i in range(60)])
    taken = images.take(np.array([5, 3]))
    assert taken.names == ("5.png", "3.png")
    assert np.array_equal(taken.x, images.x[[5, 3]])
    assert images.take(images.y == 1).names == tuple(f"{i}.png" for i in range(1, 60, 3))
    with pytest.raises(DataError, match="60 images but 2 names"):
        as_images(random_images(), LABELS, names=["a", "b"])


def test_resize_keeps_parts_and_labels_and_changes_fingerprint() -> None:
    data = load("mnist5k")
    small = resize(data, 14, 14, 3)
    assert small.shape == (14, 14, 3) == small.policy.shape
    assert small.policy.digit_size == 10
    assert np.array_equal(small.test.y, data.test.y)
    assert small.fingerprint != data.fingerprint
    blocks = data.test.x[:50, :, :, 0].reshape(50, 14, 2, 14, 2).mean(axis=(2, 4))
    assert np.corrcoef(small.test.x[:50, :, :, 1].ravel(), blocks.ravel())[0, 1] > 0.98
    assert resize(data, 28, 28, 1) is data


def test_data_larger_than_memory_raises_before_allocation() -> None:
    with pytest.raises(DataError, match=r"5,000 images of 999×999×3 would take 15\.0 GB .* a size of 516 or less"):
        load("mnist5k", size=999, channels=3)


def test_resizing_float_images_raises() -> None:
    with pytest.raises(DataError, match="Only uint8 images can be resized; those of 'arrays' are float32"):
        resize(from_arrays(random_images() / 1.0, LABELS), 8, 8, 3)


def test_images_have_len() -> None:
    assert len(Images(random_images(7), LABELS[:7])) == 7
