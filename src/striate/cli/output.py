"""The functions by which commands print. Names of files, classes and tensors cannot manipulate the terminal."""

from typing import Any

import click

from striate import strict_json
from striate.text import printable


def echo(text: str = "", *, err: bool = False) -> None:
    """Print a text; unsafe characters other than newlines are escaped, see `printable`."""
    click.echo(printable(text, keep="\n"), err=err)


def echo_line(text: str, *, err: bool = False) -> None:
    """Print a text as one line: newlines in it are escaped too."""
    click.echo(printable(text), err=err)


def echo_json(content: Any) -> None:
    """Print JSON on one line; unsafe characters are escaped as in JSON, so that the content stays the same."""
    text = strict_json.dumps(content)
    if not text.isprintable():
        text = "".join(c if printable(c) == c else strict_json.canonical(c)[1:-1] for c in text)
    click.echo(text)
