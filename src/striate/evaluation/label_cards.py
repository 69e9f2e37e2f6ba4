"""Cards of suspicious labels, as the audit page and the report show them."""

from dataclasses import dataclass

import numpy as np

from striate._types import Array
from striate.audit.findings import SuspiciousLabel
from striate.evaluation.charts import thumbnail

MAX_LABELS = 300  # cards on a page, to limit the size of its file


@dataclass(frozen=True)
class LabelCard:
    """What a card shows.

    Attributes:
        image: Thumbnail as a data URI.
        name: File of the image.
        given: Given class, labels or numbers.
        suggested: Suggested ones.
        measure: The probabilities of both; for numbers, the distance in half widths of the interval.
    """

    image: str
    name: str
    given: str
    suggested: str
    measure: str


def label_card(item: SuspiciousLabel, name: str, pixels: Array) -> LabelCard:
    """Return the card of a suspicious label.

    Args:
        item: The label.
        name: File of the image.
        pixels: (H, W, C).

    Returns:
        Its contents.
    """
    measure = " → ".join(f"{100 * share:.1f}%" for share in (item.probability, item.suggested_probability))
    if item.deviation is not None:
        measure = f"{item.deviation:.1f} ×"
    return LabelCard(thumbnail(np.asarray(pixels)), name, item.given or "–", item.suggested or "–", measure)
