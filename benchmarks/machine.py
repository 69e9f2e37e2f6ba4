"""Description of the machine and of the command, for the results."""

import os
import platform
import shlex
import sys
from pathlib import Path

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a command loads compiled modules, as in an installation
STRIATE = [sys.executable, "-c", "from striate.cli import main; main()"]  # the command line of this interpreter


def cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    names = (line.split(":", 1)[1].strip() for line in info.read_text("utf-8").splitlines() if "model name" in line)
    return next(names, platform.machine())


def description() -> str:
    """Return one line: CPU, cores, operating system, Python, and the load at the start."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{cpu_model()}, {os.cpu_count()} cores; {platform.system()} {platform.machine()}; "
        f"Python {platform.python_version()}{load}"
    )


def command() -> str:
    return shlex.join(["python", *sys.orig_argv[1:]])
