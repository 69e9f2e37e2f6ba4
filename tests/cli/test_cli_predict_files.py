"""`striate predict` for many files: tables, JSON Lines, names from standard input, sorting, interruptions."""

import csv
import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as hs

import striate as st
from striate.errors import RunError, UsageError
from striate.images import UnreadableFile, encode_png
from striate.tasks import Decision
from striate.workflows.predict import Prediction, iter_input_files, predict_files, read_names, walk_files
from striate.workflows.prediction_files import PredictionFile, open_prediction_file
from striate.workflows.sort_images import UNKNOWN, folder_names, place_file
from striate.workflows.trained_model import TrainedModel, open_trained_model

from .conftest import Cli, Finished, environment

CLASSES = ("cat", "=dog", 'say "a, b"')


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Four digits and a file that is not an image, in two folders."""
    test = st.data.load("mnist5k").test
    for number in range(4):
        file = tmp_path / f"new/{number % 2}/digit.png" if number < 2 else tmp_path / f"new/{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encode_png(test.x[100 * number, ..., 0]))
    (tmp_path / "new/damaged.png").write_bytes(b"nothing")
    return tmp_path / "new"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_has_a_row_for_each_file(
    cli: Cli, trained: tuple[Path, Finished], digits: Path, tmp_path: Path
) -> None:
    result = cli("predict", trained[0], "new", "--csv", "out.csv", "--top", "2", "--all-classes")
    assert result.returncode == 1
    assert "Files that could not be read: 1; 'out.csv' lists all of them." in result.stderr
    rows = rows_of(tmp_path / "out.csv")
    assert [row["file"] for row in rows] == [
        str(Path("new") / name) for name in ("0/digit.png", "1/digit.png", "2.png", "3.png", "damaged.png")
    ]
    assert rows[4]["label"] == rows[4]["probability"] == ""
    assert "cannot be read" in rows[4]["error"]
    answers = json.loads(cli("predict", trained[0], "new", "--json", "--all-classes").stdout)
    assert (rows[4]["file"], rows[4]["error"]) == tuple(answers[4].values())
    for row, answer in zip(rows[:4], answers[:4], strict=True):
        assert (row["file"], row["label"], float(row["probability"])) == (
            answer["file"], answer["label"], answer["probability"],
        )  # fmt: skip
        assert row["unknown"] == ("yes" if answer["unknown"] else "no")
        second = list(answer["probabilities"])[1]
        assert (row["label_2"], float(row["probability_2"])) == (second, answer["probabilities"][second])
        assert {name: float(row[f"p({name})"]) for name in answer["probabilities"]} == answer["probabilities"]
    written = (tmp_path / "out.csv").read_bytes()
    again = cli("predict", trained[0], "new", "--csv", "out.csv")
    assert (again.returncode, (tmp_path / "out.csv").read_bytes()) == (2, written)
    assert "'out.csv' exists already. Choose another name, or continue it with --resume." in again.stderr


def test_names_come_from_standard_input(trained: tuple[Path, Finished], digits: Path, tmp_path: Path) -> None:
    files = sorted(digits.rglob("[0-9d]*t.png"))
    command = [sys.executable, "-m", "striate", "predict", str(trained[0]), "-", "--jsonl", "out.jsonl"]
    result = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment(),
        input=b"\0".join(map(os.fsencode, files)),
        capture_output=True,
        check=True,
    )
    assert b"2 images" in result.stdout
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [line["file"] for line in lines] == [str(file) for file in files]
    empty = subprocess.run(command, cwd=tmp_path, env=environment(), input=b"\r\n\n", capture_output=True, check=False)
    assert (empty.returncode, empty.stdout) == (1, b"")
    assert b"Standard input contains no file names." in empty.stderr


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_empty_lines_do_not_mean_the_current_folder(digits: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    monkeypatch.chdir(digits)
    names = BytesIO(ending.join(["", "2.png", "", "3.png", "", ""]).encode())
    files, _ = iter_input_files(["-"], names)
    assert list(files) == [Path("2.png"), Path("3.png")]


def test_files_of_a_folder_are_found_once(digits: Path) -> None:
    listed = [digits, digits / "0", *digits.rglob("*.png")]  # as find prints them
    files, _ = iter_input_files(["-"], BytesIO("\n".join(map(str, listed)).encode()))
    assert sorted(map(str, files)) == sorted(map(str, digits.rglob("*.png")))


def test_thresholds_mark_images_as_unknown(trained: tuple[Path, Finished], digits: Path) -> None:
    results = list(predict_files(open_trained_model(trained[0]), [digits / "2.png", digits / "3.png"], threshold=1))
    assert [result.unknown for result in results if isinstance(result, Prediction)] == [True, True]


def test_images_are_sorted_into_folders_and_nothing_is_overwritten(
    cli: Cli, trained: tuple[Path, Finished], digits: Path, tmp_path: Path
) -> None:
    contents = [file.read_bytes() for file in digits.rglob("*.png") if file.name != "damaged.png"]
    answers = json.loads(cli("predict", trained[0], "new", "--json").stdout)
    place = {answer["file"]: UNKNOWN if answer["unknown"] else answer["label"] for answer in answers[:4]}
    existing = tmp_path / "sorted" / place[str(Path("new/0/digit.png"))] / "digit.png"
    existing.parent.mkdir(parents=True)
    existing.write_bytes(b"mine")
    for done in ("4 copied", "0 copied, 4 already there"):
        result = cli("predict", trained[0], "new", "--sort-into", "sorted")
        assert f"sorted   sorted: {done}" in result.stdout.splitlines()
        found = [file for file in (tmp_path / "sorted").rglob("*") if file.is_file()]
        assert sorted(file.read_bytes() for file in found) == sorted([*contents, b"mine"])
    for path, folder in place.items():
        images = [file.read_bytes() for file in (tmp_path / "sorted" / folder).iterdir()]
        assert (tmp_path / path).read_bytes() in images
    assert existing.read_bytes() == b"mine"
    inside = cli("predict", trained[0], ".", "--sort-into", "sorted", "--move")
    assert "sorted   sorted: 4 moved" in inside.stdout, "the sorted images themselves are left out"
    assert [file.name for file in digits.rglob("*.png")] == ["damaged.png"]


def model_of(*classes: str) -> TrainedModel:
    model: Any = SimpleNamespace(classes=classes, decision=Decision())
    return TrainedModel((model,), 0.0)


names = hs.text(hs.characters(exclude_characters="\0"), min_size=1, max_size=12)


@settings(max_examples=40)
@given(
    paths=hs.lists(names, min_size=1, max_size=8, unique=True), cut=hs.floats(0, 1), form=hs.sampled_from([0, 1]),
    label=hs.sampled_from(CLASSES),
)  # fmt: skip
@example(paths=["a", "b"], cut=53 / 77, form=0, label="cat")  # the cut is behind a newline within a cell
def test_an_interrupted_file_is_continued_to_the_same_content(
    tmp_path_factory: pytest.TempPathFactory, paths: list[str], cut: float, form: int, label: str
) -> None:
    model = model_of(*CLASSES)
    results = [
        Prediction(path, label, 0.5, False) if number % 3 else UnreadableFile(path, "It cannot\nbe read.")
        for number, path in enumerate(os.fsdecode(os.fsencode(p.encode("utf-8", "replace"))) for p in paths)
    ]
    found = {r.path if isinstance(r, Prediction) else r.file: r for r in results}

    def write(path: Path, resume: bool) -> None:
        options: list[str | None] = [None, None]
        options[form] = str(path)
        with open_prediction_file(model, options[0], options[1], resume=resume, top=0, all_classes=False) as file:
            assert file is not None
            files = file.remaining(UnreadableFile(name, "") for name in found)
            list(file.write(found[item.file if isinstance(item, UnreadableFile) else str(item)] for item in files))

    folder = tmp_path_factory.mktemp("files")
    write(folder / "whole", resume=False)
    whole = (folder / "whole").read_bytes()
    (folder / "cut").write_bytes(whole[: round(cut * len(whole))])
    write(folder / "cut", resume=True)
    assert (folder / "cut").read_bytes() == whole
    shutil.rmtree(folder)


@pytest.mark.parametrize("form", [0, 1])
def test_files_are_written_for_readers(tmp_path: Path, form: int) -> None:
    options: list[str | None] = [None, None]
    options[form] = str(tmp_path / "out")
    results: list[Prediction | UnreadableFile] = [
        Prediction("'고양이'.png", "고양이", 0.5, False),
        UnreadableFile("=1.png", "'1.png' cannot be read."),
    ]
    with open_prediction_file(model_of("고양이", "개"), *options, resume=False, top=0, all_classes=False) as file:
        assert file is not None
        list(file.write(results))
    assert (tmp_path / "out").read_text("utf-8") == (
        '{"file": "\'고양이\'.png", "label": "고양이", "probability": 0.5, "unknown": false}\n'
        '{"file": "=1.png", "error": "\'1.png\' cannot be read."}\n'
        if form
        else "file,label,probability,unknown,error\n'고양이'.png,고양이,0.5,no,\n'=1.png,,,,'1.png' cannot be read.\n"
    )


def test_each_row_is_in_the_file_before_the_next_image_is_moved(tmp_path: Path) -> None:
    """A killed process does not lose the row of an image that is no longer where the command looks for it."""
    path = tmp_path / "out.csv"
    with open_prediction_file(model_of("cat"), str(path), None, resume=False, top=0, all_classes=False) as file:
        assert file is not None
        for _ in file.write(Prediction(f"{number}.png", "cat", 0.5, False) for number in range(3)):
            rows = rows_of(path)
    assert [row["file"] for row in rows] == ["0.png", "1.png", "2.png"]


def test_a_file_is_not_continued_with_other_columns(tmp_path: Path) -> None:
    path = str(tmp_path / "out.csv")
    with open_prediction_file(model_of("cat", "dog"), path, None, resume=False, top=0, all_classes=False):
        pass
    with pytest.raises(UsageError, match="has other columns"):
        open_prediction_file(model_of("cat", "dog"), path, None, resume=True, top=2, all_classes=False)


def test_a_file_that_is_being_written_is_not_continued(tmp_path: Path) -> None:
    path = str(tmp_path / "out.csv")

    def opened(resume: bool) -> AbstractContextManager[PredictionFile | None]:
        return open_prediction_file(model_of("cat"), path, None, resume=resume, top=0, all_classes=False)

    with opened(False):
        before = Path(path).read_bytes()
        with pytest.raises(RunError, match="Another process is writing"):
            opened(True)
        assert Path(path).read_bytes() == before
    with opened(True):
        pass


def test_json_lines_of_an_earlier_version_are_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text('{"path": "a.png", "label": "cat"}\n', "utf-8")
    with pytest.raises(UsageError, match=r"begun by an earlier version of Striate, .* Choose another name"):
        open_prediction_file(model_of("cat", "dog"), None, str(path), resume=True, top=0, all_classes=False)


def test_a_full_disk_leaves_a_file_that_can_be_continued(tmp_path: Path) -> None:
    def fill_up(row: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "out.csv"
    with open_prediction_file(model_of("cat"), str(path), None, resume=False, top=0, all_classes=False) as file:
        assert file is not None
        file._write(b"a.jpg,cat,0.5,no,\n".decode())
        file._file = SimpleNamespace(write=fill_up, close=file._file.close)  # type: ignore[assignment]
        with pytest.raises(RunError, match=r"The disk is full: .* repeat the command with --resume"):
            list(file.write([Prediction("b.jpg", "cat", 0.5, False)]))
    with open_prediction_file(model_of("cat"), str(path), None, resume=True, top=0, all_classes=False) as file:
        assert file is not None
        assert list(file.remaining([Path("a.jpg"), Path("b.jpg")])) == [Path("b.jpg")]


@pytest.mark.parametrize("move", [False, True])
def test_a_full_disk_while_sorting_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, move: bool) -> None:
    (tmp_path / "a.png").write_bytes(b"image")
    (tmp_path / "cat").mkdir()

    def fill_up(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:2])
        raise OSError(errno.ENOSPC, "No space left on device")

    def other_file_system(self: Path, target: Path) -> Path:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(shutil, "copy2", fill_up)
    monkeypatch.setattr(Path, "replace", other_file_system)
    with pytest.raises(OSError, match="No space left"):
        place_file(tmp_path / "a.png", tmp_path / "cat", move=move)
    assert list((tmp_path / "cat").iterdir()) == []
    assert (tmp_path / "a.png").read_bytes() == b"image"


@given(hs.lists(names, max_size=6, unique=True))
def test_every_class_has_a_folder_of_its_own(classes: list[str]) -> None:
    folders = folder_names(classes)
    assert list(folders) == classes
    assert len({folder.casefold() for folder in folders.values()} | {UNKNOWN}) == len(classes) + 1
    for folder in folders.values():
        assert Path(folder).parts == (folder,)
        assert not set(folder) & set('<>:"/\\|?*')
        assert folder not in {".", ".."}
        assert len(folder.encode()) <= 255


def test_names_are_read_as_they_arrive() -> None:
    read, write = os.pipe()
    with os.fdopen(read, "rb") as stream, os.fdopen(write, "wb", buffering=0) as source:
        arriving = read_names(stream)
        source.write(b"first.jpg\n")
        assert next(arriving) == "first.jpg"


def test_files_are_found_while_others_are_predicted(trained: tuple[Path, Finished], digits: Path) -> None:
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield str(digits / "2.png")

    results = predict_files(open_trained_model(trained[0]), walk_files(endless()))
    for _ in range(100):
        next(results)
    assert taken < 1000
    results.close()  # type: ignore[attr-defined]
