"""The command line: `striate train`, `evaluate`, `predict`, … with one file for each command."""

import gc
import os
import sys
import warnings
from io import TextIOWrapper
from typing import Any, NoReturn

import click

from striate.cli.group import Commands
from striate.cli.output import echo, echo_line, echo_note
from striate.errors import StriateError, UsageError
from striate.language import choose_language, localized, translate, use_language
from striate.processes import current_process

FAILURE, USAGE, INTERRUPTED = 1, 2, 130


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"]},
    epilog='Shell completion for bash: eval "$(_STRIATE_COMPLETE=bash_source striate)". Also zsh_source, fish_source.',
)  # fmt: skip
@click.version_option(package_name="striate", message="striate %(version)s")
def striate() -> None:
    """Train, inspect and use convolutional networks for image classification."""


def main() -> NoReturn:
    """Run the command line and exit: 0 on success, 1 on failure, 2 on wrong usage, 130 after Ctrl-C."""
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # names of files and classes may be in any script
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    warnings.showwarning = _show_warning
    try:
        language = choose_language(os.environ)
    except UsageError as error:
        echo_line(f"Error: {error}", err=True)
        sys.exit(USAGE)
    with use_language(language):
        code = _run()
    gc.freeze()  # else the interpreter searches all objects for garbage when it exits, which takes about 0.1 s
    sys.exit(code)


def _run() -> int:
    """Run the command and return the exit status."""
    # Overflows lead to a loss that is not a number, for which there is an error message.
    warnings.simplefilter("ignore", RuntimeWarning)
    try:
        _check_empty(sys.argv[1:])
        code = striate.main(prog_name="striate", standalone_mode=False) or 0
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        code = error.exit_code
        _print_usage_error(error)
    except Exception as error:
        if os.environ.get("STRIATE_DEBUG"):
            raise
        code, message = _explain(error)
        _print_error(message, stopped=code == INTERRUPTED)
    return int(code)


def _check_empty(arguments: list[str]) -> None:
    """Raise UsageError for an empty argument, which would otherwise count as a missing one."""
    for number, argument in enumerate(arguments, 1):
        if not argument or (argument.startswith("--") and argument.endswith("=")):
            raise UsageError(
                f"Argument {number} is empty: '{argument}'. Is a variable of the shell not set? Leave the argument out "
                "or give a value."
            )


def _open_closed_streams() -> None:
    """Replace closed standard streams; otherwise output could be written to the next file that is opened."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - until the end
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - until the end


def _print_usage_error(error: click.ClickException) -> None:
    """Print the message of click; except for a wrong value, after how the command is used."""
    if current_process().rank:
        return
    is_value = isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter)
    if isinstance(error, click.UsageError) and error.ctx and not is_value:
        echo(error.ctx.get_usage(), err=True)
        echo(translate("Try '{command} --help' for help.", command=error.ctx.command_path) + "\n", err=True)
    echo_line(_error_line(error.format_message()), err=True)


def _error_line(message: str) -> str:
    return translate("Error: {message}", message=localized(message))


def _print_error(message: str, *, stopped: bool) -> None:
    """Print the message. Each of several processes reports its own error; only rank 0 reports that all were stopped."""
    here = current_process()
    if here.rank and stopped:
        return
    number, processes = here.rank + 1, here.world_size
    if here.rank:
        message = translate("process {n} of {processes}: {message}", n=number, processes=processes, message=message)
    echo_line(message, err=True)


def _explain(error: Exception) -> tuple[int, str]:
    """Return exit code and message."""
    match error:
        case click.Abort():
            return INTERRUPTED, localized(str(error.__cause__ or "") or "Stopped.")
        case UsageError():
            return USAGE, _error_line(str(error))
        case StriateError() | OSError():
            return FAILURE, _error_line(_describe(error))
        case MemoryError():
            return FAILURE, _error_line("There is not enough memory. Try a smaller --batch-size or smaller images.")
        case _ if _is_interrupted(error):
            return INTERRUPTED, translate("Stopped.")
    fault = f"{type(error).__name__}: {error}"
    return FAILURE, _error_line(
        f"This is a bug in Striate ({fault}). Set STRIATE_DEBUG=1 to see where, and please report it."
    )


def _describe(error: Exception) -> str:
    """Return the message of an error; for an OSError, the file and the reason."""
    if isinstance(error, OSError) and isinstance(error.filename, str | bytes) and error.strerror:
        return f"{os.fsdecode(error.filename)}: {localized(error.strerror)}."
    return str(error)


def _is_interrupted(error: BaseException | None) -> bool:
    """Return whether Ctrl-C caused an error: an interrupted import of a compiled package may raise another one."""
    while error and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    if not current_process().rank:  # only one of several processes prints it
        echo_note(str(message), err=True)
