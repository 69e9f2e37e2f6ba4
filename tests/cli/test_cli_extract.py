"""A folder of images becomes a classifier on a pretrained base, from training to predictions."""

import copy
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import striate as st
from striate.engines.onnxruntime import open_session
from striate.images import encode_png
from striate.processes import processor
from striate.workflows.export import collect_images
from striate.workflows.open_explorer import open_explorer
from striate.workflows.predictions import read_predictions
from striate.workflows.trained_model import open_trained_model

from .conftest import Cli, Finished, run

SMALL = ("--set", "input_shape=[64,64,3]")
Trained = tuple[Path, Path, Finished]


def write_shapes(folder: Path, count: int, seed: int, stripes: bool) -> None:
    """Write images of stripes or of discs in random colors."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64]
    for number in range(count):
        phase, pitch = rng.uniform(0, 6), rng.uniform(6, 14)
        near = np.hypot(x - rng.uniform(20, 44), y - rng.uniform(20, 44)) < rng.uniform(10, 20)
        shape = np.sin(x / pitch * 6 + phase) > 0 if stripes else near
        ink, paper = rng.integers(0, 256, (2, 3))
        pixels = np.where(shape[..., None], ink, paper) + rng.integers(-9, 10, (64, 64, 3))
        (folder / f"그림 {number}.png").write_bytes(encode_png(pixels.clip(0, 255).astype(np.uint8)))


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The images, a finished run on them, and its printed output. Tests must not change them."""
    place = tmp_path_factory.mktemp("extract")
    write_shapes(place / "images" / "줄무늬", 45, 0, stripes=True)
    write_shapes(place / "images" / "discs", 45, 1, stripes=False)
    return place / "images", place / "runs/images", run("train", place / "images", *SMALL, cwd=place)


def test_training_prints_its_method_and_reason(finished_run: Trained) -> None:
    _, path, result = finished_run
    assert result.returncode == 0, result.stderr
    assert "because a linear classifier on the features of a network trained on a million photographs" in result.stdout
    assert "Features: efficientnet-lite0, pretrained on ImageNet, frozen" in result.stdout
    assert "cross-validation accuracy" in result.stdout
    assert "90 images, tested by 5-fold cross-validation, then all used for training" in result.stdout
    assert "accuracy in 5-fold cross-validation" in result.stdout
    config = json.loads((path / "config.json").read_text("utf-8"))
    assert config["plan"]["method"] == "features"
    assert config["plan"]["model"] == "efficientnet-lite0"
    assert config["plan"]["because"].startswith("a linear classifier")
    assert config["extraction"]["cross_validated"]["accuracy"] > 0.9
    report = (path / "report.html").read_text("utf-8")
    assert "Out-of-distribution images (“unknown”)" in report
    assert "학습 분포 밖의 이미지(‘모름’)" in report
    assert config["plan"]["because"][:40] in report
    assert set(config["versions"]) >= {"onnxruntime", "pillow", "numpy", "python", "striate"}
    assert f"<b>onnxruntime</b>{config['versions']['onnxruntime']}" in report
    assert processor() in config["hardware"]


def test_features_in_8_bit_integers(finished_run: Trained, cli: Cli, tmp_path: Path) -> None:
    """What is trained with integers predicts with integers: in commands, after `st.load`, and as an exported file."""
    images, path = finished_run[0], tmp_path / "int8"
    result = cli("train", images, *SMALL, "--precision", "int8", "--folds", 0, "--out", path)
    assert "computed by ONNX Runtime in 8-bit integers" in result.stdout
    stored = read_predictions(path)
    assert stored is not None and stored.names is not None
    trained = open_trained_model(path)
    x = np.stack([trained.policy.read(images / name) for name in stored.names])
    np.testing.assert_allclose(trained.predict_open_set(x)[0], stored.probabilities, atol=1e-5)
    np.testing.assert_allclose(trained.outputs(x), stored.probabilities, atol=1e-5)
    model = st.load(path)
    np.testing.assert_allclose(model.predict(x), stored.probabilities, atol=1e-5)
    np.testing.assert_allclose(model.predict_on_batch(x[:3]), stored.probabilities[:3], atol=1e-5)
    np.testing.assert_array_equal(copy.deepcopy(model).predict(x), model.predict(x))
    exact = model.engine.forward([x])[0]
    assert 1e-5 < np.abs(exact - stored.probabilities).max() < 0.3
    assert (exact.argmax(axis=1) == stored.probabilities.argmax(axis=1)).mean() > 0.85
    doubled = {name: 2 * array if name.endswith("/kernel") else array for name, array in model.named_weights.items()}
    model.named_weights = doubled
    assert np.abs(model.predict(x) - stored.probabilities).max() > 1e-3
    assert "int8" in cli("export", path, "--to", tmp_path / "model.onnx").stdout
    (session,) = open_session(str(tmp_path / "model.onnx"))([x])[:1]
    np.testing.assert_allclose(session, stored.probabilities, atol=1e-5)
    note = "This model predicts with features in 8-bit integers"
    assert open_explorer(path).notes[0].startswith(note)
    refused = cli("train", images, "--method", "scratch", "--precision", "int8", "--out", tmp_path / "other")
    assert "--precision int8 needs --method features" in refused.stderr


def test_a_limit_that_is_too_short_is_refused_before_anything_is_read(
    finished_run: Trained, cli: Cli, tmp_path: Path
) -> None:
    result = cli("train", finished_run[0], "--minutes", 0.001, "--out", tmp_path / "hurried")
    assert result.returncode == 2
    assert "--minutes 0.001 is too short: at the present speed of this machine" in " ".join(result.stderr.split())
    assert not (tmp_path / "hurried").exists()


def test_run_creates_an_ordinary_model(finished_run: Trained) -> None:
    images, path, _ = finished_run
    model = st.load(path / "model.safetensors")
    assert model.classes == ("discs", "줄무늬")
    x = np.stack([model.policy.read(file) for file in sorted((images / "discs").iterdir())[:8]])  # type: ignore[union-attr]
    assert (model.predict(x).argmax(axis=1) == 0).mean() > 0.8


def test_evaluate_equals_the_metrics_of_training(cli: Cli, finished_run: Trained) -> None:
    _, path, _ = finished_run
    evaluated = json.loads(cli("evaluate", path, "--json").stdout)
    stored = json.loads((path / "metrics.json").read_text("utf-8"))
    assert evaluated["correct"] == stored["correct"]
    assert evaluated["loss"]["value"] == pytest.approx(stored["loss"]["value"], abs=1e-4)


def test_few_images_are_cross_validated_and_then_all_are_trained_on(cli: Cli, finished_run: Trained) -> None:
    images, path, _ = finished_run
    config, metrics = (json.loads((path / name).read_text("utf-8")) for name in ("config.json", "metrics.json"))
    assert config["plan"]["folds"] == metrics["folds"] == 5
    assert metrics["images"] == 90  # each image once
    assert "5-fold cross-validation" in (path / "report.html").read_text("utf-8")
    for data in ((), (images,)):
        evaluated = cli("evaluate", path, *data)
        assert "accuracy in 5-fold cross-validation" in evaluated.stdout
        assert "The model was trained on all images." in evaluated.stderr


def test_export_does_not_call_images_test_images_after_cross_validation(finished_run: Trained) -> None:
    compared = collect_images(open_trained_model(finished_run[1]), (), 4)
    assert compared.what == "4 training images of images"


def test_only_new_images_are_evaluated_after_cross_validation(cli: Cli, finished_run: Trained, tmp_path: Path) -> None:
    images, path, _ = finished_run
    grown = shutil.copytree(images, tmp_path / "grown")
    write_shapes(grown / "줄무늬" / "more", 4, 7, stripes=True)
    evaluated = cli("evaluate", path, grown, "--json")
    assert json.loads(evaluated.stdout)["images"] == 4
    assert "trained on 90 of these images, so it is evaluated on the other 4 only" in evaluated.stderr


def test_model_without_its_run_does_not_measure_itself_on_training_images(
    cli: Cli, finished_run: Trained, tmp_path: Path
) -> None:
    images, path, _ = finished_run
    alone = shutil.copy(path / "model.safetensors", tmp_path / "alone.safetensors")
    failed = cli("evaluate", alone, images)
    assert failed.returncode == 2
    assert "was trained on all images of 'images'" in failed.stderr


def test_a_test_part_is_kept_on_request(cli: Cli, finished_run: Trained) -> None:
    images, _, _ = finished_run
    result = cli("train", images, *SMALL, "--folds", "0", "--out", "held-out")
    assert result.returncode == 0, result.stderr
    assert "test images" in result.stdout
    assert "test accuracy" in result.stdout


@pytest.mark.parametrize(("folds", "more", "message"), [
    ("1", (), "--folds must be at least 2, or 0"),
    ("91", (), "--folds 91 needs at least 91 images, but 'images' has 90"),
    ("46", ("--method", "scratch"), "--folds 46 needs at least 46 images of each class"),
])  # fmt: skip
def test_impossible_folds_are_one_sentence(
    cli: Cli, finished_run: Trained, folds: str, more: tuple[str, ...], message: str
) -> None:
    failed = cli("train", finished_run[0], "--folds", folds, *more)
    assert failed.returncode in (1, 2)
    assert message in failed.stderr and failed.stderr.count("\n") <= 2


def test_predict_recognizes_classes_and_marks_unknown_images(cli: Cli, finished_run: Trained, tmp_path: Path) -> None:
    images, path, _ = finished_run
    unknown = tmp_path / "unknown"
    unknown.mkdir()
    for number, pixels in enumerate(st.data.load("mnist5k").test.x[:20]):
        (unknown / f"{number}.png").write_bytes(encode_png(pixels.repeat(3, axis=2)))
    known_answers = json.loads(cli("predict", path, images, "--json").stdout)
    assert sum(answer["unknown"] for answer in known_answers) < 0.15 * len(known_answers)
    assert sum(answer["label"] in answer["file"] for answer in known_answers) > 0.95 * len(known_answers)
    unknown_answers = json.loads(cli("predict", path, unknown, "--json").stdout)
    assert sum(answer["unknown"] for answer in unknown_answers) > 0.8 * len(unknown_answers)


def test_resumed_run_is_identical(cli: Cli, finished_run: Trained, tmp_path: Path) -> None:
    _, path, _ = finished_run
    copy = shutil.copytree(path, tmp_path / "copy")
    (copy / "model.safetensors").unlink()
    assert "no trained model yet" in cli("predict", copy, path).stderr
    assert "has no epochs to add: leave --epochs out" in cli("train", "--resume", copy, "--epochs", "3").stderr
    again = cli("train", "--resume", copy)
    assert again.returncode == 0, again.stderr
    for name in ("model.safetensors", "metrics.json"):
        assert (copy / name).read_bytes() == (path / name).read_bytes()
    written = {file: file.stat().st_mtime_ns for file in copy.iterdir()}
    finished = cli("train", "--resume", copy)
    assert finished.returncode == 0
    assert finished.stdout.startswith(f"'{copy}' is already finished, so its images are not read again. Report: {copy}")
    assert {file: file.stat().st_mtime_ns for file in copy.iterdir()} == written


@pytest.mark.parametrize(("counts", "message"), [
    ((3, 0), "should contain at least two subfolders of images, one for each class; found 1: discs"),
    ((2, 1), "Add images: at least ten per class."),
])  # fmt: skip
def test_too_few_images_raise(cli: Cli, tmp_path: Path, counts: tuple[int, int], message: str) -> None:
    write_shapes(tmp_path / "few" / "discs", counts[0], 0, stripes=False)
    write_shapes(tmp_path / "few" / "stripes", counts[1], 0, stripes=True)
    failed = cli("train", "few", *SMALL)
    assert failed.returncode == 1
    assert message in failed.stderr
    assert not (tmp_path / "runs").exists()
    assert sorted(file.name for file in (tmp_path / "few").rglob("*.png")) == sorted(
        f"그림 {number}.png" for count in counts for number in range(count)
    )


def test_training_skips_damaged_images(cli: Cli, tmp_path: Path) -> None:
    for seed, name in enumerate(("discs", "stripes")):
        write_shapes(tmp_path / "few/train" / name, 5, seed, stripes=bool(seed))
        write_shapes(tmp_path / "few/test" / name, 1, seed + 2, stripes=bool(seed))
    damaged = sorted((tmp_path / "few/train/discs").iterdir())[:3]
    for file in damaged:
        file.write_bytes(file.read_bytes()[:300])
    trained = cli("train", "few", *SMALL)
    assert trained.returncode == 0, trained.stderr
    assert all(f"'train/discs/{file.name}' cannot be read: the image is damaged" in trained.stdout for file in damaged)
    assert "3 of 12 files cannot be read" in cli("data", "scan", "few").stdout


def test_class_with_a_single_image_can_be_trained(cli: Cli, tmp_path: Path) -> None:
    write_shapes(tmp_path / "p/train/discs", 6, 0, stripes=False)
    write_shapes(tmp_path / "p/train/stripes", 1, 0, stripes=True)
    write_shapes(tmp_path / "p/test/discs", 3, 5, stripes=False)
    finished = cli("train", "p", *SMALL, "--out", "run")
    assert finished.returncode == 0, finished.stderr
    assert cli("predict", "run", "p/test").returncode == 0
