"""striate summary: the layers of a network as a table."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from striate.cli import options
from striate.cli.help import Command
from striate.cli.output import echo, echo_json
from striate.errors import UsageError

if TYPE_CHECKING:
    from striate.network import Network


@click.command(
    cls=Command, examples=("striate summary lenet5", "striate summary resnet18 --set input_shape=[128,128,3]")
)
@click.argument("what", metavar="ID|RUN|FILE")
@options.sets
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def summary(what: str, sets: tuple[str, ...], as_json: bool) -> None:
    """Print the layers of a built-in network (ID), of a run, or of a model file.

    --set changes a built-in network, for example --set filters=[8,16,32], hidden=50 or input_shape=[64,64,3].
    """
    from striate.summary import summary_dict

    network = _network(what, options.key_values(sets, example="hidden=50"))
    if as_json:
        echo_json(summary_dict(network))
        return
    show(network)


def _network(what: str, sets: dict[str, str]) -> "Network":
    from striate import zoo
    from striate.systems.registry import SYSTEMS
    from striate.workflows.plan_recipe import parse

    names = zoo.list_models()
    if what not in names and what in (system.id for system in SYSTEMS) and not Path(what).exists():
        raise UsageError(f"'{what}' is an experiment, not a network. Run it with: striate reproduce {what}")
    if what in names or not Path(what).exists():
        return zoo.network(what, **{name: parse(value) for name, value in sets.items()})
    if sets:
        raise UsageError(
            f"--set applies to built-in networks only; the network of the run or file '{what}' cannot be changed."
        )
    if Path(what).is_dir():
        from striate.workflows.trained_model import open_trained_model

        return open_trained_model(what).models[0].network
    from striate.models import load

    return load(what).network


def show(network: "Network") -> None:
    """Print the table of layers, as wide as the terminal allows, and the totals."""
    from striate.summary import summary as summary_text
    from striate.summary import terminal_width

    echo(summary_text(network, terminal_width()))
