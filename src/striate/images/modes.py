"""Convert decoded Pillow images of any mode to 8-bit gray or RGB, a few rows at a time to save memory."""

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.images.depth import scale, value_range

if TYPE_CHECKING:
    from PIL import Image

Box = tuple[int, int, int, int]
WHITE, BLACK = "white", "black"
MAX_LUMA_ON_WHITE = 224  # mean of the visible pixels of a transparent image, above which the background is black
STRIP_PIXELS = 1_000_000  # converted at a time
MAX_COPIED_PIXELS = 10_000_000  # larger images are not copied to drop their alpha channel
MAX_DEEP_PIXELS = 60_000_000  # pixels of an image with 16-bit colors, which must be decoded twice
LOW_BITS = 64  # high bytes of 16-bit colors below this show that at most 14 bits are used
SEVERAL_COPIES = 16  # bytes per pixel of formats for which the decoder and Pillow keep a copy each
GRAY = ("1", "L", "LA", "La")


class UnsuitableError(ValueError):
    """An image that cannot be converted to 8-bit RGB although it may not be damaged."""


def bytes_per_pixel(image: "Image.Image", *, decoded_twice: bool) -> int:
    """Return the memory that decoding and converting an image takes for each pixel.

    Args:
        image: A Pillow image that may not be decoded yet.
        decoded_twice: Whether it has 16-bit colors, of which the low bytes may be needed.

    Returns:
        Bytes.
    """
    if image.format in ("WEBP", "AVIF", "HEIF"):
        return SEVERAL_COPIES
    stored = 1 if image.mode in ("1", "L", "P") else 2 if image.mode.startswith("I;16") else 4
    if image.mode in ("L", "RGB", "RGBA"):
        converted = 4 if decoded_twice else 0
    else:
        converted = 1 if image.mode in GRAY or image.mode[:1] in ("I", "F") else 4
    return stored + converted


def to_rgb(
    image: "Image.Image", raw_mode: str | None, low_bytes: Callable[[], "Image.Image"], high_depth: str
) -> "Image.Image":
    """Convert an image to mode L or RGB; gray images stay gray, which takes a quarter of the memory.

    Args:
        image: The decoded image, which may be changed.
        raw_mode: Pillow's raw mode of 16-bit colors, whose high bytes the image contains; None for other pixels.
        low_bytes: Decodes the image again, with the low bytes of 16-bit colors in place of the high bytes.
        high_depth: How more than 8 bits become 8 bits; see `ImagePolicy`.

    Returns:
        The converted image.

    Raises:
        UnsuitableError: If the image shows nothing, or the range of its pixels cannot be determined.
    """
    if image.mode == "F" or image.mode.startswith("I"):
        return _from_high_depth(image, high_depth)
    if raw_mode and _largest_color(image) < LOW_BITS:
        _add_low_bytes(image, raw_mode, low_bytes, high_depth)
    if image.has_transparency_data:
        return _composite(image)
    if image.mode in ("1", "L"):
        return image.convert("L")
    return image if image.mode == "RGB" else image.convert("RGB")


def _strips(image: "Image.Image") -> Iterator[Box]:
    rows = max(1, STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield 0, top, image.width, min(top + rows, image.height)


def _range(strips: Iterator[NDArray[Any]], high_depth: str) -> tuple[float, float]:
    """Return the values that become 0 and 255."""
    extremes = np.array([(strip.min(), strip.max()) for strip in strips])
    try:
        return value_range(extremes[:, 0].min(), extremes[:, 1].max(), high_depth)
    except ValueError as error:
        raise UnsuitableError(str(error)) from error


def _from_high_depth(image: "Image.Image", high_depth: str) -> "Image.Image":
    """Convert gray pixels of 16 or 32 bits or floats."""
    from PIL import Image

    low, high = _range((np.asarray(image.crop(box)) for box in _strips(image)), high_depth)
    result = Image.new("L", image.size)
    for box in _strips(image):
        result.paste(Image.fromarray(scale(np.asarray(image.crop(box)), low, high)), box)
    return result


def _composite(image: "Image.Image") -> "Image.Image":
    """Composite a transparent image over white, or over black if its visible pixels are nearly white."""
    from PIL import Image, ImageChops

    visible, light = 0, 0
    for box in _strips(image):
        strip = _rgba(image, box)
        alpha = strip.getchannel("A")
        visible += _sum(alpha)
        light += _sum(ImageChops.multiply(strip.convert("L"), alpha))
    if not visible:
        raise UnsuitableError("all its pixels are transparent, so it shows nothing")
    opaque = visible == 255 * image.width * image.height
    background = BLACK if not opaque and 255 * light / visible > MAX_LUMA_ON_WHITE else WHITE
    target = image if image.mode == "RGBA" else Image.new("L" if image.mode in GRAY else "RGB", image.size)
    for box in _strips(image):
        strip = _rgba(image, box)
        strip = Image.alpha_composite(Image.new("RGBA", strip.size, background), strip)
        target.paste(strip if target.mode == "RGBA" else strip.convert(target.mode), box)
    return _without_alpha(target) if target.mode == "RGBA" else target


def _rgba(image: "Image.Image", box: Box) -> "Image.Image":
    strip = image.crop(box)
    return strip if strip.mode == "RGBA" else strip.convert("RGBA")


def _sum(band: "Image.Image") -> int:
    """Return the sum of all pixels of one band."""
    return sum(value * count for value, count in enumerate(band.histogram()))


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


def raw_mode(image: "Image.Image") -> str | None:
    """Find Pillow's raw mode of 16-bit colors, of which Pillow keeps only the high bytes.

    Args:
        image: An opened image.

    Returns:
        The raw mode; None for other pixels.
    """
    tiles = getattr(image, "tile", [])
    if image.mode not in ("RGB", "RGBA", "CMYK") or not tiles:
        return None
    settings = tiles[0][3]
    name = settings if isinstance(settings, str) else settings[0] if settings else None
    return name if isinstance(name, str) and ";16" in name else None


def _largest_color(image: "Image.Image") -> int:
    """Return the largest value of all bands but alpha."""
    extremes = image.getextrema()[: 4 if image.mode == "CMYK" else 3]
    return int(np.max(extremes))


def _add_low_bytes(
    image: "Image.Image", raw_mode: str, low_bytes: Callable[[], "Image.Image"], high_depth: str
) -> None:
    """Scale 16-bit colors whose high bytes are nearly zero, with their low bytes, in place."""
    from PIL import Image

    if raw_mode.startswith("RGBa") or image.width * image.height > MAX_DEEP_PIXELS:
        raise UnsuitableError("its 16-bit colors use only a part of their range; save it with 8 bits")
    count, low_image = 4 if image.mode == "CMYK" else 3, low_bytes()

    def colors(box: Box) -> NDArray[np.uint16]:
        high, low = np.asarray(image.crop(box)), np.asarray(low_image.crop(box))
        if raw_mode.startswith("LA"):  # read as four bytes: gray high and low, alpha high and low
            low = low[:, :, 1:2]
        sums: NDArray[np.uint16] = high[:, :, :count].astype(np.uint16) * 256 + low[:, :, :count]
        return sums

    low, high = _range(map(colors, _strips(image)), high_depth)
    for box in _strips(image):
        pixels = np.array(image.crop(box))
        pixels[:, :, :count] = scale(colors(box), low, high)
        image.paste(Image.fromarray(pixels, mode=image.mode) if count == 4 else Image.fromarray(pixels), box)
    low_image.close()


def with_low_bytes(tile: Any, raw_mode: str) -> Any:
    """Swap the bytes of the colors in a Pillow tile, so that Pillow keeps the low ones.

    Args:
        tile: The tile.
        raw_mode: From `raw_mode`.

    Returns:
        The changed tile.
    """
    codec, box, offset, settings = tile
    order = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
    swapped = "RGBA" if raw_mode.startswith("LA") else raw_mode[:-1] + order[raw_mode[-1]]
    return type(tile)(codec, box, offset, swapped if isinstance(settings, str) else (swapped, *settings[1:]))
