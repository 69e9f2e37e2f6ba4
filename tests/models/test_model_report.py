"""`Model.report` evaluates a model on images and describes it, without a run folder."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import striate as st
from striate.data import from_arrays
from striate.errors import DataError, UsageError
from striate.training import Recipe


def make_model(activation: str = "softmax") -> st.Model:
    layers = [st.Input((6, 6, 1)), st.layers.Rescale(), st.layers.Conv2D(4, 3, name="C1"), st.layers.Flatten()]
    return st.Sequential([*layers, st.layers.Dense(2, activation=activation)], name="tiny")


@pytest.fixture(scope="module")
def data() -> st.data.Dataset:
    """Dark images of one class and bright ones of the other."""
    y = np.arange(120) % 2
    x = np.random.default_rng(0).integers(0, 100, (120, 6, 6, 1)) + 150 * y[:, None, None, None]
    return from_arrays(x.astype(np.uint8), y, ["어두움", "밝음"], name="brightness")


def test_report_has_the_figures_that_evaluate_returns(data: st.data.Dataset, tmp_path: Path) -> None:
    model = make_model()
    model.compile("adam", learning_rate=0.01)
    history = model.fit(data.train.x, data.train.y, epochs=3, verbose=0)
    page = model.report(data, history=history)
    correct = round(model.evaluate(data.test.x, data.test.y)["accuracy"] * len(data.test))
    for text in ("tiny", "brightness", "어두움", "밝음", f"{correct} of {len(data.test)}", "adam (learning_rate 0.01)"):
        assert text in page.html
    assert "tested on" in page.html  # fit sees arrays, so nothing is known of the other images
    assert "trained on" not in page.html
    assert 'id="curves"' in page.html
    assert 'id="filters"' in page.html
    page.save(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text("utf-8") == page.html
    assert repr(page) == "Page(title='Report of tiny')"


def test_labels_may_be_numbers_rows_or_a_part_of_a_data_set(data: st.data.Dataset) -> None:
    model, (x, y) = make_model(), (data.test.x, data.test.y)
    pages = {model.report(x, labels, classes=data.classes).html for labels in (y, y[:, None], np.eye(2)[y], y.tolist())}
    assert pages == {model.report(data.test, classes=data.classes).html}
    assert 'id="curves"' not in pages.pop()


def test_logits_are_reported_as_probabilities(data: st.data.Dataset) -> None:
    model, logits = make_model(), make_model("linear")
    logits.named_weights = model.named_weights
    logits.classes = data.classes
    expected = model.report(data.test, classes=data.classes).html
    assert logits.report(data.test).html.replace("<td>linear</td>", "<td>softmax</td>") == expected.replace(
        "<td>linear</td>", "<td>softmax</td>"
    )


def test_reports_of_labels_and_of_numbers() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (80, 6, 6, 1), np.uint8)
    for task, y, activation in (
        ("multilabel", rng.integers(0, 2, (80, 2)), "sigmoid"),
        ("regression", rng.normal(size=(80, 2)), "linear"),
    ):
        data = from_arrays(x, y, ["first", "second"], task=task)
        model = make_model(activation)
        model.train(data, Recipe(1), verbose=0)
        html = model.report(data).html
        assert "trained on" in html
        assert "first" in html
        assert ("mAP" if task == "multilabel" else "R²") in html


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.zeros((2, 6, 6, 1), np.uint8),), UsageError, "y is missing"),
        ((np.zeros((2, 6, 6, 1), np.uint8), [0, 5]), DataError, "received label 5"),
        ((np.zeros((2, 5, 6, 1), np.uint8), [0, 1]), DataError, "5, 6, 1"),
        ((np.zeros((0, 6, 6, 1), np.uint8), []), DataError, "no "),
    ],
)
def test_mistakes_are_explained(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make_model().report(*arguments)


def test_wrong_number_of_classes_is_explained(data: st.data.Dataset) -> None:
    with pytest.raises(DataError, match="there are 3 classes"):
        make_model().report(data.test, classes=["a", "b", "c"])
