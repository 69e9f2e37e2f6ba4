"""The table of findings, and folds that keep duplicates together."""

import csv
import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.audit.findings import (
    COLUMNS,
    DuplicatePair,
    FolderAudit,
    SuspiciousLabel,
    audit_table,
)
from striate.audit.folds import grouped_folds, join_pairs
from striate.audit.unusual import THRESHOLDS, Kind, UnusualImage
from striate.data.tables import escape_formula, unescape_formula


def make_audit(names: tuple[str, ...] = ("a/1.jpg", "b/=2.jpg", "b/3,;.jpg"), folder: str = "photos") -> FolderAudit:
    return FolderAudit(
        folder=folder, names=names, labels=("a", "b", "=b"), model="efficientnet-lite0", accuracy=0.9, rate=0.3,
        suspicious=(SuspiciousLabel(0, "a", "=b", 0.01, 0.9),), duplicates=(DuplicatePair(0, 1, 0.98),),
        unusual=(UnusualImage(2, Kind.DARK, 0.123456),), usual=(Kind.TINY,), thresholds=THRESHOLDS, notes=("A note.",),
    )  # fmt: skip


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_table_has_one_row_for_each_finding() -> None:
    header, *rows = rows_of(audit_table(make_audit()))
    assert tuple(header) == COLUMNS
    assert rows == [
        ["a/1.jpg", "label", "a", "'=b", "0.0100", "", "", ""],
        ["b/=2.jpg", "duplicate", "b", "", "0.9800", "", "a/1.jpg", ""],
        ["b/3,;.jpg", "dark", "'=b", "", "0.1235", "0.2", "", ""],
    ]
    assert make_audit().contradictions == 1


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=12))
def test_no_cell_is_a_formula_and_names_survive(name: str) -> None:
    escaped = escape_formula(name)
    assert not escaped.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unescape_formula(escaped) == name


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_groups_stay_together_and_order_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(4, 60))
    keys = rng.permutation(2**40 + np.arange(count)).astype(np.uint64)
    groups, y = rng.integers(0, count, count), rng.integers(0, 3, count)
    folds = grouped_folds(keys, groups, y, 5)
    assert all(len(np.unique(folds[groups == group])) == 1 for group in np.unique(groups))
    order = rng.permutation(count)
    np.testing.assert_array_equal(grouped_folds(keys[order], groups[order], y[order], 5), folds[order])


def test_folds_are_even_within_each_class() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [50, 23, 7])
    folds = grouped_folds(rng.permutation(80).astype(np.uint64), np.arange(80), y, 5)
    for number in range(3):
        counts = np.bincount(folds[y == number], minlength=5)
        assert counts.max() - counts.min() <= 1


def test_pairs_join_to_groups() -> None:
    groups = join_pairs(7, [(5, 2), (2, 0), (3, 4)])
    assert [set(np.flatnonzero(groups == group)) for group in np.unique(groups)] == [{0, 2, 5}, {1}, {3, 4}, {6}]
    assert join_pairs(3, np.zeros((0, 2))).tolist() == [0, 1, 2]
