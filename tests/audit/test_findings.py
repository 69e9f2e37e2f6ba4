"""The table of findings, and folds that keep duplicates together."""

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from striate.audit.findings import (
    COLUMNS,
    DuplicatePair,
    FolderAudit,
    SuspiciousLabel,
    audit_table,
)
from striate.audit.unusual import THRESHOLDS, Kind, UnusualImage
from striate.data.tables import escape_formula, unescape_formula


def make_audit(names: tuple[str, ...] = ("a/1.jpg", "b/=2.jpg", "b/3,;.jpg"), folder: str = "photos") -> FolderAudit:
    return FolderAudit(
        folder=folder, names=names, labels=("a", "b", "=b"), model="efficientnet-lite0", accuracy=0.9, rate=0.3,
        suspicious=(SuspiciousLabel(0, "a", "=b", 0.01, 0.9),), duplicates=(DuplicatePair(0, 1, 0.98),),
        unusual=(UnusualImage(2, Kind.DARK, 0.123456),), common=(Kind.TINY,), thresholds=THRESHOLDS, notes=("A note.",),
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
