"""Labels from CSV files: which image has which label, and what is said about rows and images that do not fit."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.data import load, load_folder
from striate.data.labels import LabelFile, read_labels
from striate.data.split import TEST, TRAINING
from striate.errors import DataError, UsageError
from striate.images import ImagePolicy
from striate.language import Language, localized, use_language
from striate.tasks import Decision, Task

from .conftest import random_image

MULTILABEL, REGRESSION = Task.MULTILABEL, Task.REGRESSION


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the images 0.jpg to 9.jpg."""
    (tmp_path / "images").mkdir()
    for number in range(10):
        (tmp_path / "images" / f"{number}.jpg").write_bytes(random_image(number))
    return tmp_path / "images"


def table(folder: Path, text: str, encoding: str = "utf-8") -> str:
    """Write a CSV file beside the folder and return its path."""
    path = folder.parent / "labels.csv"
    path.write_text(text, encoding=encoding)
    return str(path)


def rows(values: dict[int, str], header: str = "file,label") -> str:
    return "\n".join([header, *(f"{number}.jpg,{value}" for number, value in values.items())])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", ["파일,라벨\n", ""])
def test_classes_in_usual_encodings_and_separators(folder: Path, encoding: str, separator: str, header: str) -> None:
    text = header + "\n".join(f"{number}.jpg,{'고양이' if number % 2 else '개'}" for number in range(10))
    layout = read_labels(folder, LabelFile(table(folder, text.replace(",", separator), encoding)))
    assert layout.classes == ("개", "고양이")
    assert layout.y.dtype == np.int64
    assert layout.y.tolist() == [number % 2 for number in range(10)]
    assert layout.names == tuple(f"{number}.jpg" for number in range(10))
    assert layout.notes == ()
    assert layout.task is Task.CLASSIFICATION


def test_many_classes_that_are_numbers_give_a_note(folder: Path) -> None:
    for number in range(10, 24):
        (folder / f"{number}.jpg").write_bytes(random_image(number))
    for count, noted in ((12, True), (10, False)):
        path = table(folder, rows({number: f"{number % count}" for number in range(24)}))
        notes = read_labels(folder, LabelFile(path)).notes
        found = any("To predict numeric values, use --task regression" in note for note in notes)
        assert found is noted


@pytest.mark.parametrize(("task", "what"), [(Task.CLASSIFICATION, "Class"), (MULTILABEL, "Label")])
def test_name_that_may_be_misspelled_gives_a_note(folder: Path, task: Task, what: str) -> None:
    values = dict.fromkeys(range(8), "tulip 튤립") | {8: "tulip 튜립", 9: "rose"}
    for number in range(10, 15):
        (folder / f"{number}.jpg").write_bytes(random_image(number))
        values[number] = "tulip 튤립"
    layout = read_labels(folder, LabelFile(table(folder, rows(values)), task))
    assert layout.notes == (
        f"{what} 'tulip 튜립' has 1 image, and its name resembles 'tulip 튤립' with 13. If it is a typing error, "
        "correct it.",
    )
    with use_language(Language.KOREAN):
        assert "이미지 1장뿐이고" in localized(layout.notes[0])


def test_data_set_has_labels_of_its_images(folder: Path) -> None:
    labels = table(folder, rows({number: f"{1.5 * number}" for number in range(10)}, "file,age"))
    data = load(folder, size=8, labels=labels, task="regression")
    assert (data.task, data.classes) == (REGRESSION, ("age",))
    found: dict[int, float] = {}
    for part in (data.train, data.validation, data.test):
        assert part.y.dtype == np.float32
        assert part.names is not None
        found |= {int(Path(name).stem): y for name, (y,) in zip(part.names, part.y, strict=True)}
    assert found == {number: 1.5 * number for number in range(10)}


def test_fingerprint_changes_with_labels_and_task(folder: Path) -> None:
    def fingerprint(values: dict[int, str], task: str) -> str:
        return load_folder(folder, ImagePolicy(8, 8), labels=table(folder, rows(values)), task=task).fingerprint

    numbers = {number: f"{number % 2}" for number in range(10)}
    prints = [fingerprint(numbers, task) for task in Task]
    prints += [fingerprint(numbers | {3: "0"}, task) for task in Task]
    assert len(set(prints)) == 6


def test_labels_of_one_cell_and_of_columns_agree(folder: Path) -> None:
    joined = {0: "cat;dog", 1: "dog | sofa", 2: "", 3: '"cat,sofa"', 4: "cat"}
    columns = {0: "1,1,0", 1: "0,1,1", 2: "0,0,0", 3: "1,0,1", 4: "1,0,0"}
    lists = read_labels(folder, LabelFile(table(folder, rows(joined, "file,labels")), MULTILABEL))
    flags = read_labels(folder, LabelFile(table(folder, rows(columns, "file,cat,dog,sofa")), MULTILABEL))
    assert lists.classes == flags.classes == ("cat", "dog", "sofa")
    assert lists.y.tolist() == flags.y.tolist() == [[1, 1, 0], [0, 1, 1], [0, 0, 0], [1, 0, 1], [1, 0, 0]]
    assert lists.y.dtype == np.uint8
    long = "file,label\n0.jpg,cat\n0.jpg,dog\n1.jpg,sofa\n1.jpg,dog\n3.jpg,cat\n3.jpg,sofa\n4.jpg,cat\n2.jpg,\n"
    assert read_labels(folder, LabelFile(table(folder, long), MULTILABEL)).y.tolist() == lists.y.tolist()


def test_files_are_found_by_unique_name_and_folders_are_parts(tmp_path: Path) -> None:
    for number, name in enumerate(("train/a.jpg", "train/b.jpg", "test/c.jpg")):
        (tmp_path / "x" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / name).write_bytes(random_image(number))
    path = tmp_path / "x" / "labels.csv"
    path.write_text("image,class\na,cat\nb.jpg,dog\n./test/c.jpg,cat\n")
    layout = read_labels(tmp_path / "x", LabelFile(str(path)))
    assert layout.names == ("test/c.jpg", "train/a.jpg", "train/b.jpg")
    assert layout.y.tolist() == [0, 0, 1]
    assert layout.parts.tolist() == [TEST, TRAINING, TRAINING]


def test_what_is_left_out_is_listed(folder: Path) -> None:
    values = {number: "cat" if number % 2 else "dog" for number in range(8)} | {7: "", 12: "cat", 13: "dog"}
    layout = read_labels(folder, LabelFile(table(folder, rows(values))))
    assert len(layout.names) == 7
    assert layout.notes == (
        f"Left out: 2 rows of 'labels.csv' whose file is not among the images in '{folder}': '12.jpg' (line 10), "
        "'13.jpg' (line 11).",
        "Left out: 2 images without a row in 'labels.csv': '8.jpg', '9.jpg'.",
        "Left out: 1 image with an empty cell in 'labels.csv': '7.jpg'.",
    )


@pytest.mark.parametrize(
    ("task", "text", "message"),
    [
        (None, "a.png,cat\nb.png,dog", "No row of 'labels.csv' refers to an image"),
        (None, "0.jpg,cat\n1.jpg,cat", "have the label 'cat'; a classifier needs two or more"),
        (None, "0.jpg,cat\n1.jpg,dog\n0.jpg,dog",
         r"contradicting rows for some images: '0.jpg': 'cat' \(line 1\) / 'dog' \(line 3\)\. Keep one .* multilabel"),
        (None, "\n".join(f"{n}.jpg,{n}.5" for n in range(10)), "10 different numbers for 10 images.*--task regression"),
        (REGRESSION, "0.jpg,3\n1.jpg,NaN\n2.jpg,12 cm\n3.jpg,inf\n4.jpg,1e99",
         r"4 of \d+ cells are not numbers: '1.jpg': 'NaN' \(line 2\), '2.jpg': '12 cm' .*without units"),
        (REGRESSION, "0.jpg;1,500\n1.jpg;2,250", "'0.jpg': '1,500'"),
        (REGRESSION, "0.jpg,3\n0.jpg,4\n1.jpg,2", r"'0.jpg': 3 \(line 1\) / 4 \(line 2\)"),
        (REGRESSION, "file,age,age\n0.jpg,1,2\n1.jpg,2,3", "several columns besides the file names"),
        (MULTILABEL, "file,cat,dog\n0.jpg,1,0\n1.jpg,2,1", "several columns besides the file names.*0 or 1"),
        (MULTILABEL, "file,labels\n0.jpg,\n1.jpg,", "needs|same labels|No image|empty"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_used(folder: Path, task: Task | None, text: str, message: str) -> None:
    labels = LabelFile(table(folder, text), task or Task.CLASSIFICATION)
    with pytest.raises((DataError, UsageError), match=message):
        load_folder(folder, ImagePolicy(8, 8), labels=labels.path, task=labels.task)


def test_ambiguous_name_is_refused(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "0.jpg").write_bytes(random_image(99))
    with pytest.raises(DataError, match=r"some names may mean several images: '0' \(line 2: '0.jpg' / 'more/0.jpg'\)"):
        read_labels(folder, LabelFile(table(folder, "file,label\n0,cat\n1.jpg,dog")))


def test_columns_are_chosen_by_heading_or_number(folder: Path) -> None:
    text = "id,camera,age,mood\n" + "\n".join(f"{n}.jpg,c{n},{n},{n % 2}" for n in range(10))
    path = table(folder, text)
    by_name = read_labels(folder, LabelFile(path, REGRESSION, ("age",)))
    by_number = read_labels(folder, LabelFile(path, REGRESSION, ("3",)))
    assert by_name.classes == by_number.classes == ("age",)
    assert by_name.y[:, 0].tolist() == by_number.y[:, 0].tolist() == list(range(10))
    both = read_labels(folder, LabelFile(path, REGRESSION, ("mood", "age")))
    assert both.classes == ("mood", "age")
    assert both.y[3].tolist() == [1, 3]
    with pytest.raises(UsageError, match=r"no column 'weight'.*'camera', 'age', 'mood'"):
        read_labels(folder, LabelFile(path, REGRESSION, ("weight",)))


def test_decimal_commas_and_outliers(folder: Path) -> None:
    values = {number: f"{number},5" for number in range(9)} | {9: "999"}
    layout = read_labels(folder, LabelFile(table(folder, rows(values, "file;cm").replace("jpg,", "jpg;")), REGRESSION))
    assert layout.y[:, 0].tolist() == [*(number + 0.5 for number in range(9)), 999]
    assert "1 value of 'cm' is far from the others" in layout.notes[0]
    assert "999 of '9.jpg'" in layout.notes[0]


def test_formulas_and_control_characters_stay_text(folder: Path) -> None:
    values = {0: "=cmd|' /C calc'!A0", 1: "a\x1b[31mb", 2: "=cmd|' /C calc'!A0"}
    layout = read_labels(folder, LabelFile(table(folder, rows(values))))
    assert layout.classes == ("=cmd|' /C calc'!A0", r"a\x1b[31mb")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "regresion"}, "Did you mean 'regression'"),
        ({"task": "multilabel"}, "The task 'multilabel' needs a CSV file"),
        ({"label_columns": ("age",)}, "needs a CSV file"),
    ],
)
def test_task_without_labels(folder: Path, arguments: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(folder, **arguments)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="for folders of images"):
        load("mnist5k", labels="labels.csv")


numbers = st.lists(st.floats(0, 1), min_size=2, max_size=2)


@given(st.sampled_from(Task), st.one_of(st.just([]), numbers), st.one_of(st.just([]), numbers), st.floats(0, 1))
def test_decision_survives_json(task: Task, thresholds: list[float], widths: list[float], coverage: float) -> None:
    decision = Decision(task, tuple(thresholds), tuple(widths), coverage)
    assert Decision.from_dict(decision.to_dict(), 2) == decision


@pytest.mark.parametrize(
    "values",
    [{}, {"task": "detection"}, {"task": "multilabel", "thresholds": [0.5]}, {"task": "multilabel", "x": 1},
     {"task": "multilabel", "thresholds": [0.5, 2]}, {"task": "regression", "half_widths": [1, True]},
     {"task": "regression", "coverage": -1}, [], None],
)  # fmt: skip
def test_damaged_decisions_are_refused(values: object) -> None:
    with pytest.raises(ValueError, match=r"its|'decision'"):
        Decision.from_dict(values, 2)
