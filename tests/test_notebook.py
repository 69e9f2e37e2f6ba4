"""What objects show in a notebook is short, self-contained, escaped and readable, and their texts are short too."""

import io
import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import striate as st
from striate import notebook
from striate.data import Augmentation, from_arrays
from striate.errors import RunError
from striate.evaluation import evaluate
from striate.evaluation.multilabel import evaluate_labels
from striate.evaluation.regression import evaluate_regression
from striate.training import Recipe, Run, RunRecord
from striate.training.notebook_progress import NotebookProgress
from striate.training.progress import make_progress

EVIL = '<script>alert("1")</script>\u202e&\x1b[31m'
VOID = {"img", "br", "hr"}


class Checker(HTMLParser):
    """Collects tags, attributes and text, and raises an AssertionError for tags that are not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open[-1:]:
            self.text.append(data)


def compiled_model() -> st.Model:
    layers = [st.Input((8, 8, 3)), st.layers.Rescale(), st.layers.Flatten(), st.layers.Dense(3, activation="softmax")]
    model = st.Sequential(layers)
    model.compile("adam")
    return model


def small_data(task: str = "classification", names: tuple[str, ...] = (EVIL, "고양이", "c")) -> st.data.Dataset:
    rng = np.random.default_rng(0)
    y: Any = np.arange(60) % 3
    y = {"classification": y, "multilabel": np.eye(3)[y], "regression": rng.normal(size=(60, 3))}[task]
    return from_arrays(rng.integers(0, 256, (60, 8, 8, 3), np.uint8), y, names, task=task, name=EVIL)


def large_data() -> st.data.Dataset:
    """Return 300 classes of photographs of 160×160."""
    ramp = np.linspace(0, 255, 160).astype(np.uint8)
    x = np.broadcast_to(ramp[:, None, None], (600, 160, 160, 3)).copy()
    x[:, :50, :, 0] += np.arange(600).astype(np.uint8)[:, None, None]
    x[:, 0, :4, :] = np.random.default_rng(0).integers(0, 256, (600, 4, 3), np.uint8)
    return from_arrays(x, np.arange(600) % 300, [f"class number {n} with a long name" for n in range(300)])


def an_evaluation(classes: int, *, images: bool = True) -> Any:
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(classes), 300).astype(np.float32)
    x = rng.integers(0, 256, (300, 28, 28, 1), np.uint8) if images else None
    names = (EVIL, *(f"class {n}" for n in range(1, classes)))
    return evaluate(p, np.arange(300) % classes, names, x=x)


def labels_evaluation(labels: int) -> Any:
    rng = np.random.default_rng(0)
    p, y = rng.random((50, labels)), rng.integers(0, 2, (50, labels))
    return evaluate_labels(p, y, [EVIL, *(f"label {n}" for n in range(1, labels))], [0.5] * labels)


def numbers_evaluation() -> Any:
    y = np.random.default_rng(0).normal(5, 1, (50, 2))
    return evaluate_regression(
        y + np.array([0.25, -1]), y, [EVIL, "width"], names=[f"{EVIL}{n}.jpg" for n in range(50)]
    )


def a_history(epochs: int) -> Any:
    history = st.callbacks.History()
    for epoch in range(epochs):
        history.on_epoch_end(epoch, {EVIL: 1.0, "loss": 1 / (epoch + 1), "val_loss": float("nan") if epoch else 2.0})
    return history


def a_run(folder: Path) -> Run:
    run = Run.create(RunRecord(Recipe(3), "0123456789abcdef"), folder / "run")
    run.write_history({"loss": [1.0, 0.5], "val_loss": [1.0, 0.7]})
    return run


OBJECTS: dict[str, Callable[[Path], Any]] = {
    "model": lambda _: compiled_model(),
    "large model": lambda _: st.zoo.build("resnet152"),
    "empty model": lambda _: st.Sequential([]),
    "network": lambda _: st.zoo.network("googlenet"),
    "layer": lambda _: st.layers.Conv2D(16, 3, name="C1"),
    "data": lambda _: small_data(),
    "data with labels": lambda _: small_data("multilabel"),
    "data with numbers": lambda _: small_data("regression"),
    "large data": lambda _: large_data(),
    "images": lambda _: small_data().train,
    "history": lambda _: a_history(3),
    "long history": lambda _: a_history(2000),
    "history of nothing": lambda _: a_history(0),
    "evaluation": lambda _: an_evaluation(3),
    "evaluation of many classes": lambda _: an_evaluation(200),
    "evaluation without images": lambda _: an_evaluation(10, images=False),
    "evaluation of labels": lambda _: labels_evaluation(100),
    "evaluation of numbers": lambda _: numbers_evaluation(),
    "scores": lambda _: compiled_model().evaluate(small_data().test.x, small_data().test.y),
    "recipe": lambda _: Recipe(augmentation=Augmentation(rotation=10)),
    "run": a_run,
}


@pytest.mark.parametrize("name", OBJECTS)
def test_objects_are_short_in_text_and_complete_in_html(name: str, tmp_path: Path) -> None:
    shown = OBJECTS[name](tmp_path)
    text, html = repr(shown), shown._repr_html_()
    assert 1 <= len(text.splitlines()) <= 10
    assert len(text) < 700
    assert "object at 0x" not in text
    assert "\u202e" not in html
    assert "\x1b" not in html
    assert len(html.encode()) < 30_000
    page = Checker(html)
    assert page.tags <= {
        "div", "style", "b", "small", "table", "tr", "th", "td", "details", "summary", "figure", "figcaption", "img",
        "svg", "path", "text", "polyline", "circle",
    }  # fmt: skip
    for attribute, value in page.attributes:  # nothing is loaded and nothing is executed
        assert not attribute.startswith("on")
        assert attribute not in ("src", "href") or value.startswith("data:image/")


def test_data_set_shows_the_images_of_each_class_and_part() -> None:
    text = Checker(small_data()._repr_html_()).text
    assert '<script>alert("1")</script>\\u202e&\\x1b[31m' in text
    assert text[text.index("train") : text.index("train") + 3] == ["train", "validate", "test"]
    where = len(text) - 1 - text[::-1].index("고양이")  # in the table, which is below the images
    counts = [
        sum(int(n) for n in np.bincount(part.y)[1:2]) for part in vars(small_data()).values() if hasattr(part, "y")
    ]
    assert text[where + 1 : where + 4] == [str(count) for count in counts]


def test_evaluation_shows_the_confusion_matrix_and_the_errors() -> None:
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]], np.float32)
    shown = evaluate(p, np.array([0, 0, 1, 0]), ["cat", "dog"], x=np.zeros((4, 5, 5, 3), np.uint8))
    assert repr(shown).startswith("<Evaluation: accuracy 75.00 % (95 % interval 30.06 … 95.44)")
    assert "1 error in 4 images" in repr(shown)
    text = Checker(shown._repr_html_()).text
    row = text.index("cat", text.index("dog"))
    assert text[row : row + 6] == ["cat", "2", "1", "dog", "·", "1"]
    assert "cat → dog 80 %" in text


def test_evaluations_of_labels_and_numbers_show_a_row_for_each() -> None:
    shown = labels_evaluation(2)
    text = Checker(shown._repr_html_()).text
    row = text.index("label 1")
    assert text[row + 1] == str(shown.per_class[1].support)
    assert all(cell.endswith(" %") for cell in text[row + 2 : row + 6])
    text = Checker(numbers_evaluation()._repr_html_()).text
    row = text.index("width")
    assert text[row + 1 : row + 3] == ["1", "1 … 1"]


def test_history_shows_the_best_epoch() -> None:
    history = st.callbacks.History()
    for epoch, loss in enumerate([3.0, 1.0, 2.0]):
        history.on_epoch_end(epoch, {"loss": 3.0 - epoch, "val_loss": loss})
    assert repr(history) == "<History: 3 epochs; loss 1.0000, val_loss 2.0000>"
    text = Checker(history._repr_html_()).text
    assert text[-4:] == ["lowest val_loss", "2", "2.0000", "1.0000"]


def test_model_says_what_it_is() -> None:
    model = compiled_model()
    assert repr(model) == "<Sequential 'sequential': 4 layers, 579 parameters, compiled with Adam>"
    assert repr(st.Sequential()) == "<Sequential 'sequential': not built>"


def test_values_of_charts_are_drawn_from_low_to_high() -> None:
    svg = notebook.charts({"loss": [4.0, 2.0, 1.0], "accuracy": [0.5], "learning_rate": [1.0]})
    assert svg.count("<svg") == 2
    (first, *_) = re.findall(r'polyline points="([^"]*)"', svg)
    points = [tuple(map(float, point.split(","))) for point in first.split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert points[0][1] < points[1][1] < points[2][1]  # down the page


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, str]]:
    """What a notebook shows, by the name under which it is updated."""
    displays: dict[str, tuple[str, str]] = {}

    def show(html: str, text: str, name: str | None = None, *, update: bool = False) -> None:
        assert update == (name in displays)
        displays[name or str(len(displays))] = html, text

    monkeypatch.setattr(notebook, "show", show)
    for module in ("striate.notebook", "striate.training.progress"):
        monkeypatch.setattr(f"{module}.in_notebook", lambda: True)
    return displays


def test_fit_in_a_notebook_leaves_one_table(
    shown: dict[str, tuple[str, str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bars: Any = []
    monkeypatch.setattr("striate.training.notebook_progress.NotebookProgress.refresh_seconds", 0)
    block = notebook.block
    monkeypatch.setattr(notebook, "block", lambda *parts: bars.append("<progress" in "".join(parts)) or block(*parts))
    data = small_data()
    validation = data.validation.x, data.validation.y
    compiled_model().fit(data.train.x, data.train.y, batch_size=8, epochs=3, validation_data=validation)
    ((html, text),) = shown.values()
    assert any(bars)
    cells = Checker(html).text
    assert cells[:7] == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "images/s", "seconds"]
    assert cells[7::7] == ["1", "2", "3"]
    assert "progress" not in Checker(html).tags
    assert [line.split()[1] for line in text.splitlines()] == ["1/3", "2/3", "3/3"]
    assert capsys.readouterr().out == ""


def test_stopped_fit_leaves_the_finished_epochs(shown: dict[str, tuple[str, str]]) -> None:
    def stop(epoch: int, logs: object) -> None:
        raise KeyboardInterrupt

    data, model = small_data(), compiled_model()
    callback = st.callbacks.Callback()
    callback.on_epoch_begin = lambda epoch, logs=None: stop(epoch, logs) if epoch == 2 else None  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        model.fit(data.train.x, data.train.y, epochs=5, callbacks=[callback])
    ((html, _),) = shown.values()
    assert Checker(html).text[5::5] == ["1", "2"]


def test_verbose_says_what_a_notebook_shows(shown: dict[str, tuple[str, str]]) -> None:
    kinds = [type(make_progress(verbose)) is NotebookProgress for verbose in ("auto", 1, 2, 0)]
    assert kinds == [True, True, False, False]


def test_summary_is_a_table_in_a_notebook(
    shown: dict[str, tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    st.zoo.build("lenet5").summary()
    ((html, text),) = shown.values()
    assert "lenet5: 61,706 parameters" in text
    cells = Checker(html).text
    assert "61,706 parameters, 416,520 multiply-adds for one image" in cells
    assert cells[cells.index("C3") :][:6] == ["C3", "Conv2D", "10×10×16", "5×5", "1×1", "valid"]
    assert capsys.readouterr().out == ""


def test_run_shows_its_report(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    assert repr(run) == f"<Run '{run.path}': 2 of 3 epochs; loss 0.5000, val_loss 0.7000>"
    (tmp_path / "other").mkdir()
    new = Run.create(run.record, tmp_path / "other")
    assert repr(new) == f"<Run '{new.path}': no epoch done>"
    new.model_path.touch()
    assert repr(new) == f"<Run '{new.path}': trained>"
    with pytest.raises(RunError, match="has no report that can be read"):
        run.report()
    page = '<!doctype html><p title="a">한국어 & "b"</p>'
    (run.path / "report.html").write_text(page, "utf-8")
    frame = dict(Checker(run.report()._repr_html_()).attributes)
    assert frame["srcdoc"] == page
    assert frame["sandbox"] == "allow-scripts"
    run.report().save(tmp_path / "copy.html")
    assert (tmp_path / "copy.html").read_text("utf-8") == page
    assert unescape(repr(run.report())).startswith("Page(title=")


def test_scripts_and_terminals_are_no_notebooks() -> None:
    assert not notebook.in_notebook()


def test_layer_shows_the_settings_that_were_chosen() -> None:
    first, last = st.layers.Conv2D(16, 3, padding="same", name="C1"), st.layers.Dense(10, activation="softmax")
    assert repr(first) == "Conv2D(filters=16, kernel_size=(3, 3), padding='same', name='C1')"
    assert repr(last) == "Dense(units=10, activation='softmax')"
    assert repr(st.layers.Flatten()) == "Flatten()"


def test_unit_is_described_in_one_line() -> None:
    digits = st.data.load("mnist5k")
    unit = st.explain.unit(st.zoo.build("lenet5"), digits.test.x[0], "C1", (3, 4, 0))
    assert repr(unit).startswith("<Unit (3, 4, 0) of C1: weighted_sum of 25 cells, bias 0.1, pre-activation ")
    assert repr(unit.inputs) == "(<Cells of rescale: 5×5×1, rows from 3, columns from 4>,)"


def test_commands_in_a_notebook_do_not_redraw_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    assert [notebook.can_redraw(stream) for stream in (terminal, io.StringIO())] == [True, False]
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    assert not notebook.can_redraw(terminal)
