"""striate data: list and download data sets, and inspect a folder of images."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from striate.cli import options
from striate.cli.help import Group
from striate.cli.output import echo, echo_json, echo_line, entry, heads
from striate.language import localized, translate

if TYPE_CHECKING:
    from striate.audit.findings import FolderAudit
    from striate.workflows.scan import FolderScan


MAX_NAMES = 5  # names of a group
PAIRS = "{n:,} pairs, {m:,} with different labels"
ALL = "; --json lists all"
WIDTH = 12  # columns of the labels of an audit


@click.group(cls=Group)
def data() -> None:
    """List the built-in data sets, download one, or check or audit a folder of images."""


@data.command("list", short_help="List the built-in data sets.", examples=("striate data list",))
def list_sets() -> None:
    """List the built-in data sets with their sizes, descriptions and paths."""
    from striate.data import describe_datasets
    from striate.text import table

    rows = [heads("name", "images", "classes", "description")]
    rows += [
        (known.name, f"{known.images:,}", str(known.classes), translate(known.description))
        for known in describe_datasets()
    ]
    echo("\n".join(table(rows, right=[1, 2])))
    for known in describe_datasets():
        if known.name == "scattered":
            echo(translate("scattered is generated from mnist5k when it is used"))
        elif known.path:
            echo(translate("{name} is in {path}", name=known.name, path=known.path))
        else:
            text = (
                "{name} is not downloaded yet. Training downloads it automatically; to download it now: striate data "
                "download {name}"
            )
            echo(translate(text, name=known.name))


@data.command(short_help="Download a built-in data set.", examples=("striate data download mnist",))
@click.argument("name")
def download(name: str) -> None:
    """Download a built-in data set unless it is already present, and print its path.

    NAME is one of the names that "striate data list" prints. Training downloads its data set automatically.
    """
    from striate.data import download as fetch

    echo(fetch(name))


@data.command(
    short_help="Check a folder of images before training.",
    examples=("striate data scan photos/", "striate data scan images/ --labels labels.csv"),
)
@click.argument("folder")
@options.labels
@click.option(
    "--task", type=options.TASK, help="What --labels contains: one class per image, several labels, or values."
)
@options.label_column
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def scan(folder: str, labels: str | None, task: str | None, label_columns: tuple[str, ...], as_json: bool) -> None:
    """Check a FOLDER of images before training: formats, sizes, unreadable files, duplicates, images per class.

    To find label errors and unusual images, run striate data audit.
    """
    from striate.data.labels import label_file
    from striate.workflows.scan import scan_folder

    found = scan_folder(folder, label_file(labels, task, label_columns))
    if as_json:
        echo_json(found.to_dict())
    else:
        for line in _describe(found):
            echo_line(line)


@data.command(
    short_help="Find label errors, duplicates and unusual images.",
    examples=("striate data audit photos/", "striate data audit photos/ --threshold blurred=0.7"),
)
@click.argument("folder")
@click.option(
    "--out", metavar="FOLDER", type=click.Path(file_okay=False), help="Folder for the results [audits/FOLDER]."
)
@click.option(
    "--base",
    metavar="ID",
    type=options.BASE,
    help="Pretrained network that computes the features [chosen automatically].",
)
@options.labels
@click.option(
    "--task", type=options.TASK, help="What --labels contains: one class per image, several labels, or values."
)
@options.label_column
@click.option(
    "--exclude", metavar="FILE", type=click.Path(dir_okay=False),
    help="CSV file of striate data audit. Images that have an action in it are excluded or relabeled.",
)  # fmt: skip
@options.groups
@click.option(
    "--threshold", "thresholds", multiple=True, metavar="KIND=VALUE",
    help="Threshold for a kind of unusual image, such as blurred=0.7 or tiny=64. Can be repeated.",
)  # fmt: skip
def audit(
    folder: str, out: str | None, base: str | None, labels: str | None, task: str | None,
    label_columns: tuple[str, ...], exclude: str | None, groups: str | None, thresholds: tuple[str, ...],
) -> None:  # fmt: skip
    """Find probable label errors, duplicate images and unusual images in a FOLDER.

    The results are the page audit.html and the table audit.csv. To correct the data, write "exclude" or "relabel" in
    the column "action" of the table, and train with striate train FOLDER --exclude audit.csv. The folder itself is
    never changed.

    For a fast check of files, sizes and images per class, run striate data scan.
    """
    from striate.data.labels import label_file
    from striate.workflows.audit import audit_folder, results_folder, write_audit

    out_folder = results_folder(folder, out)
    described = label_file(labels, task, label_columns)
    result = audit_folder(
        folder, labels=described, base=base, groups=groups, exclude=exclude,
        thresholds=options.key_values(thresholds, "--threshold", "blurred=0.7"),
    )  # fmt: skip
    command = write_audit(result, folder, out_folder, labels=described, groups=groups)
    for line in _describe_audit(result.audit, folder, out_folder, command):
        echo_line(line)


def _describe_audit(audit: "FolderAudit", folder: str, out_folder: Path, command: str) -> Iterator[str]:
    from striate.cli.wording import counted_images, first

    yield f"{folder}: {counted_images(len(audit.names))}"
    if audit.suspicious:
        text = "{n:,} to check; about {share:.1f} % of all labels are probably wrong"
        yield entry("labels", translate(text, n=len(audit.suspicious), share=100 * (audit.rate or 0)), WIDTH)
    elif audit.rate is not None:
        yield entry("labels", translate("no probable errors found"), WIDTH)
    text = "{n:,} pair, {m:,} with different labels" if len(audit.duplicates) == 1 else PAIRS
    yield entry("duplicates", translate(text, n=len(audit.duplicates), m=audit.contradictions), WIDTH)
    kinds = Counter(item.kind for item in audit.unusual)
    found = ", ".join(translate("{n:,} {kind}", n=count, kind=translate(kind)) for kind, count in kinds.items())
    yield entry("unusual", found or translate("none"), WIDTH)
    for issue in audit.common:
        text = (
            "{n:,} of {m:,} images are beyond the threshold {limit:g} for '{kind}', which is usual in this folder. "
            "Only those that stand out from the others are listed."
            if issue.kind in kinds
            else "{n:,} of {m:,} images are beyond the threshold {limit:g} for '{kind}', which is usual in this "
            "folder. None of them stands out from the others, so none is listed."
        )
        limit = audit.thresholds[issue.kind]
        note = translate(text, n=issue.count, m=len(audit.names), kind=issue.kind, limit=limit)
        yield f"{translate('Note:')} {note}"
    yield from first((f"{translate('Note:')} {localized(note)}" for note in audit.notes), "; all are on the page")
    yield entry("page", str(out_folder / "audit.html"), WIDTH)
    yield entry("table", str(out_folder / "audit.csv"), WIDTH)
    if audit.has_findings:
        text = "write 'exclude' or 'relabel' in the column 'action' of the table, then run:"
        yield entry("next", translate(text), WIDTH)
        yield entry("", command, WIDTH)


def _describe(found: "FolderScan") -> Iterator[str]:
    from striate.cli.wording import file_size, first
    from striate.tasks import Task
    from striate.text import scatter, table

    text = "{n:,} images in {m} classes" if found.task is Task.CLASSIFICATION else "{n:,} images with {m} labels"
    if found.targets:
        text = "{n:,} images with {m}"
    counted = translate(text, n=found.images, m=", ".join(found.targets) or len(found.classes))
    yield f"{found.folder}: {counted}, {file_size(found.bytes)}"
    yield entry("formats", ", ".join(f"{name} {count:,}" for name, count in found.formats.items()), 9)
    sizes = (f"{translate(name)} {width}×{height}" for name, (width, height) in found.sizes.items())
    yield entry("sizes", ", ".join(sizes), 9)
    if len(found.size_counts) > 1:
        yield from ["", translate("width (horizontal) and height in pixels; darker cells contain more images")]
        yield from scatter(found.size_counts)
    if found.targets:
        rows = [heads("target", "minimum", "median", "maximum")]
        rows += [(name, *(f"{value:g}" for value in values)) for name, values in found.targets.items()]
    else:
        rows = [heads("class" if found.task is Task.CLASSIFICATION else "label", *(found.parts or ["images"]))]
        rows += [(name, *(f"{count:,}" for count in counts)) for name, counts in found.classes.items()]
    yield from ["", *table(rows, right=range(1, len(rows[0]))), ""]
    identical, near = (
        ("Identical files in more than one class: {names}", "Near-duplicates in more than one class: {names}")
        if found.task is Task.CLASSIFICATION
        else ("Identical files with different labels: {names}", "Near-duplicates with different labels: {names}")
    )
    yield from first((localized(f"Left out: {item.reason}") for item in found.unreadable), ALL)
    yield from first(
        (_line(identical, group) for group in found.conflicts),
        "; --json lists all",
    )
    yield from first((_line("Identical files: {names}", group) for group in found.copies), ALL)
    yield from first(
        (_line(near, group, MAX_NAMES) for group in found.near_conflicts),
        "; --json lists all",
    )
    yield from first(
        (_line("Near-duplicates: {names}", group, MAX_NAMES) for group in found.near_duplicates), "; --json lists all"
    )
    yield from first(map(localized, found.notes), ALL)
    yield from map(localized, found.problems or [found.advice])


def _line(text: str, names: tuple[str, ...], shown: int | None = None) -> str:
    """Return a line on a group, with its names, or the first of them and how many others there are."""
    quoted = ", ".join(f"'{name}'" for name in names[:shown])
    if shown and len(names) > shown:
        quoted = translate("{names} and {n:,} more", names=quoted, n=len(names) - shown)
    return translate(text, names=quoted)
