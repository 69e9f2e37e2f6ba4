"""The page of `striate compare`: a self-contained HTML file."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from striate._types import Array
from striate.evaluation import report
from striate.evaluation.charts import thumbnail
from striate.evaluation.comparison import Comparison, PairedDifference
from striate.evaluation.intervals import Estimate
from striate.evaluation.sections import EMPTY_CELL, Percent, t
from striate.files import atomic_write

MAX_DISAGREEMENTS = 120  # disagreements with a thumbnail


@dataclass(frozen=True, eq=False)
class ComparisonData:
    """The content of the page.

    Attributes:
        comparison: The figures and tests.
        tested: Number of test images of each run, by name.
        contradicting: Number of images that are left out, because their classes in the runs differ.
        folds: Whether predictions come from cross-validation.
        mixed: Whether some predictions come from cross-validation and others do not.
        images: The compared images by index, each uint8 (H, W, C); None if they are not available.
    """

    comparison: Comparison
    tested: Mapping[str, int]
    contradicting: int = 0
    folds: bool = False
    mixed: bool = False
    images: Sequence[Array] | Array | None = None


def write_comparison_page(path: str | os.PathLike[str], data: ComparisonData) -> None:
    """Write the page to a file, atomically.

    Args:
        path: Where to write.
        data: What the page shows.

    Raises:
        RunError: If the file cannot be written.
    """
    atomic_write(Path(path), render_comparison_page(data).encode("utf-8"))


def render_comparison_page(data: ComparisonData) -> str:
    """Return the page as HTML.

    Args:
        data: The content of the page.

    Returns:
        A self-contained page.
    """
    found = data.comparison
    percent = Percent(found.n_images)
    return report.render(
        "comparison.html.j2", d=data, c=found, runs=list(found.evaluations), percent=percent,
        difference=difference, p_value=p_value, verdicts=[verdict(pair) for pair in found.pairs],
        cards=_cards(data), shown=MAX_DISAGREEMENTS, classes=_class_rows(found),
    )  # fmt: skip


def difference(estimate: Estimate, interval: bool = False) -> str:
    """Format a difference in percentage points with its sign, or its interval.

    Args:
        estimate: The difference of two proportions.
        interval: Whether to format the interval instead of the value.

    Returns:
        For example "+1.5", or "−0.3 … +4.5" for an interval; a dash if it is unknown.
    """
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return EMPTY_CELL
    return (
        f"{_format_signed(estimate.low)} … {_format_signed(estimate.high)}"
        if interval
        else _format_signed(estimate.value)
    )


def p_value(p: float) -> str:
    """Format a p-value.

    Args:
        p: 0 … 1.

    Returns:
        For example "0.031", or "< 0.001".
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _relation(p: float) -> str:
    """Return what follows p in a sentence: "= 0.031", or "< 0.001"."""
    text = p_value(p)
    return text if text.startswith("<") else f"= {text}"


def verdict(pair: PairedDifference) -> Markup:
    """Return a sentence on whether one of two runs is better than the other.

    Args:
        pair: The difference between the runs.

    Returns:
        The sentence in both languages.
    """
    value = pair.accuracy.value or 0.0
    better, worse = (pair.second, pair.first) if value > 0 else (pair.first, pair.second)
    values = {"better": better, "worse": worse, "points": f"{100 * abs(value):.1f}", "p": _relation(pair.adjusted_p)}
    if not pair.only_first and not pair.only_second:
        return t("compare_same", **values)
    return t("compare_better" if pair.significant else "compare_chance", **values)


def _format_signed(share: float) -> str:
    points = round(100 * share, 1)
    return f"{'+' if points > 0 else '−' if points < 0 else '±'}{abs(points):.1f}"


def _class_rows(found: Comparison) -> list[tuple[str, int, list[Estimate], Estimate | None]]:
    """Return name, images, recalls by run and the difference of each class; the largest differences first."""
    rows = [
        (columns[0].name, columns[0].support, [metrics.recall for metrics in columns],
         found.class_differences.get(columns[0].name))
        for columns in zip(*(each.per_class for each in found.evaluations.values()), strict=True)
        if columns[0].support
    ]  # fmt: skip

    def spread(row: tuple[str, int, list[Estimate], Estimate | None]) -> float:
        values = [recall.value or 0.0 for recall in row[2]]
        return max(values) - min(values)

    return sorted(rows, key=spread, reverse=True)


def _cards(data: ComparisonData) -> list[dict[str, Any]]:
    cards = []
    for item in data.comparison.disagreements[:MAX_DISAGREEMENTS]:
        uri = "" if data.images is None else thumbnail(data.images[item.index])
        answers = [
            {"run": run, "predicted": name, "confidence": f"{100 * share:.1f}%", "right": name == item.true}
            for run, name, share in zip(data.comparison.evaluations, item.predicted, item.confidence, strict=True)
        ]
        cards.append({"uri": uri, "index": item.index, "true": item.true, "path": item.path or "", "answers": answers})
    return cards
