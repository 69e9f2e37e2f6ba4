"""What a result depends on beside code and seed: versions, hardware, the day."""

import os
import platform
from datetime import datetime

import numpy as np

import striate


def versions() -> dict[str, str]:
    """Of Python and the packages that compute, by name."""
    return {"striate": striate.__version__, "numpy": np.__version__, "python": platform.python_version()}


def hardware() -> str:
    """For example: Linux x86_64, 2 cores."""
    cores = os.cpu_count() or 1
    return f"{platform.system()} {platform.machine()}, {cores} {'core' if cores == 1 else 'cores'}"


def now() -> str:
    """Date and time, local, to the second."""
    return datetime.now().astimezone().isoformat(" ", "seconds")
