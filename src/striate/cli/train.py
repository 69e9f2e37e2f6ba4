"""striate train: from names to a trained network and its report."""

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from striate.processes import current_process

if TYPE_CHECKING:
    from striate.workflows.prepare import PreparedRun
    from striate.workflows.run_record import TrainingRun
    from striate.workflows.train import Result


@click.command()
@click.argument("data", required=False)
@click.option("--model", metavar="ID", help="Train this network, all of it [lenet5; chosen for folders].")
@click.option("--base", metavar="ID", help="Keep this pretrained network as it is, and fit a head to its features.")
@click.option("--fine-tune", is_flag=True, default=None, help="Then train the base too, as far as it helps.")
@click.option("--minutes", type=float, help="How long a folder of photographs may take [any time].")
@click.option("--out", type=click.Path(file_okay=False), help="The run folder [runs/DATA-MODEL].")
@click.option("--epochs", type=int, help="How often every image is seen.")
@click.option("--batch-size", type=int, help="Images for each step.")
@click.option("--learning-rate", type=float, help="The peak of the schedule.")
@click.option("--optimizer", metavar="NAME", help="sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw.")
@click.option("--schedule", metavar="NAME", help="constant, one_cycle, cosine, step, plateau.")
@click.option("--augment", metavar="HOW", help="none, light, standard, strong.")
@click.option("--fit", type=click.Choice(["crop", "pad", "stretch"]), help="How photographs come to size [crop].")
@click.option("--seed", type=int, help="First weights, order, augmentation and dropout [0].")
@click.option("--ensemble", type=int, metavar="K", help="Train K networks, average their probabilities.")
@click.option("--weights", metavar="WHAT", help="Begin with imagenet, or a file: safetensors, a PyTorch state dict.")
@click.option("--resume", metavar="RUN", type=click.Path(), help="Go on with a run, or extend it with --epochs.")
@click.option("--engine", metavar="NAME", help="What computes: numpy, torch [auto].")
@click.option("--device", metavar="NAME", help="Where PyTorch computes: cpu, cuda, cuda:1, mps [auto].")
@click.option("--precision", metavar="NAME", help="How PyTorch computes: float32, bfloat16, float16 [auto].")
@click.option("--deterministic", is_flag=True, default=None, help="The same bits each time, on accelerators too.")
@click.option("--compiled", is_flag=True, default=None, help="Let torch.compile make the kernels.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE",
              help="Any setting of the model or recipe, such as form=functional or label_smoothing=0.1.")  # fmt: skip
@click.option("--tensorboard", is_flag=True, default=None, help="Write curves and graph for TensorBoard too.")
@click.option("--quiet", is_flag=True, help="Print the result only.")
def train(resume: str | None, epochs: int | None, out: str | None, quiet: bool, **asked: Any) -> None:
    """Train a network on DATA: a data set's name, or a folder photos/CLASS/*.jpg or photos/{train,val,test}/CLASS/….

    Without DATA and --model it is LeNet-5 on the 5,000 digits that come with Striate.
    """
    from striate.workflows.train import train as run_training

    quiet = quiet or current_process().rank > 0  # of several processes the first speaks
    job, run = _reopen(resume, epochs, asked | {"out": out}) if resume else _start(epochs, out, asked)
    if not quiet:
        _announce(job, run)
    say = (lambda text: None) if quiet else click.echo
    result = run_training(job, run, verbose=0 if quiet else "auto", say=say)
    if run.written_here:
        _conclude(result)


def _start(epochs: int | None, out: str | None, asked: dict[str, Any]) -> "tuple[PreparedRun, TrainingRun]":
    from striate.cli.sets import key_values
    from striate.engines.choose import EngineSettings
    from striate.workflows.plan import TrainingPlan, make_plan
    from striate.workflows.prepare import prepare
    from striate.workflows.train import agree, begun, check_out, check_place, one_first, reopen, start

    given = {name: value for name, value in asked.items() if value is not None and name != "sets"}
    computing = EngineSettings(
        **{item.name: given.pop(item.name) for item in fields(EngineSettings) if item.name in given}
    )

    def planned() -> tuple[TrainingPlan, Path | None]:
        check_place(given.get("data"), out)
        plan = make_plan(epochs=epochs, sets=key_values(asked["sets"]), computing=computing, **given)
        old = begun(plan, out)
        if old is None:
            check_out(out)
        return plan, old

    plan, old = agree(planned)
    if old is not None:
        return reopen(old)
    job = one_first(lambda: prepare(plan))
    return job, start(job, out)


def _reopen(run: str, epochs: int | None, asked: dict[str, Any]) -> "tuple[PreparedRun, TrainingRun]":
    from striate.workflows.train import reopen

    clashing = [name for name, value in asked.items() if value not in (None, ())]
    if clashing:
        option = {"data": "DATA", "sets": "--set"}.get(clashing[0], f"--{clashing[0].replace('_', '-')}")
        raise click.UsageError(f"--resume goes on as the run was begun: {option} cannot be changed, only --epochs.")
    return reopen(run, epochs)


def _announce(job: "PreparedRun", run: "TrainingRun") -> None:
    from striate.cli.wording import first
    from striate.workflows.report import describe_recipe

    data, network, plan = job.data, job.network, job.plan
    height, width, channels = data.shape
    chosen = "".join(f", {name} {value}" for name, value in plan.settings.items())
    times = f" × {plan.ensemble}, probabilities averaged" if plan.ensemble > 1 else ""
    rows = {
        "model": f"{plan.model}{chosen}{times}: {network.parameter_count:,} parameters, "
                 f"{network.multiply_adds:,} multiply-adds for one image",
        "data": f"{data.name}: {len(data.classes)} classes, {height}×{width}×{channels}; {len(data.train):,} images to "
                f"train, {len(data.validation):,} to validate, {len(data.test):,} to test",
        "recipe": ", ".join(f"{name} {value}" for name, value in describe_recipe(plan).items()),
        "seed": f"{run.recipe.seed}",
        "run": f"{run.path}",
    }  # fmt: skip
    if plan.because:
        rows["model"] += f"\n        because {plan.because}"
    for name, text in rows.items():
        click.echo(f"{name:7} {text}")
    for note in first((*job.notes, *data.notes), "; all are in the report"):
        click.echo(f"note    {note}")
    click.echo()


def _conclude(result: "Result") -> None:
    from striate.cli.wording import accuracy_line

    report = result.report.resolve()
    click.echo(f"\n{accuracy_line(result.evaluation)}, after {result.seconds:.1f} s of training")
    click.echo(f"report  {result.report}\n        {report.as_uri()}")
    click.echo(f"go on   striate predict {result.run.path} PICTURE.png")
