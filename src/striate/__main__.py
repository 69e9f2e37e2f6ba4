"""Run the command line: with `python -m striate`, and as the command `striate`."""

import gc
import os
import signal
import sys
from typing import Any


def main() -> None:
    """Run the command line and exit; Ctrl-C while it is loaded exits with 130, as it does later."""
    # Packages that are interrupted while they are imported print tracebacks or raise their own errors.
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # processes in the background of a shell ignore Ctrl-C
        signal.signal(signal.SIGINT, _stop)
    gc.set_threshold(10_000)  # imports create many objects, all of which stay: a tenth of a short command's time
    from striate.cli import main as run

    signal.signal(signal.SIGINT, before)
    try:
        run()
    except KeyboardInterrupt:
        _stop()
    finally:
        gc.freeze()  # Python would search all objects for garbage before it exits, which takes a fifth of a second


def _stop(*_: Any) -> None:
    if sys.stderr:
        os.write(2, b"Stopped.\n")
    os._exit(130)


if __name__ == "__main__":
    main()
