"""Turn image files into uint8 RGB arrays, and say plainly why one cannot be read."""

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
LARGE = 25_000_000  # pixels; of such pictures only one is decoded at a time, so that many threads keep memory bounded
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
    """What decodes, with its version: another one may round pixels otherwise."""
    import PIL

    return f"Pillow {PIL.__version__}"


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """The picture in a file, upright, as uint8 (H, W, 3); of an animation the first frame.

    Grey, palette, CMYK and 16-bit pictures become 8-bit RGB; what is transparent becomes white.
    Raises DataError, with the path and the reason, for a file that cannot be read.
    """
    return decode_image(read_file(path), path)


def decode_image(data: bytes, path: str | Path = "image") -> NDArray[np.uint8]:
    """Like `read_image`, from the bytes of a file; `path` is only named in the DataError."""
    return np.array(decode_picture(data, path))


def read_file(path: str | Path, named: str | Path | None = None) -> bytes:
    """The bytes of a file. Raises DataError, with its path (or `named`) and the reason, OSError as its cause if any."""
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


def decode_picture(data: bytes, path: str | Path = "image", least: int | None = None) -> "Image.Image":
    """The picture in the bytes of a file, upright and RGB, as Pillow's.

    least: a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size, which skips most of the work, as long as its shorter
    side keeps so many pixels. Raises DataError, with the path and the reason, for bytes that cannot be decoded.
    """
    with _opened(data, path) as image:
        if least:
            image.draft(None, (least, least))
        return _decoded(image)


@dataclass(frozen=True)
class ImageHeader:
    """What a picture file says of itself; pixels as stored, before any rotation."""

    format: str
    width: int
    height: int


def check_image(data: bytes, path: str | Path = "image") -> ImageHeader:
    """The header of a picture that is whole; a JPEG is decoded as small as can be, which finds damage all the same.

    Raises DataError, with the path and the reason, for bytes that cannot be decoded.
    """
    with _opened(data, path) as image:
        kind = "JPEG" if image.format == "MPO" else str(image.format)  # several JPEGs in one file
        header = ImageHeader(kind, image.width, image.height)
        image.draft(None, (1, 1))
        _decoded(image)
        return header


@contextmanager
def _opened(data: bytes, path: str | Path) -> "Iterator[Image.Image]":
    """The picture with its header read, not yet decoded; what Pillow raises within becomes a DataError."""
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
    except Exception as error:  # decoders raise nearly anything on damaged files
        raise DataError(f"{path} cannot be read: the picture is damaged ({str(error).rstrip('.')}).") from error


def _decoded(image: "Image.Image") -> "Image.Image":
    """Upright, RGB."""
    with _ONE_AT_A_TIME if image.width * image.height > LARGE else nullcontext():
        return _to_rgb(_upright(image))


def _reason(error: Exception) -> str:
    if "identify" in str(error):
        return "it is not a JPEG, PNG, WebP, BMP, GIF or TIFF picture, or its beginning is damaged"
    return f"it has more than {MAX_PIXELS:,} pixels"


def _upright(image: "Image.Image") -> "Image.Image":
    """Apply the EXIF rotation; a damaged EXIF block says nothing, and the picture is taken as stored."""
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
    """0 … 65535 to 0 … 255, rounded."""
    whole: NDArray[np.uint32] = np.clip(pixels, 0, 65535).astype(np.uint32)
    return ((whole + 128) // 257).astype(np.uint8)


class _Muted:
    """How many decoders are at work, and the filters to put back when the last is done."""

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
    """A PNG file of uint8 pixels (H, W), (H, W, 1) or (H, W, 3); packed quickly rather than tightly."""
    from PIL import Image

    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()
