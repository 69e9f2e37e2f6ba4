"""The command line: `striate train`, `evaluate`, `predict`, … with one file for each command."""

import os
import sys
from io import TextIOWrapper
from typing import NoReturn

import click

from striate.cli.group import Commands
from striate.errors import StriateError, UsageError

FAILURE, USAGE, INTERRUPTED = 1, 2, 130


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="striate", message="striate %(version)s")
def striate() -> None:
    """Convolutional networks: train, inspect, and see what they get wrong."""


def main() -> NoReturn:
    """Run the command line and leave: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # file names and classes in any script, on any console
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.exit(_run())


def _run() -> int:
    try:
        return striate.main(prog_name="striate", standalone_mode=False) or 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort as stop:
        return _fail(str(stop.__cause__ or "") or "Stopped.", INTERRUPTED)
    except UsageError as error:
        return _fail(f"Error: {error}", USAGE)
    except StriateError as error:
        return _fail(f"Error: {error}", FAILURE)
    except MemoryError:
        return _fail("Error: There is not enough memory. Try a smaller --batch-size or smaller images.", FAILURE)


def _fail(message: str, code: int) -> int:
    if os.environ.get("STRIATE_DEBUG"):
        raise
    click.echo(message, err=True)
    return code
