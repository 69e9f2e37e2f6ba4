"""The report of a run: what was trained on what, gathered for the page."""

from collections.abc import Mapping
from typing import Any

from striate.engines.base import Array
from striate.engines.weights import initial_weights
from striate.evaluation import Evaluation
from striate.evaluation.report import ReportData, write_report
from striate.jobs.prepare import Job
from striate.model import Model
from striate.network import Network
from striate.training import Recipe, Run


def write(job: Job, run: Run, evaluation: Evaluation, model: Model | None = None) -> None:
    """Write report.html into the run folder; an ensemble has no model of its own, its members have their reports."""
    data, config = job.data, run.config
    kernel = _first_kernel(job.network) if model else None
    report = ReportData(
        model=_title(job),
        data=data.name,
        evaluation=evaluation,
        images=data.test.x,
        history=run.read_history(),
        splits={"train": len(data.train), "validation": len(data.validation), "test": len(data.test)},
        notes=data.notes,
        recipe=settings(run.recipe),
        versions=config["versions"],
        seed=run.recipe.seed,
        hardware=config["hardware"],
        seconds=config["seconds"],
        started=config["started"],
        filters_before=_weight(initial_weights(job.network, run.recipe.seed), kernel),
        filters_after=_weight(model.weights, kernel) if model else None,
        table=job.network.table(),
        unknown_threshold=config["unknown_threshold"],
    )
    write_report(run.path / "report.html", report)


def settings(recipe: Recipe) -> dict[str, Any]:
    """A recipe as short texts by name, without the seed."""
    plain = {name: value for name, value in recipe.to_dict().items() if name != "seed" and value not in (None, 0.0)}
    return {name: _short(value) if isinstance(value, dict) else value for name, value in plain.items()}


def _short(part: Mapping[str, Any]) -> str:
    inner = ", ".join(f"{key} {_number(value)}" for key, value in part.items() if key != "name" and value)
    name = part.get("name")
    return f"{name} ({inner})" if name and inner else name or inner or "none"


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "–".join(map(_number, value))
    return str(value)


def _title(job: Job) -> str:
    members = job.plan.ensemble
    return job.plan.model if members == 1 else f"{job.plan.model} × {members}"


def _first_kernel(network: Network) -> str | None:
    """The name of the first convolution's kernel (KH, KW, C, O)."""
    return next((p.name for p in network.parameters if p.name.endswith("/kernel") and len(p.shape) == 4), None)


def _weight(weights: Mapping[str, Array], name: str | None) -> Array | None:
    return None if name is None else weights[name]
