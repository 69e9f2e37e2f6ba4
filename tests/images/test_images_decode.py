import warnings
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from striate.errors import DataError
from striate.images import decode_image, encode_png, read_image

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (7, 5, 3), dtype=np.uint8)
SMOOTH = np.linspace(0, 255, 40 * 60 * 3).reshape(40, 60, 3).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"),
    [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("PPM", {}), ("WEBP", {"lossless": True, "exact": True})],
)
def test_lossless_formats_are_decoded_exactly(kind: str, options: dict[str, Any]) -> None:
    assert np.array_equal(decode_image(encoded(Image.fromarray(RGB), kind, **options)), RGB)


def test_jpeg_of_smooth_image_is_decoded_approximately() -> None:
    decoded = decode_image(encoded(Image.fromarray(SMOOTH), "JPEG", quality=95))
    assert decoded.shape == SMOOTH.shape
    assert np.abs(decoded.astype(int) - SMOOTH).mean() < 3


def test_first_frame_of_an_animation_is_used() -> None:
    frames = [Image.new("RGB", (4, 3), color) for color in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.array_equal(decode_image(data), np.full((3, 4, 3), (255, 0, 0), np.uint8))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    stored = {  # how an image is stored so that a viewer that follows the tag shows it upright
        1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud,
        5: lambda a: a.transpose(1, 0, 2), 6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2), 8: lambda a: np.rot90(a, 3),
    }[orientation](RGB)  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), "PNG", exif=exif)
    assert np.array_equal(decode_image(data), RGB)


def test_damaged_exif_block_is_ignored() -> None:
    data = encoded(Image.fromarray(SMOOTH), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff nonsense")
    assert decode_image(data).shape == SMOOTH.shape


def test_gray_and_bilevel_images_become_three_equal_channels() -> None:
    gray = RGB[:, :, 0]
    assert np.array_equal(decode_image(encoded(Image.fromarray(gray), "PNG")), np.repeat(gray[:, :, None], 3, axis=2))
    bits = decode_image(encoded(Image.fromarray(gray > 100), "PNG"))
    assert np.array_equal(bits[:, :, 1], np.where(gray > 100, 255, 0))


def test_transparent_pixels_are_blended_with_white() -> None:
    pixels = np.array([[[10, 20, 30, 0], [10, 20, 30, 255], [0, 0, 0, 128]]], np.uint8)
    decoded = decode_image(encoded(Image.fromarray(pixels), "PNG"))
    assert decoded.tolist() == [[[255, 255, 255], [10, 20, 30], [127, 127, 127]]]


def test_palette_with_transparent_color_becomes_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([200, 0, 0, 0, 0, 200])
    image.putpixel((1, 0), 1)
    decoded = decode_image(encoded(image, "PNG", transparency=1))
    assert decoded.tolist() == [[[200, 0, 0], [255, 255, 255]]]


def test_gray_with_alpha_is_blended_with_white() -> None:
    bands = [Image.fromarray(np.array([values], np.uint8)) for values in ((9, 9), (255, 0))]
    decoded = decode_image(encoded(Image.merge("LA", bands), "PNG"))
    assert decoded.tolist() == [[[9] * 3, [255] * 3]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_values_are_scaled(kind: str) -> None:
    deep: NDArray[np.uint16] = np.array([[0, 257, 32768, 65535]], np.uint16)
    assert decode_image(encoded(Image.fromarray(deep), kind))[0, :, 0].tolist() == [0, 1, 128, 255]


def test_cmyk_jpeg_becomes_rgb() -> None:
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    red, green, blue = decode_image(encoded(cyan, "JPEG"))[8, 8]
    assert red < 10 and green > 245 and blue > 245


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello, I am a text", "it is a text file, not a JPEG, PNG, WebP, BMP, GIF, TIFF or PPM image"),
        (encoded(Image.fromarray(SMOOTH), "JPEG")[:600], "the image is damaged"),
        (encoded(Image.fromarray(RGB), "PNG")[:60], "the image is damaged"),
        (encoded(Image.fromarray(SMOOTH), "PPM")[:600], "the image is damaged"),
        (encoded(Image.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF"), "not numbers (NaN) or infinite"),
    ],
)
def test_unreadable_files_raise_with_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "사진.jpg"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"사진\.jpg' cannot be read: ") as caught:
        read_image(path)
    assert reason in str(caught.value)


def test_every_truncation_gives_an_image_or_one_clear_error() -> None:
    for kind in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"):
        whole = encoded(Image.fromarray(SMOOTH), kind)
        for length in range(1, len(whole), max(1, len(whole) // 40)):
            try:
                decode_image(whole[:length], "cut")
            except DataError as error:
                assert str(error).startswith("'cut' cannot be read: ")


def test_missing_file_raises(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.png' cannot be read: No such file"):
        read_image(tmp_path / "gone.png")


def test_decompression_bomb_raises_before_allocation() -> None:
    header = bytearray(encoded(Image.new("1", (8, 8)), "BMP"))
    for side in (20_000, 60_000):  # above Striate's limit, above Pillow's
        header[18:26] = side.to_bytes(4, "little") * 2
        with pytest.raises(
            DataError, match=r"bomb' (is too large|cannot be read: it has more than 100,000,000 pixels)"
        ):
            decode_image(bytes(header), "bomb")


def test_pillow_warnings_are_suppressed_in_threads_and_restored() -> None:
    image = Image.new("P", (2, 1))
    image.putpixel((1, 0), 1)
    noisy = encoded(image, "PNG", transparency=bytes([0, 255]))
    before = list(warnings.filters)
    with ThreadPoolExecutor(2) as pool:
        assert len(list(pool.map(decode_image, [noisy] * 40))) == 40
    assert list(warnings.filters) == before


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (4, 6, 3)])
def test_encode_png_is_lossless(shape: tuple[int, ...]) -> None:
    pixels = RNG.integers(0, 256, shape, dtype=np.uint8)
    again = decode_image(encode_png(pixels))
    assert np.array_equal(again, np.broadcast_to(pixels.reshape(4, 6, -1), (4, 6, 3)))
