"""striate data: list and download data sets, and inspect a folder of images."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from striate.cli.output import echo, echo_json, echo_line

if TYPE_CHECKING:
    from striate.workflows.scan import FolderScan


ALL = "; --json lists all"


@click.group()
def data() -> None:
    """List the built-in data sets, download one, or inspect a folder of images."""


@data.command("list")
def list_sets() -> None:
    """Print name, size, description and location of each data set."""
    from striate.data import describe
    from striate.text import table

    rows = [("name", "images", "classes", "description")]
    rows += [(known.name, f"{known.images:,}", str(known.classes), known.description) for known in describe()]
    echo("\n".join(table(rows, right=[1, 2])))
    for known in describe():
        missing = f"{known.name} is not downloaded yet: striate data get {known.name}"
        echo(f"{known.name} is in {known.path}" if known.path else missing)


@data.command()
@click.argument("name")
def get(name: str) -> None:
    """Download the data set NAME and print its folder.

    Nothing is downloaded if it is there already.
    """
    from striate.data import get as fetch

    echo(fetch(name))


@data.command(short_help="Inspect a folder of images.")
@click.argument("folder")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def scan(folder: str, as_json: bool) -> None:
    """Inspect a FOLDER of images: formats, sizes, unreadable files, copies, and the images of each class."""
    from striate.workflows.scan import scan_folder

    found = scan_folder(folder)
    if as_json:
        echo_json(found.to_dict())
    else:
        for line in _describe(found):
            echo_line(line)


def _describe(found: "FolderScan") -> Iterator[str]:
    from striate.cli.wording import file_size, first
    from striate.text import table

    yield f"{found.folder}: {found.images:,} images in {len(found.classes)} classes, {file_size(found.bytes)}"
    yield "formats  " + ", ".join(f"{name} {count:,}" for name, count in found.formats.items())
    yield "sizes    " + ", ".join(f"{name} {width}×{height}" for name, (width, height) in found.sizes.items())
    rows = [("class", *(found.parts or ["images"]))]
    rows += [(name, *(f"{count:,}" for count in counts)) for name, counts in found.classes.items()]
    yield from ["", *table(rows, right=range(1, len(rows[0]))), ""]
    yield from first((f"Left out: {item.reason}" for item in found.unreadable), ALL)
    yield from first((f"Identical files in several classes: {', '.join(group)}" for group in found.conflicts), ALL)
    yield from first((f"Copies: {', '.join(group)}" for group in found.copies), ALL)
    yield from first(found.notes, ALL)
    yield found.advice
