"""CSV files of labels on the command line: data scan, train, evaluate and predict, for each task."""

import json
from pathlib import Path

import numpy as np
import pytest

import striate as st
from striate.images import encode_png

from .conftest import Cli, Finished

SMALL = ("--method", "scratch", "--model", "simple-convnet", "--set", "input_shape=[16,16,3]", "--batch-size", "16")


@pytest.fixture(scope="session")
def colors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 120 images, which are red, blue, both or neither by known amounts, beside CSV files of labels."""
    folder = tmp_path_factory.mktemp("colors")
    (folder / "images").mkdir()
    rng = np.random.default_rng(0)
    lines: dict[str, list[str]] = {"classes": [], "labels": [], "numbers": []}
    for number in range(120):
        red, blue = rng.random() < 0.5, rng.random() < 0.4
        amount = int(rng.integers(0, 100))
        pixels = rng.integers(0, 60, (16, 18, 3)).astype(np.uint8)
        pixels[:8, :, 0] += 150 * np.uint8(red)
        pixels[8:, :, 2] += 150 * np.uint8(blue)
        pixels[:, :, 1] += np.uint8(amount)
        (folder / "images" / f"{number}.png").write_bytes(encode_png(pixels))
        lines["classes"].append(f"{number}.png,{'빨강' if red else '=검정'}")
        lines["labels"].append(f"{number}.png,{';'.join(['red'] * red + ['blue'] * blue)}")
        lines["numbers"].append(f"{number}.png,{amount / 10}")
    for name, rows in lines.items():
        (folder / f"{name}.csv").write_text("\n".join([f"file,{name}", *rows]), "utf-8")
    return folder


def test_classes_from_scan_to_evaluation(colors: Path, cli: Cli, tmp_path: Path) -> None:
    labels = ("--labels", colors / "classes.csv")
    scanned = json.loads(cli("data", "scan", colors / "images", *labels, "--json").stdout)
    assert sum(sum(counts) for counts in scanned["classes"].values()) == 120
    assert set(scanned["classes"]) == {"빨강", "=검정"}
    trained = cli("train", colors / "images", *labels, *SMALL, "--epochs", "8", "--out", "run")
    assert trained.returncode == 0, trained.stderr
    assert "2 classes" in trained.stdout
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text("utf-8"))
    assert metrics["accuracy"]["value"] > 0.9
    assert json.loads(cli("evaluate", "run", "--json").stdout) == metrics
    header, *rows = (colors / "classes.csv").read_text("utf-8").splitlines()
    other = tmp_path / "other.csv"  # in another order, encoding and separator
    text = "\n".join([header, *reversed(rows)]).replace(",", "\t")
    other.write_text(text, "cp949")
    again = cli("evaluate", "run", colors / "images", "--labels", other, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["accuracy"] == metrics["accuracy"]
    resumed = cli("train", "--resume", "run", "--epochs", "9")
    assert resumed.returncode == 0, resumed.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--labels", "no.csv"), "no.csv"),
        (("--task", "regression"), "needs a CSV file"),
        (("--labels", "{colors}/classes.csv", "--label-column", "x"), "no column 'x'"),
        (
            ("--labels", "{colors}/labels.csv"),
            "such as 'red;blue', and 'red' occurs in other cells too. To predict "
            "several labels for each image, use --task multilabel.",
        ),
    ],
)
def test_wrong_options_end_in_one_message(colors: Path, cli: Cli, options: tuple[str, ...], message: str) -> None:
    result = cli("train", colors / "images", *(option.format(colors=colors) for option in options))
    assert result.returncode in (1, 2)
    assert message in result.stderr


def train(cli: Cli, colors: Path, table: str, task: str, method: str, epochs: int) -> Finished:
    """Train into the folder "run" by one method, on the labels of a table."""
    options = ("--set", "input_shape=[32,32,3]") if method == "features" else (*SMALL[2:], "--epochs", str(epochs))
    labels = ("--labels", colors / f"{table}.csv", "--task", task)
    trained = cli("train", colors / "images", *labels, "--method", method, *options, "--out", "run")
    assert trained.returncode == 0, trained.stderr
    return trained


@pytest.mark.parametrize("method", ["features", "scratch"])
def test_labels_from_training_to_export(colors: Path, cli: Cli, tmp_path: Path, method: str) -> None:
    trained = train(cli, colors, "labels", "multilabel", method, epochs=12)
    assert "2 labels" in trained.stdout
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text("utf-8"))
    assert metrics["mean_average_precision"]["value"] > 0.9
    assert "mAP" in trained.stdout
    assert "mAP" in (tmp_path / "run" / "report.html").read_text("utf-8")
    assert json.loads(cli("evaluate", "run", "--json").stdout)["exact_match"] == metrics["exact_match"]
    lines = (colors / "labels.csv").read_text("utf-8").splitlines()[1:21]
    files = [colors / "images" / line.partition(",")[0] for line in lines]
    predicted = json.loads(cli("predict", "run", *files, "--json").stdout)
    right = [set(p["labels"]) == set(filter(None, line.partition(",")[2].split(";")))
             for p, line in zip(predicted, lines, strict=True)]  # fmt: skip
    assert sum(right) >= 17
    assert set(predicted[0]["probabilities"]) == {"blue", "red"}
    by_label = {name: sum(name in p["labels"] for p in predicted) for name in ("red", "blue")}
    summary = cli("predict", "run", *files, "--csv", "out.csv").stdout.partition("\n")[0]
    assert summary.startswith("20 images; by label: ")
    assert all(f" {name} {count}" in summary for name, count in by_label.items())
    exported = cli("export", "run", "--to", "model.onnx")
    assert exported.returncode == 0, exported.stderr
    again = json.loads(cli("predict", "model.onnx", *files, "--json").stdout)
    assert [p["labels"] for p in again] == [p["labels"] for p in predicted]
    thresholds = st.load(tmp_path / "run").decision.thresholds
    assert thresholds == st.load(tmp_path / "model.onnx").decision.thresholds
    assert len(thresholds) == 2


@pytest.mark.parametrize("method", ["features", "scratch"])
def test_numbers_from_training_to_export(colors: Path, cli: Cli, tmp_path: Path, method: str) -> None:
    trained = train(cli, colors, "numbers", "regression", method, epochs=20)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text("utf-8"))
    (number,) = metrics["targets"]
    assert number["name"] == "numbers"
    assert number["r2"]["value"] > 0.6
    assert number["half_width"] > 0
    assert "mean absolute error" in trained.stdout
    (again,) = json.loads(cli("evaluate", "run", "--json").stdout)["targets"]
    assert again["mae"]["value"] == pytest.approx(number["mae"]["value"], rel=1e-4)
    files = [colors / "images" / f"{n}.png" for n in range(20)]
    predicted = json.loads(cli("predict", "run", *files, "--json").stdout)
    true = [float(line.split(",")[1]) for line in (colors / "numbers.csv").read_text("utf-8").splitlines()[1:21]]
    inside = [low <= y <= high for y, p in zip(true, predicted, strict=True) for low, high in p["intervals"].values()]
    assert sum(inside) >= 10  # half the width was chosen on a dozen images
    assert "90 % interval" in cli("predict", "run", files[0]).stdout
    exported = cli("export", "run", "--to", "model.onnx")
    assert exported.returncode == 0, exported.stderr
    of_file = json.loads(cli("predict", "model.onnx", *files, "--json").stdout)
    for one, two in zip(predicted, of_file, strict=True):
        assert two["values"]["numbers"] == pytest.approx(one["values"]["numbers"], abs=1e-3)
    assert cli("evaluate", "run", colors / "images", "--labels", colors / "numbers.csv").returncode == 0
    elsewhere = cli("evaluate", "model.onnx", colors / "images")
    assert elsewhere.returncode == 2
    assert "give the labels with --labels" in elsewhere.stderr


@pytest.mark.parametrize(("name", "task"), [("labels", "multilabel"), ("numbers", "regression")])
def test_fine_tuning_for_each_task(colors: Path, cli: Cli, tmp_path: Path, name: str, task: str) -> None:
    labels = ("--labels", colors / f"{name}.csv", "--task", task)
    options = ("--method", "fine-tune", "--epochs", "1", "--set", "input_shape=[32,32,3]", "--out", "run")
    trained = cli("train", colors / "images", *labels, *options)
    assert trained.returncode == 0, trained.stderr
    record = json.loads((tmp_path / "run" / "config.json").read_text("utf-8"))["fine_tuning"]
    assert set(record["scores"]) == {"start", "all layers"}
    assert record["scores"]["start"]["loss"] < 1  # neither in other units nor untrained
    assert record["scores"]["all layers"]["loss"] < 2
    assert record["test_kept"] > 0.5
    assert np.isfinite(st.load(tmp_path / "run").predict(np.zeros((1, 32, 32, 3), np.uint8))).all()


def test_class_weights_are_refused_for_numbers(colors: Path, cli: Cli) -> None:
    options = ("--task", "regression", "--method", "scratch", "--set", "class_weights=true")
    result = cli("train", colors / "images", "--labels", colors / "numbers.csv", *options)
    assert result.returncode == 2
    assert "classification" in result.stderr
