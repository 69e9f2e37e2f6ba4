import os
from pathlib import Path
from typing import Any

import pytest

from striate.errors import DataError
from striate.images import find_images, images_below


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
    return [path.relative_to(folder).as_posix() for path in images_below(folder)]


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


def test_unreadable_folders_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path / "open/1.png", tmp_path / "shut/2.png")
    real = os.scandir

    def scandir(path: str) -> Any:
        if os.fspath(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    told: list[OSError] = []
    assert images_below(tmp_path, told.append) == [tmp_path / "open/1.png"]
    assert [str(error.strerror) for error in told] == ["Permission denied"]
