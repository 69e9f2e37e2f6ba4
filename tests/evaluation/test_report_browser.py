"""The report in a real browser: no messages, no network requests, and working switches."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import WatchedPage
from playwright.sync_api import Page, expect

from striate import notebook
from striate.audit.findings import DuplicatePair, FolderAudit, SuspiciousLabel
from striate.audit.unusual import THRESHOLDS, CommonIssue, ImageIssue, UnusualImage
from striate.evaluation.audit_page import render_audit_page
from striate.evaluation.report import ReportData, render_report

from .conftest import make_report


@contextmanager
def opened(watched_page: WatchedPage, folder: Path, html: str, settings: str = "", width: int = 1280) -> Iterator[Page]:
    """Open a page from a file, with settings in its address such as lang=ko, and wait until its script has run."""
    file = folder / "report.html"
    file.write_text(html, "utf-8")
    with watched_page(viewport={"width": width, "height": 900}) as page:
        page.goto(f"{file.as_uri()}#{settings}")
        expect(page.locator("html")).to_have_attribute("data-ready", "yes")
        assert "<script>alert" not in page.content()
        yield page


def test_page_opens_in_the_preferred_language_and_theme(
    watched_page: WatchedPage, tmp_path: Path, full_report: ReportData
) -> None:
    with opened(watched_page, tmp_path, render_report(full_report), "lang=ko&theme=dark&matrix=percent") as page:
        expect(page.locator("html")).to_have_attribute("lang", "ko")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        expect(page.locator("table.matrix.percent#matrix")).to_have_count(1)
        expect(page.locator("img[alt^='테스트 이미지 ']").first).to_be_attached()
        assert "alert(1)" in page.content()


@pytest.mark.parametrize(
    ("click", "changed", "attribute", "before", "after"),
    [
        ("#language", "html", "lang", "en", "ko"),
        ("#theme", "html", "data-theme", "light", "dark"),
        ("[data-matrix=percent]", "[data-matrix=percent]", "aria-pressed", "false", "true"),
    ],
)
def test_click_switches_language_theme_or_matrix(
    watched_page: WatchedPage, tmp_path: Path, full_report: ReportData,
    click: str, changed: str, attribute: str, before: str, after: str,
) -> None:  # fmt: skip
    with opened(watched_page, tmp_path, render_report(full_report), "lang=en&theme=light") as page:
        expect(page.locator(changed)).to_have_attribute(attribute, before)
        page.click(click)
        expect(page.locator(changed)).to_have_attribute(attribute, after)


def test_button_shows_the_other_errors(watched_page: WatchedPage, tmp_path: Path) -> None:
    html = render_report(make_report(images=450, wrong=1))
    with opened(watched_page, tmp_path, html, "lang=en") as page:
        page.click("#more")
        expect(page.locator("[data-part=confidence]")).to_have_count(400)
        assert "<script>alert" not in page.content()


def test_wide_tables_show_that_they_can_be_scrolled(watched_page: WatchedPage, tmp_path: Path) -> None:
    html = render_report(make_report(tuple(f"class {number}" for number in range(12)), images=60))
    for width, cut in ((500, True), (1900, False)):
        with opened(watched_page, tmp_path, html, width=width) as page:
            expect(page.locator(".scroll.wider.continues")).to_have_count(int(cut))


TORN = """() => {
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  const torn = [];
  for (let node; (node = walker.nextNode()); ) {
    if (!node.parentElement.checkVisibility()) continue;
    for (const { 0: word, index } of node.data.matchAll(/\\S*[가-힣]\\S*/g)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      if (new Set([...range.getClientRects()].map(({ bottom }) => Math.round(bottom / 4))).size > 1) torn.push(word);
    }
  }
  return torn;
}"""


@pytest.mark.parametrize("width", [390, 1280])
def test_korean_words_stay_on_one_line_and_tables_of_metrics_fit(
    watched_page: WatchedPage, tmp_path: Path, width: int
) -> None:
    report = make_report(("cardboard", "plastic", "metal"), images=60, recipe={"classifier": "ridge regression"})
    with opened(watched_page, tmp_path, render_report(report), "lang=ko", width) as page:
        page.evaluate("document.querySelectorAll('details').forEach((element) => element.open = true)")
        assert page.evaluate(TORN) == []
        expect(page.locator("#classes .scroll:not(.wider)")).to_have_count(1)
        expect(page.locator("#run .settings")).to_have_text("분류기릿지 회귀", use_inner_text=True)


SPLIT_OPTIONS = r"""() => {
  const split = [];
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); ) {
    for (const { 0: option, index } of node.data.matchAll(/--[a-z]+/g)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + option.length);
      if (range.getClientRects().length > 1) split.push(option);
    }
  }
  return split;
}"""


def test_lines_do_not_end_within_the_name_of_an_option(watched_page: WatchedPage, tmp_path: Path) -> None:
    notes = (
        *(f"{'x' * length} --precision float32 switches this off" for length in range(1, 45)),
        "the network computes in 8-bit integers, which takes this processor half the time (--precision float32 "
        "switches this off)",
        f"unreadable file: --{'a-' * 60}.jpg",
    )
    html = render_report(replace(make_report(), notes=notes))
    command = f"striate train '{'x' * 20}' --exclude audit.csv"
    audit = FolderAudit(
        folder="x", names=("1", "2"), labels=("a", "b"), model="net", accuracy=0.9, rate=0.5, suspicious=(),
        duplicates=(DuplicatePair(0, 1, True),), unusual=(), common=(), thresholds=THRESHOLDS,
    )  # fmt: skip
    pages = [html, render_audit_page(audit, np.zeros((2, 8, 8, 3), np.uint8), command)]
    for html in pages:
        for language in ("en", "ko"):
            with opened(watched_page, tmp_path, html, f"lang={language}", 390) as page:
                page.evaluate("document.querySelectorAll('details').forEach((element) => element.open = true)")
                assert page.evaluate(SPLIT_OPTIONS) == []
                assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_many_classes(watched_page: WatchedPage, tmp_path: Path) -> None:
    html = render_report(make_report(tuple(f"</script><b>{n}" for n in range(300)), images=600))
    with opened(watched_page, tmp_path, html):
        pass  # it is ready


def test_audit_page_switches_its_language(watched_page: WatchedPage, tmp_path: Path) -> None:
    name = "a/<script>alert(1)</script>.jpg"
    audit = FolderAudit(
        folder="사진", names=(name, "b/2.jpg"), labels=("a", "b"), model="net", accuracy=0.9, rate=0.5,
        suspicious=(SuspiciousLabel(0, "a", "b", 0.01, 0.98),), duplicates=(DuplicatePair(0, 1, True),),
        unusual=(UnusualImage(1, ImageIssue.DARK, 0.1),), common=(CommonIssue(ImageIssue.LOW_RESOLUTION, 9),),
        thresholds=THRESHOLDS,
    )  # fmt: skip
    html = render_audit_page(audit, np.zeros((2, 8, 8, 3), np.uint8), "striate train 사진 --exclude audit.csv")
    with opened(watched_page, tmp_path, html, "lang=ko&theme=light") as page:
        expect(page.locator("html")).to_have_attribute("lang", "ko")
        expect(page.locator("img[alt='이미지 b/2.jpg']").first).to_be_attached()
        page.click("#language")
        expect(page.locator("html")).to_have_attribute("lang", "en")


def test_report_works_in_the_frame_of_a_notebook(watched_page: WatchedPage, tmp_path: Path) -> None:
    cell = tmp_path / "cell.html"
    cell.write_text(f"<!doctype html><meta charset=utf-8>{notebook.Page(render_report(make_report()))._repr_html_()}")
    with watched_page() as page:
        page.goto(cell.as_uri())
        frame = page.frame_locator("iframe")
        expect(frame.locator("html")).to_have_attribute("data-ready", "yes")
        frame.locator("header button").first.click()  # the other language
        expect(frame.locator("html")).to_have_attribute("lang", "ko")
        frame.locator("a[href='#classes']").click()
        expect(frame.locator("#classes")).to_be_in_viewport()
        top = frame.locator("#classes").evaluate("element => element.getBoundingClientRect().top")
        assert abs(top) < 60  # pixels from the top of the frame
