"""striate data: list and download data sets, and inspect a folder of images."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from striate.cli import options
from striate.cli.output import echo, echo_json, echo_line

if TYPE_CHECKING:
    from striate.audit.findings import FolderAudit
    from striate.workflows.scan import FolderScan


SHOWN = 5  # names of a group
ALL = "; --json lists all"


@click.group()
def data() -> None:
    """List the built-in data sets, download one, or check or audit a folder of images."""


@data.command("list", short_help="List the built-in data sets.")
def list_sets() -> None:
    """List the built-in data sets: size, description, and where the files are."""
    from striate.data import describe
    from striate.text import table

    rows = [("name", "images", "classes", "description")]
    rows += [(known.name, f"{known.images:,}", str(known.classes), known.description) for known in describe()]
    echo("\n".join(table(rows, right=[1, 2])))
    for known in describe():
        if known.name == "scattered":
            echo("scattered is computed from mnist5k when it is used")
        elif known.path:
            echo(f"{known.name} is in {known.path}")
        else:
            echo(f"{known.name} is not downloaded yet; training downloads it, or: striate data get {known.name}")


@data.command(short_help="Download a built-in data set.")
@click.argument("name")
def get(name: str) -> None:
    """Download a built-in data set, unless it is there already, and print where it is.

    NAME is one of those that "striate data list" prints. Training downloads a data set by itself.
    """
    from striate.data import get as fetch

    echo(fetch(name))


@data.command(short_help="Check a folder of images before training.")
@click.argument("folder")
@options.labels
@click.option("--task", type=options.TASK, help="What --labels holds: one class, several labels, numbers.")
@options.label_column
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def scan(folder: str, labels: str | None, task: str | None, label_columns: tuple[str, ...], as_json: bool) -> None:
    """Check a FOLDER of images before training: formats, sizes, unreadable files, copies, images of each class."""
    from striate.data.labels import label_file
    from striate.workflows.scan import scan_folder

    found = scan_folder(folder, label_file(labels, task, label_columns))
    if as_json:
        echo_json(found.to_dict())
    else:
        for line in _describe(found):
            echo_line(line)


@data.command(short_help="Find wrong labels, duplicates and unusual images.")
@click.argument("folder")
@click.option("--out", type=click.Path(file_okay=False), help="Folder for the results [audits/FOLDER].")
@click.option("--base", metavar="ID", type=options.BASE, help="Pretrained network that computes the features [chosen].")
@options.labels
@click.option("--task", type=options.TASK, help="What --labels holds: one class, several labels, numbers.")
@options.label_column
@options.groups
@click.option(
    "--threshold", "thresholds", multiple=True, metavar="KIND=NUMBER",
    help="From where images are unusual, such as blurred=0.7 or tiny=64.",
)  # fmt: skip
def audit(
    folder: str, out: str | None, base: str | None, labels: str | None, task: str | None,
    label_columns: tuple[str, ...], groups: str | None, thresholds: tuple[str, ...],
) -> None:  # fmt: skip
    """Find labels that are probably wrong, images that show the same, and unusual images in a FOLDER.

    The results are a page to look at, audit.html, and a table, audit.csv. Write "exclude" or "relabel" in its column
    "action" and pass it to striate train FOLDER --exclude audit.csv. The folder itself is never changed.
    """
    from striate.cli.options import key_values
    from striate.data.labels import label_file
    from striate.workflows.audit import audit_folder, results_folder, write_audit

    out_folder = results_folder(folder, out)
    described = label_file(labels, task, label_columns)
    result = audit_folder(
        folder, labels=described, base=base, groups=groups,
        thresholds=key_values(thresholds, "--threshold", "blurred=0.7"),
    )  # fmt: skip
    command = write_audit(result, folder, out_folder, labels=described, groups=groups)
    for line in _describe_audit(result.audit, folder, out_folder, command):
        echo_line(line)


def _describe_audit(audit: "FolderAudit", folder: str, out_folder: Path, command: str) -> Iterator[str]:
    from striate.cli.wording import first

    yield f"{folder}: {len(audit.names):,} images"
    if audit.suspicious:
        share = f"{100 * (audit.rate or 0):.1f} %"
        yield f"labels      {len(audit.suspicious):,} to check; about {share} of all labels are probably wrong"
    elif audit.rate is not None:
        yield "labels      none stands out as wrong"
    pairs = "1 pair" if len(audit.duplicates) == 1 else f"{len(audit.duplicates):,} pairs"
    yield f"duplicates  {pairs}, {audit.contradictions:,} with different labels"
    kinds = Counter(item.kind for item in audit.unusual)
    yield "unusual     " + (", ".join(f"{count:,} {kind}" for kind, count in kinds.items()) or "none")
    for kind in audit.usual:
        yield f"Note: most images are beyond the threshold of '{kind}', {audit.thresholds[kind]:g}; none is listed."
    yield from first((f"Note: {note}" for note in audit.notes), "; all are on the page")
    yield f"page        {out_folder / 'audit.html'}"
    yield f"table       {out_folder / 'audit.csv'}"
    if audit.has_findings:
        yield "next        write 'exclude' or 'relabel' in the column 'action' of the table where it applies, then:"
        yield f"            {command}"


def _describe(found: "FolderScan") -> Iterator[str]:
    from striate.cli.wording import file_size, first
    from striate.tasks import Task
    from striate.text import table

    what = "in {} classes" if found.task is Task.CLASSIFICATION else "with {} labels"
    counted = f"with {', '.join(found.numbers)}" if found.numbers else what.format(len(found.classes))
    yield f"{found.folder}: {found.images:,} images {counted}, {file_size(found.bytes)}"
    yield "formats  " + ", ".join(f"{name} {count:,}" for name, count in found.formats.items())
    yield "sizes    " + ", ".join(f"{name} {width}×{height}" for name, (width, height) in found.sizes.items())
    rows: list[tuple[str, ...]]
    if found.numbers:
        rows = [("number", "minimum", "median", "maximum")]
        rows += [(name, *(f"{value:g}" for value in values)) for name, values in found.numbers.items()]
    else:
        rows = [("class" if found.task is Task.CLASSIFICATION else "label", *(found.parts or ["images"]))]
        rows += [(name, *(f"{count:,}" for count in counts)) for name, counts in found.classes.items()]
    yield from ["", *table(rows, right=range(1, len(rows[0]))), ""]
    yield from first((f"Left out: {item.reason}" for item in found.unreadable), ALL)
    yield from first((f"Identical files in more than one class: {_quoted(group)}" for group in found.conflicts), ALL)
    yield from first((f"Copies: {_quoted(group)}" for group in found.copies), ALL)
    yield from first((f"Near-duplicates in more than one class: {_some(g)}" for g in found.near_conflicts), ALL)
    yield from first((f"Near-duplicates: {_some(group)}" for group in found.near_duplicates), ALL)
    yield from first(found.notes, ALL)
    yield from found.problems or [found.advice]


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _some(names: tuple[str, ...]) -> str:
    """Return the names of a group, of a large one the first few."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"{_quoted(names[:SHOWN])}{more}"
