"""The command `striate train --method fine-tune`, and other commands on its run."""

import json
from pathlib import Path

from .conftest import Cli
from .test_cli_extract import write_shapes

ONE = {"OMP_NUM_THREADS": "1"}


def test_fine_tune_evaluate_predict_and_export(cli: Cli, tmp_path: Path) -> None:
    write_shapes(tmp_path / "images" / "서다", 30, 0, stripes=True)
    write_shapes(tmp_path / "images" / "lying", 30, 1, stripes=False)
    small = ("--set", "input_shape=[48,48,3]", "--epochs", "1", "--device", "cpu", "--precision", "float32")
    result = cli("train", "images", "--method", "fine-tune", *small, env=ONE)
    assert result.returncode == 0, result.stderr
    order = ["recipe  base efficientnet-lite0, pretrained on ImageNet, fine-tuned",
             "Fine-tuning takes about ",
             "Classifier: logistic regression ",
             "Fine-tuning: all layers for 1 epoch of", "epoch 1/1",
             "Halfway: loss ", "All layers: loss ", "test accuracy "]  # fmt: skip
    places = [result.stdout.index(text) for text in order]
    assert places == sorted(places)
    stored = json.loads((tmp_path / "runs/images/metrics.json").read_text("utf-8"))
    evaluated = json.loads(cli("evaluate", "runs/images", "--json").stdout)
    assert evaluated["correct"] == stored["correct"]
    answers = json.loads(cli("predict", "runs/images", "images", "--json").stdout)
    assert len(answers) == 60
    exported = cli("export", "runs/images", "--to", "model.onnx")
    assert exported.returncode == 0, exported.stderr
    assert "has no epochs to add" in cli("train", "--resume", "runs/images", "--epochs", "3").stderr


def test_conflicting_options_exit_2(cli: Cli, tmp_path: Path) -> None:
    write_shapes(tmp_path / "images" / "a", 2, 0, stripes=True)
    write_shapes(tmp_path / "images" / "b", 2, 1, stripes=False)
    result = cli("train", "images", "--method", "fine-tune", "--model", "resnet18")
    assert result.returncode == 2
    assert (
        "--model needs --method scratch: it does not apply to the method 'fine-tune', which was requested."
        in result.stderr
    )
    assert (
        "--method fine-tune is for a folder of color images, and 'mnist5k' is not a folder."
        in cli("train", "--method", "fine-tune").stderr
    )
