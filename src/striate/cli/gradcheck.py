"""striate gradcheck: compare backpropagation with numerical gradients."""

import sys

import click

from striate.cli.help import Command
from striate.cli.output import echo, heads
from striate.language import translate
from striate.text import table

LIMIT = 1e-7


@click.command(cls=Command)
@click.argument("model")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Random seed of weights, inputs and targets.")  # fmt: skip
def gradcheck(model: str, seed: int) -> None:
    """Compare the gradients of MODEL from backpropagation with numerical gradients in float64.

    Points at which the loss is not differentiable, such as the kink of a ReLU, are skipped. The exit status is 1 if the
    relative error of a parameter is above 1e-7.
    """
    from striate import zoo
    from striate.engines.gradcheck import check_gradients

    results = check_gradients(zoo.network(model), seed=seed)
    failed = [row for row in results if not row.max_error <= LIMIT or not row.checked]
    rows = [heads("parameter", "checked", "skipped", "largest relative error", "")]
    for row in results:
        verdict = translate("FAILED" if row in failed else "ok")
        rows.append((row.parameter, str(row.checked), str(row.skipped), f"{row.max_error:.1e}", verdict))
    echo("\n".join(table(rows, right=[1, 2, 3])))
    text = "{n} of {all} parameters agree within {limit:g}"
    echo(translate(text, n=len(results) - len(failed), all=len(results), limit=LIMIT))
    sys.exit(1 if failed else 0)
