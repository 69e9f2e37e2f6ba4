"""striate summary: the layers of a network as a table."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from striate.cli.help import Command
from striate.cli.output import echo, echo_json

if TYPE_CHECKING:
    from striate.network import Network


@click.command(cls=Command)
@click.argument("what", metavar="ID|RUN|FILE")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def summary(what: str, as_json: bool) -> None:
    """Print the layers of a built-in network (ID), of a run, or of a model file."""
    from striate.summary import summary_dict

    network = _network(what)
    if as_json:
        echo_json(summary_dict(network))
        return
    show(network)


def _network(what: str) -> "Network":
    from striate import zoo

    if what in zoo.names() or not Path(what).exists():
        return zoo.network(what)
    from striate.workflows.trained_model import open_trained_model

    return open_trained_model(what).models[0].network


def show(network: "Network") -> None:
    """Print the table of layers, as wide as the terminal allows, and the totals."""
    from striate.summary import summary as summary_text
    from striate.summary import terminal_width

    echo(summary_text(network, terminal_width()))
