"""Image files that take long, take much memory, or print; and names and limits that are no text or number."""

import os
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from striate import strict_json
from striate.data.cache import limit_bytes
from striate.data.folder import load_folder
from striate.errors import DataError, UsageError
from striate.images import ImagePolicy, check_image, decode, decode_image, encode_png
from striate.images.jpeg import read_header

SMALL = ImagePolicy(32, 32)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def with_scans(content: bytes, count: int) -> bytes:
    """Repeat the last scan of a progressive JPEG."""
    return content[:-2] + content[content.rindex(b"\xff\xda") : -2] * count + content[-2:]


def lossless_jpeg(side: int) -> bytes:
    """Return a lossless JPEG whose pixels are all 128: each differs from its neighbor by 0, the only code there is."""
    frame = bytes([8, *side.to_bytes(2, "big"), *side.to_bytes(2, "big"), 1, 1, 0x11, 0])
    table = bytes([0, 1, *[0] * 15, 0])
    scan = bytes([1, 1, 0, 1, 0, 0])
    segments = ((0xC3, frame), (0xC4, table), (0xDA, scan))
    body = b"".join(bytes([0xFF, kind]) + (len(data) + 2).to_bytes(2, "big") + data for kind, data in segments)
    return b"\xff\xd8" + body + bytes(-(-side * side // 8)) + b"\xff\xd9"


def test_jpeg_with_hundreds_of_scans_is_refused_at_once() -> None:
    content = with_scans(encoded(Image.new("L", (9000, 9000)), "JPEG", progressive=True), 400)
    began = time.perf_counter()
    for read in (SMALL.decode, check_image):
        with pytest.raises(DataError, match=r"bomb\.jpg cannot be read: the JPEG has 406 scans"):
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
