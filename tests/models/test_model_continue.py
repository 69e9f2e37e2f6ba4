"""Saved models continue their training: compile settings and the state of the optimizer in the model file."""

import copy
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import striate as st
from striate.engines.optimizers import SGD, Adam, RMSprop
from striate.engines.schedules import ExponentialDecay
from striate.engines.weight_files import load_weights, save_weights
from striate.errors import ModelFileError, UsageError
from striate.training import Recipe, Run, RunRecord

layers = st.layers
RNG = np.random.default_rng(3)
X = RNG.integers(0, 256, (48, 6, 6, 1), np.uint8)
Y = (X.mean(axis=(1, 2, 3)) > 127).astype(int) + (X[:, 0, 0, 0] > 127)
QUIET: Any = {"verbose": 0, "batch_size": 16}


def model(**settings: Any) -> st.Sequential:
    parts = [layers.Rescale(), layers.Conv2D(3, 3, name="conv"), layers.BatchNormalization(name="norm")]
    made = st.Sequential(
        [st.Input((6, 6, 1)), *parts, layers.Flatten(), layers.Dropout(0.3), layers.Dense(3, activation="softmax")],
        seed=7,
    )
    made.compile(**({"optimizer": "adam"} | settings))
    return made


def same_bits(first: st.Model, second: st.Model) -> bool:
    other = second.named_weights
    return all(np.array_equal(array, other[name]) for name, array in first.named_weights.items())


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer": SGD(0.05, momentum=0.9), "global_clipnorm": 0.5},
        {"optimizer": RMSprop(), "learning_rate": 1e-3, "loss": "categorical_crossentropy"},
        {"loss": st.losses.CategoricalCrossentropy(label_smoothing=0.1, class_weights=(1.0, 2.0, 1.0))},
        {"frozen_layers": ["conv"], "metrics": ["accuracy"]},
        {"engine": "torch"},
        {"metrics": ["accuracy", st.metrics.SparseTopKCategoricalAccuracy(2), st.metrics.F1Score(average="macro")]},
        {"optimizer": SGD(ExponentialDecay(0.1, 4, 0.5), momentum=0.9)},
    ],
)
def test_loaded_model_continues_as_if_uninterrupted(settings: Any, tmp_path: Path) -> None:
    whole, first = model(**settings), model(**settings)
    expected = whole.fit(X, Y, epochs=4, **QUIET).history["loss"]
    first.fit(X, Y, epochs=2, **QUIET)
    first.save(tmp_path / "model.safetensors")
    loaded = st.load(tmp_path / "model.safetensors")
    history = loaded.fit(X, Y, epochs=4, initial_epoch=2, **QUIET)
    assert (history.epoch, history.history["loss"]) == ([2, 3], expected[2:])
    assert same_bits(loaded, whole)
    assert (loaded.iterations, loaded.epochs_done) == (12, 4)


def test_schedules_go_on_where_they_were(tmp_path: Path) -> None:
    whole, first = model(), model()
    whole.fit(X, Y, epochs=4, schedule="one_cycle", **QUIET)

    class Interrupt(st.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise KeyboardInterrupt

    saver = st.callbacks.ModelCheckpoint(tmp_path / "{epoch:02d}.safetensors")
    with pytest.raises(KeyboardInterrupt):
        first.fit(X, Y, epochs=4, schedule="one_cycle", callbacks=[saver, Interrupt()], **QUIET)
    loaded = st.load(tmp_path / "02.safetensors")
    loaded.fit(X, Y, epochs=4, initial_epoch=2, schedule="one_cycle", **QUIET)
    assert same_bits(loaded, whole)


def test_loaded_model_is_compiled(tmp_path: Path) -> None:
    own = model(optimizer=Adam(0.01, beta_1=0.8), metrics="accuracy")
    own.layers[1].trainable = False
    own.compile(Adam(0.01, beta_1=0.8))
    own.fit(X, Y, **QUIET)
    own.learning_rate = 0.002
    own.save(tmp_path / "model.safetensors")
    loaded = st.load(tmp_path / "model.safetensors")
    assert (loaded.learning_rate, loaded.iterations, loaded.seed) == (0.002, 3, 7)
    assert loaded.losses == own.losses
    assert [layer.trainable for layer in loaded.layers] == [layer.trainable for layer in own.layers]
    assert own.evaluate(X, Y) == loaded.evaluate(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert loaded.train_on_batch(X, Y) == own.train_on_batch(X, Y)
    assert same_bits(loaded, own)


def test_model_that_was_loaded_keeps_its_state_when_saved_again(tmp_path: Path) -> None:
    own = model()
    own.fit(X, Y, **QUIET)
    own.save(tmp_path / "first.safetensors")
    st.load(tmp_path / "first.safetensors").save(tmp_path / "second.safetensors")
    assert (tmp_path / "first.safetensors").read_bytes() == (tmp_path / "second.safetensors").read_bytes()
    twin = copy.deepcopy(st.load(tmp_path / "first.safetensors"))
    twin.fit(X, Y, epochs=2, initial_epoch=1, **QUIET)
    own.fit(X, Y, epochs=2, initial_epoch=1, **QUIET)
    assert same_bits(twin, own)


def test_logits_found_by_their_targets_stay_logits(tmp_path: Path) -> None:
    def logits() -> st.Sequential:
        made = st.Sequential([st.Input((6, 6, 1)), layers.Rescale(), layers.Flatten(), layers.Dense(3)])
        made.compile("adam")
        return made

    whole, first = logits(), logits()
    whole.fit(X, Y, epochs=2, **QUIET)
    first.fit(X, Y, **QUIET)
    first.save(tmp_path / "model.safetensors")
    loaded = st.load(tmp_path / "model.safetensors")
    loaded.fit(X, Y, epochs=2, initial_epoch=1, **QUIET)
    assert same_bits(loaded, whole)


def test_optimizer_can_be_left_out(tmp_path: Path) -> None:
    own = model()
    own.fit(X, Y, **QUIET)
    own.save(tmp_path / "with.safetensors")
    own.save(tmp_path / "without.safetensors", include_optimizer=False)
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("with", "without")]
    assert sizes[0] > sizes[1] + 8 * own.count_params() - 100
    with pytest.raises(UsageError, match="not compiled: call compile"):
        st.load(tmp_path / "without.safetensors").fit(X, Y, **QUIET)


def test_run_folders_have_no_state_in_the_model_file(tmp_path: Path) -> None:
    data = st.data.from_arrays(X, Y)
    recipe = Recipe(epochs=1, batch_size=16)
    model().train(data, run=Run.create(RunRecord(recipe, data.fingerprint), tmp_path / "run"), verbose=0)
    arrays, metadata = load_weights(tmp_path / "run/model.safetensors")
    assert "training" not in metadata
    assert not [name for name in arrays if ":" in name]


def test_own_objects_are_left_out_with_a_warning(tmp_path: Path) -> None:
    own = model(loss=CustomLoss())
    with pytest.warns(UserWarning, match=r"does not contain how 'sequential' was compiled: 'CustomLoss' is your own"):
        own.save(tmp_path / "model.safetensors")
    loaded = st.load(tmp_path / "model.safetensors")
    assert loaded.optimizer is None
    assert same_bits(loaded, own)


@dataclass(frozen=True)
class CustomLoss(st.losses.CategoricalCrossentropy):
    """A custom loss."""


def test_engine_that_is_not_there_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = model(engine="numpy")
    own.fit(X, Y, **QUIET)
    own.save(tmp_path / "model.safetensors")
    path = damaged(tmp_path, lambda saved: saved["arguments"].update(engine="torch", device="cuda:7"))
    loaded = st.load(path)
    with pytest.warns(UserWarning, match="compiled for another engine than it was saved with"):
        loaded.fit(X, Y, **QUIET)


def damaged(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change the saved training state in a file, with a checksum that fits."""
    arrays, metadata = load_weights(folder / "model.safetensors")
    change(metadata["training"])
    save_weights(folder / "changed.safetensors", arrays, metadata)
    return folder / "changed.safetensors"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda saved: saved.pop("seed"), "expected the entries"),
        (lambda saved: saved.update(iterations=-1), "'iterations' is -1"),
        (lambda saved: saved.update(epochs_done=True), "'epochs_done' is True"),
        (lambda saved: saved.update(learning_rate="a"), "'learning_rate' is 'a'"),
        (lambda saved: saved.update(frozen=["none"]), r"'frozen' is \['none'\]"),
        (lambda saved: saved.update(arguments=[]), r"'arguments' is \[\]"),
        (lambda saved: saved["arguments"].update(optimizer={"object": "Path", "settings": {}}), "no object 'Path'"),
        (lambda saved: saved["arguments"]["optimizer"]["settings"].update(learning_rate=-1), "above 0; received -1"),
        (lambda saved: saved["arguments"]["optimizer"].pop("settings"), "arguments of compile are invalid"),
    ],
)
def test_damaged_states_raise(change: Callable[[dict[str, Any]], object], message: str, tmp_path: Path) -> None:
    model().save(tmp_path / "model.safetensors")
    with pytest.raises(ModelFileError, match=f"is damaged: its training state is invalid: .*{message}"):
        st.load(damaged(tmp_path, change))


@pytest.mark.parametrize("change", ["missing", "shape"])
def test_optimizer_state_of_another_network_raises(change: str, tmp_path: Path) -> None:
    own = model()
    own.fit(X, Y, **QUIET)
    own.save(tmp_path / "model.safetensors")
    arrays, metadata = load_weights(tmp_path / "model.safetensors")
    name = next(name for name in arrays if name.startswith("optimizer:conv/kernel"))
    if change == "missing":
        del arrays[name]
    else:
        arrays[name] = np.zeros((2, 2), np.float32)
    save_weights(tmp_path / "model.safetensors", arrays, metadata)
    loaded = st.load(tmp_path / "model.safetensors")
    assert loaded.predict(X).shape == (48, 3)
    with pytest.raises(ModelFileError, match="saved state of the optimizer does not fit 'sequential'"):
        loaded.fit(X, Y, **QUIET)
