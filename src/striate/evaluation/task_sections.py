"""The parts of the report that belong to several labels and to regression, and the table of the folds of all tasks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from striate._types import Array
from striate.evaluation.charts import THUMBNAIL, scatter_chart, thumbnail
from striate.evaluation.evaluate import Evaluation
from striate.evaluation.folds import Figures
from striate.evaluation.intervals import Estimate
from striate.evaluation.multilabel import MultilabelEvaluation
from striate.evaluation.regression import RegressionEvaluation
from striate.evaluation.sections import EMPTY_CELL, Percent, number, t
from striate.evaluation.tasks import AnyEvaluation

CARDS = 100  # images that are shown
MAX_CHARTS = 6
WEAK_LABEL_MARGIN = 0.1  # the report names a label whose F1 is below the mean by this much
SHARES = frozenset({"accuracy", "mean_average_precision", "macro_f1", "exact_match"})  # shown as percent
MISSING_COVERAGE = 0.05  # by which fewer values than stated are in the prediction interval when the report says so
WIDE_INTERVAL = 0.15  # width of the interval of the mAP from which the value alone would say too much
FEW_FOR_LABELS, FEW_FOR_ERRORS = (
    50,
    300,
)  # images below which intervals may be too narrow (benchmarks/interval_coverage.py)
WIDE_ERROR_INTERVAL = 0.4  # the same for the mean absolute error, as a share of it


def labels_context(evaluation: MultilabelEvaluation, images: Sequence[Array] | Array | None) -> dict[str, Any]:
    """Return the contents of the sections on several labels.

    Args:
        evaluation: The metrics.
        images: The test images by index, each uint8 (H, W, C), if there are any.

    Returns:
        Values by name, as the template needs them.
    """
    percent = Percent(evaluation.n_images)
    exact = evaluation.exact_match
    expected, low, high = (number(round(1000 * (v or 0))) for v in (exact.value, exact.low, exact.high))
    cards = [
        {
            "uri": _thumbnail(images, error.index), "index": error.index, "path": error.path or "",
            "missed": error.missed, "extra": error.extra, "labels": error.labels,
        }
        for error in evaluation.errors[:CARDS]
    ]  # fmt: skip
    return {
        "meaning": t("labels_meaning", expected=expected, low=low, high=high),
        "trust": _labels_trust(evaluation, percent),
        "interval_first": evaluation.mean_average_precision.width > WIDE_INTERVAL,
        "labels": evaluation.per_class,
        "few": FEW_FOR_LABELS if evaluation.n_images < FEW_FOR_LABELS else None,
        "wrong_labels": cards,
        "small": _are_small(images),
    }


def _labels_trust(evaluation: MultilabelEvaluation, percent: Percent) -> Markup:
    found = evaluation.mean_average_precision
    low, high = found.low or 0.0, found.high or 1.0
    if low <= evaluation.chance:
        return t("labels_chance", chance=percent(evaluation.chance))
    if found.width > WIDE_INTERVAL:
        return t("labels_few", low=percent(low), high=percent(high))
    weakest = min((label for label in evaluation.per_class if label.support), key=lambda label: label.f1.value or 0.0)
    if (weakest.f1.value or 0.0) > (evaluation.macro_f1.value or 0.0) - WEAK_LABEL_MARGIN:
        return Markup("")
    return t("labels_weakest", name=weakest.name, f1=percent(weakest.f1.value))


def _number_trust(error: Estimate, *, useless: bool, wide: bool) -> Markup:
    if useless:
        return t("number_useless")
    if wide:
        return t("number_few", low=plain(error.low), high=plain(error.high))
    return Markup("")


def regression_context(evaluation: RegressionEvaluation, images: Sequence[Array] | Array | None) -> dict[str, Any]:
    """Return the contents of the sections on regression.

    Args:
        evaluation: The metrics.
        images: The test images by index, each uint8 (H, W, C), if there are any.

    Returns:
        Values by name, as the template needs them.
    """
    percent, first = Percent(evaluation.n_images), evaluation.targets[0]
    sentences = [t("number_meaning", baseline=plain(first.baseline_mae))]
    if first.half_width is not None:
        sentences.append(
            t(
                "number_width",
                width=plain(first.half_width),
                coverage=f"{100 * evaluation.coverage:g}%",
                covered=percent(first.covered.value),
            )
        )
        if (first.covered.value or 0.0) < evaluation.coverage - MISSING_COVERAGE:
            sentences.append(t("number_narrow", coverage=f"{100 * evaluation.coverage:g}%"))
    wide = first.mae.width > WIDE_ERROR_INTERVAL * (first.mae.value or 0)
    useless = any(metrics.r2.low is None or metrics.r2.low <= 0 for metrics in evaluation.targets)
    cards = [
        {
            "uri": _thumbnail(images, error.index), "index": error.index, "path": error.path or "",
            "name": error.name if len(evaluation.classes) > 1 else "", "true": plain(error.true),
            "predicted": plain(error.predicted),
        }
        for error in evaluation.errors[:CARDS]
    ]  # fmt: skip
    charts = {
        metrics.name: scatter_chart(evaluation.true[:, k], evaluation.predicted[:, k], metrics.half_width)
        for k, metrics in enumerate(evaluation.targets[:MAX_CHARTS])
    }
    return {
        "meaning": Markup(" ").join(sentences),
        "trust": _number_trust(first.mae, useless=useless, wide=wide),
        "interval_first": wide,
        "targets": evaluation.targets,
        "few": FEW_FOR_ERRORS if evaluation.n_images < FEW_FOR_ERRORS else None,
        "scatter": charts,
        "largest_errors": cards,
        "small": _are_small(images),
        "plain": plain,
        "interval": interval,
    }


def fold_table(evaluation: AnyEvaluation) -> dict[str, Any] | None:
    """Return the figures of each fold of a cross-validation, and those of all images together.

    Args:
        evaluation: The metrics.

    Returns:
        "columns": keys of their headings; "named": whether there is a column for the name of the target; "rows": fold
        (None for all images), number of images, name, and values as text. None if the folds are not known, or many.
    """
    if not evaluation.by_fold:
        return None
    percent = Percent(evaluation.n_images)
    pooled = _pooled_figures(evaluation)

    def texts(figures: Figures) -> list[str]:
        return [percent(value) if key in SHARES else plain(value) for key, value in figures.items()]

    rows: list[tuple[int | None, str, str, list[str]]] = [
        (each.fold, number(each.n_images), each.name, texts(each.figures)) for each in evaluation.by_fold
    ]
    rows += [(None, number(evaluation.n_images), name, texts(figures)) for name, figures in pooled.items()]
    return {"columns": list(evaluation.by_fold[0].figures), "named": len(pooled) > 1, "rows": rows}


def _pooled_figures(evaluation: AnyEvaluation) -> dict[str, Figures]:
    """Return the figures of all images by the name of the target, with the keys of those of a fold."""
    if isinstance(evaluation, RegressionEvaluation):
        several = len(evaluation.targets) > 1
        return {
            each.name if several else "": {"mae": each.mae.value, "rmse": each.rmse.value, "r2": each.r2.value}
            for each in evaluation.targets
        }
    if isinstance(evaluation, Evaluation):
        return {"": {"accuracy": evaluation.accuracy.value, "loss": evaluation.loss.value}}
    found = (evaluation.mean_average_precision, evaluation.macro_f1, evaluation.exact_match)
    names = ("mean_average_precision", "macro_f1", "exact_match")
    return {"": {name: estimate.value for name, estimate in zip(names, found, strict=True)}}


def plain(value: float | None) -> str:
    """Return a number with four digits, also if the last ones are zero; a dash if there is none.

    Example:
        >>> plain(-0.25), plain(999.9), plain(999.96), plain(45678.9)
        ('−0.2500', '999.9', '1,000', '45,679')
    """
    if value is None:
        return EMPTY_CELL
    text = f"{value:,.0f}" if 999.95 <= abs(value) < 1e9 else f"{value:#.4g}"
    return text.replace("-", "−")


def interval(estimate: Estimate) -> str:
    """Return the ends of an interval; nothing if it is unknown."""
    return "" if estimate.low is None else f"{plain(estimate.low)} – {plain(estimate.high)}"


def _thumbnail(images: Sequence[Array] | Array | None, index: int) -> str:
    return "" if images is None else thumbnail(np.asarray(images[index]))


def _are_small(images: Sequence[Array] | Array | None) -> bool:
    return images is not None and len(images) > 0 and max(np.asarray(images[0]).shape[:2]) <= THUMBNAIL * 2 // 3
