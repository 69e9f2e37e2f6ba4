"""Decode image files into uint8 RGB arrays, with clear errors for files that cannot be read."""

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 100_000_000  # 300 MB of RGB: above any camera, below what hurts a laptop
MAX_BYTES = 4 * MAX_PIXELS
LARGE = 25_000_000  # pixels; larger images are decoded one at a time, so that memory stays bounded with many threads
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class UnreadableFile:
    """An image file that cannot be used.

    Attributes:
        file: Its path, as messages name it.
        reason: One sentence that names the file and says what is wrong with it.
        transient: Whether the operating system could not read it, so that another attempt may succeed.
    """

    file: str
    reason: str
    transient: bool = False


def decoder_version() -> str:
    """Return the name and version of the decoder; other versions may round pixels differently."""
    import PIL

    return f"Pillow {PIL.__version__}"


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """Read an image file.

    Gray, palette, CMYK and 16-bit images become 8-bit RGB, transparent pixels become white, EXIF rotation is applied,
    and of an animation the first frame is taken.

    Args:
        path: of the file.

    Returns:
        uint8 (H, W, 3).

    Raises:
        DataError: the file cannot be read; the message names the path and the reason.
    """
    return decode_image(read_file(path), path)


def decode_image(data: bytes, path: str | Path = "image") -> NDArray[np.uint8]:
    """Decode the bytes of a file as `read_image` does; `path` is only named in the DataError."""
    return np.array(decode_pillow(data, path))


def read_file(path: str | Path, named: str | Path | None = None) -> bytes:
    """Read the bytes of a file.

    Args:
        path: of the file.
        named: its name in messages; by default the path.

    Returns:
        The bytes.

    Raises:
        DataError: the file cannot be read, is not a regular file or is too large. An OSError is its cause, if any.
    """
    named = named or path
    try:
        found = os.stat(path)  # noqa: PTH116 (a Path costs more than the call)
        if not S_ISREG(found.st_mode):  # a pipe would never end, a device neither
            raise DataError(f"{named} cannot be read: it is not a plain file.")
        if found.st_size > MAX_BYTES:
            raise DataError(f"{named} is too large: {found.st_size / 1e9:.1f} GB, at most {MAX_BYTES / 1e9:.1f} GB.")
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            return file.readall()
    except OSError as error:
        raise DataError(f"{named} cannot be read: {error.strerror or error}.") from error


def decode_pillow(data: bytes, path: str | Path = "image", least: int | None = None) -> "Image.Image":
    """Decode the bytes of a file to an upright RGB image of Pillow.

    Args:
        data: the bytes.
        path: named in messages.
        least: a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, which saves most of the work, as long as its
            shorter side keeps this many pixels.

    Returns:
        The image.

    Raises:
        DataError: the bytes cannot be decoded; the message names the path and the reason.
    """
    with _opened(data, path) as image:
        if least:
            image.draft(None, (least, least))
        return _decoded(image)


@dataclass(frozen=True)
class ImageHeader:
    """The header of an image file; the size is that of the stored pixels, before any rotation."""

    format: str
    width: int
    height: int


def check_image(data: bytes, path: str | Path = "image") -> ImageHeader:
    """Check that an image can be decoded; a JPEG is decoded at its smallest scale, which finds damage too.

    Args:
        data: the bytes of the file.
        path: named in messages.

    Returns:
        The header.

    Raises:
        DataError: the bytes cannot be decoded; the message names the path and the reason.
    """
    with _opened(data, path) as image:
        kind = "JPEG" if image.format == "MPO" else str(image.format)  # several JPEGs in one file
        header = ImageHeader(kind, image.width, image.height)
        image.draft(None, (1, 1))
        _decoded(image)
        return header


@contextmanager
def _opened(data: bytes, path: str | Path) -> "Iterator[Image.Image]":
    """Open an image and read its header, without decoding it; errors of Pillow become DataErrors."""
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise DataError(f"{path} cannot be read: the file is empty.")
    try:
        with _quiet(), Image.open(BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(f"{path} is too large: {image.width}×{image.height}, at most {MAX_PIXELS:,} pixels.")
            yield image
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read: {_reason(error)}.") from error
    except (DataError, MemoryError):
        raise
    except Exception as error:  # decoders raise all kinds of errors on damaged files
        raise DataError(f"{path} cannot be read: the image is damaged ({str(error).rstrip('.')}).") from error


def _decoded(image: "Image.Image") -> "Image.Image":
    """Decode to upright RGB."""
    with _ONE_AT_A_TIME if image.width * image.height > LARGE else nullcontext():
        return _to_rgb(_upright(image))


def _reason(error: Exception) -> str:
    if "identify" in str(error):
        return "it is not a JPEG, PNG, WebP, BMP, GIF or TIFF image, or its beginning is damaged"
    return f"it has more than {MAX_PIXELS:,} pixels"


def _upright(image: "Image.Image") -> "Image.Image":
    """Apply the EXIF rotation; a damaged EXIF block is ignored."""
    from PIL import ImageOps

    image.load()
    with suppress(Exception):
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _to_rgb(image: "Image.Image") -> "Image.Image":
    from PIL import Image

    if image.mode == "F":
        raise ValueError("floating-point pixels have no known range")
    if image.mode.startswith("I"):
        return Image.fromarray(_sixteen_to_eight(np.asarray(image))).convert("RGB")
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _sixteen_to_eight(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale 0 … 65535 to 0 … 255, rounded."""
    whole: NDArray[np.uint32] = np.clip(pixels, 0, 65535).astype(np.uint32)
    return ((whole + 128) // 257).astype(np.uint8)


class _Muted:
    """The number of running decoders, and the warning filters to restore after the last one."""

    lock = threading.Lock()
    depth = 0
    saved: "warnings.catch_warnings[None] | None" = None


@contextmanager
def _quiet() -> Iterator[None]:
    """Mute Pillow's warnings; `catch_warnings` alone is not safe when several threads decode."""
    with _Muted.lock:
        if _Muted.depth == 0:
            _Muted.saved = warnings.catch_warnings()
            _Muted.saved.__enter__()
            warnings.simplefilter("ignore")
        _Muted.depth += 1
    try:
        yield
    finally:
        with _Muted.lock:
            _Muted.depth -= 1
            if _Muted.depth == 0 and _Muted.saved is not None:
                _Muted.saved.__exit__(None, None, None)


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode uint8 pixels (H, W), (H, W, 1) or (H, W, 3) as PNG, compressed for speed rather than size."""
    from PIL import Image

    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()
