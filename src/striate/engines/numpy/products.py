"""Products of small matrices with long rows, in pieces that BLAS computes faster than the whole.

For convolutions with few channels and filters, one matrix has few rows and columns, and the other is very long.
OpenBLAS copies the matrices into blocks first, unless a product has at most SMALL multiplications: then it reads them
directly, which is up to three times as fast for such shapes.
"""

import numpy as np

from striate._types import Array

SMALL = 1_000_000


def _piece(rows: int, multiplications: int) -> int:
    """Return how many rows to multiply at once: the most that divide `rows` and stay small, or all.

    Args:
        rows: The number of rows of positions.
        multiplications: Those of one row.

    Returns:
        The number of rows of a piece.
    """
    fitting = [size for size in range(1, rows + 1) if rows % size == 0 and size * multiplications <= SMALL]
    return max(fitting, default=rows)


def _in_pieces(matrix: Array, size: int) -> Array:
    """Return the view (rows / size, M, size·L) of (M, rows, L), whose rows are contiguous."""
    m, rows, length = matrix.shape
    return matrix.reshape(m, rows // size, size * length).transpose(1, 0, 2)


def multiply_rows(matrix: Array, columns: Array, out: Array) -> None:
    """Write matrix · columns to `out`.

    Args:
        matrix: (M, K).
        columns: (K, rows, L).
        out: (M, rows, L).
    """
    size = _piece(columns.shape[1], matrix.size * columns.shape[2])
    np.matmul(matrix, _in_pieces(columns, size), out=_in_pieces(out, size))


def sum_over_rows(columns: Array, block: Array) -> Array:
    """Return columns · blockᵀ, summed over all rows.

    Args:
        columns: (K, rows, L).
        block: (O, rows, L).

    Returns:
        (K, O).
    """
    size = _piece(columns.shape[1], len(columns) * len(block) * columns.shape[2])
    total: Array = np.matmul(_in_pieces(columns, size), _in_pieces(block, size).swapaxes(1, 2)).sum(axis=0)
    return total
