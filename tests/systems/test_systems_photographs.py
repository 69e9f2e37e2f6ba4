"""Recipes of networks for photographs, and the systems that use photographs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from safetensors.numpy import save_file

from striate import zoo
from striate.data import PHOTO_PRESETS
from striate.data.layout import read_layout
from striate.engines.optimizers import AdamW
from striate.errors import DataError, UsageError
from striate.systems.recipes import TYPICAL_IMAGES, recipe_for, tuning_recipe
from striate.systems.registry import find_dogs_vs_cats, get_system
from striate.training import OneCycle, Recipe
from striate.workflows import strategy
from striate.workflows.plan import make_plan
from striate.workflows.reproduce import Reproduction, data_location

CLASSICS = (
    "alexnet",
    "alexnet-2012",
    "googlenet",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "vgg16",
)


@pytest.mark.parametrize("model", CLASSICS)
def test_every_classic_network_has_a_recipe_for_photographs(model: str) -> None:
    recipe = recipe_for(model, TYPICAL_IMAGES)
    assert recipe.augmentation == PHOTO_PRESETS["standard"]
    assert recipe.label_smoothing == 0.1
    assert isinstance(recipe.optimizer, AdamW)
    assert recipe.optimizer.weight_decay > 0
    assert recipe.ema_decay
    assert 0.98 <= recipe.ema_decay < 1


def test_networks_for_small_images_have_their_own_recipes() -> None:
    for model in zoo.list_models():
        usual = zoo.get_architecture(model).recipe
        assert usual is None or usual.images is None or max(zoo.network(model).input_shapes[0]) > 64
    assert recipe_for("mnist-cnn-functional", 5) == recipe_for("mnist-cnn")
    assert recipe_for("linear-regression") == Recipe()
    quick, entry = recipe_for("mnist-quick"), zoo.get_architecture("mnist-quick").recipe
    assert entry and quick.schedule == OneCycle(entry.warmup)


@given(some.sampled_from(CLASSICS), some.integers(0, 10**7), some.integers(1, 10**6))
def test_more_images_give_fewer_epochs_but_more_steps(model: str, images: int, more: int) -> None:
    fewer, larger = recipe_for(model, images), recipe_for(model, images + more)
    assert fewer.epochs >= larger.epochs >= 20
    assert fewer.batch_size <= larger.batch_size
    assert fewer.optimizer.rate_at(0) <= larger.optimizer.rate_at(0)
    assert (fewer.ema_decay or 0) <= (larger.ema_decay or 0) < 1 or fewer.batch_size < larger.batch_size


@pytest.mark.parametrize("model", ["alexnet", "googlenet"])
def test_training_from_scratch_uses_batch_normalization_unless_asked_otherwise(
    photographs: Path, model: str, tmp_path: Path
) -> None:
    assert make_plan(str(photographs), model).settings == {"normalization": "batch"}
    assert make_plan(str(photographs), model, sets={"normalization": "lrn"}).settings == {"normalization": "lrn"}
    weights = tmp_path / "own.safetensors"
    save_file({"layer/kernel": np.zeros(3, np.float32)}, weights)
    assert make_plan(str(photographs), model, weights=str(weights)).settings == {}
    (variant,) = get_system(model).variants
    assert (variant.settings, variant.as_reported["normalization"]) == ({"normalization": "batch"}, "lrn")


def test_plans_count_images_by_file_name(photographs: Path) -> None:
    """There are 81 empty files; no file is opened to count them."""
    assert make_plan(str(photographs), "resnet18").recipe == recipe_for("resnet18", 65)
    (photographs / "train").mkdir()
    for name in ("빨강", "파랑"):
        (photographs / name).rename(photographs / "train" / name)
    (photographs / "test" / "빨강").mkdir(parents=True)
    (photographs / "train" / "빨강" / "그림 1.png").rename(photographs / "test" / "빨강" / "그림 1.png")
    assert strategy.training_images("", read_layout(photographs)) == 80
    assert strategy.training_images("mnist", None) == 56_000


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "사진"
    for name, count in (("빨강", 41), ("파랑", 40)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            (folder / name / f"그림 {number}.png").write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    ("torch", "accelerator", "model", "because"),
    [
        (False, None, "tutorial-cnn", "larger networks need PyTorch, which is not installed"),
        (
            True,
            None,
            "tutorial-cnn",
            "tutorial-cnn trains in minutes on a CPU; --model resnet18 is usually more accurate",
        ),
        (True, "cuda", "resnet18", "there is a GPU (cuda)"),
    ],
)
def test_model_for_a_folder_depends_on_pytorch_and_accelerator(
    torch: bool, accelerator: str | None, model: str, because: str, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strategy, "installed", lambda package: torch)
    monkeypatch.setattr(strategy, "accelerator", lambda: accelerator)
    plan = make_plan(str(photographs), epochs=2, method="scratch")
    assert plan.model == model
    assert plan.because.startswith(because)
    assert make_plan(str(photographs), "lenet5").because == ""
    assert make_plan("mnist5k").because == ""


def test_missing_dogs_vs_cats_error_says_where_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = get_system("googlenet")
    monkeypatch.setenv("STRIATE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"Kaggle's Dogs vs\. Cats\. Get the photographs from https://.* --data FOLDER"):
        data_location(system, None)
    (tmp_path / "dogs-vs-cats").mkdir()
    assert data_location(system, None) == str(tmp_path / "dogs-vs-cats")
    (tmp_path / "own").mkdir()
    assert find_dogs_vs_cats(str(tmp_path / "own")) == tmp_path / "own"
    with pytest.raises(DataError, match=r"There is no folder 'nowhere'\. This system"):
        data_location(system, "nowhere")
    monkeypatch.delenv("STRIATE_DATA")
    with pytest.raises(DataError, match="set STRIATE_DATA to the folder that contains dogs-vs-cats/"):
        data_location(system, None)


@pytest.mark.parametrize("id", ["alexnet", "googlenet"])
def test_as_reported_images_are_padded_and_resized_to_214(id: str, photographs: Path) -> None:
    [variant] = get_system(id).variants
    ours, reported = (
        Reproduction(Path(), (3,), as_reported, str(photographs)).plan(get_system(id), variant, 3)
        for as_reported in (False, True)
    )
    assert reported.recipe.epochs == 300
    assert (reported.recipe.batch_size, reported.recipe.optimizer.rate_at(0)) == (256, 1e-3)
    assert (reported.fit, reported.settings) == ("pad", {"input_shape": (214, 214, 3), "normalization": "lrn"})
    assert zoo.network(reported.model, classes=2, **reported.settings).output_shapes == ((2,),)
    assert (ours.fit, ours.settings) == (None, {"normalization": "batch"})
    assert ours.recipe.seed == reported.recipe.seed == 3
    assert ours.recipe.epochs == recipe_for(id, 65).epochs
    assert "averaged weights instead of the last weights" in get_system(id).difference


@pytest.mark.parametrize(("id", "tunes"), [("feature-extraction", False), ("fine-tuning", True)])
def test_transfer_learning_systems_use_a_base(id: str, tunes: bool, photographs: Path) -> None:
    system = get_system(id)
    [variant] = system.variants
    plan = Reproduction(Path(), (3,), folder=str(photographs)).plan(system, variant, 3)
    assert (plan.model, plan.method) == ("efficientnet-lite0", "fine-tune" if tunes else "features")
    assert plan.recipe.seed == 3
    assert system.difference == "efficientnet-lite0 as the base"
    with pytest.raises(UsageError, match=rf"'{id}' is not a network .*\. Use --method {plan.method}"):
        make_plan(str(photographs), id)
    assert (plan.recipe == replace(tuning_recipe(65), seed=3)) == tunes
