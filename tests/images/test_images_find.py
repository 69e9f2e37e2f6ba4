import os
from pathlib import Path

import numpy as np
import pytest

from striate.data import load
from striate.data.layout import read_layout
from striate.errors import DataError, UsageError
from striate.images import encode_png, find_images, read_image, search_folder
from striate.images.find import describe_argument, readable_images
from striate.images.formats import is_readable


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_folders_are_searched_recursively_sorted_without_hidden_files(tmp_path: Path) -> None:
    expected = [tmp_path / name for name in ("a/2.PNG", "b.jpeg", "가족/엄마.webp", "고양이.gif")]
    touch(*expected, tmp_path / ".hidden.png", tmp_path / ".git/x.png", tmp_path / "notes.txt", tmp_path / "png")
    assert find_images([tmp_path]) == sorted(expected)


def test_files_keep_their_order_without_duplicates(tmp_path: Path) -> None:
    touch(tmp_path / "digit", tmp_path / "x/1.png")
    found = find_images([tmp_path / "digit", tmp_path / "x", str(tmp_path / "x/1.png")])
    assert found == [tmp_path / "digit", tmp_path / "x/1.png"]


def test_missing_path_and_empty_folder_raise(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no file or folder '.*nothing\.png'"):
        find_images([tmp_path / "nothing.png"])
    touch(tmp_path / "readme.txt")
    with pytest.raises(DataError, match=r"contains no images: no files that end in \.bmp, \.gif"):
        find_images([tmp_path])


def names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in readable_images(folder)]


def test_links_to_folders_and_files_are_followed(tmp_path: Path) -> None:
    touch(tmp_path / "far/1.png", tmp_path / "far/deep/2.png", tmp_path / "photos/0.png")
    (tmp_path / "photos/linked").symlink_to(tmp_path / "far")
    (tmp_path / "photos/3.png").symlink_to(tmp_path / "far/1.png")
    assert names(tmp_path / "photos") == ["0.png", "3.png", "linked/1.png", "linked/deep/2.png"]


def test_link_cycles_end_and_each_folder_is_visited_once(tmp_path: Path) -> None:
    touch(tmp_path / "photos/cat/1.png", tmp_path / "photos/dog/2.png")
    for name, target in (("self", "cat"), ("up", "."), ("twice", "dog"), ("thrice", "dog")):
        (tmp_path / "photos/cat" / name).symlink_to(tmp_path / "photos" / target)
    (tmp_path / "photos/dog/back").symlink_to(tmp_path / "photos/cat")
    assert names(tmp_path / "photos/cat") == ["1.png", "thrice/2.png"]


def test_unreadable_folders_are_reported(tmp_path: Path, shut_folders: None) -> None:
    touch(tmp_path / "open/1.png", tmp_path / "shut/2.png")
    errors: list[OSError] = []
    assert readable_images(tmp_path, errors.append) == [tmp_path / "open/1.png"]
    assert [str(error.strerror) for error in errors] == ["Permission denied"]


def test_content_decides_where_the_name_leaves_it_open(tmp_path: Path) -> None:
    png = encode_png(np.zeros((4, 4), np.uint8))
    for name in ("a.HEIC", "no suffix", "b.txt", "c.ppm", "d.jpg"):
        (tmp_path / name).write_bytes(png)
    (tmp_path / "heic.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    (tmp_path / "jxl").write_bytes(b"\xff\x0a\xff\xff")
    (tmp_path / "raw.dng").write_bytes(b"II*\0\x08\0\0\0")
    touch(tmp_path / "notes.txt", tmp_path / "empty")
    found = search_folder(tmp_path)
    readable = is_readable("HEIC")
    heic = ["heic.heic"] if readable else []
    assert [file.name for file in found.images] == ["a.HEIC", "b.txt", "c.ppm", "d.jpg", *heic, "no suffix"]
    assert [file.name for file in found.unsupported] == [*([] if readable else ["heic.heic"]), "jxl", "raw.dng"]
    if not readable:
        with pytest.raises(DataError, match=r"heic' cannot be read: it is a HEIC image. .*pip install pillow-heif"):
            read_image(tmp_path / "heic.heic")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_pipes_raise_without_blocking(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert search_folder(tmp_path).images == []
    with pytest.raises(DataError, match="pipe' is neither a file nor a folder, but a pipe or a device"):
        find_images([tmp_path / "pipe"])


PNG = encode_png(np.zeros((4, 4), np.uint8))


def test_wrong_arguments_are_described(tmp_path: Path) -> None:
    for name, content in {
        "x.zip": b"PK\x03\x04abc", "labels.csv": b"file,label\n1.jpg,cat\n", "1.png": PNG,
        "x.bin": b"\0\1\2\3\xff\xfe", "x.tgz": b"\x1f\x8b\x08",
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
    for name, text in {
        "x.zip": "is a ZIP archive, not a folder. Unpack it, and give the folder",
        "x.tgz": "is a gzip archive, not a folder. Unpack it, and give the folder",
        "labels.csv": "is a text file, not a folder",
        "1.png": "is a single PNG image",
        "x.bin": "is a file, not a folder",
        "*.png": "is a pattern that your shell did not expand. It matches 1 file; give the files, or",
        "no/*.png": "is a pattern that your shell did not expand. Give the files, or",
    }.items():
        assert (describe_argument(str(tmp_path / name)) or "").startswith(text)
    assert "is a web address" in (describe_argument("https://example.org/x.zip") or "")
    assert describe_argument(str(tmp_path / "gone")) is None
    for call in (load, read_layout):
        with pytest.raises((UsageError, DataError), match=r"x\.zip' is a ZIP archive, not a folder"):
            call(str(tmp_path / "x.zip"))
    with pytest.raises(DataError, match=r"labels\.csv' cannot be read: it is a text file, not a JPEG"):
        read_image(tmp_path / "labels.csv")
