"""A person's folder of photographs as a data set: its parts, its doubles, its damaged files."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.data import Dataset, Images, MappedArray, load, load_folder
from striate.data.dataset import resize
from striate.errors import DataError, UsageError
from striate.images import ImagePolicy

from .conftest import fill, picture

SMALL = ImagePolicy(8, 8)


def names(part: Images) -> list[str]:
    return list(part.names or ())


def everything(data: Dataset) -> list[str]:
    return names(data.train) + names(data.validation) + names(data.test)


def test_pixels_are_those_the_policy_reads_from_each_file(photos: Path) -> None:
    for policy in (ImagePolicy(16, 12), ImagePolicy(20, 20, 1, "pad")):
        data = load_folder(photos, policy)
        for part in (data.train, data.validation, data.test):
            assert isinstance(part.x, MappedArray)
            read = [policy.read(photos / name) for name in names(part)]
            assert np.array_equal(part.x[:], np.stack(read))
        assert data.policy == policy


def test_given_parts_are_kept_as_they_are(tmp_path: Path) -> None:
    for first, part in enumerate(("train", "val", "test")):
        for label in ("cat", "dog"):
            fill(tmp_path / part / label, 6, 100 * first + (10 if label == "dog" else 0))
    data = load_folder(tmp_path, SMALL)
    for part, images in (("train", data.train), ("val", data.validation), ("test", data.test)):
        assert names(images) == [f"{part}/{label}/{file.name}" for label in ("cat", "dog")
                                 for file in sorted((tmp_path / part / label).iterdir())]  # fmt: skip
    assert data.classes == ("cat", "dog")
    assert data.notes == ()


@pytest.mark.parametrize("given", [(), ("val",), ("test",), ("val", "test")])
def test_a_part_that_is_missing_is_cut_from_training_by_content(photos: Path, given: tuple[str, ...]) -> None:
    whole = photos.rename(photos.with_name("train")).parent
    for number, part in enumerate(given):
        for label in (0, 1):
            fill(whole / part / ("cat", "dog")[label], 5, 3000 + 100 * number + 10 * label)
    data = load_folder(whole, SMALL)
    for part, images in (("val", data.validation), ("test", data.test)):
        if part in given:
            assert {name.split("/")[0] for name in names(images)} == {part}
            assert len(images) == 10
        else:
            assert {name.split("/")[0] for name in names(images)} == {"train"}
            assert 2 <= len(images) <= 16  # about a tenth of 80
    assert len(everything(data)) == 80 + 10 * len(given)


def test_what_is_cut_does_not_depend_on_other_images(photos: Path) -> None:
    whole = photos.rename(photos.with_name("train")).parent
    before = load_folder(whole, SMALL)
    fill(whole / "train/cat", 30, 5000)
    after = load_folder(whole, SMALL)
    assert set(names(before.test)) < set(names(after.test))
    assert set(names(before.validation)) < set(names(after.validation))


def test_copies_across_parts_are_left_out_of_the_part_that_would_profit(tmp_path: Path) -> None:
    for first, part in enumerate(("train", "val", "test")):
        for label in (0, 1):
            fill(tmp_path / part / ("cat", "dog")[label], 6, 100 * first + 10 * label)
    for source, target in (("test/cat", "train/cat"), ("val/dog", "train/dog"), ("test/dog", "val/dog")):
        for file in sorted((tmp_path / source).iterdir())[:2]:
            shutil.copy(file, tmp_path / target / f"copy of {file.name}")
    data = load_folder(tmp_path, SMALL)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [12, 12, 12]
    assert not any("copy" in name for name in everything(data))
    assert data.notes == (
        "2 training images are also in the test part; left out of training.",
        "2 validation images are also in the test part; left out of validation.",
        "2 training images are also in the validation part; left out of training.",
    )


def test_a_image_in_two_classes_is_told_of(photos: Path) -> None:
    shutil.copy(photos / "cat/0003.jpg", photos / "dog/a cat.jpg")
    assert load_folder(photos, SMALL).notes == (
        "1 image is in several classes at once; the first is 'cat/0003.jpg', also 'dog/a cat.jpg'.",
    )


def test_files_of_all_bad_sorts_are_left_out_and_named(photos: Path) -> None:
    whole = picture(7)
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
    assert len(everything(data)) == 80
    assert len(data.notes) == 6
    for name in bad:
        assert sum(f"Left out: cat/{name} cannot be read: " in note for note in data.notes) == 1
    assert any("dog/gone.jpg cannot be read: No such file" in note for note in data.notes)


def test_what_a_file_is_decides_not_what_it_is_called(photos: Path) -> None:
    (photos / "cat/really a png.jpg").write_bytes(picture(77, "PNG"))
    (photos / "dog/really a jpeg.PNG").write_bytes(picture(78, "JPEG"))
    (photos / "dog/anim.gif").write_bytes(picture(79, "GIF"))
    data = load_folder(photos, SMALL)
    assert len(everything(data)) == 83
    assert data.notes == ()


def test_a_huge_image_is_left_out_before_it_fills_memory(photos: Path) -> None:
    header = bytearray(picture(1, "BMP"))
    header[18:26] = (30_000).to_bytes(4, "little") * 2
    (photos / "cat/bomb.bmp").write_bytes(bytes(header))
    [note] = load_folder(photos, SMALL).notes
    assert note.startswith("Left out: cat/bomb.bmp")
    assert "100,000,000 pixels" in note


def test_a_class_of_which_nothing_can_be_read_has_no_images(photos: Path) -> None:
    (photos / "ghost").mkdir()
    (photos / "ghost/1.jpg").write_bytes(b"boo")
    data = load_folder(photos, SMALL)
    assert data.classes == ("cat", "dog", "ghost")
    assert "Class 'ghost' has no images." in data.notes


def test_the_pixels_stay_when_the_folder_changes_or_goes(photos: Path) -> None:
    data = load_folder(photos, SMALL)
    before = data.train.x[:]
    for file in (photos / "cat").iterdir():
        file.write_bytes(b"overwritten")
    assert np.array_equal(data.train.x[:], before)
    shutil.rmtree(photos)
    assert np.array_equal(data.train.x[:], before)


def test_a_changed_folder_has_another_fingerprint_and_the_same_one_the_same(photos: Path) -> None:
    first = load_folder(photos, SMALL).fingerprint
    assert load_folder(photos, ImagePolicy(9, 9)).fingerprint == first
    (photos / "cat/0003.jpg").rename(photos / "dog/9999.jpg")
    assert load_folder(photos, SMALL).fingerprint != first
    (photos / "dog/9999.jpg").rename(photos / "cat/0003.jpg")
    assert load_folder(photos, SMALL).fingerprint == first


def test_each_seed_cuts_its_own_parts_from_the_same_pixels(photos: Path) -> None:
    parts = [names(load_folder(photos, SMALL, seed).test) for seed in (0, 1, 2, 1)]
    assert parts[1] == parts[3]
    assert parts[0] != parts[1] != parts[2] != parts[0]


def test_size_channels_and_fit_are_chosen_by_load(photos: Path) -> None:
    assert load(photos).shape == (64, 64, 3)
    data = load(photos, size=(10, 14), channels=1, fit="pad")
    assert data.policy == ImagePolicy(10, 14, 1, "pad")
    with pytest.raises(UsageError, match="fit can be chosen for folders only; 'mnist5k' has its own"):
        load("mnist5k", fit="pad")
    with pytest.raises(DataError, match="fit must be one of"):
        load(photos, fit="squash")


def test_parts_are_taken_without_reading_them(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load_folder(photos, SMALL)

    def fail(self: MappedArray, rows: object) -> None:
        raise AssertionError

    monkeypatch.setattr(MappedArray, "__getitem__", fail)
    assert len(data.train.take(np.arange(5)).take(np.array([True, False, True, True, False]))) == 3


def test_large_photographs_lie_there_as_predict_would_read_them(tmp_path: Path) -> None:
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


def test_pixels_in_a_file_can_be_brought_to_another_size(photos: Path) -> None:
    data = load_folder(photos, SMALL)
    assert resize(data, 4, 4, 1).shape == (4, 4, 1)
