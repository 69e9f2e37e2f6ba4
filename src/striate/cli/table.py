"""Columns of text that line up, whatever their script."""

from collections.abc import Iterable, Sequence
from unicodedata import combining, east_asian_width


def lines(rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> list[str]:
    """One line for each row; the columns in `right` end together, the others begin together."""
    right = set(right)
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_fill(cell, widths[i], i in right) for i, cell in enumerate(row)).rstrip() for row in rows]


def width(text: str) -> int:
    """How many columns of a terminal it takes: two for a letter of Korean, Chinese or Japanese."""
    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _fill(cell: str, to: int, right: bool) -> str:
    space = " " * (to - width(cell))
    return space + cell if right else cell + space
