"""striate data: the data sets that Striate knows by name, and what lies in a folder of one's own."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from striate.workflows.scan import FolderScan


ALL = "; --json lists all"


@click.group()
def data() -> None:
    """List the data sets that Striate knows, fetch one, or look through a folder of photographs."""


@data.command("list")
def list_sets() -> None:
    """Print name, size, place and content of each."""
    from striate.data import describe
    from striate.text import table

    rows = [("name", "images", "classes", "what")]
    rows += [(known.name, f"{known.images:,}", str(known.classes), known.what) for known in describe()]
    click.echo("\n".join(table(rows, right=[1, 2])))
    for known in describe():
        click.echo(f"{known.name} is in {known.where}" if known.where else _missing(known.name))


@data.command()
@click.argument("name")
def get(name: str) -> None:
    """Fetch the data set NAME, unless it is there, and print where it is."""
    from striate.data import get as fetch

    click.echo(fetch(name))


@data.command(short_help="Look through a folder of photographs.")
@click.argument("folder")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def scan(folder: str, as_json: bool) -> None:
    """Look through a FOLDER of photographs: formats, sizes, unreadable files, copies, classes and their counts."""
    from striate.workflows.scan import scan_folder

    found = scan_folder(folder)
    click.echo(json.dumps(found.to_dict(), ensure_ascii=False) if as_json else "\n".join(_described(found)))


def _described(found: "FolderScan") -> Iterator[str]:
    from striate.cli.wording import file_size, first
    from striate.text import table

    yield f"{found.folder}: {found.images:,} images in {len(found.classes)} classes, {file_size(found.bytes)}"
    yield "formats  " + ", ".join(f"{name} {count:,}" for name, count in found.formats.items())
    yield "sizes    " + ", ".join(f"{name} {width}×{height}" for name, (width, height) in found.sizes.items())
    rows = [("class", *(found.parts or ["images"]))]
    rows += [(name, *(f"{count:,}" for count in counts)) for name, counts in found.classes.items()]
    yield from ["", *table(rows, right=range(1, len(rows[0]))), ""]
    yield from first((f"Left out: {fault.reason}" for fault in found.unreadable), ALL)
    yield from first((f"Identical files in several classes: {', '.join(group)}" for group in found.conflicts), ALL)
    yield from first((f"Copies: {', '.join(group)}" for group in found.copies), ALL)
    yield from first(found.notes, ALL)
    yield found.advice


def _missing(name: str) -> str:
    return f"{name} is not here yet: striate data get {name}"
