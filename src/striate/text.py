"""Tables and small charts in plain text, for terminals and log files."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log
from unicodedata import category, combining, east_asian_width

DIRECTION_MARKS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
BARS = "▁▂▃▄▅▆▇█"
SHADES = "░▒▓█"


def table(
    rows: Sequence[Sequence[str]], right: Iterable[int] = (), *, gap: int = 2, width: int | None = None,
    rule: bool = False, multiline: bool = False,
) -> list[str]:  # fmt: skip
    """Align cells of any script in columns.

    Args:
        rows: The cells. Characters that could manipulate the output of a terminal are escaped; see `printable`.
        right: Numbers of the columns that are aligned to the right.
        gap: Number of spaces between columns.
        width: Maximum width of a line; longer cells are wrapped. None: any width.
        multiline: Let newlines in a cell begin a new line; otherwise they are escaped too.
        rule: Draw a line below the first row, whose cells are aligned at the bottom.

    Returns:
        The lines.

    Example:
        >>> table([("class", "images"), ("cat", "7")], right=[1])
        ['class  images', 'cat         7']
    """
    keep = "\n" if multiline else ""
    cells = [[printable(cell, keep).split("\n") for cell in row] for row in rows]
    widths = [max(display_width(line) for cell in column for line in cell) for column in zip(*cells, strict=True)]
    available = None if width is None else max(width - gap * (len(widths) - 1), len(widths))
    if available is not None and sum(widths) > available:
        while sum(widths) > available:
            widths[widths.index(max(widths))] -= 1
        cells = [
            [[part for line in cell for part in _fold(line, most)] for cell, most in zip(row, widths, strict=True)]
            for row in cells
        ]
    blocks = [
        _align(row, widths, set(right), " " * gap, bottom=rule and not number) for number, row in enumerate(cells)
    ]
    lines = [line for block in blocks for line in block]
    if rule:
        lines.insert(len(blocks[0]), "─" * max(map(display_width, lines)))
    return lines


def wrap(text: str, width: int) -> list[str]:
    """Break a text between words into lines of at most this width.

    Args:
        text: The text.
        width: Columns of a terminal.

    Returns:
        The lines; a longer word is on a separate line.

    Example:
        >>> wrap("학습 데이터와 테스트 데이터", 18)
        ['학습 데이터와', '테스트 데이터']
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and display_width(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def display_width(text: str) -> int:
    """Measure a text on a terminal.

    Args:
        text: The text.

    Returns:
        Number of columns: two for each Korean, Chinese or Japanese character.
    """
    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def printable(text: str, keep: str = "") -> str:
    r"""Escape characters that could manipulate the output of a terminal or a page.

    These are control characters (such as ESC, carriage return and newline), line separators, marks that change the
    direction of text, and bytes that are not valid text.

    Args:
        text: The text.
        keep: Characters that are not escaped, for example newlines.

    Returns:
        One line, unless `keep` contains newlines.

    Example:
        >>> printable("cat\n\x1b[31m 고양이")
        'cat\\x0a\\x1b[31m 고양이'
    """
    if text.isprintable():  # none of these characters is printable to Python
        return text
    return "".join(_escape(letter) if letter not in keep and _is_unsafe(letter) else letter for letter in text)


def _is_unsafe(letter: str) -> bool:
    return category(letter) in ("Cc", "Cs", "Zl", "Zp") or letter in DIRECTION_MARKS


def _escape(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def counted(count: int, what: str) -> str:
    """Write a number of things.

    Args:
        count: The number.
        what: The thing in the singular.

    Returns:
        For example "1 layer" or "1,200 layers".
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def listed(items: Sequence[str], most: int = 5) -> str:
    """Write a list that may be long.

    Args:
        items: Texts.
        most: How many of them to write.

    Returns:
        The first ones, and how many more there are.

    Example:
        >>> listed(["'a'", "'b'", "'c'"], 2)
        "'a', 'b' and 1 more"
    """
    shown = ", ".join(items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most:,} more"


def sparkline(values: Sequence[float], top: float) -> str:
    """Draw one bar for each value.

    Args:
        values: The values, 0 … `top`; those outside are clipped.
        top: Value of the highest bar.

    Returns:
        One character for each value.

    Example:
        >>> sparkline([0, 1, 3.5, 7], top=7)
        '▁▂▅█'
    """
    last = len(BARS) - 1
    return "".join(BARS[min(max(round(value / top * last), 0), last)] for value in values)


def scatter(points: Mapping[tuple[int, int], int], columns: int = 56, lines: int = 12) -> list[str]:
    r"""Draw the counts at points as a scatter plot of characters, with axes from 0 to the largest values.

    Args:
        points: Counts by (x, y), both 0 or more.
        columns: Width of the drawing in characters, without the vertical axis.
        lines: Its height in lines, without the horizontal axis.

    Returns:
        The lines, y upwards; darker marks stand for higher counts.

    Example:
        >>> print("\n".join(scatter({(100, 50): 1, (200, 100): 9}, columns=9, lines=3)))
        100 │        █
            │    ░
            │
          0 └─────────
            0      200
    """
    right, top = max(x for x, _ in points) or 1, max(y for _, y in points) or 1
    cells: Counter[tuple[int, int]] = Counter()
    for (x, y), count in points.items():
        cells[round(x / right * (columns - 1)), round(y / top * (lines - 1))] += count
    most = max(cells.values())
    margin = len(str(top))
    drawn = []
    for row in reversed(range(lines)):
        marks = (_shade(cells.get((column, row), 0), most) for column in range(columns))
        label = str(top) if row == lines - 1 else ""
        drawn.append(f"{label:>{margin}} │{''.join(marks)}".rstrip())
    return [*drawn, f"{0:>{margin}} └{'─' * columns}", f"{'':{margin + 1}}0{right:>{columns}}"]


def _shade(count: int, most: int) -> str:
    if not count:
        return " "
    return SHADES[min(int(len(SHADES) * log(count) / log(most)) if most > 1 else 0, len(SHADES) - 1)]


def _align(
    row: Sequence[Sequence[str]], widths: Sequence[int], right: set[int], gap: str, *, bottom: bool
) -> list[str]:
    height = max(map(len, row))
    columns = []
    for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
        missing = [""] * (height - len(cell))
        lines = [*missing, *cell] if bottom else [*cell, *missing]
        columns.append([_pad(line, width, number in right) for line in lines])
    return [gap.join(parts).rstrip() for parts in zip(*columns, strict=True)]


def _pad(text: str, width: int, right: bool) -> str:
    space = " " * (width - display_width(text))
    return space + text if right else text + space


def _fold(text: str, width: int) -> list[str]:
    """Split a line into pieces of at most this display width; a single wide character may exceed it."""
    pieces = [""]
    for letter in text:
        if pieces[-1] and display_width(pieces[-1] + letter) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces
