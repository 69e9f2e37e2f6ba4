"""striate find-lr: suggest a learning rate."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from striate.cli import options
from striate.cli.help import Command
from striate.cli.output import echo, echo_line, echo_message, echo_page, entry, heads
from striate.language import localized, translate
from striate.notebook import can_redraw

if TYPE_CHECKING:
    from striate.training.lr_finder import LearningRateSweep, StepCallback

WIDTH = 70  # characters of the curve


@click.command("find-lr", cls=Command, examples=("striate find-lr photos/ --model resnet18",))
@click.argument("data", required=False)
@click.option("--model", metavar="ID", type=options.MODEL, help="Network to train [as in striate train].")
@click.option(
    "--out", type=click.Path(dir_okay=False), default="find-lr.html", show_default=True, help="HTML file for the plot."
)
@options.batch_size
@options.optimizer
@options.augment
@options.fit
@options.seed
@click.option(
    "--weights", metavar="SOURCE", help="Initial weights: imagenet, or a file (safetensors, PyTorch state dict)."
)
@options.engine
@options.device
@options.precision
@options.sets
def find_lr(data: str | None, model: str | None, out: str, sets: tuple[str, ...], **values: Any) -> None:
    """Suggest a learning rate for a network on DATA.

    During a short training run, the learning rate is increased at each step until the loss diverges. The suggested
    learning rate is the one at which the loss falls fastest. The trained weights are not kept.
    """
    from striate.cli.wording import first, run_lines
    from striate.workflows.find_lr import check_out
    from striate.workflows.find_lr import find_lr as run
    from striate.workflows.plan import make_plan
    from striate.workflows.prepare import prepare
    from striate.workflows.strategy import Method

    given = {name: value for name, value in values.items() if value is not None}
    engine = options.pop_engine_settings(given)
    plan = make_plan(data, model, sets=options.key_values(sets), method=Method.SCRATCH, engine=engine, **given)
    check_out(plan, out)
    prepared = prepare(plan)
    for line in run_lines(prepared):
        echo(line)
    for note in first(map(localized, (*prepared.notes, *prepared.data.notes))):
        echo_line(entry("note", note))
    echo()
    with _progress() as on_step:
        sweep = run(prepared, out, on_step=on_step, echo=echo_message)
    _show(sweep)
    echo_page(Path(out), "plot")


@contextmanager
def _progress() -> "Iterator[StepCallback]":
    """Show a progress bar on a terminal, and a line for every tenth of the steps elsewhere."""
    from rich.progress import Progress

    from striate.training.lr_finder import STEPS

    if not can_redraw(sys.stdout):
        yield _print_step
        return
    with Progress(transient=True) as bar:
        task = bar.add_task("", total=STEPS)
        loss_name = translate("loss")
        yield lambda step, rate, loss: bar.update(
            task, completed=step + 1, description=f"{rate:.1e}  {loss_name} {loss:.3f}"
        )


def _print_step(step: int, rate: float, loss: float) -> None:
    from striate.training.lr_finder import STEPS

    if (step + 1) % (STEPS // 10) == 0:
        text = "step {step}/{steps}  learning rate {rate:.1e}  loss {loss:.3f}"
        echo(translate(text, step=step + 1, steps=STEPS, rate=rate, loss=loss))


def _show(sweep: "LearningRateSweep") -> None:
    from striate.text import sparkline, table

    curve = [sweep.smooth[step * len(sweep.smooth) // WIDTH] for step in range(WIDTH)]
    echo(entry("loss", sparkline(curve, max(curve))))
    ends = f"{sweep.rates[0]:.0e}", f"{sweep.rates[-1]:.0e}"
    echo(entry("rate", f"{ends[0]}{ends[1]:>{WIDTH - len(ends[0])}}\n"))
    rows = [heads("loss", "learning rate")]
    rows += [(translate("falls fastest"), _rate(sweep.steepest)), (translate("is lowest"), _rate(sweep.lowest))]
    rows += [(translate("diverges"), _rate(sweep.diverged))]
    echo("\n".join(table(rows, right=[1])) + "\n")
    if sweep.steepest is None:
        echo(
            translate(
                "The loss hardly decreased at any learning rate. Use larger batches, and check that the images "
                "match their classes."
            )
        )
        return
    echo(translate("suggested: --learning-rate {rate:.2g}", rate=sweep.steepest))


def _rate(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.2g}"
