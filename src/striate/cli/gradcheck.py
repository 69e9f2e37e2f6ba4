"""striate gradcheck: backpropagation against numerical gradients, layer by layer."""

import sys

import click

from striate.text import table

LIMIT = 1e-7


@click.command()
@click.argument("model")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of weights, inputs, targets.")
def gradcheck(model: str, seed: int) -> None:
    """Check MODEL's backpropagation against numerical gradients in float64; fails above a relative error of 1e-7."""
    from striate import zoo
    from striate.engines.gradcheck import check_gradients

    found = check_gradients(zoo.network(model), seed=seed)
    failed = [row for row in found if not row.worst <= LIMIT or not row.checked]
    rows = [("parameter", "checked", "left out at kinks", "largest relative error", "")]
    for row in found:
        verdict = "FAILED" if row in failed else "ok"
        rows.append((row.parameter, str(row.checked), str(row.at_kinks), f"{row.worst:.1e}", verdict))
    click.echo("\n".join(table(rows, right=[1, 2, 3])))
    click.echo(f"{len(found) - len(failed)} of {len(found)} parameters agree within {LIMIT:g}")
    sys.exit(1 if failed else 0)
