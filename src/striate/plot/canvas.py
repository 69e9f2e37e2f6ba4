"""Figures and axes, fonts that have the letters of the labels, and images side by side in one axes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from striate._types import Array
from striate.arguments import describe
from striate.errors import UsageError
from striate.text import display_width, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KOREAN_FONTS = (
    "Noto Sans CJK KR", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans KR", "NanumGothic", "NanumBarunGothic",
    "Malgun Gothic", "AppleGothic", "Apple SD Gothic Neo", "Arial Unicode MS", "UnDotum", "Baekmuk Gulim",
)  # fmt: skip
"""Fonts with Korean letters on Linux, Windows and macOS, of which the first that is installed is used."""

CELL = 0.95  # inches: width of an image in a new figure
FONT_SIZE = 9  # points; size of the title of an image
GAP = 0.08  # space between images / width of an image
TRAINING, VALIDATION, WRONG = "#2563c9", "#e07b1a", "#c62828"


@contextmanager
def fonts() -> Iterator[None]:
    """Let texts that are made in this block use a Korean font for the letters that the usual font does not have.

    Raises:
        UsageError: If Matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib import font_manager
    except ImportError as error:
        raise UsageError(
            'Plots need Matplotlib, which is not installed: pip install "striate[notebook]" (in a clone: '
            'pip install ".[notebook]").'
        ) from error
    installed = set(font_manager.fontManager.get_font_names())
    usual = mpl.rcParams["font.family"]
    # Not rc_context, which would also undo that the first plot of a notebook makes Matplotlib interactive.
    mpl.rcParams["font.family"] = [*usual, *[name for name in KOREAN_FONTS if name in installed][:1]]
    try:
        yield
    finally:
        mpl.rcParams["font.family"] = usual


def new_axes(ax: Any, width: float, height: float) -> "Axes":
    """Return the axes to draw on.

    Args:
        ax: Axes of Matplotlib; None makes a figure.
        width: Width of the new figure in inches.
        height: Height of the new figure in inches.

    Returns:
        The axes.

    Raises:
        UsageError: If ax is something else.
    """
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes

    if ax is None:
        return plt.subplots(figsize=(width, height), layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise UsageError(f"ax must be the Axes of a Matplotlib figure; received {describe(ax)}.")
    return ax


@dataclass(frozen=True, eq=False)
class Tile:
    """An image with a title.

    Attributes:
        pixels: (H, W) or (H, W, 3), as `imshow` takes them.
        title: One or two lines above it.
        color: Color of the title; None for that of the axes.
    """

    pixels: Array
    title: str = ""
    color: str | None = None


def draw_tiles(
    tiles: Sequence[Tile], columns: int, ax: Any = None, *, limits: tuple[float, float] | None = None,
    cmap: str = "gray", cell: float = CELL,
) -> "Axes":  # fmt: skip
    """Draw images row by row into one axes.

    Args:
        tiles: The images.
        columns: Images in a row.
        ax: The axes; None for those of a new figure.
        limits: The values that are drawn black and white; None for the smallest and largest of each image.
        cmap: Color map of images without colors.
        cell: Width of an image in a new figure, in inches.

    Returns:
        The axes.
    """
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    tall = max(tile.pixels.shape[0] / tile.pixels.shape[1] for tile in tiles)  # heights in widths of an image
    titles = [[tile.title for tile in tiles[row * columns : (row + 1) * columns]] for row in range(rows)]
    lines = [max(title.count("\n") + 1 if title else 0 for title in row) for row in titles]
    width = columns * (1 + GAP) - GAP  # of all, in widths of an image
    if ax is not None:
        cell = max(new_axes(ax, 0, 0).get_window_extent().width / ax.figure.dpi / width, 0.1)
    line = FONT_SIZE * 1.3 / 72 / cell
    tops = np.cumsum([count * line for count in lines]) + np.arange(rows) * (tall + GAP)  # of the images of each row
    axes = new_axes(ax, width * cell + 0.1, (tops[-1] + tall) * cell + 0.1)
    for number, tile in enumerate(tiles):
        x, y = number % columns * (1 + GAP), tops[number // columns]
        height = tile.pixels.shape[0] / tile.pixels.shape[1]
        low, high = limits or (tile.pixels.min(), tile.pixels.max())
        axes.imshow(
            tile.pixels, cmap=cmap, vmin=low, vmax=high if high > low else low + 1, extent=(x, x + 1, y + height, y),
            interpolation="nearest" if max(tile.pixels.shape[:2]) <= 64 else "antialiased",
        )  # fmt: skip
        if tile.title:
            color = {"color": tile.color} if tile.color else {}
            text = printable(tile.title, keep="\n")
            axes.text(x + 0.5, y - 0.02, text, ha="center", va="bottom", fontsize=FONT_SIZE, **color)  # type: ignore[arg-type]
    axes.set(xlim=(0, width), ylim=(tops[-1] + tall, 0), aspect="equal")
    axes.axis("off")
    return axes


def as_pixels(image: Array) -> Array:
    """Convert an image to the form that `imshow` takes.

    Args:
        image: The image (H, W, C).

    Returns:
        (H, W), or (H, W, 3) in 0 … 1 or 0 … 255.
    """
    if image.ndim == 2:
        return image
    if image.shape[2] != 3:
        return image[:, :, 0]
    if image.dtype == np.uint8:
        return image
    values = image.astype(np.float64)
    if values.min() >= 0 and values.max() <= 255 and values.max() > 1:
        return values / 255
    scaled: Array = (values - values.min()) / (np.ptp(values) or 1)
    return scaled


def short(name: object, longest: int = 16) -> str:
    """Shorten the name of a class so that it does not cover the next image. Korean letters count twice.

    Args:
        name: The name.
        longest: Length up to which it is not shortened.

    Returns:
        The name.
    """
    text = str(name)
    if display_width(text) <= longest:
        return text
    while display_width(text) > longest - 1:
        text = text[:-1]
    return f"{text}…"
