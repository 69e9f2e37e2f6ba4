"""Fixtures for tests of pages in a real browser, available to all tests; tests/web has one browser for all modules."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FAKE_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
PATIENCE = 60_000  # milliseconds that a page is waited for, on machines that are slow and busy
WatchedPage = Callable[..., "AbstractContextManager[Page]"]


def start_chromium() -> "Iterator[Browser]":
    """Yield a headless Chromium with a camera that shows a test pattern.

    Until it is closed, this thread has an event loop: `asyncio.run` works in other threads only.
    """
    from playwright.sync_api import expect, sync_playwright

    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        if os.environ.get("STRIATE_REQUIRE_BROWSER") == "1":
            pytest.fail("STRIATE_REQUIRE_BROWSER=1, but there is no Chromium. Install it: apt-get install chromium")
        pytest.skip("needs Chromium")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", *FAKE_CAMERA]
        browser = playwright.chromium.launch(executable_path=found, args=arguments, timeout=2 * PATIENCE)
        yield browser
        browser.close()


def watch_pages(chromium: "Browser") -> WatchedPage:
    """Return a function that returns a new page as a context manager, which fails at its end if the page had problems.

    Problems are exceptions, console messages of any kind, and requests to other machines. Those that contain the text
    `expected` are none. Other arguments are those of `Browser.new_context`.
    """

    @contextmanager
    def watched(expected: str | None = None, **settings: Any) -> "Iterator[Page]":
        messages: list[str] = []
        context = chromium.new_context(**{"locale": "en", **settings})
        context.set_default_timeout(PATIENCE)
        context.on("weberror", lambda error: messages.append(str(error.error)))
        context.on("console", lambda message: messages.append(message.text))
        context.on("request", lambda request: None if is_local(request.url) else messages.append(request.url))
        yield context.new_page()
        context.close()
        assert [message for message in messages if expected is None or expected not in message] == []

    return watched


chromium = pytest.fixture(scope="module", name="chromium")(start_chromium)
watched_page = pytest.fixture(scope="module", name="watched_page")(watch_pages)


def is_local(url: str) -> bool:
    """Return whether a request stays on this machine."""
    parts = urlsplit(url)
    return parts.scheme in ("about", "blob", "data", "file") or parts.hostname == "127.0.0.1"
