"""Confusion, errors, and metrics.json."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from striate.evaluation import confused_pairs, confusion_matrix, evaluate, row_percentages

PROBABILITIES = np.array(
    [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.1, 0.6, 0.3], [0.05, 0.05, 0.9], [0.2, 0.5, 0.3], [0.6, 0.3, 0.1]]
)
LABELS = np.array([0, 1, 2, 2, 0, 2])
CLASSES = ("cat", "개", "🦊")


def test_confusion_matrix_equal_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 7, (2, 500))
    assert (confusion_matrix(labels, predicted, 7) == metrics.confusion_matrix(labels, predicted)).all()


def test_percent_of_the_true_class_with_an_empty_class() -> None:
    assert row_percentages(np.array([[3, 1], [0, 0]])).tolist() == [[75.0, 25.0], [0.0, 0.0]]


def test_confused_pairs_are_sorted_by_frequency() -> None:
    pairs = confused_pairs(np.array([[8, 2, 0], [0, 5, 5], [1, 0, 99]]), CLASSES)
    assert [(p.true, p.predicted, p.count, p.percent) for p in pairs] == [
        ("개", "🦊", 5, 50.0),
        ("cat", "개", 2, 20.0),
        ("🦊", "cat", 1, 1.0),
    ]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1))
def test_counts_of_pairs_sum_to_the_number_of_errors(answers: list[tuple[int, int]]) -> None:
    labels, predicted = np.array(answers).T
    pairs = confused_pairs(confusion_matrix(labels, predicted, 5), tuple("abcde"))
    assert sum(p.count for p in pairs) == int((labels != predicted).sum())


def test_all_errors_are_listed_most_confident_first() -> None:
    found = evaluate(PROBABILITIES, LABELS, CLASSES, [f"그림/{n}.png" for n in range(6)]).errors
    assert [(m.index, m.path, m.true, m.predicted) for m in found] == [
        (2, "그림/2.png", "🦊", "개"),
        (5, "그림/5.png", "🦊", "cat"),
        (4, "그림/4.png", "cat", "개"),
    ]
    assert [(m.confidence, m.true_probability) for m in found] == [(0.6, 0.3), (0.6, 0.1), (0.5, 0.2)]


def test_metrics_json_contains_no_nan() -> None:
    probabilities = PROBABILITIES.astype(np.float32)
    found = evaluate(probabilities, LABELS, (*CLASSES[:2], "🦊"), None).to_dict()
    again = json.loads(json.dumps(found, allow_nan=False, ensure_ascii=False))
    assert again == found
    assert set(again) == {
        "images", "correct", "accuracy", "loss", "macro", "calibration_error", "classes", "confusion", "errors",
        "reliability", "folds", "by_fold", "rankings", "top_k", "without_leaks",
    }  # fmt: skip
    assert again["accuracy"]["value"] == 0.5 and again["accuracy"]["low"] < 0.5 < again["accuracy"]["high"]
    assert again["confusion"]["counts"] == [[1, 1, 0], [0, 1, 0], [1, 1, 1]]
    assert again["confusion"]["percent"][2] == [33.3333, 33.3333, 33.3333]
    assert again["classes"][1] == {
        "name": "개",
        "support": 1,
        "predicted": 3,
        "precision": again["classes"][1]["precision"],
        "recall": {"value": 1.0, "low": pytest.approx(0.2065, abs=1e-4), "high": 1.0},
        "f1": again["classes"][1]["f1"],
    }
    assert again["errors"][0]["path"] is None
