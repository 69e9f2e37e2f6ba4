"""The command `striate train`: printed output, run folders, resuming."""

import csv
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import striate as st

from .conftest import Cli, Finished, environment, without_torch

QUICK = ("train", "--model", "mnist-quick", "--epochs", "1")


def test_run_folder_contains_all_files(trained: tuple[Path, Finished]) -> None:
    run, _ = trained
    names = {"config.json", "history.csv", "metrics.json", "model.safetensors", "report.html", "checkpoints",
             "predictions.safetensors"}  # fmt: skip
    assert names == {path.name for path in run.iterdir()}
    rows = list(csv.DictReader((run / "history.csv").read_text("utf-8").splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert float(rows[-1]["val_accuracy"]) > 0.85
    config = json.loads((run / "config.json").read_text("utf-8"))
    assert (config["plan"]["data"], config["plan"]["model"], config["recipe"]["seed"]) == ("mnist5k", "mnist-quick", 3)
    assert config["versions"]["numpy"] == np.__version__
    assert config["seconds"] > 0
    assert config["hardware"] in (run / "report.html").read_text("utf-8")


def test_printed_output_of_training(trained: tuple[Path, Finished]) -> None:
    run, result = trained
    metrics = json.loads((run / "metrics.json").read_text("utf-8"))
    parameters = st.load(run / "model.safetensors").network.parameter_count
    assert f"mnist-quick: {parameters:,} parameters" in result.stdout
    assert re.search(r"data +mnist5k: 10 classes, 28×28×1; [\d,]+ training, \d+ validation and \d+ test", result.stdout)
    work = f"{st.load(run / 'model.safetensors').network.multiply_adds:,} multiply-adds for one image"
    assert f"Engine: numpy on cpu in float32, because the network is small ({work})" in result.stdout
    assert re.search(r"epochs 4, batch_size \d+, optimizer adam", result.stdout)
    assert re.search(r"epoch 4/4 +loss 0\.\d+ +accuracy 0\.\d+ +val_loss", result.stdout)
    accuracy = {name: f"{100 * value:.2f}" for name, value in metrics["accuracy"].items()}
    interval = f"(95 % interval {accuracy['low']} … {accuracy['high']})"
    wrong = metrics["images"] - metrics["correct"]
    assert (
        f"test accuracy {accuracy['value']} % {interval}, {wrong} errors in {metrics['images']} images" in result.stdout
    )
    assert (run / "report.html").resolve().as_uri() in result.stdout
    assert "striate predict quick IMAGE.png" in result.stdout
    assert result.stderr == ""


def test_model_file_contains_classes_policy_and_threshold_but_no_path_or_time(trained: tuple[Path, Finished]) -> None:
    run, _ = trained
    model = st.load(run / "model.safetensors")
    assert model.classes == tuple("0123456789")
    assert model.policy is not None
    assert model.policy.fit == "digit"
    threshold = model.figures["unknown_threshold"]
    data = st.data.load("mnist5k")
    top = model.predict(data.validation.x).max(axis=1)
    right = model.predict(data.validation.x).argmax(axis=1) == data.validation.y
    assert (top[right] >= threshold).mean() >= 0.99
    assert (top[right] > threshold).mean() < 1
    content = (run / "model.safetensors").read_bytes()
    assert b"seconds" not in content
    assert b"hardware" not in content


def test_defaults_are_lenet5_on_mnist5k(cli: Cli, tmp_path: Path) -> None:
    result = cli("train", "--epochs", "1", "--quiet")
    assert result.returncode == 0
    assert result.stdout.strip().startswith("test accuracy")
    assert "epoch" not in result.stdout
    config = json.loads((tmp_path / "runs" / "mnist5k-lenet5" / "config.json").read_text("utf-8"))
    assert (config["plan"]["data"], config["plan"]["model"]) == ("mnist5k", "lenet5")


def test_options_are_stored_in_recipe_and_model(cli: Cli, tmp_path: Path) -> None:
    options = ["--batch-size", "100000", "--learning-rate", "0.002", "--optimizer", "nesterov", "--schedule", "plateau"]
    sets = ["--set", "label_smoothing=0.1", "--set", "optimizer.weight_decay=1e-4", "--set", "hidden=[20]"]
    result = cli("train", "--model", "mlp", "--epochs", "1", *options, *sets, "--augment", "none", "--out", "run")
    assert result.returncode == 0
    assert "fewer than batch_size=100000" in result.stdout
    config = json.loads((tmp_path / "run" / "config.json").read_text("utf-8"))
    recipe = config["recipe"]
    assert recipe["optimizer"] == {
        "name": "sgd", "learning_rate": 0.002, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4,
    }  # fmt: skip
    assert (recipe["batch_size"], recipe["label_smoothing"]) == (100000, 0.1)
    assert config["plan"]["plateau"]
    assert st.load(tmp_path / "run" / "model.safetensors").network.layer("hidden1").units == 20  # type: ignore[attr-defined]


def recorded_seconds(run: Path) -> float:
    return float(json.loads((run / "config.json").read_text("utf-8"))["seconds"])


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to a process on Windows")
def test_run_without_pytorch_resumed_after_ctrl_c_has_identical_bytes(cli: Cli, tmp_path: Path) -> None:
    plain = without_torch(tmp_path / "no-torch")
    command = ["train", "--model", "mnist-quick", "--epochs", "3", "--augment", "light"]
    cli(*command, "--out", "uninterrupted")
    training = subprocess.Popen(
        [sys.executable, "-m", "striate", *command, "--out", "interrupted"],
        cwd=tmp_path, env=plain, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    )  # fmt: skip
    assert training.stdout is not None
    while not training.stdout.readline().startswith("epoch 1/3"):
        assert training.poll() is None
    training.send_signal(signal.SIGINT)
    _, errors = training.communicate(timeout=60)
    assert training.returncode == 130
    assert "Traceback" not in errors
    assert "Continue with: striate train --resume interrupted" in errors
    spent = recorded_seconds(tmp_path / "interrupted")
    assert spent > 0
    assert (
        cli("predict", "interrupted", ".")
        .stderr.strip()
        .endswith("Finish the training with: striate train --resume interrupted")
    )
    resumed = cli("train", "--resume", "interrupted", env=plain)
    assert resumed.returncode == 0, resumed.stderr
    assert recorded_seconds(tmp_path / "interrupted") > spent
    first, second = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("uninterrupted", "interrupted"))
    assert first == second


def test_finished_run_can_be_extended(cli: Cli, trained: tuple[Path, Finished], tmp_path: Path) -> None:
    shutil.copytree(trained[0], tmp_path / "quick")
    result = cli("train", "--resume", "quick", "--epochs", "5")
    assert result.returncode == 0
    assert "epoch 5/5" in result.stdout
    assert "epoch 4/" not in result.stdout
    assert len((tmp_path / "quick" / "history.csv").read_text("utf-8").splitlines()) == 6
    fewer = cli("train", "--resume", "quick", "--epochs", "2")
    assert fewer.returncode == 1
    assert "has 5 epochs. It can be extended to more epochs, but not reduced to 2" in fewer.stderr


def test_run_is_never_overwritten(cli: Cli, trained: tuple[Path, Finished]) -> None:
    run, _ = trained
    before = (run / "model.safetensors").read_bytes()
    result = cli(*QUICK, "--out", run)
    assert result.returncode == 1
    assert f"'{run}' already contains a run. Continue it with --resume, or" in result.stderr
    assert (run / "model.safetensors").read_bytes() == before


def test_existing_model_in_the_run_folder_is_not_replaced(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/model.safetensors").write_bytes(b"content")
    result = cli(*QUICK, "--out", "mine")
    assert result.returncode == 1
    assert "'mine' contains a model.safetensors, which the run would replace. Choose another folder" in result.stderr
    assert {file.name: file.read_bytes() for file in (tmp_path / "mine").iterdir()} == {"model.safetensors": b"content"}


def test_ensemble_is_trained_evaluated_extended_and_used_as_one_model(cli: Cli, tmp_path: Path) -> None:
    result = cli(*QUICK, "--ensemble", "2", "--seed", "5", "--out", "both")
    assert result.returncode == 0
    assert "mnist-quick × 2, probabilities averaged" in result.stdout
    assert "member 2 of 2" in result.stdout
    models = [st.load(tmp_path / "both" / f"member-{number}" / "model.safetensors") for number in (1, 2)]
    assert [model.recipe and model.recipe.seed for model in models] == [5, 6]
    test = st.data.load("mnist5k").test
    averaged = np.mean([model.predict(test.x) for model in models], axis=0)
    metrics = json.loads((tmp_path / "both" / "metrics.json").read_text("utf-8"))
    assert metrics["correct"] == int((averaged.argmax(axis=1) == test.y).sum())
    assert json.loads(cli("evaluate", "both", "--json").stdout) == metrics
    (tmp_path / "digit.png").write_bytes(as_png(test.x[0]))
    [answer] = json.loads(cli("predict", "both", "digit.png", "--json").stdout)
    assert answer["probability"] == pytest.approx(averaged[0].max(), abs=1e-5)
    assert "mnist-quick × 2" in (tmp_path / "both" / "report.html").read_text("utf-8")
    again = cli("train", "--resume", "both", "--epochs", "2", "--quiet")
    assert again.returncode == 0
    histories = [(tmp_path / "both" / f"member-{number}" / "history.csv").read_text("utf-8") for number in (1, 2)]
    assert [len(history.splitlines()) for history in histories] == [3, 3]


def as_png(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    from striate.images import encode_png

    return encode_png(pixels)


def test_folder_of_photographs_with_korean_names(cli: Cli, photographs: Path, tmp_path: Path) -> None:
    files = sorted(photographs.rglob("*"))
    result = cli("train", photographs, "--method", "scratch", "--epochs", "3", "--set", "input_shape=[16,16,3]")
    assert result.returncode == 0
    assert "tutorial-cnn, input_shape (16, 16, 3): " in result.stdout
    assert "우리 사진: 2 classes, 16×16×3" in result.stdout
    assert re.search(
        "\n        because (tutorial-cnn trains in minutes on a CPU|larger networks need PyTorch)", result.stdout
    )
    assert "망가진.jpg' cannot be read" in result.stdout
    assert sorted(photographs.rglob("*")) == files
    run = tmp_path / "runs" / "우리 사진-tutorial-cnn"
    assert "파랑" in (run / "report.html").read_text("utf-8")
    evaluated = cli("evaluate", run, photographs)
    assert "빨강" in evaluated.stdout
    answers = json.loads(cli("predict", run, photographs / "파랑", "--json").stdout)
    assert len(answers) == 40
    assert sum(answer["label"] == "파랑" for answer in answers) >= 35
    assert answers[0]["file"].endswith(".png")
    assert "그림" in answers[0]["file"]


def test_resuming_with_changed_images_raises(cli: Cli, photographs: Path, tmp_path: Path) -> None:
    shutil.copytree(photographs, tmp_path / "mine")
    cli("train", "mine", "--method", "scratch", "--epochs", "1", "--set", "input_shape=[8,8,3]", "--out", "run")
    config = (tmp_path / "run" / "config.json").read_bytes()
    (tmp_path / "mine" / "빨강" / "망가진.jpg").unlink()
    (tmp_path / "mine" / "빨강" / "그림 1.png").write_bytes(b"no image any more")
    (tmp_path / "mine" / "what cannot be read.txt").touch()  # a note names it, but it is not among the images
    result = cli("train", "--resume", "run", "--epochs", "2")
    assert result.returncode == 1
    assert "'run' was started with different data" in result.stderr
    assert "or start a new run. Left out: '빨강/그림 1.png' cannot be read" in result.stderr
    assert (tmp_path / "run" / "config.json").read_bytes() == config


def test_class_too_small_to_split_is_reported(cli: Cli, photographs: Path, tmp_path: Path) -> None:
    shutil.copytree(photographs, tmp_path / "more")
    (tmp_path / "more" / "하나").mkdir()
    shutil.copy(photographs / "빨강" / "그림 1.png", tmp_path / "more" / "하나" / "only.png")
    result = cli(
        "train", "more", "--method", "scratch", "--epochs", "1", "--set", "input_shape=[8,8,3]", "--batch-size", "20"
    )
    assert "Class '하나' has only 1 image" in result.stdout


def test_engine_is_kept_when_resuming(cli: Cli, tmp_path: Path) -> None:
    single = {"OMP_NUM_THREADS": "1"}
    started = cli(*QUICK, "--engine", "torch", "--device", "cpu", "--deterministic", "--out", "run", env=single)
    assert started.returncode == 0, started.stderr
    line = "Engine: torch on cpu in float32, because it was requested"
    assert line in started.stdout
    config = json.loads((tmp_path / "run" / "config.json").read_text("utf-8"))
    stored = [config["plan"][name] for name in ("engine", "device", "precision", "deterministic", "torch_compile")]
    assert stored == ["torch", "cpu", "float32", True, False]
    assert config["versions"]["torch"].startswith("2.")
    assert config["versions"]["torch"] in (tmp_path / "run" / "report.html").read_text("utf-8")
    resumed = cli("train", "--resume", "run", "--epochs", "2", env=single)
    assert line in resumed.stdout
    assert "epoch 2/2" in resumed.stdout
    refused = cli("train", "--resume", "run", "--engine", "numpy")
    assert refused.returncode == 2
    assert "--resume continues a run with its own settings: --engine cannot be changed, only --epochs" in refused.stderr


def test_recipe_settings_are_applied(cli: Cli, tmp_path: Path) -> None:
    sets = {
        "weight_decay": "5e-4",
        "global_clipnorm": "1",
        "ema_decay": "0.9",
        "patience": "2",
        "class_weights": "true",
    }
    given = [part for name, value in sets.items() for part in ("--set", f"{name}={value}")]
    result = cli(*QUICK, *given, "--out", "run")
    assert result.returncode == 0, result.stderr
    recipe = json.loads((tmp_path / "run" / "config.json").read_text("utf-8"))["recipe"]
    assert recipe["optimizer"]["name"] == "adamw"
    assert recipe["optimizer"]["weight_decay"] == 5e-4
    assert [recipe[name] for name in ("clip_norm", "average", "patience", "class_weights")] == [1, 0.9, 2, True]
    assert "class_weights yes, global_clipnorm 1, ema_decay 0.9, patience 2" in result.stdout
    assert cli(*QUICK, "--optimizer", "rmsprop", "--set", "weight_decay=1e-4", "--out", "other").returncode == 0
    optimizer = json.loads((tmp_path / "other" / "config.json").read_text("utf-8"))["recipe"]["optimizer"]
    assert (optimizer["name"], optimizer["weight_decay"]) == ("rmsprop", 1e-4)


def test_imbalanced_classes_are_reported(cli: Cli, photographs: Path, tmp_path: Path) -> None:
    shutil.copytree(photographs, tmp_path / "more")
    for number in range(1, 25):
        (tmp_path / "more" / "파랑" / f"그림 {number}.png").unlink()
    command = ["train", "more", "--model", "tutorial-cnn", "--epochs", "1", "--set", "input_shape=[8,8,3]"]
    result = cli(*command, "--out", "plain")
    hint = re.search(
        r"note +Class '빨강' has (\d+) training images, '파랑' only (\d+)\. With --set class_weights=true",
        result.stdout,
    )
    assert hint
    assert int(hint[1]) > 1.5 * int(hint[2])
    report = (tmp_path / "plain" / "report.html").read_text("utf-8")
    assert 'With <span class="option">--set</span> class_weights=true' in report
    weighted = cli(*command, "--set", "class_weights=true", "--out", "weighted")
    assert "training images, '" not in weighted.stdout
    assert "class_weights yes" in weighted.stdout


def begin(cwd: Path, *args: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "striate", "train", *args]
    return subprocess.Popen(
        command, cwd=cwd, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def test_only_one_process_trains_in_a_folder(cli: Cli, tmp_path: Path) -> None:
    both = [begin(tmp_path, "--model", "mnist-quick", "--epochs", "99", "--seed", seed, "--out", "r") for seed in "12"]
    while all(process.poll() is None for process in both):
        time.sleep(0.05)
    (refused,) = (process for process in both if process.poll() is not None)
    (winner,) = (process for process in both if process is not refused)
    _, message = refused.communicate()
    assert refused.returncode == 1
    # The winner writes its number into the lock file a moment after it has locked it.
    owner = rf"process {winner.pid} on '.+' since \d|another process"
    assert re.search(rf"'r' is in use by (?:{owner})|'r' already contains a run", message)
    resumed = cli("train", "--resume", "r")
    assert resumed.returncode == 1
    assert f"'r' is in use by process {winner.pid} on " in resumed.stderr
    winner.kill()
    winner.communicate()
    config = json.loads((tmp_path / "r" / "config.json").read_text("utf-8"))
    assert config["recipe"]["seed"] == 1 + both.index(winner)
    assert "in use" not in cli("train", "--resume", "r", "--epochs", "98").stderr


def test_long_training_is_announced_before_it_starts(cli: Cli, tmp_path: Path) -> None:
    process = begin(tmp_path, "mnist5k", "--model", "resnet18", "--epochs", "83")
    assert process.stdout
    lines = iter(process.stdout.readline, "")
    announced = next(line for line in lines if line.startswith(("time", "Engine")))
    process.kill()
    process.communicate()
    assert re.match(r"time +This training takes about \d+ (minutes|hours) on \d+ cores?\. Fewer --epochs", announced)
    assert "takes about" not in cli(*QUICK).stdout
