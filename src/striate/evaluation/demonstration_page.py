"""The page of a demonstration of `striate reproduce`: text, line charts and tables in one HTML file."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from striate.evaluation import report


@dataclass(frozen=True)
class Figure:
    """A section with charts, a table below them, or both.

    Attributes:
        title: Key of its heading.
        charts: The drawings.
        several: Whether they are several small ones, side by side.
        legend: Styles of the lines and what they show.
        heads: Headings of the table.
        rows: Its cells; the first of each row names it.
    """

    title: str
    charts: Markup
    several: bool = False
    legend: Sequence[tuple[str, Markup | str]] = ()
    heads: Sequence[Markup | str] = ()
    rows: Sequence[Sequence[Markup | str]] = ()


@dataclass(frozen=True)
class DemonstrationPage:
    """The content of a page.

    Attributes:
        title: Key of what is demonstrated.
        headline: The result in one line.
        texts: What happens and why.
        figures: What was measured.
    """

    title: str
    headline: Markup
    texts: Sequence[Markup]
    figures: Sequence[Figure]


def render_demonstration(id: str, page: DemonstrationPage) -> str:
    """Return the page of a system as HTML.

    Args:
        id: Id of the system.
        page: The content of the page.

    Returns:
        A self-contained page.
    """
    return report.render("demonstration.html.j2", id=id, page=page)
