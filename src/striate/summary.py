"""The table of a network's layers in plain text."""

import re
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from striate import notebook
from striate.language import translate
from striate.network import IntPair, LayerRow, Network
from striate.text import display_width, table, wrap

COLUMNS = (
    "layer", "kind", "output", "kernel", "stride", "padding", "activation", "parameters", "multiply-adds",
    "receptive field", "theoretical",
)  # fmt: skip
SHORT = ("layer", "kind", "output", "kernel", "stride", "pad", "act.", "params", "mult-\nadds", "field", "theor.")
KERNEL_AND_STRIDE = "kernel/\nstride"
LEGEND = "(act.: activation, mult-adds: multiply-adds, field: receptive field within the image, theor.: not clipped)"
MAX_ROUNDED = 3  # output sizes whose calculation is shown
PIPED_WIDTH = 80  # characters of a line where the output is not a terminal
LONG = 9  # letters of the longest word that is not broken in narrow tables
HYPHENATED_KINDS = {"Activation": "Activa-\ntion", "Concatenate": "Concat-\nenate", "Depthwise": "Depth-\nwise"}


def summary(
    network: Network, width: int | None = None, frozen: Collection[str] = (), rows: list[LayerRow] | None = None
) -> str:
    """Return the table of layers, one row for each use of a layer, and the totals.

    Args:
        network: The network.
        width: Number of characters that a line of the table may have; in narrower tables headings are shortened, long
            names broken and multiply-adds rounded to three digits. None: any number.
        frozen: Names of frozen layers, whose parameters count as not trainable.
        rows: The rows of the table; None: those of `network.table()`.

    Returns:
        The lines, joined.

    Example:
        >>> from striate import zoo
        >>> print(summary(zoo.network("lenet5")).splitlines()[-1])
        lenet5: 61,706 parameters, 416,520 multiply-adds for one image
    """
    rows = network.table() if rows is None else rows
    lines, legend = _fit_width(rows, width)
    notes = [line for note in _rounding_notes(rows) for line in (wrap(note, width) if width else [note])]
    totals = f"{network.name}: {_totals(network, frozen)}"
    return "\n".join([*lines, *legend, *notes, *(wrap(totals, width) if width else [totals])])


def _totals(network: Network, frozen_layers: Collection[str]) -> str:
    frozen = sum(
        parameter.size
        for parameter in network.parameters
        if not parameter.trainable or parameter.name.rpartition("/")[0] in frozen_layers
    )
    text = "{parameters:,} parameters, {adds:,} multiply-adds for one image"
    if frozen:
        text = "{parameters:,} parameters ({frozen:,} not trainable), {adds:,} multiply-adds for one image"
    return translate(text, parameters=network.parameter_count, frozen=frozen, adds=network.multiply_adds)


def _rounding_notes(rows: list[LayerRow]) -> list[str]:
    """Return a line for each of the first layers whose output size was rounded down, and how many others there are."""
    rounded = [row for row in rows if row.rounding_note]
    text = "output size of {layer} rounded down: {calculation}"
    notes = [translate(text, layer=row.name, calculation=row.rounding_note) for row in rounded[:MAX_ROUNDED]]
    if len(rounded) > MAX_ROUNDED:
        notes.append(translate("… and {n:,} more", n=len(rounded) - MAX_ROUNDED))
    return notes


def terminal_width() -> int:
    """Return the columns of the terminal, 80 where the output is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPED_WIDTH


def show_summary(network: Network, frozen: Collection[str] = (), rows: list[LayerRow] | None = None) -> None:
    """Print the table of layers as wide as the terminal, as `striate summary` does; in a notebook, show it as HTML.

    Args:
        network: The network.
        frozen: Names of frozen layers, whose parameters count as not trainable.
        rows: The rows of the table; None: those of `network.table()`.
    """
    rows = network.table() if rows is None else rows
    if not notebook.in_notebook():
        print(summary(network, terminal_width(), frozen, rows))
        return
    right = [COLUMNS.index("parameters"), COLUMNS.index("multiply-adds")]
    table = notebook.table(COLUMNS, map(_cells, rows), right)
    heading = notebook.heading(network.name, _totals(network, frozen), *_rounding_notes(rows))
    notebook.show(notebook.block(heading, table), summary(network, frozen=frozen, rows=rows))


def collapsed(rows: list[LayerRow], parts: Mapping[str, str]) -> list[LayerRow]:
    """Return rows with those of each nested model in one.

    Args:
        rows: One row for each use of a layer.
        parts: The class of each nested model by its name, which begins the names of its layers, before a dot.

    Returns:
        The rows. That of a nested model has the output of its last layer, and the sums of parameters and multiply-adds.
    """
    found: list[LayerRow] = []
    for row in rows:
        name = next((part for part in parts if row.name.startswith(f"{part}.")), None)
        if name is None:
            found.append(row)
            continue
        first = found.pop() if found and found[-1].name == name else None
        found.append(
            replace(
                row, name=name, kind=parts[name], kernel=None, strides=None, padding=None,
                padding_per_side=None, rounding_note=None,
                activation=None, inputs=first.inputs if first else row.inputs,
                parameters=row.parameters + (first.parameters if first else 0),
                multiply_adds=row.multiply_adds + (first.multiply_adds if first else 0),
            )
        )  # fmt: skip
    return found


def summary_dict(network: Network) -> dict[str, Any]:
    """Convert the table of layers and the totals to values for JSON.

    Args:
        network: The network.

    Returns:
        The rows and the totals.
    """
    return {
        "name": network.name,
        "parameters": network.parameter_count,
        "trainable": network.trainable_parameter_count,
        "multiply_adds": network.multiply_adds,
        "layers": [asdict(row) for row in network.table()],
    }


def _fit_width(rows: list[LayerRow], width: int | None) -> tuple[list[str], list[str]]:
    """Return the most detailed table that is narrow enough, and the legend of its headings."""
    right = [COLUMNS.index("parameters"), COLUMNS.index("multiply-adds")]
    lines = table([_heads(COLUMNS), *map(_cells, rows)], right, rule=True, multiline=True)
    if width is None or _width(lines) <= width:
        return lines, []
    exact = [_heads(SHORT), *(_broken_cells(row) for row in rows)]
    rounded = [_heads(SHORT), *(_broken_cells(row, rounded=True) for row in rows)]
    for cells in (exact, list(map(_joined_fields, exact)), list(map(_joined_fields, rounded))):
        lines = table(cells, right, gap=1, rule=True, multiline=True)
        if _width(lines) <= width:
            return lines, _legend(width)
    compact = [_joined_fields(_heads((*SHORT[:3], KERNEL_AND_STRIDE, *SHORT[5:]))), *_compact_rows(rows)]
    right = [column - 1 for column in right]
    return table(compact, right, gap=1, width=width, rule=True, multiline=True), _legend(width)


def _joined_fields(cells: Sequence[str]) -> tuple[str, ...]:
    """Return the cells with both receptive fields in one, the theoretical one below if it differs."""
    return (*cells[:-2], "/\n".join(dict.fromkeys(cells[-2:])))


def _heads(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(translate, names))


def _legend(width: int) -> list[str]:
    return wrap(translate(LEGEND), width)


def _width(lines: list[str]) -> int:
    return max(map(display_width, lines))


def _cells(row: LayerRow) -> tuple[str, ...]:
    output = str(row.units) if row.output_size is None else f"{_pair(row.output_size)}×{row.channels}"
    return (
        row.name, row.kind, output, _pair(row.kernel), _pair(row.strides), row.padding_text, row.activation or "",
        f"{row.parameters:,}", f"{row.multiply_adds:,}", _pair(row.receptive_field),
        _pair(row.unclipped_receptive_field),
    )  # fmt: skip


def _broken_cells(row: LayerRow, *, rounded: bool = False) -> tuple[str, ...]:
    """Return the cells with long words broken; rounded: multiply-adds with three digits."""
    name, kind, output, kernel, stride, padding, activation, parameters, adds, *sizes = _cells(row)
    adds = three_digits(row.multiply_adds) if rounded else adds
    padding = padding.replace(" ", "\n")
    return _break(name), _break(kind), output, kernel, stride, padding, _break(activation), parameters, adds, *sizes


def _compact_rows(rows: list[LayerRow]) -> list[tuple[str, ...]]:
    """Return rows for many layers with long names: layers below their block, and kernel and stride as in 7×7/2."""
    found, last = [], ""
    for row in rows:
        block, _, name = row.name.rpartition(".")
        if block and block != last:
            found.append((block, *[""] * (len(COLUMNS) - 3)))
        last = block
        name = f" {_break(name, longest=11)}".replace("\n", "\n ") if block else name
        kind = "\n".join(HYPHENATED_KINDS.get(word, word) for word in _break(row.kind, longest=7).split("\n"))
        cells = list(_broken_cells(row, rounded=True))
        cells[:2], cells[3], cells[6] = (name, kind), _kernel_and_stride(row), _break(row.activation or "", longest=8)
        found.append(_joined_fields((*cells[:4], *cells[5:])))
    return found


def _kernel_and_stride(row: LayerRow) -> str:
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
    """Format a number with three digits and a unit: 1,135,256,096 → 1.14 G.

    Args:
        count: The number, 0 or more.

    Returns:
        The text.
    """
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}" if count < 999.5 * size else f"{count / size:.0f} {unit}"
    return str(count)


def _pair(pair: IntPair | None) -> str:
    return "" if pair is None else f"{pair[0]}×{pair[1]}"
