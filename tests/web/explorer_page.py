"""What tests of the page of `striate explore` share."""

import base64
import contextlib
import time
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page

TOKEN = "a-token"
API = "/explore/api"


def array(answer: dict[str, Any]) -> Any:
    """Return an array in an answer."""
    return np.frombuffer(base64.b64decode(answer["data"]), answer["dtype"]).reshape(answer["shape"])


def shown(value: float) -> str:
    """Return a number as the page writes it."""
    return f"{float(f'{value:.4g}'):.10g}".replace("-", "−")


def visit(page: Page, address: str, view: str) -> None:
    page.goto(f"{address.split('#', maxsplit=1)[0]}#/{view}")


def workers(explorer: int) -> list[int]:
    """Return the processes that compute for an explorer, given by the number of its process."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == explorer and b"spawn_main" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def wait_for_workers(page: Page, explorer: int, count: int) -> None:
    """Wait until so many processes compute for an explorer."""
    deadline = time.monotonic() + 60
    while len(workers(explorer)) != count:
        assert time.monotonic() < deadline, f"{workers(explorer)} instead of {count} processes"
        page.wait_for_timeout(50)  # the browser goes on meanwhile
