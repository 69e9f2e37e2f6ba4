"""Pooling: the largest number, or the mean, of each window or of each whole map.

Arrays have the shape (N, H, W, C) and lie in memory as planes (see `memory`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from striate._types import Array
from striate.engines.numpy.memory import Fresh, Scratch, contiguous, into_tiles, out_of_tiles, planes
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.engines.numpy.windows import Geometry, pad, unpad
from striate.network import AveragePool2D, GlobalAveragePool2D, GlobalMaxPool2D, MaxPool2D, Pair, Shape, Subsample2D


def _members(padded: Array, window: Geometry, size: Pair) -> Iterator[Array]:
    """Yield for each position in the window the view (C, OH, OW, N) of the numbers there."""
    (kh, kw), (ty, tx) = window.kernel_size, window.strides
    for y in range(kh):
        for x in range(kw):
            yield padded[:, y : y + ty * (size[0] - 1) + 1 : ty, x : x + tx * (size[1] - 1) + 1 : tx]


def _overlaps(window: Geometry) -> bool:
    return any(k > s for k, s in zip(window.kernel_size, window.strides, strict=True))


@dataclass
class MaxPoolState:
    """What the backward pass of max pooling needs: the input with its border and the output, both planes."""

    padded: Array
    y: Array


def max_pool_forward(x: Array, window: Geometry, scratch: Scratch | None = None) -> tuple[Array, MaxPoolState]:
    """Return the largest number of each window, without the padding: x (N, H, W, C) → y (N, OH, OW, C)."""
    scratch = scratch or Fresh()
    size = window.output_size(x.shape[1], x.shape[2])
    padded = pad(planes(x), window.padding, scratch, fill=-np.inf)
    y = scratch.empty("y", (x.shape[3], *size, x.shape[0]), x.dtype)
    members = _members(padded, window, size)
    np.copyto(y, next(members))
    for member in members:
        np.maximum(y, member, out=y)
    return planes(y), MaxPoolState(padded, y)


def max_pool_backward(dy: Array, state: MaxPoolState, window: Geometry, scratch: Scratch | None = None) -> Array:
    """Pass each gradient to the first of its window's largest numbers: dy (N, OH, OW, C) → dx (N, H, W, C)."""
    scratch = scratch or Fresh()
    gradient, y = planes(dy), state.y
    size = (y.shape[1], y.shape[2])
    dpadded = scratch.empty("dpadded", state.padded.shape, dy.dtype)
    dpadded.fill(0)
    free = scratch.temporary("free", y.shape, np.bool_)
    hit = scratch.temporary("hit", y.shape, np.bool_)
    part = scratch.temporary("part", y.shape, dy.dtype)
    free.fill(True)
    overlaps = _overlaps(window)
    targets = _members(dpadded, window, size)
    for member, target in zip(_members(state.padded, window, size), targets, strict=True):
        _first_hits(member, y, free, hit)
        if overlaps:
            np.add(target, np.multiply(gradient, hit, out=part), out=target)
        else:
            np.multiply(gradient, hit, out=target)
    return unpad(dpadded, window.padding)


def _first_hits(member: Array, largest: Array, free: Array, hit: Array) -> None:
    """Mark in `hit` where a member is its window's largest and no earlier one was; `free` holds where none was yet."""
    np.equal(member, largest, out=hit)
    np.logical_and(hit, free, out=hit)
    np.greater(free, hit, out=free)


@dataclass(frozen=True)
class Cells:
    """How a convolution's output (O, PY, PX, A, B, TH, TW, N) is ordered by pooling cell.

    Output row (th·A + a)·PY + py lies at [py, a, th]: PY rows make a cell, A cells a tile (1 without tiles).

    Attributes:
        size: (PY, PX), the window of the pooling.
        tile: (A, B).
        grid: (TH, TW), the number of tiles.
        conv: (H, W) of the convolution's true output; what lies beyond does not count.
        pooled: (PH, PW) of the result.
    """

    size: Pair
    tile: Pair
    grid: Pair
    conv: Pair
    pooled: Pair

    def hide_overhang(self, blocks: Array) -> None:
        """Set the rows and columns that exist only to fill the last cells to −∞."""
        for row in range(self.conv[0], self.pooled[0] * self.size[0]):
            cell, y = divmod(row, self.size[0])
            blocks[:, y, :, cell % self.tile[0], :, cell // self.tile[0]] = -np.inf
        for column in range(self.conv[1], self.pooled[1] * self.size[1]):
            cell, x = divmod(column, self.size[1])
            blocks[:, :, x, :, cell % self.tile[1], :, cell // self.tile[1]] = -np.inf

    @property
    def in_order(self) -> bool:
        """Whether the pooled cells lie in plain order already."""
        return self.tile == (1, 1) and self.grid == self.pooled


@dataclass
class CellMaxState:
    """What the backward pass needs: members of the cells (O, PY·PX, cells·N), the largest, the input's shape."""

    members: Array
    y: Array
    shape: tuple[int, ...]


class CellMaxPoolRule(LayerRule[MaxPool2D, CellMaxState]):
    """Max pooling of a convolution whose positions are ordered by cell: a maximum of whole contiguous blocks."""

    variables = ()

    def __init__(self, layer: MaxPool2D, cells: Cells) -> None:
        super().__init__(layer)
        self.cells = cells

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, CellMaxState]:
        """(N, OH, OW, O), its planes in cell order → (N, PH, PW, O)."""
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
        """dy (N, PH, PW, O) → dx (N, OH, OW, O), its planes in cell order."""
        members, y, scratch = state.members, state.y, context.scratch
        gradient = _in_cells(planes(dy), self.cells, scratch).reshape(y.shape)
        dx = scratch.empty("dcells", members.shape, dy.dtype)
        free = scratch.temporary("free", y.shape, np.bool_)
        hit = scratch.temporary("hit", y.shape, np.bool_)
        np.not_equal(members[:, 0], y, out=free)
        np.multiply(gradient, np.logical_not(free, out=hit), out=dx[:, 0])
        last = members.shape[1] - 1
        for i in range(1, last):
            _first_hits(members[:, i], y, free, hit)
            np.multiply(gradient, hit, out=dx[:, i])
        np.multiply(gradient, free, out=dx[:, last])  # what no other member took
        n, oh, ow, o = state.shape
        return (planes(dx.reshape(o, oh, ow, n)),)


def _in_cells(gradient: Array, cells: Cells, scratch: Scratch) -> Array:
    """Return (O, PH, PW, N) as (O, A, B, TH, TW, N), 0 for cells that are no output."""
    if cells.in_order:
        return contiguous(gradient, scratch, "gradient")
    return into_tiles(gradient, cells.tile, cells.grid, scratch)


@dataclass
class AveragePoolState:
    """What the backward pass of average pooling needs.

    Attributes:
        shares: (OH, OW), 1 / (how many of the window's positions lie inside the image).
        shape: (N, H, W, C) of the input.
    """

    shares: Array
    shape: tuple[int, ...]


def average_pool_forward(x: Array, window: Geometry, scratch: Scratch | None = None) -> tuple[Array, AveragePoolState]:
    """Return the mean of each window, without the padding: x (N, H, W, C) → y (N, OH, OW, C)."""
    scratch = scratch or Fresh()
    size = window.output_size(x.shape[1], x.shape[2])
    padded = pad(planes(x), window.padding, scratch)
    y = scratch.empty("y", (x.shape[3], *size, x.shape[0]), x.dtype)
    members = _members(padded, window, size)
    np.copyto(y, next(members))
    for member in members:
        y += member
    shares = _shares(x.shape[1:3], window, size).astype(x.dtype)
    y *= shares[:, :, None]
    return planes(y), AveragePoolState(shares, x.shape)


def _shares(image: tuple[int, ...], window: Geometry, size: Pair) -> Array:
    counts = []
    for axis in (0, 1):
        start = np.arange(size[axis]) * window.strides[axis] - window.padding[axis][0]
        end = np.minimum(start + window.kernel_size[axis], image[axis])
        counts.append(end - np.maximum(start, 0))
    return 1.0 / np.outer(counts[0], counts[1])


def average_pool_backward(
    dy: Array, state: AveragePoolState, window: Geometry, scratch: Scratch | None = None
) -> Array:
    """Share each gradient evenly among its window: dy (N, OH, OW, C) → dx (N, H, W, C)."""
    scratch = scratch or Fresh()
    n, h, w, c = state.shape
    (top, bottom), (left, right) = window.padding
    part = scratch.temporary("part", (c, *dy.shape[1:3], n), dy.dtype)
    np.multiply(planes(dy), state.shares[:, :, None], out=part)
    dpadded = scratch.empty("dpadded", (c, top + h + bottom, left + w + right, n), dy.dtype)
    dpadded.fill(0)
    overlaps = _overlaps(window)
    for target in _members(dpadded, window, (dy.shape[1], dy.shape[2])):
        if overlaps:
            np.add(target, part, out=target)
        else:
            np.copyto(target, part)
    return unpad(dpadded, window.padding)


@rule(MaxPool2D)
class MaxPoolRule(LayerRule[MaxPool2D, MaxPoolState]):
    """Max pooling of any window."""

    def __init__(self, layer: MaxPool2D, input_shape: Shape) -> None:
        super().__init__(layer, input_shape)
        self.window = Geometry.of(layer, input_shape)

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, MaxPoolState]:
        """(N, H, W, C) → (N, OH, OW, C)."""
        return max_pool_forward(x, self.window, context.scratch)

    def backward(self, context: LayerContext, state: MaxPoolState, dy: Array) -> tuple[Array]:
        """dy (N, OH, OW, C) → dx (N, H, W, C)."""
        return (max_pool_backward(dy, state, self.window, context.scratch),)


@rule(AveragePool2D)
class AveragePoolRule(LayerRule[AveragePool2D, AveragePoolState]):
    """Average pooling of any window."""

    output_overwritable = True

    def __init__(self, layer: AveragePool2D, input_shape: Shape) -> None:
        super().__init__(layer, input_shape)
        self.window = Geometry.of(layer, input_shape)

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, AveragePoolState]:
        """(N, H, W, C) → (N, OH, OW, C)."""
        return average_pool_forward(x, self.window, context.scratch)

    def backward(self, context: LayerContext, state: AveragePoolState, dy: Array) -> tuple[Array]:
        """dy (N, OH, OW, C) → dx (N, H, W, C)."""
        return (average_pool_backward(dy, state, self.window, context.scratch),)


@rule(GlobalAveragePool2D)
class GlobalAveragePoolRule(LayerRule[GlobalAveragePool2D, tuple[int, ...]]):
    """The mean of each whole map. The state is the shape of the planes, (C, H, W, N)."""

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, tuple[int, ...]]:
        """(N, H, W, C) → (N, C)."""
        maps = planes(x)
        return planes(_flat(maps).mean(axis=1)), maps.shape

    def backward(self, context: LayerContext, shape: tuple[int, ...], dy: Array) -> tuple[Array]:
        """dy (N, C) → dx (N, H, W, C)."""
        _, h, w, _ = shape
        return (planes(np.ascontiguousarray(np.broadcast_to((dy.T / (h * w))[:, None, None, :], shape))),)


@dataclass
class GlobalMaxState:
    """What the backward pass needs: the shape of the planes (C, H, W, N), and the largest pixel of each map (C, N)."""

    shape: tuple[int, ...]
    largest: Array


@rule(GlobalMaxPool2D)
class GlobalMaxPoolRule(LayerRule[GlobalMaxPool2D, GlobalMaxState]):
    """The largest number of each whole map."""

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, GlobalMaxState]:
        """(N, H, W, C) → (N, C)."""
        maps = planes(x)
        flat = _flat(maps)
        return planes(flat.max(axis=1)), GlobalMaxState(maps.shape, flat.argmax(axis=1))

    def backward(self, context: LayerContext, state: GlobalMaxState, dy: Array) -> tuple[Array]:
        """dy (N, C) → dx (N, H, W, C)."""
        c, h, w, n = state.shape
        dx = np.zeros((c, h * w, n), dy.dtype)
        np.put_along_axis(dx, state.largest[:, None], np.ascontiguousarray(dy.T)[:, None], axis=1)
        return (planes(dx.reshape(state.shape)),)


def _flat(maps: Array) -> Array:
    """Return planes (C, H, W, N) as (C, H·W, N)."""
    return maps.reshape(maps.shape[0], -1, maps.shape[3])


@dataclass
class SubsampleState:
    """What the backward pass needs: the mean of each window (N, OH, OW, C), and the state of average pooling."""

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
        """(N, H, W, C) → (N, OH, OW, C)."""
        mean, pooling = average_pool_forward(x, self.window, context.scratch)
        coefficient, bias = (context.weights[name][:, None, None, None] for name in ("coefficient", "bias"))
        return planes(planes(mean) * coefficient + bias), SubsampleState(mean, pooling)

    def backward(self, context: LayerContext, state: SubsampleState, dy: Array) -> tuple[Array]:
        """dy (N, OH, OW, C) → dx (N, H, W, C)."""
        context.gradients["coefficient"][...] = planes(dy * state.mean).sum(axis=(1, 2, 3))
        context.gradients["bias"][...] = planes(dy).sum(axis=(1, 2, 3))
        scaled = planes(planes(dy) * context.weights["coefficient"][:, None, None, None])
        return (average_pool_backward(scaled, state.pooling, self.window, context.scratch),)
