"""Image files that take long, take much memory, or print; and names and limits that are no text or number."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate import strict_json
from striate.data.cache import limit_bytes
from striate.data.folder import load_folder
from striate.errors import DataError, UsageError
from striate.images import ImagePolicy, check_image, decode, decode_image, encode_png, modes
from striate.images.jpeg import read_header

from .image_files import (
    BOMBS,
    MODES,
    encoded,
    image_files,
    lossless_jpeg,
    options,
    reference,
    sample,
    tiff_of_inks,
    with_scans,
)

SMALL = ImagePolicy(32, 32)


def test_jpeg_with_hundreds_of_scans_is_refused_at_once() -> None:
    content = with_scans(encoded(Image.new("L", (9000, 9000)), "JPEG", progressive=True), 400)
    began = time.perf_counter()
    for read in (SMALL.decode, check_image):
        with pytest.raises(DataError, match=r"bomb\.jpg' cannot be read: the JPEG has 406 scans"):
            read(content, "bomb.jpg")
    assert time.perf_counter() - began < 5


def test_small_jpeg_with_many_scans_is_read() -> None:
    assert SMALL.decode(with_scans(encoded(Image.new("L", (64, 64)), "JPEG", progressive=True), 400)).max() == 0


def test_progressive_jpeg_whose_coefficients_fill_memory_is_refused() -> None:
    content = bytearray(encoded(Image.new("RGB", (64, 64)), "JPEG", progressive=True, subsampling=0))
    at = content.index(b"\xff\xc2") + 5
    content[at : at + 4] = (9000).to_bytes(2, "big") * 2
    with pytest.raises(DataError, match="a progressive JPEG that takes 486 MB to decode, at most 350 MB"):
        SMALL.decode(bytes(content))


def test_jpeg_above_the_pixel_limit_is_read_at_a_fraction(monkeypatch: pytest.MonkeyPatch) -> None:
    panorama = np.zeros((500, 4000, 3), np.uint8)
    panorama[:, 2000:] = 255
    content = encoded(Image.fromarray(panorama), "JPEG", quality=95)
    monkeypatch.setattr(decode, "MAX_PIXELS", 1_000_000)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100_000)
    assert SMALL.decode(content).mean() == pytest.approx(127.5, abs=1)
    assert decode_image(content).shape == (250, 2000, 3)
    header = check_image(content)
    assert (header.width, header.height) == (4000, 500)
    with pytest.raises(DataError, match=r"too large|more than"):
        SMALL.decode(encoded(Image.fromarray(panorama), "PNG"))


def test_lossless_jpeg_is_no_damage() -> None:
    content = lossless_jpeg(256)
    header = read_header(content)
    assert header is not None
    assert header.lossless
    assert (SMALL.decode(content) == 128).all()
    assert check_image(content).width == 256


@pytest.mark.skipif(sys.platform == "win32", reason="needs a bundled libtiff with the symbols of other systems")
def test_libtiff_prints_nothing_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    content = bytearray(encoded(Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8)), "TIFF",
                                compression="tiff_lzw"))  # fmt: skip
    content[8:600] = rng.integers(0, 256, 592, dtype=np.uint8).tobytes()
    for cut in (len(content), len(content) // 2):
        try:
            SMALL.decode(bytes(content[:cut]))
        except DataError as error:
            assert "cannot be read" in str(error)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_folder_names_that_are_no_text_can_be_written(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/w\xe9ird"))
    for number, name in enumerate((b"caf\xe9", b"dog")):
        (folder / os.fsdecode(name)).mkdir(parents=True)
        for index in range(10):
            pixels = np.full((9, 9), 20 * number + index, np.uint8)
            (folder / os.fsdecode(name) / f"{index}.png").write_bytes(encode_png(pixels))
    data = load_folder(folder, SMALL)
    assert data.name == "w\\udce9ird"
    assert data.classes == ("caf\\udce9", "dog")
    text = strict_json.dumps({"data": str(folder)})
    assert strict_json.loads(text.encode()) == {"data": str(folder)}


@pytest.mark.parametrize("limit", ["inf", "nan", "-1", "1e400", "many"])
def test_cache_limits_that_are_no_size_are_refused(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setenv("STRIATE_CACHE_GB", limit)
    with pytest.raises(
        UsageError, match=f"STRIATE_CACHE_GB must be a number of gigabytes, such as 20; received '{limit}'"
    ):
        limit_bytes()


BOMB_SCRIPT = """
import pathlib, re, sys
from concurrent.futures import ThreadPoolExecutor
from striate.errors import DataError
from striate.images import ImagePolicy, encode_png

def megabytes(name):
    return int(re.search(name + r":\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]) / 1000

def decode(path):
    try:
        ImagePolicy(32, 32).read(path)
    except DataError:
        pass

decode(sys.argv[1])
import numpy; ImagePolicy(4, 4).decode(encode_png(numpy.zeros((9, 9, 3), numpy.uint8)))
before = megabytes("VmRSS")
with ThreadPoolExecutor(16) as threads:
    list(threads.map(decode, sys.argv[2:]))
print(megabytes("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc")
def test_simultaneous_bombs_stay_within_half_a_gigabyte(tmp_path: Path) -> None:
    names = ("PNG, too many pixels", "PNG, palette with transparency", "PNG, gray with alpha")
    for number, name in enumerate(names):
        (tmp_path / f"{number}.png").write_bytes(BOMBS[name]())
    files = [tmp_path / f"{number}.png" for number in (0, 0, 1, 2, 2)]
    done = subprocess.run(
        [sys.executable, "-c", BOMB_SCRIPT, *files], check=True, capture_output=True, text=True, timeout=100
    )
    assert float(done.stdout) < 520


def test_images_that_take_too_much_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MAX_MEMORY", 16 * 60 * 60)
    for settings in ({}, {"lossless": True}, {"exif": b"Exif\0\0"}):
        with pytest.raises(DataError, match=r"too large: decoding this WebP image takes 0 MB, at most"):
            SMALL.decode(encoded(Image.new("RGB", (61, 60)), "WEBP", **settings))
        assert SMALL.decode(encoded(Image.new("RGB", (60, 60)), "WEBP", **settings)).max() == 0
    with pytest.raises(DataError, match=r"too large: decoding 150×60 pixels of this kind takes 0 MB, at most"):
        SMALL.decode(encoded(Image.new("CMYK", (150, 60)), "TIFF"))


def test_whole_files_are_read_as_pillow_reads_them_and_damaged_ones_are_refused() -> None:
    whole_ones = 0
    for name, content, whole in image_files(random.Random(0), 400):
        try:
            found = decode_image(content, name)
        except DataError as error:
            assert not whole or "shows nothing" in str(error), error
            assert str(error).startswith(f"'{name}'")
            continue
        expected = reference(content)
        assert expected is None or np.array_equal(found, expected), name
        whole_ones += whole
    assert whole_ones > 100


@pytest.mark.parametrize("kind", MODES)
def test_strips_of_rows_give_the_pixels_of_the_whole_image(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(1)
    contents = [encoded(sample(mode, rng), kind, **options(kind, rng)) for mode in MODES[kind]]
    found = [decode_image(content) for content in contents]
    monkeypatch.setattr(modes, "STRIP_PIXELS", 50)
    assert all(np.array_equal(decode_image(content), pixels) for content, pixels in zip(contents, found, strict=True))


@pytest.mark.parametrize("largest", [4095, 65535])
def test_inks_of_16_bits_use_their_whole_range(largest: int) -> None:
    """Pillow writes no such file: the tags of an 8-bit one are changed, whose pixels are followed by more."""
    inks = np.random.default_rng(0).integers(0, largest + 1, (9, 7, 4)).astype("<u2")
    inks[0, 0] = largest
    content = tiff_of_inks(inks)
    eight = np.round(inks * (255 / largest)).astype(np.uint8) if largest == 4095 else (inks >> 8).astype(np.uint8)
    expected = np.asarray(Image.fromarray(eight, mode="CMYK").convert("RGB"))
    assert np.abs(decode_image(content).astype(int) - expected).max() <= 1


def test_pillow_logs_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    content = bytearray(encoded(Image.new("RGB", (5, 5)), "TIFF"))
    tag = content.index((277).to_bytes(2, "little") + b"\3\0\1\0\0\0")
    content[tag + 8 : tag + 10] = b"\xff\xff"  # samples per pixel
    with pytest.raises(DataError, match="the TIFF has 5×5 pixels with 65535 bands"):
        SMALL.decode(bytes(content))
    assert capfd.readouterr() == ("", "")
