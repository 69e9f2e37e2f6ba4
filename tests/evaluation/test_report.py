"""The report as a file: well-formed, self-contained, escaped, bilingual, for data of all sizes."""

import json
import re
from base64 import b64decode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

import numpy as np
import pytest
from PIL import Image

import striate.evaluation
from striate.cli.wording import uncertain_line
from striate.errors import RunError
from striate.evaluation import ClassificationError, Evaluation, evaluate
from striate.evaluation.charts import filter_tiles, thumbnail
from striate.evaluation.report import Attempt, ReportData, render_report, write_report
from striate.evaluation.sections import Percent
from striate.language.audit import AUDIT_STRINGS
from striate.language.report import STRINGS
from striate.transfer.extraction import NotTried
from striate.transfer.open_set_fitting import Thresholds

from .conftest import NASTY, make_report

VOID = {"meta", "img", "br", "link", "input", "hr"}
SECTIONS = [
    "run", "curves", "confusion", "classes", "calibration", "thresholds", "suspicious", "errors", "filters",
    "network",
]  # fmt: skip


class Page(HTMLParser):
    """The elements, attributes and text of an HTML page; unbalanced tags are an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice: {names}"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def test_all_sections_exist_and_are_in_the_contents(full_report: ReportData) -> None:
    page = Page(render_report(full_report))
    assert [s["id"] for s in page.all("section")] == SECTIONS
    assert [a["href"] for a in page.all("a")] == ["#results"] + [f"#{name}" for name in SECTIONS]
    for words in (
        "Overfitting: after epoch 3",
        "과대적합이 나타났습니다. 3번째 에포크",
        "1 min 23 s",
        "1분 23초",
        "1,0 2,1",
    ):
        assert words in page.words


def test_sections_without_data_are_omitted() -> None:
    page = Page(render_report(replace(make_report(), images=None)))
    assert [s["id"] for s in page.all("section")] == ["confusion", "classes", "calibration", "thresholds"]


def test_page_loads_no_external_resources(full_report: ReportData) -> None:
    html = render_report(full_report)
    page = Page(html)
    assert not re.search(r"https?:|@import|url\(|fetch\(|<link|<iframe", html)
    loads = [value for _, attributes in page.elements for name, value in attributes.items() if name in ("src", "href")]
    assert loads and all(value.startswith(("data:image/png;base64,", "#")) for value in loads)
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_content_security_policy_allows_only_the_script(full_report: ReportData) -> None:
    html = render_report(full_report)
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 1
    digest = re.search(r"script-src 'sha256-([^']+)'", html)
    assert digest and b64decode(digest[1]) == sha256(scripts[0].encode()).digest()


def errors_of(report: ReportData) -> tuple[ClassificationError, ...]:
    assert isinstance(report.evaluation, Evaluation)
    return report.evaluation.errors


def test_names_and_paths_in_any_script_are_shown_unchanged(full_report: ReportData) -> None:
    html = render_report(full_report)
    page = Page(html)
    for name in (*NASTY, "net <1>", "my & data", "<i>3 files</i> were left out."):
        assert name in page.words
    assert f"사진/<b>{errors_of(full_report)[0].index}</b> & 'x'.png" in page.words
    assert [tag for tag in ("<script>alert", "<i>3", "사진/<b>", "<1>") if tag in html] == []


def test_thumbnails_are_the_misclassified_images(full_report: ReportData) -> None:
    assert full_report.images is not None
    page = Page(render_report(full_report))
    images = [i["src"] for i in page.all("img") if "data-en" in i and i["data-en"].startswith("Test image")]
    assert len(images) == len(errors_of(full_report)) > 10
    for source, error in zip(images, errors_of(full_report), strict=True):
        assert (decode(source) == full_report.images[error.index][:, :, 0]).all()


def decode(source: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    from io import BytesIO

    return np.asarray(Image.open(BytesIO(b64decode(source.removeprefix("data:image/png;base64,")))))


def test_images_and_charts_have_texts_in_both_languages(full_report: ReportData) -> None:
    page = Page(render_report(full_report))
    for image in page.all("img"):
        assert image["alt"] == image["data-en"] and image["data-ko"]
    for chart in page.all("svg"):
        assert chart.get("aria-hidden") == "true" or (chart["data-en"] and chart["data-ko"])
    assert all(header.get("scope") or header.get("class") == "corner" for header in page.all("th"))


def test_both_languages_have_all_texts_and_placeholders() -> None:
    for key, texts in STRINGS.items():
        assert set(texts) == {"en", "ko"}, key
        english, korean = ({name for _, name, _, _ in Formatter().parse(text) if name} for text in texts.values())
        assert english == korean, key
        assert all(text.strip() for text in texts.values()), key
    english_only = {key for key, texts in STRINGS.items() if not re.search("[가-힣]", texts["ko"])}
    assert english_only == {"switch_language", "f1"}


def test_report_shows_which_features_were_compared_and_by_which_rule() -> None:
    attempts = (
        Attempt("layer 'pool'", 0.7955, 0.5631, None, None, chosen=False),
        Attempt("mean and variance of all feature layers", 0.85, 0.4012, -0.1619, 0.0213, chosen=True),
    )
    page = Page(render_report(make_report(attempts=attempts))).words
    assert "79.5%" in page and "0.5631" in page and "−0.1619 ± 0.0213" in page
    assert "lower by more than 2 standard errors" in page and "표준 오차의 2배를 넘는" in page
    alone = Page(render_report(make_report(attempts=attempts[:1], not_tried=NotTried.ACCURATE))).words
    assert "a gain could not be significant" in alone and "0.5631" not in alone


def test_every_string_is_used() -> None:
    package = Path(striate.__file__).parent
    files = [path for folder in ("evaluation", "systems") for path in (package / folder).rglob("*")]
    source = "".join(path.read_text("utf-8") for path in files if path.suffix in (".py", ".j2"))
    made_up = (
        "trust_",
        "verdict_",
        "macro_",
        "training_",
        "validation_",
        "curve_",
        "kind_",
        "measure_",
        "fold_",
    )  # their endings are appended
    unused = [key for key in STRINGS if f'"{key}"' not in source and not key.startswith(made_up)]
    assert unused == []


@pytest.mark.parametrize("count", [2, 25, 26, 300])
def test_any_number_of_classes(count: int) -> None:
    report = make_report(tuple(f"class {n}" for n in range(count)), images=600)
    page = Page(render_report(report))
    cells = [td for td in page.all("td") if "correct" in td.get("class", "").split()]
    assert len(cells) == (count if count <= 25 else 0)
    assert bool([i for i in page.all("img") if i.get("id") == "dots"]) == (count > 25)


def test_one_thousand_classes_give_a_small_file() -> None:
    report = make_report(tuple(f"class {n}" for n in range(1000)), images=3000, wrong=0.3)
    assert len(render_report(report)) < 5_000_000


def test_classes_without_test_images_are_marked() -> None:
    report = make_report(("a", "b", "c"), images=2)
    assert "no test images" in Page(render_report(report)).words


def test_report_without_errors() -> None:
    page = Page(render_report(make_report(wrong=0)))
    assert "None: all test images were classified correctly." in page.words
    assert "No images were assigned to a wrong class." in page.words


def test_one_test_image_is_not_reliable() -> None:
    page = Page(render_report(make_report(images=1, wrong=0)))
    assert "Do not rely on this model yet" in page.words or "There are too few test images" in page.words


@pytest.mark.parametrize(
    ("images", "wrong", "sentence"),
    [
        (40, 0.1, "There are too few test images: the true accuracy may be anywhere"),
        (3000, 0.3, "of the predictions are wrong."),
        (3000, 0.01, "The accuracy is reliable"),
        (3000, 0.85, "Do not rely on this model: always predicting"),
    ],
)
def test_headline_says_whether_the_accuracy_is_reliable(images: int, wrong: float, sentence: str) -> None:
    assert sentence in Page(render_report(make_report(images=images, wrong=wrong))).words


def test_headline_compares_with_the_largest_class() -> None:
    """8 of 11 correct: more than always predicting the class of 6, but with 11 images that may be chance."""
    labels = np.array([0] * 6 + [1] * 5)
    predicted = np.array([0] * 5 + [1] * 4 + [0] * 2)
    found = evaluate(np.eye(2)[predicted] * 0.8 + 0.1, labels, ("cat", "dog"))
    words = Page(render_report(ReportData("net", "data", found))).words
    assert "always predicting “cat” would be correct for 54.5% of the test images, and with so few of them" in words
    assert (
        "There are too few test images (11) to judge the calibration: the mean predicted probability is 90.0%" in words
    )


def test_calibration_is_judged_where_the_test_images_suffice() -> None:
    labels = np.arange(2000) % 2
    for right, sentence in ((0.9, "differ by only 0.0 points"), (0.8, "10.0 points above the accuracy")):
        predicted = np.where(np.arange(2000) < 2000 * right, labels, 1 - labels)
        found = evaluate(np.eye(2)[predicted] * 0.8 + 0.1, labels, ("cat", "dog"))
        assert sentence in Page(render_report(ReportData("net", "data", found))).words


@pytest.mark.parametrize(
    ("method", "splits", "threshold"),
    [
        ("scratch", "The network was trained on the training images", "was chosen on the validation images"),
        ("features", "fitted to the training and validation images together", "chosen in cross-validation"),
        ("tuned", "The network was fine-tuned on the training images", "was chosen on the validation images"),
    ],
)
def test_report_says_which_images_were_used_for_what(method: str, splits: str, threshold: str) -> None:
    data = replace(make_report(images=40), method=method, splits={"train": 9}, unknown_threshold=0.5)
    words = Page(render_report(data)).words
    assert splits in words and threshold in words


def test_report_says_how_precisely_the_share_of_rejected_images_is_known() -> None:
    data = make_report(images=40)
    evaluation = data.evaluation
    assert isinstance(evaluation, Evaluation)
    rng = np.random.default_rng(0)
    probabilities, labels = np.eye(len(evaluation.classes))[rng.integers(0, 3, 40)], rng.integers(0, 3, 40)
    found = Thresholds.of(rng.normal(5, 1, 63)).findings(rng.normal(5, 1, 40), probabilities, labels)
    words = Page(render_report(replace(data, open_set=found))).words
    assert found is not None
    assert (
        "in 9 groups of images that belong together"
        in Page(render_report(replace(data, open_set=replace(found, independent=9)))).words
    )
    cross_validated = Page(render_report(replace(data, open_set=replace(found, independent=None)))).words
    assert "The threshold in use" not in cross_validated
    assert "comes from 63 images: it rejects 2% of new images of your classes on average" in words
    assert "between 0.1% and 6.5%" in words and "이미지 63장으로 계산" in words


def test_errors_after_the_first_200_are_shown_by_a_button() -> None:
    html = render_report(make_report(images=400, wrong=1))
    shown = Page(html).all("img")
    waiting = re.search(r'<script type="application/json" id="more-errors">(.*?)</script>', html, re.DOTALL)
    assert len(shown) == 200 and waiting
    rest = json.loads(waiting[1])
    assert len(rest) == 200 and all(row[0].startswith("data:image/png") for row in rest)
    assert {row[2] for row in rest} <= set(NASTY)


def test_large_photographs_become_small_thumbnails() -> None:
    rng = np.random.default_rng(0)
    photograph = np.repeat(np.repeat(rng.integers(0, 256, (50, 75, 3), dtype=np.uint8), 4, axis=0), 4, axis=1)
    assert (decode(thumbnail(photograph)) == photograph[::4, ::4]).all()
    assert decode(thumbnail(np.zeros((1, 5000, 3), np.uint8))).shape[0] == 1


def test_filters_show_zero_as_medium_gray_and_the_largest_weight_as_white_or_black() -> None:
    kernel = np.zeros((3, 2, 1, 3), np.float32)
    kernel[0, 0, 0, 0], kernel[2, 1, 0, 1] = 0.2, -7.0
    first, second, empty = (decode(tile) for tile in filter_tiles(kernel))
    assert first.shape == (3, 2) and first[0, 0] == 255 and first[1, 1] in (127, 128)
    assert second[2, 1] == 0
    assert set(empty.ravel().tolist()) == {128}
    assert decode(filter_tiles(np.ones((3, 3, 3, 1)))[0]).shape == (3, 3, 3)
    assert decode(filter_tiles(np.ones((3, 3, 6, 1)))[0]).shape == (3, 3)


def test_file_is_utf8_and_complete(tmp_path: Path, full_report: ReportData) -> None:
    path = tmp_path / "보고서" / "report.html"
    write_report(path, full_report)
    assert path.read_bytes().decode("utf-8") == render_report(full_report)
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]


def test_report_that_cannot_be_written_raises(tmp_path: Path, full_report: ReportData) -> None:
    (tmp_path / "file").write_text("in the way", "utf-8")
    with pytest.raises(RunError, match=r"report\.html' could not be written"):
        write_report(tmp_path / "file" / "report.html", full_report)


def test_only_a_perfect_score_is_shown_as_100_percent() -> None:
    percent = Percent(50_000)
    assert [percent(v) for v in (1.0, 0.99999, 0.98571, 0.0, None)] == ["100.00%", "99.99%", "98.57%", "0.00%", "–"]
    assert Percent(300)(0.98571, sign=False) == "98.6"


def test_report_shows_suspicious_labels(full_report: ReportData) -> None:
    page = render_report(full_report)
    section = page[page.index('<section id="suspicious"') :]
    section = section[: section.index("</section>")]
    assert section.count("<img ") == 1 and "1.2% → 97.1%" in section and "قطة" in section
    assert "<script>alert" not in section
    none = render_report(replace(full_report, suspicious=[]))
    assert AUDIT_STRINGS["audit_labels_none"]["ko"] in none
    assert 'id="suspicious"' not in render_report(replace(full_report, suspicious=None))


def test_few_images_show_the_interval_first_and_never_100_percent() -> None:
    page = render_report(make_report(classes=("a", "b"), images=28, wrong=0.0))
    headline = page.split('class="big range"')[1].split("</p>")[0]
    assert "88–100" in headline
    assert "with so few images the accuracy is known only roughly" in page
    many = render_report(make_report(classes=("a", "b"), images=400, wrong=0.1))
    assert 'class="big range"' not in many


def test_wide_interval_recommends_cross_validation_in_report_and_terminal() -> None:
    rng = np.random.default_rng(0)
    labels, groups = np.repeat([0, 1], 90), np.repeat(np.arange(4), 45)  # many images of four persons
    wrong = (groups == 0) & (rng.random(180) < 0.3)
    found = striate.evaluation.evaluate(
        np.eye(2)[np.where(wrong, 1 - labels, labels)], labels, ("a", "b"), groups=groups
    )
    report = replace(make_report(), evaluation=found, images=None)
    page = Page(render_report(report)).words
    assert "Training with --folds 5 tests on all images" in page and "--folds 5로 학습하면" in page
    assert "--folds 5 tests on all images" in (uncertain_line(found) or "")
    folds = replace(found, folds=5)
    assert (
        "--folds 5" not in Page(render_report(replace(report, evaluation=folds))).words
        and uncertain_line(folds) is None
    )
    assert uncertain_line(make_report(images=400, wrong=0.1).evaluation) is None


def test_uneven_classes_show_balanced_accuracy_and_the_lowest_recall() -> None:
    labels = np.repeat([0, 1], [90, 10])
    probabilities = np.tile([0.9, 0.1], (100, 1))
    probabilities[90:95] = 0.2, 0.8
    report = replace(
        make_report(), evaluation=striate.evaluation.evaluate(probabilities, labels, ("many", "rare")), images=None
    )
    text = Page(render_report(report)).words
    assert "Balanced accuracy (mean recall)" in text and "균형 정확도" in text
    assert "75.0%" in text and "Lowest recall:" in text


def test_cross_validation_is_named_and_many_classes_show_top_k() -> None:
    found = make_report(classes=tuple(f"c{n}" for n in range(12)))
    assert isinstance(found.evaluation, Evaluation)
    page = Page(render_report(replace(found, evaluation=replace(found.evaluation, folds=5)))).words
    assert "Accuracy in 5-fold cross-validation" in page and "5겹 교차 검증" in page
    assert "Correct among the 5 most probable" in page and "확률 상위 5개" in page
    assert "test images correct" not in page
