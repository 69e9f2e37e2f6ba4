"""Plots of images: with labels and predictions, and beside their augmented copies."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from striate._types import Array
from striate.arguments import check_integer, describe, explain_arguments
from striate.data import Augmentation, Dataset, Images, as_images, get_augmentation
from striate.data.display import representative_rows
from striate.errors import DataError, UsageError
from striate.plot.canvas import WRONG, Tile, as_pixels, draw_tiles, fonts, short
from striate.plot.figures import as_classes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_IMAGES = 40  # images in one plot
PHOTOGRAPH = 64  # pixels of the longer side from which an image is drawn larger


@explain_arguments
def images(
    x: Any, labels: Any = None, predictions: Any = None, *, classes: Sequence[str] | None = None,
    columns: int | None = None, ax: Any = None,
) -> "Axes":  # fmt: skip
    """Plot images with their classes; wrong predictions are written in red, as "true → predicted".

    Args:
        x: One image (H, W) or (H, W, C), images (N, H, W) or (N, H, W, C), or a part of a data set, such as
            `data.test`. At most 40 are drawn: the first, or those of a part of a data set that differ in class.
        labels: Class numbers (N,), one-hot rows or names; None for those of the part of the data set, if any.
        predictions: Predicted class numbers (N,), or probabilities (N, classes), which are then shown too.
        classes: Names of the classes; None for numbers.
        columns: Images in a row; None for as many as look well.
        ax: Axes to draw into; None for a new figure.

    Returns:
        The axes.

    Raises:
        DataError: If the array holds no images, or labels or predictions do not match.
        UsageError: If Matplotlib is not installed.

    Example:
        >>> import striate as st
        >>> digits = st.data.load("mnist5k")
        >>> ax = st.plot.images(digits.test.x[:2], digits.test.y[:2], [4, 7])
        >>> [text.get_text() for text in ax.texts]
        ['4', '9 → 7']
    """
    if isinstance(x, Images):
        labels = x.y if labels is None and x.y.ndim == 1 else labels
        rows = representative_rows(x.y, MAX_IMAGES)
        count, pixels = len(x), np.asarray(x.x[np.array(rows)])
    else:
        everything = _as_images(x)
        count, pixels = len(everything), everything[:MAX_IMAGES]
        rows = list(range(len(pixels)))
    names = _names(labels, "labels", count, classes)
    predicted = _names(predictions, "predictions", count, classes)
    sure = np.asarray(predictions) if predictions is not None and np.ndim(predictions) == 2 else None
    tiles = []
    for image, row in zip(pixels, rows, strict=True):
        true, guess = names[row] if names else "", predicted[row] if predicted else ""
        wrong = bool(true and guess and true != guess)
        title = f"{true} → {guess}" if wrong else true or guess
        if sure is not None and sure.shape[1] > 1:
            title += f"\n{100 * sure[row].max():.0f} %"
        tiles.append(Tile(as_pixels(image), title, WRONG if wrong else None))
    large = max(pixels.shape[1:3]) > PHOTOGRAPH
    columns = check_integer("columns", columns, 1) if columns is not None else 6 if large else 10
    is_byte = pixels.dtype == np.uint8
    with fonts():
        return draw_tiles(tiles, columns, ax, limits=(0, 255) if is_byte else None, cell=1.4 if large else 0.95)


def _as_images(x: Any) -> Array:
    """Return images (N, H, W) or (N, H, W, C) of any of the shapes that `images` takes."""
    try:
        array = np.asarray(x)
    except ValueError as error:  # a list of arrays of different sizes
        raise DataError(
            "The images differ in shape. Plot them one by one, or give all of them the same shape."
        ) from error
    single = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3))
    array = array[None] if single else array
    if array.ndim not in (3, 4) or not array.size or array.dtype.kind not in "buif":
        raise DataError(f"Images must have shape (N, H, W) or (N, H, W, C); received {describe(x)}.")
    return array


def _names(values: Any, what: str, count: int, classes: Sequence[str] | None) -> list[str]:
    """Return the name of the class of each image; none if there are no values."""
    if values is None:
        return []
    array = np.asarray(values)
    if array.dtype.kind in "US":
        names = [str(value) for value in array.reshape(-1)]
    else:
        numbers = as_classes(values, what).tolist()
        if classes is not None and numbers and max(numbers) >= len(classes):
            raise DataError(f"{what} go up to {max(numbers)}, but there are {len(classes)} names of classes.")
        names = [str(number if classes is None else classes[number]) for number in numbers]
    given = len(array) if array.ndim else 1
    if given != count:
        raise DataError(f"There are {count} images but {given} {what}; each image needs one.")
    return [short(name) for name in names]


@explain_arguments
def augmentation(
    data: Dataset | Images | Any, settings: Any = "standard", *, rows: int = 4, columns: int = 7, seed: int = 0,
    ax: Any = None,
) -> "Axes":  # fmt: skip
    """Plot images next to their augmented copies in successive epochs.

    Args:
        data: A data set, a part of one, or uint8 images (N, H, W, C).
        settings: An `Augmentation`, the name of one such as "standard" or "strong", a recipe, or a model that was
            trained with one.
        rows: Number of images, of different classes.
        columns: Number of augmented copies of each.
        seed: Random seed of the augmentation.
        ax: Axes to draw into; None for a new figure.

    Returns:
        The axes.

    Raises:
        DataError: If the array holds no images.
        UsageError: If the settings are not an augmentation, or Matplotlib is not installed.

    Example:
        >>> import striate as st
        >>> ax = st.plot.augmentation(st.data.load("mnist5k"), "standard", rows=2, columns=3)
        >>> [text.get_text() for text in ax.texts][:4]
        ['original', 'epoch 1', 'epoch 2', 'epoch 3']
    """
    part = data.train if isinstance(data, Dataset) else data
    if not isinstance(part, Images):
        pixels = _as_images(part)
        part = as_images(pixels, np.zeros(len(pixels), int))
    rows, columns = check_integer("rows", rows, 1), check_integer("columns", columns, 1)
    index = np.array(representative_rows(part.y, rows))
    x = np.asarray(part.x[index])
    chosen = _augmentation(settings, photographs=x.shape[3] == 3)
    copies = [x, *(chosen.sample(index, seed, epoch, x.shape[1:]).apply(x) for epoch in range(columns))]
    heads = ["original", *(f"epoch {number}" for number in range(1, columns + 1))]
    tiles = [
        Tile(as_pixels(copy[row]), "" if row else head)
        for row in range(len(index))
        for head, copy in zip(heads, copies, strict=True)
    ]
    limits = (0, 255) if x.dtype == np.uint8 else None
    with fonts():
        return draw_tiles(tiles, columns + 1, ax, limits=limits, cell=1.2 if max(x.shape[1:3]) > PHOTOGRAPH else 0.95)


def _augmentation(settings: Any, *, photographs: bool) -> Augmentation:
    """Return the augmentation that a name, a recipe or a model stands for."""
    if isinstance(settings, str):
        return get_augmentation(settings, photographs=photographs)
    recipe = getattr(settings, "recipe", settings)
    found = getattr(recipe, "augmentation", recipe)
    if not isinstance(found, Augmentation):
        raise UsageError(
            f"settings must be an Augmentation, its name, or a model or recipe with one; received {describe(settings)}."
        )
    return found
