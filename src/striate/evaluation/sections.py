"""The contents of each section of the report, computed from the evaluation and formatted."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np
from markupsafe import Markup

from striate._types import Array
from striate.evaluation.curves import LearningCurves
from striate.evaluation.data_uris import thumbnail
from striate.evaluation.evaluate import Evaluation
from striate.evaluation.metrics import ClassMetrics, percent_of_true
from striate.evaluation.wording import NOTHING, Percent, number, points, t
from striate.network.table import Row

LARGEST_TABLE = 25  # classes; with more, the confusion matrix is drawn as an image
MAX_PAIRS = 10
MAX_PIXELS = 12_000_000  # of all thumbnails together, to limit the file to some tens of megabytes
COLUMN_NAMES = {
    "epoch": "epoch",
    "loss": "training_loss",
    "accuracy": "training_accuracy",
    "val_loss": "validation_loss",
    "val_accuracy": "validation_accuracy",
    "learning_rate": "learning_rate",
}
LAYER_COLUMNS = (
    "layer", "kind", "maps", "size", "kernel", "stride", "padding", "activation",
    "parameters", "multiply_adds", "receptive_field",
)  # fmt: skip


def meaning(evaluation: Evaluation) -> Markup:
    """Say how many of 1,000 new images will be classified correctly."""
    accuracy = evaluation.accuracy
    expected, low, high = (number(round(1000 * (v or 0))) for v in (accuracy.value, accuracy.low, accuracy.high))
    return t("meaning", expected=expected, low=low, high=high)


def trust(evaluation: Evaluation, percent: Percent) -> Markup:
    """Say whether the accuracy is reliable; if there are several doubts, the most serious one."""
    value, low, high = (v or 0.0 for v in vars(evaluation.accuracy).values())
    majority = max(evaluation.per_class, key=lambda c: c.support)
    if low <= majority.support / evaluation.images < 1:
        return t("trust_not_learnt", majority=majority.name)
    if high - low > 0.1:
        return t("trust_few", low=percent(low), high=percent(high))
    if value < 0.9:
        return t("trust_weak", error=percent(1 - value))
    worst = min((c for c in evaluation.per_class if c.support), key=_recall)
    if _recall(worst) < value - 0.05 and (worst.recall.high or 0.0) < low:
        return t("trust_uneven", worst=worst.name, recall=percent(_recall(worst)))
    return t("trust_good")


def _recall(metrics: ClassMetrics) -> float:
    return metrics.recall.value or 0.0


def curve_verdict(curves: LearningCurves) -> Markup:
    """Describe overfitting."""
    best = "" if curves.best is None else int(curves.columns["epoch"][curves.best])
    return t(f"verdict_{curves.verdict}", best=best, rise=f"{100 * (curves.rise or 0):.0f}%")


def curve_gap(curves: LearningCurves) -> Markup | None:
    """Describe the difference between training and validation accuracy at the end."""
    if curves.gap is None:
        return None
    return t("gap_positive" if curves.gap >= 0 else "gap_negative", gap=points(curves.gap))


def curve_rows(curves: LearningCurves) -> list[list[str]]:
    """Return the history as a table of text, one row per epoch."""
    columns = [[_format(name, value) for value in column.tolist()] for name, column in curves.columns.items()]
    return [list(row) for row in zip(*columns, strict=True)]


def _format(name: str, value: float) -> str:
    if not isfinite(value):
        return NOTHING
    if name in ("accuracy", "val_accuracy"):
        return f"{100 * value:.2f}%"
    return f"{value:.4g}" if name in ("epoch", "learning_rate") else f"{value:.4f}"


def matrix_cells(evaluation: Evaluation) -> list[list[dict[str, Any]]] | None:
    """Return count, percent, color strength 0..50 and CSS class of each cell; None if there are too many classes."""
    if len(evaluation.classes) > LARGEST_TABLE:
        return None
    shares = percent_of_true(evaluation.counts)
    wrong = ~np.eye(len(shares), dtype=bool)
    most = np.where(wrong, max(2.0, float(shares[wrong].max(initial=0))), 100)
    strengths = (50 * np.sqrt(shares / most)).round().astype(int)  # the square root makes rare errors visible
    rows = zip(evaluation.counts.tolist(), shares.tolist(), strengths.tolist(), strict=True)
    return [[_cell(i == j, *cell) for j, cell in enumerate(zip(*row, strict=True))] for i, row in enumerate(rows)]


def _cell(right: bool, count: int, share: float, strength: int) -> dict[str, Any]:
    return {
        "count": count and number(count),
        "share": f"{share:.1f}",
        "strength": strength,
        "style": "right" if right else "",
    }


def sparse_cells(evaluation: Evaluation) -> dict[str, Any]:
    """Return class names and [row, column, count] of nonzero cells, which the page shows on hover."""
    rows, columns = np.nonzero(evaluation.counts)
    cells = np.stack([rows, columns, evaluation.counts[rows, columns]], axis=1)
    return {"classes": list(evaluation.classes), "cells": cells.tolist()}


def bar_floor(evaluation: Evaluation) -> float:
    """Return the lower end of the scale of interval bars: that of all intervals, rounded down to tens of percent."""
    lows = [
        e.low for c in evaluation.per_class if c.support for e in (c.precision, c.recall, c.f1) if e.low is not None
    ]
    return min(0.9, int(10 * min(lows, default=0.0)) / 10)


def mistake_cards(evaluation: Evaluation, images: Sequence[Array] | Array) -> tuple[int, list[list[Any]]]:
    """Return how many errors have images, and all as [image, index, predicted, confidence, true, probability, path]."""
    cards: list[list[Any]] = []
    pixels = pictured = 0
    for mistake in evaluation.mistakes:
        picture = ""
        if pixels < MAX_PIXELS:
            image = np.asarray(images[mistake.index])
            picture, pixels, pictured = thumbnail(image), pixels + min(image[..., 0].size, 96 * 96), pictured + 1
        sure, chance = (f"{100 * p:.1f}%" for p in (mistake.confidence, mistake.true_probability))
        cards.append([picture, mistake.index, mistake.predicted, sure, mistake.true, chance, mistake.path or ""])
    return pictured, cards


def calibration(evaluation: Evaluation) -> Markup:
    """Say whether the model is over- or underconfident."""
    confidence = sum(b.confidence * b.count for b in evaluation.bins) / evaluation.images
    gap = confidence - evaluation.right / evaluation.images
    if abs(gap) < 0.02:
        return t("calibration_good", gap=points(gap))
    return t("calibration_over" if gap > 0 else "calibration_under", gap=points(gap))


def layer_rows(table: Sequence[Row]) -> list[list[str]]:
    """Return the table of layers as text."""
    return [
        [
            row.name,
            row.kind,
            _text(row.maps),
            _text(row.size if row.units is None else row.units),
            _text(row.kernel),
            _text(row.strides),
            _padding(row.padding),
            row.activation or "",
            number(row.parameters),
            number(row.multiply_adds),
            _text(row.receptive_field),
        ]
        for row in table
    ]


def layer_totals(table: Sequence[Row]) -> list[str]:
    """Return parameters and multiply-adds of the whole network as text."""
    return [number(sum(row.parameters for row in table)), number(sum(row.multiply_adds for row in table))]


def _text(value: int | tuple[int, int] | None) -> str:
    if value is None:
        return ""
    return number(value) if isinstance(value, int) else f"{value[0]}×{value[1]}"


def _padding(padding: Any) -> str:
    if padding is None or isinstance(padding, str):
        return padding or ""
    (top, bottom), (left, right) = padding
    return str(top) if top == bottom == left == right else f"{top},{bottom} × {left},{right}"
