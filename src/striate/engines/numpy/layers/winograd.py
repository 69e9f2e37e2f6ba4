"""3×3 convolution with up to 4 times fewer multiplications: Winograd's minimal filtering F(m×m, 3×3), m = 2 or 4.

Each tile d of (m + 2)² input pixels gives m × m outputs, Y = Aᵀ[(G k Gᵀ) ⊙ (Bᵀ d B)]A; tiles overlap by 2, so
`im2col` with a window of m + 2 and a stride of m extracts them. Summed over input channels, each of the (m + 2)²
products ⊙ is one matrix product over all tiles. The transforms are matrix products too: a Kronecker product combines
both axes.
Source: Lavin and Gray 2016, "Fast algorithms for convolutional neural networks", sections 4.1 to 4.3.

Axes: P = (m + 2)² positions in an input tile, Q = m² positions in an output tile, T = TH·TW·N tiles of all images.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from striate._types import Array
from striate.engines.arrays import row_slices
from striate.engines.numpy.memory import Scratch, UncachedScratch, contiguous, into_tiles, out_of_tiles, planes
from striate.engines.numpy.rules import LayerContext, LayerRule
from striate.engines.numpy.windows import Band, Geometry, add_taps, crop, gather_columns, pad, zero_image
from striate.network import Conv2D, IntPair

# Number of values of transformed input and output that are used at once, so that they stay in the cache.
BAND_NUMBERS = 1 << 18

_BT: dict[int, Any] = {
    2: [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
    4: [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
}
_G: dict[int, Any] = {
    2: [[1, 0, 0], [1 / 2, 1 / 2, 1 / 2], [1 / 2, -1 / 2, 1 / 2], [0, 0, 1]],
    4: [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ],
}
_AT: dict[int, Any] = {
    2: [[1, 1, 1, 0], [0, 1, -1, -1]],
    4: [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
}


@dataclass(frozen=True)
class Tiles:
    """Output tiles of m × m over an image.

    Attributes:
        m: 2 or 4.
        input: (H, W) of the image.
        output: (OH, OW).
        start: Padding at top and left.
        cells: Whether the outputs are ordered by their position in 2×2 pooling cells.
    """

    m: int
    input: IntPair
    output: IntPair
    start: IntPair
    cells: bool = False

    @property
    def grid(self) -> IntPair:
        """Number of tiles, (TH, TW)."""
        return -(-self.output[0] // self.m), -(-self.output[1] // self.m)

    @property
    def window(self) -> Geometry:
        """The window that extracts the tiles; negative padding crops pixels outside all tiles."""
        ends = (
            tiles * self.m + 2 - start - size
            for tiles, start, size in zip(self.grid, self.start, self.input, strict=True)
        )
        bottom, right = ends
        padding = ((self.start[0], bottom), (self.start[1], right))
        return Geometry((self.m + 2, self.m + 2), (self.m, self.m), padding)


@dataclass(frozen=True)
class Matrices:
    """The transforms along both axes at once: b (P, P), g (P, 9), a (Q, P)."""

    b: Array
    g: Array
    a: Array


@cache
def matrices(m: int, cells: bool, dtype: Any) -> Matrices:
    """Return the transforms for tiles of m × m outputs.

    Args:
        m: Height and width of the outputs of a tile.
        cells: Whether outputs are ordered (i % 2, j % 2, i // 2, j // 2) instead of (i, j).
        dtype: The dtype.

    Returns:
        The transforms.
    """
    b, g, a = (np.kron(x[m], x[m]).astype(dtype) for x in (_BT, _G, _AT))
    if cells:
        positions = np.arange(m * m).reshape(m // 2, 2, m // 2, 2).transpose(1, 3, 0, 2)
        a = np.ascontiguousarray(a[positions.ravel()])
    return Matrices(b, g, a)


@dataclass
class WinogradState:
    """The state of a Winograd convolution.

    Attributes:
        bands: Ranges of tile rows.
        tiles: For each band, the transformed input (P, C, T).
        kernel: The transformed kernel (P, C, O).
    """

    bands: list[slice]
    tiles: list[Array]
    kernel: Array


def _bands(tiles: Tiles, numbers_per_row: int) -> list[slice]:
    """Return ranges of tile rows whose transforms fit in the cache."""
    step = max(1, BAND_NUMBERS // numbers_per_row)
    return row_slices(tiles.grid[0], step)


def winograd_forward(
    x: Array, kernel: Array, tiles: Tiles, scratch: Scratch | None = None
) -> tuple[Array, WinogradState]:
    """Convolve images with a kernel.

    Args:
        x: (N, H, W, C).
        kernel: (3, 3, C, O).
        tiles: The tiles of the output.
        scratch: Provides the memory; None allocates it.

    Returns:
        y (O, Q, T), and the state for the backward pass.
    """
    scratch = scratch or UncachedScratch()
    transforms = matrices(tiles.m, tiles.cells, x.dtype)
    n, (c, o), (th, tw), p = x.shape[0], kernel.shape[2:], tiles.grid, (tiles.m + 2) ** 2
    u: Array = (transforms.g @ kernel.reshape(9, c * o)).reshape(p, c, o)
    padded = pad(planes(x), tiles.window.padding, scratch)
    y = scratch.empty("y", (o, tiles.m**2, th * tw * n), x.dtype)
    bands = _bands(tiles, p * (c + o) * tw * n)
    transformed = []
    for rows in bands:
        columns = gather_columns(padded, tiles.window, Band((0, 0), rows), tw, scratch, "columns").reshape(
            p, -1
        )  # (P, C·T)
        v = scratch.empty(("tiles", rows.start), columns.shape, x.dtype)
        np.matmul(transforms.b, columns, out=v)
        transformed.append(v.reshape(p, c, -1))
        products = scratch.temporary("products", (p, o, transformed[-1].shape[2]), x.dtype)
        np.matmul(u.transpose(0, 2, 1), transformed[-1], out=products)
        np.matmul(transforms.a, products.transpose(1, 0, 2), out=y[:, :, rows.start * tw * n : rows.stop * tw * n])
    return y, WinogradState(bands, transformed, u)


def winograd_backward(
    dy: Array,
    state: WinogradState,
    dkernel: Array,
    tiles: Tiles,
    *,
    needs_dx: bool = True,
    scratch: Scratch | None = None,
) -> Array | None:
    """Compute the gradients of the convolution.

    Args:
        dy: (O, Q, T), 0 outside the output.
        state: From `winograd_forward`.
        dkernel: (3, 3, C, O), to which the gradient of the kernel is written.
        tiles: The tiles of the output.
        needs_dx: Whether to compute dx.
        scratch: Provides the memory; None allocates it.

    Returns:
        dx (N, H, W, C), or None.
    """
    scratch = scratch or UncachedScratch()
    transforms = matrices(tiles.m, tiles.cells, dy.dtype)
    p, c, o = state.kernel.shape
    th, tw = tiles.grid
    n = dy.shape[2] // (th * tw)
    du = np.zeros((p, o, c), dy.dtype)
    image = zero_image((c, *tiles.input, n), tiles.window.padding, dy.dtype, scratch)
    for rows, v in zip(state.bands, state.tiles, strict=True):
        part = dy[:, :, rows.start * tw * n : rows.stop * tw * n]
        dproducts = scratch.temporary("products", (p, o, part.shape[2]), dy.dtype)
        np.matmul(transforms.a.T, part, out=dproducts.transpose(1, 0, 2))
        transposed = scratch.temporary(
            "transposed", (p, v.shape[2], c), dy.dtype
        )  # BLAS is faster on the copy than on v.T
        np.copyto(transposed, v.transpose(0, 2, 1))
        du += np.matmul(dproducts, transposed)
        if not needs_dx:
            continue
        dv = scratch.temporary("dv", v.shape, dy.dtype)
        np.matmul(state.kernel, dproducts, out=dv)
        taps = scratch.temporary("taps", (tiles.m + 2, tiles.m + 2, c, rows.stop - rows.start, tw, n), dy.dtype)
        np.matmul(transforms.b.T, dv.reshape(p, -1), out=taps.reshape(p, -1))
        add_taps(image, taps, tiles.window, rows.start)
    np.matmul(transforms.g.T, du.transpose(0, 2, 1).reshape(p, c * o), out=dkernel.reshape(9, c * o))
    return crop(image, *tiles.input, tiles.window.padding) if needs_dx else None


class WinogradRule(LayerRule[Conv2D, WinogradState]):
    """3×3 convolution of stride 1 with Winograd's algorithm, without the bias.

    With cells the output keeps the order of the tiles and consists of complete tiles.
    """

    variables = ("kernel",)
    output_overwritable = True

    def __init__(self, layer: Conv2D, tiles: Tiles) -> None:
        super().__init__(layer)
        self.tiles = tiles

    def forward(self, context: LayerContext, x: Array) -> tuple[Array, WinogradState]:
        """Return y and the state: (N, H, W, C) → (N, OH, OW, O)."""
        y, state = winograd_forward(x, context.weights["kernel"], self.tiles, context.scratch)
        m, (th, tw), o, n = self.tiles.m, self.tiles.grid, y.shape[0], x.shape[0]
        if self.tiles.cells:
            return planes(y.reshape(o, th * m, tw * m, n)), state
        return planes(out_of_tiles(y.reshape(o, m, m, th, tw, n), self.tiles.output, context.scratch)), state

    def backward(self, context: LayerContext, state: WinogradState, dy: Array) -> tuple[Array | None]:
        """Return dx (N, H, W, C), from dy in the shape of the output."""
        dx = winograd_backward(
            self._in_tiles(context, planes(dy)),
            state,
            context.gradients["kernel"],
            self.tiles,
            needs_dx=context.needs_dx[0],
            scratch=context.scratch,
        )
        return (dx,)

    def _in_tiles(self, context: LayerContext, gradient: Array) -> Array:
        """Reorder (O, OH, OW, N) to (O, m², TH·TW·N), with 0 outside the output."""
        m, o = self.tiles.m, gradient.shape[0]
        if self.tiles.cells:
            return contiguous(gradient, context.scratch, "dy").reshape(o, m * m, -1)
        return into_tiles(gradient, (m, m), self.tiles.grid, context.scratch).reshape(o, m * m, -1)
