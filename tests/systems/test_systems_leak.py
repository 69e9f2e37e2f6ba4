"""The demonstration `leak`: what it measures, and that Striate's split cannot leak."""

import re

import numpy as np
import pytest

from striate.language import Language, use_language
from striate.systems import leak as demo


@pytest.fixture(scope="module")
def shown() -> tuple[list[str], str]:
    """Return the printed lines in Korean, and the page."""
    lines: list[str] = []
    with use_language(Language.KOREAN):
        result = demo.leak(lines.append)
    assert result.passed
    return lines, result.page


def test_accuracy_rises_on_images_that_were_trained_on_only(shown: tuple[list[str], str]) -> None:
    rows = [[float(cell) for cell in re.findall(r"[\d.]+(?= %)", line)] for line in shown[0][2:7]]
    seen, before, redrawn, untouched, striate, striate_seen = np.array(rows).T
    assert seen[0] == 0 and seen[-1] > 95
    assert before[1] > untouched[0] + 2  # the jump comes before any training
    assert redrawn[-1] > 95 and untouched[-1] < 92
    spread = 100 * np.sqrt(0.9 * 0.1 / 200)  # standard deviation of an accuracy of 90 % on 200 images
    assert np.ptp(untouched) < 5 and abs(striate[-1] - untouched[-1]) < 4 * spread
    assert not striate_seen.any()


def test_share_of_images_seen_is_that_of_independent_splits() -> None:
    """A test image of the second start was in the first training part with probability 0.8, of the third 0.96."""
    x, _, untouched = demo._images(0)
    assert len({image.tobytes() for image in x} & {image.tobytes() for image in untouched[0]}) == 0
    seen = []
    for seed in range(8):
        trained = np.zeros(len(x), bool)
        for number in range(3):
            test, train = np.split(np.random.default_rng([seed, 2, number]).permutation(len(x)), [200])
            seen.append((number, trained[test].mean()))
            trained[train] = True
    means = [np.mean([share for start, share in seen if start == number]) for number in range(3)]
    np.testing.assert_allclose(means, [0, 0.8, 0.96], atol=0.02)


def test_run_refuses_another_split() -> None:
    x, y, _ = demo._images(0)
    assert "was started with different data" in demo.refusal_message(x, y, 0)


def test_page_explains_in_both_languages(shown: tuple[list[str], str]) -> None:
    lines, page = shown
    assert "다른 데이터로 시작한 실행입니다" in lines[-1]
    for words in (
        "no better",
        "나아지지 않았습니다",
        "was started with different data",
        "다른 데이터로 시작한 실행",
        "polyline",
    ):
        assert words in page
    assert page.count("<polyline") == 3
