"""Folders of photographs as data sets: parts, duplicates, damaged files."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.data import Dataset, Images, MappedArray, load, load_folder
from striate.data.dataset import resize
from striate.errors import DataError, UsageError
from striate.images import ImagePolicy

from .conftest import random_image, write_images

SMALL = ImagePolicy(8, 8)


def names(part: Images) -> list[str]:
    return list(part.names or ())


def all_parts(data: Dataset) -> list[str]:
    return names(data.train) + names(data.validation) + names(data.test)


def test_pixels_equal_those_read_by_policy(photos: Path) -> None:
    for policy in (ImagePolicy(16, 12), ImagePolicy(20, 20, 1, "pad")):
        data = load_folder(photos, policy)
        for part in (data.train, data.validation, data.test):
            assert isinstance(part.x, MappedArray)
            read = [policy.read(photos / name) for name in names(part)]
            assert np.array_equal(part.x[:], np.stack(read))
        assert data.policy == policy


def test_given_parts_are_kept(tmp_path: Path) -> None:
    for first, part in enumerate(("train", "val", "test")):
        for label in ("cat", "dog"):
            write_images(tmp_path / part / label, 6, 100 * first + (10 if label == "dog" else 0))
    data = load_folder(tmp_path, SMALL)
    for part, images in (("train", data.train), ("val", data.validation), ("test", data.test)):
        assert names(images) == [f"{part}/{label}/{file.name}" for label in ("cat", "dog")
                                 for file in sorted((tmp_path / part / label).iterdir())]  # fmt: skip
    assert data.classes == ("cat", "dog")
    assert data.notes == ()


@pytest.mark.parametrize("given", [(), ("val",), ("test",), ("val", "test")])
def test_missing_part_is_split_from_training_by_content(photos: Path, given: tuple[str, ...]) -> None:
    whole = photos.rename(photos.with_name("train")).parent
    for number, part in enumerate(given):
        for label in (0, 1):
            write_images(whole / part / ("cat", "dog")[label], 5, 3000 + 100 * number + 10 * label)
    data = load_folder(whole, SMALL)
    for part, images in (("val", data.validation), ("test", data.test)):
        if part in given:
            assert {name.split("/")[0] for name in names(images)} == {part}
            assert len(images) == 10
        else:
            assert {name.split("/")[0] for name in names(images)} == {"train"}
            assert len(images) == 8  # a tenth of 40 in each class
    assert len(all_parts(data)) == 80 + 10 * len(given)


def test_images_added_to_a_class_move_none_of_another(photos: Path) -> None:
    whole = photos.rename(photos.with_name("train")).parent
    before = load_folder(whole, SMALL)
    write_images(whole / "train/cat", 30, 5000)
    after = load_folder(whole, SMALL)
    for old, new in ((before.test, after.test), (before.validation, after.validation)):
        dogs = [{name for name in names(part) if "dog" in name} for part in (old, new)]
        assert dogs[0] == dogs[1]
        assert len(dogs[0]) == 4
        assert [sum("cat" in name for name in names(part)) for part in (old, new)] == [4, 7]


def test_copies_across_parts_are_removed_from_the_part_they_would_favor(tmp_path: Path) -> None:
    for first, part in enumerate(("train", "val", "test")):
        for label in (0, 1):
            write_images(tmp_path / part / ("cat", "dog")[label], 6, 100 * first + 10 * label)
    for source, target in (("test/cat", "train/cat"), ("val/dog", "train/dog"), ("test/dog", "val/dog")):
        for file in sorted((tmp_path / source).iterdir())[:2]:
            shutil.copy(file, tmp_path / target / f"copy of {file.name}")
    data = load_folder(tmp_path, SMALL)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [12, 12, 12]
    assert not any("copy" in name for name in all_parts(data))
    assert data.notes == (
        "2 training images are also in the test split and were removed from the training split.",
        "2 validation images are also in the test split and were removed from the validation split.",
        "2 training images are also in the validation split and were removed from the training split.",
    )


def test_image_in_two_classes_is_reported(photos: Path) -> None:
    shutil.copy(photos / "cat/0003.jpg", photos / "dog/a cat.jpg")
    assert load_folder(photos, SMALL).notes == (
        "1 image is in more than one class: for example, 'cat/0003.jpg' and 'dog/a cat.jpg' are identical.",
    )


def test_unreadable_files_are_left_out_and_named(photos: Path) -> None:
    whole = random_image(7)
    bad = {
        "empty.jpg": b"",
        "text.jpg": b"Dear diary",
        "cut short 🐈.jpg": whole[: len(whole) // 2],
        "그림.png": whole[:40],
        "page.jpg": b"<html><body>404</body></html>",
    }
    for name, content in bad.items():
        (photos / "cat" / name).write_bytes(content)
    (photos / "dog/gone.jpg").symlink_to(photos / "nowhere.jpg")
    (photos / "dog/folder.jpg").mkdir()
    data = load_folder(photos, SMALL)
    assert len(all_parts(data)) == 80
    assert len(data.notes) == 6
    for name in bad:
        assert sum(f"Left out: 'cat/{name}' cannot be read: " in note for note in data.notes) == 1
    assert any("dog/gone.jpg' cannot be read: No such file" in note for note in data.notes)
    assert [file.file for file in data.unreadable] == sorted([*(f"cat/{name}" for name in bad), "dog/gone.jpg"])


def test_format_is_detected_from_content_not_extension(photos: Path) -> None:
    (photos / "cat/really a png.jpg").write_bytes(random_image(77, "PNG"))
    (photos / "dog/really a jpeg.PNG").write_bytes(random_image(78, "JPEG"))
    (photos / "dog/anim.gif").write_bytes(random_image(79, "GIF"))
    data = load_folder(photos, SMALL)
    assert len(all_parts(data)) == 83
    assert data.notes == ()


def test_huge_image_is_left_out_before_allocation(photos: Path) -> None:
    header = bytearray(random_image(1, "BMP"))
    header[18:26] = (30_000).to_bytes(4, "little") * 2
    (photos / "cat/bomb.bmp").write_bytes(bytes(header))
    [note] = load_folder(photos, SMALL).notes
    assert note.startswith("Left out: 'cat/bomb.bmp'")
    assert "100,000,000 pixels" in note


def test_class_of_unreadable_files_has_no_images(photos: Path) -> None:
    (photos / "ghost").mkdir()
    (photos / "ghost/1.jpg").write_bytes(b"boo")
    data = load_folder(photos, SMALL)
    assert data.classes == ("cat", "dog", "ghost")
    assert "Class 'ghost' has no images." in data.notes


def test_loaded_pixels_survive_changes_of_the_folder(photos: Path) -> None:
    data = load_folder(photos, SMALL)
    before = data.train.x[:]
    for file in (photos / "cat").iterdir():
        file.write_bytes(b"overwritten")
    assert np.array_equal(data.train.x[:], before)
    shutil.rmtree(photos)
    assert np.array_equal(data.train.x[:], before)


def test_fingerprint_depends_on_folder_content(photos: Path) -> None:
    first = load_folder(photos, SMALL).fingerprint
    assert load_folder(photos, ImagePolicy(9, 9)).fingerprint == first
    (photos / "cat/0003.jpg").rename(photos / "dog/9999.jpg")
    assert load_folder(photos, SMALL).fingerprint != first
    (photos / "dog/9999.jpg").rename(photos / "cat/0003.jpg")
    assert load_folder(photos, SMALL).fingerprint == first


def test_seeds_give_different_splits_of_same_pixels(photos: Path) -> None:
    parts = [names(load_folder(photos, SMALL, seed).test) for seed in (0, 1, 2, 1)]
    assert parts[1] == parts[3]
    assert parts[0] != parts[1] != parts[2] != parts[0]


def test_load_accepts_size_channels_and_fit(photos: Path) -> None:
    assert load(photos).shape == (64, 64, 3)
    data = load(photos, size=(10, 14), channels=1, fit="pad")
    assert data.policy == ImagePolicy(10, 14, 1, "pad")
    with pytest.raises(UsageError, match="fit can be set for folders only; that of 'mnist5k' is fixed"):
        load("mnist5k", fit="pad")
    with pytest.raises(DataError, match="fit must be one of"):
        load(photos, fit="squash")


def test_indexing_parts_reads_no_pixels(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load_folder(photos, SMALL)

    def fail(self: MappedArray, rows: object) -> None:
        raise AssertionError

    monkeypatch.setattr(MappedArray, "__getitem__", fail)
    assert len(data.train.take(np.arange(5)).take(np.array([True, False, True, True, False]))) == 3


def test_large_photographs_equal_predict_preprocessing(tmp_path: Path) -> None:
    ramp = np.add.outer(np.arange(900), np.arange(1200)) // 9
    for label in ("a", "b"):
        for number in range(12):
            file = tmp_path / "photos" / label / f"{number}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((ramp + 20 * number + (label == "b")).astype(np.uint8)).save(file, quality=90)
    policy = ImagePolicy(64, 64)
    data = load_folder(tmp_path / "photos", policy)
    for name, pixels in zip(names(data.train), data.train.x, strict=True):
        assert np.array_equal(pixels, policy.read(tmp_path / "photos" / name))


def test_mapped_pixels_can_be_resized(photos: Path) -> None:
    data = load_folder(photos, SMALL)
    assert resize(data, 4, 4, 1).shape == (4, 4, 1)
