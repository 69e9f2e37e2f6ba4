"""Images of more than 8 bits, transparent images, and the formats that are recognized by content."""

import struct
import zlib
from io import BytesIO
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from striate.errors import DataError
from striate.images import ImagePolicy, decode_image
from striate.images.formats import identify

Deep = NDArray[Any]
RAMP: Deep = np.arange(0, 4096, 65, dtype=np.uint16)[:63].reshape(7, 9)  # 12 bits: 0 … 4030


def packed(image: Any, kind: str, **options: Any) -> bytes:
    out = BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(out, kind, **options)
    return out.getvalue()


def netpbm(pixels: Deep, largest: int) -> bytes:
    """Write a binary PGM (H, W) or PPM (H, W, 3)."""
    height, width = pixels.shape[:2]
    kind = b"P6" if pixels.ndim == 3 else b"P5"
    dtype = ">u2" if largest > 255 else "u1"
    return kind + f"\n{width} {height}\n{largest}\n".encode() + pixels.astype(dtype).tobytes()


def png16(pixels: Deep, color_type: int) -> bytes:
    """Write a PNG of 16 bits, which Pillow cannot: (H, W, C)."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def tiff(pixels: Deep, order: Literal["<", ">"] = "<") -> bytes:
    """Write a TIFF of any bands, type and byte order: (H, W, C)."""
    height, width, bands = pixels.shape
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    bits = 8 * pixels.dtype.itemsize
    data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    at = 8 + 2 + 12 * 11 + 4
    values = at, at + 2 * bands
    strip = at + 4 * bands

    def entry(tag: int, type_: int, count: int, value: int) -> bytes:
        packed_value = struct.pack(order + "HH", value, 0) if type_ == 3 and count == 1 else struct.pack(
            order + "I", value
        )  # fmt: skip
        return struct.pack(order + "HHI", tag, type_, count) + packed_value

    many = bands > 2
    entries = [
        entry(256, 4, 1, width), entry(257, 4, 1, height), entry(258, 3, bands, values[0] if many else bits),
        entry(259, 3, 1, 1), entry(262, 3, 1, 2 if bands >= 3 else 1), entry(273, 4, 1, strip),
        entry(277, 3, 1, bands), entry(278, 4, 1, height), entry(279, 4, 1, len(data)), entry(284, 3, 1, 1),
        entry(339, 3, bands, values[1] if many else kind),
    ]  # fmt: skip
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    extra = struct.pack(f"{order}{bands}H", *[bits] * bands) + struct.pack(f"{order}{bands}H", *[kind] * bands)
    return head + struct.pack(order + "H", 11) + b"".join(entries) + bytes(4) + extra + data


COLORS: Deep = np.stack([RAMP, RAMP[::-1], RAMP // 2], axis=2)
EXPECTED = np.round(RAMP.astype(float) * 255 / 4095)
EXPECTED_COLORS = np.round(COLORS.astype(float) * 255 / 4095)


@pytest.mark.parametrize(
    "content",
    [
        packed(RAMP, "PNG"), packed(RAMP, "TIFF"), packed(RAMP, "TIFF", compression="tiff_lzw"), netpbm(RAMP, 4095),
        netpbm(RAMP, 65535), tiff(RAMP[:, :, None], ">"), tiff(RAMP.astype(np.int16)[:, :, None]),
        tiff(RAMP.astype(np.int32)[:, :, None]), tiff(RAMP.astype(np.uint32)[:, :, None]),
    ],
)  # fmt: skip
def test_twelve_bits_are_not_black(content: bytes) -> None:
    assert np.abs(decode_image(content)[:, :, 1] - EXPECTED).max() <= 0.5


@pytest.mark.parametrize(
    "content",
    [
        png16(COLORS, 2), tiff(COLORS), tiff(COLORS, ">"), netpbm(COLORS, 4095), netpbm(COLORS, 65535),
        png16(np.concatenate([COLORS, np.full((7, 9, 1), 65535)], axis=2), 6),
    ],
)  # fmt: skip
def test_twelve_bits_in_colors_are_not_black(content: bytes) -> None:
    assert np.abs(decode_image(content) - EXPECTED_COLORS).max() <= 0.5


def test_twelve_bits_of_gray_with_alpha_are_not_black() -> None:
    content = png16(np.stack([RAMP, np.full_like(RAMP, 65535)], axis=2), 4)
    assert np.abs(decode_image(content)[:, :, 0] - EXPECTED).max() <= 0.5


@pytest.mark.parametrize("largest", [255, 1023, 4095, 16383, 65535])
def test_depth_is_the_smallest_that_fits_the_data(largest: int) -> None:
    deep: Deep = np.array([[0, largest // 2 + 1, largest]], np.uint16)
    assert decode_image(packed(deep, "PNG"))[0, :, 0].tolist() == [0, 128, 255]


def test_colors_of_full_range_stay_as_they_were() -> None:
    full: Deep = np.random.default_rng(0).integers(0, 65536, (7, 9, 3)).astype(np.uint16)
    assert np.array_equal(decode_image(png16(full, 2)), full >> 8)


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.array([[-100, 0, 100]], np.int16), [0, 128, 255]),
        (np.array([[0, 500_000, 1_000_000]], np.int32), [0, 128, 255]),
        (np.array([[0, 0.5, 1]], np.float32), [0, 128, 255]),
        (np.array([[0, 0.25, 0.5]], np.float32), [0, 64, 128]),
        (np.array([[0, 128, 255]], np.float32), [0, 128, 255]),
        (np.array([[-2, 0, 2]], np.float32), [0, 128, 255]),
        (np.array([[1000, 1500, 2000]], np.float64), [0, 128, 255]),
    ],
)
def test_signed_large_and_floating_point_pixels_keep_their_contrast(pixels: Deep, expected: list[int]) -> None:
    content = packed(pixels.astype(np.float32), "TIFF") if pixels.dtype == np.float64 else tiff(pixels[:, :, None])
    assert decode_image(content)[0, :, 0].tolist() == expected


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.array([[0, np.inf]], np.float32), "not numbers"),
        (np.array([[-5, -5]], np.int16), "all its pixels have the value -5"),
    ],
)
def test_pixels_without_a_range_raise(pixels: Deep, reason: str) -> None:
    with pytest.raises(DataError, match=f"x.tif' cannot be read: .*{reason}"):
        decode_image(tiff(pixels[:, :, None]), "x.tif")


def test_policies_of_old_models_divide_by_257_and_never_return_black() -> None:
    old = ImagePolicy.from_dict({"height": 1, "width": 4, "channels": 1, "fit": "stretch"})
    assert old.high_depth == "type"
    assert ImagePolicy(4, 4).to_dict()["high_depth"] == "data"
    assert ImagePolicy.from_dict(ImagePolicy(4, 4).to_dict()) == ImagePolicy(4, 4)
    full: Deep = np.array([[0, 257, 32768, 60000]], np.uint16)
    assert old.decode(packed(full, "PNG"))[0, :, 0].tolist() == [0, 1, 128, 233]
    for content, reason in (
        (packed(full // 16, "PNG"), "values up to only 3750, so it would be black"),
        (tiff(np.array([[[-1]], [[5]]], np.int16)), "values of -1 … 5"),
        (packed(np.ones((2, 2), np.float32), "TIFF"), "floating-point pixels"),
    ):
        with pytest.raises(DataError, match=reason):
            old.decode(content)
    with pytest.raises(DataError, match="high_depth must be one of data, type; received 'auto'"):
        ImagePolicy(4, 4, high_depth="auto")


def transparent(ink: int, alpha: int = 255) -> Image.Image:
    """Draw a bar of gray ink on a transparent ground."""
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[2:6, 3:5] = (ink, ink, ink, alpha)
    return Image.fromarray(pixels)


@pytest.mark.parametrize(("ink", "ground"), [(0, 255), (128, 255), (220, 255), (240, 0), (255, 0)])
def test_transparent_images_get_a_ground_with_contrast(ink: int, ground: int) -> None:
    gray = transparent(ink).convert("LA")
    for content in (packed(transparent(ink), "PNG"), packed(transparent(ink), "TIFF"), packed(gray, "PNG")):
        decoded = decode_image(content)
        assert decoded[0, 0].tolist() == [ground] * 3
        assert decoded[3, 3].tolist() == [ink] * 3


def test_opaque_white_image_stays_white_and_fully_transparent_one_raises() -> None:
    white = Image.new("RGBA", (4, 4), "white")
    assert (decode_image(packed(white, "PNG")) == 255).all()
    with pytest.raises(DataError, match="all its pixels are transparent, so it shows nothing"):
        decode_image(packed(transparent(255, 0), "PNG"), "empty.png")


def test_tiff_with_many_bands_is_described() -> None:
    with pytest.raises(DataError, match=r"x\.tif' cannot be read: the TIFF has 9×7 pixels with 13 bands of 16 bits"):
        decode_image(tiff(np.zeros((7, 9, 13), np.uint16)), "x.tif")


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"), (b"\0\0\0\x20ftypmif1\0\0\0\0mif1avif", "AVIF"),
        (b"\0\0\0\x20ftypavif\0\0\0\0", "AVIF"), (b"\0\0\0\x18ftypmp42\0\0\0\0", None),
        (b"\xff\x0a\xff\xff", "JPEG XL"), (b"II*\0\x10\0\0\0CR\x02\0", "CR2"), (b"P5\n4 4\n255\n", "PPM"),
        (b"P5", None), (b"PK\x03\x04", None), (b"BM is short for", None), (b"", None),
    ],
)  # fmt: skip
def test_formats_are_recognized_by_content(head: bytes, name: str | None) -> None:
    assert identify(head) == name


def test_plain_netpbm_is_read() -> None:
    assert decode_image(b"P2 3 1 255 0 128 255")[0, :, 0].tolist() == [0, 128, 255]
    assert decode_image(b"P1 2 1\n1 0")[0, :, 0].tolist() == [0, 255]
