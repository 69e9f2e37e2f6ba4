"""What objects look like in a notebook: tables, curves and small images as HTML without scripts.

The colors are those of the page, so that everything is readable in light and dark themes, and all text is escaped.
"""

import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape as escape_html
from math import floor, isfinite, log10
from typing import TextIO

from striate.files import atomic_write
from striate.text import printable

MAX_CELL_LENGTH, MAX_DETAIL_LENGTH = 60, 200  # letters of a text in a cell, and elsewhere
FIRST_ROWS, LAST_ROWS = 40, 8  # rows of a long table that are shown; those between them are left out
TRAINING, VALIDATION = "#4285f4", "#f08c2e"  # visible on white and on black
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 320, 212, 44, 310, 26, 176  # size of a chart, and the edges of its plot area
MAX_POINTS = 200  # number of points of a curve
STYLE = (
    "<style>.striate{overflow-x:auto}.striate table{border-collapse:collapse;font-size:13px;margin:4px 0 8px}"
    ".striate td,.striate th{padding:2px 8px;text-align:left!important;border:0;vertical-align:top}"
    ".striate td.n,.striate th.n{text-align:right!important;font-variant-numeric:tabular-nums}"
    ".striate th{border-bottom:1px solid #8888;vertical-align:bottom}.striate summary{cursor:pointer}"
    ".striate figure{display:inline-block;min-width:72px;margin:0 6px 6px 0;text-align:center;font-size:11px;"
    "vertical-align:top}"
    ".striate figcaption{max-width:110px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}"
    ".striate img{image-rendering:pixelated;display:block;margin:0 auto;height:56px}.striate svg{margin-right:12px}"
    ".striate small{opacity:.75}</style>"
)


def in_notebook() -> bool:
    """Return whether the code runs in a notebook, which shows HTML, rather than on a terminal or in a script."""
    module = sys.modules.get("IPython")  # loaded by every kernel; nothing is imported for this question
    shell = module.get_ipython() if module and hasattr(module, "get_ipython") else None
    return shell is not None and hasattr(shell, "kernel")


def can_redraw(stream: TextIO) -> bool:
    """Return whether printed lines can be replaced: on a terminal, but not by `!striate` in a cell of a notebook."""
    return stream.isatty() and not is_cell_command()


def is_cell_command() -> bool:
    """Return whether a cell of a notebook started this process, with `!striate`.

    A cell gives commands a terminal, of whose control sequences it understands few, so that bars would pile up.
    """
    return "JPY_PARENT_PID" in os.environ  # which Jupyter sets in the processes of a notebook


def show(html: str, text: str, name: str | None = None, *, update: bool = False) -> None:
    """Show HTML below the cell that is running.

    Args:
        html: What to show.
        text: The same for front ends that show no HTML.
        name: A name of what is shown, by which it can be updated.
        update: Replace what was shown before under this name.
    """
    from IPython.display import publish_display_data

    transient = {"display_id": name} if name else {}
    publish_display_data({"text/html": html, "text/plain": text}, {}, transient=transient, update=update)


def escape(value: object, longest: int = MAX_CELL_LENGTH) -> str:
    """Return a value as HTML text in one line; longer texts are cut."""
    text = printable(str(value))
    return escape_html(text if len(text) <= longest else text[: longest - 1] + "…")


def block(*parts: str) -> str:
    """Return parts as one output, with the style that they share."""
    return f'<div class="striate">{STYLE}{"".join(parts)}</div>'


def heading(name: object, *details: object) -> str:
    """Return the name of an object, and a few words about it."""
    words = " · ".join(escape(detail, MAX_DETAIL_LENGTH) for detail in details if detail)
    return f"<div><b>{escape(name)}</b>{f' <small>{words}</small>' if words else ''}</div>"


def table(head: Sequence[object], rows: Iterable[Sequence[object]], right: Collection[int] = ()) -> str:
    """Return a table. Of a long one, the first and last rows are shown.

    Args:
        head: Headings of the columns.
        rows: The cells.
        right: Columns of numbers, which are aligned to the right.

    Returns:
        HTML.

    Example:
        >>> table(["layer"], [["C1 & C2"]])
        '<table><tr><th>layer</th></tr><tr><td>C1 &amp; C2</td></tr></table>'
    """
    lines = list(rows)
    hidden = len(lines) - FIRST_ROWS - LAST_ROWS
    note = f'<tr><td colspan="{len(head)}"><small>… {hidden:,} more rows</small></td></tr>' if hidden > 1 else ""
    first, last = (lines[:FIRST_ROWS], lines[-LAST_ROWS:]) if note else (lines, [])
    top = _row("th", head, right)
    shown = (*(_row("td", row, right) for row in first), note, *(_row("td", row, right) for row in last))
    return f"<table>{top}{''.join(shown)}</table>"


def _row(tag: str, cells: Sequence[object], right: Collection[int]) -> str:
    marks = (' class="n"' if column in right else "" for column in range(len(cells)))
    return f"<tr>{''.join(f'<{tag}{mark}>{escape(c)}</{tag}>' for mark, c in zip(marks, cells, strict=True))}</tr>"


def facts(values: Mapping[str, object]) -> str:
    """Return names and values as a table of two columns."""
    rows = (f"<tr><td>{escape(n)}</td><td>{escape(value, MAX_DETAIL_LENGTH)}</td></tr>" for n, value in values.items())
    return f"<table>{''.join(rows)}</table>"


def details(summary: str, content: str) -> str:
    """Return content that a click on its summary opens."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def image(source: str, caption: str = "") -> str:
    """Return a small image, given by its data URL, with a caption."""
    text = escape(caption)
    return f'<figure><img src="{source}" alt="{text}"><figcaption title="{text}">{text}</figcaption></figure>'


def charts(history: Mapping[str, Sequence[float]]) -> str:
    """Draw each value of a training history over the epochs, together with its validation value.

    Args:
        history: Lists with one number for each epoch, such as "loss", "val_loss" and "accuracy".

    Returns:
        SVG drawings side by side.
    """
    names = [name for name in history if not name.startswith("val_") and name != "learning_rate"]
    return "".join(_chart(name, history[name], history.get(f"val_{name}", ())) for name in names)


def _chart(name: str, training: Sequence[float], validation: Sequence[float]) -> str:
    values = [value for value in (*training, *validation) if isfinite(value)]
    if not values:
        return ""
    low, high = min(values), max(values)
    low, high = (low - 0.5, high + 0.5) if low == high else (low, high)
    epochs = max(len(training), len(validation))

    def at(epoch: float, value: float) -> tuple[float, float]:
        across = (epoch - 1) / max(epochs - 1, 1)
        up = (value - low) / (high - low)
        return round(LEFT + across * (RIGHT - LEFT), 1), round(BOTTOM - up * (BOTTOM - TOP), 1)

    parts = [_text(LEFT, 14, name, "start", "bold")]
    for value in _ticks(low, high):
        _, y = at(1, value)
        parts.append(f'<path d="M{LEFT} {y}H{RIGHT}" stroke="currentColor" stroke-opacity=".2"/>')
        parts.append(_text(LEFT - 5, y + 4, f"{value:.4g}", "end"))
    marked = sorted({1, (epochs + 1) // 2, epochs})
    parts.extend(_text(at(epoch, low)[0], BOTTOM + 16, str(epoch), "middle") for epoch in marked)
    parts.append(_text((LEFT + RIGHT) / 2, HEIGHT - 3, "epoch", "middle"))
    for label, points, color in (("training", training, TRAINING), ("validation", validation, VALIDATION)):
        parts.append(_line([at(n, v) for n, v in _thin_out(points)], color))
        if len(points):
            parts.append(_text(RIGHT - (70 if label == "training" else 0), 14, label, "end", "normal", color))
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    style = 'font-family="sans-serif" font-size="11" fill="currentColor"'
    return f'<svg {size} {style} role="img" aria-label="{escape(name)} by epoch">{"".join(parts)}</svg>'


def _thin_out(values: Sequence[float]) -> list[tuple[int, float]]:
    """Return (epoch, value) of at most 200 epochs, the last among them."""
    step = -(-len(values) // MAX_POINTS) or 1
    points = list(enumerate(values, start=1))
    return [(n, value) for n, value in points if isfinite(value) and ((len(points) - n) % step == 0)]


def _line(points: Sequence[tuple[float, float]], color: str) -> str:
    if not points:
        return ""
    path = " ".join(f"{x},{y}" for x, y in points)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="2" fill="{color}"/>' for x, y in points) if len(points) <= 30 else ""
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.6"/>{dots}'


def _text(x: float, y: float, text: str, anchor: str, weight: str = "normal", color: str = "currentColor") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" fill="{color}">{escape(text)}</text>'


def _ticks(low: float, high: float) -> list[float]:
    """Return three to six round numbers within a range."""
    power = 10.0 ** floor(log10((high - low) / 3))
    step = max(power * m for m in (1, 2, 5) if power * m <= (high - low) / 3)
    return [n * step for n in range(-floor(-low / step), floor(high / step) + 1)]


@dataclass(frozen=True)
class Page:
    """A complete HTML page, such as a report, which a notebook shows below the cell in a separate frame.

    Attributes:
        html: The page.
        title: What it is, in a few words.
    """

    html: str = field(repr=False)
    title: str = "report"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file that every browser opens.

        Args:
            path: Where to write.

        Raises:
            RunError: If the file cannot be written.
        """
        atomic_write(path, self.html.encode("utf-8"))

    def _repr_html_(self) -> str:
        style = "width:100%;box-sizing:border-box;height:640px;border:1px solid #8888;border-radius:4px;background:#fff"
        page = escape_html(self.html)
        return f'<iframe title="{escape(self.title)}" sandbox="allow-scripts" style="{style}" srcdoc="{page}"></iframe>'
