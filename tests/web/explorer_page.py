"""What tests of the page of `striate explore` share."""

import base64
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
