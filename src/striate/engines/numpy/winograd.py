"""3×3 convolution with 2.25 times fewer multiplications: Winograd's minimal filtering F(2×2, 3×3).

Each 4×4 tile d of the input (tiles overlap by 2) gives a 2×2 tile of the output, Y = Aᵀ[(G k Gᵀ) ⊙ (Bᵀ d B)]A.
Summed over input channels, each of the 16 products ⊙ is one matrix product over all tiles. The input's transform is
additions of whole contiguous blocks, the output's one small matrix product for each map: so it is fastest in NumPy.
The 2×2 output tiles come out as the members of a 2×2 pooling window.
Source: Lavin and Gray 2016, "Fast algorithms for convolutional neural networks", section 4.1.

Tiles lie in memory as (4, 4, C, TH, TW, N): place in the tile, channel, tile row and column, image.
"""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from striate.engines.numpy.memory import Array, Fresh, Scratch, planes

# How many numbers of transformed input and output are in flight at a time.
BAND_NUMBERS = 1 << 18

G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
# Aᵀ along both axes at once: (4 places in the output tile, 16 places in the input tile).
A = np.kron([[1, 1, 1, 0], [0, 1, -1, -1]], [[1, 1, 1, 0], [0, 1, -1, -1]])


@dataclass(frozen=True)
class Tiles:
    """Output tiles of 2×2 over an image: (H, W) of the input, (OH, OW) of the output, and the padding at the start."""

    height: int
    width: int
    output: tuple[int, int]
    start: tuple[int, int]

    @property
    def rows(self) -> int:
        """How many rows of tiles."""
        return -(-self.output[0] // 2)

    @property
    def columns(self) -> int:
        """How many columns of tiles."""
        return -(-self.output[1] // 2)


def _input_transform(d: list[Array], out: list[Array]) -> None:
    """Bᵀ along one axis: d0 − d2, d1 + d2, d2 − d1, d1 − d3."""
    np.subtract(d[0], d[2], out=out[0])
    np.add(d[1], d[2], out=out[1])
    np.subtract(d[2], d[1], out=out[2])
    np.subtract(d[1], d[3], out=out[3])


def kernel_transform(kernel: Array) -> Array:
    """G k Gᵀ: (3, 3, C, O) → (16, C, O)."""
    g = G.astype(kernel.dtype)
    c, o = kernel.shape[2:]
    rows = g @ kernel.reshape(3, -1)  # (4, 3·C·O)
    both: Array = np.matmul(g, rows.reshape(4, 3, c * o))  # (4, 4, C·O)
    return both.reshape(16, c, o)


def kernel_transpose(dtiles: Array, out: Array) -> None:
    """Gᵀ d G, the transpose of `kernel_transform`: (16, C, O) → out (3, 3, C, O)."""
    g = G.astype(dtiles.dtype)
    c, o = dtiles.shape[1:]
    columns = np.matmul(g.T, dtiles.reshape(4, 4, c * o))  # (4, 3, C·O)
    np.matmul(g.T, columns.reshape(4, -1), out=out.reshape(3, -1))


def input_tiles(padded: Array, rows: slice, scratch: Scratch, key: Hashable) -> Array:
    """Bᵀ d B of some rows of tiles: padded (C, 2, TH + 1, 2, TW + 1, N) → (16, C, rows·TW·N)."""
    c, _, _, _, width, n = padded.shape
    th, tw, dtype = rows.stop - rows.start, width - 1, padded.dtype
    half = scratch.temporary("rows", (4, c, th, 2, width, n), dtype)
    even, odd = padded[:, 0], padded[:, 1]
    after = slice(rows.start + 1, rows.stop + 1)
    _input_transform([even[:, rows], odd[:, rows], even[:, after], odd[:, after]], list(half))
    out = scratch.empty(key, (4, 4, c, th, tw, n), dtype)
    even, odd = half[:, :, :, 0], half[:, :, :, 1]
    parts = [even[..., :-1, :], odd[..., :-1, :], even[..., 1:, :], odd[..., 1:, :]]
    _input_transform(parts, [out[:, i] for i in range(4)])
    return out.reshape(16, c, th * tw * n)


def _scatter(x: Array, padded: Array, top: int, left: int) -> None:
    """Copy planes (C, H, W, N) into a zero border at (top, left), rows and columns apart by parity."""
    _, h, w, _ = x.shape
    bottom, right = 2 * padded.shape[2] - top - h, 2 * padded.shape[4] - left - w
    if top or left or bottom > 0 or right > 0:
        padded.fill(0)
    for py in (0, 1):
        for px in (0, 1):
            source = x[:, (py - top) % 2 :: 2, (px - left) % 2 :: 2]
            y, z = (top + 1 - py) // 2, (left + 1 - px) // 2
            rows = min(source.shape[1], padded.shape[2] - y)
            columns = min(source.shape[2], padded.shape[4] - z)
            padded[:, py, y : y + rows, px, z : z + columns] = source[:, :rows, :columns]


def output_cells(products: Array, out: Array) -> None:
    """Aᵀ m A of some tiles: (16, O, T) → out (O, 4, T), ordered by cell."""
    np.matmul(A.astype(out.dtype), products.transpose(1, 0, 2), out=out)


def output_transpose(dy: Array, scratch: Scratch) -> Array:
    """A dy Aᵀ, the transpose of `output_cells`: (O, 4, T) → (16, O, T)."""
    o, _, t = dy.shape
    out = scratch.temporary("dproducts", (16, o, t), dy.dtype)
    np.matmul(A.T.astype(dy.dtype), dy, out=out.transpose(1, 0, 2))
    return out


@dataclass
class Saved:
    """What the backward pass needs: the transformed input by band of tile rows, and the transformed kernel."""

    bands: list[slice]
    tiles: list[Array]
    kernel: Array
    plan: Tiles


def _bands(tiles: Tiles, numbers_per_row: int) -> list[slice]:
    """Tile rows in bands whose transforms fit in the cache."""
    step = max(1, BAND_NUMBERS // numbers_per_row)
    return [slice(start, min(start + step, tiles.rows)) for start in range(0, tiles.rows, step)]


def forward(
    x: Array, kernel: Array, bias: Array | None, tiles: Tiles, scratch: Scratch | None = None
) -> tuple[Array, Saved]:
    """Convolve. x: (N, H, W, C); kernel: (3, 3, C, O). Returns y (O, 2, 2, TH, TW, N) in cells, and `Saved`."""
    scratch = scratch or Fresh()
    n, (c, o), (th, tw) = x.shape[0], kernel.shape[2:], (tiles.rows, tiles.columns)
    u = kernel_transform(kernel)
    padded = scratch.temporary("padded", (c, 2, th + 1, 2, tw + 1, n), x.dtype)  # rows and columns by parity
    _scatter(planes(x), padded, *tiles.start)
    y = scratch.empty("y", (o, 4, th * tw * n), x.dtype)
    bands = _bands(tiles, 16 * (c + o) * tw * n)
    kept = []
    for rows in bands:
        kept.append(input_tiles(padded, rows, scratch, ("tiles", rows.start)))
        products = scratch.temporary("products", (16, o, kept[-1].shape[2]), x.dtype)
        np.matmul(u.transpose(0, 2, 1), kept[-1], out=products)
        output_cells(products, y[:, :, rows.start * tw * n : rows.stop * tw * n])
    if bias is not None:
        y += bias[:, None, None]
    return y.reshape(o, 2, 2, th, tw, n), Saved(bands, kept, u, tiles)


def backward(
    dy: Array, saved: Saved, dkernel: Array, *, need_dx: bool = True, scratch: Scratch | None = None
) -> tuple[Array | None, Array]:
    """dy: (O, 2, 2, TH, TW, N) in cells. Writes dkernel (3, 3, C, O); returns dx (N, H, W, C) or None, and dbias."""
    scratch = scratch or Fresh()
    plan, (_, c, o), n = saved.plan, saved.kernel.shape, dy.shape[-1]
    padded = scratch.temporary("padded", (c, 2, plan.rows + 1, 2, plan.columns + 1, n), dy.dtype)
    padded.fill(0)
    total = np.zeros((16, o, c), dy.dtype)
    cells, row = dy.reshape(o, 4, -1), plan.columns * n
    for rows, tiles in zip(saved.bands, saved.tiles, strict=True):
        dproducts = output_transpose(cells[:, :, rows.start * row : rows.stop * row], scratch)
        total += np.matmul(dproducts, tiles.transpose(0, 2, 1))
        if not need_dx:
            continue
        dtiles = scratch.temporary("products", tiles.shape, dy.dtype)
        np.matmul(saved.kernel, dproducts, out=dtiles)
        _input_transpose(dtiles, padded, rows, scratch)
    kernel_transpose(total.transpose(0, 2, 1), dkernel)
    dbias = dy.reshape(o, -1).sum(axis=1)
    if not need_dx:
        return None, dbias
    dx = scratch.empty("dx", (c, plan.height, plan.width, n), dy.dtype)
    _gather(padded, dx, *plan.start)
    return planes(dx), dbias


def _input_transpose(dtiles: Array, padded: Array, rows: slice, scratch: Scratch) -> None:
    """The transpose of `input_tiles`: adds (16, C, rows·TW·N) to padded (C, 2, TH + 1, 2, TW + 1, N)."""
    c, _, _, _, width, n = padded.shape
    th = rows.stop - rows.start
    out = dtiles.reshape(4, 4, c, th, width - 1, n)
    half = scratch.temporary("rows", (4, c, th, 2, width, n), dtiles.dtype)
    half[..., -1, :] = 0
    even, odd = half[:, :, :, 0], half[:, :, :, 1]
    v = [out[:, i] for i in range(4)]
    np.copyto(even[..., :-1, :], v[0])
    np.subtract(v[1], v[2], out=odd[..., :-1, :])
    _overlap_add(v, even[..., 1:, :], odd[..., :-1, :], odd[..., 1:, :])
    v = list(half)
    here, after = slice(rows.start, rows.stop), slice(rows.start + 1, rows.stop + 1)
    even, odd = padded[:, 0], padded[:, 1]
    even[:, here] += v[0]
    odd[:, here] += v[1]
    odd[:, here] -= v[2]
    _overlap_add(v, even[:, after], odd[:, here], odd[:, after])


def _overlap_add(v: list[Array], even_after: Array, odd: Array, odd_after: Array) -> None:
    """The rest of B along one axis: a tile adds v3 to its odd place, v1 + v2 − v0 and −v3 to the places after it."""
    odd += v[3]
    even_after += v[1]
    even_after += v[2]
    even_after -= v[0]
    odd_after -= v[3]


def _gather(padded: Array, x: Array, top: int, left: int) -> None:
    """The transpose of `_scatter`: planes (C, H, W, N) out of the rows and columns by parity."""
    _, h, w, _ = x.shape
    if 2 * padded.shape[2] < top + h or 2 * padded.shape[4] < left + w:
        x.fill(0)  # rows or columns that no tile reaches
    for py in (0, 1):
        for px in (0, 1):
            target = x[:, (py - top) % 2 :: 2, (px - left) % 2 :: 2]
            y, z = (top + 1 - py) // 2, (left + 1 - px) // 2
            source = padded[:, py, y : y + target.shape[1], px, z : z + target.shape[2]]
            target[:, : source.shape[1], : source.shape[2]] = source
