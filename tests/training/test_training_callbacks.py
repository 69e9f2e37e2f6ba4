from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import striate as st
from striate._types import Weights
from striate.errors import UsageError
from striate.training.callbacks import Callback, History
from striate.training.monitors import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from striate.training.simple_callbacks import LearningRateScheduler


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


def test_history_leaves_out_epochs_without_a_value_as_keras_does() -> None:
    history = History()
    for epoch, logs in enumerate(({"loss": 3.0}, {"loss": 2.0, "val_loss": 1.0}, {"loss": 1.0})):
        history.on_epoch_end(epoch, logs)
    assert (history.epoch, history.history) == ([0, 1, 2], {"loss": [3, 2, 1], "val_loss": [1]})


def test_aligned_history_has_lists_of_equal_lengths() -> None:
    history = History(aligned=True)
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
        UsageError, match=r"EarlyStopping monitors 'val_loss', .* only loss, accuracy\. Pass validation_data"
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


class Recorder(st.callbacks.Callback):
    """Remembers which hooks were called, and may stop the training after a step."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.calls: list[str] = []
        self.stop_after = stop_after

    def on_train_begin(self, logs: Any = None) -> None:
        self.calls.append("train_begin")

    def on_train_end(self, logs: Any = None) -> None:
        self.calls.append("train_end")

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.calls.append(f"begin {batch}")

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        self.calls.append(f"end {batch}")
        assert "loss" in logs
        if batch + 1 == self.stop_after:
            self.model.stop_training = True


def _small_model() -> st.Model:
    model = st.Sequential([st.Input((2,)), st.layers.Dense(2, activation="softmax")])
    model.compile("sgd")
    return model


X12, Y12 = np.arange(24).reshape(12, 2) % 5, np.arange(12) % 2


def test_batch_hooks_of_keras_are_called_by_both_names() -> None:
    recorder = Recorder()
    _small_model().fit(X12, Y12, batch_size=6, callbacks=[recorder], verbose=0)
    assert recorder.calls == ["train_begin", "begin 0", "end 0", "begin 1", "end 1", "train_end"]


def test_stop_training_within_an_epoch_ends_it_after_the_step() -> None:
    recorder = Recorder(stop_after=2)
    model = _small_model()
    history = model.fit(X12, Y12, batch_size=3, epochs=5, callbacks=[recorder], validation_data=(X12, Y12), verbose=0)
    assert recorder.calls[-1] == "train_end"
    assert recorder.calls.count("end 1") == 1
    assert "begin 2" not in recorder.calls
    assert len(history.history["val_loss"]) == 1  # as in Keras, the epoch is validated
    assert (model.iterations, model.epochs_done) == (2, 1)


@pytest.mark.parametrize(
    ("hook", "message"),
    [
        ("on_epoch_ends", r"Own\.on_epoch_ends is never called\. Did you mean 'on_epoch_end'\?"),
        ("on_test_started", r"Own\.on_test_started is never called\. Did you mean 'on_"),
        ("on_validation", r"Own\.on_validation is never called\."),
    ],
)
def test_hook_that_is_never_called_raises(hook: str, message: str) -> None:
    kind = type("Own", (st.callbacks.Callback,), {hook: lambda self, *_: None})
    with pytest.raises(UsageError, match=message):
        _small_model().fit(X12, Y12, callbacks=[kind()], verbose=0)
