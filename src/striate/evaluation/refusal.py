"""What it costs to call far pictures unknown: real ones that are refused, and mistakes that are spared."""

from collections.abc import Iterable
from dataclasses import dataclass

from striate._types import Array


@dataclass(frozen=True)
class Refusal:
    """One limit. expected: share of real pictures beyond it, as found without the test pictures.

    refused: share of the test pictures beyond it. within: how many are not. mistakes: among those.
    """

    limit: float
    expected: float
    refused: float
    mistakes: int
    within: int


def refusals(
    limits: Iterable[tuple[float, float]], far: Array, probabilities: Array, labels: Array
) -> tuple[Refusal, ...]:
    """For each (expected share, limit): what it does to the test pictures.

    far: (N,) how far each is from what is known. probabilities: (N, K); labels: (N,).
    """
    wrong = probabilities.argmax(axis=1) != labels
    found = []
    for expected, limit in limits:
        within = far <= limit
        found.append(Refusal(limit, expected, float(1 - within.mean()), int((wrong & within).sum()), int(within.sum())))
    return tuple(found)
