"""Batches for training, which depend neither on threads nor on processes."""

import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from striate.data import PHOTO_PRESETS, Augmentation, batches, epoch_order
from striate.engines.base import AugmentationParameters, Engine
from striate.engines.choose import make_engine
from striate.engines.initialization import initial_weights
from striate.errors import UsageError
from striate.network import Dense, Flatten, Input, Network
from striate.training import Recipe, Samples, loader
from striate.training.loader import BatchLoader

STRONG = PHOTO_PRESETS["strong"]
X = np.random.default_rng(0).integers(0, 256, (50, 8, 6, 3), dtype=np.uint8)
Y = np.random.default_rng(1).integers(0, 3, 50)


class Lazy:
    """Images with only a shape, a dtype, a length, and access to single rows."""

    def __init__(self, x: NDArray[Any]) -> None:
        self.shape, self.dtype, self.ndim, self._x = x.shape, x.dtype, x.ndim, x
        self.threads: set[int] = set()

    def __len__(self) -> int:
        return len(self._x)

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        assert isinstance(rows, np.ndarray), "a whole part must not be read at once"
        self.threads.add(threading.get_ident())
        return np.asarray(self._x[rows])


def engine(*inputs: Any, rank: int = 0, world_size: int = 1) -> Engine:
    input_layer = inputs[0] if inputs else Input((8, 6, 3))
    network = Network.sequential([input_layer, Flatten(), Dense(3, activation="softmax")], name="small")
    made = make_engine("numpy", network, initial_weights(network, 0))
    made.rank, made.world_size = rank, world_size
    return made


def load_epoch(augmentation: Augmentation | None, *, epoch: int = 0, start: int = 0, rank: int = 0, world_size: int = 1,
        x: Any = X, y: NDArray[Any] = Y) -> list[tuple[Samples, int]]:  # fmt: skip
    recipe = Recipe(batch_size=12, augmentation=augmentation, seed=5)
    return list(BatchLoader(Samples((x,), (y,)), recipe, engine(rank=rank, world_size=world_size)).epoch(epoch, start))


@pytest.mark.parametrize("small", [0, 1 << 20])
def test_batches_without_augmentation_follow_the_epoch_order(small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "SMALL_BATCH", small)
    order = epoch_order(50, 5, 3)
    found = load_epoch(None, epoch=3)
    assert [count for _, count in found] == [12, 12, 12, 12, 2]
    for (batch, count), part in zip(found, batches(50, 12), strict=True):
        assert len(batch) == count
        assert np.array_equal(batch.inputs[0], X[order[part]])
        assert np.array_equal(batch.targets[0], Y[order[part]])


def test_augmented_batches_equal_applied_parameters() -> None:
    order = epoch_order(50, 5, 3)
    for (batch, _), part in zip(load_epoch(STRONG, epoch=3), batches(50, 12), strict=True):
        changes = STRONG.sample(order[part], 5, 3, (8, 6, 3))
        assert changes.mixing is not None
        assert np.array_equal(batch.inputs[0], changes.apply(X[order[part]]))
        rows = np.eye(3)[Y[order[part]]]
        assert batch.targets[0] == pytest.approx(changes.mixing.mix_targets(rows))
        assert batch.targets[0].dtype == np.float32


def test_unmixed_targets_stay_class_numbers() -> None:
    found = load_epoch(PHOTO_PRESETS["standard"])
    assert np.array_equal(np.concatenate([batch.targets[0] for batch, _ in found]), Y[epoch_order(50, 5, 0)])


def test_continuous_targets_are_mixed_directly() -> None:
    y = np.random.default_rng(2).random((50, 3)).astype(np.float32)
    batch, _ = load_epoch(Augmentation(mixup=1.0), y=y)[0]
    index = epoch_order(50, 5, 0)[:12]
    mixing = Augmentation(mixup=1.0).sample(index, 5, 0, (8, 6, 3)).mixing
    assert mixing is not None
    own = mixing.ratios[:, None]
    assert batch.targets[0] == pytest.approx(own * y[index] + (1 - own) * y[index][mixing.partners])


@pytest.mark.parametrize("augmentation", [None, STRONG, PHOTO_PRESETS["light"]])
@pytest.mark.parametrize("world_size", [2, 3, 16])
def test_processes_together_equal_a_single_process(augmentation: Augmentation | None, world_size: int) -> None:
    single_process = load_epoch(augmentation)
    for rank in range(world_size):
        for (batch, count), (all_of_it, total) in zip(
            load_epoch(augmentation, rank=rank, world_size=world_size), single_process, strict=True
        ):
            assert count == total
            assert np.array_equal(batch.inputs[0], all_of_it.inputs[0][rank::world_size])
            assert np.array_equal(batch.targets[0], all_of_it.targets[0][rank::world_size])


@pytest.mark.parametrize("augmentation", [None, STRONG])
def test_epoch_can_be_resumed_at_any_step(augmentation: Augmentation | None) -> None:
    for (batch, _), (again, _) in zip(load_epoch(augmentation)[3:], load_epoch(augmentation, start=3), strict=True):
        assert np.array_equal(batch.inputs[0], again.inputs[0])
    assert load_epoch(augmentation, start=5) == []


@pytest.mark.parametrize("augmentation", [None, STRONG])
def test_mapped_pixels_are_read_batch_by_batch(
    augmentation: Augmentation | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "SMALL_BATCH", 0)
    lazy = Lazy(X)
    for (batch, _), (same, _) in zip(load_epoch(augmentation, x=lazy), load_epoch(augmentation), strict=True):
        assert np.array_equal(batch.inputs[0], same.inputs[0])
    assert threading.get_ident() not in lazy.threads


class SlowAugment:
    """An engine's `augment` that takes time, the first batch most of all."""

    def __init__(self) -> None:
        self.made, self.at_once, self.most = 0, 0, 0

    def __call__(self, x: NDArray[Any], parameters: AugmentationParameters) -> Any:
        self.made += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        time.sleep(0.05 / self.made)
        self.at_once -= 1
        return parameters.apply(x)


@pytest.mark.parametrize("threads", [1, 3])
def test_several_threads_keep_the_order(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "THREADS", threads)
    monkeypatch.setattr(loader, "PREFETCHED", 3)
    expected = load_epoch(STRONG)
    monkeypatch.setattr(type(engine()), "augment", slow := SlowAugment())
    for (batch, _), (same, _) in zip(load_epoch(STRONG), expected, strict=True):
        assert np.array_equal(batch.inputs[0], same.inputs[0])
    assert slow.most == threads


def test_loader_prepares_a_limited_number_of_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(engine()), "augment", slow := SlowAugment())
    recipe = Recipe(batch_size=2, augmentation=STRONG)
    coming = BatchLoader(Samples((X,), (Y,)), recipe, engine()).epoch(0)
    next(coming)
    time.sleep(0.2)
    assert slow.made == 1 + loader.PREFETCHED
    coming.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("loader")]


def test_exceptions_of_the_loader_threads_are_raised() -> None:
    with pytest.raises(IndexError, match="out of bounds"):
        load_epoch(replace(STRONG, mixup=0, cutmix=0), x=PartlyUnreadable(X))


class PartlyUnreadable(Lazy):
    """Images of which the second half cannot be read."""

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        return np.asarray(self._x[:25][rows])


def test_augmentation_of_other_inputs_than_images_raises() -> None:
    recipe = Recipe(augmentation=STRONG)
    rows = Samples((np.zeros((50, 4), np.float32),), (Y,))
    with pytest.raises(UsageError, match=r"images \(N, H, W, C\), and input 'x' takes other data\. Train without"):
        BatchLoader(rows, recipe, engine(Input((4,), name="x")))
    first = Samples((X.transpose(0, 3, 1, 2),), (Y,))
    with pytest.raises(UsageError, match=r"input 'x' takes them with channels first\. Train without augmentation"):
        BatchLoader(first, recipe, engine(Input((3, 8, 6), data_format="channels_first", name="x")))
    assert BatchLoader(rows, Recipe(), engine(Input((4,)))).steps == 1
