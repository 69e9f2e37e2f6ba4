import errno
import os
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from striate.errors import RunError
from striate.files import atomic_write, remove_temporaries


def test_writes_bytes_text_and_the_output_of_a_function(tmp_path: Path) -> None:
    path = tmp_path / "새 폴더" / "file"
    atomic_write(path, b"\x00\n")
    assert path.read_bytes() == b"\x00\n"
    atomic_write(path, "한글\n")
    assert path.read_bytes() == "한글\n".encode()
    atomic_write(path, lambda file: file.write(b"three"))
    assert path.read_bytes() == b"three"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def raise_disk_full(file: BinaryIO) -> None:
    file.write(b"half of it")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_full_disk_keeps_the_old_file_and_leaves_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    atomic_write(path, b"old")
    with pytest.raises(RunError, match=r"The disk is full: .*model\.safetensors' was not written.*Free some space"):
        atomic_write(path, raise_disk_full)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.safetensors"]


def test_failure_while_syncing_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    atomic_write(path, b"old")

    def fail(descriptor: int) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(RunError, match="could not be written: Input/output error"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_folder_that_is_a_file_raises_a_one_sentence_error(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("not a folder", encoding="utf-8")
    with pytest.raises(RunError, match="could not be written"):
        atomic_write(tmp_path / "runs" / "config.json", b"")


def test_interrupted_write_leaves_no_temporary(tmp_path: Path) -> None:
    def interrupt(file: BinaryIO) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomic_write(tmp_path / "file", interrupt)
    assert not list(tmp_path.iterdir())


def test_only_temporaries_of_killed_writes_are_removed(tmp_path: Path) -> None:
    for name in (".file.123.tmp", "file", "other.tmp", ".another.tmp", ".hidden"):
        (tmp_path / name).touch()
    remove_temporaries(tmp_path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".another.tmp", ".hidden", "file", "other.tmp"]
