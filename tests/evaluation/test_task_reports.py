"""Reports on several labels and on numbers: their figures, names in any script, and both languages."""

from dataclasses import replace

import numpy as np

from striate.cli.wording import uncertain_line
from striate.evaluation.multilabel import MultilabelEvaluation, evaluate_labels
from striate.evaluation.regression import RegressionEvaluation, evaluate_regression
from striate.evaluation.report import ReportData, render_report

from .conftest import NASTY
from .test_report import Page


def report(evaluation: MultilabelEvaluation | RegressionEvaluation, **settings: object) -> Page:
    pixels = np.random.default_rng(0).integers(0, 256, (evaluation.n_images, 9, 7, 3), dtype=np.uint8)
    html = render_report(ReportData("net", "data", evaluation, images=pixels, seed=1, **settings))  # type: ignore[arg-type]
    assert not [tag for tag in ("<script>alert", "사진/<b>") if tag in html]
    return Page(html)


def labels(images: int = 120, right: float = 0.9) -> MultilabelEvaluation:
    rng = np.random.default_rng(1)
    y = (rng.random((images, len(NASTY))) < 0.4).astype(np.uint8)
    flipped = y ^ (rng.random(y.shape) > right)
    names = [f"사진/<b>{n}</b>.png" for n in range(images)]
    return evaluate_labels((0.1 + 0.8 * flipped).astype(np.float32), y, NASTY, [0.5] * len(NASTY), names)


def numbers(images: int = 80, noise: float = 1.0) -> RegressionEvaluation:
    rng = np.random.default_rng(2)
    y = rng.normal(50, 10, (images, 2))
    names = [f"사진/<b>{n}</b>.png" for n in range(images)]
    return evaluate_regression(y + noise * rng.normal(size=y.shape), y, NASTY[:2], [1.7 * noise] * 2, names)


def test_report_on_labels_shows_every_label_and_the_wrong_images() -> None:
    evaluation = labels()
    page = report(evaluation, history={"loss": [0.5, 0.4], "accuracy": [0.8, 0.9]})
    for name in NASTY:
        assert name in page.words
    assert f"{100 * (evaluation.mean_average_precision.value or 0):.1f}" in page.words
    cards = [i for i in page.all("img") if i.get("data-en", "").startswith("Test image")]
    assert len(cards) == min(100, len(evaluation.errors)) > 10
    assert "모든 라벨이 맞은 비율" in page.words
    assert {"labels", "wrong_labels", "curves", "run"} <= {section["id"] for section in page.all("section")}


def test_report_on_numbers_draws_every_image_and_lists_errors() -> None:
    evaluation = numbers()
    page = report(evaluation)
    assert len(page.all("circle")) == 2 * evaluation.n_images
    assert len(page.all("polygon")) == 2
    for name in NASTY[:2]:
        assert name in page.words
    assert f"{evaluation.targets[0].mae.value:.4g}" in page.words
    assert {"scatter", "targets", "largest_errors"} <= {section["id"] for section in page.all("section")}


def test_reports_warn_of_useless_models() -> None:
    assert "a random order of the images would reach" in report(labels(right=0.5)).words
    assert "no better than always predicting the mean" in report(numbers(noise=30)).words
    assert "no better than always predicting the mean" not in report(numbers()).words
    few = report(labels(images=12)).words
    assert "too few test images" in few and "the mAP is known only roughly" in few
    assert "the mAP is known only roughly" not in report(labels()).words
    numbers_of_few = report(numbers(images=12)).words
    assert "the true mean absolute error may be anywhere" in numbers_of_few
    assert "the mean error is known only roughly" in numbers_of_few
    assert "the mean error is known only roughly" not in report(numbers()).words


def test_wide_intervals_recommend_cross_validation_for_labels_and_numbers() -> None:
    for few, many in ((labels(images=12), labels()), (numbers(images=12), numbers())):
        page = report(few).words
        assert "Training with --folds 5 tests on all images" in page and "--folds 5로 학습하면" in page
        assert "--folds 5" not in report(few, method="tested").words
        assert "--folds 5 tests on all images" in (uncertain_line(few) or "")
        for narrow in (many, replace(few, folds=5)):
            assert "--folds 5" not in report(narrow).words and uncertain_line(narrow) is None


def test_reports_on_few_images_say_which_intervals_are_too_narrow() -> None:
    assert "the intervals of the mAP and of the mean F1 are somewhat too narrow" in report(labels(images=49)).words
    assert "too narrow" not in report(labels(images=50)).words
    assert "the intervals of the root mean squared error and of R² are too narrow" in report(numbers(images=299)).words
    assert "too narrow" not in report(numbers(images=300)).words


def test_report_says_when_prediction_intervals_are_too_narrow() -> None:
    """Of normal errors, ± 1.7 standard deviations contain 91 %, and ± 1.36 only 83 %."""
    rng = np.random.default_rng(3)
    y = rng.normal(50, 10, (2_000, 1))
    for width, is_narrow in ((1.7, False), (1.36, True)):
        evaluation = evaluate_regression(y + rng.normal(size=y.shape), y, ["age"], [width])
        assert (
            "This is less than 90%" in Page(render_report(ReportData("net", "data", evaluation))).words
        ) is is_narrow


def test_reports_without_images_errors_or_intervals() -> None:
    perfect = report(labels(right=1.1))
    assert "all labels of all test images are correct" in perfect.words
    y = np.array([[1.0], [2.0], [4.0]])
    assert "prediction interval" not in report(evaluate_regression(y + 0.1, y, ["x"])).words.split("Metrics")[0]
