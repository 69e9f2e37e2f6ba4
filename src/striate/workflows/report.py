"""The report of a run: what was trained on what, gathered for the page."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from striate._types import Array
from striate.engines.weights import initial_weights
from striate.evaluation import Evaluation
from striate.evaluation.report import ReportData, write_report
from striate.model import Model
from striate.network import Network
from striate.training import Recipe, Run
from striate.transfer.open_set import TradeOff
from striate.workflows.extract import FOUND
from striate.workflows.fine_tune import START, TUNED
from striate.workflows.plan import PLATEAU, TrainingPlan
from striate.workflows.prepare import PreparedRun

ALWAYS = {"learning_rate"}  # told even where it is the usual one


def write(
    job: PreparedRun, run: Run, evaluation: Evaluation, model: Model | None = None, trade_offs: Sequence[TradeOff] = ()
) -> None:
    """Write report.html into the run folder; an ensemble has no model of its own, its members have their reports."""
    data, config = job.data, run.config
    first = {} if job.plan.base else initial_weights(job.network, run.recipe.seed) | job.weights
    kernel = _first_kernel(job.network) if model else None
    report = ReportData(
        model=_title(job),
        data=data.name,
        evaluation=evaluation,
        images=data.test.x,
        history=run.read_history(),
        splits={"train": len(data.train), "validation": len(data.validation), "test": len(data.test)},
        notes=(*job.notes, *data.notes),
        recipe=settings(job.plan)
        | _extraction(config)
        | _tuning(config)
        | ({"why": job.plan.because} if job.plan.because else {}),
        versions=config["versions"],
        seed=run.recipe.seed,
        hardware=config["hardware"],
        seconds=config["seconds"],
        started=config["started"],
        filters_before=_weight(first, kernel) if first else None,
        filters_after=_weight(model.weights, kernel) if model else None,
        table=job.network.table(),
        unknown_threshold=config["unknown_threshold"],
        unknown_limit=config.get(FOUND, {}).get("unknown_limit"),
        trade_offs=trade_offs,
    )
    write_report(run.path / "report.html", report)


def settings(plan: TrainingPlan) -> dict[str, str]:
    """A recipe as short texts by name: without the seed, and without what nobody changed."""
    if plan.base and not plan.fine_tune:
        return {"base": f"{plan.base}, ImageNet, as it is"}
    recipe = plan.recipe
    kept = [
        item.name for item in fields(recipe) if item.name != "seed" and getattr(recipe, item.name) not in (None, 0, ())
    ]
    base = {"base": f"{plan.base}, ImageNet, fine-tuned: the upper layers, then all"} if plan.base else {}
    texts = base | {name: _short(recipe, name) for name in kept}
    if plan.weights:
        texts["weights"] = Path(plan.weights).name
    return texts | {"schedule": PLATEAU} if plan.plateau else texts


def _extraction(config: Mapping[str, Any]) -> dict[str, str]:
    """What was found out about the head, as short texts by name."""
    found = config.get(FOUND)
    if not found:
        return {}
    held = found["cross_validated"]
    return {
        "features": found["tap"],
        "head": f"L2 {found['strength']:g}, temperature {found['temperature']:.2f}",
        "held out": f"{100 * held['accuracy']:.2f} % right, loss {held['loss']:.4f}",
    }


def _tuning(config: Mapping[str, Any]) -> dict[str, str]:
    """What fine-tuning came to, stage by stage, on pictures that neither head nor stages learnt from."""
    found = config.get(TUNED)
    if not found:
        return {}
    texts = {
        f"fine-tuning, {name}": f"{100 * figures['accuracy']:.2f} % right, loss {figures['loss']:.4f}"
        for name, figures in found["figures"].items()
    }
    return texts | {
        "decided by": f"{found['held_out']} pictures held out",
        "kept": "the start, which nothing clearly beat" if found["kept"] == START else found["kept"],
        "test, start and kept": " → ".join(f"{100 * found['test'][name]:.2f} %" for name in (START, "kept")),
    }


def _short(recipe: Recipe, name: str) -> str:
    """For example: adam (learning_rate 0.001)."""
    value = getattr(recipe, name)
    if not is_dataclass(value):
        return _number(value)
    inner = told(value)
    title = recipe.to_dict()[name].get("name", "")
    return f"{title} ({inner})" if title and inner else title or inner or "none"


def told(settings: Any) -> str:
    """What is not as usual in a dataclass of settings, for example: rotation 10, zoom 0.9–1.1; empty where all is."""
    kept = [i.name for i in fields(settings) if i.name in ALWAYS or getattr(settings, i.name) != i.default]
    return ", ".join(f"{name} {_number(getattr(settings, name))}" for name in kept)


def _number(value: Any) -> str:
    if value is True:
        return "yes"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return "–".join(map(_number, value))
    return str(value)


def _title(job: PreparedRun) -> str:
    members = job.plan.ensemble
    return job.plan.model if members == 1 else f"{job.plan.model} × {members}"


def _first_kernel(network: Network) -> str | None:
    """The name of the first convolution's kernel (KH, KW, C, O)."""
    return next((p.name for p in network.parameters if p.name.endswith("/kernel") and len(p.shape) == 4), None)


def _weight(weights: Mapping[str, Array], name: str | None) -> Array | None:
    return None if name is None else weights[name]
