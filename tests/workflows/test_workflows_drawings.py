"""Recipes follow the data: digits and small gray drawings are not trained as photographs are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from striate import zoo
from striate.data import PHOTO_PRESETS, PRESETS
from striate.images import encode_png
from striate.systems.recipes import recipe_for
from striate.tasks import Task
from striate.workflows.plan import make_plan
from striate.workflows.strategy import (
    IMAGE_SECONDS,
    FolderSummary,
    Method,
    describe_seconds,
    strategy_for,
    training_seconds,
)


def fill(folder: Path, side: int, channels: int) -> str:
    rng = np.random.default_rng(0)
    for name in ("0", "1"):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(0, 255, (side, side, channels), dtype=np.uint8)
            (folder / name / f"{number}.png").write_bytes(encode_png(pixels.squeeze()))
    return str(folder)


@pytest.mark.parametrize("data", ["mnist5k", "scattered"])
@pytest.mark.parametrize("model", ["resnet18", "googlenet", "tutorial-cnn"])
def test_digits_are_neither_mirrored_nor_recolored(data: str, model: str) -> None:
    recipe = make_plan(data, model).recipe
    assert recipe.augmentation == PRESETS["light"]
    assert recipe.epochs == 20
    assert recipe.optimizer.rate_at(0) > 0


def test_folder_is_classified_by_its_images(tmp_path: Path) -> None:
    drawings, large, color = fill(tmp_path / "a", 28, 1), fill(tmp_path / "b", 80, 1), fill(tmp_path / "c", 28, 3)
    assert make_plan(drawings, "resnet18").recipe.augmentation == PRESETS["light"]
    assert make_plan(drawings, "resnet18", augment="strong").recipe.augmentation == PRESETS["strong"]
    for photographs in (large, color):
        assert make_plan(photographs, "resnet18").recipe == recipe_for("resnet18", 19)
        assert make_plan(photographs, "resnet18", augment="strong").recipe.augmentation == PHOTO_PRESETS["strong"]


@pytest.mark.parametrize(
    ("id", "shape", "measured"),
    [
        ("resnet18", (28, 28, 1), 0.0049), ("resnet18", (112, 112, 3), 0.027), ("resnet18", (224, 224, 3), 0.084),
        ("alexnet", (227, 227, 3), 0.060), ("googlenet", (224, 224, 3), 0.100), ("efficientnet-lite0", None, 0.071),
        ("mnist-cnn", None, 0.00050), ("lenet5", None, 0.00011),
    ],
)  # fmt: skip
def test_training_time_is_estimated(id: str, shape: tuple[int, ...] | None, measured: float) -> None:
    network = zoo.network(id, input_shape=shape)
    assert 0.7 * measured < training_seconds(1, network, None, 1) < 1.5 * measured + IMAGE_SECONDS


def test_training_time_is_described() -> None:
    network = zoo.network("resnet18", input_shape=(28, 28, 1), classes=10)
    seconds = training_seconds(83 * 4_000, network, None, 2)
    assert training_seconds(83 * 4_000, network, "cuda", 2) < seconds / 5
    assert describe_seconds(seconds).endswith(" minutes")
    assert describe_seconds(5 * 3600) == "5 hours"


def test_numbers_need_as_many_drawings_as_ten_classes() -> None:
    few = FolderSummary(images=2_400, classes=10, side=28, gray=True, task=Task.REGRESSION)
    assert strategy_for(few).method is Method.FEATURES
    many = strategy_for(replace(few, images=2_600))
    assert many.method is Method.SCRATCH
    assert "2,600 of them are enough" in many.because
