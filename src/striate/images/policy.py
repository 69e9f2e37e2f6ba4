"""How images of any size become a model's input; saved with the model, so that all uses agree."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import DataError
from striate.images.decode import decoded, read_file
from striate.images.depth import BY_DATA, BY_TYPE, HIGH_DEPTHS
from striate.images.digit import normalize_digit

if TYPE_CHECKING:
    from PIL import Image

FITS = ("pad", "crop", "stretch", "digit")
DECODED_SIZE = (
    2  # JPEGs are decoded at this many times the target size or more, which changes pixels by at most one gray level
)
THUMBNAIL_DECODED_SIDE = DECODED_SIZE * 224
NO_COLOR = 128  # Cb and Cr of gray
COLOR_REDUCTION = 4  # side of a thumbnail / side of its color differences
REDUCING_GAP = 2.0  # colors are first reduced by an integer factor, to this many times their size or more: faster
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class ImagePolicy:
    """The size of a model's input images, and how images of other sizes are converted to it.

    Attributes:
        height: Height in pixels, 1 or more.
        width: Width in pixels, 1 or more.
        channels: 1 (gray, ITU-R 601 luma) or 3 (RGB).
        fit: "pad" resizes the image to fit inside and pads it with black; "crop" resizes it to cover the size and crops
            both sides equally; "stretch" changes its aspect ratio; "digit" prepares a handwritten digit as in MNIST.
        digit_size: For "digit", the longer side of the ink in pixels.
        high_depth: How images of more than 8 bits become 8 bits. "data" uses the range of each image's values.
            Integers from 0 are scaled from the range of 8, 10, 12, 14 or 16 bits, the smallest that contains them (so
            0 … 4095 becomes 0 … 255), and floats from 0 … 1 or 0 … 255. In all other images, for example signed or
            32-bit ones, the smallest value becomes 0 and the largest 255. "type" divides 16-bit values by 257, and
            rejects other types and images that would be black; models saved before this setting existed use it.

    Raises:
        DataError: If a setting is invalid.
    """

    height: int
    width: int
    channels: int = 3
    fit: str = "crop"
    digit_size: int = 20
    high_depth: str = BY_DATA

    def __post_init__(self) -> None:
        for name in ("height", "width", "channels", "digit_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise DataError(f"{name} must be an integer; received {value!r:.40}.")
        if self.height < 1 or self.width < 1:
            raise DataError(f"An image size must be at least 1×1; received {self.height}×{self.width}.")
        if self.channels not in (1, 3):
            raise DataError(f"Images have 1 channel (gray) or 3 (RGB); received {self.channels}.")
        if self.fit not in FITS:
            raise DataError(f"fit must be one of {', '.join(FITS)}; received '{self.fit!s:.40}'.")
        if self.high_depth not in HIGH_DEPTHS:
            raise DataError(f"high_depth must be one of {', '.join(HIGH_DEPTHS)}; received '{self.high_depth!s:.40}'.")
        if self.fit == "digit" and not 1 <= self.digit_size <= min(self.height, self.width):
            raise DataError(f"A digit of {self.digit_size} pixels does not fit in {self.height}×{self.width}.")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.height, self.width, self.channels

    def apply(self, pixels: Pixels) -> Pixels:
        """Convert decoded pixels to an input of the network.

        Args:
            pixels: uint8 (H, W), (H, W, 1) or (H, W, 3).

        Returns:
            uint8 (height, width, channels).
        """
        return self.resize(_to_pillow(pixels))

    def read(self, path: str | Path) -> Pixels:
        """Read an image file as an input of the network.

        Args:
            path: The file.

        Returns:
            uint8 (height, width, channels).

        Raises:
            DataError: If the file cannot be read.
        """
        return self.decode(read_file(path), path)

    def decode(self, content: bytes, path: str | Path = "image") -> Pixels:
        """Decode the bytes of an image file.

        A large JPEG is decoded at a fraction of its size that is still at least twice the target size.

        Args:
            content: The bytes.
            path: The file's name in messages.

        Returns:
            uint8 (height, width, channels).

        Raises:
            DataError: If the bytes cannot be decoded.
        """
        return decode_together(content, path, [self])[0]

    @property
    def decoded_side(self) -> int | None:
        """The shorter side in pixels that a JPEG has at least when it is decoded; None: it is decoded at full size."""
        return None if self.fit == "digit" else DECODED_SIZE * max(self.height, self.width)

    def to_dict(self) -> dict[str, Any]:
        """Return all settings as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "ImagePolicy":
        """Make the policy that `to_dict` described.

        Args:
            settings: What `to_dict` returned.

        Returns:
            The policy.

        Raises:
            DataError: If settings are missing, unknown or out of range.
        """
        if not isinstance(settings, Mapping):
            raise DataError(f"An image policy needs settings by name; received {settings!r:.40}.")
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(settings) - known):
            raise DataError(f"An image policy has no setting '{unknown[0]}'; this model may be from a newer Striate.")
        if missing := sorted({"height", "width"} - set(settings)):
            raise DataError(f"An image policy needs '{missing[0]}'.")
        return cls(**{"high_depth": BY_TYPE, **settings})  # of models that were saved without it

    def resize(self, image: "Image.Image") -> Pixels:
        """Convert a Pillow image to an input of the network.

        Args:
            image: An image of mode L or RGB.

        Returns:
            uint8 (height, width, channels).
        """
        mode = "L" if self.channels == 1 else "RGB"
        if self.fit == "digit":
            fitted = self._digit(image)
        else:  # gray images are resized before they become RGB, which is faster
            fitted = self._fit(image if image.mode == "L" else _convert_mode(image, mode))
        pixels: Pixels = np.asarray(_convert_mode(fitted, mode))
        return pixels.reshape(self.shape)  # (H, W) → (H, W, 1) for gray

    def _digit(self, image: "Image.Image") -> "Image.Image":
        gray = np.asarray(_convert_mode(image, "L"))
        return _to_pillow(normalize_digit(gray, self.height, self.width, self.digit_size))

    def _fit(self, image: "Image.Image") -> "Image.Image":
        from PIL import Image, ImageOps

        size, smooth = (self.width, self.height), Image.Resampling.BILINEAR  # antialiased
        if image.size == size:
            return image
        if self.fit == "pad":
            return ImageOps.pad(image, size, smooth)
        if self.fit == "crop":
            return ImageOps.fit(image, size, smooth)
        return image.resize(size, smooth)


@dataclass(frozen=True)
class ThumbnailPolicy(ImagePolicy):
    """Square gray thumbnails with their colors, for which a JPEG is decoded as for the usual networks.

    So both can be made at once. The colors are in more rows below the gray levels: first Cb, then Cr (ITU-R 601), each
    at a quarter of the height and width.
    """

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height + height / 8, width, 1)."""
        return self.height + 2 * self.height // COLOR_REDUCTION**2, self.width, 1

    @property
    def decoded_side(self) -> int:
        """As `ImagePolicy.decoded_side` of images of 224×224."""
        return THUMBNAIL_DECODED_SIDE

    def resize(self, image: "Image.Image") -> Pixels:
        """Convert a Pillow image to a thumbnail.

        Args:
            image: An image of mode L or RGB.

        Returns:
            uint8 (height + height / 8, width, 1).
        """
        from PIL import Image

        gray = np.asarray(self._fit(_convert_mode(image, "L")))
        side = self.height // COLOR_REDUCTION
        if image.mode == "L":
            colors = np.full((2, side, side), NO_COLOR, np.uint8)
        else:
            small = image.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=REDUCING_GAP)
            colors = np.asarray(small.convert("YCbCr")).transpose(2, 0, 1)[1:]
        return np.concatenate([gray, colors.reshape(-1, self.width)])[..., None]


def decode_together(content: bytes, path: str | Path, policies: Sequence[ImagePolicy]) -> list[Pixels]:
    """Decode the bytes of an image file for several policies, once if they need the same scale.

    Args:
        content: The bytes.
        path: The file's name in messages.
        policies: How the image is converted.

    Returns:
        What `ImagePolicy.decode` returns for each of them.

    Raises:
        DataError: If the bytes cannot be decoded.
    """
    first, *others = policies
    together = [p for p in others if (p.decoded_side, p.high_depth) == (first.decoded_side, first.high_depth)]
    with decoded(content, path, first.decoded_side, first.high_depth) as image:
        pixels = {policy: policy.resize(image) for policy in (first, *together)}
        image.close()  # its memory is free before another large image is decoded
    return [pixels[policy] if policy in pixels else policy.decode(content, path) for policy in policies]


def _convert_mode(image: "Image.Image", mode: str) -> "Image.Image":
    """Convert the mode of an image; return the image itself, not a copy, if it has that mode."""
    return image if image.mode == mode else image.convert(mode)


def _to_pillow(pixels: Pixels) -> "Image.Image":
    from PIL import Image

    known = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (1, 3))
    if not known or pixels.dtype != np.uint8 or not pixels.size:
        raise DataError(f"Expected an image as uint8 (H, W, 1 or 3); received {pixels.dtype} {pixels.shape}.")
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2:] == (1,) else pixels)
