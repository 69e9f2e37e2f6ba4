from pathlib import Path

import pytest

from striate.errors import DataError
from striate.images import find_images


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_folders_are_searched_below_sorted_without_hidden_files_and_others(tmp_path: Path) -> None:
    wanted = [tmp_path / name for name in ("a/2.PNG", "b.jpeg", "가족/엄마.webp", "고양이.gif")]
    touch(*wanted, tmp_path / ".hidden.png", tmp_path / ".git/x.png", tmp_path / "notes.txt", tmp_path / "png")
    assert find_images([tmp_path]) == sorted(wanted)


def test_files_are_taken_as_named_and_once(tmp_path: Path) -> None:
    touch(tmp_path / "digit", tmp_path / "x/1.png")
    found = find_images([tmp_path / "digit", tmp_path / "x", str(tmp_path / "x/1.png")])
    assert found == [tmp_path / "digit", tmp_path / "x/1.png"]


def test_a_missing_path_and_an_empty_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no file or folder '.*nothing\.png'"):
        find_images([tmp_path / "nothing.png"])
    touch(tmp_path / "readme.txt")
    with pytest.raises(DataError, match=r"holds no images\. Expected are files that end in \.bmp, \.gif"):
        find_images([tmp_path])
