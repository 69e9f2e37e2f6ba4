"""The audit page: both languages, escaped names, and everything that was found."""

import dataclasses
import re

import numpy as np

from striate.audit.unusual import ImageIssue, UnusualImage
from striate.evaluation.audit_page import MAX_UNUSUAL, render_audit_page
from striate.language.audit import AUDIT_STRINGS

from .test_findings import make_audit

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3), np.uint8)
EVIL = "a/<script>alert(1)</script>.jpg"


def test_page_shows_all_findings() -> None:
    page = render_audit_page(make_audit(), IMAGES, "striate train photos --exclude audit.csv")
    assert page.count("<img ") == 4  # one label, two sides of a pair, one dark image
    for text in ("0.123", "below 0.2", "0.2 미만", "1.0% → 90.0%", "different labels", "라벨이 다름", "A note."):
        assert text in page, text
    assert "http" not in re.sub(r"http-equiv|data:image/[^\"]*", "", page)


def test_common_kinds_say_whether_any_image_is_listed() -> None:
    some, none = "Only those that stand out", "so none is listed"
    page = render_audit_page(make_audit(), IMAGES, "")  # two images of low resolution, of which none is listed
    assert none in page and some not in page
    listed = dataclasses.replace(make_audit(), unusual=(UnusualImage(2, ImageIssue.LOW_RESOLUTION, 20.0),))
    page = render_audit_page(listed, IMAGES, "")
    assert some in page and none not in page


def test_page_escapes_names() -> None:
    page = render_audit_page(make_audit((EVIL, "b/\u202egnp.jpg", "c"), folder=EVIL), IMAGES, f"train '{EVIL}'")
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page
    assert "\u202e" not in page


def test_page_without_findings_says_so() -> None:
    empty = dataclasses.replace(make_audit(), suspicious=(), duplicates=(), unusual=(), common=(), rate=0.0, notes=())
    page = render_audit_page(empty, IMAGES, "striate train photos")
    assert AUDIT_STRINGS["audit_nothing"]["ko"] in page and "<img" not in page
    assert "striate train" not in page  # an empty table changes nothing
    unlabeled = dataclasses.replace(empty, rate=None, accuracy=None)
    assert AUDIT_STRINGS["audit_labels"]["en"] not in render_audit_page(unlabeled, IMAGES, "")


def test_notes_are_in_both_languages() -> None:
    notes = ("Left out: 2 files outside the class folders; the first is 'a.txt'.",)
    page = render_audit_page(dataclasses.replace(make_audit(), notes=notes), IMAGES, "")
    for text in ("Left out: 2 files outside the class folders; the first is", "클래스 폴더 밖의 파일 2개"):
        assert text in page


def test_page_limits_the_number_of_thumbnails() -> None:
    many = tuple(UnusualImage(2, ImageIssue.OUTLIER, 3.0) for _ in range(MAX_UNUSUAL + 40))
    audit = dataclasses.replace(make_audit(), suspicious=(), duplicates=(), unusual=many)
    page = render_audit_page(audit, IMAGES, "")
    assert page.count("<img ") == MAX_UNUSUAL
    assert f"The first {MAX_UNUSUAL} of {MAX_UNUSUAL + 40} are shown" in page


def test_every_kind_has_texts_in_both_languages() -> None:
    for kind in ImageIssue:
        assert set(AUDIT_STRINGS[f"kind_{kind}"]) == set(AUDIT_STRINGS[f"measure_{kind}"]) == {"en", "ko"}
