"""Draw a grid of captioned images as one image."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

    Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

PAPER, INK, FAINT = (250, 250, 248), (40, 40, 40), (120, 120, 120)
MIN_TILE_SIDE = 112  # pixels of a tile's shorter side; smaller images are enlarged
GAP, LINE, LETTERS = 8, 18, 12  # pixels: between tiles, for a line of text, its size
FONTS = (
    "DejaVuSans.ttf", "NotoSansCJK-Regular.ttc", "AppleSDGothicNeo.ttc", "malgun.ttf", "arial.ttf", "Arial Unicode.ttf",
    "NotoSans-Regular.ttf",
)  # fmt: skip
NO_LETTER = "\U0010ffff"


@dataclass(frozen=True, eq=False)
class Tile:
    """An image, uint8 (H, W, 1) or (H, W, 3), with a caption below it."""

    pixels: NDArray[np.uint8]
    caption: str = ""


def draw_sheet(headings: Sequence[str], rows: Sequence[Sequence[Tile]]) -> NDArray[np.uint8]:
    """Draw rows of tiles of equal size with a heading above each column.

    Args:
        headings: One for each column.
        rows: The tiles of each row.

    Returns:
        uint8 (H, W, 3).
    """
    from PIL import Image, ImageDraw

    height, width = _shown(rows[0][0].pixels).shape[:2]
    lefts = [GAP + column * (width + GAP) + (GAP if column else 0) for column in range(len(headings))]
    tops = [LINE + GAP + row * (height + LINE + GAP) for row in range(len(rows))]
    image = Image.new("RGB", (lefts[-1] + width + GAP, tops[-1] + height + LINE + GAP), PAPER)
    draw = ImageDraw.Draw(image)
    font = _font([*headings, *(tile.caption for row in rows for tile in row)])
    for left, head in zip(lefts, headings, strict=True):
        _write(draw, (left, GAP // 2), head, FAINT, font, width)
    for top, row in zip(tops, rows, strict=True):
        for left, tile in zip(lefts, row, strict=True):
            image.paste(Image.fromarray(_shown(tile.pixels)), (left, top))
            _write(draw, (left, top + height + 1), tile.caption, INK, font, width)
    return np.array(image)


def _shown(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert to RGB, and enlarge small images."""
    factor = -(-MIN_TILE_SIDE // min(pixels.shape[:2]))
    large = pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    return np.broadcast_to(large, (*large.shape[:2], 3)) if large.shape[2] == 1 else large


def _write(
    draw: "ImageDraw.ImageDraw", place: tuple[int, int], text: str, ink: tuple[int, int, int], font: "Font", width: int
) -> None:  # fmt: skip
    """Write one line of text; a long one is truncated with an ellipsis."""
    text = normalize("NFC", text)
    if draw.textlength(text, font) > width:
        while text and draw.textlength(f"{text}…", font) > width:
            text = text[:-1]
        text += "…"
    draw.text(place, text, ink, font)


def _font(texts: Iterable[str]) -> "Font":
    """Return Pillow's default font if it has all letters, else the first font on this machine that has them."""
    from PIL import ImageFont

    letters = {letter for text in texts for letter in normalize("NFC", text) if not letter.isspace()}
    own = ImageFont.load_default(LETTERS)
    if not isinstance(own, ImageFont.FreeTypeFont) or _has(own, letters):
        return own
    for name in FONTS:
        try:
            font = ImageFont.truetype(name, LETTERS)
        except OSError:
            continue
        if _has(font, letters):
            return font
    return own


def _has(font: "ImageFont.FreeTypeFont", letters: Iterable[str]) -> bool:
    missing = bytes(font.getmask(NO_LETTER))
    return all(bytes(font.getmask(letter)) != missing for letter in letters)
