"""striate reproduce: run known systems, print measured beside reported figures."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from striate.cli.table import lines

if TYPE_CHECKING:
    from striate.systems.system import System
    from striate.workflows.reproduce import Outcome


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]…")
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="How many trainings of each.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The first seed.")
@click.option("--as-reported", is_flag=True, help="Train by the settings the figures were reported with.")
@click.option("--out", type=click.Path(file_okay=False), default="runs/reproduce", show_default=True,
              help="Where the runs are kept; finished ones are not run again.")  # fmt: skip
@click.option("--data", metavar="FOLDER", help="Photographs FOLDER/CLASS/*.jpg, for the systems that learn from some.")
@click.option("--list", "only_list", is_flag=True, help="Print what there is.")
@click.option("--quiet", is_flag=True, help="Print the results only.")
def reproduce(
    ids: tuple[str, ...], seeds: int, seed: int, as_reported: bool, out: str, data: str | None, only_list: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """Run the systems of these IDs [all], and print what they reach beside what was reported."""
    from striate.workflows.reproduce import Reproduction, write_results

    if only_list:
        _list()
        return
    systems = _choose(ids, data)
    say = (lambda text: None) if quiet else click.echo
    reproduction = Reproduction(
        Path(out), range(seed, seed + seeds), as_reported, data, verbose=0 if quiet else "auto", say=say
    )
    outcomes: list[Outcome] = []
    try:
        for outcome in reproduction.run(systems):
            outcomes.append(outcome)
            path = write_results(Path(out), outcomes, as_reported=as_reported)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("Stopped. Everything is saved; the same command goes on from here.") from None
    _show(outcomes, as_reported)
    click.echo(f"\nresults {path}")
    sys.exit(0 if all(outcome.right for outcome in outcomes) else 1)


def _choose(ids: tuple[str, ...], folder: str | None) -> "list[System]":
    from striate.errors import UsageError
    from striate.systems.known import SYSTEMS, find

    systems = [find(id) for id in dict.fromkeys(ids)] or list(SYSTEMS)
    if folder is not None and not Path(folder).is_dir():
        raise UsageError(f"There is no folder '{folder}'.")
    faults = {system.id: _missing(system, folder) for system in systems}
    missing = {id: fault for id, fault in faults.items() if fault}
    if missing and ids:
        raise UsageError(next(iter(missing.values())))
    for id, fault in missing.items():
        click.echo(f"Note: {id} is left out. {fault}", err=True)
    return [system for system in systems if system.id not in missing]


def _missing(system: "System", folder: str | None) -> str:
    """Why a system's photographs cannot be had; empty where they can, or where it needs none."""
    from striate.errors import DataError
    from striate.workflows.reproduce import place_of

    if not system.data and folder is None and not system.show:
        return f"System '{system.id}' needs a folder of photographs: --data photos/ with photos/CLASS/*."
    try:
        place_of(system, folder)
    except DataError as error:
        return str(error)
    return ""


def _list() -> None:
    from striate.systems.known import SYSTEMS

    rows = [("id", "reported", "what"), *((system.id, system.reported, system.title) for system in SYSTEMS)]
    click.echo("\n".join(lines(rows)))


def _show(outcomes: "list[Outcome]", as_reported: bool) -> None:
    """A table that Markdown can take."""
    rows = [("system", "reported", "measured", "seeds", "what changed")]
    for outcome in outcomes:
        changed = "nothing" if as_reported else outcome.system.difference or "nothing"
        seeds = str(len(outcome.accuracies) or "–")
        rows.append((outcome.name, outcome.reported, outcome.measured, seeds, changed))
    head, *body = (f"| {' | '.join(row)} |" for row in rows)
    click.echo("\n" + "\n".join([head, "|---" * len(rows[0]) + "|", *body]))
