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
    labels_differ,
    suspicious_label_sets,
    suspicious_values,
)
from striate.audit.unusual import THRESHOLDS, CommonIssue, ImageIssue, UnusualImage
from striate.data.tables import escape_formula, unescape_formula


def make_audit(names: tuple[str, ...] = ("a/1.jpg", "b/=2.jpg", "b/3,;.jpg"), folder: str = "photos") -> FolderAudit:
    return FolderAudit(
        folder=folder, names=names, labels=("a", "b", "=b"), model="efficientnet-lite0", accuracy=0.9, rate=0.3,
        suspicious=(SuspiciousLabel(0, "a", "=b", 0.01, 0.9),), duplicates=(DuplicatePair(0, 1, True, 0.98),),
        unusual=(UnusualImage(2, ImageIssue.DARK, 0.123456),), common=(CommonIssue(ImageIssue.LOW_RESOLUTION, 2),),
        thresholds=THRESHOLDS, notes=("A note.",),
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


def test_labels_of_duplicates_contradict_each_other() -> None:
    first, second = np.array([0, 0, 1]), np.array([1, 2, 2])
    assert labels_differ(np.array([3, 3, 4]), first, second).tolist() == [False, True, True]
    sets = np.array([[0, 1], [0, 1], [1, 1]], np.uint8)
    assert labels_differ(sets, first, second).tolist() == [False, True, True]
    assert labels_differ(sets, first[:0], second[:0]).tolist() == []


def test_nearly_equal_numbers_do_not_contradict_each_other() -> None:
    numbers = np.stack([np.arange(101.0), np.arange(101.0) / 100], axis=1)  # interquartile ranges 50 and 0.5
    numbers[1], numbers[2], numbers[3] = (4.9, 0.04), (5.1, 0), (0, 0.06)
    first, second = np.zeros(3, np.intp), np.arange(1, 4)
    assert labels_differ(numbers, first, second).tolist() == [False, True, True]
    mostly_zero = np.zeros((9, 1), np.float32)
    mostly_zero[1] = 1e-3  # no spread, so any difference counts
    assert labels_differ(mostly_zero, first[:2], second[:2]).tolist() == [True, False]


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=12))
def test_no_cell_is_a_formula_and_names_survive(name: str) -> None:
    escaped = escape_formula(name)
    assert not escaped.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unescape_formula(escaped) == name


def test_missing_and_wrong_labels_of_sets_are_found() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random((400, 3)) < 0.4).astype(np.float32)
    probabilities = np.clip(0.05 + 0.9 * truth + rng.normal(0, 0.03, truth.shape), 0.01, 0.99)
    given = truth.copy()
    given[:8, 1] = 1 - truth[:8, 1]
    rate, found = suspicious_label_sets(probabilities, given, ("a", "b", "c"))
    assert {item.index for item in found[:8]} == set(range(8))
    assert len(found) <= 12 and 0.003 < rate < 0.015  # of 1,200 labels, 8
    for item in found[:8]:
        assert set(item.given.split("; ")) ^ set(item.suggested.split("; ")) - {""} in ({"b"}, {"b", ""})
    assert suspicious_label_sets(probabilities, truth, ("a", "b", "c"))[1] == ()


def test_numbers_far_from_their_prediction_are_found() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 9, (500, 1))
    predicted, given = truth + rng.normal(0, 0.3, truth.shape), truth.copy()
    half_widths = np.array([0.3 * 1.645])
    assert suspicious_values(predicted, given, half_widths)[0] < 0.01
    given[:5] += 5
    rate, found = suspicious_values(predicted, given, half_widths)
    assert {item.index for item in found[:5]} == set(range(5)) and 0.01 <= rate < 0.02
    first = found[0]
    assert first.deviation and first.deviation > 8 and first.given == f"{given[first.index, 0]:.4g}"
