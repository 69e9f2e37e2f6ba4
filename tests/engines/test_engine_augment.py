"""Augmentation on PyTorch's devices agrees with NumPy's, within one gray level."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from striate.data import PHOTO_PRESETS, Augmentation, AugmentationParameters
from striate.engines.base import TrainingSettings
from striate.engines.initialization import initial_weights
from striate.engines.losses import CategoricalCrossentropy
from striate.engines.optimizers import SGD
from striate.engines.torch import TorchEngine
from striate.engines.torch.augment import augment
from striate.network import Dense, Flatten, Input, Network

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
PART = st.floats(0, 1).map(lambda value: round(value, 2)) | st.just(0.0)


def intervals(least: float, most: float) -> st.SearchStrategy[tuple[float, float]]:
    return st.tuples(st.floats(least, most), st.floats(least, most)).map(lambda pair: (min(pair), max(pair)))


AUGMENTATIONS = st.builds(
    Augmentation,
    rotation=st.floats(0, 180) | st.just(0.0),
    shift=PART,
    zoom=intervals(0.1, 10),
    shear=st.floats(0, 60),
    stretch=intervals(0.5, 2),
    flip_horizontal=st.booleans(),
    flip_vertical=st.booleans(),
    crop=intervals(0.01, 1),
    crop_aspect=intervals(0.5, 2),
    fill=st.sampled_from(["black", "edge", "reflect"]),
    brightness=PART,
    contrast=PART,
    saturation=PART,
    hue=PART.map(lambda part: part / 2),
    gray=PART,
    erase=PART,
    mixup=PART,
    cutmix=PART,
)


def pixels(n: int, height: int, width: int, channels: int) -> NDArray[np.uint8]:
    """Return noise, which shows the largest difference when a position is slightly wrong."""
    return np.random.default_rng(n).integers(0, 256, (n, height, width, channels), dtype=np.uint8)


def augmented_by_torch(x: NDArray[np.uint8], changes: AugmentationParameters, device: str = "cpu") -> torch.Tensor:
    return augment(torch.from_numpy(x).to(device).permute(0, 3, 1, 2), changes)


@pytest.mark.parametrize("device", DEVICES)
@settings(deadline=None, max_examples=150)
@given(
    augmentation=AUGMENTATIONS, n=st.integers(1, 6), height=st.integers(1, 20), width=st.integers(1, 20),
    channels=st.sampled_from([1, 3]), seed=st.integers(0, 99), world_size=st.integers(1, 3),
)  # fmt: skip
def test_torch_augmentation_equals_numpy(
    device: str, augmentation: Augmentation, n: int, height: int, width: int, channels: int, seed: int, world_size: int
) -> None:
    x = pixels(n, height, width, channels)
    changes = augmentation.sample(np.arange(n), seed, 1, x.shape[1:], world_size=world_size)
    expected, found = changes.apply(x[changes.indices]), augmented_by_torch(x[changes.indices], changes, device)
    assert found.dtype == torch.float32
    assert found.shape == (len(expected), channels, height, width)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert np.abs(found.permute(0, 2, 3, 1).cpu().numpy() - expected).max(initial=0) <= 1


@pytest.mark.parametrize("device", DEVICES)
def test_torch_augmentation_of_photographs_has_no_bias(device: str) -> None:
    x = pixels(40, 61, 47, 3)
    changes = PHOTO_PRESETS["strong"].sample(np.arange(40), 0, 0, x.shape[1:])
    difference = augmented_by_torch(x, changes, device).permute(0, 2, 3, 1).cpu().numpy() - changes.apply(x)
    assert np.abs(difference).max() < 0.6
    assert abs(difference.mean()) < 0.01


def test_augmentation_of_an_image_does_not_depend_on_its_batch() -> None:
    x = pixels(9, 30, 20, 3)
    unmixed = replace(PHOTO_PRESETS["strong"], mixup=0, cutmix=0)
    together = augmented_by_torch(x, unmixed.sample(np.arange(9), 0, 0, x.shape[1:]))
    for row in range(9):
        separate = augmented_by_torch(x[row : row + 1], unmixed.sample(np.array([row]), 0, 0, x.shape[1:]))
        assert torch.allclose(separate[0], together[row], atol=1e-3)


def test_float_images_are_moved_and_mixed() -> None:
    x = torch.rand(4, 3, 9, 7)
    changes = Augmentation(rotation=180, mixup=1.0, cutmix=1.0).sample(np.arange(4), 0, 0, (9, 7, 3))
    expected = changes.apply(x.permute(0, 2, 3, 1).contiguous().numpy())
    assert augment(x, changes).permute(0, 2, 3, 1).numpy() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("device", DEVICES)
def test_engine_trains_on_augmented_images(device: str) -> None:
    network = Network.sequential([Input((8, 6, 3)), Flatten(), Dense(2, activation="softmax")], name="small")
    weights = initial_weights(network, 0)
    losses = []
    for chosen in ("numpy", "torch"):
        engine = TorchEngine(network, weights, device=device)
        engine.compile(TrainingSettings(SGD(1e-4), [CategoricalCrossentropy()]))
        x = pixels(5, 8, 6, 3)
        changes = PHOTO_PRESETS["standard"].sample(np.arange(5), 0, 0, x.shape[1:])
        changed = engine.augment(x, changes) if chosen == "torch" else changes.apply(x)
        targets = [np.array([0, 1, 0, 1, 1])]
        losses.append(engine.train_step([changed], targets, learning_rate=1e-4, step=0).loss)
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
