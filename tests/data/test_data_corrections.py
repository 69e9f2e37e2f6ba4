"""Corrections from audit.csv: what is applied, and one clear message for each kind of bad table."""

from pathlib import Path

import numpy as np
import pytest

from striate.audit.findings import FolderAudit, SuspiciousLabel, audit_table
from striate.data.corrections import apply_corrections, read_corrections
from striate.data.labels import LabelFile, labeled_layout
from striate.data.layout import Layout, read_layout
from striate.errors import DataError, StriateError, UsageError
from striate.tasks import Task

FILES = ("고양이/=1.jpg", "고양이/2,;.jpg", "고양이/'3.jpg", "dog/1.jpg", "dog/2.jpg", "train/1.jpg")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    for name in FILES:
        file = tmp_path / "사진" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return read_layout(tmp_path / "사진")


def table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "audit.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_exclude_and_relabel(tmp_path: Path, layout: Layout) -> None:
    rows = "file,suggested,action\n고양이/'=1.jpg,dog,\ndog/1.jpg,고양이,Relabel\ntrain/1.jpg,,exclude\n"
    corrections = read_corrections(table(tmp_path, rows), layout)
    assert corrections == {"dog/1.jpg": "고양이", "train/1.jpg": None}
    corrected = apply_corrections(layout, corrections)
    assert corrected.classes == ("dog", "고양이")  # no image of 'train' is left
    labels = {name: corrected.classes[number] for name, number in zip(corrected.names, corrected.y, strict=True)}
    others = {name: name.split("/")[0] for name in FILES if name not in corrections}
    assert labels == {**others, "dog/1.jpg": "고양이"}
    assert [file.name for file in corrected.files] == [name.split("/")[1] for name in corrected.names]
    assert len(corrected.parts) == 5
    assert corrected.notes[0] == (
        "Corrections of the user: 1 image ('train/1.jpg') left out, 1 image ('dog/1.jpg' as '고양이') relabeled."
    )
    assert apply_corrections(layout, {}) is layout
    np.testing.assert_array_equal(layout.y, read_layout(layout.folder).y)  # the original is as before


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_saved_by_spreadsheet_programs(tmp_path: Path, layout: Layout, encoding: str, separator: str) -> None:
    text = "file,kind,suggested,action\r\n고양이/=1.jpg,label,dog,relabel\r\n".replace(",", separator)
    assert read_corrections(table(tmp_path, text, encoding), layout) == {"고양이/=1.jpg": "dog"}


def test_every_name_survives_the_table_of_an_audit(tmp_path: Path, layout: Layout) -> None:
    given = tuple(layout.classes[number] for number in layout.y)
    suspicious = tuple(SuspiciousLabel(row, given[row], "dog", 0.1, 0.9) for row in range(len(given)))
    audit = FolderAudit("사진", layout.names, given, "base", 0.9, 0.1, suspicious, (), (), ())
    text = audit_table(audit).replace(",,,\r\n", ",,,exclude\r\n")
    assert set(read_corrections(table(tmp_path, text), layout)) == set(layout.names) == set(FILES)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("file,action\ndog/1.jpg,\n", UsageError, r"No row of .* has an action\. Write 'exclude' or 'relabel'"),
        ("file,action\ndog/1.jpg,delete\n", DataError, "line 2: unknown action 'delete'. Write 'exclude'"),
        (
            "file,action\ndog/9.jpg,exclude\n",
            DataError,
            "has an action for a file not contained in '사진': 'dog/9",
        ),
        (
            "file,action\n" + "".join(f"x{n}.jpg,exclude\n" for n in range(9)),
            DataError,
            "9 files .*'x4.jpg' and 4 more",
        ),
        (
            "file,action\n1.jpg,exclude\n",
            DataError,
            "line 2: '1.jpg' is ambiguous: it matches 'dog/1.jpg' or 'train/1.jpg'",
        ),
        ("file,what\ndog/1.jpg,exclude\n", DataError, "has no column 'action'. Pass the table that"),
        ("dog/1.jpg,exclude\n", DataError, "has no column 'file'"),
        ("file,suggested,action\ndog/1.jpg,,relabel\n", DataError, "'relabel' needs a class in the column 'suggested'"),
        ("file,suggested,action\ndog/1.jpg,dgo,relabel\n", DataError, "no class 'dgo'. Did you mean 'dog'"),
        ("file,action\ndog/1.jpg,relabel\n", DataError, "'relabel' needs a class"),
        (
            "file,suggested,action\ndog/1.jpg,고양이,relabel\ndog/1.jpg,,exclude\n",
            DataError,
            "line 3: 'dog/1.jpg' has another action",
        ),
        ("", DataError, "cannot be read as a table"),
        ("file,action\n", DataError, "no rows below"),
    ],
)
def test_bad_tables(tmp_path: Path, layout: Layout, text: str, error: type[StriateError], message: str) -> None:
    with pytest.raises(error, match=message):
        read_corrections(table(tmp_path, text), layout)


def test_missing_table(tmp_path: Path, layout: Layout) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_corrections(tmp_path / "none.csv", layout)


def test_one_class_must_not_remain(tmp_path: Path, layout: Layout) -> None:
    rows = "file,action\n" + "".join(f'"{name}",exclude\n' for name in FILES if not name.startswith("dog"))
    with pytest.raises(DataError, match="'사진' contains images of fewer than two classes"):
        apply_corrections(layout, read_corrections(table(tmp_path, rows), layout))


def test_numbers_are_excluded_and_corrected(tmp_path: Path, layout: Layout) -> None:
    ages = tmp_path / "ages.csv"
    ages.write_text("file,age\ndog/1.jpg,3\ndog/2.jpg,4\n", "utf-8")
    numbers = labeled_layout(layout.folder, LabelFile(str(ages), Task.REGRESSION))
    with pytest.raises(DataError, match=r"'relabel' needs a value in the column .* received 'old'"):
        read_corrections(table(tmp_path, "file,suggested,action\ndog/1.jpg,old,relabel\n"), numbers)
    corrected = apply_corrections(
        numbers, read_corrections(table(tmp_path, "file,suggested,action\ndog/1.jpg,5.5,relabel\n"), numbers)
    )
    assert corrected.y.tolist() == [[5.5], [4.0]]
    excluded = apply_corrections(
        numbers, read_corrections(table(tmp_path, "file,action\ndog/1.jpg,exclude\n"), numbers)
    )
    assert excluded.y.tolist() == [[4.0]] and excluded.classes == ("age",)


def test_label_sets_are_corrected(tmp_path: Path, layout: Layout) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("file,labels\ndog/1.jpg,wet;old\ndog/2.jpg,old\n", "utf-8")
    sets = labeled_layout(layout.folder, LabelFile(str(labels), Task.MULTILABEL))
    rows = "file,suggested,action\ndog/1.jpg,,relabel\ndog/2.jpg,wet; old,relabel\n"
    assert apply_corrections(sets, read_corrections(table(tmp_path, rows), sets)).y.tolist() == [[0, 0], [1, 1]]
    with pytest.raises(DataError, match=r"there is no class 'wett'\. Did you mean 'wet'"):
        read_corrections(table(tmp_path, "file,suggested,action\ndog/1.jpg,wett,relabel\n"), sets)
