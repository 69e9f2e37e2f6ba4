"""Convolution with im2col, its bias, and the choice of the algorithm.

Arrays have the shape (N, H, W, C) and are planes in memory (see `memory`).
Source: Chellapilla, Puri, Simard 2006, "High performance convolutional neural networks for document processing".
"""

from dataclasses import dataclass

import numpy as np

from striate._types import Array
from striate.engines.arrays import row_slices
from striate.engines.initialization import connection_mask
from striate.engines.numpy.layers.position_convolution import (
    MIN_IMAGES,
    convolve_by_position,
    input_gradient_by_position,
    kernel_gradient_by_position,
    suits_positions,
)
from striate.engines.numpy.layers.winograd import Tiles, WinogradRule
from striate.engines.numpy.memory import Scratch, UncachedScratch, contiguous, out_of_tiles, planes
from striate.engines.numpy.products import multiply_rows, sum_over_rows
from striate.engines.numpy.rules import LayerContext, LayerRule, rule
from striate.engines.numpy.windows import Band, Geometry, col2im, gather_columns, pad
from striate.network import Conv2D, IntPair, Shape

# Columns are computed and used in bands of about this many bytes, so that they stay in the cache.
BAND_BYTES = 1 << 20

# Minimum number of input channels for which Winograd's transforms cost less than the multiplications that they save.
WINOGRAD_CHANNELS = 8


@dataclass
class ConvolutionState:
    """The state of a convolution.

    Attributes:
        padded: The padded input, planes (C, H, W, N).
        bands: The bands in which the output was computed.
        size: (OH, OW).
        input_shape: (N, H, W, C).
        by_position: Whether the output was computed by position, as its gradients will be, or by im2col.
    """

    padded: Array
    bands: list[Band]
    size: IntPair
    input_shape: tuple[int, ...]
    by_position: bool = False

    def in_bands(self, maps: Array, cell: IntPair) -> Array:
        """Reshape planes (O, OH, OW, N) that are ordered by cells to (O, PY, PX, OH / PY, OW / PX · N)."""
        o, n = maps.shape[0], maps.shape[3]
        return maps.reshape(o, *cell, self.size[0] // cell[0], self.size[1] // cell[1] * n)


def _bands(window: Geometry, rows: int, bytes_per_row: int) -> list[Band]:
    """Return all positions in bands whose columns fit in BAND_BYTES. rows: OH in cells."""
    step = max(1, BAND_BYTES // bytes_per_row)
    positions = [(y, x) for y in range(window.cell[0]) for x in range(window.cell[1])]
    return [Band(position, range_) for position in positions for range_ in row_slices(rows, step)]


def conv2d_forward(
    x: Array,
    kernel: Array,
    bias: Array | None,
    window: Geometry,
    groups: int = 1,
    scratch: Scratch | None = None,
    *,
    by_position: bool = False,
) -> tuple[Array, ConvolutionState]:
    """Convolve: y[n, i, j, o] = b[o] + Σ x[n, i·S + ky·D, j·S + kx·D, c] · k[ky, kx, c, o].

    Args:
        x: (N, H, W, C).
        kernel: (KH, KW, C / groups, O).
        bias: (O,), or None.
        window: The window of the kernel.
        groups: Number of groups; the filters of a group use only the channels of their group.
        scratch: Provides the memory; None allocates it.
        by_position: Whether to compute one product for each position, which needs stride, dilation and groups 1,
            instead of im2col.

    Returns:
        y (N, OH, OW, O), ordered by cells if the window has cells, and the state for `conv2d_backward`.
    """
    scratch = scratch or UncachedScratch()
    kh, kw, c, o = kernel.shape
    oh, ow = window.output_size(x.shape[1], x.shape[2])
    (py, px), n, og = window.cell, x.shape[0], o // groups
    padded = pad(planes(x), window.padding, scratch)
    bands = _bands(window, oh // py, kh * kw * c * ow // px * n * x.itemsize)
    state = ConvolutionState(padded, bands, (oh, ow), x.shape, by_position)
    y = scratch.empty("y", (o, oh, ow, n), x.dtype)
    cells = state.in_bands(y, window.cell)
    if by_position:
        convolve_by_position(padded, kernel, window, y, scratch)
    for g in range(0 if by_position else groups):
        matrix = kernel.reshape(kh * kw * c, o)[:, g * og : (g + 1) * og]  # (K, O of the group)
        for band in state.bands:
            out = cells[g * og : (g + 1) * og, *band.position, band.rows]
            columns = gather_columns(padded[g * c : (g + 1) * c], window, band, ow // px, scratch, "columns")
            multiply_rows(matrix.T, columns.reshape(-1, *out.shape[1:]), out)
    if bias is not None:
        y += bias[:, None, None, None]
    return planes(y), state


def conv2d_backward(
    dy: Array, state: ConvolutionState, kernel: Array, window: Geometry, groups: int = 1
) -> tuple[Array, Array, Array]:
    """Compute the gradients of a convolution.

    Args:
        dy: (N, OH, OW, O), in the order of the forward pass.
        state: The state returned by `conv2d_forward`.
        kernel: (KH, KW, C / groups, O).
        window: The window of the kernel.
        groups: As in the forward pass.

    Returns:
        dx (N, H, W, C), dkernel (KH, KW, C / groups, O) and dbias (O,).
    """
    dkernel = np.empty(kernel.shape, kernel.dtype)
    dx = _gradients(dy, state, kernel, window, groups, dkernel=dkernel, needs_dx=True, scratch=UncachedScratch())
    assert dx is not None
    return dx, dkernel, planes(dy).sum(axis=(1, 2, 3))


def _gradients(
    dy: Array,
    state: ConvolutionState,
    kernel: Array,
    window: Geometry,
    groups: int,
    *,
    dkernel: Array,
    needs_dx: bool,
    scratch: Scratch,
) -> Array | None:
    """Write dkernel and return dx (N, H, W, C), or None if it is not needed; otherwise as `conv2d_backward`."""
    kh, kw, c, o = kernel.shape
    (oh, ow), n, og = state.size, dy.shape[0], o // groups
    gradient = contiguous(planes(dy), scratch, "dy")
    if state.by_position:
        kernel_gradient_by_position(gradient, state.padded, dkernel, window, state.size, scratch)
        if not needs_dx:
            return None
        return input_gradient_by_position(gradient, kernel, window, state.size, state.input_shape, scratch)
    dmatrix, matrix = dkernel.reshape(-1, o), kernel.reshape(-1, o)
    cells, parts = state.in_bands(gradient, window.cell), []
    for g in range(groups):
        maps, maps_out = slice(g * c, (g + 1) * c), slice(g * og, (g + 1) * og)
        total: Array = np.zeros((kh * kw * c, og), dy.dtype)
        for band in state.bands:
            block = cells[maps_out, *band.position, band.rows]  # (O, rows, positions·N)
            columns = gather_columns(state.padded[maps], window, band, ow // window.cell[1], scratch, "columns")
            total += sum_over_rows(columns.reshape(-1, *block.shape[1:]), block)
        dmatrix[:, maps_out] = total
    if not needs_dx:
        return None
    ordered = _from_cell_order(gradient, window.cell, scratch)
    shape = (*state.input_shape[:3], c)
    for g in range(groups):
        block = ordered[g * og : (g + 1) * og].reshape(og, -1)
        dcolumns = scratch.temporary("dcolumns", (kh * kw * c, oh * ow * n), dy.dtype)
        np.matmul(matrix[:, g * og : (g + 1) * og], block, out=dcolumns)
        parts.append(col2im(dcolumns, shape, window, scratch if groups == 1 else None))
    return parts[0] if groups == 1 else np.concatenate(parts, axis=3)


def _from_cell_order(maps: Array, cell: IntPair, scratch: Scratch) -> Array:
    """Reorder planes (O, OH, OW, N) from cell order to row by row."""
    if cell == (1, 1):
        return maps
    o, oh, ow, n = maps.shape
    tiles = maps.reshape(o, *cell, oh // cell[0], ow // cell[1], n)
    return out_of_tiles(tiles, (oh, ow), scratch)


class ConvolutionRule(LayerRule[Conv2D, ConvolutionState]):
    """Convolution by im2col, or by position for few filters and many images; without the bias."""

    variables = ("kernel",)
    output_overwritable = True

    def __init__(self, layer: Conv2D, input_shape: Shape, window: Geometry) -> None:
        super().__init__(layer, input_shape)
        self.window = window
        self.mask = connection_mask(layer.connections, input_shape[2]) if layer.connections else None
        self.suits_positions = suits_positions(layer, window, input_shape[2])

    def _kernel(self, context: LayerContext) -> Array:
        kernel = context.weights["kernel"]
        return kernel if self.mask is None else kernel * self.mask

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, ConvolutionState]:
        """Return y and the state: (N, H, W, C) → (N, OH, OW, O)."""
        by_position = self.suits_positions and x.shape[0] >= MIN_IMAGES
        kernel, scratch = self._kernel(context), context.scratch
        return conv2d_forward(x, kernel, None, self.window, self.layer.groups, scratch, by_position=by_position)

    def backward(self, context: LayerContext, state: ConvolutionState, dy: Array) -> tuple[Array | None]:
        """Return dx (N, H, W, C), from dy (N, OH, OW, O)."""
        dkernel = context.gradients["kernel"]
        dx = _gradients(
            dy,
            state,
            self._kernel(context),
            self.window,
            self.layer.groups,
            dkernel=dkernel,
            needs_dx=context.needs_dx[0],
            scratch=context.scratch,
        )
        if self.mask is not None:
            dkernel *= self.mask
        return (dx,)


class BiasRule(LayerRule[Conv2D, None]):
    """The bias of a convolution, which may be added after a max pooling instead of before."""

    variables = ("bias",)
    output_overwritable = True

    def __init__(self, layer: Conv2D, *, in_place: bool) -> None:
        super().__init__(layer)
        self.in_place = in_place

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, None]:
        """Return y and the state; x and y are (N, H, W, O)."""
        maps = planes(x)
        out = maps if self.in_place else context.scratch.empty("y", maps.shape, x.dtype)
        return planes(np.add(maps, context.weights["bias"][:, None, None, None], out=out)), None

    def backward(self, context: LayerContext, state: None, dy: Array) -> tuple[Array]:
        """Return dx = dy, dbias = Σ dy."""
        context.gradients["bias"][...] = planes(dy).sum(axis=(1, 2, 3))
        return (dy,)


@rule(Conv2D)
def convolution(layer: Conv2D, input_shape: Shape) -> ConvolutionRule | WinogradRule:
    """Return the rule that is likely to be faster; the planner adds the bias."""
    window = Geometry.of(layer, input_shape)
    if not suits_winograd(layer, input_shape):
        return ConvolutionRule(layer, input_shape, window)
    size = window.output_size(input_shape[0], input_shape[1])
    m = tile_size(size, input_shape[2], layer.filters)
    return WinogradRule(layer, Tiles(m, (input_shape[0], input_shape[1]), size, _start(window)))


def convolution_in_cells(
    layer: Conv2D, input_shape: Shape, cell: IntPair, pooled: IntPair, m: int
) -> ConvolutionRule | WinogradRule:
    """Return a rule whose output is ordered by the cells of the max pooling that follows.

    Args:
        layer: The convolution.
        input_shape: (H, W, C).
        cell: Window of the pooling, (PY, PX).
        pooled: Output size of the pooling, (PH, PW).
        m: Winograd tile size; 0 for im2col.

    Returns:
        The rule; it computes complete cells, even if they extend beyond the convolution's output.
    """
    window, image = Geometry.of(layer, input_shape), (input_shape[0], input_shape[1])
    required = (pooled[0] * cell[0], pooled[1] * cell[1])
    if m:
        return WinogradRule(layer, Tiles(m, image, required, _start(window), cells=True))
    size, ((top, bottom), (left, right)) = window.output_size(*image), window.padding
    extra = [max(r - s, 0) * stride for r, s, stride in zip(required, size, window.strides, strict=True)]
    padding = ((top, bottom + extra[0]), (left, right + extra[1]))
    return ConvolutionRule(
        layer, input_shape, Geometry(window.kernel_size, window.strides, padding, window.dilation, cell)
    )


def _start(window: Geometry) -> IntPair:
    (top, _), (left, _) = window.padding
    return top, left


def tile_size(output: IntPair, channels: int, filters: int) -> int:
    """Return the cheaper Winograd tile size m for an output of this size.

    Large tiles save multiplications, small tiles save transforms. A tile costs P · (3·C·O + 3.5·P·C + 4·Q·O): the
    products of the forward and backward pass, and the transforms of input and output, whose small matrix products run
    at about half the speed.

    Args:
        output: (OH, OW).
        channels: C.
        filters: O.

    Returns:
        2 or 4.
    """

    def cost(m: int) -> float:
        p, q = (m + 2) ** 2, m * m
        tiles = -(-output[0] // m) * -(-output[1] // m)
        return tiles * p * (3 * channels * filters + 3.5 * p * channels + 4 * q * filters)

    return min((4, 2), key=cost)


def suits_winograd(layer: Conv2D, input_shape: Shape) -> bool:
    """Decide whether Winograd's algorithm can compute a convolution and is likely to be faster.

    Args:
        layer: The convolution.
        input_shape: (H, W, C) of its input.

    Returns:
        Whether to use it.
    """
    window = Geometry.of(layer, input_shape)
    is_supported = window.kernel_size == (3, 3) and window.strides == window.dilation == (1, 1)
    is_faster = input_shape[2] >= WINOGRAD_CHANNELS
    return is_supported and layer.groups == 1 and not layer.connections and is_faster and min(_start(window)) >= 0
