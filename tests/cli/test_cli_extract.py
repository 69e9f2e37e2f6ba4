"""A folder of pictures becomes a classifier on a pretrained base, from the command to answers."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import striate as st
from striate.images import encode_png

from .conftest import Cli, Finished, run

SMALL = ("--set", "input_shape=[64,64,3]")
Trained = tuple[Path, Path, Finished]


def draw(folder: Path, count: int, seed: int, stripes: bool) -> None:
    """Pictures of stripes or of discs in any colours."""
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
def done(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Pictures, a finished run on them, and what was printed. Leave them as they are."""
    place = tmp_path_factory.mktemp("extract")
    draw(place / "pictures" / "줄무늬", 45, 0, stripes=True)
    draw(place / "pictures" / "discs", 45, 1, stripes=False)
    return place / "pictures", place / "runs/pictures", run("train", place / "pictures", *SMALL, cwd=place)


def test_training_says_what_it_does_and_why(done: Trained) -> None:
    _, path, said = done
    assert said.returncode == 0, said.stderr
    assert "because 90 images of 2 classes are too few to train a network from scratch, so a linear head" in said.stdout
    assert "Features: efficientnet-lite0, trained on ImageNet, unchanged" in said.stdout
    assert "correct on held-out images" in said.stdout
    assert "test accuracy" in said.stdout
    config = json.loads((path / "config.json").read_text("utf-8"))
    assert config["plan"]["method"] == "features"
    assert config["plan"]["model"] == "efficientnet-lite0"
    assert config["plan"]["because"].startswith("90 images")
    assert config["extraction"]["cross_validated"]["accuracy"] > 0.9
    report = (path / "report.html").read_text("utf-8")
    assert "Out-of-distribution images (“unknown”)" in report
    assert "어느 클래스도 아닌 이미지(‘모름’)" in report
    assert config["plan"]["because"][:40] in report


def test_one_ordinary_model_comes_of_it(done: Trained) -> None:
    pictures, path, _ = done
    model = st.load(path / "model.safetensors")
    assert model.classes == ("discs", "줄무늬")
    x = np.stack([model.policy.read(file) for file in sorted((pictures / "discs").iterdir())[:8]])  # type: ignore[union-attr]
    assert (model.predict(x).argmax(axis=1) == 0).mean() > 0.8


def test_evaluate_finds_the_same_figure(cli: Cli, done: Trained) -> None:
    _, path, _ = done
    found = json.loads(cli("evaluate", path, "--json").stdout)
    kept = json.loads((path / "metrics.json").read_text("utf-8"))
    assert found["correct"] == kept["correct"]
    assert found["loss"]["value"] == pytest.approx(kept["loss"]["value"], abs=1e-4)


def test_predict_knows_the_classes_and_says_when_it_does_not(cli: Cli, done: Trained, tmp_path: Path) -> None:
    pictures, path, _ = done
    strange = tmp_path / "strange"
    strange.mkdir()
    for number, pixels in enumerate(st.data.load("mnist5k").test.x[:20]):
        (strange / f"{number}.png").write_bytes(encode_png(pixels.repeat(3, axis=2)))
    own = json.loads(cli("predict", path, pictures, "--json").stdout)
    assert sum(answer["unknown"] for answer in own) < 0.15 * len(own)
    assert sum(answer["label"] in answer["path"] for answer in own) > 0.95 * len(own)
    other = json.loads(cli("predict", path, strange, "--json").stdout)
    assert sum(answer["unknown"] for answer in other) > 0.8 * len(other)


def test_a_run_that_is_resumed_comes_out_the_same(cli: Cli, done: Trained, tmp_path: Path) -> None:
    _, path, _ = done
    copy = shutil.copytree(path, tmp_path / "copy")
    (copy / "model.safetensors").unlink()
    assert "no trained model yet" in cli("predict", copy, path).stderr
    assert "has no epochs to add: leave --epochs out" in cli("train", "--resume", copy, "--epochs", "3").stderr
    again = cli("train", "--resume", copy)
    assert again.returncode == 0, again.stderr
    for name in ("model.safetensors", "metrics.json"):
        assert (copy / name).read_bytes() == (path / name).read_bytes()


@pytest.mark.parametrize(("counts", "message"), [
    ((3, 0), "should contain at least two subfolders of images, one for each class; found 1: discs"),
    ((2, 1), "Add images: ten of each class are a beginning."),
])  # fmt: skip
def test_too_few_pictures_are_told_of(cli: Cli, tmp_path: Path, counts: tuple[int, int], message: str) -> None:
    draw(tmp_path / "few" / "discs", counts[0], 0, stripes=False)
    draw(tmp_path / "few" / "stripes", counts[1], 0, stripes=True)
    failed = cli("train", "few", *SMALL)
    assert failed.returncode == 1
    assert message in failed.stderr
    assert not (tmp_path / "runs").exists()
    assert sorted(file.name for file in (tmp_path / "few").rglob("*.png")) == sorted(
        f"그림 {number}.png" for count in counts for number in range(count)
    )


def test_of_ten_pictures_three_are_damaged(cli: Cli, tmp_path: Path) -> None:
    for seed, name in enumerate(("discs", "stripes")):
        draw(tmp_path / "few/train" / name, 5, seed, stripes=bool(seed))
        draw(tmp_path / "few/test" / name, 1, seed + 2, stripes=bool(seed))
    damaged = sorted((tmp_path / "few/train/discs").iterdir())[:3]
    for file in damaged:
        file.write_bytes(file.read_bytes()[:300])
    trained = cli("train", "few", *SMALL)
    assert trained.returncode == 0, trained.stderr
    assert all(f"discs/{file.name} cannot be read: the image is damaged" in trained.stdout for file in damaged)
    assert "3 of 12 files cannot be read" in cli("data", "scan", "few").stdout


def test_classes_of_one_picture_are_learnt_as_well_as_can_be(cli: Cli, tmp_path: Path) -> None:
    draw(tmp_path / "p/train/discs", 6, 0, stripes=False)
    draw(tmp_path / "p/train/stripes", 1, 0, stripes=True)
    draw(tmp_path / "p/test/discs", 3, 5, stripes=False)
    finished = cli("train", "p", *SMALL, "--out", "run")
    assert finished.returncode == 0, finished.stderr
    assert cli("predict", "run", "p/test").returncode == 0
