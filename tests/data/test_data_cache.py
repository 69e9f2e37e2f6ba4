"""The pixel cache on disk: decoded once, never partially written, bounded, shared by processes, safe on a full disk."""

import builtins
import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest

from striate.data import Dataset, MappedArray, cache, decoding, groups, load_folder
from striate.data.cache import CacheError, array_folder
from striate.data.groups import NO_PAIRS
from striate.errors import UsageError
from striate.files import atomic_write
from striate.images import ImagePolicy, read_file

from .conftest import random_image, write_images

SMALL = ImagePolicy(8, 8)
BYTES = 80 * 8 * 8 * 3


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of a single test."""
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "photos"


@pytest.fixture(autouse=True)
def pixels_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the search for near-duplicates out, which caches arrays of its own."""
    monkeypatch.setattr(groups, "near_duplicate_files", lambda *_: (NO_PAIRS, []))
    monkeypatch.setattr(groups, "MAX_IMAGES", 0)


@pytest.fixture
def read_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all files read from now on."""
    names: list[str] = []
    real = read_file

    def read(path: Path, named: str | None = None) -> bytes:
        names.append(named or path.name)
        return real(path, named)

    monkeypatch.setattr(decoding, "read_file", read)
    return names


def equal_datasets(first: Dataset, second: Dataset) -> bool:
    pairs = ((first.train, second.train), (first.validation, second.validation), (first.test, second.test))
    return first.fingerprint == second.fingerprint and all(np.array_equal(a.x[:], b.x[:]) for a, b in pairs)


def test_second_load_decodes_no_image(photos: Path, cache_folder: Path, read_names: list[str]) -> None:
    (photos / "cat/bad.jpg").write_bytes(b"bad")
    first = load_folder(photos, SMALL)
    assert len(read_names) == 81
    assert equal_datasets(first, load_folder(photos, SMALL))
    assert load_folder(photos, SMALL).notes == first.notes
    load_folder(photos, SMALL, seed=5)
    assert len(read_names) == 81
    assert sorted(path.suffix for path in cache_folder.iterdir()) == ["", ".json", ".pixels"]
    assert next(cache_folder.glob("*.pixels")).stat().st_size == 81 * 8 * 8 * 3


def test_cache_is_outside_image_folder_and_private(photos: Path, cache_folder: Path) -> None:
    before = sorted(photos.rglob("*"))
    load_folder(photos, SMALL)
    assert sorted(photos.rglob("*")) == before
    assert array_folder() == cache_folder
    if os.name == "posix":
        assert cache_folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("change", ["touch", "content", "new", "gone", "renamed", "moved"])
def test_changed_folder_is_decoded_again(photos: Path, read_names: list[str], change: str) -> None:
    load_folder(photos, SMALL)
    read_names.clear()
    file = photos / "cat/0003.jpg"
    if change == "touch":
        os.utime(file, (1, 1))
    elif change == "content":
        file.write_bytes(random_image(555))
    elif change == "new":
        (photos / "cat/new.jpg").write_bytes(random_image(556))
    elif change == "gone":
        file.unlink()
    elif change == "renamed":
        file.rename(photos / "cat/other.jpg")
    else:
        photos = photos.rename(photos.with_name("elsewhere"))
    load_folder(photos, SMALL)
    assert len(read_names) >= 79


@pytest.mark.parametrize("policy", [ImagePolicy(9, 8), ImagePolicy(8, 8, 1), ImagePolicy(8, 8, 3, "pad")])
def test_each_policy_has_its_own_cache_file(photos: Path, cache_folder: Path, policy: ImagePolicy) -> None:
    load_folder(photos, SMALL)
    assert load_folder(photos, policy).policy == policy
    assert len(list(cache_folder.glob("*.pixels"))) == 2


def test_new_decoder_version_decodes_again(
    photos: Path, read_names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    load_folder(photos, SMALL)
    monkeypatch.setattr(decoding, "decoder_version", lambda: "Pillow 99")
    load_folder(photos, SMALL)
    assert len(read_names) == 160


@pytest.mark.parametrize("damage", ["cut", "longer", "empty", "no pixels", "no facts", "half facts", "foreign facts"])
def test_damaged_cache_file_is_decoded_again(
    photos: Path, cache_folder: Path, read_names: list[str], damage: str
) -> None:
    whole = load_folder(photos, SMALL)
    before = whole.train.x[:]
    [pixels], [facts] = cache_folder.glob("*.pixels"), cache_folder.glob("*.json")
    text = facts.read_text("utf-8")
    sizes = {"cut": BYTES - 1, "longer": BYTES + 1, "empty": 0}
    if damage in sizes:
        os.truncate(pixels, sizes[damage])
    elif damage == "no pixels":
        pixels.unlink()
    elif damage == "no facts":
        facts.unlink()
    else:
        facts.write_text(text[: len(text) // 2] if damage == "half facts" else '{"digests": "00"}', "utf-8")
    for expected in (80, 0):
        read_names.clear()
        data = load_folder(photos, SMALL)
        assert data.fingerprint == whole.fingerprint
        assert np.array_equal(data.train.x[:], before)
        assert len(read_names) == expected


def test_temporarily_unreadable_file_is_decoded_later(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.open

    def unreadable(path: Any, *how: Any, **more: Any) -> Any:
        if os.fspath(path).endswith("0003.jpg"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, *how, **more)

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", unreadable)
        for _ in range(2):
            [note] = load_folder(photos, SMALL).notes
            assert note == "Left out: 'cat/0003.jpg' cannot be read: Permission denied."
    assert load_folder(photos, SMALL).notes == ()


def failing_files(error: OSError, after: int) -> Any:
    """Files whose writes fail after a number of calls."""

    class FullFile:
        def __init__(self, file: BinaryIO) -> None:
            self.file, self.left = file, after

        def write(self, block: Any) -> int:
            if not self.left:
                raise error
            self.left -= 1
            return self.file.write(block)

    return FullFile


@pytest.fixture
def disk_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail with "disk full" while pixels are written."""
    full = failing_files(OSError(errno.ENOSPC, "No space left on device"), 1)

    def write(path: Path, content: Any) -> None:
        atomic_write(path, lambda file: content(full(file)))

    monkeypatch.setattr(decoding, "BLOCK_BYTES", 8 * 8 * 3 * 16)
    monkeypatch.setattr(cache, "atomic_write", write)


@pytest.mark.usefixtures("disk_full")
def test_full_disk_keeps_small_data_in_memory(photos: Path, cache_folder: Path) -> None:
    data = load_folder(photos, SMALL)
    assert isinstance(data.train.x, np.ndarray)
    assert len(data.notes) == 1
    assert data.notes[0].startswith("The pixels are held in memory this time. The disk is full: the pixels of 80")
    assert [path.name for path in cache_folder.iterdir()] == [".lock"]


@pytest.mark.usefixtures("disk_full")
def test_full_disk_with_large_data_raises_with_remedy(
    photos: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "MAX_IN_MEMORY", BYTES - 1)
    with pytest.raises(CacheError) as caught:
        load_folder(photos, SMALL)
    assert str(caught.value).startswith(
        f"The disk is full: the pixels of 80 images take 0.0 MB in {cache_folder}, where "
    )
    assert str(caught.value).endswith(
        "are free. Free some space, set STRIATE_CACHE to a folder on a larger disk, or choose a smaller input_shape."
    )
    assert [path.name for path in cache_folder.iterdir()] == [".lock"]


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A real file system of 400 kB for the cache."""
    if sys.platform != "linux" or os.geteuid():
        pytest.skip("needs the right to mount")
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("needs the right to mount")
    monkeypatch.setenv("STRIATE_CACHE", str(folder))
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_full_file_system_evicts_older_cache_files(
    photos: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_folder(photos, ImagePolicy(30, 30))  # 216 kB
    data = load_folder(photos, ImagePolicy(31, 31))
    assert isinstance(data.train.x, MappedArray)
    assert len(list((small_disk / "photos").glob("*.pixels"))) == 1
    data = load_folder(photos, ImagePolicy(50, 50))  # 600 kB
    assert isinstance(data.train.x, np.ndarray)
    assert "The disk is full: the pixels of 80 images take 0.6 MB" in data.notes[0]
    assert isinstance(load_folder(photos, ImagePolicy(31, 31)).train.x, MappedArray)  # the existing cache file is kept
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: _ReportsFreeSpace())
    assert isinstance(load_folder(photos, ImagePolicy(50, 50)).train.x, np.ndarray)  # noticed while writing only


class _ReportsFreeSpace:
    """Disk usage that reports free space although there is none."""

    free = 10**12


def test_unwritable_cache_keeps_pixels_in_memory(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way", "utf-8")
    data = load_folder(photos, SMALL)
    assert isinstance(data.train.x, np.ndarray)
    assert "The pixels of the images cannot be cached in" in data.notes[0]
    assert data.notes[0].endswith("Set STRIATE_CACHE to a writable folder.")


def test_cache_inside_image_folder_is_not_written(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(photos / "cat"))
    before = sorted(photos.rglob("*"))
    data = load_folder(photos, SMALL)
    assert isinstance(data.train.x, np.ndarray)
    assert (
        "is inside the image folder, where Striate never writes. Set STRIATE_CACHE to another folder." in data.notes[0]
    )
    assert sorted(photos.rglob("*")) == before


def test_least_recently_used_cache_file_is_evicted_first(
    photos: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIATE_CACHE_GB", str(2.5 * BYTES / 1e9))
    policies = {fit: ImagePolicy(8, 8, 3, fit) for fit in ("crop", "pad", "stretch")}
    for age, fit in ((100, "crop"), (50, "pad")):
        old = set(cache_folder.glob("*.json"))
        load_folder(photos, policies[fit])
        [facts] = set(cache_folder.glob("*.json")) - old
        os.utime(facts, (time.time() - age, time.time() - age))
    load_folder(photos, policies["crop"])  # used again, so it is now the more recent one
    load_folder(photos, policies["stretch"])
    assert len(list(cache_folder.glob("*.pixels"))) == 2
    monkeypatch.setattr(decoding, "_decode_blocks", _raise_keyboard_interrupt)
    load_folder(photos, policies["crop"])
    load_folder(photos, policies["stretch"])
    with pytest.raises(KeyboardInterrupt):
        load_folder(photos, policies["pad"])


def _raise_keyboard_interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def test_cache_limit_raises_and_can_be_increased(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_IN_MEMORY", 0)
    monkeypatch.setattr(cache, "DEFAULT_LIMIT_GB", 1e-9)
    with pytest.raises(
        CacheError, match=r"80 images take 0\.0 MB, but the cache is limited to .* STRIATE_CACHE_GB to 1 or more"
    ):
        load_folder(photos, SMALL)
    monkeypatch.setenv("STRIATE_CACHE_GB", "1")
    load_folder(photos, SMALL)
    monkeypatch.setenv("STRIATE_CACHE_GB", "much")
    with pytest.raises(UsageError, match="STRIATE_CACHE_GB must be a number of gigabytes, such as 20; received 'much'"):
        load_folder(photos, ImagePolicy(9, 9))


def test_ctrl_c_while_decoding_leaves_no_files(
    photos: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = decoding._decode

    def decode(file: Path, *rest: Any) -> Any:
        if file.name == "1030.jpg":
            raise KeyboardInterrupt
        return real(file, *rest)

    monkeypatch.setattr(decoding, "_decode", decode)
    with pytest.raises(KeyboardInterrupt):
        load_folder(photos, SMALL)
    assert [path.name for path in cache_folder.iterdir()] == [".lock"]


LOAD = """
import sys
from striate.data import groups, load_folder
from striate.data.groups import NO_PAIRS
from striate.files import atomic_write
from striate.images import ImagePolicy, read_file
groups.near_duplicate_files = lambda *_: (NO_PAIRS, [])
groups.MAX_IMAGES = 0
data = load_folder(sys.argv[1], ImagePolicy(64, 64))
print(data.fingerprint, int(data.train.x[:].sum()), data.notes)
"""
SLOW = """
import sys, time
from striate.data import decoding
real = decoding._decode
def decode(*args):
    time.sleep(0.01)
    return real(*args)
decoding._decode = decode
decoding.BLOCK_BYTES = 1
"""


def start(photos: Path, before: str = "") -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", before + LOAD, str(photos)], stdout=subprocess.PIPE, text=True)


def test_process_killed_while_decoding_leaves_no_valid_cache_file(photos: Path, cache_folder: Path) -> None:
    killed = start(photos, SLOW)
    while not list(cache_folder.glob(".*.tmp")):
        assert killed.poll() is None
        time.sleep(0.005)
    killed.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    killed.communicate()
    assert list(cache_folder.glob(".*.tmp"))
    assert not list(cache_folder.glob("*.json"))
    data = load_folder(photos, ImagePolicy(64, 64))
    assert isinstance(data.train.x, MappedArray)
    assert np.array_equal(data.train.x[0], ImagePolicy(64, 64).read(photos / (data.train.names or ())[0]))
    assert not list(cache_folder.glob(".*.tmp"))


def test_concurrent_processes_decode_once(photos: Path, cache_folder: Path, tmp_path: Path) -> None:
    write_images(tmp_path / "photos/fox", 20, 7000)
    log = tmp_path / "log"
    logged = (
        SLOW
        + f"""
from pathlib import Path
decode_blocks = decoding._decode_blocks
def logged(*args):
    with open({str(log)!r}, "a") as file:
        file.write("pass\\n")
    return decode_blocks(*args)
decoding._decode_blocks = logged
"""
    )
    running = [start(photos, logged) for _ in range(3)]
    outputs = {process.communicate(timeout=60)[0] for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(outputs) == 1
    assert log.read_text("utf-8") == "pass\n"
    assert len(list(cache_folder.glob("*.pixels"))) == 1
