"""Max and average pooling of windows and of entire feature maps.

Arrays have the shape (N, H, W, C) and are planes in memory (see `memory`).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import Scratch, UncachedScratch, contiguous, into_tiles, out_of_tiles, planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.engines.numpy.windows import Geometry, pad, unpad, window_taps
from striate.network import AveragePool2D, GlobalAveragePool2D, GlobalMaxPool2D, IntPair, MaxPool2D, Shape, Subsample2D


def _overlaps(window: Geometry) -> bool:
    return any(k > s for k, s in zip(window.kernel_size, window.strides, strict=True))


@dataclass
class MaxPoolState:
    """The padded input and the output of max pooling, both planes."""

    padded: Array
    y: Array


def max_pool_forward(x: Array, window: Geometry, scratch: Scratch | None = None) -> tuple[Array, MaxPoolState]:
    """Compute the maximum of each window, padding excluded.

    Args:
        x: (N, H, W, C).
        window: The windows.
        scratch: Provides the memory; None allocates it.

    Returns:
        y (N, OH, OW, C), and the state for the backward pass.
    """
    scratch = scratch or UncachedScratch()
    size = window.output_size(x.shape[1], x.shape[2])
    padded = pad(planes(x), window.padding, scratch, fill=-np.inf)
    y = scratch.empty("y", (x.shape[3], *size, x.shape[0]), x.dtype)
    members = (member for _, _, member in window_taps(padded, window, size))
    np.copyto(y, next(members))
    for member in members:
        np.maximum(y, member, out=y)
    return planes(y), MaxPoolState(padded, y)


def max_pool_backward(dy: Array, state: MaxPoolState, window: Geometry, scratch: Scratch | None = None) -> Array:
    """Pass each gradient to the first maximum of its window.

    Args:
        dy: (N, OH, OW, C).
        state: From `max_pool_forward`.
        window: The windows.
        scratch: Provides the memory; None allocates it.

    Returns:
        dx (N, H, W, C).
    """
    scratch = scratch or UncachedScratch()
    gradient, y = planes(dy), state.y
    size = (y.shape[1], y.shape[2])
    dpadded = scratch.empty("dpadded", state.padded.shape, dy.dtype)
    dpadded.fill(0)
    unmatched = scratch.temporary("unmatched", y.shape, np.bool_)
    is_maximum = scratch.temporary("is_maximum", y.shape, np.bool_)
    part = scratch.temporary("part", y.shape, dy.dtype)
    unmatched.fill(True)
    overlaps = _overlaps(window)
    targets = window_taps(dpadded, window, size)
    for (_, _, member), (_, _, target) in zip(window_taps(state.padded, window, size), targets, strict=True):
        _mark_first_maximum(member, y, unmatched, is_maximum)
        if overlaps:
            np.add(target, np.multiply(gradient, is_maximum, out=part), out=target)
        else:
            np.multiply(gradient, is_maximum, out=target)
    return unpad(dpadded, window.padding)


def _mark_first_maximum(member: Array, maximum: Array, unmatched: Array, is_maximum: Array) -> None:
    """Write to `is_maximum` where a member is the first maximum of its window, and update `unmatched`.

    Args:
        member: The values at one position of the windows.
        maximum: The maxima of the windows.
        unmatched: Whether no earlier member was the maximum.
        is_maximum: Whether this member is the first maximum.
    """
    np.equal(member, maximum, out=is_maximum)
    np.logical_and(is_maximum, unmatched, out=is_maximum)
    np.greater(unmatched, is_maximum, out=unmatched)


@dataclass(frozen=True)
class Cells:
    """The order of a convolution's output (O, PY, PX, A, B, TH, TW, N) by pooling cells.

    Output row (th·A + a)·PY + py is at [py, a, th]: a cell has PY rows, and a tile has A cells (1 without tiles).

    Attributes:
        size: (PY, PX), the window of the pooling.
        tile: (A, B).
        grid: (TH, TW), the number of tiles.
        conv: (H, W) of the convolution's output; values outside it only complete the last cells.
        pooled: (PH, PW) of the pooled output.
    """

    size: IntPair
    tile: IntPair
    grid: IntPair
    conv: IntPair
    pooled: IntPair

    def hide_overhang(self, blocks: Array) -> None:
        """Set the rows and columns that only complete the last cells to −∞."""
        for row in range(self.conv[0], self.pooled[0] * self.size[0]):
            cell, y = divmod(row, self.size[0])
            blocks[:, y, :, cell % self.tile[0], :, cell // self.tile[0]] = -np.inf
        for column in range(self.conv[1], self.pooled[1] * self.size[1]):
            cell, x = divmod(column, self.size[1])
            blocks[:, :, x, :, cell % self.tile[1], :, cell // self.tile[1]] = -np.inf

    @property
    def in_order(self) -> bool:
        """Whether the cells are ordered row by row."""
        return self.tile == (1, 1) and self.grid == self.pooled


@dataclass
class CellMaxState:
    """The members of the cells (O, PY·PX, cells·N), their maxima, and the shape of the input."""

    members: Array
    y: Array
    shape: tuple[int, ...]


class CellMaxPoolRule(LayerRule[MaxPool2D, CellMaxState]):
    """Max pooling of a convolution whose output is ordered by cells: the maximum of contiguous blocks.

    Args:
        layer: The layer.
        cells: The order of the input.
        in_place: Whether the gradient may overwrite the input.
    """

    variables = ()

    def __init__(self, layer: MaxPool2D, cells: Cells, *, in_place: bool) -> None:
        super().__init__(layer)
        self.cells, self.in_place = cells, in_place

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, CellMaxState]:
        """Return y and the state: (N, OH, OW, O) in cell order → (N, PH, PW, O)."""
        cells, scratch = self.cells, context.scratch
        (py, px), (a, b), (th, tw) = cells.size, cells.tile, cells.grid
        o, n = x.shape[3], x.shape[0]
        cells.hide_overhang(planes(x).reshape(o, py, px, a, b, th, tw, n))
        members = planes(x).reshape(o, py * px, a * b * th * tw * n)
        y = scratch.empty("pooled", (o, members.shape[2]), x.dtype)
        np.maximum(members[:, 0], members[:, 1], out=y)
        for i in range(2, py * px):
            np.maximum(y, members[:, i], out=y)
        state = CellMaxState(members, y, x.shape)
        if cells.in_order:
            return planes(y.reshape(o, th, tw, n)), state
        return planes(out_of_tiles(y.reshape(o, a, b, th, tw, n), cells.pooled, scratch)), state

    def backward(self, context: LayerContext, state: CellMaxState, dy: Array) -> tuple[Array]:
        """Return dx (N, OH, OW, O), from dy (N, PH, PW, O), in cell order."""
        members, y, scratch = state.members, state.y, context.scratch
        gradient = _in_cells(planes(dy), self.cells, scratch).reshape(y.shape)
        dx = members if self.in_place else scratch.empty("dcells", members.shape, dy.dtype)
        unmatched = scratch.temporary("unmatched", y.shape, np.bool_)
        is_maximum = scratch.temporary("is_maximum", y.shape, np.bool_)
        np.not_equal(members[:, 0], y, out=unmatched)
        np.multiply(gradient, np.logical_not(unmatched, out=is_maximum), out=dx[:, 0])
        last = members.shape[1] - 1
        for i in range(1, last):
            _mark_first_maximum(members[:, i], y, unmatched, is_maximum)
            np.multiply(gradient, is_maximum, out=dx[:, i])
        np.multiply(gradient, unmatched, out=dx[:, last])  # no other member is the maximum
        n, oh, ow, o = state.shape
        return (planes(dx.reshape(o, oh, ow, n)),)


def _in_cells(gradient: Array, cells: Cells, scratch: Scratch) -> Array:
    """Reorder (O, PH, PW, N) to (O, A, B, TH, TW, N), with 0 for cells outside the output."""
    if cells.in_order:
        return contiguous(gradient, scratch, "gradient")
    return into_tiles(gradient, cells.tile, cells.grid, scratch)


@dataclass
class AveragePoolState:
    """The state of average pooling.

    Attributes:
        weights: (OH, OW), 1 / number of positions of the window inside the image.
        shape: (N, H, W, C) of the input.
    """

    weights: Array
    shape: tuple[int, ...]


def average_pool_forward(x: Array, window: Geometry, scratch: Scratch | None = None) -> tuple[Array, AveragePoolState]:
    """Compute the mean of each window, padding excluded.

    Args:
        x: (N, H, W, C).
        window: The windows.
        scratch: Provides the memory; None allocates it.

    Returns:
        y (N, OH, OW, C), and the state for the backward pass.
    """
    scratch = scratch or UncachedScratch()
    size = window.output_size(x.shape[1], x.shape[2])
    padded = pad(planes(x), window.padding, scratch)
    y = scratch.empty("y", (x.shape[3], *size, x.shape[0]), x.dtype)
    members = (member for _, _, member in window_taps(padded, window, size))
    np.copyto(y, next(members))
    for member in members:
        y += member
    weights = _weights(x.shape[1:3], window, size).astype(x.dtype)
    y *= weights[:, :, None]
    return planes(y), AveragePoolState(weights, x.shape)


@lru_cache(256)
def _weights(image: tuple[int, ...], window: Geometry, size: IntPair) -> Array:
    """Return (OH, OW), 1 / number of positions of the window inside the image (H, W)."""
    counts = []
    for axis in (0, 1):
        start = np.arange(size[axis]) * window.strides[axis] - window.padding[axis][0]
        end = np.minimum(start + window.kernel_size[axis], image[axis])
        counts.append(end - np.maximum(start, 0))
    return 1.0 / np.outer(counts[0], counts[1])


def average_pool_backward(
    dy: Array, state: AveragePoolState, window: Geometry, scratch: Scratch | None = None
) -> Array:
    """Distribute each gradient evenly over its window.

    Args:
        dy: (N, OH, OW, C).
        state: From `average_pool_forward`.
        window: The windows.
        scratch: Provides the memory; None allocates it.

    Returns:
        dx (N, H, W, C).
    """
    scratch = scratch or UncachedScratch()
    n, h, w, c = state.shape
    (top, bottom), (left, right) = window.padding
    part = scratch.temporary("part", (c, *dy.shape[1:3], n), dy.dtype)
    np.multiply(planes(dy), state.weights[:, :, None], out=part)
    dpadded = scratch.empty("dpadded", (c, top + h + bottom, left + w + right, n), dy.dtype)
    dpadded.fill(0)
    overlaps = _overlaps(window)
    for _, _, target in window_taps(dpadded, window, (dy.shape[1], dy.shape[2])):
        if overlaps:
            np.add(target, part, out=target)
        else:
            np.copyto(target, part)
    return unpad(dpadded, window.padding)


@rule(MaxPool2D)
class MaxPoolRule(LayerRule[MaxPool2D, MaxPoolState]):
    """Max pooling."""

    def __init__(self, layer: MaxPool2D, input_shape: Shape) -> None:
        super().__init__(layer, input_shape)
        self.window = Geometry.of(layer, input_shape)

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, MaxPoolState]:
        """Return y and the state: (N, H, W, C) → (N, OH, OW, C)."""
        return max_pool_forward(x, self.window, context.scratch)

    def backward(self, context: LayerContext, state: MaxPoolState, dy: Array) -> tuple[Array]:
        """Return dx (N, H, W, C), from dy (N, OH, OW, C)."""
        return (max_pool_backward(dy, state, self.window, context.scratch),)


@rule(AveragePool2D)
class AveragePoolRule(LayerRule[AveragePool2D, AveragePoolState]):
    """Average pooling."""

    output_overwritable = True

    def __init__(self, layer: AveragePool2D, input_shape: Shape) -> None:
        super().__init__(layer, input_shape)
        self.window = Geometry.of(layer, input_shape)

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, AveragePoolState]:
        """Return y and the state: (N, H, W, C) → (N, OH, OW, C)."""
        return average_pool_forward(x, self.window, context.scratch)

    def backward(self, context: LayerContext, state: AveragePoolState, dy: Array) -> tuple[Array]:
        """Return dx (N, H, W, C), from dy (N, OH, OW, C)."""
        return (average_pool_backward(dy, state, self.window, context.scratch),)


@rule(GlobalAveragePool2D)
class GlobalAveragePoolRule(LayerRule[GlobalAveragePool2D, tuple[int, ...]]):
    """The mean of each feature map. The state is the shape of the planes, (C, H, W, N)."""

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, tuple[int, ...]]:
        """Return y and the state: (N, H, W, C) → (N, C), or (N, 1, 1, C)."""
        maps = planes(x)
        return _kept(_flat(maps).mean(axis=1), keepdims=self.layer.keepdims), maps.shape

    def backward(self, context: LayerContext, shape: tuple[int, ...], dy: Array) -> tuple[Array]:
        """Return dx (N, H, W, C), from dy (N, C)."""
        c, h, w, n = shape
        mean = planes(dy).reshape(c, 1, 1, n) / (h * w)
        return (planes(np.ascontiguousarray(np.broadcast_to(mean, shape))),)


@dataclass
class GlobalMaxState:
    """The shape of the planes (C, H, W, N), and the index of the maximum of each feature map (C, N)."""

    shape: tuple[int, ...]
    argmax: Array


@rule(GlobalMaxPool2D)
class GlobalMaxPoolRule(LayerRule[GlobalMaxPool2D, GlobalMaxState]):
    """The maximum of each feature map."""

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, GlobalMaxState]:
        """Return y and the state: (N, H, W, C) → (N, C), or (N, 1, 1, C)."""
        maps = planes(x)
        flat = _flat(maps)
        return _kept(flat.max(axis=1), keepdims=self.layer.keepdims), GlobalMaxState(maps.shape, flat.argmax(axis=1))

    def backward(self, context: LayerContext, state: GlobalMaxState, dy: Array) -> tuple[Array]:
        """Return dx (N, H, W, C), from dy (N, C)."""
        c, h, w, n = state.shape
        dx = np.zeros((c, h * w, n), dy.dtype)
        gradient = np.ascontiguousarray(planes(dy)).reshape(c, 1, n)
        np.put_along_axis(dx, state.argmax[:, None], gradient, axis=1)
        return (planes(dx.reshape(state.shape)),)


def _kept(values: Array, *, keepdims: bool) -> Array:
    """Return values (C, N) as (N, C), or as (N, 1, 1, C)."""
    return planes(values[:, None, None] if keepdims else values)


def _flat(maps: Array) -> Array:
    """Reshape planes (C, H, W, N) to (C, H·W, N)."""
    return maps.reshape(maps.shape[0], -1, maps.shape[3])


@dataclass
class SubsampleState:
    """The mean of each window (N, OH, OW, C), and the state of average pooling."""

    mean: Array
    pooling: AveragePoolState


@rule(Subsample2D)
class SubsampleRule(LayerRule[Subsample2D, SubsampleState]):
    """y = mean of the window · coefficient + bias. Source: LeCun et al. 1998, section II.B."""

    output_overwritable = True

    def __init__(self, layer: Subsample2D, input_shape: Shape) -> None:
        super().__init__(layer, input_shape)
        self.window = Geometry.of(layer, input_shape)

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, SubsampleState]:
        """Return y and the state: (N, H, W, C) → (N, OH, OW, C)."""
        mean, pooling = average_pool_forward(x, self.window, context.scratch)
        coefficient, bias = (context.weights[name][:, None, None, None] for name in ("coefficient", "bias"))
        return planes(planes(mean) * coefficient + bias), SubsampleState(mean, pooling)

    def backward(self, context: LayerContext, state: SubsampleState, dy: Array) -> tuple[Array]:
        """Return dx (N, H, W, C), from dy (N, OH, OW, C)."""
        context.gradients["coefficient"][...] = planes(dy * state.mean).sum(axis=(1, 2, 3))
        context.gradients["bias"][...] = planes(dy).sum(axis=(1, 2, 3))
        scaled = planes(planes(dy) * context.weights["coefficient"][:, None, None, None])
        return (average_pool_backward(scaled, state.pooling, self.window, context.scratch),)
