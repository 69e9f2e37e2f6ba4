"""Folders of images on the command line: `striate data scan`, parts, image sizes, damaged files, a full disk."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import striate as st
from striate.data import MappedArray
from striate.errors import DataError
from striate.images import ImagePolicy, encode_png
from striate.workflows.plan import TrainingPlan, make_plan
from striate.workflows.prepare import load_for
from striate.workflows.scan import scan_folder

from .conftest import Cli


@pytest.fixture
def messy_folder(photographs: Path, tmp_path: Path) -> Path:
    """Photographs with every problem that a folder can have."""
    folder = shutil.copytree(photographs, tmp_path / "messy")
    for number in range(12):
        (folder / "빨강" / f"broken {number}.jpg").write_bytes(b"\xff\xd8 no more")
    shutil.copy(folder / "빨강/그림 1.png", folder / "빨강/그림 1 (copy).png")
    shutil.copy(folder / "빨강/그림 2.png", folder / "파랑/그림 2 of red.png")
    (folder / "empty").mkdir()
    (folder / "readme.txt").write_text("mine", "utf-8")
    return folder


def test_scan_prints_the_contents_and_advice(cli: Cli, messy_folder: Path) -> None:
    result = cli("data", "scan", messy_folder)
    assert result.returncode == 0
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"{messy_folder}: 82 images in 2 classes, 0.1 MB")
    assert lines[1] == "formats  PNG 82"
    assert lines[2] == "sizes    smallest 24×20, median 24×20, largest 24×20"
    assert [line.split() for line in lines[4:7]] == [["class", "images"], ["빨강", "41"], ["파랑", "41"]]
    assert sum(line.startswith("Left out: '빨강/") for line in lines) == 10
    assert "… and 3 more; --json lists all" in lines
    assert "Identical files in more than one class: '빨강/그림 2.png', '파랑/그림 2 of red.png'" in lines
    assert "Identical files: '빨강/그림 1 (copy).png', '빨강/그림 1.png'" in lines
    assert "Left out: the folder 'empty', which contains no images." in lines
    assert "Left out: 1 file outside the class folders; the first is 'readme.txt'." in lines
    assert lines[-2].startswith("Some images are in more than one class, so their labels contradict each other.")
    assert lines[-1] == "13 of 95 files cannot be read. Replace them with undamaged files."


def test_scan_as_json(cli: Cli, messy_folder: Path) -> None:
    found = json.loads(cli("data", "scan", messy_folder, "--json").stdout)
    assert found["images"] == 82
    assert found["bytes"] == sum(file.stat().st_size for file in messy_folder.rglob("*.png"))
    assert found["formats"] == {"PNG": 82}
    assert found["sizes"]["median"] == [24, 20]
    assert found["size_counts"] == [[24, 20, sum(found["formats"].values())]]
    assert found["classes"] == {"빨강": [41], "파랑": [41]}
    assert len(found["unreadable"]) == 13
    assert {item["file"] for item in found["unreadable"]} >= {f"빨강/broken {number}.jpg" for number in range(12)}
    assert all(item["reason"].startswith(f"'{item['file']}' cannot be read") for item in found["unreadable"])
    assert found["copies"] == [["빨강/그림 1 (copy).png", "빨강/그림 1.png"]]
    assert found["conflicts"] == [["빨강/그림 2.png", "파랑/그림 2 of red.png"]]
    assert found["advice"].startswith("Some images are in more than one class")


def test_scanning_a_folder_without_classes_gives_the_error_of_training(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "one/cat").mkdir(parents=True)
    result = cli("data", "scan", "one")
    assert result.returncode == 1
    assert "should contain at least two subfolders of images, one for each class" in result.stderr
    assert cli("data", "scan", "nothing").stderr == "Error: There is no file or folder 'nothing'.\n"


def write_images(folder: Path, count: int, first: int, size: int = 9) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(first)
    for number in range(count):
        (folder / f"{number}.png").write_bytes(encode_png(rng.integers(0, 256, (size, size, 3), dtype=np.uint8)))


def test_scan_counts_parts_and_finds_leaks_between_them(tmp_path: Path) -> None:
    for first, part in enumerate(("train", "val", "test")):
        for label in ("a", "b"):
            write_images(tmp_path / part / label, 30, 10 * first + (label == "b"))
    shutil.copy(tmp_path / "test/a/0.png", tmp_path / "train/a/leak.png")
    found = scan_folder(tmp_path)
    assert found.parts == ("training", "validation", "test")
    assert found.classes == {"a": (31, 30, 30), "b": (30, 30, 30)}
    assert found.notes == (
        "1 image is in more than one of training, validation and test, so the test accuracy may be too high; an "
        "example is 'test/a/0.png'.",
    )
    assert found.advice == f"No other problems found. To train: striate train {tmp_path}"


def test_advised_class_weights_keep_the_method(tmp_path: Path) -> None:
    """They used to need another method, which would train another network from scratch."""
    write_images(tmp_path / "photos" / "many", 40, 0)
    write_images(tmp_path / "photos" / "rare", 6, 1)
    plan = make_plan(str(tmp_path / "photos"), sets={"class_weights": "true"})
    assert plan.method == make_plan(str(tmp_path / "photos")).method == "features"
    assert plan.recipe.class_weights


@pytest.mark.parametrize(
    ("counts", "broken", "advice"),
    [
        ((30, 30), 5, "5 of 65 files cannot be read"),
        ((30, 9), 0, "Class 'b' has 9 images, too few"),
        ((30, 1), 0, "Class 'b' has 1 image, too few"),
        (
            (100, 30),
            0,
            "Class 'a' has 3.3 times as many images as 'b'. If all classes matter equally, train with --set",
        ),
        ((36, 20), 0, "Class 'a' has 1.8 times as many images as 'b'."),
        ((30, 30), 1, "No other problems found. To train: striate train "),
        ((7, 9), 0, "2 classes have too few images to train and test on: 'a' (7), 'b' (9). Add more."),
    ],
)
def test_advice_is_about_the_most_serious_problem(
    tmp_path: Path, counts: tuple[int, int], broken: int, advice: str
) -> None:
    for first, (label, count) in enumerate(zip("ab", counts, strict=True)):
        write_images(tmp_path / label, count, first)
    for number in range(broken):
        (tmp_path / "a" / f"{number}.jpg").write_bytes(b"broken")
    assert scan_folder(tmp_path).advice.startswith(advice)


def test_scan_names_classes_without_training_images_and_prints_kilobytes(cli: Cli, tmp_path: Path) -> None:
    for part in ("train/a", "train/b", "test/a", "test/c", "val/d"):
        write_images(tmp_path / "p" / part, 30, len(part))
    lines = cli("data", "scan", "p").stdout.splitlines()
    assert re.fullmatch(r"p: 150 images in 4 classes, \d\d\.\d kB", lines[0])
    assert lines[-2] == "There are no training images of 'c', 'd', so the network cannot learn them. Add some."


def test_scanning_only_damaged_files_exits_1(tmp_path: Path) -> None:
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.jpg").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"None of the 2 images in .* can be read\. 'a/1\.jpg' cannot be read"):
        scan_folder(tmp_path)


@pytest.mark.parametrize(
    ("model", "settings", "shape"),
    [
        ("alexnet", {}, (227, 227, 3)),
        ("googlenet", {}, (224, 224, 3)),
        ("tutorial-cnn", {}, (64, 64, 3)),
        ("lenet5", {}, (64, 64, 3)),
        ("resnet18", {"input_shape": (40, 56, 3)}, (40, 56, 3)),
    ],
)
def test_images_have_the_input_size_of_the_model(
    photographs: Path, model: str, settings: dict[str, object], shape: tuple[int, int, int]
) -> None:
    plan = make_plan(str(photographs), model)
    assert load_for(TrainingPlan(plan.data, model, plan.recipe, settings=settings)).shape == shape


def test_image_policy_is_saved_with_the_model(cli: Cli, photographs: Path, tmp_path: Path) -> None:
    small = ("--set", "input_shape=[8,8,3]", "--epochs", "1", "--model", "tutorial-cnn", "--batch-size", "20")
    result = cli("train", photographs, *small, "--fit", "pad", "--out", "run")
    assert result.returncode == 0, result.stderr
    policy = st.load(tmp_path / "run/model.safetensors").policy
    assert policy == ImagePolicy(8, 8, 3, "pad")
    evaluated = cli("evaluate", "run")
    assert evaluated.returncode == 0
    assert "have changed since the model was trained" not in evaluated.stderr
    assert cli("train", "--resume", "run", "--epochs", "2", "--quiet").returncode == 0
    assert st.load(tmp_path / "run/model.safetensors").policy == policy


def test_existing_parts_are_kept(cli: Cli, tmp_path: Path) -> None:
    for first, part in enumerate(("Train", "valid", "TEST")):
        for label in ("고양이", "강아지 🐶"):
            write_images(tmp_path / "photos" / part / label, 12, 10 * first + len(label))
    result = cli("train", "photos", "--model", "tutorial-cnn", "--set", "input_shape=[8,8,3]", "--epochs", "1")
    assert result.returncode == 0, result.stderr
    assert "2 classes, 8×8×3; 24 training, 24 validation and 24 test images" in result.stdout
    metrics = json.loads((tmp_path / "runs/photos-tutorial-cnn/metrics.json").read_text("utf-8"))
    assert metrics["images"] == 24
    assert all(error["path"].startswith("TEST/") for error in metrics["errors"])


def test_left_out_files_are_in_the_report_and_a_long_list_is_collapsed(
    cli: Cli, messy_folder: Path, tmp_path: Path
) -> None:
    small = ("--set", "input_shape=[8,8,3]", "--epochs", "1", "--model", "tutorial-cnn")
    result = cli("train", messy_folder, *small, "--out", "run")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("note    ") == 11
    assert "more; all are in the report" in result.stdout
    page = (tmp_path / "run/report.html").read_text("utf-8")
    before, folded = page.split("<details>", 1)
    assert before.count("<li>") <= 10
    assert "broken 11.jpg&#39; cannot be read" in before + folded.split("</details>")[0]
    evaluated = cli("evaluate", "run")
    assert evaluated.stderr.count("Note: ") == 11


def test_without_disk_space_pixels_are_kept_in_memory_with_a_note(cli: Cli, photographs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    small = ("--set", "input_shape=[8,8,3]", "--epochs", "1", "--model", "tutorial-cnn")
    result = cli("train", photographs, *small, env={"STRIATE_CACHE": str(tmp_path / "file")})
    assert result.returncode == 0, result.stderr
    assert "The pixels are held in memory this time. The pixels of the images cannot be cached in" in result.stdout


def test_model_trains_and_predicts_on_memory_mapped_pixels(photographs: Path) -> None:
    data = st.data.load(photographs, size=8)
    assert isinstance(data.train.x, MappedArray)
    model = st.Sequential([st.Input((8, 8, 3)), st.layers.Flatten(), st.layers.Dense(2, activation="softmax")])
    model.compile("adam")
    history = model.fit(data.train.x, data.train.y, validation_split=0.2, verbose=0)
    assert set(history.history) >= {"loss", "val_loss"}
    assert np.array_equal(model.predict(data.test.x), model.predict(data.test.x[:]))
    assert model.evaluate(data.test.x, data.test.y)["loss"] > 0
