"""striate train: train a classifier and write its report."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    from striate.data.layout import Layout
    from striate.engines.choose import EngineSettings
    from striate.time_limit import Remaining
    from striate.workflows.plan import TrainingPlan
    from striate.workflows.prepare import PreparedRun
    from striate.workflows.run_record import TrainingRun
    from striate.workflows.train import TrainingResult


@click.command(
    cls=Command,
    examples=(
        "striate train",
        "striate train photos/",
        "striate train photos/ --model resnet18 --epochs 60 --out runs/first",
        "striate train images/ --labels labels.csv --task multilabel",
    ),
)
@click.argument("data", required=False)
@options.labels
@click.option(
    "--task", type=options.TASK, help="What --labels contains: one class per image, several labels, or values."
)
@options.label_column
@click.option(
    "--exclude", metavar="FILE", type=click.Path(dir_okay=False),
    help="CSV file of striate data audit. Images that have an action in it are excluded or relabeled.",
)  # fmt: skip
@options.groups
@click.option("--method", type=options.METHOD, help="How the classifier is trained [auto].")
@click.option(
    "--model",
    metavar="ID",
    type=options.MODEL,
    help="Built-in network; all its weights are trained, from random values or from --weights. Implies --method "
    "scratch [lenet5; chosen automatically for folders].",
)
@click.option(
    "--base",
    metavar="BASE",
    type=options.BASE,
    help="Pretrained base: an ID, an ONNX file or timm/NAME; auto compares several. Implies --method features by "
    "default.",
)
@click.option("--cut", metavar="LAYER", help="Last layer of the base that is used [the one before its classifier].")
@click.option(
    "--minutes",
    metavar="N",
    type=float,
    help="Time limit for training on a folder, in minutes; not for --method scratch [none].",
)
@click.option(
    "--folds",
    type=int,
    metavar="K",
    help="Number of cross-validation folds; 0: test on 10 % of the images instead [5 for fewer than 1,000 images].",
)
@click.option(
    "--out", metavar="FOLDER", type=click.Path(file_okay=False), help="Run folder to create [runs/DATA-MODEL]."
)
@click.option("--epochs", metavar="N", type=int, help="Number of passes over the training images.")
@options.batch_size
@click.option("--learning-rate", metavar="N", type=float, help="Peak learning rate of the schedule, above 0.")
@options.optimizer
@options.schedule
@options.augment
@options.fit
@options.seed
@click.option("--ensemble", type=int, metavar="K", help="Train K networks and average their probabilities.")
@click.option(
    "--weights", metavar="SOURCE", help="Initial weights: imagenet, or a file (safetensors, PyTorch state dict)."
)
@click.option(
    "--resume", metavar="RUN", type=click.Path(), help="Resume a run; with --epochs, train it for more epochs."
)
@options.engine
@options.device
@options.training_precision
@click.option(
    "--deterministic",
    is_flag=True,
    default=None,
    help="Use deterministic GPU algorithms: bit-identical results, but slower.",
)
@click.option("--torch-compile", is_flag=True, default=None, help="Compile the network with torch.compile.")
@options.sets
@click.option("--tensorboard", is_flag=True, default=None, help="Also write TensorBoard logs.")
@click.option("--quiet", is_flag=True, help="Print only the result.")
def train(resume: str | None, epochs: int | None, out: str | None, quiet: bool, **values: Any) -> None:
    """Train a network on DATA and write a report.

    DATA is the name of a built-in data set, or a folder with the images of each class in a subfolder:
    photos/CLASS/*.jpg, or photos/{train,val,test}/CLASS/*.jpg if the images are already split. Without DATA, LeNet-5
    is trained on mnist5k, 5,000 digits that are included in Striate.

    With --labels, the folder can have any structure. The labels are read from a CSV file with a row for each image:
    file,label. For --task multilabel, a row is file,label1;label2, or has a column of 0 and 1 for each label. For
    --task regression, a row is file,value.

    Methods: "features" fits a linear classifier to the features of a pretrained network. "fine-tune" then trains
    the pretrained network too. "scratch" trains all weights of a built-in network, from random values or from
    --weights. "auto" chooses a method for a folder and prints the reason. No other option changes the method; an
    option that does not apply to the method is an error.
    """
    if values["data"] == "mnist":
        from striate.data.mnist import read_ahead

        read_ahead()  # while the modules below are imported
    from striate.time_limit import TimeLimit, no_time_limit
    from striate.workflows.run_folder import is_finished, long_run_note, reopen
    from striate.workflows.torchrun import on_rank_0
    from striate.workflows.train import train as run_training

    minutes = values["minutes"]
    limit = TimeLimit.start(minutes) if minutes and minutes > 0 else None
    remaining = limit.remaining if limit else no_time_limit
    quiet = quiet or current_process().rank > 0  # in distributed training, only rank 0 prints
    if resume:
        _check_resumed(values | {"out": out})
        if on_rank_0(lambda: is_finished(resume, epochs)):
            if current_process().rank == 0:
                text = "'{run}' is already finished, so its images are not read again. Report: {report}"
                echo(translate(text, run=resume, report=Path(resume) / "report.html"))
            return
    print_line = (lambda text: None) if quiet else echo_message
    if resume:
        prepared, run = reopen(resume, epochs)
    else:
        chosen = _TrainOptions.read(epochs, values)
        prepared, run = _start(chosen, out, remaining, print_line)
    if limit:
        limit.classes = len(prepared.data.classes)  # known only now
    if not quiet:
        _announce(prepared, run, () if resume else (_rate_note(chosen, prepared), None if out else _name_note(run)))
    elif not current_process().rank and (note := long_run_note(prepared, run)):
        echo_note(note, err=True)
    result = run_training(prepared, run, verbose=0 if quiet else "auto", echo=print_line, remaining=remaining)
    if run.written_here:
        _conclude(result)


@dataclass(frozen=True)
class _TrainOptions:
    """The options of the command, without --resume, --out and those about output.

    Attributes:
        given: The options that are set, by the names of the parameters of `make_plan`.
        engine: Which engine computes, and how.
        sets: The values of --set.
        epochs: Passes over all training images; None for the usual number.
    """

    given: dict[str, Any]
    engine: "EngineSettings"
    sets: tuple[str, ...]
    epochs: int | None

    @classmethod
    def read(cls, epochs: int | None, values: Mapping[str, Any]) -> "_TrainOptions":
        """Divide the values of all options, of which some are None."""
        given = {name: value for name, value in values.items() if value is not None and name != "sets"}
        if given.get("precision") == options.INT8:
            del given["precision"]
            given["int8"] = True
        engine = options.pop_engine_settings(given)
        return cls(given, engine, values["sets"], epochs)


def _start(
    values: _TrainOptions, out: str | None, remaining: "Remaining", print_line: "Echo"
) -> "tuple[PreparedRun, TrainingRun]":
    """Plan and begin a run, or reopen the one that was begun before torchrun restarted the processes."""
    from striate.workflows.prepare import prepare
    from striate.workflows.run_folder import check_out, reopen, start
    from striate.workflows.torchrun import local_rank_0_first, on_rank_0, only_on_rank_0, run_before_restart

    layout = only_on_rank_0(lambda: _read_layout(values, out))
    plan = on_rank_0(lambda: _make_plan(values, layout, remaining, print_line))
    if interrupted := on_rank_0(lambda: run_before_restart(plan, out)):
        return reopen(interrupted)
    on_rank_0(lambda: check_out(out))
    prepared = local_rank_0_first(lambda: prepare(plan, layout=layout))
    return prepared, start(prepared, out)


def _read_layout(values: _TrainOptions, out: str | None) -> "Layout | None":
    """Return the files of the folder to train on; None for a data set with a name."""
    from striate.data.labels import label_file, labeled_layout
    from striate.workflows.plan import is_folder
    from striate.workflows.run_folder import check_run_folder

    given = values.given
    data = given.get("data")
    check_run_folder(data, out)
    if not data or not is_folder(data):
        return None
    return labeled_layout(data, label_file(given.get("labels"), given.get("task"), given["label_columns"]))


def _make_plan(
    values: _TrainOptions, layout: "Layout | None", remaining: "Remaining", print_line: "Echo"
) -> "TrainingPlan":
    """Make the plan; with --base auto, compare the bases first, to which --minutes then applies."""
    from striate.workflows.choose_base import AUTO, check_comparison, choose_base
    from striate.workflows.plan import TrainingPlan, make_plan

    sets = options.key_values(values.sets)

    def plan_with(**changed: Any) -> TrainingPlan:
        return make_plan(epochs=values.epochs, sets=sets, engine=values.engine, layout=layout, **values.given | changed)

    if values.given.get("base") != AUTO:
        return plan_with()
    check_comparison(values.given)
    base = choose_base(lambda id: plan_with(base=id, minutes=None), layout, remaining, print_line)
    return plan_with(base=base, minutes=None)


def _check_resumed(values: Mapping[str, Any]) -> None:
    """Raise UsageError for options that cannot be combined with --resume."""
    clashing = [name for name, value in values.items() if value not in (None, ())]
    if clashing:
        names = {"data": "DATA", "sets": "--set", "label_columns": "--label-column"}
        option = names.get(clashing[0], f"--{clashing[0].replace('_', '-')}")
        raise click.UsageError(
            f"--resume continues a run with its own settings: {option} cannot be changed, only --epochs."
        )


def _rate_note(chosen: _TrainOptions, prepared: "PreparedRun") -> str | None:
    """Return a note if the learning rate is the default of an optimizer that the recipe is not made for."""
    from striate.engines.optimizers import get_optimizer

    name, optimizer = chosen.given.get("optimizer"), prepared.plan.recipe.optimizer
    if name is None or "learning_rate" in chosen.given or optimizer != get_optimizer(name):
        return None
    return (
        f"The learning rate {optimizer.rate_at(0):g} is the default of {name}; the recipe of this network has none for "
        "it. Set --learning-rate, or find one with striate find-lr."
    )


def _name_note(run: "TrainingRun") -> str | None:
    """Return a note on the number at the end of the run folder's name, if it has one."""
    from striate.workflows.torchrun import run_name

    usual = run.path.with_name(run_name(run.record.plan))
    return None if run.path == usual else f"'{usual}' exists, so this run has a number. Choose a name with --out."


def _announce(prepared: "PreparedRun", run: "TrainingRun", more: Iterable[str | None] = ()) -> None:
    from striate.cli.wording import first, run_lines
    from striate.workflows.run_folder import long_run_note

    for line in run_lines(prepared):
        echo(line)
    echo(f"{entry('seed', str(run.recipe.seed))}\n{entry('run', str(run.path))}")
    for note in filter(None, more):
        echo_line(entry("note", localized(note)))
    for note in first(map(localized, (*prepared.notes, *prepared.data.notes)), "; all are in the report"):
        echo_line(entry("note", note))
    if duration_note := long_run_note(prepared, run):
        echo_line(entry("time", localized(duration_note)))
    echo()


def _conclude(result: "TrainingResult") -> None:
    from striate.cli.wording import headlines, uncertain_line

    first, *more = headlines(result.evaluation)
    echo()
    echo_line(translate("{metrics}, after {seconds:.1f} s of training", metrics=first, seconds=result.seconds))
    for line in filter(None, [*more, uncertain_line(result.evaluation)]):
        echo_line(line)
    echo_page(result.report, "report")
    echo(entry("try", f"striate predict {shlex.quote(str(result.run.path))} IMAGE.png"))
