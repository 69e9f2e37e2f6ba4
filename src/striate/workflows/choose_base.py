"""Choose the base among several by cross-validation on the user's images."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from striate import zoo
from striate._types import Echo
from striate.data import Dataset
from striate.data.layout import Layout
from striate.downloads import cache_folder
from striate.errors import UsageError
from striate.processes import cores
from striate.tasks import Task
from striate.time_limit import Remaining
from striate.transfer.bases import Base
from striate.transfer.extraction import fit_on_features, fit_task_on_features
from striate.workflows.plan import TrainingPlan
from striate.workflows.plan_checks import check_values
from striate.workflows.prepare import prepare
from striate.workflows.strategy import BASE, EXTRACTION_SECONDS, describe_seconds

AUTO = "auto"


def ready_bases() -> tuple[str, ...]:
    """Return the bases whose weights are installed or have been downloaded, from the cheapest on."""
    ready = []
    for id in zoo.list_bases():
        weights = zoo.get_architecture(id).weights
        assert weights is not None
        downloaded = (cache_folder() / "weights" / weights.file).is_file()
        if downloaded if not weights.package else find_spec(weights.package) is not None:
            ready.append(id)
    return tuple(sorted(ready, key=lambda id: zoo.network(id).multiply_adds))


def check_comparison(options: Mapping[str, Any]) -> None:
    """Check the options of `striate train --base auto`.

    Args:
        options: The options by name.

    Raises:
        UsageError: If an option is for one base only, or the time limit is not positive.
    """
    if wrong := [name for name in ("weights", "cut") if options.get(name) is not None]:
        raise UsageError(f"--base auto compares several bases, and --{wrong[0]} is for one: leave out one of them.")
    check_values(None, options.get("minutes"), tensorboard=False)


def choose_base(
    make_plan: Callable[[str], TrainingPlan], layout: Layout | None, remaining: Remaining, echo: Echo
) -> str:
    """Fit a head to the features of each base that is ready, and choose the one with the least held-out loss.

    Features are cached, so training with the chosen base computes nothing again.

    Args:
        make_plan: Returns the plan with a base.
        layout: The files of the folder, before corrections.
        remaining: Returns how many seconds are left; bases that would take longer are left out.
        echo: Prints one line.

    Returns:
        The id of the base.

    Raises:
        UsageError: If no base is ready.
    """
    candidates = ready_bases()
    if not candidates:
        raise UsageError(
            'None of the bases that --base auto compares is installed: pip install "striate[bases]", or choose one '
            "with --base, which downloads it."
        )
    usual = zoo.network(BASE).multiply_adds  # to which EXTRACTION_SECONDS refer
    losses: dict[str, float] = {}
    for id in candidates:
        plan = make_plan(id)
        work = zoo.network(id).multiply_adds
        images = len(layout.files) if layout else 0
        seconds = images * EXTRACTION_SECONDS[max(EXTRACTION_SECONDS)] * work / usual / cores()
        if losses and seconds > remaining():
            echo(f"Base {id}: left out, because it would take about {describe_seconds(seconds)}")
            continue
        prepared = prepare(plan, layout=layout)
        assert prepared.base is not None
        losses[id], quality = _judge(prepared.base, prepared.data, prepared.plan.folds)
        echo(f"Base {id}: {quality}")
    best = min(losses, key=lambda id: losses[id])
    echo(f"Base {best} is used: it has the lowest loss in cross-validation")
    return best


def _judge(base: Base, data: Dataset, folds: int | None) -> tuple[float, str]:
    """Return the held-out loss of the chosen head on a base, and a text about it."""
    if data.task is Task.CLASSIFICATION:
        fitted = fit_on_features(base, data, folds).fitted
        loss = float(fitted.loss)
        return loss, f"cross-validation accuracy {100 * fitted.accuracy:.2f} %, loss {loss:.3f}"
    loss = float(fit_task_on_features(base, data).fitted.loss)
    return loss, f"cross-validation loss {loss:.4f}"
