"""striate data: the data sets that Striate knows by name."""

import click


@click.group()
def data() -> None:
    """List the data sets that Striate knows, or fetch one."""


@data.command("list")
def list_sets() -> None:
    """Print name, size, place and content of each."""
    from striate.cli.table import lines
    from striate.data import describe

    rows = [("name", "images", "classes", "what")]
    rows += [(known.name, f"{known.images:,}", str(known.classes), known.what) for known in describe()]
    click.echo("\n".join(lines(rows, right=[1, 2])))
    for known in describe():
        click.echo(f"{known.name} is in {known.where}" if known.where else _missing(known.name))


@data.command()
@click.argument("name")
def get(name: str) -> None:
    """Fetch the data set NAME, unless it is there, and print where it is."""
    from striate.data import get as fetch

    click.echo(fetch(name))


def _missing(name: str) -> str:
    return f"{name} is not here yet: striate data get {name}"
