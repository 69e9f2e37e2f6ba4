"""Arguments and results of callbacks as in Keras; the numbers are those of Keras 3.15.1."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import striate as st
from striate.callbacks import (
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from striate.errors import RunError, TrainingError, UsageError

X, Y = np.arange(24.0).reshape(12, 2) % 5, np.arange(12) % 2
QUIET: Any = {"verbose": 0}


def model(rate: float = 0.1) -> st.Sequential:
    made = st.Sequential([st.Input((2,)), st.layers.Dense(2, activation="softmax")])
    made.compile("sgd", learning_rate=rate)
    return made


class Values(st.callbacks.Callback):
    """Replaces the validation loss, so that later callbacks see these values."""

    def __init__(self, *values: float) -> None:
        self.values = values

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["val_loss"] = self.values[epoch]


@pytest.mark.parametrize(
    ("settings", "values", "stopped", "best"),
    [
        ({"baseline": 2.0, "patience": 2}, (3, 2.5, 2.4, 1.9, 1.8, 1.7), 0, 5),
        ({"baseline": 2.0, "patience": 3}, (3, 2.5, 1.9, 1.95, 1.96), 0, 2),
        ({"baseline": 2.0, "patience": 2}, (3, 2.5, 1.9, 1.95, 1.96, 1.97), 4, 2),
        ({"start_from_epoch": 3, "patience": 2}, (1, 2, 3, 2, 2.5, 2.6), 5, 3),
        ({"start_from_epoch": 1, "patience": 1}, (1, 2, 3, 2, 2.5, 2.6), 2, 1),
        ({"patience": 0}, (1, 1, 1), 1, 0),
        ({"patience": 2, "min_delta": 0.5}, (3, 3, 3, 2, 3), 2, 0),
    ],
)
def test_early_stopping(settings: Any, values: tuple[float, ...], stopped: int, best: int) -> None:
    callback = EarlyStopping(**settings)
    model().fit(X, Y, epochs=len(values), callbacks=[Values(*values), callback], **QUIET)
    assert (callback.stopped_epoch, callback.best_epoch) == (stopped, best)


@pytest.mark.parametrize("monitor", ["val_acc", "val_accuracy", "acc"])
def test_acc_means_accuracy(monitor: str) -> None:
    callback = EarlyStopping(monitor, patience=3)
    model().fit(X, Y, validation_data=(X, Y), callbacks=callback, **QUIET)
    assert callback.best is not None and 0 <= callback.best <= 1
    assert callback.sign == 1


def test_monitor_waits_for_the_next_validation() -> None:
    callback = EarlyStopping(patience=9)
    settings: Any = {"validation_data": (X, Y), "validation_freq": 2, "callbacks": [callback, ReduceLROnPlateau()]}
    history = model().fit(X, Y, epochs=5, **settings, **QUIET)
    assert callback.best == history.history["val_loss"][1]
    with pytest.raises(UsageError, match=r"monitors 'val_los', .* only loss, accuracy, val_loss, .* mean 'val_loss'"):
        model().fit(X, Y, validation_data=(X, Y), callbacks=EarlyStopping("val_los"), **QUIET)
    with pytest.raises(UsageError, match=r"monitors 'val_loss', .* Pass validation_data to fit"):
        model().fit(X, Y, callbacks=EarlyStopping(), **QUIET)


def test_verbose_prints_what_is_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    callbacks = [
        Values(3, 4, 5),
        ModelCheckpoint(tmp_path / "{epoch:02d}-{val_loss:.2f}.safetensors", save_best_only=True, verbose=1),
        ReduceLROnPlateau(patience=1, factor=0.5, verbose=1),
        LearningRateScheduler(lambda epoch, rate: rate, verbose=1),
        EarlyStopping(patience=2, restore_best_weights=True, verbose=1),
    ]
    model().fit(X, Y, epochs=3, callbacks=callbacks, **QUIET)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "Epoch 1: the learning rate is 0.1.",
        f"Epoch 1: val_loss 3.00000 is the best so far; saved to '{tmp_path}/01-3.00.safetensors'.",
        "Epoch 2: the learning rate is 0.1.",
        "Epoch 2: val_loss 4.00000 is not better than 3.",
        "Epoch 2: the learning rate is reduced to 0.05.",
        "Epoch 3: the learning rate is 0.05.",
        "Epoch 3: val_loss 5.00000 is not better than 3.",
        "Epoch 3: the learning rate is reduced to 0.025.",
        "Epoch 3: val_loss has not improved for 2 epochs, so training stops.",
        "Epoch 1: the weights of this epoch, the best one, are restored.",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["01-3.00.safetensors"]


def test_learning_rate_is_in_the_history_where_callbacks_set_it() -> None:
    history = model().fit(X, Y, epochs=3, callbacks=[LearningRateScheduler(lambda epoch, rate: rate / 2)], **QUIET)
    assert history.history["learning_rate"] == [0.05, 0.025, 0.0125]
    history = model().fit(X, Y, epochs=2, callbacks=[Values(1, 1), ReduceLROnPlateau(factor=0.5, patience=1)], **QUIET)
    assert history.history["learning_rate"] == [0.1, 0.1]  # before the reduction, as in Keras
    assert set(model().fit(X, Y, **QUIET).history) == {"loss", "accuracy"}


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"period": 2}, ["2", "4"]),
        ({"save_best_only": True, "initial_value_threshold": 1.5}, ["3"]),
        ({"save_freq": 3, "save_weights_only": True}, ["2", "3"]),
    ],
)
def test_model_checkpoint(settings: Any, names: list[str], tmp_path: Path) -> None:
    saver = ModelCheckpoint(tmp_path / "{epoch}", **settings)
    model().fit(X, Y, 6, epochs=4, callbacks=[Values(3, 2, 1, 2), saver], **QUIET)
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_csv_logger(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    own = model()
    history = own.fit(X, Y, epochs=2, callbacks=[CSVLogger(path)], **QUIET).history
    rows = [line.split(",") for line in path.read_text("utf-8").splitlines()]
    assert rows[0] == ["epoch", "loss", "accuracy"]
    assert [row[0] for row in rows[1:]] == ["0", "1"]
    assert [float(row[1]) for row in rows[1:]] == history["loss"]
    again: Any = {"validation_data": (X, Y), "validation_freq": 2, "callbacks": [CSVLogger(path, append=True)]}
    own.fit(X, Y, epochs=4, initial_epoch=2, **again, **QUIET)
    rows = [line.split(",") for line in path.read_text("utf-8").splitlines()]
    assert rows[0] == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert [(row[0], row[3] == "NA") for row in rows[1:]] == [("0", True), ("1", True), ("2", True), ("3", False)]
    own.fit(X, Y, callbacks=[CSVLogger(path, separator=";")], **QUIET)
    assert path.read_text("utf-8").startswith("epoch;loss;accuracy\n0;")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RunError, match="could not be read"):
        own.fit(X, Y, callbacks=[CSVLogger(path, append=True)], **QUIET)


def test_terminate_on_nan(capsys: pytest.CaptureFixture[str]) -> None:
    def diverge(callbacks: Any) -> Any:
        own = st.Sequential([st.Input((2,)), st.layers.Dense(1)])
        own.compile("sgd", "mse", learning_rate=1e30)
        with np.errstate(all="ignore"):
            return own.fit(X, Y, 4, epochs=5, callbacks=callbacks, **QUIET)

    with pytest.raises(TrainingError, match="The loss became"):
        diverge(None)
    with pytest.raises(TrainingError, match="The loss became"):
        diverge(TerminateOnNaN(raise_error=True))
    history = diverge([TerminateOnNaN()])
    assert len(history.history["loss"]) == 1
    assert not math.isfinite(history.history["loss"][0])
    assert "the loss is not a finite number, so training stops" in capsys.readouterr().out


def test_lambda_callback() -> None:
    seen: list[Any] = []
    call = LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((epoch, sorted(logs))),
        on_train_begin=seen.append,
        on_test_batch_end=lambda batch, logs: seen.append(batch),
    )
    model().fit(X, Y, epochs=1, validation_data=(X, Y), callbacks=[call], **QUIET)
    assert seen == [{}, 0, (0, ["accuracy", "loss", "val_accuracy", "val_loss"])]
    with pytest.raises(UsageError, match=r"LambdaCallback\.on_epoch_ends is never called\. Did you mean"):
        model().fit(X, Y, callbacks=[LambdaCallback(on_epoch_ends=print)])
    with pytest.raises(UsageError, match="'epoch_end' is not a hook"):
        LambdaCallback(epoch_end=print)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("BackupAndRestore", "a run folder resumes training after any step"),
        ("RemoteMonitor", "nothing over the network"),
        ("ProgbarLogger", "verbose=1"),
        ("SwapEMAWeights", "ema_decay=0.99"),
        ("OrbaxCheckpoint", "use ModelCheckpoint"),
    ],
)
def test_callbacks_that_are_missing_say_what_to_write(name: str, advice: str) -> None:
    with pytest.raises(UsageError, match=f"There is no callback {name}: .*{advice}"):
        getattr(st.callbacks, name)
    with pytest.raises(AttributeError):
        _ = st.callbacks.EarlyStoping


def test_state_and_parameters_of_a_callback() -> None:
    class Look(st.callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            assert (self.params["epochs"], self.params["steps"], self.params["verbose"]) == (2, 3, 0)
            assert self.model.iterations == 0

    history = model().fit(X, Y, 4, 2, callbacks=[Look()], **QUIET)
    assert (history.epoch, history.params["steps"], history.model.iterations) == ([0, 1], 3, 6)


@pytest.mark.parametrize("name", ["a.h5", "m.keras", "params.pkl", "w.npz"])
def test_names_of_other_formats_are_refused(name: str, tmp_path: Path) -> None:
    own, path = model(), tmp_path / name
    calls = (own.save, own.save_weights, ModelCheckpoint)
    for call in calls:
        with pytest.raises(UsageError, match=rf"ends in \.safetensors; received .* Use '.*{path.stem}\.safetensors'"):
            call(path)
    assert not list(tmp_path.iterdir())
