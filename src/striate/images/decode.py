"""Decode image files into uint8 RGB arrays, with clear errors for files that cannot be read."""

import os
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from stat import S_ISREG
from traceback import clear_frames
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import DataError
from striate.images import jpeg, modes
from striate.images.depth import BY_DATA, FULL_SCALES, scale, to_eight_bits
from striate.images.formats import (
    HEAD,
    conversion_advice,
    describe_non_image,
    describe_tiff,
    identify,
    is_readable,
    pillow_formats,
    webp_pixels,
)
from striate.images.guards import MEMORY, mute_warnings, silence_decoders
from striate.images.modes import UnsuitableError

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 100_000_000  # 300 MB of RGB: more than cameras record, and little enough for a laptop
MAX_BYTES = 4 * MAX_PIXELS
MAX_MEMORY = 500_000_000  # bytes for decoding one image
MAX_COEFFICIENT_BYTES = 350_000_000  # bytes of the coefficients of a progressive JPEG, all of which are in memory
MAX_SCANNED = 2_000_000_000  # samples of a progressive JPEG times its scans: about 3 seconds of decoding
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
        DataError: If the file cannot be read; the message names the path and the reason.
    """
    return decode_image(read_file(path), path)


def decode_image(data: bytes, path: str | Path = "image") -> Pixels:
    """Decode the bytes of an image file, as `read_image` does.

    Args:
        data: The bytes.
        path: Name of the file, for messages.

    Returns:
        uint8 (H, W, 3).

    Raises:
        DataError: If the bytes cannot be decoded.
    """
    return np.array(decode_pillow(data, path).convert("RGB"))


def read_file(path: str | Path, named: str | Path | None = None) -> bytes:
    """Read the bytes of a file.

    Args:
        path: Path of the file.
        named: Its name in messages; None: the path.

    Returns:
        The bytes.

    Raises:
        DataError: If the file cannot be read, is not a regular file or is too large. Its cause is the OSError, if any.
    """
    named = named or path
    try:
        found = os.stat(path)  # noqa: PTH116 (a Path costs more than the call)
        if not S_ISREG(found.st_mode):  # reading a pipe or a device might never end
            raise DataError(f"'{named}' cannot be read: it is not a regular file.")
        if found.st_size > MAX_BYTES:
            raise DataError(f"'{named}' is too large: {found.st_size / 1e9:.1f} GB, at most {MAX_BYTES / 1e9:.1f} GB.")
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            return file.readall()
    except OSError as error:
        raise DataError(f"'{named}' cannot be read: {error.strerror or error}.") from error


def decode_pillow(data: bytes, path: str | Path = "image", min_side: int | None = None) -> "Image.Image":
    """Decode the bytes of a file to an upright Pillow image.

    Args:
        data: Content of the file.
        path: Its name in error messages.
        min_side: As for `decoded`.

    Returns:
        The image.

    Raises:
        DataError: If the bytes cannot be decoded.
    """
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
        DataError: If the bytes cannot be decoded; the message names the path and the reason.
    """
    with _open_within_memory(data, path, min_side) as file:
        with _errors(path), file.image:
            image = file.to_rgb(high_depth)
            if image is not file.image:
                file.image.close()
        yield image


@contextmanager
def _open_within_memory(data: bytes, path: str | Path, min_side: int | None = None) -> "Iterator[_ImageFile]":
    """Read the header of an image, and reserve the memory for decoding it inside the `with` block."""
    early = webp_pixels(data[:HEAD]) * modes.SEVERAL_COPIES  # Pillow prepares for decoding when it opens the file
    if early > MAX_MEMORY:
        raise DataError(_too_large(path, "this WebP image", early))
    with ExitStack() as reserved:
        if early:
            reserved.enter_context(MEMORY.reserve(early))
        with _errors(path):
            file = _open(data, path, min_side)
        if not early:
            reserved.enter_context(MEMORY.reserve(file.bytes_needed))
        try:
            yield file
        except BaseException:
            file.image.close()
            raise


def _too_large(path: str | Path, what: str, needed: int) -> str:
    return (
        f"'{path}' is too large: decoding {what} takes {needed / 1e6:,.0f} MB, at most {MAX_MEMORY / 1e6:,.0f} MB. "
        "Save it as a baseline JPEG."
    )


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
        DataError: If the bytes cannot be decoded; the message names the path and the reason.
    """
    with _open_within_memory(data, path, 1) as file, _errors(path), file.image:
        width, height = (file.jpeg.width, file.jpeg.height) if file.jpeg else file.image.size
        header = ImageHeader(file.format, width, height)
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
        return self._bytes_needed(self.image.width * self.image.height, decoded_twice=self.raw_mode is not None)

    def _bytes_needed(self, pixels: int, *, decoded_twice: bool = False) -> int:
        each = modes.bytes_per_pixel(self.image, decoded_twice=decoded_twice)
        return each * pixels + (self.jpeg.coefficient_bytes if self.jpeg else 0)

    def check_memory(self, path: str | Path) -> None:
        """Raise DataError if decoding takes too much memory."""
        needed = self._bytes_needed(self.image.width * self.image.height)
        if needed > MAX_MEMORY:
            raise DataError(_too_large(path, f"{_size(self.image)} pixels of this kind", needed))

    def to_rgb(self, high_depth: str) -> "Image.Image":
        """Decode to an upright image in mode L or RGB."""
        if self.is_netpbm:
            from PIL import Image

            return Image.fromarray(_read_netpbm(self, high_depth))
        return modes.to_rgb(_upright(self.image), self.raw_mode, self._low_bytes, high_depth)

    def _low_bytes(self) -> "Image.Image":
        """Decode 16-bit colors again, with their low bytes in place of the high bytes."""
        from PIL import Image

        again = Image.open(BytesIO(self.data), formats=pillow_formats())
        again.tile = [modes.with_low_bytes(tile, str(self.raw_mode)) for tile in getattr(again, "tile", [])]
        return _upright(again)

    @property
    def tiles(self) -> list[Any]:
        """Pillow's description of how the pixels are stored: (codec, box, offset, settings)."""
        return getattr(self.image, "tile", [])

    @property
    def is_netpbm(self) -> bool:
        """Whether it is a binary PGM or PPM with a maximum value other than 255."""
        return self.tiles[:1] != [] and self.tiles[0][0] == "ppm"

    def draft(self, min_side: int | None) -> None:
        """Set the scale at which a JPEG is decoded: near `min_side`, and never above MAX_PIXELS or MAX_MEMORY."""
        if self.jpeg is None or self.jpeg.lossless:
            return
        width, height = self.image.size
        pixels = {k: -(-width // k) * -(-height // k) for k in (1, 2, 4, 8)}
        fitting = (k for k, n in pixels.items() if n <= MAX_PIXELS and self._bytes_needed(n) <= MAX_MEMORY)
        factor = next(fitting, 8)
        if min_side or factor > 1:
            self.image.draft(None, (min(min_side or width, width // factor), min(min_side or height, height // factor)))


def _open(data: bytes, path: str | Path, min_side: int | None = None) -> _ImageFile:
    """Read the header of an image and check the cost of decoding it."""
    if not data:
        raise DataError(f"'{path}' cannot be read: the file is empty.")
    kind = identify(data[:HEAD])
    if kind and not is_readable(kind):
        raise DataError(f"'{path}' cannot be read: it is a {kind} image. {conversion_advice(kind)}")
    header = jpeg.read_header(data) if kind == "JPEG" else None
    image = _pillow_image(data, header)
    file = _ImageFile(
        data, image, "JPEG" if image.format == "MPO" else str(image.format), header, modes.raw_mode(image)
    )
    file.draft(min_side)
    if image.width * image.height > MAX_PIXELS:
        raise DataError(f"'{path}' is too large: {_size(image)}, at most {MAX_PIXELS:,} pixels.")
    if header and header.coefficient_bytes > MAX_COEFFICIENT_BYTES:
        needed = f"{header.coefficient_bytes / 1e6:,.0f} MB to decode, at most {MAX_COEFFICIENT_BYTES / 1e6:,.0f} MB"
        raise DataError(f"'{path}' is too large: a progressive JPEG that takes {needed}. Save it as a baseline JPEG.")
    file.check_memory(path)
    if header and header.scans > 1 and header.scans * header.samples > MAX_SCANNED:
        raise DataError(f"'{path}' cannot be read: the JPEG has {header.scans:,} scans, which would take too long.")
    if file.format == "TIFF" and RAW_TAG in getattr(image, "tag_v2", ()):
        raise DataError(f"'{path}' cannot be read: it contains camera raw data (DNG). Save it as JPEG first.")
    return file


def _pillow_image(data: bytes, header: jpeg.JpegHeader | None) -> "Image.Image":
    from PIL import Image, JpegImagePlugin, UnidentifiedImageError

    if header and header.width * header.height > MAX_PIXELS:  # Image.open would raise an error before its scale is set
        return JpegImagePlugin.JpegImageFile(BytesIO(data))
    silence_decoders()
    try:
        return Image.open(BytesIO(data), formats=pillow_formats())
    except UnidentifiedImageError as error:
        raise UnsuitableError(_unidentified_reason(data)) from error


def _size(image: "Image.Image") -> str:
    return f"{image.width}×{image.height}"


@contextmanager
def _errors(path: str | Path) -> "Iterator[None]":
    """Turn Pillow's errors into DataErrors that name the file, and mute its warnings."""
    from PIL import Image

    try:
        with mute_warnings():
            yield
    except Image.DecompressionBombError as error:
        raise DataError(f"'{path}' cannot be read: it has more than {MAX_PIXELS:,} pixels.") from error
    except (DataError, MemoryError):
        raise
    except UnsuitableError as error:
        clear_frames(error.__traceback__)  # they hold images
        raise DataError(f"'{path}' cannot be read: {error}.") from error
    except Exception as error:  # decoders raise all kinds of errors on damaged files
        clear_frames(error.__traceback__)
        raise DataError(f"'{path}' cannot be read: the image is damaged ({str(error).rstrip('.')}).") from error


def _unidentified_reason(data: bytes) -> str:
    """Return the reason why Pillow did not recognize the file."""
    kind = identify(data[:HEAD])
    if kind == "TIFF" and (content := describe_tiff(data)):
        known = "Striate reads gray, RGB, RGBA and CMYK images: export the bands that you need as one of these"
        return f"the TIFF has {content}, a layout that cannot be read, or is damaged. {known}"
    if kind:
        return f"it is a {kind} image of a kind that cannot be read, or its beginning is damaged"
    if described := describe_non_image(data[:HEAD]):
        return f"it is {described}, not a JPEG, PNG, WebP, BMP, GIF, TIFF or PPM image"
    return "it is not a JPEG, PNG, WebP, BMP, GIF, TIFF or PPM image, or its beginning is damaged"


def _upright(image: "Image.Image") -> "Image.Image":
    """Decode an image and apply its EXIF rotation; a damaged EXIF block is ignored."""
    from PIL import ImageOps

    image.load()
    with suppress(Exception):
        ImageOps.exif_transpose(image, in_place=True)
    return image


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
        raise UnsuitableError(str(error)) from error


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode pixels as PNG, compressed for speed rather than size.

    Args:
        pixels: uint8 (H, W), (H, W, 1) or (H, W, 3).

    Returns:
        Content of the file.
    """
    from PIL import Image

    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def thumbnail_url(pixels: NDArray[Any], side: int = 56) -> str:
    """Encode a small version of an image as a data URL for pages.

    Args:
        pixels: (H, W, C); if not uint8, they are scaled from their minimum to their maximum.
        side: Pixels of the longer side, to which larger images are shrunk.

    Returns:
        The URL of a PNG file for small images, of a JPEG file for others.
    """
    from PIL import Image

    if pixels.dtype != np.uint8:
        pixels = (255.0 * (pixels - pixels.min()) / (np.ptp(pixels) or 1)).astype(np.uint8)
    pixels = pixels[:, :, :3] if pixels.shape[2] >= 3 else pixels[:, :, 0]
    if max(pixels.shape[:2]) <= side:
        return _data_url(encode_png(np.ascontiguousarray(pixels)), "png")
    small = Image.fromarray(np.ascontiguousarray(pixels))
    small.thumbnail((side, side))
    out = BytesIO()
    small.save(out, "JPEG", quality=80)
    return _data_url(out.getvalue(), "jpeg")


def _data_url(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{b64encode(content).decode('ascii')}"
