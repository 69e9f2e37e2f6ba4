"""Plots of what is inside a network: the filters of a layer, and the feature maps of an image."""

from typing import TYPE_CHECKING, Any

import numpy as np

from striate._types import Array
from striate.errors import UsageError, nearest
from striate.plot.canvas import Tile, draw_tiles, fonts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from striate.model import Model

MOST_FILTERS = 64  # drawn of a layer
MOST_INPUTS, MOST_OUTPUTS = 8, 16  # maps read and written, of which each kernel is drawn


def filters(model: "Model", layer: Any = None, *, ax: Any = None) -> "Axes":
    """Plot the filters of a convolution: medium gray is zero, black and white the largest weight of the layer.

    Args:
        model: The model.
        layer: The layer or its name; None for the first convolution.
        ax: Axes to draw into; None for a new figure.

    Returns:
        The axes. Filters that read three channels are drawn in colors. Of those that read more, each row has the
        kernels for one input map, up to 8 of them, and each column those of one filter, up to 16.

    Raises:
        UsageError: The layer has no filters, or Matplotlib is not installed.

    Example:
        >>> import striate as st
        >>> ax = st.plot.filters(st.zoo.build("lenet5"), "C1")
        >>> len(ax.images)
        6
    """
    kernel = _kernel(model, layer)  # KH, KW, C, O
    largest = float(np.abs(kernel).max()) or 1.0
    scaled = 0.5 + kernel / (2 * largest)
    depth, count = kernel.shape[2:]
    with fonts():
        if depth in (1, 3):
            tiles = [
                Tile(np.squeeze(scaled[..., number], 2) if depth == 1 else scaled[..., number])
                for number in range(min(count, MOST_FILTERS))
            ]
            return draw_tiles(tiles, min(8, -(-len(tiles) // -(-len(tiles) // 8))), ax, limits=(0, 1), cell=0.75)
        outputs = min(count, MOST_OUTPUTS)
        tiles = [
            Tile(scaled[:, :, source, number], f"filter {number + 1}" if not source and outputs <= 8 else "")
            for source in range(min(depth, MOST_INPUTS))
            for number in range(outputs)
        ]
        return draw_tiles(tiles, outputs, ax, limits=(0, 1), cell=0.55)


def _kernel(model: "Model", layer: Any) -> Array:
    """Return the kernel (KH, KW, C, O) of a layer. Raise UsageError if it has none."""
    found = [
        p.name.removesuffix("/kernel")
        for p in model.network.parameters
        if p.name.endswith("/kernel") and len(p.shape) == 4
    ]
    if not found:
        raise UsageError(f"'{model.name}' has no convolution, so there are no filters to plot.")
    name = found[0] if layer is None else layer if isinstance(layer, str) else getattr(layer, "name", None)
    if name not in found:
        raise UsageError(f"'{model.name}' has no filters in a layer '{name}'.{nearest(str(name), found)}")
    return model.named_weights[f"{name}/kernel"]
