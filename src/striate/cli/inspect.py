"""striate inspect: the contents of an ONNX file."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from striate.cli.help import Command
from striate.cli.output import echo, echo_json, echo_note, heads
from striate.cli.summary import show
from striate.language import localized, translate
from striate.summary import summary_dict, terminal_width
from striate.text import table

if TYPE_CHECKING:
    from striate.onnx.graph import OnnxGraph, Sizes
    from striate.onnx.importing import ImportedNetwork
    from striate.onnx.importing.operator_costs import OperatorCost

MAX_CLASSES = 10


class ImageSize(click.ParamType[tuple[int, int]]):
    """The size of images: one number for both sides, or height and width as in 48x192."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return height and width."""
        found = re.fullmatch(r"(\d{1,9})(?:[x×](\d{1,9}))?", str(value), re.ASCII)
        sides = [int(side) for side in found.groups() if side] if found else []
        if not sides or min(sides) < 1:
            self.fail(f"expected a size such as 224, or HEIGHTxWIDTH such as 48x192; received '{value}'.", param, ctx)
        return sides[0], sides[-1]


@click.command(cls=Command, examples=("striate inspect model.onnx",))
@click.argument("path", metavar="FILE.onnx")
@click.option(
    "--size", type=ImageSize(), metavar="N|HxW",
    help="Height and width of the images, such as 224 or 48x192, for a model that accepts images of any size.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def inspect(path: str, size: tuple[int, int] | None, as_json: bool) -> None:
    """Print the contents of any ONNX file: inputs, outputs, layers, shapes, parameters, multiply-adds.

    A file that Striate cannot convert to a network is shown operator by operator, with the reason.
    The file is not run, and no other file is opened.
    """
    from striate.onnx.importing import read_onnx
    from striate.onnx.importing.inputs import with_image_size
    from striate.onnx.importing.operator_costs import operator_costs

    graph = read_onnx(path)
    sized = with_image_size(graph, size) if size else graph
    if sized.inputs == graph.inputs and size:
        fixed = ", ".join(_shape_text(spec.shape) for spec in graph.inputs.values())
        echo_note(f"--size is ignored: the size of the inputs is fixed ({fixed}).", err=True)
    imported, problem = _import(sized, path)
    costs = [] if imported else operator_costs(sized)
    if as_json:
        content = _graph_json(graph, path, imported) | _network_json(imported, problem, costs)
        echo_json(content)
        return
    _show_graph(graph, path, imported)
    if imported:
        for note in imported.notes:
            echo_note(note)
        show(imported.network)
        return
    _show_operators(costs)
    echo(localized(problem))


def _import(graph: "OnnxGraph", path: str) -> "tuple[ImportedNetwork | None, str]":
    """Return the network, or why there is none."""
    from striate.errors import NetworkError
    from striate.onnx.importing import import_graph

    try:
        return import_graph(graph, path), ""
    except NetworkError as error:
        return None, str(error)


def _show_graph(graph: "OnnxGraph", path: str, imported: "ImportedNetwork | None") -> None:
    """Print the producer, inputs, outputs and classes."""
    from striate.cli.wording import file_size

    size = file_size(Path(path).stat().st_size)
    producer = graph.producer or translate("an unknown program")
    text = "{path}: ONNX, opset {opset}, written by {producer}, {size}"
    echo(translate(text, path=path, opset=graph.opset, producer=producer, size=size))
    for name, spec in graph.inputs.items():
        text = "input: {dtype} {shape}, named '{name}'"
        echo(translate(text, dtype=spec.dtype, shape=_shape_text(spec.shape), name=name))
    for name in graph.outputs:
        echo(translate("output: named '{name}'", name=name))
    if imported and imported.metadata.classes:
        classes = imported.metadata.classes
        shown = ", ".join(classes[:MAX_CLASSES])
        if len(classes) > MAX_CLASSES:
            shown += " " + translate("… and {n:,} more", n=len(classes) - MAX_CLASSES)
        echo(translate("{n} classes: {names}", n=len(classes), names=shown))
    echo()


def _shape_text(shape: "Sizes | None") -> str:
    """Return 1×3×224×224, with ? for sizes that are not fixed."""
    return translate("of any shape") if shape is None else "×".join("?" if n is None else str(n) for n in shape)


def _show_operators(costs: "list[OperatorCost]") -> None:
    """Print the table of operators and the totals."""
    width = terminal_width()
    rows = [heads("operator", "kind", "output", "parameters", "multiply-adds"), *map(_operator_cells, costs)]
    for line in table(rows, right=[3, 4], width=width, rule=True):
        echo(line)
    parameters = sum(cost.parameters for cost in costs)
    text = "{n:,} operators: {parameters:,} parameters, {adds:,} multiply-adds for one image"
    adds = sum(cost.multiply_adds or 0 for cost in costs)
    unknown = sum(cost.multiply_adds is None for cost in costs)
    missing = ""
    if unknown:
        one = ", without 1 operator whose shapes are not known"
        several = ", without {n} operators whose shapes are not known"
        missing = translate(one if unknown == 1 else several, n=unknown)
    echo(translate(text, n=len(costs), parameters=parameters, adds=adds) + missing)


def _operator_cells(cost: "OperatorCost") -> tuple[str, ...]:
    from striate.onnx.graph import shorten

    adds = "?" if cost.multiply_adds is None else f"{cost.multiply_adds:,}"
    shape = "?" if cost.shape is None else _shape_text(cost.shape)
    return shorten(cost.name), shorten(cost.kind), shorten(shape), f"{cost.parameters:,}", adds


def _graph_json(graph: "OnnxGraph", path: str, imported: "ImportedNetwork | None") -> dict[str, Any]:
    return {
        "file": path, "bytes": Path(path).stat().st_size, "producer": graph.producer, "opset": graph.opset,
        "inputs": {name: asdict(spec) for name, spec in graph.inputs.items()}, "outputs": graph.outputs,
        "classes": imported.metadata.classes if imported else (),
    }  # fmt: skip


def _network_json(imported: "ImportedNetwork | None", problem: str, costs: "list[OperatorCost]") -> dict[str, Any]:
    if imported:
        return {"network": summary_dict(imported.network), "notes": imported.notes}
    return {"network": None, "problem": problem, "operators": [asdict(cost) for cost in costs]}
