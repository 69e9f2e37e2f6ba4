"""The table of a network's layers in plain text."""

import re
from dataclasses import asdict
from typing import Any

from striate import notebook
from striate.network import Network, Padding, Pair, Row
from striate.text import display_width, table

COLUMNS = (
    "layer", "kind", "output", "kernel", "stride", "padding", "activation", "parameters", "multiply-adds",
    "receptive field",
)  # fmt: skip
SHORT = ("layer", "kind", "output", "kernel", "stride", "pad", "act.", "params", "mult-\nadds", "field")
KERNEL_AND_STRIDE = "kernel/\nstride"
LEGEND = "(act.: activation, mult-adds: multiply-adds, field: receptive field)"
LONG = 9  # letters of the longest word that is not broken in narrow tables
HYPHENATED_KINDS = {"Activation": "Activa-\ntion", "Concatenate": "Concat-\nenate", "Depthwise": "Depth-\nwise"}


def summary(network: Network, width: int | None = None) -> str:
    """Return the table of layers, one row for each use of a layer, and the totals.

    Args:
        network: The network.
        width: Number of characters that a line of the table may have; in narrower tables headings are shortened, long
            names broken and multiply-adds rounded to three digits. None: any number.

    Example:
        >>> from striate import zoo
        >>> print(summary(zoo.network("lenet5")).splitlines()[-1])
        lenet5: 61,706 parameters, 416,520 multiply-adds for one image
    """
    lines, legend = _fitted(network.table(), width)
    frozen = network.parameter_count - network.trainable_parameter_count
    note = f" ({frozen:,} not trainable)" if frozen else ""
    adds = f"{network.multiply_adds:,} multiply-adds for one image"
    return "\n".join([*lines, *legend, f"{network.name}: {network.parameter_count:,} parameters{note}, {adds}"])


def show_summary(network: Network) -> None:
    """Print the table of layers; in a notebook, show it as HTML."""
    if not notebook.in_notebook():
        print(summary(network))
        return
    totals = summary(network).splitlines()[-1].partition(": ")[2]
    cells = (_cells(row) for row in network.table())
    right = [COLUMNS.index("parameters"), COLUMNS.index("multiply-adds")]
    notebook.show(
        notebook.block(notebook.heading(network.name, totals), notebook.table(COLUMNS, cells, right)), summary(network)
    )


def summary_dict(network: Network) -> dict[str, Any]:
    """Return the table of layers and the totals as values for JSON."""
    return {
        "name": network.name,
        "parameters": network.parameter_count,
        "trainable": network.trainable_parameter_count,
        "multiply_adds": network.multiply_adds,
        "layers": [asdict(row) for row in network.table()],
    }


def _fitted(rows: list[Row], width: int | None) -> tuple[list[str], list[str]]:
    """Return the most detailed table that is narrow enough, and the legend of its headings."""
    right = [COLUMNS.index("parameters"), COLUMNS.index("multiply-adds")]
    lines = table([COLUMNS, *map(_cells, rows)], right, rule=True, multiline=True)
    if width is None or _width(lines) <= width:
        return lines, []
    for rounded in (False, True):
        lines = table(
            [SHORT, *(_broken_cells(row, rounded=rounded) for row in rows)], right, gap=1, rule=True, multiline=True
        )
        if _width(lines) <= width:
            return lines, [LEGEND]
    compact = _without_stride((*SHORT[:3], KERNEL_AND_STRIDE, *SHORT[4:]))
    lines = table(
        [compact, *_compact_rows(rows)], [column - 1 for column in right], gap=1, width=width, rule=True, multiline=True
    )
    return lines, [LEGEND]


def _width(lines: list[str]) -> int:
    return max(map(display_width, lines))


def _cells(row: Row) -> tuple[str, ...]:
    output = str(row.units) if row.size is None else f"{_pair(row.size)}×{row.maps}"
    return (
        row.name, row.kind, output, _pair(row.kernel), _pair(row.strides), _padding(row.padding), row.activation or "",
        f"{row.parameters:,}", f"{row.multiply_adds:,}", _pair(row.receptive_field),
    )  # fmt: skip


def _broken_cells(row: Row, *, rounded: bool) -> tuple[str, ...]:
    """Return the cells with long words broken; rounded: multiply-adds with three digits."""
    name, kind, output, kernel, stride, padding, activation, parameters, adds, field = _cells(row)
    adds = three_digits(row.multiply_adds) if rounded else adds
    padding = padding.replace(" ", "\n")
    return _break(name), _break(kind), output, kernel, stride, padding, _break(activation), parameters, adds, field


def _compact_rows(rows: list[Row]) -> list[tuple[str, ...]]:
    """Return rows for many layers with long names: layers below their block, and kernel and stride as in 7×7/2."""
    found, last = [], ""
    for row in rows:
        block, _, name = row.name.rpartition(".")
        if block and block != last:
            found.append((block, *[""] * (len(COLUMNS) - 2)))
        last = block
        name = f" {_break(name, longest=11)}".replace("\n", "\n ") if block else name
        kind = "\n".join(HYPHENATED_KINDS.get(word, word) for word in _break(row.kind, longest=7).split("\n"))
        cells = list(_broken_cells(row, rounded=True))
        cells[:2], cells[3], cells[6] = (name, kind), _kernel_and_stride(row), row.activation or ""
        found.append(_without_stride(cells))
    return found


def _without_stride(cells: "tuple[str, ...] | list[str]") -> tuple[str, ...]:
    return (*cells[:4], *cells[5:])


def _kernel_and_stride(row: Row) -> str:
    """Return 3×3 for a stride of 1, else for example 7×7/2 or 3×2/2×1."""
    if row.strides is None or row.strides == (1, 1):
        return _pair(row.kernel)
    vertical, horizontal = row.strides
    return f"{_pair(row.kernel)}/{vertical if vertical == horizontal else _pair(row.strides)}"


def _break(word: str, longest: int = LONG) -> str:
    """Break a word into lines: AveragePool2D → Average, Pool2D; block1.conv → block1., conv."""
    if len(word) <= longest:
        return word
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[._/])", "\n", word).replace("Normalization", "Normal-\nization")


def three_digits(count: int) -> str:
    """Return a number with three digits and a unit: 1,135,256,096 → 1.14 G."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}" if count < 999.5 * size else f"{count / size:.0f} {unit}"
    return str(count)


def _pair(pair: Pair | None) -> str:
    return "" if pair is None else f"{pair[0]}×{pair[1]}"


def _padding(padding: Padding | None) -> str:
    """Return valid, same, one number for all sides, or "top,bottom left,right"."""
    if not isinstance(padding, tuple):
        return padding or ""
    (top, bottom), (left, right) = padding
    return str(top) if top == bottom == left == right else f"{top},{bottom} {left},{right}"
