"""striate inspect: what an ONNX file holds."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from striate.cli.summary import PIPED_WIDTH, show
from striate.summary import summary_dict

if TYPE_CHECKING:
    from rich.table import Table

    from striate.onnx.importing.costs import Cost
    from striate.onnx.importing.graph import Graph
    from striate.onnx.importing.to_network import Opened

MOST_CLASSES = 10


@click.command()
@click.argument("path", metavar="FILE.onnx")
@click.option("--size", type=click.IntRange(1), metavar="N",
              help="Height and width of the pictures, where the file takes any.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def inspect(path: str, size: int | None, as_json: bool) -> None:
    """Print what an ONNX file of any program holds: inputs and outputs, layers, shapes, parameters, cost.

    A file that cannot become a network of Striate is shown operator by operator, and it is said why.
    Nothing in it is run, and no other file is opened.
    """
    from striate.onnx.importing.costs import costs
    from striate.onnx.importing.doors import with_size
    from striate.onnx.importing.read import read_onnx

    graph = read_onnx(path)
    sized = with_size(graph, (size, size)) if size else graph
    opened, problem = _opened(sized, path)
    rows = [] if opened else costs(sized)
    if as_json:
        click.echo(json.dumps(_head(graph, path, opened) | _body(opened, problem, rows), ensure_ascii=False))
        return
    _show_head(graph, path, opened)
    if opened:
        show(opened.network)
        return
    _show_operators(rows)
    click.echo(problem)


def _opened(graph: "Graph", path: str) -> "tuple[Opened | None, str]":
    """The network, or why there is none."""
    from striate.errors import NetworkError
    from striate.onnx.importing.to_network import open_graph

    try:
        return open_graph(graph, path), ""
    except NetworkError as error:
        return None, str(error)


def _show_head(graph: "Graph", path: str, opened: "Opened | None") -> None:
    """Who wrote the file, what goes in and what comes out."""
    from striate.cli.wording import file_size

    size = file_size(Path(path).stat().st_size)
    click.echo(f"{path}: ONNX, opset {graph.opset}, by {graph.producer or 'an unknown program'}, {size}")
    for name, door in graph.inputs.items():
        click.echo(f"input {name}: {door.dtype} {_sizes(door.shape)}")
    for name in graph.outputs:
        click.echo(f"output {name}")
    if opened and opened.metadata.classes:
        names = opened.metadata.classes
        more = f" … and {len(names) - MOST_CLASSES} more" if len(names) > MOST_CLASSES else ""
        click.echo(f"{len(names)} classes: {', '.join(names[:MOST_CLASSES])}{more}")
    click.echo()


def _sizes(shape: "tuple[int | None, ...] | None") -> str:
    """1×3×224×224, with ? for what is open."""
    return "of any shape" if shape is None else "×".join("?" if n is None else str(n) for n in shape)


def _show_operators(rows: "list[Cost]") -> None:
    """The table of operators, and the totals."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    Console(highlight=False, markup=False, width=None if terminal else PIPED_WIDTH).print(_table(rows))
    parameters = sum(row.parameters for row in rows)
    adds = f"{sum(row.multiply_adds or 0 for row in rows):,} multiply-adds for one image"
    unknown = sum(row.multiply_adds is None for row in rows)
    some = "1 operator" if unknown == 1 else f"{unknown} operators"
    missing = f", without {some} whose shapes are not known" if unknown else ""
    click.echo(f"{len(rows):,} operators: {parameters:,} parameters, {adds}{missing}")


def _table(rows: "list[Cost]") -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in ("operator", "kind", "output"):
        table.add_column(column, overflow="fold")
    for column in ("parameters", "multiply-adds"):
        table.add_column(column, justify="right", overflow="fold")
    for row in rows:
        adds = "?" if row.multiply_adds is None else f"{row.multiply_adds:,}"
        shape = "?" if row.shape is None else _sizes(row.shape)
        table.add_row(row.name, row.kind, shape, f"{row.parameters:,}", adds)
    return table


def _head(graph: "Graph", path: str, opened: "Opened | None") -> dict[str, Any]:
    return {
        "file": path, "bytes": Path(path).stat().st_size, "producer": graph.producer, "opset": graph.opset,
        "inputs": {name: asdict(door) for name, door in graph.inputs.items()}, "outputs": graph.outputs,
        "classes": opened.metadata.classes if opened else (),
    }  # fmt: skip


def _body(opened: "Opened | None", problem: str, rows: "list[Cost]") -> dict[str, Any]:
    if opened:
        return {"network": summary_dict(opened.network)}
    return {"network": None, "problem": problem, "operators": [asdict(row) for row in rows]}
