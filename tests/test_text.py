"""Tables and charts in plain text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.text import display_width, printable, scatter, sparkline, table


def test_columns_are_aligned_in_any_script() -> None:
    assert table([("class", "images"), ("고양이", "1,000"), ("café", "7")], right=[1]) == [
        "class   images",
        "고양이   1,000",
        "café         7",
    ]


def test_multi_line_cells_are_aligned() -> None:
    assert table([("a\nb", "c"), ("d", "e\nf")], gap=1, multiline=True) == ["a c", "b", "d e", "  f"]


def test_header_is_underlined() -> None:
    assert table([("name", "mul-\ntiply"), ("x", "1")], rule=True, multiline=True) == [
        "      mul-",
        "name  tiply",
        "───────────",
        "x     1",
    ]


@pytest.mark.parametrize("width", [3, 7, 12, 40])
def test_cells_are_wrapped_to_the_width(width: int) -> None:
    rows = [("layer", "kind"), ("블록.conv1", "Convolution")]
    lines = table(rows, width=width)
    assert max(map(display_width, lines)) <= max(width, 6)  # two columns of one wide character each
    letters = sorted("".join(lines).replace(" ", ""))
    assert letters == sorted("".join(cell for row in rows for cell in row))


def test_sparkline_uses_all_heights() -> None:
    assert sparkline([7, 3.5, 1, 0], 7) == "█▅▂▁"


def test_sparkline_clips_values() -> None:
    assert sparkline([-1, 99], 7) == "▁█"


def test_unsafe_characters_are_escaped_and_scripts_are_kept() -> None:
    for text in ("고양이 é", "कुत्ता", "👨\u200d👩\u200d👧", "קובץ", "2024-05-01 (1).JPG", "tab"):
        assert printable(text) == text
    forged = "a\x1b[31m\x1b]0;title\x07\r\n\t\x7f\x9b\u2028\u202e\u2066\udcff"
    escaped = printable(forged)
    assert escaped == r"a\x1b[31m\x1b]0;title\x07\x0d\x0a\x09\x7f\x9b\u2028\u202e\u2066\udcff"
    assert escaped.isprintable()
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\x1b"
    assert table([("a\nb", "c\x1b")]) == ["a\\x0ab  c\\x1b"]


@given(st.dictionaries(st.tuples(st.integers(0, 9000), st.integers(0, 9000)), st.integers(1, 10**6), min_size=1))
def test_scatter_shows_every_point_within_its_axes(points: dict[tuple[int, int], int]) -> None:
    lines = scatter(points, columns=20, lines=6)
    assert len(lines) == 8
    assert len({line.index("│") for line in lines[:6]} | {lines[6].index("└")}) == 1
    margin, right, top = lines[6].index("└") + 1, max(x for x, _ in points) or 1, max(y for _, y in points) or 1
    for x, y in points:
        row, column = 5 - round(y / top * 5), round(x / right * 19)
        assert lines[row][margin + column] in "░▒▓█"
    assert len(set("".join(lines[:6])) & set("░▒▓█")) <= len(points)


def test_scatter_is_darker_where_there_is_more() -> None:
    marks = [line[-1] for line in scatter({(10, 10): 1, (10, 5): 30, (10, 0): 1000}, columns=5, lines=3)[:3]]
    assert marks == ["░", "▒", "█"]
