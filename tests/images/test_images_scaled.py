"""Large JPEGs are decoded at a fraction of their size without a visible difference."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from striate.errors import DataError
from striate.images import ImagePolicy, check_image, decode, guards, read_file
from striate.images.decode import decode_pillow

Pixels = NDArray[np.uint8]


def photograph(height: int = 768, width: int = 1024) -> Pixels:
    """Return an image with edges and noise of all scales, as in photographs."""
    rng = np.random.default_rng(5)
    total = np.zeros((height, width, 3))
    for size in (4, 16, 64, 256):
        grain = Image.fromarray(rng.integers(0, 256, (size, size, 3), dtype=np.uint8))
        total += np.asarray(grain.resize((width, height), Image.Resampling.BICUBIC)) / size**0.5
    total[:, width // 3] = 255 * 0.9  # a thin line
    return np.asarray(255 * (total - total.min()) / np.ptp(total)).astype(np.uint8)


PHOTOGRAPH = photograph()


def encoded(pixels: Any, kind: str = "JPEG", **options: Any) -> bytes:
    out = BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(out, kind, quality=92, **options)
    return out.getvalue()


def decoded_at_full_size(
    content: bytes, fit: str, size: tuple[int, int], resample: Image.Resampling
) -> NDArray[np.int64]:
    """Decode at full size and resize, with Pillow only."""
    with Image.open(BytesIO(content)) as stored:
        image = ImageOps.exif_transpose(stored).convert("RGB")
    if fit == "stretch":
        return np.asarray(image.resize(size, resample)).astype(int)
    return np.asarray({"crop": ImageOps.fit, "pad": ImageOps.pad}[fit](image, size, resample)).astype(int)


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 64), (100, 60), (224, 224)])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}], ids=str)
def test_large_jpeg_equals_full_size_decoding(fit: str, height: int, width: int, options: dict[str, Any]) -> None:
    content = encoded(PHOTOGRAPH, **options)
    ours = ImagePolicy(height, width, 3, fit).decode(content).astype(int)
    for resample, near in (
        (Image.Resampling.BILINEAR, 1.0),
        (Image.Resampling.BOX, 2.5),
        (Image.Resampling.LANCZOS, 2.5),
    ):
        assert np.abs(ours - decoded_at_full_size(content, fit, (width, height), resample)).mean() < near


def test_downscaling_averages_pixels() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (600, 300))  # one pixel wide
    for content in (encoded(stripes, subsampling=0), encoded(stripes, "PNG")):
        assert np.abs(ImagePolicy(50, 50).decode(content).astype(int) - 127).max() < 12


def test_decoded_size_is_at_least_twice_the_target_size() -> None:
    content = encoded(PHOTOGRAPH)
    assert decode_pillow(content, min_side=384).size == (512, 384)
    assert decode_pillow(content, min_side=385).size == (1024, 768)
    assert decode_pillow(content, min_side=1).size == (128, 96)
    assert decode_pillow(encoded(PHOTOGRAPH, "PNG"), min_side=1).size == (1024, 768)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotated_photograph_is_upright_and_complete(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(PHOTOGRAPH, exif=exif)
    ours = ImagePolicy(60, 150).decode(content).astype(int)
    assert np.abs(ours - decoded_at_full_size(content, "crop", (150, 60), Image.Resampling.BILINEAR)).mean() < 1.5


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_gray_and_cmyk_jpegs_are_scaled(mode: str) -> None:
    content = encoded(Image.fromarray(PHOTOGRAPH).convert(mode))
    ours = ImagePolicy(64, 64).decode(content).astype(int)
    assert np.abs(ours - decoded_at_full_size(content, "crop", (64, 64), Image.Resampling.BILINEAR)).mean() < 1.5


@pytest.mark.parametrize("part", [0.05, 0.5, 0.98])
def test_truncated_photograph_raises_at_every_scale(part: float) -> None:
    content = encoded(PHOTOGRAPH)
    for size in (16, 64, 500):
        with pytest.raises(DataError, match=r"cut\.jpg' cannot be read: the image is damaged"):
            ImagePolicy(size, size).decode(content[: int(part * len(content))], "cut.jpg")
    with pytest.raises(DataError, match="the image is damaged"):
        check_image(content[: int(part * len(content))])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("fit", ["crop", "pad", "stretch", "digit"])
def test_file_and_bytes_give_same_pixels_in_any_thread(tmp_path: Path, fit: str, channels: int) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(encoded(PHOTOGRAPH))
    policy = ImagePolicy(48, 40, channels, fit)
    first = policy.decode(path.read_bytes())
    with ThreadPoolExecutor(4) as pool:
        assert all(np.array_equal(first, other) for other in pool.map(policy.read, [path] * 20))


def test_image_of_target_size_is_unchanged() -> None:
    content = encoded(PHOTOGRAPH[:64, :64], "PNG")
    assert np.array_equal(ImagePolicy(64, 64).decode(content), PHOTOGRAPH[:64, :64])


def test_very_large_images_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    content, at_once, most = encoded(PHOTOGRAPH), [0], [0]
    monkeypatch.setattr(guards, "MAX_MEMORY", 1000)
    real, lock = decode._upright, threading.Lock()

    def counted(image: Image.Image) -> Image.Image:
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        done = real(image)
        with lock:
            at_once[0] -= 1
        return done

    monkeypatch.setattr(decode, "_upright", counted)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(decode_pillow, [content] * 12))
    assert most == [1]


def test_memory_error_is_not_reported_as_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(image: Image.Image) -> Image.Image:
        raise MemoryError

    monkeypatch.setattr(decode, "_upright", fail)
    with pytest.raises(MemoryError):
        decode_pillow(encoded(PHOTOGRAPH))


def test_header_gives_format_and_stored_size() -> None:
    header = check_image(encoded(PHOTOGRAPH))
    assert (header.format, header.width, header.height) == ("JPEG", 1024, 768)
    assert check_image(encoded(PHOTOGRAPH[:9, :7], "PNG")).format == "PNG"


def test_multi_picture_jpeg_is_a_jpeg() -> None:
    first = Image.fromarray(PHOTOGRAPH)
    content = encoded(first, "MPO", save_all=True, append_images=[first])
    assert check_image(content).format == "JPEG"
    assert ImagePolicy(32, 32).decode(content).shape == (32, 32, 3)


def test_special_files_raise_without_blocking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="it is not a regular file"):
        read_file(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jpg")
        with pytest.raises(DataError, match=r"pipe\.jpg' cannot be read: it is not a regular file"):
            read_file(tmp_path / "pipe.jpg")
    (tmp_path / "huge.jpg").write_bytes(b"x" * 101)
    monkeypatch.setattr(decode, "MAX_BYTES", 100)
    with pytest.raises(DataError, match=r"mine' is too large: 0\.0 GB, at most"):
        read_file(tmp_path / "huge.jpg", "mine")
