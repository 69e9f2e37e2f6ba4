"""Collect the contents of a run's HTML report, and describe recipes in a few words."""

from collections.abc import Mapping
from pathlib import Path

from striate._types import Array
from striate.data import Dataset
from striate.engines.initialization import initial_weights
from striate.evaluation import Bin
from striate.evaluation.label_cards import MAX_LABELS, LabelCard, label_card
from striate.evaluation.report import Attempt, ReportData, write_report
from striate.evaluation.tasks import AnyEvaluation
from striate.models import Model
from striate.network import Network
from striate.tasks import Task
from striate.training.recipe import describe_settings
from striate.transfer.open_set import OpenSetDetector, OpenSetFindings
from striate.workflows.extract_features import HEADS, describe_base, describe_layer
from striate.workflows.plan import TrainingPlan
from striate.workflows.plan_recipe import PLATEAU
from striate.workflows.prepare import PreparedRun
from striate.workflows.run_record import START, ExtractionFindings, FineTuningFindings, Score, TrainingRun
from striate.workflows.strategy import Method


def write_run_report(
    prepared: PreparedRun, run: TrainingRun, evaluation: AnyEvaluation, model: Model | None = None,
    open_set: OpenSetFindings | None = None, uncalibrated: tuple[Bin, ...] = (),
) -> None:  # fmt: skip
    """Write report.html into a run folder.

    Args:
        prepared: Plan, data and network of the run.
        run: The run folder.
        evaluation: Metrics on the test images.
        model: The trained model; None for an ensemble, whose members have their own reports.
        open_set: Which of the evaluated images are unknown by their distance; None if only the probability is used.
        uncalibrated: The evaluated images by the probability that they had before calibration.
    """
    data, record, plan = prepared.data, run.record, prepared.plan
    initial = {} if plan.base else initial_weights(prepared.network, run.recipe.seed) | prepared.weights
    kernel = _first_kernel(prepared.network) if model else None
    has_detector = open_set is not None or (model is not None and OpenSetDetector.from_extras(model.extras) is not None)
    report = ReportData(
        model=_title(plan),
        data=data.name,
        evaluation=evaluation,
        method=_method_key(plan, record.fine_tuning),
        images=prepared.evaluated.x,
        history=run.read_history(),
        splits={
            name: len(part)
            for name, part in (("train", data.train), ("validation", data.validation), ("test", data.test))
            if len(part)
        },
        notes=(*prepared.notes, *data.notes),
        recipe=describe_recipe(plan)
        | _describe_extraction(record.extraction, plan.task)
        | _describe_fine_tuning(record.fine_tuning, plan.task)
        | _describe_folds(plan)
        | ({"why": plan.because} if plan.because else {}),
        attempts=_attempts(record.extraction),
        not_tried=record.extraction.not_tried if record.extraction else None,
        versions=record.versions,
        seed=run.recipe.seed,
        hardware=record.hardware,
        seconds=run.total_seconds,
        started=record.started,
        filters_before=_weight(initial, kernel) if initial else None,
        filters_after=_weight(model.named_weights, kernel) if model else None,
        table=prepared.network.table(),
        unknown_threshold=None if has_detector else record.unknown_threshold,
        open_set=open_set,
        suspicious=_suspicious(data, record.extraction),
        uncalibrated=uncalibrated,
    )
    write_report(run.path / "report.html", report)


def _describe_folds(plan: TrainingPlan) -> dict[str, str]:
    """Return which networks cross-validation trained, as a short text by name."""
    if not plan.trains_folds or not plan.folds:
        return {}
    first = plan.recipe.seed + 1
    return {"folds": f"{plan.folds} trainings, seeds {first} to {first + plan.folds - 1}, each without one fold"}


def _method_key(plan: TrainingPlan, tuning: FineTuningFindings | None) -> str:
    if not plan.base:
        return "scratch"
    return "tuned" if tuning and tuning.kept != START else "features"


def _suspicious(data: Dataset, found: ExtractionFindings | None) -> list[LabelCard] | None:
    """Return cards of the labels that are probably wrong; None if they were not checked."""
    if found is None:
        return None
    train, validation = data.train, data.validation
    cards = []
    for item in found.suspicious[:MAX_LABELS]:
        part, row = (train, item.index) if item.index < len(train) else (validation, item.index - len(train))
        cards.append(label_card(item, part.names[row] if part.names else "", part.x[row]))
    return cards


def describe_recipe(plan: TrainingPlan) -> dict[str, str]:
    """Describe the recipe of a plan.

    Args:
        plan: The plan.

    Returns:
        Short texts by name, without the seed and unused settings.
    """
    if plan.method is Method.FEATURES:
        balanced = ", all classes count the same" if plan.recipe.class_weights else ""
        return {"base": f"{describe_base(plan)}, frozen", _head_name(plan.task): f"{HEADS[plan.task]}{balanced}"}
    base = {"base": f"{describe_base(plan)}, fine-tuned"} if plan.base else {}
    texts = base | describe_settings(plan.recipe)
    if plan.weights and not plan.base:
        texts["weights"] = Path(plan.weights).name
    return texts | {"schedule": PLATEAU} if plan.plateau else texts


def _head_name(task: Task) -> str:
    return "head" if task is Task.REGRESSION else "classifier"


def _describe_extraction(found: ExtractionFindings | None, task: Task) -> dict[str, str]:
    """Return the results of fitting the head as short texts by name."""
    if not found:
        return {}
    temperature = f", temperature {found.temperature:.2f}" if task is Task.CLASSIFICATION else ""
    return {
        "features": describe_layer(found.layer),
        _head_name(task): f"{HEADS[task]}, L2 penalty {found.penalty:.3g}{temperature}",
        "cross-validation": _describe_score(found.cross_validated),
    }


def _attempts(found: ExtractionFindings | None) -> list[Attempt]:
    """Return what is recorded of the features that were tried, that of the last layer first."""
    if found is None:
        return []
    last = next(iter(found.loss_by_layer))
    return [
        Attempt(
            features=describe_layer(layer),
            accuracy=found.accuracy_by_layer.get(layer),
            loss=loss,
            difference=None if layer == last else loss - found.loss_by_layer[last],
            standard_error=None if layer == last else found.standard_error_by_layer.get(layer),
            chosen=layer == found.layer,
        )
        for layer, loss in found.loss_by_layer.items()
    ]


def _describe_fine_tuning(found: FineTuningFindings | None, task: Task) -> dict[str, str]:
    """Return the results of fine-tuning on held-out images, for each base with its head, and which one was kept."""
    if not found:
        return {}
    texts = {f"fine-tuning, {name}": _describe_score(score) for name, score in found.scores.items()}
    texts |= {
        "decided on": f"{found.held_out} held-out images",
        "kept": "the start; nothing was clearly better" if found.kept == START else found.kept,
    }
    start, kept = found.test_start, found.test_kept
    if start is None or kept is None:
        return texts
    change = f"R² {start:.3f} → {kept:.3f}" if task is Task.REGRESSION else f"{100 * start:.2f} % → {100 * kept:.2f} %"
    return texts | {"test, start and kept": change}


def _describe_score(score: Score) -> str:
    correct = "" if score.accuracy is None else f"{100 * score.accuracy:.2f} % correct, "
    return f"{correct}loss {score.loss:.4f}"


def _title(plan: TrainingPlan) -> str:
    return plan.model if plan.ensemble == 1 else f"{plan.model} × {plan.ensemble}"


def _first_kernel(network: Network) -> str | None:
    """Return the name of the first convolution's kernel (KH, KW, C, O)."""
    return next((p.name for p in network.parameters if p.name.endswith("/kernel") and len(p.shape) == 4), None)


def _weight(weights: Mapping[str, Array], name: str | None) -> Array | None:
    return None if name is None else weights[name]
