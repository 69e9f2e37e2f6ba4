"""Texts that several commands print."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from striate.evaluation import Estimate, Evaluation


MOST_NOTES = 10


def first(notes: Iterable[str], where: str = "") -> Iterator[str]:
    """Yield the first ten notes, and how many more there are."""
    notes = list(notes)
    yield from notes[:MOST_NOTES]
    if len(notes) > MOST_NOTES:
        yield f"… and {len(notes) - MOST_NOTES:,} more{where}"


def file_size(size: int) -> str:
    """For example: 12.3 MB, 4.5 kB. size: in bytes."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def accuracy_line(evaluation: "Evaluation") -> str:
    """For example: test accuracy 98.91 % (95 % interval 98.69 … 99.10), 109 errors in 10,000 images."""
    wrong = evaluation.images - evaluation.correct
    errors = "1 error" if wrong == 1 else f"{wrong:,} errors"
    return f"test accuracy {percent(evaluation.accuracy)}, {errors} in {evaluation.images:,} images"


def percent(estimate: "Estimate", *, interval: bool = True) -> str:
    """For example: 98.91 % (95 % interval 98.69 … 99.10), or 98.91 % alone; a dash where nothing is known."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return "–"
    value = f"{100 * estimate.value:.2f} %"
    return f"{value} (95 % interval {100 * estimate.low:.2f} … {100 * estimate.high:.2f})" if interval else value
