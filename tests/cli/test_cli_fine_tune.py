"""striate train --method fine-tune as a user types it, and what can be done with the run."""

import json
from pathlib import Path

from .conftest import Cli
from .test_cli_extract import draw

ONE = {"OMP_NUM_THREADS": "1"}


def test_from_the_command_to_answers(cli: Cli, tmp_path: Path) -> None:
    draw(tmp_path / "pictures" / "서다", 30, 0, stripes=True)
    draw(tmp_path / "pictures" / "lying", 30, 1, stripes=False)
    small = ("--set", "input_shape=[48,48,3]", "--epochs", "1", "--device", "cpu", "--precision", "float32")
    done = cli("train", "pictures", "--method", "fine-tune", *small, env=ONE)
    assert done.returncode == 0, done.stderr
    order = ["fine-tuning takes up to ", "recipe  base efficientnet-lite0, ImageNet, fine-tuned: first the upper",
             "Head: L2 ", "Fine-tuning: upper layers, then all layers, up to 1 epoch of", "epoch 1/1", "Upper layers: ",
             "All layers: loss ", "test accuracy "]  # fmt: skip
    places = [done.stdout.index(text) for text in order]
    assert places == sorted(places)
    kept = json.loads((tmp_path / "runs/pictures/metrics.json").read_text("utf-8"))
    found = json.loads(cli("evaluate", "runs/pictures", "--json").stdout)
    assert found["correct"] == kept["correct"]
    answers = json.loads(cli("predict", "runs/pictures", "pictures", "--json").stdout)
    assert len(answers) == 60
    exported = cli("export", "runs/pictures", "--to", "model.onnx")
    assert exported.returncode == 0, exported.stderr
    assert "has no epochs to add" in cli("train", "--resume", "runs/pictures", "--epochs", "3").stderr


def test_what_clashes_is_told_of(cli: Cli, tmp_path: Path) -> None:
    draw(tmp_path / "pictures" / "a", 2, 0, stripes=True)
    draw(tmp_path / "pictures" / "b", 2, 1, stripes=False)
    done = cli("train", "pictures", "--method", "fine-tune", "--model", "resnet18")
    assert done.returncode == 2
    assert (
        "--model does not apply to the method 'fine-tune', which was requested. It applies to --method scratch."
        in done.stderr
    )
    assert (
        "--method fine-tune is for a folder of color images, and 'mnist5k' is not a folder."
        in cli("train", "--method", "fine-tune").stderr
    )
