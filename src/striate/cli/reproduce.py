"""striate reproduce: run known systems and compare measured with reported figures."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from striate.cli.help import Command
from striate.cli.output import echo, echo_message, echo_note, echo_page, entry, heads
from striate.language import localized, translate
from striate.text import table

if TYPE_CHECKING:
    from striate.systems.system import System
    from striate.workflows.reproduce import Outcome


@click.command(cls=Command, examples=("striate reproduce --list", "striate reproduce lenet5"))
@click.argument("ids", nargs=-1, metavar="[ID]…")
@click.option(
    "--seeds",
    metavar="K",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Number of training runs of each system.",
)
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Random seed of the first run.",
)
@click.option("--as-reported", is_flag=True, help="Use the training recipes of the reported results.")
@click.option("--out", metavar="FOLDER", type=click.Path(file_okay=False), default="runs/reproduce", show_default=True,
              help="Folder for the runs; finished runs in it are reused.")  # fmt: skip
@click.option(
    "--data", metavar="FOLDER", help="Folder of photographs, FOLDER/CLASS/*.jpg, for the systems that need them."
)
@click.option("--list", "only_list", is_flag=True, help="List the systems and exit.")
@click.option("--quiet", is_flag=True, help="Print only the results.")
def reproduce(
    ids: tuple[str, ...], seeds: int, seed: int, as_reported: bool, out: str, data: str | None, only_list: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """Train known systems (default: all) and compare measured with reported results."""
    from striate.workflows.reproduce import Reproduction, write_results

    if only_list:
        _list()
        return
    systems = _select(ids, data)
    print_line = (lambda text: None) if quiet else echo_message
    reproduction = Reproduction(
        Path(out), range(seed, seed + seeds), as_reported, data, verbose=0 if quiet else "auto", echo=print_line
    )
    outcomes: list[Outcome] = []
    try:
        for outcome in reproduction.run(systems):
            outcomes.append(outcome)
            path = write_results(Path(out), outcomes, as_reported=as_reported)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Stopped. All progress is saved; the same command continues from here.") from None
    _print_table(outcomes, as_reported)
    echo()
    for outcome in outcomes:
        if outcome.page:
            echo_page(outcome.page)
    echo(entry("results", str(path)))
    sys.exit(0 if all(outcome.passed for outcome in outcomes) else 1)


def _select(ids: tuple[str, ...], folder: str | None) -> "list[System]":
    """Return the systems to run; without ids, those whose data are available."""
    from striate.errors import UsageError
    from striate.systems.registry import SYSTEMS, get_system

    systems = [get_system(id) for id in dict.fromkeys(ids)] or list(SYSTEMS)
    if folder is not None and not Path(folder).is_dir():
        raise UsageError(f"There is no folder '{folder}'.")
    problems = {system.id: _missing_data(system, folder) for system in systems}
    problems = {id: problem for id, problem in problems.items() if problem}
    if problems and ids:
        raise UsageError(next(iter(problems.values())))
    for id, problem in problems.items():
        echo_note(f"{id} is skipped. {problem}", err=True)
    return [system for system in systems if system.id not in problems]


def _missing_data(system: "System", folder: str | None) -> str:
    """Return why a system's photographs are not available; empty if they are, or if it needs none."""
    from striate.errors import DataError
    from striate.workflows.reproduce import data_location

    if not system.data and folder is None and not system.demo:
        return f"System '{system.id}' needs a folder of photographs with a subfolder for each class: --data FOLDER."
    try:
        data_location(system, folder)
    except DataError as error:
        return str(error)
    return ""


def _list() -> None:
    from striate.systems.registry import SYSTEMS

    rows = [heads("id", "reported", "system")]
    rows += [(system.id, translate(system.reported), translate(system.title)) for system in SYSTEMS]
    echo("\n".join(table(rows)))


def _print_table(outcomes: "list[Outcome]", as_reported: bool) -> None:
    """Print the results, and how the recipes differ from the reported ones."""
    rows = [heads("system", "reported", "measured", "training runs", "differences in the recipe")]
    for outcome in outcomes:
        difference = "none" if as_reported else outcome.system.difference or "none"
        seeds = str(len(outcome.accuracies) or "–")
        reported, difference = translate(outcome.reported), "; ".join(map(_difference, difference.split("; ")))
        rows.append((outcome.name, reported, localized(outcome.measured), seeds, difference))
    echo("\n" + "\n".join(table(rows, right=[3])))


def _difference(text: str) -> str:
    """Return what differs, a list with commas, in the language of the terminal."""
    whole = localized(text)
    return whole if whole != text else ", ".join(map(localized, text.split(", ")))
