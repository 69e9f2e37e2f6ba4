"""The commands `striate evaluate` and `striate predict`."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import striate as st
from striate.images import encode_png

from .conftest import Cli, Finished

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def photographed(digit: Pixels) -> Pixels:
    """Draw a digit (28, 28, 1) as in a photograph: dark ink, five times as large, off center on light gray paper."""
    large = np.kron(digit[:, :, 0], np.ones((5, 5), np.uint8))
    paper = np.full((220, 260), 215, np.uint8)
    ink = paper[60:200, 90:230]
    ink[:] = 215 - (large.astype(np.uint16) * 180 // 255).astype(np.uint8)
    return np.repeat(paper[:, :, None], 3, axis=2)


def some_of_each_class() -> st.data.Images:
    """Return 53 test digits; in the file they are sorted by class."""
    test = st.data.load("mnist5k").test
    return test.take(np.arange(0, len(test), 10))


def test_evaluate_prints_the_metrics_of_training(cli: Cli, trained: tuple[Path, Finished]) -> None:
    run, training = trained
    metrics = json.loads((run / "metrics.json").read_text("utf-8"))
    assert json.loads(cli("evaluate", run, "--json").stdout) == metrics
    shown = cli("evaluate", run, "mnist5k").stdout
    line = next(line for line in training.stdout.splitlines() if line.startswith("test accuracy"))
    assert f"mnist5k: {line.partition(', after')[0]}" in shown
    assert shown.count("%") > 30
    pair = metrics["confusion"]["pairs"][0]
    assert f"of '{pair['true']}' were predicted as '{pair['predicted']}' ({pair['count']})" in shown


def test_model_file_needs_the_name_of_the_data(cli: Cli, trained: tuple[Path, Finished], tmp_path: Path) -> None:
    shutil.copy(trained[0] / "model.safetensors", tmp_path / "m.safetensors")
    without = cli("evaluate", "m.safetensors")
    assert without.returncode == 2
    assert "Pass a data set or a folder of images to evaluate on." in without.stderr
    figures = json.loads(cli("evaluate", "m.safetensors", "mnist5k", "--json").stdout)
    assert figures["correct"] == json.loads((trained[0] / "metrics.json").read_text("utf-8"))["correct"]


def test_evaluating_on_unknown_classes_raises(cli: Cli, trained: tuple[Path, Finished], photographs: Path) -> None:
    result = cli("evaluate", trained[0], photographs)
    assert result.returncode == 1
    assert "'우리 사진' has the class '빨강', which the model does not know." in result.stderr
    assert "The classes of the model are: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9." in result.stderr


def test_evaluate_notes_that_images_were_resized(cli: Cli, trained: tuple[Path, Finished]) -> None:
    result = cli("evaluate", trained[0], "scattered", "--json")
    assert result.stderr == "Note: The images are 56×56×1; they were resized to the model's 28×28×1.\n"
    assert json.loads(result.stdout)["images"] > 400


def test_evaluate_prepares_images_of_a_folder_as_the_model_requires(
    cli: Cli, trained: tuple[Path, Finished], tmp_path: Path
) -> None:
    test = some_of_each_class()
    for number in range(len(test)):
        file = tmp_path / "written" / str(test.y[number]) / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encode_png(photographed(test.x[number])))
    figures = json.loads(cli("evaluate", trained[0], "written", "--json").stdout)
    assert figures["images"] == len(test)
    assert figures["correct"] >= 0.7 * figures["images"]
    single = json.loads(cli("evaluate", trained[0], "written/7", "--json").stdout)
    assert single["images"] == (test.y == 7).sum()


def test_predict_recognizes_photographed_digits(cli: Cli, trained: tuple[Path, Finished], tmp_path: Path) -> None:
    test = some_of_each_class()
    (tmp_path / "숫자").mkdir()
    for number in range(len(test)):
        (tmp_path / "숫자" / f"{number:02}.png").write_bytes(encode_png(photographed(test.x[number])))
    result = cli("predict", trained[0], "숫자", "숫자/03.png", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    answers = json.loads(result.stdout)
    assert [set(answer) for answer in answers] == [{"file", "label", "probability", "unknown"}] * len(test)
    assert answers[3]["file"] == str(Path("숫자") / "03.png")
    assert sum(answer["label"] == str(label) for answer, label in zip(answers, test.y, strict=True)) >= 40
    assert all(0.1 <= answer["probability"] <= 1 for answer in answers)


def test_predict_marks_images_of_other_things_unknown(cli: Cli, trained: tuple[Path, Finished], tmp_path: Path) -> None:
    """A network trained from scratch knows its images by its own features."""
    test, rng = st.data.load("mnist5k").test, np.random.default_rng(0)
    for number in range(50):
        columns = np.arange(28) < 14
        halves = np.where(columns[:, None, None], test.x[number], test.x[number, :, ::-1])  # the upper half mirrored
        noise = rng.integers(0, 256, (28, 28), dtype=np.uint8)
        for folder, pixels in (("digits", test.x[number]), ("halves", halves), ("noise", noise)):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{number}.png").write_bytes(encode_png(np.squeeze(pixels)))
    unknown = {
        folder: np.mean(
            [answer["unknown"] for answer in json.loads(cli("predict", trained[0], folder, "--json").stdout)]
        )
        for folder in ("digits", "halves", "noise")
    }
    assert unknown["digits"] <= 0.06
    assert unknown["noise"] == 1
    assert unknown["halves"] > unknown["digits"]


def test_models_with_a_detector_of_an_earlier_version_load_with_a_note(
    cli: Cli, trained: tuple[Path, Finished], tmp_path: Path
) -> None:
    model = st.load(trained[0] / "model.safetensors")
    sizes = {"mean": (84,), "deviation": (84,), "directions": (84, 16), "spreads": (16,), "rest": (), "limit": ()}
    model.extras = {f"unknown:{name}": np.ones(size, np.float32) for name, size in sizes.items()}
    model.extras["unknown:centres"] = np.zeros((10, 84), np.float32)
    model.save(tmp_path / "old.safetensors")
    (tmp_path / "digit.png").write_bytes(encode_png(st.data.load("mnist5k").test.x[0, ..., 0]))
    result = cli("predict", tmp_path / "old.safetensors", "digit.png")
    assert result.returncode == 0
    assert "detector of unknown images is from an earlier version of Striate and is not used" in result.stderr
    assert "Train the model again" in result.stderr


def test_predict_reports_files_that_cannot_be_read(cli: Cli, trained: tuple[Path, Finished], tmp_path: Path) -> None:
    digit = st.data.load("mnist5k").test
    (tmp_path / "good.png").write_bytes(encode_png(digit.x[0]))
    (tmp_path / "bad.png").write_bytes(b"nothing")
    result = cli("predict", trained[0], "bad.png", "good.png", "missing.png", "--json")
    assert result.returncode == 1
    bad, good, missing = json.loads(result.stdout)
    assert (bad["file"], good["file"], missing["file"]) == ("bad.png", "good.png", "missing.png")
    assert "error" not in good and bad.keys() == missing.keys() == {"file", "error"}
    assert "Skipped: 'bad.png' cannot be read" in result.stderr
    assert "Skipped: There is no file or folder 'missing.png'." in result.stderr
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/a.txt").write_text("no image", "utf-8")
    nothing = cli("predict", trained[0], "letters")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert nothing.stderr.startswith("Skipped: The folder 'letters' contains no images: no files that end in")
    (tmp_path / "letters/b.jxl").write_bytes(b"\xff\x0a\xff\xff")
    (tmp_path / "letters/photo.HEIC").write_bytes(encode_png(digit.x[0]))
    some = cli("predict", trained[0], "letters", "--json")
    assert (some.returncode, len(json.loads(some.stdout))) == (1, 2)
    assert some.stderr == ("Skipped: 'letters/b.jxl' has a format that Striate does not read. Save it as JPEG first.\n")
    address = cli("predict", trained[0], "https://example.org/x.png")
    assert address.stderr.startswith("Skipped: 'https://example.org/x.png' is a web address. Download it first")
    pattern = cli("predict", trained[0], "*.png")
    assert pattern.returncode == 1
    assert "'*.png' is a pattern that your shell did not expand. It matches 2 files" in pattern.stderr
    table = cli("predict", trained[0], "good.png").stdout.splitlines()
    assert table[0].split() == ["image", "predicted", "class", "probability", "remarks"]
    assert table[1].startswith("good.png")


def test_predictions_below_the_threshold_are_marked_unknown(cli: Cli, tmp_path: Path) -> None:
    model = st.zoo.build("mnist-quick")
    model.classes, model.policy = tuple("0123456789"), st.data.load("mnist5k").policy
    for name, threshold in (("never", 1.1), ("always", 0.0)):
        model.figures = {"unknown_threshold": threshold}
        model.save(tmp_path / f"{name}.safetensors")
    (tmp_path / "x.png").write_bytes(encode_png(np.zeros((28, 28, 1), np.uint8)))
    assert cli("predict", "never.safetensors", "x.png").stdout.splitlines()[1].endswith("unknown")
    assert cli("predict", "always.safetensors", "x.png").stdout.splitlines()[1].endswith("%")


def test_predict_needs_an_image_policy(cli: Cli, tmp_path: Path) -> None:
    model = st.zoo.build("mnist-quick")
    model.classes = tuple("0123456789")
    model.save(tmp_path / "bare.safetensors")
    (tmp_path / "x.png").write_bytes(encode_png(np.zeros((28, 28, 1), np.uint8)))
    result = cli("predict", "bare.safetensors", "x.png")
    assert result.returncode == 1
    assert "does not record how images become its input" in result.stderr


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_model_without_class_names_raises(cli: Cli, tmp_path: Path, command: str) -> None:
    st.zoo.build("mnist-quick").save(tmp_path / "nameless.safetensors")
    result = cli(command, "nameless.safetensors", "mnist5k")
    assert result.returncode == 1
    assert "has no class names" in result.stderr


def test_class_names_must_match_the_number_of_outputs(cli: Cli, tmp_path: Path) -> None:
    model = st.zoo.build("mnist-quick")
    model.classes, model.policy = ("cat", "dog"), st.data.load("mnist5k").policy
    model.save(tmp_path / "two.safetensors")
    result = cli("predict", "two.safetensors", "x.png")
    assert result.returncode == 1
    assert "two.safetensors' has 2 class names, but 10 outputs. Set model.classes" in result.stderr
