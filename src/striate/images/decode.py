"""Turn image files into uint8 RGB arrays, and say plainly why one cannot be read."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 100_000_000  # 300 MB of RGB: above any camera, below what hurts a laptop


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """The picture in a file, upright, as uint8 (H, W, 3); of an animation the first frame.

    Grey, palette, CMYK and 16-bit pictures become 8-bit RGB; what is transparent becomes white.
    Raises DataError, with the path and the reason, for a file that cannot be read.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
    return decode_image(data, path)


def decode_image(data: bytes, path: str | Path = "image") -> NDArray[np.uint8]:
    """Like `read_image`, from the bytes of a file; `path` is only named in the DataError."""
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise DataError(f"{path} cannot be read: the file is empty.")
    try:
        with _quiet(), Image.open(BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(f"{path} is too large: {image.width}×{image.height}, at most {MAX_PIXELS:,} pixels.")
            return np.array(_to_rgb(_upright(image)))
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read: {_reason(error)}.") from error
    except DataError:
        raise
    except Exception as error:  # decoders raise nearly anything on damaged files
        raise DataError(f"{path} cannot be read: the picture is damaged ({str(error).rstrip('.')}).") from error


def _reason(error: Exception) -> str:
    if "identify" in str(error):
        return "it is not a JPEG, PNG, WebP, BMP, GIF or TIFF picture, or its beginning is damaged"
    return f"it has more than {MAX_PIXELS:,} pixels"


def _upright(image: "Image.Image") -> "Image.Image":
    """Apply the EXIF rotation; a damaged EXIF block says nothing, and the picture is taken as stored."""
    from PIL import ImageOps

    image.load()
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        return image


def _to_rgb(image: "Image.Image") -> "Image.Image":
    from PIL import Image

    if image.mode == "F":
        raise ValueError("floating-point pixels have no known range")
    if image.mode.startswith("I"):
        return Image.fromarray(_sixteen_to_eight(np.asarray(image))).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
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
