from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate._types import Weights
from striate.errors import UsageError
from striate.training.callbacks import (
    Callback,
    EarlyStopping,
    History,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)


class FakeEngine:
    def __init__(self) -> None:
        self.weights: Weights = {"k": np.zeros(1)}


class FakeModel:
    """The parts of a model that callbacks use."""

    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.stop_training = False
        self.learning_rate = 1.0
        self.figures: dict[str, float] = {}
        self.saved: list[str] = []

    def save(self, path: Path) -> None:
        self.saved.append(path.name)

    def save_weights(self, path: Path) -> None:
        self.saved.append(f"weights of {path.name}")


def run_epochs(callback: Callback, values: Sequence[float], monitor: str = "val_loss", *, first: int = 0) -> Any:
    """Run epochs with these values of a metric; the weights of epoch e are [e]."""
    model: Any = FakeModel()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values, start=first):
        callback.on_epoch_begin(epoch)
        model.engine.weights = {"k": np.array([float(epoch)])}
        callback.on_epoch_end(epoch, {"loss": 0.5, monitor: value})
        if model.stop_training:
            break
    callback.on_train_end()
    return model


def test_history_lists_have_equal_lengths() -> None:
    history = History()
    for epoch, logs in enumerate(({"loss": 3.0}, {"loss": 2.0, "own": 1.0}, {"loss": 1.0})):
        history.on_epoch_end(epoch, logs)
    assert history.epoch == [0, 1, 2]
    assert history.history["loss"] == [3, 2, 1]
    np.testing.assert_array_equal(history.history["own"], [np.nan, 1, np.nan])


def test_early_stopping_counts_epochs_without_improvement() -> None:
    callback = EarlyStopping(patience=2)
    model = run_epochs(callback, [5, 4, 4.5, 4.2, 1])
    assert model.stop_training
    assert (callback.stopped_epoch, callback.best_epoch, callback.best) == (3, 1, 4)
    assert model.engine.weights["k"] == [3]


def test_early_stopping_restores_the_best_weights_and_their_metrics() -> None:
    model = run_epochs(EarlyStopping(patience=2, restore_best_weights=True), [5, 4, 4.5, 4.2])
    assert model.engine.weights["k"] == [1]
    assert model.figures == {"loss": 0.5, "val_loss": 4}


def test_early_stopping_restores_best_weights_without_stopping() -> None:
    model = run_epochs(EarlyStopping(patience=9, restore_best_weights=True), [5, 4, 4.5])
    assert not model.stop_training
    assert model.engine.weights["k"] == [1]


def test_accuracies_improve_when_higher() -> None:
    assert not run_epochs(EarlyStopping("val_accuracy"), [0.5, 0.6, 0.7], "val_accuracy").stop_training
    assert run_epochs(EarlyStopping("val_accuracy", mode="min", patience=1), [0.5, 0.6], "val_accuracy").stop_training


def test_improvements_below_min_delta_do_not_count() -> None:
    assert run_epochs(EarlyStopping(min_delta=0.1, patience=1), [1, 0.95]).stop_training


def test_nan_is_never_the_best() -> None:
    callback = EarlyStopping(patience=3)
    run_epochs(callback, [float("nan"), 3, 2])
    assert callback.best == 2


def test_missing_metric_raises_an_error_with_its_name() -> None:
    with pytest.raises(
        UsageError, match=r"EarlyStopping watches 'val_loss', .* only loss, accuracy\. Pass validation_data"
    ):
        run_epochs(EarlyStopping(), [1], "accuracy")


def test_best_only_checkpoints(tmp_path: Path) -> None:
    callback = ModelCheckpoint(tmp_path / "m-{epoch:02d}-{val_loss:.1f}.safetensors", save_best_only=True)
    assert run_epochs(callback, [3, 4, 2.5]).saved == ["m-01-3.0.safetensors", "m-03-2.5.safetensors"]


def test_weights_only_checkpoints_of_every_epoch() -> None:
    model = run_epochs(ModelCheckpoint("w{epoch}", save_weights_only=True), [3, 4])
    assert model.saved == ["weights of w1", "weights of w2"]


def test_checkpoints_every_few_steps() -> None:
    callback = ModelCheckpoint("e{epoch}-b{batch}", save_freq=3)
    model: Any = FakeModel()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch in range(2):
        callback.on_epoch_begin(epoch)
        for batch in range(4):
            callback.on_train_batch_end(batch, {"loss": 1.0})
        callback.on_epoch_end(epoch, {"loss": 1.0})
    assert model.saved == ["e1-b3", "e2-b2"]


def test_missing_field_of_the_path_raises_an_error_with_its_name() -> None:
    with pytest.raises(UsageError, match="contains the field 'val_f1'; the available fields are loss, val_loss, epoch"):
        run_epochs(ModelCheckpoint("m-{val_f1}"), [1])


def test_learning_rate_scheduler_takes_one_or_two_arguments() -> None:
    assert run_epochs(LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)), [1, 1]).learning_rate == 0.05
    assert run_epochs(LearningRateScheduler(lambda epoch, rate: rate / 2), [1, 1, 1]).learning_rate == 0.125


def test_plateau_lowers_the_rate_waits_and_stops_at_the_minimum() -> None:
    callback = ReduceLROnPlateau(factor=0.1, patience=2, min_lr=0.05)
    assert run_epochs(callback, [1, 1, 1]).learning_rate == pytest.approx(0.1)
    assert run_epochs(callback, [1] * 5).learning_rate == 0.05
    assert run_epochs(ReduceLROnPlateau(factor=0.1, patience=1, cooldown=3), [1] * 4).learning_rate == pytest.approx(
        0.1
    )
    assert run_epochs(ReduceLROnPlateau(factor=0.1, patience=1, cooldown=3), [1] * 5).learning_rate == pytest.approx(
        0.01
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: EarlyStopping(patience=3, restore_best_weights=True),
        lambda: ReduceLROnPlateau(patience=1, cooldown=1),
        lambda: ModelCheckpoint("m{epoch}", save_best_only=True),
        History,
    ],
)
def test_callback_continues_from_its_state(make: Any) -> None:
    values = [5, 4, 4.5, 4.2, 3, 3.5]
    single_process, first, second = make(), make(), make()
    run_epochs(single_process, values)
    run_epochs(first, values[:3])
    second.set_model(FakeModel())
    second.on_train_begin()
    second.restore(first.state())
    for epoch in (3, 4, 5):
        second.on_epoch_begin(epoch)
        second.model.engine.weights = {"k": np.array([float(epoch)])}
        second.on_epoch_end(epoch, {"loss": 0.5, "val_loss": values[epoch]})
    assert second.state() == single_process.state()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EarlyStopping(mode="best"), "mode must be 'auto', 'min' or 'max'; received 'best'"),  # type: ignore[arg-type]
        (lambda: ModelCheckpoint("m", save_freq=0), "save_freq must be 'epoch' or a number of steps; received 0"),
        (lambda: ReduceLROnPlateau(factor=1.5), r"factor must be above 0 and below 1; received 1\.5"),
    ],
)
def test_invalid_settings_raise(make: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()
