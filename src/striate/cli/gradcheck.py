"""striate gradcheck: compare backpropagation with numerical gradients."""

import sys

import click

from striate.cli.help import Command
from striate.cli.output import echo, heads
from striate.language import translate
from striate.text import table

MAX_RELATIVE_ERROR = 1e-7  # also in the help of the command


@click.command(cls=Command, examples=("striate gradcheck simple-convnet",))
@click.argument("model")
@click.option("--seed", metavar="N", type=click.IntRange(min=0), default=0, show_default=True,
              help="Random seed of weights, inputs and targets.")  # fmt: skip
def gradcheck(model: str, seed: int) -> None:
    """Compare the gradients of MODEL from backpropagation with numerical gradients in float64.

    Up to 40 elements of each parameter are compared, chosen at random. Points at which the loss is not differentiable,
    such as the kink of a ReLU, are skipped. The exit status is 1 if the relative error of a parameter is above 1e-7.
    """
    from striate import zoo
    from striate.engines.gradcheck import check_gradients

    results = check_gradients(zoo.network(model), seed=seed)
    rows = [heads("parameter", "checked", "skipped", "largest relative error", "")]
    passed = 0
    for row in results:
        is_correct = row.checked > 0 and row.max_error <= MAX_RELATIVE_ERROR  # False for NaN
        passed += is_correct
        verdict = translate("ok" if is_correct else "FAILED")
        rows.append((row.parameter, str(row.checked), str(row.skipped), f"{row.max_error:.1e}", verdict))
    echo("\n".join(table(rows, right=[1, 2, 3])))
    text = "{n} of {all} parameters agree within {limit:g}"
    echo(translate(text, n=passed, all=len(results), limit=MAX_RELATIVE_ERROR))
    sys.exit(0 if passed == len(results) else 1)
