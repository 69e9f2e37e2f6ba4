"""Places of the boxes of a graph: ranks by the longest path, and columns with few crossings.

Source: Sugiyama, Tagawa, Toda 1981, "Methods for visual understanding of hierarchical system structures".
"""

from collections.abc import Sequence
from itertools import pairwise

Point = tuple[int, float]
"""(rank, column)."""
SWEEPS = 8


def layout(count: int, edges: Sequence[tuple[int, int]]) -> tuple[list[Point], list[tuple[Point, ...]]]:
    """Place boxes so that every edge leads to a higher rank, and passes beside the boxes of the ranks between.

    Args:
        count: The number of boxes, numbered in topological order.
        edges: Pairs (source, target) with source < target.

    Returns:
        The place of each box, and for each edge the places that it passes between its ends, one for each rank.

    Example:
        >>> layout(3, [(0, 1), (1, 2), (0, 2)])
        ([(0, 0.0), (1, -0.5), (2, 0.0)], [(), (), ((1, 0.5),)])
    """
    ranks = [0] * count
    for source, target in sorted(edges, key=lambda edge: edge[1]):
        ranks[target] = max(ranks[target], ranks[source] + 1)
    routes, pieces = [], []
    for source, target in edges:  # an edge over several ranks passes an invisible box in each
        passed = list(range(len(ranks), len(ranks) + ranks[target] - ranks[source] - 1))
        ranks += range(ranks[source] + 1, ranks[target])
        routes.append(passed)
        chain = [source, *passed, target]
        pieces += list(pairwise(chain))
    columns = _columns(ranks, pieces)
    places = [(rank, column) for rank, column in zip(ranks, columns, strict=True)]
    return places[:count], [tuple(places[box] for box in route) for route in routes]


def _columns(ranks: Sequence[int], edges: Sequence[tuple[int, int]]) -> list[float]:
    """Return the column of each box: by the mean of its neighbors' columns, at least 1 apart, each rank centered."""
    above: list[list[int]] = [[] for _ in ranks]
    below: list[list[int]] = [[] for _ in ranks]
    for source, target in edges:
        above[target].append(source)
        below[source].append(target)
    rows: list[list[int]] = [[] for _ in range(max(ranks, default=0) + 1)]
    for box, rank in enumerate(ranks):
        rows[rank].append(box)
    columns = [0.0] * len(ranks)
    for row in rows:
        _spread(row, columns)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            neighbors = above if down else below
            means = {
                box: sum(columns[n] for n in neighbors[box]) / len(neighbors[box]) if neighbors[box] else columns[box]
                for box in row
            }
            row.sort(key=lambda box: means[box])
            _spread(row, columns)
    return columns


def _spread(row: Sequence[int], columns: list[float]) -> None:
    """Place the boxes of a rank side by side, centered at 0."""
    for position, box in enumerate(row):
        columns[box] = position - (len(row) - 1) / 2
