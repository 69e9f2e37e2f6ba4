"""Texts, numbers and tables of the report."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from markupsafe import Markup, escape

from striate._types import Array
from striate.evaluation.charts import THUMBNAIL, thumbnail
from striate.evaluation.curves import LearningCurves
from striate.evaluation.evaluate import WIDE_INTERVAL, Evaluation
from striate.evaluation.intervals import share_beyond
from striate.evaluation.metrics import ClassMetrics, row_percentages
from striate.language import Language, keep_words_whole, localized_setting, use_language
from striate.language.report import STRINGS
from striate.network.table import LayerRow
from striate.transfer.open_set import OpenSetFindings

EMPTY_CELL = "–"
MAX_TABLE_CLASSES = 25  # classes; with more, the confusion matrix is drawn as an image
BORDERLINE = 12  # images on each side of the threshold for "unknown"
MAX_PAIRS = 10
MAX_THUMBNAIL_PIXELS = 12_000_000  # pixels of all thumbnails together, to limit the file to some tens of megabytes
CLOSE = 0.02  # difference of accuracy and mean predicted probability that is small
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
    "theoretical_field",
)  # fmt: skip
# Such as --precision, but not the value of an attribute. The limit keeps long file names from overflowing the page.
OPTION = re.compile(r'(?<![\w"-])--[a-z-]{1,30}')


def t(key: str, **values: object) -> Markup:
    """Return a text in both languages, with escaped values. CSS shows the selected language.

    Args:
        key: Key of the text in `striate.language.report.STRINGS`.
        **values: Values that are inserted into the text.

    Returns:
        HTML.
    """
    return _in_both(*(Markup(escape(STRINGS[key][language])).format(**values) for language in Language))


def setting(value: object) -> Markup:
    """Return the name or the value of a setting, as a run records it, or a note, in both languages.

    Args:
        value: The English text, or a number.

    Returns:
        HTML.
    """
    text = str(value)
    with use_language(Language.KOREAN):
        korean = localized_setting(text)
    if korean == text:
        return keep_options_whole(escape(text))
    return _in_both(escape(text), escape(korean))


def keep_options_whole(html: Markup) -> Markup:
    """Forbid line breaks after the hyphens of command-line options.

    Word joiners would do so too, but a copied option would contain them.

    Args:
        html: HTML, such as `with --folds 5`.

    Returns:
        The HTML, in which each option is an element of the class `option`.
    """
    return Markup(OPTION.sub(r'<span class="option">\g<0></span>', str(html)))  # else the tags would be escaped


def _in_both(english: Markup, korean: Markup) -> Markup:
    texts = {"en": keep_options_whole(english), "ko": keep_options_whole(Markup(keep_words_whole(korean)))}
    return Markup("").join(Markup('<span lang="{}">{}</span>').format(*item) for item in texts.items())


def label(key: str, attribute: str = "aria-label", **values: object) -> Markup:
    """Return an HTML attribute in English, and both languages as data attributes for the script.

    Args:
        key: Key of the text.
        attribute: Name of the attribute.
        **values: Values that are inserted into the text.

    Returns:
        HTML.
    """
    english, korean = (STRINGS[key][language].format(**values) for language in ("en", "ko"))
    return Markup('{}="{}" data-en="{}" data-ko="{}"').format(Markup(attribute), english, english, korean)


def bold(value: object) -> Markup:
    """Return a value in bold; the script updates values marked like this."""
    return Markup("<b>{}</b>").format(value)


def number(value: int) -> str:
    """Format an integer: 12345 → 12,345."""
    return f"{value:,}"


def points(share: float) -> str:
    """Format the absolute difference of two proportions in percentage points: 0.0123 → 1.2."""
    return f"{100 * abs(share):.1f}"


def whole_percent(share: float) -> str:
    """Format one end of a wide interval as whole percent: 0.8794 → 88; only 1 becomes 100."""
    return f"{100 * share if share >= 1 else min(round(100 * share), 99):.0f}"


def duration(seconds: float) -> Markup:
    """Format a duration in seconds, minutes or hours.

    Args:
        seconds: The duration.

    Returns:
        The text in the language of the report.
    """
    if seconds < 60:
        return t("seconds", n=f"{seconds:.1f}")
    if seconds < 3600:
        return t("minutes", m=int(seconds // 60), s=int(seconds % 60))
    return t("hours", h=int(seconds // 3600), m=int(seconds % 3600 // 60))


@dataclass(frozen=True)
class Percent:
    """Formats proportions as percent, with as many decimals as the number of images supports."""

    images: int

    def __call__(self, share: float | None, sign: bool = True) -> str:
        """Format 0.98571 as 98.57% for at least 2,000 images, else as 98.6%; only 1 becomes 100%, and None a dash."""
        if share is None:
            return EMPTY_CELL
        decimals = 2 if self.images >= 2000 else 1
        shown = 100 * share if share >= 1 else min(100 * share, 100 - 10**-decimals)
        return f"{shown:.{decimals}f}{'%' if sign else ''}"


def meaning(evaluation: Evaluation) -> Markup:
    """Return the expected number of correct predictions in 1,000 new images, as a sentence.

    Args:
        evaluation: The metrics.

    Returns:
        The sentence in both languages.
    """
    accuracy = evaluation.accuracy
    expected, low, high = (number(round(1000 * (v or 0))) for v in (accuracy.value, accuracy.low, accuracy.high))
    return t("meaning", expected=expected, low=low, high=high)


def trust(evaluation: Evaluation, percent: Percent) -> Markup:
    """Return a sentence on whether the accuracy is reliable, or on the most serious reason why it is not.

    Args:
        evaluation: The metrics.
        percent: Formats proportions.

    Returns:
        The sentence in both languages.
    """
    value, low, high = (v or 0.0 for v in vars(evaluation.accuracy).values())
    majority = max(evaluation.per_class, key=lambda c: c.support)
    share = majority.support / evaluation.n_images
    if low <= share < 1:
        key = "trust_majority" if value <= share else "trust_not_better"
        return t(key, majority=majority.name, share=percent(share))
    if high - low > WIDE_INTERVAL:
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
    """Return a sentence on overfitting.

    Args:
        curves: The history of a training run.

    Returns:
        The sentence in both languages.
    """
    best = "" if curves.best is None else int(curves.columns["epoch"][curves.best])
    return t(f"verdict_{curves.diagnosis}", best=best, rise=f"{100 * (curves.val_loss_increase or 0):.0f}%")


def curve_gap(curves: LearningCurves) -> Markup | None:
    """Return a sentence on the final difference between training and validation accuracy.

    Args:
        curves: The history of a training run.

    Returns:
        The sentence in both languages; None without both accuracies.
    """
    if curves.generalization_gap is None:
        return None
    return t(
        "gap_positive" if curves.generalization_gap >= 0 else "gap_negative", gap=points(curves.generalization_gap)
    )


def curve_rows(curves: LearningCurves) -> list[list[str]]:
    """Return the training history as text, one row per epoch.

    Args:
        curves: The history of a training run.

    Returns:
        The cells of each row.
    """
    columns = [[_format(name, value) for value in column.tolist()] for name, column in curves.columns.items()]
    return [list(row) for row in zip(*columns, strict=True)]


def _format(name: str, value: float) -> str:
    if not isfinite(value):
        return EMPTY_CELL
    if name in ("accuracy", "val_accuracy"):
        return f"{100 * value:.2f}%"
    return f"{value:.4g}" if name in ("epoch", "learning_rate") else f"{value:.4f}"


def matrix_cells(evaluation: Evaluation) -> list[list[dict[str, Any]]] | None:
    """Return the cells of the confusion matrix.

    Args:
        evaluation: The metrics.

    Returns:
        Count, percent, color strength 0 … 50 and CSS class of each cell; None if there are too many classes.
    """
    if len(evaluation.classes) > MAX_TABLE_CLASSES:
        return None
    shares = row_percentages(evaluation.confusion_matrix)
    wrong = ~np.eye(len(shares), dtype=bool)
    maxima = np.where(wrong, max(2.0, float(shares[wrong].max(initial=0))), 100)
    strengths = (50 * np.sqrt(shares / maxima)).round().astype(int)  # with the square root, rare errors are visible
    rows = zip(evaluation.confusion_matrix.tolist(), shares.tolist(), strengths.tolist(), strict=True)
    return [[_cell(i == j, *cell) for j, cell in enumerate(zip(*row, strict=True))] for i, row in enumerate(rows)]


def _cell(is_correct: bool, count: int, share: float, strength: int) -> dict[str, Any]:
    return {
        "count": count and number(count),
        "share": f"{share:.1f}",
        "strength": strength,
        "style": "correct" if is_correct else "",
    }


def sparse_cells(evaluation: Evaluation) -> dict[str, Any]:
    """Return the nonzero cells of the confusion matrix, which the page shows on hover.

    Args:
        evaluation: The metrics.

    Returns:
        Class names, and row, column and count of each cell.
    """
    rows, columns = np.nonzero(evaluation.confusion_matrix)
    cells = np.stack([rows, columns, evaluation.confusion_matrix[rows, columns]], axis=1)
    return {"classes": list(evaluation.classes), "cells": cells.tolist()}


def bar_floor(evaluation: Evaluation) -> float:
    """Return the lower end of the axis of interval bars.

    Args:
        evaluation: The metrics.

    Returns:
        The minimum of all intervals, rounded down to a multiple of 0.1.
    """
    lows = [
        e.low for c in evaluation.per_class if c.support for e in (c.precision, c.recall, c.f1) if e.low is not None
    ]
    return min(0.9, int(10 * min(lows, default=0.0)) / 10)


def error_cards(evaluation: Evaluation, images: Sequence[Array] | Array) -> tuple[int, list[list[Any]]]:
    """Return the contents of the cards that show errors.

    Args:
        evaluation: The metrics.
        images: The test images by index.

    Returns:
        The number of cards with a thumbnail, and one list for each error: thumbnail, index, predicted class, its
        probability, true class, its probability, path.
    """
    cards: list[list[Any]] = []
    pixels = thumbnails = 0
    for error in evaluation.errors:
        uri = ""
        if pixels < MAX_THUMBNAIL_PIXELS:
            image = np.asarray(images[error.index])
            uri, pixels, thumbnails = thumbnail(image), pixels + min(image[..., 0].size, THUMBNAIL**2), thumbnails + 1
        confidence, probability = (f"{100 * p:.1f}%" for p in (error.confidence, error.true_probability))
        cards.append([uri, error.index, error.predicted, confidence, error.true, probability, error.path or ""])
    return thumbnails, cards


def threshold_precision(found: OpenSetFindings) -> Markup:
    """Return a sentence on how precisely the share of new images that the threshold for "unknown" rejects is known.

    Args:
        found: The threshold.

    Returns:
        The sentence in both languages; empty for a threshold from cross-validated distances.
    """
    if found.independent is None:
        return Markup("")
    low, high = share_beyond(found.rate, found.independent)
    key = "unknown_precision" if found.independent == found.held_out else "unknown_precision_groups"
    return t(key, images=number(found.held_out), groups=number(found.independent), rate=f"{100 * found.rate:g}%",
             low=f"{100 * low:.1f}%", high=f"{100 * high:.1f}%")  # fmt: skip


def borderline(found: OpenSetFindings, images: Sequence[Array] | Array) -> dict[str, list[tuple[str, int, str]]]:
    """Return the contents of the cards that show test images on both sides of the threshold for "unknown".

    Args:
        found: Distances and threshold.
        images: The test images by index.

    Returns:
        By heading, the rejected and the accepted images: thumbnail, index and distance of each, those nearest to the
        threshold first.
    """
    refused = ~(found.distances <= found.threshold)
    order = np.argsort(np.abs(found.distances - found.threshold), kind="stable").tolist()
    return {
        name: [
            (thumbnail(np.asarray(images[index])), index, f"{found.distances[index]:.2f}")
            for index in [index for index in order if chosen[index]][:BORDERLINE]
        ]
        for name, chosen in (("unknown_refused", refused), ("unknown_accepted", ~refused))
    }


def calibration(evaluation: Evaluation, percent: Percent) -> Markup:
    """Return a sentence on whether the model is over- or underconfident, if there are enough test images to tell.

    Args:
        evaluation: The metrics.
        percent: Formats proportions.

    Returns:
        The sentence in both languages.
    """
    confidence = sum(b.confidence * b.count for b in evaluation.bins) / evaluation.n_images
    gap = confidence - evaluation.correct / evaluation.n_images
    low, high = evaluation.accuracy.low or 0.0, evaluation.accuracy.high or 0.0
    if low <= confidence <= high and (abs(gap) >= CLOSE or high - low > WIDE_INTERVAL):
        return t("calibration_few", images=number(evaluation.n_images), confidence=percent(confidence),
                 low=percent(low), high=percent(high))  # fmt: skip
    if abs(gap) < CLOSE:
        return t("calibration_good", gap=points(gap))
    return t("calibration_over" if gap > 0 else "calibration_under", gap=points(gap))


def layer_rows(table: Sequence[LayerRow]) -> list[list[str]]:
    """Return the rows of the table of layers as text.

    Args:
        table: Rows of `Network.table()`.

    Returns:
        The cells of each row.
    """
    return [
        [
            row.name,
            row.kind,
            _text(row.channels),
            _text(row.output_size if row.units is None else row.units),
            _text(row.kernel),
            _text(row.strides),
            row.padding_text,
            row.activation or "",
            number(row.parameters),
            number(row.multiply_adds),
            _text(row.receptive_field),
            _text(row.unclipped_receptive_field),
        ]
        for row in table
    ]


def layer_totals(table: Sequence[LayerRow]) -> list[str]:
    """Return the total parameters and multiply-adds of the network as text.

    Args:
        table: Rows of `Network.table()`.

    Returns:
        Both numbers.
    """
    return [number(sum(row.parameters for row in table)), number(sum(row.multiply_adds for row in table))]


def _text(value: int | tuple[int, int] | None) -> str:
    if value is None:
        return ""
    return number(value) if isinstance(value, int) else f"{value[0]}×{value[1]}"
