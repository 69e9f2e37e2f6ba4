"""Plots of what is inside a network: the filters of a layer, and the feature maps of an image."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from striate import explain
from striate._types import Array
from striate.arguments import describe, explain_arguments
from striate.errors import DataError, UsageError
from striate.explain.trace import AnyLayer, AnyModel, as_model
from striate.network import Conv2D, Network
from striate.plot.canvas import TRAINING, Tile, draw_tiles, fonts, new_axes, short
from striate.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_FILTERS = 64  # drawn of a layer
MAX_MAPS, MAX_NAMES = 64, 20
MAX_INPUTS, MAX_OUTPUTS = 8, 16  # maps read and written, of which each kernel is drawn


@explain_arguments
def filters(model: AnyModel, layer: AnyLayer | None = None, *, ax: Any = None) -> "Axes":
    """Plot the filters of a convolution: medium gray is zero, black and white the largest weight of the layer.

    Args:
        model: The model, or the path of one.
        layer: As in `st.explain.filters`; None for the first convolution.
        ax: Axes to draw into; None for a new figure.

    Returns:
        The axes. Filters that read three channels are drawn in colors. Of those that read more, each row has the
        kernels for one input map, up to 8 of them, and each column those of one filter, up to 16.

    Raises:
        NetworkError: If there is no such layer.
        UsageError: If the layer has no filters, or Matplotlib is not installed.

    Example:
        >>> import striate as st
        >>> ax = st.plot.filters(st.zoo.build("lenet5"), "C1")
        >>> len(ax.images)
        6
    """
    kernel = explain.filters(model, layer).kernel  # KH, KW, C, O
    largest = float(np.abs(kernel).max()) or 1.0
    scaled = 0.5 + kernel / (2 * largest)
    depth, count = kernel.shape[2:]
    with fonts():
        if depth in (1, 3):
            tiles = [
                Tile(np.squeeze(scaled[..., number], 2) if depth == 1 else scaled[..., number])
                for number in range(min(count, MAX_FILTERS))
            ]
            return draw_tiles(tiles, _even_columns(len(tiles)), ax, limits=(0, 1), cell=0.75)
        outputs = min(count, MAX_OUTPUTS)
        tiles = [
            Tile(scaled[:, :, source, number], f"filter {number + 1}" if not source and outputs <= 8 else "")
            for source in range(min(depth, MAX_INPUTS))
            for number in range(outputs)
        ]
        return draw_tiles(tiles, outputs, ax, limits=(0, 1), cell=0.55)


@explain_arguments
def feature_maps(model: AnyModel, image: Any, layer: AnyLayer | None = None, *, ax: Any = None) -> "Axes":
    """Plot the output of a layer for an image: its feature maps, or the values of a vector as bars.

    Args:
        model: The model, or the path of one.
        image: One image, an array or the path of a file.
        layer: The layer, its name or the index of its node; None for the first convolution, or the first layer if there
            is none.
        ax: Axes to draw into; None for a new figure.

    Returns:
        The axes. All maps have the same scale, so that those with large values stand out; up to 64 are drawn.

    Raises:
        NetworkError: If there is no such layer.
        DataError: If the image does not match the model.
        UsageError: If Matplotlib is not installed.

    Example:
        >>> import striate as st
        >>> digits = st.data.load("mnist5k")
        >>> ax = st.plot.feature_maps(st.zoo.build("lenet5"), digits.test.x[0], "C1")
        >>> len(ax.images)
        6
    """
    model = as_model(model)
    maps = np.asarray(explain.feature_maps(model, image, _first_maps(model.network) if layer is None else layer))
    with fonts():
        if maps.ndim == 1:
            return _bars(maps, model.classes, ax)
        tiles = [Tile(maps[:, :, number]) for number in range(min(maps.shape[2], MAX_MAPS))]
        limits = float(maps.min()), float(maps.max())
        return draw_tiles(tiles, _even_columns(len(tiles)), ax, limits=limits, cmap="viridis", cell=0.95)


@explain_arguments
def attribution(attribution: explain.Attribution, image: Any = None, *, ax: Any = None) -> "Axes":
    """Plot the contribution of each pixel to a class, positive red and negative blue, on the image in light gray.

    Args:
        attribution: What `st.explain.grad_cam`, `occlusion` or `integrated_gradients` returned.
        image: The image (H, W) or (H, W, C); None for none.
        ax: Axes to draw into; None for a new figure.

    Returns:
        The axes.

    Raises:
        DataError: If the image has another size.
        UsageError: If Matplotlib is not installed.

    Example:
        >>> import striate as st
        >>> digits = st.data.load("mnist5k")
        >>> found = st.explain.occlusion(st.zoo.build("lenet5"), digits.test.x[0])
        >>> len(st.plot.attribution(found, digits.test.x[0]).images)
        2
    """
    if not isinstance(attribution, explain.Attribution):
        raise UsageError(
            "attribution, the first argument, must be what st.explain.grad_cam, occlusion or integrated_gradients "
            f"returned; received {describe(attribution)}. For example: st.plot.attribution(st.explain.grad_cam(model, "
            "image), image)."
        )
    height, width = attribution.values.shape
    with fonts():
        drawn = new_axes(ax, 2.6, 2.6 * height / width)
        if image is not None:
            pixels = np.asarray(image, float)
            if pixels.shape[:2] != (height, width):
                raise DataError(f"The attribution is that of an image of {height}×{width}; received {describe(image)}.")
            gray = pixels.reshape(height, width, -1).mean(axis=2)
            drawn.imshow(gray, cmap="gray_r" if gray.mean() < np.ptp(gray) / 2 else "gray", alpha=0.35)
        largest = float(np.abs(attribution.values).max()) or 1.0
        strength = np.abs(attribution.values) / largest
        colors = attribution.values, {"cmap": "bwr", "vmin": -largest, "vmax": largest}
        drawn.imshow(colors[0], alpha=0.85 * strength**0.5, **colors[1])  # type: ignore[arg-type]
        drawn.axis("off")
    return drawn


def _bars(values: Array, classes: Sequence[str], ax: Any) -> "Axes":
    """Draw the values of a vector, named where they are those of the classes."""
    drawn = new_axes(ax, min(max(3.0, 0.32 * len(values)), 9.0), 2.4)
    drawn.bar(np.arange(len(values)), values, color=TRAINING)
    if len(values) <= MAX_NAMES:
        named = len(classes) == len(values)
        names = [printable(short(name)) for name in classes] if named else [str(unit) for unit in range(len(values))]
        drawn.set_xticks(range(len(values)), names)
    drawn.set(xlabel="unit", ylabel="value")
    return drawn


def _even_columns(count: int) -> int:
    """Return a number of columns, at most 8, with which the last row is as full as the others, if there is one."""
    rows = -(-count // 8)
    return -(-count // rows)


def _first_maps(network: Network) -> int:
    """Return the node of the first convolution, or of the first layer if there is none."""
    convolutions = [number for number, node in enumerate(network.nodes) if isinstance(node.layer, Conv2D)]
    return convolutions[0] if convolutions else min(1, len(network.nodes) - 1)
