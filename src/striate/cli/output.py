"""The functions by which commands print. Names of files, classes and tensors cannot manipulate the terminal."""

from pathlib import Path
from typing import Any

import click

from striate import strict_json
from striate.language import Language, current_language, localized, translate
from striate.text import display_width, printable


def echo(text: str = "", *, err: bool = False) -> None:
    """Print a text; unsafe characters other than newlines are escaped, see `printable`.

    Args:
        text: The text.
        err: Whether it is printed to standard error.
    """
    click.echo(printable(text, keep="\n"), err=err)


def echo_line(text: str, *, err: bool = False) -> None:
    """Print a text as one line: newlines in it are escaped too.

    Args:
        text: The text.
        err: Whether it is printed to standard error.
    """
    click.echo(printable(text), err=err)


def entry(label: str, text: str, width: int = 8) -> str:
    """Return a line that begins with a label, translated and filled to a width in columns.

    Args:
        label: English label; empty for none.
        text: What follows it.
        width: Columns of the label.

    Returns:
        The line.
    """
    label = translate(label) if label else ""
    return f"{label}{' ' * max(width - display_width(label), 1)}{text}"


def heads(*names: str) -> tuple[str, ...]:
    """Return the headings of a table in the language of the terminal."""
    return tuple(translate(name) if name else "" for name in names)


def echo_message(message: str) -> None:
    """Print a progress message in the language of the terminal.

    Args:
        message: English, of one or more lines.
    """
    echo("\n".join(map(localized, message.split("\n"))))


def echo_note(note: str, *, err: bool = False) -> None:
    """Print a note on one line, in the language of the terminal.

    Args:
        note: English.
        err: Whether it is printed to standard error.
    """
    echo_line(f"{translate('Note:')} {localized(note)}", err=err)


def echo_page(page: Path, label: str = "page", width: int = 8) -> None:
    """Print the path of a page, and its address in the language of the terminal.

    Args:
        page: The file.
        label: English label of the line.
        width: Columns of the label.
    """
    language = current_language()
    address = page.resolve().as_uri() + ("" if language is Language.ENGLISH else f"#lang={language}")
    echo(f"{entry(label, str(page), width)}\n{entry('', address, width)}")


def echo_json(content: Any) -> None:
    """Print JSON on one line; unsafe characters are escaped as in JSON, so that the content stays the same.

    Args:
        content: A value that JSON can represent.
    """
    text = strict_json.dumps(content)
    if not text.isprintable():
        text = "".join(c if printable(c) == c else strict_json.canonical(c)[1:-1] for c in text)
    click.echo(text)
