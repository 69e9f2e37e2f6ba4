"""striate train: train a classifier and write its report."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from striate.cli import options
from striate.cli.help import Command
from striate.cli.output import echo, echo_line, echo_message, echo_note, echo_page, entry
from striate.language import localized, translate
from striate.processes import current_process

if TYPE_CHECKING:
    from striate._types import Echo
    from striate.transfer.linear_head import Remaining
    from striate.workflows.prepare import PreparedRun
    from striate.workflows.run_record import TrainingRun
    from striate.workflows.train import TrainingResult


@click.command(cls=Command)
@click.argument("data", required=False)
@options.labels
@click.option("--task", type=options.TASK, help="What --labels holds: one class, several labels, numbers.")
@options.label_column
@click.option(
    "--exclude", metavar="FILE", type=click.Path(dir_okay=False),
    help="CSV file of striate data audit: leave out or relabel the images that have an action in it.",
)  # fmt: skip
@options.groups
@click.option("--method", type=options.METHOD, help="How the classifier is trained [auto].")
@click.option(
    "--model",
    metavar="ID",
    type=options.MODEL,
    help="Train this network from scratch; implies --method scratch [lenet5; chosen for folders].",
)
@click.option(
    "--base",
    metavar="BASE",
    type=options.BASE,
    help="A pretrained network, ONNX file, timm/NAME, or auto; implies --method features unless fine-tune is set.",
)
@click.option("--cut", metavar="LAYER", help="Use the base up to this layer only [all layers before its classifier].")
@click.option("--minutes", type=float, help="Time limit for training on a folder, in minutes [none].")
@click.option(
    "--folds",
    type=int,
    metavar="K",
    help="Cross-validate on all images, then train on all; 0: test on 10 % of them [5 if fewer than 1,000 images].",
)
@click.option("--out", type=click.Path(file_okay=False), help="The run folder [runs/DATA-MODEL].")
@click.option("--epochs", type=int, help="Passes over all training images.")
@options.batch_size
@click.option("--learning-rate", type=float, help="Highest learning rate of the schedule.")
@options.optimizer
@options.schedule
@options.augment
@options.fit
@options.seed
@click.option("--ensemble", type=int, metavar="K", help="Train K networks and average their probabilities.")
@click.option(
    "--weights", metavar="WHAT", help="Initial weights: imagenet, or a file (safetensors, PyTorch state dict)."
)
@click.option("--resume", metavar="RUN", type=click.Path(), help="Continue a run; with --epochs, extend it.")
@options.engine
@options.device
@options.training_precision
@click.option("--deterministic", is_flag=True, default=None, help="Bit-identical results on GPUs too, which is slower.")
@click.option("--compiled", is_flag=True, default=None, help="Compile the network with torch.compile.")
@options.sets
@click.option("--tensorboard", is_flag=True, default=None, help="Also write files for TensorBoard.")
@click.option("--quiet", is_flag=True, help="Print only the result.")
def train(resume: str | None, epochs: int | None, out: str | None, quiet: bool, **asked: Any) -> None:
    """Train a network on DATA: a data set's name, or a folder photos/CLASS/*.jpg or photos/{train,val,test}/CLASS/….

    With --labels, the folder may have any structure, and a CSV file has a row for each image: file,label. With --task
    multilabel it holds file,label1;label2 or a column of 0 and 1 for each label, with --task regression file,number.

    Without DATA, LeNet-5 is trained on the 5,000 digits that come with Striate.

    Methods: "features" fits a linear classifier to the features of a pretrained network, "fine-tune" then trains that
    network too, "scratch" trains all weights. "auto" chooses one for a folder and prints why. No other option changes
    the method; an option that does not apply to it is an error.
    """
    from striate.transfer.linear_head import no_time_limit
    from striate.workflows.time_limit import TimeLimit
    from striate.workflows.torchrun import on_rank_0
    from striate.workflows.train import is_finished, long_run_note, reopen
    from striate.workflows.train import train as run_training

    minutes = asked["minutes"]
    limit = TimeLimit.start(minutes) if minutes and minutes > 0 else None
    remaining = limit.remaining if limit else no_time_limit
    quiet = quiet or current_process().rank > 0  # of several processes only the first prints
    if resume:
        _check_resumed(asked | {"out": out})
        if on_rank_0(lambda: is_finished(resume, epochs)):
            if current_process().rank == 0:
                text = "'{run}' is finished, so nothing is left to train. Its report: {report}"
                echo(translate(text, run=resume, report=Path(resume) / "report.html"))
            return
    print_line = (lambda text: None) if quiet else echo_message
    prepared, run = reopen(resume, epochs) if resume else _start(epochs, out, asked, remaining, print_line)
    if limit:
        limit.classes = len(prepared.data.classes)
    if not quiet:
        _announce(prepared, run)
    elif not current_process().rank and (time := long_run_note(prepared, run)):
        echo_note(time, err=True)
    result = run_training(prepared, run, verbose=0 if quiet else "auto", echo=print_line, remaining=remaining)
    if run.written_here:
        _conclude(result)


def _start(
    epochs: int | None, out: str | None, asked: dict[str, Any], remaining: "Remaining", print_line: "Echo"
) -> "tuple[PreparedRun, TrainingRun]":  # fmt: skip
    from striate.cli.options import key_values, take_engine
    from striate.data.labels import label_file, labeled_layout
    from striate.data.layout import Layout
    from striate.workflows.choose_base import AUTO, check_comparison, choose_base
    from striate.workflows.plan import TrainingPlan, is_folder, make_plan
    from striate.workflows.prepare import prepare
    from striate.workflows.torchrun import local_rank_0_first, on_rank_0, run_before_restart
    from striate.workflows.train import check_out, check_run_folder, reopen, start

    given = {name: value for name, value in asked.items() if value is not None and name != "sets"}
    if given.get("precision") == options.INT8:
        given["int8"] = bool(given.pop("precision"))
    engine = take_engine(given)

    layout: Layout | None = None  # read once, by each process that needs it

    def planned() -> tuple[TrainingPlan, Path | None]:
        nonlocal layout
        data = given.get("data")
        check_run_folder(data, out)
        if data and is_folder(data):
            labels = label_file(given.get("labels"), given.get("task"), asked["label_columns"])
            layout = labeled_layout(data, labels)

        def plan_with(base: str | None) -> TrainingPlan:
            options = given | ({"base": base} if base else {})
            return make_plan(epochs=epochs, sets=key_values(asked["sets"]), engine=engine, layout=layout, **options)

        if given.get("base") == AUTO:
            check_comparison(given)
            given.pop("minutes", None)  # it limits the comparison
            given["base"] = choose_base(plan_with, layout, remaining, print_line)
        plan = plan_with(None)
        old = run_before_restart(plan, out)
        if old is None:
            check_out(out)
        return plan, old

    plan, old = on_rank_0(planned)
    if old is not None:
        return reopen(old)
    prepared = local_rank_0_first(lambda: prepare(plan, layout=layout))
    return prepared, start(prepared, out)


def _check_resumed(asked: dict[str, Any]) -> None:
    """Raise UsageError for options that a run to be continued cannot take."""
    clashing = [name for name, value in asked.items() if value not in (None, ())]
    if clashing:
        names = {"data": "DATA", "sets": "--set", "label_columns": "--label-column"}
        option = names.get(clashing[0], f"--{clashing[0].replace('_', '-')}")
        raise click.UsageError(
            f"--resume continues a run with its own settings: {option} cannot be changed, only --epochs."
        )


def _announce(prepared: "PreparedRun", run: "TrainingRun") -> None:
    from striate.cli.wording import first, run_lines
    from striate.workflows.train import long_run_note

    for line in run_lines(prepared):
        echo(line)
    echo(f"{entry('seed', str(run.recipe.seed))}\n{entry('run', str(run.path))}")
    for note in first(map(localized, (*prepared.notes, *prepared.data.notes)), "; all are in the report"):
        echo_line(entry("note", note))
    if time := long_run_note(prepared, run):
        echo_line(entry("time", localized(time)))
    echo()


def _conclude(result: "TrainingResult") -> None:
    from striate.cli.wording import headlines

    first, *more = headlines(result.evaluation)
    echo()
    echo_line(translate("{figures}, after {seconds:.1f} s of training", figures=first, seconds=result.seconds))
    for line in more:
        echo_line(line)
    echo_page(result.report, "report")
    echo(entry("try", f"striate predict {shlex.quote(str(result.run.path))} IMAGE.png"))
