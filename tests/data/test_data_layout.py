"""The layout of a folder of photographs: parts, classes, and files left out."""

import os
import re
import shutil
import sys
import unicodedata
from pathlib import Path

import pytest

from striate.data.layout import Layout, read_layout
from striate.errors import DataError
from striate.images.formats import conversion_advice
from striate.text import printable


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def entries(layout: Layout) -> list[tuple[str, str, int]]:
    """Return (name, class, part) of each file."""
    rows = zip(layout.names, layout.y, layout.parts, strict=True)
    return [(name, layout.classes[label], int(part)) for name, label, part in rows]


def test_classes_are_subfolders_and_images_can_be_nested(tmp_path: Path) -> None:
    touch(tmp_path / "dog/1.jpg", tmp_path / "cat/2024/05/2.png", tmp_path / "cat/3.webp", tmp_path / "cat/notes.txt")
    layout = read_layout(tmp_path)
    assert layout.classes == ("cat", "dog")
    assert entries(layout) == [("cat/2024/05/2.png", "cat", 0), ("cat/3.webp", "cat", 0), ("dog/1.jpg", "dog", 0)]
    assert [file.relative_to(tmp_path).as_posix() for file in layout.files] == list(layout.names)
    assert layout.notes == ()


def test_unsupported_image_formats_are_reported(tmp_path: Path) -> None:
    touch(tmp_path / "cat/1.HEIC", tmp_path / "cat/2.jpg", tmp_path / "dog/deep/3.avif", tmp_path / "dog/.4.heic")
    note = (
        "Left out: 2 images in formats that Striate does not read, such as 'cat/1.HEIC'. "
        f"{' '.join(dict.fromkeys(map(conversion_advice, ('HEIC', 'AVIF'))))}"
    )
    with pytest.raises(DataError, match=re.escape(f"one for each class; found 1: cat. {note}")):
        read_layout(tmp_path)
    touch(tmp_path / "dog/5.jpg")
    assert read_layout(tmp_path).notes == (note,)


@pytest.mark.parametrize(
    "parts", [("train", "val", "test"), ("Training", "VALID", "Testing"), ("TRAIN", "validation", "test")]
)
def test_part_folders_have_several_accepted_names(tmp_path: Path, parts: tuple[str, str, str]) -> None:
    for part in parts:
        touch(tmp_path / part / "cat/1.jpg", tmp_path / part / "dog/deep/2.jpg")
    layout = read_layout(tmp_path)
    assert layout.classes == ("cat", "dog")
    assert sorted(entries(layout), key=lambda row: (row[2], row[0])) == [
        (f"{name}/{file}", label, part)
        for part, name in enumerate(parts)
        for file, label in (("cat/1.jpg", "cat"), ("dog/deep/2.jpg", "dog"))
    ]


def test_two_folders_for_one_part_are_merged(tmp_path: Path) -> None:
    for folder in ("train/cat", "train/dog", "val/cat", "validation/dog"):
        touch(tmp_path / folder / "1.jpg")
    assert [part for *_, part in entries(read_layout(tmp_path))] == [0, 0, 1, 1]


def test_classes_are_the_union_over_all_parts(tmp_path: Path) -> None:
    touch(*(tmp_path / path for path in ("train/a/1.jpg", "train/c/1.jpg", "test/b/1.jpg", "test/c/1.jpg")))
    layout = read_layout(tmp_path)
    assert layout.classes == ("a", "b", "c")
    assert layout.y.tolist() == [1, 2, 0, 2]  # of test/b, test/c, train/a, train/c


def test_class_can_be_named_train(tmp_path: Path) -> None:
    touch(tmp_path / "train/1.jpg", tmp_path / "bus/1.jpg", tmp_path / "car/1.jpg")
    assert read_layout(tmp_path).classes == ("bus", "car", "train")


def test_folder_beside_parts_is_left_out_with_a_note(tmp_path: Path) -> None:
    touch(
        *(tmp_path / path for path in ("train/a/1.jpg", "train/b/1.jpg", "test/a/1.jpg", "raw/1.jpg", "papers/x.pdf"))
    )
    layout = read_layout(tmp_path)
    assert layout.classes == ("a", "b")
    assert layout.notes == ("Left out: the folder 'raw', which is not one of train, val and test.",)


def test_part_without_class_folders_is_left_out(tmp_path: Path) -> None:
    touch(*(tmp_path / path for path in ("train/a/1.jpg", "train/b/1.jpg", "test/1.jpg", "test/2.jpg")))
    layout = read_layout(tmp_path)
    assert layout.parts.tolist() == [0, 0]
    assert layout.notes == ("Left out: 2 files outside the class folders; the first is 'test/1.jpg'.",)


def test_files_of_the_operating_system_are_not_mentioned(tmp_path: Path) -> None:
    files = ("a/1.jpg", "b/1.jpg", "a/Thumbs.db", "Thumbs.db", "desktop.ini", ".DS_Store")
    touch(*(tmp_path / path for path in files))
    assert read_layout(tmp_path).notes == ()


def test_parts_without_training_part_raise(tmp_path: Path) -> None:
    touch(tmp_path / "val/a/1.jpg", tmp_path / "test/b/1.jpg")
    with pytest.raises(DataError, match="contains 'test', 'val', but no folder 'train' with training images"):
        read_layout(tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["a/1.jpg"], r"at least two subfolders .*; found 1: a\.$"),
        (
            ["1.jpg"],
            r"found 0\. There are images in the folder itself: move .* subfolder, or give .* --labels FILE\.$",
        ),
        (["train/a/1.jpg", "test/a/1.jpg", "test/b/1.jpg"], r"train' should contain .* found 1: a\.$"),
        (["train/1.jpg", "test/1.jpg"], r"train' should contain .* found 0\. There are images in"),
        (["Archive/cat/1.jpg", "Archive/dog/1.jpg"], r"found 1: Archive\. Did you mean '.*Archive'\?$"),
    ],
)
def test_fewer_than_two_classes_raise_with_a_hint(tmp_path: Path, files: list[str], message: str) -> None:
    touch(*(tmp_path / file for file in files))
    with pytest.raises(DataError, match=message):
        read_layout(tmp_path)


def test_class_without_images_is_left_out_with_a_note(tmp_path: Path) -> None:
    touch(tmp_path / "a/1.jpg", tmp_path / "b/1.jpg", tmp_path / "c/readme.txt")
    layout = read_layout(tmp_path)
    assert layout.classes == ("a", "b")
    assert layout.notes == ("Left out: the folder 'c', which contains no images.",)


def test_classes_that_differ_only_in_case_are_kept_with_a_note(tmp_path: Path) -> None:
    touch(tmp_path / "Cat/1.jpg", tmp_path / "cat/2.jpg", tmp_path / "dog/3.jpg")
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("this file system knows no capitals")
    layout = read_layout(tmp_path)
    assert layout.classes == ("Cat", "cat", "dog")
    assert layout.notes == (
        "Classes 'Cat' and 'cat' differ only in upper and lower case and are treated as different classes. "
        "If they are one class, merge their folders.",
    )


def test_rare_class_with_a_name_of_its_own_or_a_number_gives_no_note(tmp_path: Path) -> None:
    touch(tmp_path / "b/1.jpg", tmp_path / "room 2/1.jpg", *(tmp_path / f"room 1/{n}.jpg" for n in range(20)))
    assert read_layout(tmp_path).notes == ()
    touch(tmp_path / "rooom 1/1.jpg")
    assert ["'rooom 1' has 1 image" in note for note in read_layout(tmp_path).notes] == [True]


def test_names_in_any_script_are_kept_and_normalized(tmp_path: Path) -> None:
    composed, pieces = (unicodedata.normalize(form, "고양이 é") for form in ("NFC", "NFD"))
    touch(tmp_path / pieces / "새 사진 🐈.jpg", tmp_path / "कुत्ता/x y.jpg", tmp_path / "🦊/1.jpg")
    touch(tmp_path / "train set/👨‍👩‍👧.jpg")
    layout = read_layout(tmp_path)
    assert layout.classes == tuple(sorted([composed, "कुत्ता", "🦊", "train set"]))
    assert f"{composed}/새 사진 🐈.jpg" in layout.names
    assert "train set/👨‍👩‍👧.jpg" in layout.names
    assert all(file.is_file() for file in layout.files)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_undecodable_names_can_be_printed(tmp_path: Path) -> None:
    for name in (b"a\xff.jpg", b"two\nlines\x1b[31m.jpg"):
        path = os.fsencode(tmp_path) + b"/cat/" + name
        Path(os.fsdecode(path)).parent.mkdir(exist_ok=True)
        Path(os.fsdecode(path)).write_bytes(b"x")
    touch(tmp_path / "dog/1.jpg")
    layout = read_layout(tmp_path)
    assert layout.names == ("cat/a\\udcff.jpg", "cat/two\\x0alines\\x1b[31m.jpg", "dog/1.jpg")
    assert all(file.is_file() for file in layout.files)
    assert all(name.encode().decode().isprintable() for name in layout.names)


def test_printable_keeps_plain_names() -> None:
    assert printable("2024-05-01 (1).JPG") == "2024-05-01 (1).JPG"


def test_link_to_parent_folder_is_not_a_class(tmp_path: Path) -> None:
    touch(tmp_path / "photos/a/1.jpg", tmp_path / "photos/b/1.jpg", tmp_path / "far/2.jpg")
    (tmp_path / "photos/all").symlink_to(tmp_path / "photos")
    (tmp_path / "photos/c").symlink_to(tmp_path / "far")
    layout = read_layout(tmp_path / "photos")
    assert layout.classes == ("a", "b", "c")
    assert layout.notes == ("Left out: the link 'all' to a folder that contains it.",)


def test_unreadable_folder_is_left_out_with_a_note(tmp_path: Path, shut_folders: None) -> None:
    touch(tmp_path / "a/1.jpg", tmp_path / "a/shut/2.jpg", tmp_path / "b/1.jpg")
    layout = read_layout(tmp_path)
    assert len(layout.files) == 2
    assert layout.notes == ("Left out: the folder 'a/shut' cannot be read: Permission denied.",)


def test_classes_with_numbers_are_in_natural_order(tmp_path: Path) -> None:
    for name in ("10", "2", "1", "0", "11", "cat 10", "cat 9", "Cat 1", "b"):
        touch(tmp_path / name / "1.jpg")
    assert read_layout(tmp_path).classes == ("0", "1", "2", "10", "11", "Cat 1", "b", "cat 9", "cat 10")
    known = ("10", "2", "1", "0", "11", "cat 10", "cat 9", "Cat 1", "b")
    assert read_layout(tmp_path, known).classes == known


def test_unreadable_class_folder_is_not_called_empty(tmp_path: Path, shut_folders: None) -> None:
    touch(tmp_path / "a/1.jpg", tmp_path / "b/1.jpg", tmp_path / "shut/2.jpg")
    note = "Left out: the folder 'shut' cannot be read: Permission denied."
    assert read_layout(tmp_path).notes == (note,)
    (tmp_path / "a/1.jpg").unlink()
    with pytest.raises(DataError, match=f"found 1: b. {note}"):
        read_layout(tmp_path)


@pytest.mark.parametrize("given", ["", "cat", "test", "split"])
def test_one_class_or_part_is_enough_to_evaluate(tmp_path: Path, given: str) -> None:
    touch(tmp_path / "photos/cat/1.jpg", tmp_path / "photos/cat/deep/2.jpg", tmp_path / "photos/notes/x.pdf")
    touch(tmp_path / "photos/split/test/cat/1.jpg", tmp_path / "photos/split/test/cat/2.jpg")
    touch(tmp_path / "photos/test/cat/1.jpg", tmp_path / "photos/test/cat/2.jpg")
    if not given:
        for name in ("split", "test"):
            shutil.rmtree(tmp_path / "photos" / name)
    layout = read_layout(tmp_path / "photos" / given, ("cat", "dog"))
    assert layout.classes == ("cat",)
    assert layout.y.tolist() == [0, 0]


def test_folder_without_classes_cannot_be_evaluated_on(tmp_path: Path) -> None:
    touch(tmp_path / "holiday/1.jpg")
    with pytest.raises(DataError, match="holiday' contains no labeled images"):
        read_layout(tmp_path / "holiday", ("cat", "dog"))
