"""striate summary: a network as the table that papers print."""

import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from striate.network import Network, Padding, Row

PIPED_WIDTH = 80
UNLIMITED = 1000
LONG = 9  # letters; what has more is broken where there is little room
COLUMNS = {  # and how they are broken where there is little room
    "layer": "layer", "kind": "kind", "maps": "maps", "size": "size", "kernel": "ker-\nnel", "stride": "stride",
    "padding": "pad-\nding", "activation": "acti-\nvation", "parameters": "param-\neters",
    "multiply-adds": "mul-\ntiply-\nadds", "receptive field": "recep-\ntive\nfield",
}  # fmt: skip
TIGHT = {"kernel": "ker-\nnel/\nstri-\nde"}  # heads of the tightest table, where they differ
HYPHENATED = {"Activation": "Activa-\ntion", "Concatenate": "Concat-\nenate", "Depthwise": "Depth-\nwise"}
NUMBERS = {"maps", "parameters", "multiply-adds"}


@click.command()
@click.argument("what", metavar="ID|RUN|FILE")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def summary(what: str, as_json: bool) -> None:
    """Print the layers of a model of the zoo, of a run, or of a model file."""
    network = _network(what)
    if as_json:
        click.echo(json.dumps(plain(network), ensure_ascii=False))
        return
    show(network)


def _network(what: str) -> "Network":
    from striate import zoo

    if what in zoo.names() or not Path(what).exists():
        return zoo.network(what)
    from striate.workflows.trained import open_trained_model

    return open_trained_model(what).models[0].network


def plain(network: "Network") -> dict[str, object]:
    """The table as JSON has it."""
    return {
        "name": network.name,
        "parameters": network.parameter_count,
        "trainable": network.trainable_parameter_count,
        "multiply_adds": network.multiply_adds,
        "layers": [asdict(row) for row in network.table()],
    }


def show(network: "Network") -> None:
    """Print the table, as wide as the terminal allows, and the totals."""
    from rich.console import Console

    console = (
        Console(highlight=False, markup=False)
        if sys.stdout.isatty()
        else Console(highlight=False, markup=False, width=PIPED_WIDTH)
    )
    tables = [
        _table(network),
        _table(network, narrow=True),
        _table(network, narrow=True, rounded=True),
        _tight(network),
    ]
    wide = Console(markup=False, width=UNLIMITED)
    console.print(next((t for t in tables if wide.measure(t).maximum <= console.width), tables[-1]))
    frozen = network.parameter_count - network.trainable_parameter_count
    note = f" ({frozen:,} of them not trained)" if frozen else ""
    total = f"{network.parameter_count:,} parameters{note}, {network.multiply_adds:,} multiply-adds for one image"
    console.print(f"{network.name}: {total}", soft_wrap=True)


def _table(network: "Network", *, narrow: bool = False, rounded: bool = False) -> "Table":
    """narrow: break long words. rounded: give the multiply-adds by three digits."""
    table = _empty({column: broken if narrow else column for column, broken in COLUMNS.items()}, 0 if narrow else 1)
    for row in network.table():
        name, kind, activation = map(_broken, _words(row)) if narrow else _words(row)
        adds = three_digits(row.multiply_adds) if rounded else f"{row.multiply_adds:,}"
        table.add_row(name, kind, *_sizes(row), activation, f"{row.parameters:,}", adds, _pair(row.receptive_field))
    return table


def _tight(network: "Network") -> "Table":
    """For many layers with long names: layers stand below their block, kernel and stride together, as in 7×7/2."""
    table = _empty({column: TIGHT.get(column, broken) for column, broken in COLUMNS.items() if column != "stride"}, 0)
    last = ""
    for row in network.table():
        block, _, name = row.name.rpartition(".")
        if block and block != last:
            table.add_row(block)
        last = block
        inner = f" {_broken(name, longest=11)}".replace("\n", "\n ")
        kind = "\n".join(HYPHENATED.get(word, word) for word in _broken(row.kind, longest=7).split("\n"))
        maps, size, _, _, padding = _sizes(row)
        table.add_row(
            inner if block else name, kind, maps, size, _window(row), padding, row.activation or "",
            f"{row.parameters:,}", three_digits(row.multiply_adds), _pair(row.receptive_field),
        )  # fmt: skip
    return table


def _empty(columns: dict[str, str], space: int) -> "Table":
    """columns: their heads by name. space: to the right of each, beside the one that always is."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, space, 0, 0), pad_edge=False, show_edge=False)
    for column, head in columns.items():
        table.add_column(head, justify="right" if column in NUMBERS else "left", overflow="fold")
    return table


def _words(row: "Row") -> tuple[str, str, str]:
    return row.name, row.kind, row.activation or ""


def _sizes(row: "Row") -> tuple[str, ...]:
    maps = row.units if row.maps is None else row.maps
    return str(maps), _pair(row.size), _pair(row.kernel), _pair(row.strides), _padding(row.padding)


def _window(row: "Row") -> str:
    """Kernel / stride: 3×3 for a stride of 1, 7×7/2, 3×2/2×1."""
    if row.strides is None or row.strides == (1, 1):
        return _pair(row.kernel)
    high, wide = row.strides
    return f"{_pair(row.kernel)}/{high}" if high == wide else f"{_pair(row.kernel)}/{_pair(row.strides)}"


def _broken(word: str, longest: int = LONG) -> str:
    """AveragePool2D → Average, Pool2D; block1.conv → block1., conv; scaled_tanh → scaled_, tanh."""
    if len(word) <= longest:
        return word
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[._/])", "\n", word).replace("Normalization", "Normal-\nization")


def three_digits(count: int) -> str:
    """Three digits: 1,135,256,096 → 1.14 G."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}" if count < 999.5 * size else f"{count / size:.0f} {unit}"
    return str(count)


def _pair(pair: "tuple[int, int] | None") -> str:
    return "" if pair is None else f"{pair[0]}×{pair[1]}"


def _padding(padding: "Padding | None") -> str:
    """valid, same, one number for all sides, or rows and columns."""
    if not isinstance(padding, tuple):
        return padding or ""
    (top, bottom), (left, right) = padding
    return str(top) if top == bottom == left == right else f"{top},{bottom}\n{left},{right}"
