"""The report in a real browser: no errors, no network requests, and working switches."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from striate.audit.findings import DuplicatePair, FolderAudit, SuspiciousLabel
from striate.audit.unusual import THRESHOLDS, Kind, UnusualImage
from striate.evaluation.audit_page import render_audit_page
from striate.evaluation.report import ReportData, render_report
from striate.notebook import Page

from .conftest import make_report

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--enable-logging=stderr", "--dump-dom",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None and os.environ.get("STRIATE_REQUIRE_BROWSER") == "1":
        pytest.fail("STRIATE_REQUIRE_BROWSER=1, but there is no Chromium. Install it: apt-get install chromium")
    if found is None:
        pytest.skip("no Chromium on this machine")
    return found


def opened(browser: str, folder: Path, html: str, wishes: str = "", click: str = "", width: int = 1280) -> str:
    """Return the page after its script ran, and after a click on an element; any console message is a failure."""
    if click:  # the page's own policy would correctly refuse a second script
        html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
        html += f"<script>addEventListener('load', () => document.querySelector('{click}').click())</script>"
    page = folder / "report.html"
    page.write_text(html, "utf-8")
    command = [
        browser,
        *FLAGS,
        f"--window-size={width},900",
        f"--user-data-dir={folder / 'profile'}",
        f"{page.as_uri()}#{wishes}",
    ]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    messages = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if ":CONSOLE" in line]
    assert messages == []
    return done.stdout.decode("utf-8")


def root(dom: str) -> str:
    found = re.search("<html[^>]*>", dom)
    assert found
    return found[0]


def test_page_opens_in_the_preferred_language_and_theme(browser: str, tmp_path: Path, full_report: ReportData) -> None:
    dom = opened(browser, tmp_path, render_report(full_report), "lang=ko&theme=dark&matrix=percent")
    assert 'lang="ko"' in root(dom) and 'data-theme="dark"' in root(dom) and 'data-ready="yes"' in root(dom)
    assert re.search(r'<table class="matrix[^"]* percent" id="matrix"', dom)
    assert 'alt="테스트 이미지 ' in dom
    assert "alert(1)" in dom and "<script>alert" not in dom


@pytest.mark.parametrize(
    ("click", "seen"),
    [
        ("#language", '<html lang="ko"'),
        ("#theme", '<html lang="en" data-theme="dark"'),
        ("[data-matrix=percent]", 'data-matrix="percent" aria-pressed="true"'),
    ],
)
def test_click_switches_language_or_theme(
    browser: str, tmp_path: Path, full_report: ReportData, click: str, seen: str
) -> None:
    html = render_report(full_report)
    assert seen not in html
    assert seen in opened(browser, tmp_path, html, "lang=en&theme=light", click)


def test_button_shows_the_other_errors(browser: str, tmp_path: Path) -> None:
    html = render_report(make_report(images=450, wrong=1))
    dom = opened(browser, tmp_path, html, "lang=en", "#more")
    assert dom.count('data-part="confidence"') == 400
    assert "<script>alert" not in dom


def test_wide_tables_show_that_they_can_be_scrolled(browser: str, tmp_path: Path) -> None:
    html = render_report(make_report(tuple(f"class {number}" for number in range(12)), images=60))
    for width, cut in ((500, True), (1900, False)):
        dom = opened(browser, tmp_path, html, width=width)
        assert ('class="scroll wider continues"' in dom) == cut


def test_many_classes(browser: str, tmp_path: Path) -> None:
    html = render_report(make_report(tuple(f"</script><b>{n}" for n in range(300)), images=600))
    assert 'data-ready="yes"' in root(opened(browser, tmp_path, html))


def test_audit_page_switches_its_language(browser: str, tmp_path: Path) -> None:
    name = "a/<script>alert(1)</script>.jpg"
    audit = FolderAudit(
        folder="사진", names=(name, "b/2.jpg"), labels=("a", "b"), model="net", accuracy=0.9, rate=0.5,
        suspicious=(SuspiciousLabel(0, "a", "b", 0.01, 0.98),), duplicates=(DuplicatePair(0, 1),),
        unusual=(UnusualImage(1, Kind.DARK, 0.1),), common=(Kind.TINY,), thresholds=THRESHOLDS,
    )  # fmt: skip
    html = render_audit_page(audit, np.zeros((2, 8, 8, 3), np.uint8), "striate train 사진 --exclude audit.csv")
    dom = opened(browser, tmp_path, html, "lang=ko&theme=light")
    assert 'lang="ko"' in root(dom) and 'data-ready="yes"' in root(dom)
    assert 'alt="이미지 b/2.jpg"' in dom and "<script>alert" not in dom
    assert '<html lang="ko"' in opened(browser, tmp_path, html, "lang=en", "#language")


def test_report_works_in_the_frame_of_a_notebook(browser: str, tmp_path: Path) -> None:
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", render_report(make_report()))
    script = """addEventListener("load", () => {
        document.querySelector("header button").click();  // the other language
        document.querySelector("a[href='#classes']").click();
        const top = document.getElementById("classes").getBoundingClientRect().top;
        parent.postMessage(document.documentElement.lang + " " + top, "*");
    });"""
    listener = "addEventListener('message', event => document.body.append('SEEN ' + event.data))"
    frame = Page(html + f"<script>{script}</script>")._repr_html_()
    dom = opened(browser, tmp_path, f"<!doctype html><meta charset=utf-8><script>{listener}</script>{frame}")
    seen = re.search(r"SEEN (\w+) (-?[\d.]+)", dom)
    assert seen
    assert seen[1] == "ko"
    assert abs(float(seen[2])) < 60  # pixels from the top of the frame
