"""The page of `striate explore` can be used by everybody: axe-core finds nothing serious, and the keyboard suffices."""

from collections.abc import Iterator

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from browser import WatchedPage
from playwright.sync_api import Page, expect

from striate.language.explorer import EXPLORER_STRINGS

from .explorer_page import visit

VIEWS = (
    "images", "network", "layer/0/3", "layer/0/10", "unit/0/5:2,3,4", "unit/0/3:0,0,1", "unit/0/10:0,0,4", "why/0/1/2",
    "own/0", "filter", "play",
)  # fmt: skip
SETTINGS = {"light": ("en", 1920), "dark": ("ko", 390)}
COMPLETE = """(view) => document.querySelector("#view").dataset.address === `#/${view}`
  && [...document.querySelectorAll(".method .stack")].every((stack) => stack.children.length === 2)
  && !document.querySelector("figure[aria-busy=true]")"""

OUTSIDE = """() => [...document.querySelectorAll(".graph a")].flatMap((box) => {
  const right = (element) => element.getBBox().x + element.getBBox().width;
  const [title, shape] = box.querySelectorAll(".title, .shape");
  const outside = [...box.querySelectorAll("text")].filter((text) => right(text) > right(box.querySelector("rect")));
  return right(title) > shape.getBBox().x ? [...outside, title] : outside;
}).map((text) => text.textContent)"""  # texts that leave their box of the network, or overlap


@pytest.fixture(scope="module", params=SETTINGS)
def any_page(request: pytest.FixtureRequest, watched_page: WatchedPage, address: str) -> Iterator[Page]:
    """A page on a wide light screen in English, and on a narrow dark one in Korean."""
    language, width = SETTINGS[request.param]
    viewport = {"width": width, "height": 900}
    with watched_page(viewport=viewport, color_scheme=request.param, locale=language) as page:
        page.goto(address)
        expect(page.locator("#nav a").first).to_have_text(EXPLORER_STRINGS["nav_images"][language])
        yield page


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_serious(any_page: Page, address: str, view: str) -> None:
    visit(any_page, address, view)
    any_page.wait_for_function(COMPLETE, arg=view)
    found = Axe().run(any_page).response["violations"]
    serious = [(item["id"], [node["target"] for node in item["nodes"]]) for item in found]
    assert not [item for item, whole in zip(serious, found, strict=True) if whole["impact"] in ("serious", "critical")]
    width = any_page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width[0] <= width[1]
    assert any_page.evaluate(OUTSIDE) == []


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not reach {selector}.")


def test_the_keyboard_leads_from_a_mistake_to_the_pixels(watched_page: WatchedPage, address: str) -> None:
    with watched_page(viewport={"width": 1280, "height": 900}) as page:
        page.goto(address)
        expect(page.locator("h1")).to_contain_text("Wrong predictions")
        for selector, title in (
            (".thumbnail", "Why this prediction?"), ("#nav a[href='#/network']", "The network digits"),
            (".graph a[aria-label^='C3']", "C3"), ("button.map", "C3: row"), ("a.cell", "S2: row"),
            ("a.cell", "C1: row"),
        ):  # fmt: skip
            tab_to(page, selector)
            page.keyboard.press("Enter")
            expect(page.locator("h1")).to_contain_text(title)
        tab_to(page, "button.map.own")
        before = page.locator("h1").inner_text()
        page.keyboard.press("ArrowDown" if "row 0" in before else "ArrowUp")
        expect(page.locator("h1")).not_to_have_text(before)


def test_numbers_in_cells_have_contrast(watched_page: WatchedPage, address: str) -> None:
    """Black or white text on every color of the scale, by the formula of WCAG 2."""
    with watched_page() as page:
        page.goto(address)
        script = """async () => {
            const { color, ink } = await import("/static/explore/draw.js");
            return Array.from({ length: 101 }, (_, k) => k / 50 - 1).flatMap((value) =>
                [[color(value, -1, 1), ink(color(value, -1, 1))], [color(value, 0, 1), ink(color(value, 0, 1))]]);
        }"""
        for shade, text in page.evaluate(script):
            parts = np.array(shade) / 255
            linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
            luminance = float(linear @ [0.2126, 0.7152, 0.0722])
            contrast = (luminance + 0.05) / 0.05 if text == "#000" else 1.05 / (luminance + 0.05)
            assert contrast >= 4.5, (shade, text)
