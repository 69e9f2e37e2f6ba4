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
        given: Given class.
        suggested: Suggested class.
        probability: Probability of the given class, as text.
        suggested_probability: Probability of the suggested class, as text.
    """

    image: str
    name: str
    given: str
    suggested: str
    probability: str
    suggested_probability: str


def label_card(item: SuspiciousLabel, name: str, pixels: Array) -> LabelCard:
    """Return the card of a suspicious label.

    Args:
        item: The label.
        name: File of the image.
        pixels: (H, W, C).

    Returns:
        Its contents.
    """
    probabilities = (f"{100 * share:.1f}%" for share in (item.probability, item.suggested_probability))
    return LabelCard(thumbnail(np.asarray(pixels)), name, item.given, item.suggested, *probabilities)
