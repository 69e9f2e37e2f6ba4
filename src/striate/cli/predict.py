"""striate predict: what pictures show."""

import json
import sys

import click

from striate.cli.table import lines


@click.command()
@click.argument("trained", metavar="RUN_OR_MODEL")
@click.argument("paths", nargs=-1, required=True, metavar="FILES…")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list and nothing else.")
def predict(trained: str, paths: tuple[str, ...], as_json: bool) -> None:
    """Say what the pictures in FILES and folders show.

    A picture that the network is less sure of than of nearly all validation images is marked unknown.
    """
    from striate.workflows.predict import Fault, Prediction, find
    from striate.workflows.predict import predict as run
    from striate.workflows.trained import open_trained_model

    model = open_trained_model(trained)
    files, faults = find(paths)
    answers = list(run(model, files))
    faults += [answer for answer in answers if isinstance(answer, Fault)]
    known = [answer for answer in answers if isinstance(answer, Prediction)]
    if as_json:
        click.echo(json.dumps([vars(answer) for answer in known], ensure_ascii=False))
    elif known:
        marks = ("", "unknown")
        rows = [(a.path, a.label, f"{100 * a.probability:.1f} %", marks[a.unknown]) for a in known]
        click.echo("\n".join(lines([("picture", "label", "probability", ""), *rows], right=[2])))
    for fault in faults:
        click.echo(f"Skipped: {fault.reason}", err=True)
    sys.exit(1 if faults else 0)
