"""Image files of all kinds, whole and damaged, and what Pillow reads of them."""

import random
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

from striate._types import Array

from .mutations import damaged

MODES = {
    "JPEG": ("L", "RGB", "CMYK"),
    "PNG": ("1", "L", "P", "RGB", "RGBA", "LA", "I;16"),
    "BMP": ("1", "L", "P", "RGB"),
    "GIF": ("L", "P"),
    "TIFF": ("1", "L", "P", "RGB", "RGBA", "CMYK", "I;16", "F"),
    "WEBP": ("RGB", "RGBA"),
    "PPM": ("1", "L", "RGB"),
}
COMPARED = ("1", "L", "P", "RGB", "CMYK", "YCbCr")  # modes of which Pillow's RGB is what Striate must read
ORIENTATION = 0x0112


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return an image as a file of this format."""
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def sample(mode: str, rng: random.Random) -> Image.Image:
    """Return an image of a mode, of random size and content."""
    height, width = rng.randint(1, 60), rng.randint(1, 60)
    numbers = np.random.default_rng(rng.randrange(1 << 30))
    colors = numbers.integers(0, 256, (height, width, 4), dtype=np.uint8)
    if mode == "I;16":
        return Image.fromarray(numbers.integers(0, 1 << rng.choice((8, 10, 12, 16)), (height, width)).astype(np.uint16))
    if mode == "F":
        return Image.fromarray(numbers.random((height, width), np.float32))
    if mode == "CMYK":
        return Image.fromarray(colors, mode="CMYK")
    return Image.fromarray(colors[:, :, :3]).convert(mode)


def options(kind: str, rng: random.Random) -> dict[str, Any]:
    """Return random settings for writing a format."""
    exif = Image.Exif()
    exif[ORIENTATION] = rng.choice((0, 1, 3, 6, 8, 99, 65535))
    match kind:
        case "JPEG":
            return {"quality": rng.randint(1, 100), "progressive": rng.random() < 0.5, "exif": exif,
                    "comment": rng.randbytes(rng.choice((0, 5, 60_000)))}  # fmt: skip
        case "PNG":
            info = PngImagePlugin.PngInfo()
            info.add_text("comment", "x" * rng.choice((1, 100_000)), zip=True)
            return {"exif": exif, "pnginfo": info, "icc_profile": rng.choice((None, rng.randbytes(300)))}
        case "TIFF":
            return {"compression": rng.choice((None, "tiff_lzw", "packbits", "tiff_adobe_deflate"))}
        case "GIF":
            others = [Image.new("L", (5, 5), 9), Image.new("L", (70, 70), 200)]
            return rng.choice(({}, {"save_all": True, "append_images": others, "duration": 0}))
        case "WEBP":
            return {"lossless": rng.random() < 0.5, "exif": exif}
    return {}


def image_files(rng: random.Random, count: int) -> Iterator[tuple[str, bytes, bool]]:
    """Yield names, contents, and whether the file is whole: about a third of them are."""
    for number in range(count):
        kind = rng.choice(list(MODES))
        mode = rng.choice(MODES[kind])
        content = encoded(sample(mode, rng), kind, **options(kind, rng))
        whole = rng.random() < 0.35
        for _ in range(0 if whole else rng.randint(1, 2)):
            content = damaged(content, rng) or b"\0"
        yield f"{number} {kind} {mode}", content, whole


def reference(content: bytes) -> Array | None:
    """Return the pixels that Pillow reads, or None where Striate's are meant to differ or Pillow reads nothing."""
    try:
        with warnings.catch_warnings(), Image.open(BytesIO(content)) as image:
            warnings.simplefilter("ignore")
            image.load()
            if image.mode not in COMPARED or image.has_transparency_data:
                return None
            try:
                upright = ImageOps.exif_transpose(image)
            except Exception:  # a damaged EXIF block
                upright = image
            return np.array(upright.convert("RGB"))
    except Exception:
        return None


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, color: int, *chunks: bytes, data: bytes | None = None) -> bytes:
    """Return a PNG file whose pixels are all zero; `chunks` stand before the pixels, `data` replaces those."""
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    if data is None:
        packer, row = zlib.compressobj(9), bytes(1 + (width * bits + 7) // 8)
        rows = max(1, (1 << 20) // len(row))
        data = b"".join(packer.compress(row * min(rows, height - top)) for top in range(0, height, rows))
        data += packer.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    parts = [png_chunk(b"IHDR", header), *chunks, png_chunk(b"IDAT", data), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


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


SIDE = 9000
PALETTE = png_chunk(b"PLTE", bytes(range(3)) * 4)
BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG, gray": lambda: png(SIDE, SIDE, 8, 0),
    "PNG, gray of 16 bits": lambda: png(SIDE, SIDE, 16, 0),
    "PNG, palette": lambda: png(SIDE, SIDE, 8, 3, PALETTE),
    "PNG, palette with transparency": lambda: png(SIDE, SIDE, 8, 3, PALETTE, png_chunk(b"tRNS", b"\x80\xff")),
    "PNG, RGB": lambda: png(SIDE, SIDE, 8, 2),
    "PNG, RGB of 16 bits": lambda: png(SIDE, SIDE, 16, 2),
    "PNG, RGBA": lambda: png(SIDE, SIDE, 8, 6),
    "PNG, RGBA of 16 bits": lambda: png(SIDE, SIDE, 16, 6),
    "PNG, gray with alpha": lambda: png(SIDE, SIDE, 8, 4),
    "PNG, a line": lambda: png(1 << 26, 1, 8, 0),
    "PNG, a text of 200 MB": lambda: png(9, 9, 8, 0, png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000)))),
    "PNG, a profile of 200 MB": lambda: png(
        9, 9, 8, 0, png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(200_000_000)))
    ),
    "PNG, too many pixels": lambda: png(50_000, 50_000, 8, 0, data=zlib.compress(bytes(1000))),
    "JPEG, 400 scans": lambda: with_scans(encoded(Image.new("L", (SIDE, SIDE)), "JPEG", progressive=True), 400),
    "JPEG, 20 scans": lambda: with_scans(encoded(Image.new("L", (SIDE, SIDE)), "JPEG", progressive=True), 14),
    "JPEG, CMYK": lambda: encoded(Image.new("CMYK", (SIDE, SIDE)), "JPEG"),
    "JPEG, progressive CMYK": lambda: encoded(Image.new("CMYK", (5000, 5000)), "JPEG", progressive=True),
    "JPEG, lossless": lambda: lossless_jpeg(SIDE),
    "BMP, run-length encoded": lambda: bmp_runs(SIDE),
    "TIFF, CMYK": lambda: encoded(Image.new("CMYK", (SIDE, SIDE)), "TIFF", compression="tiff_adobe_deflate"),
    "TIFF, floats": lambda: encoded(Image.new("F", (SIDE, SIDE)), "TIFF", compression="tiff_adobe_deflate"),
    "TIFF, 1 bit": lambda: encoded(Image.new("1", (SIDE, SIDE)), "TIFF", compression="group4"),
    "GIF": lambda: encoded(Image.new("P", (SIDE, SIDE)), "GIF"),
    "WebP": lambda: encoded(Image.new("RGB", (SIDE, SIDE)), "WEBP", quality=1, method=0),
}


def bmp_runs(side: int) -> bytes:
    """Return a BMP of run-length encoded pixels that says nothing but that it ends."""
    header = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, 0, 0, 0, 2, 0)
    return b"BM" + struct.pack("<IHHI", 62 + 2, 0, 0, 62) + header + bytes(4) + b"\xff\xff\xff\0" + b"\0\1"


def tiff_of_inks(inks: Array) -> bytes:
    """Return an uncompressed TIFF of 16-bit inks (H, W, 4), little-endian."""
    height, width, _ = inks.shape
    entries = {256: (3, width), 257: (3, height), 258: (3, None), 259: (3, 1), 262: (3, 5), 273: (4, None),
               277: (3, 4), 278: (3, height), 279: (4, inks.nbytes), 284: (3, 1), 332: (3, 1)}  # fmt: skip
    bits_at = 8 + 2 + 12 * len(entries) + 4
    directory = struct.pack("<H", len(entries))
    for tag, (kind, value) in entries.items():
        count, number = (4, bits_at) if tag == 258 else (1, bits_at + 8 if tag == 273 else value)
        directory += struct.pack("<HHII", tag, kind, count, number)
    return b"II*\0" + struct.pack("<I", 8) + directory + bytes(4) + struct.pack("<4H", *[16] * 4) + inks.tobytes()
