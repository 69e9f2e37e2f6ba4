import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import training_job as job

import striate as st
from striate._types import Weights
from striate.data import Augmentation, batches, epoch_order
from striate.engines.base import TrainingSettings
from striate.engines.choose import make_engine
from striate.engines.initialization import initial_weights
from striate.engines.losses import CategoricalCrossentropy
from striate.engines.optimizers import SGD, Adam
from striate.errors import RunError, TrainingError
from striate.network import Dense, Flatten, Input, Rescale
from striate.training import ConstantSchedule, OneCycle, Recipe, Run, RunRecord, Samples, loop
from striate.training.callbacks import Callback, History
from striate.training.monitors import EarlyStopping
from striate.training.signals import TrainingStopped
from striate.training.simple_callbacks import LearningRateScheduler

QUIET: Any = {"verbose": 0}


@pytest.fixture(scope="module")
def data() -> st.data.Dataset:
    return job.data()


def softmax_regression(seed: int = 0) -> st.Model:
    layers = [Input((12, 10, 1)), Rescale(), Flatten(), Dense(3, activation="softmax", name="F")]
    return st.Sequential(layers, seed=seed)


class Recorder(Callback):
    """Record every hook."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self.calls.append("begin")

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self.calls.append("end")

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.calls.append(f"epoch {epoch}")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.calls.append(f"epoch {epoch} done: {' '.join(logs or {})}")

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.calls.append(f"batch {batch}")

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.calls.append(f"batch {batch} done: {' '.join(logs or {})}")


class StopAt(Callback):
    """Call a function at one step of the training."""

    def __init__(self, step: int, action: Any) -> None:
        self.left, self.action = step, action

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.left -= 1
        if self.left == 0:
            self.action()


class KilledError(Exception):
    """Raised instead of killing the process."""


def kill() -> None:
    raise KilledError


def same_weights(first: st.Model, second: st.Model) -> bool:
    return all(np.array_equal(array, second.named_weights[name]) for name, array in first.named_weights.items())


@pytest.mark.parametrize("augmentation", [None, Augmentation(rotation=30, shift=0.2)])
def test_fit_equals_a_training_loop_written_by_hand(data: st.data.Dataset, augmentation: Augmentation | None) -> None:
    """Compare with the same steps written by hand."""
    recipe = Recipe(3, 40, Adam(0.01), OneCycle(warmup=0.5), augmentation, seed=4)
    model = softmax_regression()
    history = model.train(data, recipe, **QUIET).history

    x, y = data.train.x, data.train.y
    network = softmax_regression().network
    engine = make_engine("numpy", network, initial_weights(network, 4))
    engine.compile(TrainingSettings(recipe.optimizer, [CategoricalCrossentropy()], seed=4))
    slices = batches(len(x), 40)
    step, losses, right = 0, [], []
    for epoch in range(3):
        order, loss, count = epoch_order(len(x), 4, epoch), 0.0, 0
        for part in slices:
            rows = order[part]
            pixels = x[rows] if augmentation is None else augmentation.apply(x[rows], rows, 4, epoch)
            rate = 0.01 * OneCycle(warmup=0.5)(step, 3 * len(slices), 3)
            result = engine.train_step([pixels], [y[rows]], learning_rate=rate, step=step)
            loss += result.loss * len(rows)
            count += int((result.outputs[0].argmax(axis=1) == y[rows]).sum())
            step += 1
        losses.append(loss / len(x))
        right.append(count / len(x))
    assert all(np.array_equal(array, model.named_weights[name]) for name, array in engine.weights.items())
    assert history["loss"] == pytest.approx(losses, rel=1e-12)
    assert history["accuracy"] == pytest.approx(right)
    assert history["val_accuracy"][-1] == pytest.approx(
        (model.predict(data.validation.x).argmax(axis=1) == data.validation.y).mean()
    )


def test_hooks_come_in_keras_order(data: st.data.Dataset) -> None:
    recorder = Recorder()
    few = data.train.take(np.arange(50))
    model = softmax_regression()
    model.compile()
    model.fit(few.x, few.y, epochs=2, batch_size=25, validation_data=(few.x, few.y), callbacks=[recorder], **QUIET)
    figures = "loss accuracy"
    epoch = ["batch 0", f"batch 0 done: {figures}", "batch 1", f"batch 1 done: {figures}"]
    ends = [f"epoch {number} done: {figures} val_loss val_accuracy" for number in range(2)]
    assert recorder.calls == ["begin", "epoch 0", *epoch, ends[0], "epoch 1", *epoch, ends[1], "end"]
    assert recorder.params == {"epochs": 2, "steps": 2, "samples": 50, "verbose": 0, "validates": True}


def test_callback_can_stop_training_and_set_the_learning_rate(data: st.data.Dataset) -> None:
    class StopAndSetRate(Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            self.model.stop_training = epoch == 1

    model = softmax_regression()
    model.compile(SGD(1.0))
    scheduler = LearningRateScheduler(lambda epoch: 0.5**epoch)
    history = model.fit(data.train.x, data.train.y, epochs=9, callbacks=[StopAndSetRate(), scheduler], **QUIET)
    assert history.epoch == [0, 1]
    assert history.history["learning_rate"] == [1, 0.5]


def test_second_fit_continues_order_and_steps(data: st.data.Dataset) -> None:
    x, y = data.train.x, data.train.y
    parts, single_process = (softmax_regression() for _ in range(2))
    for model, epochs in ((single_process, [3]), (parts, [1, 2])):
        model.compile()
        for count in epochs:
            model.fit(x, y, epochs=count, **QUIET)
    assert same_weights(parts, single_process)
    assert parts.iterations == single_process.iterations


def test_nan_loss_error_gives_position_and_remedy(data: st.data.Dataset) -> None:
    model = st.Sequential([Input((12, 10, 1)), Rescale(), Flatten(), Dense(1)])
    with pytest.raises(
        TrainingError,
        match=r"The loss became (nan|inf) at step \d+ \(epoch 1, batch \d+\) with a learning rate of 1e\+10\. Try",
    ):
        model.compile(SGD(1e10))
        model.fit(data.train.x, data.train.y.astype(float), **QUIET)


def test_last_batch_of_one_is_merged_into_the_previous_one(data: st.data.Dataset) -> None:
    sizes = []

    class BatchSizes(Callback):
        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            sizes.append(batch)

    model = job.model()  # with batch normalization
    model.compile()
    few = data.train.take(np.arange(41))
    history = model.fit(few.x, few.y, batch_size=20, callbacks=[BatchSizes()], **QUIET)
    assert sizes == [0, 1]
    assert np.isfinite(history.history["loss"][0])


def train_run(path: Path, data: st.data.Dataset, recipe: Recipe = job.RECIPE, *extra: Callback) -> History:
    run = Run.open(path) if (path / "config.json").exists() else Run.create(RunRecord(recipe, data.fingerprint), path)
    return job.model().train(data, run=run, callbacks=[*job.callbacks(), *extra], **QUIET)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, data: st.data.Dataset) -> Path:
    path = tmp_path_factory.mktemp("alone")
    train_run(path, data)
    return path


@pytest.mark.parametrize("step", [1, 56, 57, 130, 270])  # before early stopping can end it, whatever the exact loss
def test_interrupted_run_ends_with_identical_bits(
    tmp_path: Path, data: st.data.Dataset, uninterrupted: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
        train_run(tmp_path, data, job.RECIPE, StopAt(step, kill))
    train_run(tmp_path, data)
    for name in ("model.safetensors", "history.csv"):
        assert (tmp_path / name).read_bytes() == (uninterrupted / name).read_bytes()


def test_run_with_a_damaged_checkpoint_ends_with_identical_bits(
    tmp_path: Path, data: st.data.Dataset, uninterrupted: Path
) -> None:
    with pytest.raises(KilledError):
        train_run(tmp_path, data, job.RECIPE, StopAt(200, kill))
    newest = max((tmp_path / "checkpoints").iterdir())
    newest.write_bytes(newest.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="is damaged.*The checkpoint before it is used"):
        train_run(tmp_path, data)
    assert (tmp_path / "model.safetensors").read_bytes() == (uninterrupted / "model.safetensors").read_bytes()


def test_kill_between_history_and_checkpoint_does_not_change_the_result(
    tmp_path: Path, data: st.data.Dataset, uninterrupted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = len(Run.open(uninterrupted).read_history()["loss"])
    write = Run.write_history

    def write_and_die(run: Run, history: Any) -> None:
        write(run, history)
        if len(history["loss"]) == last:
            raise KilledError

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(Run, "write_history", write_and_die)
        train_run(tmp_path, data)
    (tmp_path / ".history.csv.1.tmp").write_text("half", encoding="utf-8")
    train_run(tmp_path, data)
    for name in ("model.safetensors", "history.csv"):
        assert (tmp_path / name).read_bytes() == (uninterrupted / name).read_bytes()
    assert not list(tmp_path.rglob("*.tmp"))


def test_kill_after_the_last_checkpoint_does_not_change_the_result(
    tmp_path: Path, data: st.data.Dataset, uninterrupted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_killed(model: st.Model, path: Path, **_: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(st.Model, "save", raise_killed)
        train_run(tmp_path, data)
    train_run(tmp_path, data)
    for name in ("model.safetensors", "history.csv"):
        assert (tmp_path / name).read_bytes() == (uninterrupted / name).read_bytes()


def test_resuming_a_finished_run_does_not_change_it(tmp_path: Path, data: st.data.Dataset, uninterrupted: Path) -> None:
    train_run(tmp_path, data)
    history = train_run(tmp_path, data)
    assert history.history == Run.open(uninterrupted).read_history()
    assert (tmp_path / "model.safetensors").read_bytes() == (uninterrupted / "model.safetensors").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_save_the_state_and_print_how_to_resume(
    tmp_path: Path, data: st.data.Dataset, uninterrupted: Path, number: signal.Signals
) -> None:
    usual = signal.getsignal(number)
    stop = StopAt(len(batches(len(data.train), 10)) + 3, partial(signal.raise_signal, number))
    with pytest.raises(
        KeyboardInterrupt, match=r"Stopped in epoch 2 after 3 of \d+ steps\. Everything is saved"
    ) as caught:
        train_run(tmp_path, data, job.RECIPE, stop)
    assert str(caught.value).endswith(f"continue with: striate train --resume {tmp_path}")
    assert signal.getsignal(number) is usual
    train_run(tmp_path, data)
    assert (tmp_path / "model.safetensors").read_bytes() == (uninterrupted / "model.safetensors").read_bytes()


def test_ctrl_c_without_a_run_stops_between_steps(data: st.data.Dataset) -> None:
    model = softmax_regression()
    model.compile()
    stop = StopAt(2, partial(signal.raise_signal, signal.SIGINT))
    with pytest.raises(KeyboardInterrupt, match="Stopped in epoch 1 after 2 of"):
        model.fit(data.train.x, data.train.y, callbacks=[stop], **QUIET)
    assert model.iterations == 2


def test_model_keeps_the_weights_of_the_last_step_after_ctrl_c_and_trains_on(data: st.data.Dataset) -> None:
    stopped, twin = softmax_regression(), softmax_regression()
    stopped.compile()
    twin.compile()
    stop = StopAt(2, partial(signal.raise_signal, signal.SIGINT))
    with pytest.raises(TrainingStopped) as caught:
        stopped.fit(data.train.x, data.train.y, batch_size=50, callbacks=[stop], **QUIET)
    assert caught.value._render_traceback_() == [str(caught.value)]  # what a notebook shows
    kept: list[Weights] = []
    record = Callback()
    record.on_train_batch_end = lambda batch, logs=None: kept.append(twin.named_weights)  # type: ignore[method-assign]
    twin.fit(data.train.x, data.train.y, batch_size=50, callbacks=[record], **QUIET)
    for name, array in stopped.named_weights.items():
        np.testing.assert_array_equal(array, kept[1][name])
    before = stopped.evaluate(data.validation.x, data.validation.y)["loss"]
    stopped.fit(data.train.x, data.train.y, batch_size=50, epochs=2, **QUIET)
    assert stopped.evaluate(data.validation.x, data.validation.y)["loss"] < before


def rates(history: History) -> Sequence[float]:
    return history.history["learning_rate"]


def test_extending_a_finished_run_starts_a_new_cycle(tmp_path: Path, data: st.data.Dataset) -> None:
    recipe = Recipe(2, 50, schedule=OneCycle(), seed=1)
    run = Run.create(RunRecord(recipe, data.fingerprint), tmp_path)
    first = job.model().train(data, run=run, **QUIET)
    run.extend(4)
    both = job.model().train(data, run=run, **QUIET)
    assert both.epoch == [0, 1, 2, 3]
    assert rates(both)[:2] == rates(first)
    assert rates(both)[2:] == pytest.approx(rates(first))  # two more epochs: the same cycle again
    assert run.read_history() == both.history
    assert both.history["loss"][3] < both.history["loss"][1]


def test_run_that_stopped_early_can_be_extended(tmp_path: Path, data: st.data.Dataset) -> None:
    def stopping() -> EarlyStopping:
        return EarlyStopping("loss", mode="max", patience=2)  # the loss decreases, so it stops after three epochs

    run = Run.create(RunRecord(Recipe(5, 50, schedule=ConstantSchedule()), data.fingerprint), tmp_path)
    assert job.model().train(data, run=run, callbacks=[stopping()], **QUIET).epoch == [0, 1, 2]
    assert job.model().train(data, run=run, callbacks=[stopping()], **QUIET).epoch == [0, 1, 2]
    run.extend(6)
    assert job.model().train(data, run=run, callbacks=[stopping()], **QUIET).epoch == [0, 1, 2, 3, 4]


def test_run_with_other_data_raises(tmp_path: Path, data: st.data.Dataset) -> None:
    run = Run.create(RunRecord(job.RECIPE, data.fingerprint), tmp_path)
    other = st.data.from_arrays(data.train.x, data.train.y)
    with pytest.raises(RunError, match="was started with different data"):
        job.model().train(other, run=run, **QUIET)


def test_full_disk_raises_and_the_run_can_be_resumed(
    tmp_path: Path, data: st.data.Dataset, uninterrupted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from striate import files

    def raise_disk_full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(RunError, match="The disk is full"):
        train_run(
            tmp_path, data, job.RECIPE, StopAt(100, lambda: patch.setattr(files, "_write_and_sync", raise_disk_full))
        )
    train_run(tmp_path, data)
    assert (tmp_path / "model.safetensors").read_bytes() == (uninterrupted / "model.safetensors").read_bytes()


def test_one_line_is_printed_per_epoch(data: st.data.Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    model = softmax_regression()
    model.compile()
    few = data.train.take(np.arange(50))
    model.fit(few.x, few.y, epochs=2, batch_size=100, validation_data=(few.x, few.y))
    note, *lines = capsys.readouterr().out.splitlines()
    assert note == "There are only 50 training samples, fewer than batch_size=100: each step uses all of them."
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert all(name in lines[0] for name in ("loss ", "accuracy ", "val_loss ", "val_accuracy ", "images/s"))


def test_progress_bar_keeps_the_printed_lines(data: st.data.Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    model = softmax_regression()
    model.compile()
    model.fit(data.train.x, data.train.y, epochs=2, batch_size=1, verbose=1)
    out = capsys.readouterr().out
    assert "epoch 1/2  loss " in out
    assert "epoch 2/2  loss " in out


def test_samples_can_be_floats(data: st.data.Dataset) -> None:
    samples = Samples((data.train.x.astype(np.float32),), (data.train.y,))
    model = softmax_regression()
    model.compile()
    other = softmax_regression()
    other.compile()
    model.fit(samples.inputs[0], samples.targets[0], **QUIET)
    other.fit(data.train.x, data.train.y, **QUIET)
    assert same_weights(model, other)
