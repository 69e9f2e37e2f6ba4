"""The pages of `--help` in the language of the terminal. Commands give their texts in English."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import click

from striate.language import translate
from striate.text import display_width, wrap

MAX_TERM_WIDTH = 30  # columns; the explanation of a longer term begins on the next line
GAP = 2


class HelpFormatter(click.HelpFormatter):
    """Write translated texts, wrapped by display width, so that wide characters such as Hangul fit."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the usage line."""
        super().write_usage(prog, args, prefix or f"{translate('Usage:')} ")

    def write_heading(self, heading: str) -> None:
        """Write the heading of a section."""
        super().write_heading(translate(heading))

    def write_text(self, text: str) -> None:
        """Write the paragraphs of a text."""
        indent = " " * self.current_indent
        paragraphs = translate(unwrapped(text)).split("\n\n")
        wrapped = ["\n".join(indent + line for line in wrap(each, self.width - len(indent))) for each in paragraphs]
        self.write("\n\n".join(wrapped) + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = MAX_TERM_WIDTH, col_spacing: int = GAP) -> None:
        """Write terms with their explanations in two columns."""
        rows = [(term, _explanation(text)) for term, text in rows]
        column = min(max(display_width(term) for term, _ in rows), col_max) + col_spacing
        indent = " " * self.current_indent
        for term, text in rows:
            first, *more = wrap(text, max(self.width - column - self.current_indent, 10))
            if display_width(term) <= column - col_spacing:
                start = f"{term}{' ' * (column - display_width(term))}"
            else:  # the explanation begins on the next line
                lines = _break_at_choices(term, self.width - self.current_indent - 4)
                start = f"\n{indent}    ".join(lines) + f"\n{indent}{' ' * column}"
            self.write(f"{indent}{start}{first}".rstrip() + "\n")
            self.write("".join(f"{indent}{' ' * column}{line}\n" for line in more))


def _break_at_choices(term: str, width: int) -> list[str]:
    """Break a term with many choices, as in [adam|sgd|…], after their separators."""
    lines = [""]
    for piece in re.split(r"(?<=\|)", term):
        if lines[-1] and display_width(lines[-1] + piece) > width:
            lines.append("")
        lines[-1] += piece
    return lines


def unwrapped(text: str) -> str:
    """Return a text with each paragraph on one line."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))


def _explanation(text: str) -> str:
    """Return the translation of an option's text, to which click appends, for example, two spaces and [default: 6]."""
    explanation, separator, extra = text.partition("  [")
    extra = extra.replace("default: ", f"{translate('default:')} ").replace("required", translate("required"))
    return f"{translate(unwrapped(explanation))}{separator}{extra}"


class Context(click.Context):
    """A context whose help pages are translated."""

    formatter_class = HelpFormatter


class Command(click.Command):
    """A command whose help page is translated and may show examples."""

    context_class = Context

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), **settings: Any) -> None:
        """Make a command.

        Args:
            *arguments: Those of `click.Command`.
            examples: Command lines, which are the same in all languages.
            **settings: Those of `click.Command`.
        """
        super().__init__(*arguments, **settings)
        self.examples = examples

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the description, and below it the examples."""
        super().format_help_text(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                formatter.write("".join(f"{' ' * formatter.current_indent}{line}\n" for line in self.examples))


class Group(click.Group):
    """A group of such commands."""

    context_class = Context
    command_class = Command
