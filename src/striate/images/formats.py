"""Recognize image formats by their first bytes, and list the formats that this installation can read."""

import re
from functools import cache
from io import BytesIO

HEAD = 32  # bytes that are enough to recognize a format
READABLE = ("JPEG", "PNG", "WebP", "BMP", "GIF", "TIFF", "PPM")
"""Formats that Pillow always reads; PPM stands for PBM, PGM, PPM and PNM."""

_BRANDS = {
    b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIC", b"heix": "HEIC", b"heim": "HEIC", b"heis": "HEIC",
    b"hevc": "HEIC", b"hevx": "HEIC", b"mif1": "HEIC", b"msf1": "HEIC", b"crx ": "CR3",
}  # fmt: skip
_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"), (b"\x89PNG\r\n\x1a\n", "PNG"), (b"GIF8", "GIF"), (b"BM", "BMP"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"), (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"), (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"8BPS", "Photoshop"), (b"\x76\x2f\x31\x01", "OpenEXR"), (b"#?RADIANCE", "Radiance HDR"),
)  # fmt: skip
_NETPBM = re.compile(rb"P[1-6]\s+[#0-9]")
_OTHERS = (
    (b"PK\x03\x04", "a ZIP archive"), (b"\x1f\x8b", "a gzip archive"), (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"), (b"BZh", "a bzip2 archive"), (b"\xfd7zXZ", "an xz archive"),
    (b"%PDF", "a PDF document"),
)  # fmt: skip
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def identify(head: bytes) -> str | None:
    r"""Return the image format of a file by its first bytes; None if it is not an image.

    Args:
        head: The first `HEAD` bytes of the file, or all if it is shorter.

    Example:
        >>> identify(b"\xff\xd8\xff\xe0"), identify(b"P6 4 4 255 "), identify(b"some text")
        ('JPEG', 'PPM', None)
    """
    for signature, name in _SIGNATURES:
        if head.startswith(signature) and (name != "BMP" or head[6:10] == bytes(4) or len(head) < 10):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        brands = (head[8:12], *(head[start : start + 4] for start in range(16, HEAD, 4)))
        return _isobmff(brands)
    if head[:4] in _TIFF:
        return "CR2" if head[8:10] == b"CR" else "TIFF"
    return "PPM" if _NETPBM.match(head) else None


def describe_non_image(head: bytes) -> str:
    """Describe a file that is not an image, for example "a ZIP archive" or "a text file".

    Args:
        head: Its first bytes.

    Returns:
        The description; "" if the format is unknown.
    """
    for signature, name in _OTHERS:
        if head.startswith(signature):
            return name
    if head[4:8] == b"ftyp":
        return "a video"
    text = head.decode("utf-8", "ignore")
    plain = len(text.encode()) > len(head) - 4 and all(letter.isprintable() or letter in "\r\n\t" for letter in text)
    return "a text file" if head and plain else ""


def _isobmff(brands: tuple[bytes, ...]) -> str | None:
    """Return the format of the first known brand; AVIF takes precedence over the general brand 'mif1'."""
    known = [_BRANDS[brand] for brand in brands if brand in _BRANDS]
    return "AVIF" if "AVIF" in known else known[0] if known else None


@cache
def pillow_formats() -> tuple[str, ...]:
    """Return Pillow's names of the formats that this installation reads."""
    from PIL import PpmImagePlugin, TiffImagePlugin, WebPImagePlugin, features  # noqa: F401 - importing a plugin registers it

    formats = ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM"]
    if features.check("avif"):
        from PIL import AvifImagePlugin  # noqa: F401

        formats.append("AVIF")
    try:
        from pillow_heif import register_heif_opener

        register_heif_opener()
        formats.append("HEIF")
    except ImportError:
        pass
    return tuple(formats)


def webp_pixels(head: bytes) -> int:
    """Count the pixels of a WebP file.

    Args:
        head: Its first bytes.

    Returns:
        The number of pixels; 0 for other or damaged files.
    """
    if identify(head) != "WebP" or len(head) < 30:
        return 0
    match head[12:16]:
        case b"VP8X":
            return (1 + int.from_bytes(head[24:27], "little")) * (1 + int.from_bytes(head[27:30], "little"))
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return (1 + (bits & 0x3FFF)) * (1 + (bits >> 14 & 0x3FFF))
    return (int.from_bytes(head[26:28], "little") & 0x3FFF) * (int.from_bytes(head[28:30], "little") & 0x3FFF)


def is_readable(name: str) -> bool:
    """Return whether this installation reads a format that `identify` named."""
    pillow = {"AVIF": "AVIF", "HEIC": "HEIF"}.get(name)
    return name in READABLE if pillow is None else pillow in pillow_formats()


def conversion_advice(name: str, images: str = "them") -> str:
    """Return advice for images in a format that this installation does not read.

    Args:
        name: Name of a file.
        images: "them", or "it" for one image.

    Returns:
        The advice.
    """
    install = {"HEIC": "pillow-heif", "AVIF": "--upgrade pillow"}.get(name)
    if install is None or is_readable(name):
        return f"Save {images} as JPEG first."
    return f"To read {name} files: pip install {install}. Or save {images} as JPEG first."


def describe_tiff(data: bytes) -> str | None:
    """Describe the pixels of a TIFF file, such as "13 bands of 16 bits".

    Args:
        data: Content of the file.

    Returns:
        The description; None if the header is damaged.
    """
    from PIL import TiffImagePlugin

    try:
        directory = TiffImagePlugin.ImageFileDirectory_v2(data[:8])
        file = BytesIO(data)
        file.seek(directory.next)
        directory.load(file)
        bands = int(directory.get(277, 1))
        bits = sorted({int(value) for value in directory.get(258, (1,))})
        width, height = int(directory[256]), int(directory[257])
    except Exception:  # a damaged header raises all kinds of errors
        return None
    count = "1 band" if bands == 1 else f"{bands} bands"
    return f"{width}×{height} pixels with {count} of {'/'.join(map(str, bits))} bits"
