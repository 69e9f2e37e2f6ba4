"""Decode image files into uint8 RGB arrays, with clear errors for files that cannot be read."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import DataError
from striate.images import jpeg
from striate.images.depth import BY_DATA, FULL_SCALES, scale, to_eight_bits
from striate.images.formats import (
    HEAD,
    describe_other,
    describe_tiff,
    identify,
    is_readable,
    missing_reader,
    pillow_formats,
)
from striate.images.guards import MEMORY, quiet, silence_libtiff

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 100_000_000  # 300 MB of RGB: more than cameras record, and little enough for a laptop
MAX_BYTES = 4 * MAX_PIXELS
MAX_COEFFICIENT_BYTES = 350_000_000  # of a progressive JPEG, all of which is held in memory
MAX_SCANNED = 2_000_000_000  # samples of a progressive JPEG times its scans: about 3 seconds of decoding
WHITE, BLACK = "white", "black"
MAX_LUMA_ON_WHITE = (
    224  # mean brightness of the visible pixels of a transparent image; above it, the background is black
)
STRIP = 256  # rows of a transparent image that are composited at a time
MAX_COPIED_PIXELS = 10_000_000  # larger images are not copied to drop their alpha channel
RAW_TAG = 50706  # TIFF tag DNGVersion: camera raw data with a small preview
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class UnreadableFile:
    """An image file that cannot be used.

    Attributes:
        file: Its path, as messages name it.
        reason: One sentence with the file and the problem.
        transient: Whether the operating system could not read it, so that another attempt may succeed.
    """

    file: str
    reason: str
    transient: bool = False


def decoder_version() -> str:
    """Return the name and version of the decoder; other versions may round pixels differently."""
    import PIL

    return f"Pillow {PIL.__version__}"


def read_image(path: str | Path) -> Pixels:
    """Read an image file.

    Gray, palette, CMYK and 16-bit images become 8-bit RGB (see `ImagePolicy`), transparent pixels become white (black
    if the visible pixels are nearly white), EXIF rotation is applied, and only the first frame of an animation is read.

    Args:
        path: Path of the file.

    Returns:
        uint8 (H, W, 3).

    Raises:
        DataError: The file cannot be read; the message names the path and the reason.
    """
    return decode_image(read_file(path), path)


def decode_image(data: bytes, path: str | Path = "image") -> Pixels:
    """Decode the bytes of a file like `read_image`; `path` is only used in error messages."""
    return np.array(decode_pillow(data, path).convert("RGB"))


def read_file(path: str | Path, named: str | Path | None = None) -> bytes:
    """Read the bytes of a file.

    Args:
        path: Path of the file.
        named: Its name in messages; None: the path.

    Returns:
        The bytes.

    Raises:
        DataError: The file cannot be read, is not a regular file or is too large. Its cause is the OSError, if any.
    """
    named = named or path
    try:
        found = os.stat(path)  # noqa: PTH116 (a Path costs more than the call)
        if not S_ISREG(found.st_mode):  # reading a pipe or a device might never end
            raise DataError(f"{named} cannot be read: it is not a regular file.")
        if found.st_size > MAX_BYTES:
            raise DataError(f"{named} is too large: {found.st_size / 1e9:.1f} GB, at most {MAX_BYTES / 1e9:.1f} GB.")
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            return file.readall()
    except OSError as error:
        raise DataError(f"{named} cannot be read: {error.strerror or error}.") from error


def decode_pillow(data: bytes, path: str | Path = "image", min_side: int | None = None) -> "Image.Image":
    """Decode the bytes of a file to an upright Pillow image; see `decoded`."""
    with decoded(data, path, min_side) as image:
        return image


@contextmanager
def decoded(
    data: bytes, path: str | Path = "image", min_side: int | None = None, high_depth: str = BY_DATA
) -> "Iterator[Image.Image]":
    """Decode the bytes of a file to an upright Pillow image, in mode L (gray) or RGB.

    Inside the `with` block, the image counts toward the memory limit of all images being decoded.

    Args:
        data: The bytes.
        path: The file's name in messages.
        min_side: A JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, which saves most of the work, if its shorter
            side keeps at min_side this many pixels. None: decode it at its full size.
        high_depth: How pixels of more than 8 bits become 8 bits; see `ImagePolicy`.

    Yields:
        The image.

    Raises:
        DataError: The bytes cannot be decoded; the message names the path and the reason.
    """
    with _errors(path):
        file = _open(data, path, min_side)
    with MEMORY.reserve(file.bytes_needed):
        with _errors(path), file.image:
            image = file.to_rgb(high_depth)
            if image is not file.image:
                file.image.close()
        yield image


@dataclass(frozen=True)
class ImageHeader:
    """The header of an image file; the size is that of the stored pixels, before EXIF rotation."""

    format: str
    width: int
    height: int


def check_image(data: bytes, path: str | Path = "image") -> ImageHeader:
    """Check that an image can be decoded. A JPEG is decoded at its smallest scale, which also finds damage.

    Args:
        data: The bytes of the file.
        path: The file's name in messages.

    Returns:
        The header.

    Raises:
        DataError: The bytes cannot be decoded; the message names the path and the reason.
    """
    with _errors(path):
        file = _open(data, path)
        width, height = (file.jpeg.width, file.jpeg.height) if file.jpeg else file.image.size
        header = ImageHeader(file.format, width, height)
        file.draft(1)
    with MEMORY.reserve(file.bytes_needed), _errors(path), file.image:
        file.to_rgb(BY_DATA).close()
    return header


@dataclass
class _ImageFile:
    """An image whose header has been read.

    Attributes:
        data: The bytes of the file.
        image: The Pillow image, not decoded yet.
        format: Its format in messages.
        jpeg: The header of a JPEG; None for other formats.
        raw_mode: Pillow's raw mode of 16-bit colors, such as "RGB;16B"; None for other pixels.
    """

    data: bytes
    image: "Image.Image"
    format: str
    jpeg: jpeg.JpegHeader | None
    raw_mode: str | None

    @property
    def bytes_needed(self) -> int:
        """Memory needed for decoding."""
        return 4 * self.image.width * self.image.height + (self.jpeg.coefficient_bytes if self.jpeg else 0)

    def to_rgb(self, high_depth: str) -> "Image.Image":
        """Decode to an upright image in mode L or RGB."""
        if self.is_netpbm:
            from PIL import Image

            return Image.fromarray(_read_netpbm(self, high_depth))
        return _to_rgb(_upright(self.image), self, high_depth)

    @property
    def tiles(self) -> list[Any]:
        """Pillow's description of how the pixels are stored: (codec, box, offset, settings)."""
        return getattr(self.image, "tile", [])

    @property
    def is_netpbm(self) -> bool:
        """Whether it is a binary PGM or PPM with a maximum value other than 255."""
        return self.tiles[:1] != [] and self.tiles[0][0] == "ppm"

    def draft(self, min_side: int | None) -> None:
        """Set the scale at which a JPEG is decoded: near `min_side`, and never above MAX_PIXELS."""
        if self.jpeg is None or self.jpeg.lossless:
            return
        width, height = self.image.size
        factor = next((k for k in (1, 2, 4, 8) if -(-width // k) * -(-height // k) <= MAX_PIXELS), 8)
        if min_side or factor > 1:
            self.image.draft(None, (min(min_side or width, width // factor), min(min_side or height, height // factor)))


def _open(data: bytes, path: str | Path, min_side: int | None = None) -> _ImageFile:
    """Read the header of an image and check the cost of decoding it."""
    if not data:
        raise DataError(f"{path} cannot be read: the file is empty.")
    kind = identify(data[:HEAD])
    if kind and not is_readable(kind):
        raise DataError(f"{path} cannot be read: it is a {kind} image. {missing_reader(kind)}")
    header = jpeg.read_header(data) if kind == "JPEG" else None
    image = _pillow_image(data, header)
    file = _ImageFile(data, image, "JPEG" if image.format == "MPO" else str(image.format), header, _raw_mode(image))
    file.draft(min_side)
    if image.width * image.height > MAX_PIXELS:
        raise DataError(f"{path} is too large: {_size(image)}, at most {MAX_PIXELS:,} pixels.")
    if header and header.coefficient_bytes > MAX_COEFFICIENT_BYTES:
        needed = f"{header.coefficient_bytes / 1e6:,.0f} MB to decode, at most {MAX_COEFFICIENT_BYTES / 1e6:,.0f} MB"
        raise DataError(f"{path} is too large: a progressive JPEG that takes {needed}. Save it as a baseline JPEG.")
    if header and header.scans > 1 and header.scans * header.samples > MAX_SCANNED:
        raise DataError(f"{path} cannot be read: the JPEG has {header.scans:,} scans, which would take too long.")
    if file.format == "TIFF" and RAW_TAG in getattr(image, "tag_v2", ()):
        raise DataError(f"{path} cannot be read: it contains camera raw data (DNG). Save it as JPEG first.")
    return file


def _pillow_image(data: bytes, header: jpeg.JpegHeader | None) -> "Image.Image":
    from PIL import Image, JpegImagePlugin, UnidentifiedImageError

    if header and header.width * header.height > MAX_PIXELS:  # Image.open would refuse it before its scale is set
        return JpegImagePlugin.JpegImageFile(BytesIO(data))
    silence_libtiff()
    try:
        return Image.open(BytesIO(data), formats=pillow_formats())
    except UnidentifiedImageError as error:
        raise _UnsuitableError(_unidentified(data)) from error


def _size(image: "Image.Image") -> str:
    return f"{image.width}×{image.height}"


@contextmanager
def _errors(path: str | Path) -> "Iterator[None]":
    """Turn Pillow's errors into DataErrors that name the file, and mute its warnings."""
    from PIL import Image

    try:
        with quiet():
            yield
    except Image.DecompressionBombError as error:
        raise DataError(f"{path} cannot be read: it has more than {MAX_PIXELS:,} pixels.") from error
    except (DataError, MemoryError):
        raise
    except _UnsuitableError as error:
        raise DataError(f"{path} cannot be read: {error}.") from error
    except Exception as error:  # decoders raise all kinds of errors on damaged files
        raise DataError(f"{path} cannot be read: the image is damaged ({str(error).rstrip('.')}).") from error


class _UnsuitableError(ValueError):
    """An image that cannot be converted to 8-bit RGB although it may not be damaged."""


def _unidentified(data: bytes) -> str:
    """Return the reason why Pillow did not recognize the file."""
    kind = identify(data[:HEAD])
    if kind == "TIFF" and (content := describe_tiff(data)):
        known = "Striate reads gray, RGB, RGBA and CMYK images: export the bands that you need as one of these"
        return f"the TIFF has {content}, a layout that cannot be read, or is damaged. {known}"
    if kind:
        return f"it is a {kind} image of a kind that cannot be read, or its beginning is damaged"
    if described := describe_other(data[:HEAD]):
        return f"it is {described}, not a JPEG, PNG, WebP, BMP, GIF, TIFF or PPM image"
    return "it is not a JPEG, PNG, WebP, BMP, GIF, TIFF or PPM image, or its beginning is damaged"


def _upright(image: "Image.Image") -> "Image.Image":
    """Decode an image and apply its EXIF rotation; a damaged EXIF block is ignored."""
    from PIL import ImageOps

    image.load()
    with suppress(Exception):
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _to_rgb(image: "Image.Image", file: _ImageFile, high_depth: str) -> "Image.Image":
    """Convert to mode L or RGB; gray images stay gray, which takes a quarter of the memory."""
    from PIL import Image

    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(_eight_bits(np.asarray(image), high_depth))
    if file.raw_mode and _needs_low_bytes(image):
        image = _from_low_bytes(image, file, high_depth)
    if image.has_transparency_data:
        return _composite(image if image.mode == "RGBA" else image.convert("RGBA"))
    if image.mode in ("1", "L"):
        return image.convert("L")
    return image if image.mode == "RGB" else image.convert("RGB")


def _composite(image: "Image.Image") -> "Image.Image":
    """Composite a transparent image over white, or over black if its visible pixels are nearly white."""
    from PIL import Image, ImageChops

    alpha = image.getchannel("A")
    visible = sum(value * count for value, count in enumerate(alpha.histogram()))
    if not visible:
        raise _UnsuitableError("all its pixels are transparent, so it shows nothing")
    background = WHITE
    if visible < 255 * image.width * image.height:
        light = ImageChops.multiply(image.convert("L"), alpha).histogram()
        mean = 255 * sum(value * count for value, count in enumerate(light)) / visible
        background = BLACK if mean > MAX_LUMA_ON_WHITE else WHITE
    for top in range(0, image.height, STRIP):  # in place, because a copy of a large image takes too much memory
        box = 0, top, image.width, min(top + STRIP, image.height)
        strip = image.crop(box)
        image.paste(Image.alpha_composite(Image.new("RGBA", strip.size, background), strip), box)
    return _without_alpha(image)


def _without_alpha(image: "Image.Image") -> "Image.Image":
    """Return an opaque RGBA image as RGB, without a copy if Pillow supports that."""
    if (
        image.width * image.height <= MAX_COPIED_PIXELS
        or not hasattr(image.im, "setmode")
        or not hasattr(image, "_mode")
    ):
        return image.convert("RGB")
    image.im.setmode("RGB")
    image._mode = "RGB"  # as Pillow's putalpha does
    return image


def _raw_mode(image: "Image.Image") -> str | None:
    """Return Pillow's raw mode of 16-bit colors, of which Pillow keeps only the high bytes; None for other pixels."""
    tiles = getattr(image, "tile", [])
    if image.mode not in ("RGB", "RGBA") or not tiles:
        return None
    settings = tiles[0][3]
    name = settings if isinstance(settings, str) else settings[0] if settings else None
    return name if isinstance(name, str) and ";16" in name else None


def _needs_low_bytes(image: "Image.Image") -> bool:
    """Return whether the high bytes show that 16-bit colors have at most 14 significant bits."""
    return int(np.max([band.getextrema() for band in image.split()[:3]])) < 64


def _from_low_bytes(image: "Image.Image", file: _ImageFile, high_depth: str) -> "Image.Image":
    """Read the low bytes too of 16-bit colors whose high bytes are nearly zero."""
    from PIL import Image

    if file.raw_mode is None or file.raw_mode.startswith("RGBa"):
        raise _UnsuitableError("its 16-bit colors use only a part of their range; save it with 8 bits")
    high = np.asarray(image)
    with Image.open(BytesIO(file.data), formats=pillow_formats()) as again:
        tiles = [_with_low_bytes(tile, file.raw_mode) for tile in getattr(again, "tile", [])]
        again.tile = tiles
        low = np.asarray(_upright(again))
    if file.raw_mode.startswith("LA"):  # read as four bytes: gray high and low, alpha high and low
        low = low[:, :, 1:2]
    colors = high[:, :, :3].astype(np.uint16) * 256 + low[:, :, :3]
    return Image.fromarray(np.concatenate([_eight_bits(colors, high_depth), high[:, :, 3:]], axis=2))


def _with_low_bytes(tile: Any, raw_mode: str) -> Any:
    """Return a Pillow tile whose colors are read with their bytes swapped."""
    codec, box, offset, settings = tile
    order = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
    swapped = "RGBA" if raw_mode.startswith("LA") else raw_mode[:-1] + order[raw_mode[-1]]
    return type(tile)(codec, box, offset, swapped if isinstance(settings, str) else (swapped, *settings[1:]))


def _read_netpbm(file: _ImageFile, high_depth: str) -> Pixels:
    """Read a binary PGM or PPM with a maximum value other than 255, which Pillow reads one pixel at a time."""
    _, _, offset, (_, largest) = file.tiles[0]
    width, height, bands = *file.image.size, 3 if file.image.mode == "RGB" else 1
    dtype = np.dtype("u1" if largest < 256 else ">u2")
    if len(file.data) - offset < width * height * bands * dtype.itemsize:
        raise ValueError("image file is truncated")
    pixels = np.frombuffer(file.data, dtype, width * height * bands, offset).reshape(height, width, bands)
    pixels = pixels[:, :, 0] if bands == 1 else pixels
    return _eight_bits(pixels, high_depth) if largest == FULL_SCALES[-1] else scale(pixels, 0, largest)


def _eight_bits(pixels: NDArray[Any], high_depth: str) -> Pixels:
    try:
        return to_eight_bits(pixels, high_depth)
    except ValueError as error:
        raise _UnsuitableError(str(error)) from error


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode uint8 pixels (H, W), (H, W, 1) or (H, W, 3) as PNG, compressed for speed rather than size."""
    from PIL import Image

    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()
