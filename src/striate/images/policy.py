"""How a picture of any size becomes the pixels a model takes; saved with the model, so that all uses agree."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import DataError
from striate.images.decode import decode_picture, read_file
from striate.images.digit import normalize_digit

if TYPE_CHECKING:
    from PIL import Image

FITS = ("pad", "crop", "stretch", "digit")
DECODED = 2  # times the wanted size, at least; then the result is within a grey level of one from the full size
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class ImagePolicy:
    """The size a model takes, and how pictures are brought to it.

    height, width: pixels, at least 1. channels: 1 (grey, ITU-R 601 luma) or 3 (RGB).
    fit: "pad" shrinks or grows the picture until all of it fits and fills up with black; "crop" until it covers
    the size and cuts off equally on both sides; "stretch" gives up its proportions; "digit" prepares a handwritten
    digit as MNIST was made.
    digit_size: for "digit", the longer side of the ink in pixels.
    Raises DataError for settings that make no sense.
    """

    height: int
    width: int
    channels: int = 3
    fit: str = "crop"
    digit_size: int = 20

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise DataError(f"An image size must be at least 1×1; got {self.height}×{self.width}.")
        if self.channels not in (1, 3):
            raise DataError(f"Images have 1 channel (grey) or 3 (RGB); got {self.channels}.")
        if self.fit not in FITS:
            raise DataError(f"fit must be one of {', '.join(FITS)}; got '{self.fit}'.")
        if self.fit == "digit" and not 1 <= self.digit_size <= min(self.height, self.width):
            raise DataError(f"A digit of {self.digit_size} pixels does not fit in {self.height}×{self.width}.")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return self.height, self.width, self.channels

    def apply(self, pixels: Pixels) -> Pixels:
        """uint8 (H, W), (H, W, 1) or (H, W, 3) to uint8 (height, width, channels)."""
        return self._bring(_picture(pixels))

    def read(self, path: str | Path) -> Pixels:
        """The image file at `path` as uint8 (height, width, channels). Raises DataError if it cannot be read."""
        return self.decode(read_file(path), path)

    def decode(self, content: bytes, path: str | Path = "image") -> Pixels:
        """Like `read`, from the bytes of a file; `path` is only named in the DataError.

        A large JPEG is decoded at a fraction of its size that is still twice the wanted one, then shrunk smoothly.
        """
        least = None if self.fit == "digit" else DECODED * max(self.height, self.width)
        return self._bring(decode_picture(content, path, least))

    def to_dict(self) -> dict[str, Any]:
        """All settings, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "ImagePolicy":
        """The policy that `to_dict` described. Raises DataError for missing or unknown settings."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(settings) - known):
            raise DataError(f"An image policy has no setting '{unknown[0]}'; this model may be from a newer Striate.")
        if missing := sorted({"height", "width"} - set(settings)):
            raise DataError(f"An image policy needs '{missing[0]}'.")
        return cls(**settings)

    def _bring(self, picture: "Image.Image") -> Pixels:
        """A picture of mode L or RGB as uint8 (height, width, channels)."""
        mode = "L" if self.channels == 1 else "RGB"
        fitted = self._digit(picture) if self.fit == "digit" else self._fit(_converted(picture, mode))
        pixels: Pixels = np.asarray(_converted(fitted, mode))
        return pixels.reshape(self.shape)  # (H, W) → (H, W, 1) for grey

    def _digit(self, picture: "Image.Image") -> "Image.Image":
        grey = np.asarray(_converted(picture, "L"))
        return _picture(normalize_digit(grey, self.height, self.width, self.digit_size))

    def _fit(self, picture: "Image.Image") -> "Image.Image":
        from PIL import Image, ImageOps

        size, smooth = (self.width, self.height), Image.Resampling.BILINEAR  # smooth when it shrinks: antialiased
        if picture.size == size:
            return picture
        if self.fit == "pad":
            return ImageOps.pad(picture, size, smooth)
        if self.fit == "crop":
            return ImageOps.fit(picture, size, smooth)
        return picture.resize(size, smooth)


def _converted(picture: "Image.Image", mode: str) -> "Image.Image":
    """Without the copy that Pillow makes where nothing changes."""
    return picture if picture.mode == mode else picture.convert(mode)


def _picture(pixels: Pixels) -> "Image.Image":
    from PIL import Image

    known = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (1, 3))
    if not known or pixels.dtype != np.uint8 or not pixels.size:
        raise DataError(f"Expected a picture as uint8 (H, W, 1 or 3); got {pixels.dtype} {pixels.shape}.")
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2:] == (1,) else pixels)
