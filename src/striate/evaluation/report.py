"""The evaluation report and the page of the learning-rate finder: self-contained HTML files."""

import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from striate._types import Array
from striate.evaluation import sections
from striate.evaluation.charts import (
    curve_chart,
    filter_tiles,
    interval_bar,
    matrix_image,
    ranking_chart,
    rate_chart,
    reliability_chart,
)
from striate.evaluation.curves import learning_curves
from striate.evaluation.evaluate import Evaluation
from striate.evaluation.label_cards import LabelCard
from striate.evaluation.metrics import Bin, calibration_error, row_percentages
from striate.evaluation.multilabel import MultilabelEvaluation
from striate.evaluation.regression import RegressionEvaluation
from striate.evaluation.sections import EMPTY_CELL, Percent, bold, duration, label, number, points, t
from striate.evaluation.task_sections import fold_table, labels_context, regression_context
from striate.evaluation.tasks import AnyEvaluation
from striate.files import atomic_write
from striate.network.table import LayerRow
from striate.text import printable
from striate.transfer.extraction import MIN_STANDARD_ERRORS, NotTried
from striate.transfer.open_set import OpenSetFindings

if TYPE_CHECKING:
    from striate.training.lr_finder import LearningRateSweep

TEMPLATES = Path(__file__).parent / "templates"
FIRST_CARDS = 200  # errors shown at once; a button shows more
FIRST_NOTES = 10  # number of notes on the data that are not collapsed
# In order. A section is omitted if the value of its key in the template context is None.
SECTIONS = {
    "run": "facts",
    "curves": "curves",
    "folds": "folds",
    "confusion": "pairs",
    "classes": "bar_floor",
    "calibration": "reliability",
    "thresholds": "rankings",
    "unknown": "open_set",
    "suspicious": "suspicious",
    "scatter": "scatter",
    "targets": "targets",
    "labels": "labels",
    "wrong_labels": "wrong_labels",
    "largest_errors": "largest_errors",
    "errors": "errors",
    "filters": "filters",
    "network": "layers",
}


@dataclass(frozen=True)
class Attempt:
    """Features that were compared in cross-validation, or the only ones.

    Attributes:
        features: What they are.
        accuracy: Share of held-out images classified correctly, 0 … 1; None for labels and numbers.
        loss: Mean loss of held-out images.
        difference: Loss minus that of the last layer; None for the last layer.
        standard_error: Of the difference; None for the last layer, and if it is not known.
        chosen: Whether they are used.
    """

    features: str
    accuracy: float | None
    loss: float
    difference: float | None
    standard_error: float | None
    chosen: bool


@dataclass(frozen=True, eq=False)
class ReportData:
    """The content of a report. Sections without data are omitted.

    Attributes:
        model: Name of the network.
        data: Name of the data set.
        evaluation: Metrics on the test images.
        method: How the model was trained: "scratch", "features" or "tuned" (fine-tuned); "tested" if nothing is known
            of its training, so that there are no `splits`.
        images: The test images by index, each uint8 (H, W, C).
        history: Values per epoch, as for `learning_curves`.
        splits: Number of images in "train", "validation" and "test".
        notes: Sentences about the data, for example about skipped files.
        recipe: Settings by name.
        attempts: Which features of the base were compared, that of the last layer first.
        not_tried: Why features of other layers were not tried; None if they were, or there are none.
        versions: Package versions by name.
        seed: Seed of the run.
        hardware: Description of the machine.
        seconds: Training time.
        started: Date and time.
        filters_before: First-layer kernel (KH, KW, C, O) before training.
        filters_after: The same after training.
        table: Rows of `Network.table()`.
        unknown_threshold: Probability below which the prediction is "unknown", 0 … 1.
        open_set: Which test images are "unknown" by their distance from the training images.
        suspicious: Training images whose label is probably wrong; None if labels were not checked.
        uncalibrated: Images grouped by the probability that they had before calibration.
    """

    model: str
    data: str
    evaluation: AnyEvaluation
    method: str = "scratch"
    images: Sequence[Array] | Array | None = None
    history: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    splits: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()
    recipe: Mapping[str, Any] = field(default_factory=dict)
    attempts: Sequence[Attempt] = ()
    not_tried: NotTried | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    hardware: str = ""
    seconds: float | None = None
    started: str = ""
    filters_before: Array | None = None
    filters_after: Array | None = None
    table: Sequence[LayerRow] = ()
    unknown_threshold: float | None = None
    open_set: OpenSetFindings | None = None
    suspicious: Sequence[LabelCard] | None = None
    uncalibrated: tuple[Bin, ...] = ()


def write_report(path: str | os.PathLike[str], data: ReportData) -> None:
    """Write the report to a file, atomically.

    Args:
        path: Where to write.
        data: What the report shows.

    Raises:
        RunError: If the file cannot be written.
    """
    atomic_write(path, render_report(data).encode("utf-8"))


def render_report(data: ReportData) -> str:
    """Return the report as HTML.

    Args:
        data: The content of the report.

    Returns:
        A self-contained page.
    """
    template, results = _results(data)
    context = _head(data) | results | _curves(data) | _open_set(data) | _network(data) | _static()
    contents = [name for name, key in SECTIONS.items() if context.get(key) is not None]
    return _environment().get_template(template).render(d=data, e=data.evaluation, contents=contents, **context)


def _results(data: ReportData) -> tuple[str, dict[str, Any]]:
    """Return the template for the task, and what its own sections contain."""
    evaluation = data.evaluation
    if isinstance(evaluation, MultilabelEvaluation):
        return "labels.html.j2", labels_context(evaluation, data.images)
    if isinstance(evaluation, RegressionEvaluation):
        return "regression.html.j2", regression_context(evaluation, data.images)
    percent = Percent(evaluation.n_images)
    figures = {
        "suspicious": data.suspicious,
        "meaning": sections.meaning(evaluation),
        "trust": sections.trust(evaluation, percent),
        "bar_floor": sections.bar_floor(evaluation),
        "reliability": reliability_chart(evaluation.bins, data.uncalibrated),
        "before": calibration_error(data.uncalibrated) if data.uncalibrated else None,
        "rankings": [each for each in evaluation.rankings if each.roc] or None,
        "ranking_charts": [ranking_chart(evaluation.rankings, curve) for curve in ("roc", "precision_recall")],
        "calibration": sections.calibration(evaluation, percent),
    }
    return "report.html.j2", figures | _matrix(evaluation) | _errors(evaluation, data.images)


def _head(data: ReportData) -> dict[str, Any]:
    facts = (data.splits, data.notes, data.recipe, data.attempts, data.versions, data.hardware, data.started)
    return {
        "percent": Percent(data.evaluation.n_images),
        "first_notes": FIRST_NOTES,
        "standard_errors": f"{MIN_STANDARD_ERRORS:g}",
        "folds": fold_table(data.evaluation),
        "facts": any(facts) or data.seed is not None or data.seconds is not None or None,
    }


def _open_set(data: ReportData) -> dict[str, Any]:
    found = data.open_set
    if found is None:
        return {"open_set": None}
    return {
        "open_set": found,
        "precision": sections.threshold_precision(found),
        "borderline": {} if data.images is None else sections.borderline(found, data.images),
    }


def _curves(data: ReportData) -> dict[str, Any]:
    curves = learning_curves(data.history)
    if not {"loss", "accuracy"} & curves.columns.keys():
        return {"curves": None}
    return {
        "curves": curves,
        "charts": {name: curve_chart(curves, name) for name in ("loss", "accuracy") if name in curves.columns},
        "verdict": sections.curve_verdict(curves),
        "gap": sections.curve_gap(curves),
        "curve_rows": sections.curve_rows(curves),
        "column_names": sections.COLUMN_NAMES,
    }


def _matrix(evaluation: Evaluation) -> dict[str, Any]:
    pairs = evaluation.pairs[: sections.MAX_PAIRS]
    cells = sections.matrix_cells(evaluation)
    if cells:
        return {"matrix": cells, "tall": max(map(len, evaluation.classes)) > 6, "pairs": pairs}
    image = matrix_image(row_percentages(evaluation.confusion_matrix))
    return {"matrix": None, "matrix_image": image, "cells": sections.sparse_cells(evaluation), "pairs": pairs}


def _errors(evaluation: Evaluation, images: Sequence[Array] | Array | None) -> dict[str, Any]:
    if images is None:
        return {"errors": None}
    thumbnails, cards = sections.error_cards(evaluation, images)
    small = not cards or max(np.asarray(images[evaluation.errors[0].index]).shape[:2]) <= 64
    return {"errors": cards, "thumbnails": thumbnails, "small": small, "shown": FIRST_CARDS}


def _network(data: ReportData) -> dict[str, Any]:
    kernels = {"filters_before": data.filters_before, "filters_after": data.filters_after}
    filters = {name: kernel for name, kernel in kernels.items() if kernel is not None}
    return {
        "filters": {name: filter_tiles(kernel) for name, kernel in filters.items()} or None,
        "filter_shape": next(iter(filters.values())).shape if filters else None,
        "layers": sections.layer_rows(data.table) or None,
        "layer_columns": sections.LAYER_COLUMNS,
        "layer_totals": sections.layer_totals(data.table),
    }


def write_lr_page(path: str | os.PathLike[str], sweep: "LearningRateSweep", model: str, data: str) -> None:
    """Write the page of the learning-rate finder to a file, atomically.

    Args:
        path: Where to write.
        sweep: Losses by learning rate.
        model: Name of the network.
        data: Name of the data set.

    Raises:
        RunError: If the file cannot be written.
    """
    marked_rate = sweep.steepest or sweep.lowest
    text = render(
        "lr_page.html.j2", model=model, data=data, rate=_format_rate,
        chart=rate_chart(sweep.rates, sweep.losses, sweep.smooth, marked_rate),
        steepest=sweep.steepest, lowest=sweep.lowest, diverged=sweep.diverged,
    )  # fmt: skip
    atomic_write(path, text.encode("utf-8"))


def render(template: str, **context: Any) -> str:
    """Return a page made from one of the templates, with the style and the script that all pages share.

    Args:
        template: File name of the template.
        **context: Values for the template by name.

    Returns:
        A self-contained page.
    """
    return _environment().get_template(template).render(**context, **_static())


def _format_rate(value: float | None) -> str:
    return EMPTY_CELL if value is None else f"{value:.2g}"


def _static() -> dict[str, Any]:
    """Return style and script of the pages, and the hash of the script for the content security policy."""
    script = (TEMPLATES / "report.js").read_text("utf-8")
    return {
        "css": Markup((TEMPLATES / "report.css").read_text("utf-8")),
        "script": Markup(script),
        "script_hash": b64encode(sha256(script.encode()).digest()).decode(),
    }


def _finalize(value: Any) -> Any:
    """Escape what could forge a page, such as marks that change the direction of text, in all that is inserted."""
    if isinstance(value, Markup):
        return Markup(printable(value, keep="\n\t"))
    return printable(value, keep="\n\t") if isinstance(value, str) else value


@cache
def _environment() -> Environment:
    """Return the template environment, with the functions that the templates call."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_finalize,
        optimized=False,  # a page is rendered once, which is faster than optimizing its template
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["keep_options_whole"] = sections.keep_options_whole
    environment.globals |= {
        "t": t,
        "setting": sections.setting,
        "label": label,
        "bold": bold,
        "number": number,
        "points": points,
        "duration": duration,
        "whole": sections.whole_percent,
        "bar": interval_bar,
    }
    return environment
