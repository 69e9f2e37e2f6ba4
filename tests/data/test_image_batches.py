"""`utils.image_dataset_from_directory`: batches of a folder of images, and the functions for image files."""

from pathlib import Path

import numpy as np
import pytest

import striate as st
from striate.errors import DataError, UsageError
from striate.utils import array_to_img, image_dataset_from_directory, img_to_array, load_img, save_img, to_categorical


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for index in range(20):
        kind = ("cat", "dog")[index % 2]
        (tmp_path / "photos" / kind).mkdir(parents=True, exist_ok=True)
        image = np.full((6, 8, 3), 10 * index, "uint8")
        image[0, 0] = index % 2 * 255
        save_img(tmp_path / "photos" / kind / f"{index}.png", image, scale=False)
    return tmp_path / "photos"


def test_batches_hold_the_images_and_labels(photos: Path) -> None:
    data = image_dataset_from_directory(photos, image_size=(6, 8), batch_size=8, shuffle=False)
    assert data.class_names == ("cat", "dog")
    assert len(data) == 3
    batches = list(data)
    assert [x.shape for x, _ in batches] == [(8, 6, 8, 3), (8, 6, 8, 3), (4, 6, 8, 3)]
    assert batches[0][0].dtype == np.float32
    assert np.concatenate([y for _, y in batches]).tolist() == [0] * 10 + [1] * 10
    gray = {int(x[3, 3, 0]) for images, _ in batches for x in images}
    assert gray == {10 * index for index in range(20)}


def test_modes_and_functions(photos: Path) -> None:
    data = image_dataset_from_directory(
        photos, label_mode="categorical", color_mode="grayscale", image_size=(3, 4), batch_size=20, seed=1
    )
    ((x, y),) = data.cache().prefetch(1)
    assert x.shape == (20, 3, 4, 1)
    assert y.sum(axis=1).tolist() == [1] * 20
    assert not np.array_equal(y, next(iter(data))[1])  # another order in the second epoch
    ((halves, rows),) = data.map(lambda x, y: (x / 2, y[:, 1])).take(1)
    assert halves.max() <= 127.5
    assert set(rows) == {0, 1}
    assert [len(part) for part in (data.skip(1), data.take(3))] == [0, 1]
    (alone,) = image_dataset_from_directory(photos, labels=None, batch_size=20, image_size=(3, 4))
    assert alone.shape == (20, 3, 4, 3)


def test_parts_are_disjoint_and_do_not_depend_on_other_files(photos: Path) -> None:
    train, validation = image_dataset_from_directory(photos, validation_split=0.3, subset="both")
    first, second = set(train.file_paths), set(validation.file_paths)
    assert len(first | second) == 20
    assert first.isdisjoint(second)
    assert len(second) > 0
    alone = image_dataset_from_directory(photos, validation_split=0.3, subset="validation")
    assert set(alone.file_paths) == second
    next(iter((photos / "cat").iterdir())).unlink()
    fewer = image_dataset_from_directory(photos, validation_split=0.3, subset="validation")
    assert set(fewer.file_paths) <= second


def test_a_model_learns_from_them(photos: Path) -> None:
    data = image_dataset_from_directory(photos, image_size=(6, 8), batch_size=20, label_mode="binary")
    x, y = next(iter(data))
    assert y.shape == (20, 1)
    model = st.Sequential([st.Input((6, 8, 3)), st.layers.Flatten(), st.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    assert np.isfinite(model.train_on_batch(x, y)[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"color_mode": "cmyk"}, "color_mode must be rgb or grayscale"),
        ({"label_mode": "one-hot"}, "label_mode int, categorical, binary or None"),
        ({"validation_split": 0.2}, "validation_split and subset belong together"),
        ({"labels": "files"}, "Use st.data.load"),
        ({"class_names": ["dog", "cat"]}, "class_names must be the names of the subfolders"),
    ],
)
def test_other_arguments_say_what_to_write(photos: Path, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        image_dataset_from_directory(photos, **arguments)  # type: ignore[arg-type]


def test_image_files_come_back(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (5, 4, 3)).astype("float32")
    save_img(tmp_path / "a.png", x, scale=False)
    np.testing.assert_array_equal(img_to_array(load_img(tmp_path / "a.png")), x)
    gray = load_img(tmp_path / "a.png", color_mode="grayscale", target_size=(7, 9), interpolation="bilinear")
    assert img_to_array(gray).shape == (7, 9, 1)
    spread = img_to_array(array_to_img(np.array([[2.0, 4.0]])))
    assert spread.ravel().tolist() == [0, 255]
    for wrong, message in ((np.zeros((2, 2, 2)), "1, 3 or 4 channels"), (np.zeros(3), "received the shape")):
        with pytest.raises(DataError, match=message):
            array_to_img(wrong)
    with pytest.raises(DataError, match="no suffix of an image format"):
        save_img(tmp_path / "a.xyz", x)


def test_one_hot_rows() -> None:
    np.testing.assert_array_equal(to_categorical([[2], [0]]), [[0, 0, 1], [1, 0, 0]])
    for wrong in ([0.5], [-1], [3]):
        with pytest.raises(DataError, match="to_categorical: class"):
            to_categorical(wrong, num_classes=3)
