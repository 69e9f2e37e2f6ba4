"""Tables and charts in plain text."""

import pytest

from striate.text import display_width, sparkline, table


def test_columns_are_aligned_in_any_script() -> None:
    assert table([("class", "images"), ("고양이", "1,000"), ("café", "7")], right=[1]) == [
        "class   images",
        "고양이   1,000",
        "café         7",
    ]


def test_multi_line_cells_are_aligned() -> None:
    assert table([("a\nb", "c"), ("d", "e\nf")], gap=1) == ["a c", "b", "d e", "  f"]


def test_header_is_underlined() -> None:
    assert table([("name", "mul-\ntiply"), ("x", "1")], rule=True) == [
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
