"""Tables of files with labels or groups, as spreadsheets and scripts write them."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.data.tables import FileFinder, read_table
from striate.errors import DataError


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    file = folder / "table.csv"
    file.write_bytes(text.encode(encoding))
    return file


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_separators_and_line_ends(tmp_path: Path, separator: str, encoding: str, newline: str) -> None:
    rows = [("file", "group"), ("cat/1.jpg", "김 하나"), ("dog/고양이.png", "=cmd|' /C calc'!A0")]
    text = newline.join(separator.join(row) for row in rows) + newline
    table = read_table(write(tmp_path, text, encoding))
    assert table.header == rows[0]
    assert table.rows == tuple(rows[1:])
    assert table.lines == (2, 3)


CELLS = st.text("aB é;,\t\"'\n=+김", min_size=1).filter(lambda text: text == text.strip())


@settings(deadline=None)
@given(st.lists(st.tuples(st.from_regex(r"[a-z]{1,4}/[a-z0-9]{1,4}\.jpg", fullmatch=True), CELLS), min_size=1),
       st.sampled_from([",", ";", "\t"]))  # fmt: skip
def test_what_csv_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]],
                                      separator: str) -> None:  # fmt: skip
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator).writerows(rows)
    table = read_table(write(tmp_path_factory.getbasetemp(), out.getvalue()))
    assert table.header is None
    assert table.rows == tuple(rows)


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("a.jpg,cat;dog\nb.jpg,dog\n", ("a.jpg", "cat;dog")),
        ("a.jpg,cat;dog\nb.jpg,dog;cat\n", ("a.jpg", "cat;dog")),
        ("a.jpg;3,5\nb.jpg;4,5\n", ("a.jpg", "3,5")),
        ('"a.jpg","x, y"\n\n"b.jpg","z"\n', ("a.jpg", "x, y")),
        ("  a.jpg ,  cat \n", ("a.jpg", "cat")),
    ],
)
def test_separator_is_the_one_that_leaves_file_names_whole(tmp_path: Path, text: str, cells: tuple[str, ...]) -> None:
    assert read_table(write(tmp_path, text)).rows[0] == cells


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("file,group\n1,a\n", ("file", "group")),
        ("그림,나이\na.jpg,3\nb.jpg,4\n", ("그림", "나이")),
        ("image,0,1\na.jpg,1,0\n", ("image", "0", "1")),
        ("a.jpg,x\nb.jpg,y\n", None),
        ("a.jpg,unknown\nb.jpg,4\nc.jpg,5\n", None),
        ("0001,x\n0002,y\n", None),
    ],
)
def test_header_is_recognized(tmp_path: Path, text: str, header: tuple[str, ...] | None) -> None:
    assert read_table(write(tmp_path, text)).header == header


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it has no rows. Each row should have a file and its value"),
        (b"a.jpg\nb.jpg\n", "it has one column, and its first row is 'a.jpg'"),
        (b"file,group\n", "contains a header, but no rows below it"),
        (b"a.jpg,x\nb.jpg,y,z\n", "line 2 has 3 cells, the first row 2"),
        (b"a.jpg,\xff\xff\n", "not a text in UTF-8, UTF-16 or CP949"),
        (b"PK\x03\x04\x00\x00\x00\x00\x00\x00\x00\x00", "it "),
        (b'a.jpg,"' + b"x" * 200_000 + b'"\n', "field larger than field limit"),
    ],
)
def test_unusable_tables_are_one_clear_error(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_table(file)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone.csv' cannot be read: No such file"):
        read_table(tmp_path / "gone.csv")
    with pytest.raises(DataError, match=r"is a folder\. Pass a CSV file"):
        read_table(tmp_path)


def test_finder_finds_files_however_the_table_names_them() -> None:
    finder = FileFinder("photos", ["cat/1.jpg", "cat/2.jpg", "dog/1.jpg", "dog/강아지.png"])
    for cell in ("cat/2.jpg", "./cat/2.jpg", "cat\\2.jpg", "photos/cat/2.jpg", "/home/kim/photos/cat/2.jpg", "2.jpg",
                 "2", "cat/2", "C:\\Users\\kim\\photos\\cat\\2.jpg"):  # fmt: skip
        assert finder.find(cell) == (1,)
    assert finder.find("강아지.png".encode().decode()) == (3,)
    assert finder.find("\u1100\u1161\u11bc\u110b\u1161\u110c\u1175.png") == (3,)  # decomposed, as macOS stores names
    assert finder.find("1.jpg") == (0, 2)
    assert finder.find("3.jpg") == finder.find("") == ()
