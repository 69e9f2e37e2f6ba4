"""The command line: `striate train`, `evaluate`, `predict`, … with one file for each command."""

import os
import sys
import warnings
from io import TextIOWrapper
from typing import Any, NoReturn

import click

from striate.cli.group import Commands
from striate.errors import StriateError, UsageError
from striate.processes import current_process

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
    warnings.showwarning = _show_warning
    # Numbers that overflow lead to a loss that is none, and that is reported in words a person can use.
    warnings.simplefilter("ignore", RuntimeWarning)
    try:
        code = striate.main(prog_name="striate", standalone_mode=False) or 0
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        code = error.exit_code
        if not current_process().rank:
            error.show()
    except Exception as error:
        if os.environ.get("STRIATE_DEBUG"):
            raise
        code, message = _explain(error)
        _tell(message, stopped=code == INTERRUPTED)
    sys.exit(code)


def _tell(message: str, *, stopped: bool) -> None:
    """Print the message; of several processes each says what happened to it, but that all were stopped, the first."""
    here = current_process()
    if here.rank and stopped:
        return
    who = f"process {here.rank + 1} of {here.world_size}: " if here.rank else ""
    click.echo(who + message, err=True)


def _explain(error: Exception) -> tuple[int, str]:
    """Exit code and message."""
    match error:
        case click.Abort():
            return INTERRUPTED, str(error.__cause__ or "") or "Stopped."
        case UsageError():
            return USAGE, f"Error: {error}"
        case StriateError() | OSError():
            return FAILURE, f"Error: {error}"
        case MemoryError():
            return FAILURE, "Error: There is not enough memory. Try a smaller --batch-size or smaller images."
        case ImportError() if _interrupted(error):
            return INTERRUPTED, "Stopped."
    fault = f"{type(error).__name__}: {error}"
    return FAILURE, f"Error: This is a fault of Striate ({fault}). With STRIATE_DEBUG=1 it shows where; please report."


def _interrupted(error: BaseException | None) -> bool:
    """Whether Ctrl-C is behind an error: compiled packages make one of their own of it while they are loaded."""
    while error and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    if not current_process().rank:  # of several processes the first says it for all
        click.echo(f"Note: {message}", err=True)
