"""Find a learning rate for a network on its data."""

import os
from pathlib import Path

from striate._types import Echo
from striate.errors import UsageError
from striate.evaluation.report import write_lr_page
from striate.processes import cores
from striate.training.lr_finder import STEPS, LearningRateSweep, StepCallback, sweep_learning_rate
from striate.training.recipe_training import compile_with_recipe
from striate.workflows.plan import TrainingPlan, is_folder
from striate.workflows.plan_checks import check_outside
from striate.workflows.prepare import PreparedRun, make_model
from striate.workflows.run_folder import LONG_SECONDS
from striate.workflows.run_record import describe_engine, explain_engine
from striate.workflows.strategy import describe_seconds, training_seconds


def check_out(plan: TrainingPlan, out: str | os.PathLike[str]) -> None:
    """Check the path of the plot before the data are loaded.

    Args:
        plan: The plan.
        out: The path.

    Raises:
        UsageError: If it is not an HTML page, or is inside the folder of images.
    """
    if Path(out).suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"The plot is an HTML page: --out must end in .html; received '{out}'.")
    if is_folder(plan.data):
        check_outside(out, plan.data)


def find_lr(
    prepared: PreparedRun,
    out: str | os.PathLike[str],
    *,
    on_step: StepCallback | None = None,
    echo: Echo = print,
) -> LearningRateSweep:
    """Sweep the learning rate over the training batches from initial weights, and write the page with the plot.

    Args:
        prepared: The prepared run.
        out: Where the page is written.
        on_step: Called with each step, its learning rate and its loss.
        echo: Called with a line that names the engine.

    Returns:
        What the sweep found.
    """
    plan = prepared.plan
    model, reason = make_model(prepared)
    train = compile_with_recipe(model, plan.recipe, prepared.data)
    echo(describe_engine(model.engine, explain_engine(reason, plan, model.engine)))
    passes = STEPS * plan.recipe.batch_size
    seconds = training_seconds(passes, prepared.network, model.engine.accelerator, cores())
    if seconds > LONG_SECONDS:
        echo(f"The search takes about {describe_seconds(seconds)}. A smaller --batch-size takes less time.")
    sweep = sweep_learning_rate(model, plan.recipe, train, on_step=on_step)
    write_lr_page(out, sweep, plan.model, prepared.data.name)
    return sweep
