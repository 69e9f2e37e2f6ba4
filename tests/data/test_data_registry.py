import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.data import Dataset, describe_datasets, download, list_datasets, load, load_folder
from striate.data.scattered import scattered
from striate.errors import DataError, UsageError
from striate.images import ImagePolicy, encode_png


def test_mnist5k_is_the_embedded_sample_split_by_content() -> None:
    data = load("mnist5k")
    parts = (data.train, data.validation, data.test)
    assert sum(len(part) for part in parts) == 5000
    assert np.bincount(np.concatenate([part.y for part in parts])).tolist() == [500] * 10
    assert all(400 < len(part) < 600 for part in parts[1:])
    assert data.classes == tuple("0123456789")
    assert data.shape == (28, 28, 1)
    assert data.notes == ()


def test_same_seed_gives_same_data_and_other_seed_other_split() -> None:
    assert load("mnist5k").fingerprint == load("mnist5k").fingerprint != load("mnist5k", seed=1).fingerprint


@pytest.fixture(scope="module")
def data() -> Dataset:
    return scattered(2)


def test_scattered_digits_are_reproducible(data: Dataset) -> None:
    assert data.fingerprint == scattered(2).fingerprint != scattered(3).fingerprint


def test_scattered_digits_are_larger_and_varied(data: Dataset) -> None:
    assert data.shape == (56, 56, 1) == data.policy.shape
    ink = data.train.x[..., 0] > 64  # (N, H, W)
    assert ink.any(axis=(1, 2)).all()
    heights = ink.any(axis=2).sum(axis=1)
    assert np.percentile(heights, 5) < 14 and np.percentile(heights, 95) > 30
    centers = (ink.any(axis=2) * np.arange(56)).sum(axis=1) / heights
    assert centers.min() < 12 and centers.max() > 44 and abs(centers.mean() - 27.5) < 0.5
    assert np.count_nonzero(data.train.x[:, [0, -1]].any(axis=(1, 2, 3))) < 0.01 * len(data.train)


def test_scattered_test_images_use_test_digits_only(data: Dataset) -> None:
    source = load("mnist5k", seed=2)
    assert np.array_equal(data.test.y, source.test.y)
    assert np.array_equal(data.validation.y, source.validation.y)
    assert np.array_equal(data.train.y, np.tile(source.train.y, 3))


def test_copies_of_a_scattered_digit_differ(data: Dataset) -> None:
    x = data.train.x
    first, second = x[: len(x) // 3], x[len(x) // 3 : 2 * len(x) // 3]
    assert (first != second).any(axis=(1, 2, 3)).all()


def test_listed_sizes_equal_actual_sizes() -> None:
    assert list_datasets() == ("mnist5k", "mnist", "scattered")
    for known in describe_datasets():
        if known.path is None:
            continue
        data = load(known.name)
        assert len(data.train) + len(data.validation) + len(data.test) == known.images
        assert len(data.classes) == known.classes
        assert Path(known.path).exists()


def test_get_of_built_in_data_returns_its_location() -> None:
    assert Path(download("mnist5k")).name == "mnist5k.npz"


def test_unknown_name_raises_and_suggests_nearest() -> None:
    for call in (load, download):
        with pytest.raises(
            UsageError, match=r"no data set or folder 'mnsit'\. Did you mean 'mnist'\? You can also give"
        ):
            call("mnsit")


def test_size_and_channels_can_be_chosen() -> None:
    assert load("mnist5k", size=20).shape == (20, 20, 1)
    assert load("mnist5k", size=(14, 20), channels=3).shape == (14, 20, 3)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of 30 colored images each in several formats, and typical other files."""
    folder = tmp_path / "가족 사진"
    rng = np.random.default_rng(0)
    for label, base in (("엄마", (200, 30, 30)), ("아빠", (30, 30, 200))):
        (folder / label / "2024").mkdir(parents=True)
        for i in range(30):
            pixels = np.clip(rng.normal(base, 10, (20 + i, 40, 3)), 0, 255).astype(np.uint8)
            out = io.BytesIO()
            Image.fromarray(pixels).save(out, ("PNG", "JPEG", "WEBP")[i % 3])
            sub = "2024" if i % 2 else "."
            (folder / label / sub / f"{i:02}.{('png', 'jpg', 'webp')[i % 3]}").write_bytes(out.getvalue())
    return folder


def test_folder_becomes_data_set_with_sorted_classes(photos: Path) -> None:
    data = load(photos, size=(16, 24))
    assert data.name == "가족 사진"
    assert data.classes == ("아빠", "엄마")
    assert data.shape == (16, 24, 3)
    for part in (data.train, data.validation, data.test):
        assert part.names is not None
        assert [data.classes[label] for label in part.y] == [name.split("/")[0] for name in part.names]
        red, _, blue = part.x[:].mean(axis=(1, 2)).T

        assert np.array_equal(red > blue, part.y == 1)
    assert sum(len(part) for part in (data.train, data.validation, data.test)) == 60
    assert data.notes == ()


def test_files_left_out_are_named_with_reason(photos: Path) -> None:
    (photos / "엄마/empty.jpg").write_bytes(b"")
    (photos / "아빠/fake.png").write_text("text", encoding="utf-8")
    (photos / "loose.png").write_bytes(encode_png(np.zeros((4, 4), np.uint8)))
    (photos / "nothing").mkdir()
    (photos / ".thumbnails").mkdir()
    data = load_folder(photos, ImagePolicy(8, 8))
    assert data.classes == ("아빠", "엄마")
    assert len(data.train) + len(data.validation) + len(data.test) == 60
    notes = "\n".join(data.notes)
    assert "empty.jpg' cannot be read: the file is empty" in notes
    assert "fake.png' cannot be read: it is a text file, not a JPEG" in notes
    assert "1 file outside the class folders; the first is 'loose.png'" in notes
    assert "the folder 'nothing', which contains no images" in notes
    assert len(data.notes) == 4


def test_copies_stay_together_and_move_few_others(photos: Path) -> None:
    def parts() -> dict[str, int]:
        data = load_folder(photos, ImagePolicy(8, 8, 1), seed=4)
        return {name: i for i, part in enumerate((data.train, data.validation, data.test)) for name in part.names or ()}

    before = parts()
    for i in range(10):
        original = photos / "아빠" / f"{2 * i:02}.{('png', 'jpg', 'webp')[2 * i % 3]}"
        (photos / "아빠" / f"copy {2 * i:02}").with_suffix(original.suffix).write_bytes(original.read_bytes())
    after = parts()
    assert sum(after[name] != part for name, part in before.items()) <= 3  # a tenth of the ten copies, per part
    for i in range(10):
        suffix = ("png", "jpg", "webp")[2 * i % 3]
        assert after[f"아빠/copy {2 * i:02}.{suffix}"] == after[f"아빠/{2 * i:02}.{suffix}"]


def test_image_size_does_not_change_the_split(photos: Path) -> None:
    assert load_folder(photos, ImagePolicy(8, 8)).test.names == load_folder(photos, ImagePolicy(20, 12, 1)).test.names


def test_folder_with_fewer_than_two_classes_raises(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least two subfolders of images, one for each class; found 0"):
        load(tmp_path)
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat/1.png").write_bytes(encode_png(np.zeros((4, 4), np.uint8)))
    with pytest.raises(DataError, match="found 1: cat"):
        load(tmp_path)
    with pytest.raises(DataError, match=r"There is no file or folder '.*gone'"):
        load_folder(tmp_path / "gone", ImagePolicy(8, 8))


def test_folder_of_unreadable_images_raises_data_error(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.png").write_bytes(b"no image")
    message = r"None of the 2 images in .* can be read\. 'cat/1\.png' cannot be read"
    with pytest.raises(DataError, match=message):
        load(tmp_path)


def test_folder_with_a_similar_name_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "내 꽃 사진").mkdir()
    with pytest.raises(UsageError, match=r"Did you mean '.*내 꽃 사진'\?"):
        load(str(tmp_path / "내 꼿 사진"))
