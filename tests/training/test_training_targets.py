"""Labels and numbers as targets in Python: standardized numbers, several labels, wrong combinations."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import striate as st
from striate.data import Dataset
from striate.engines.optimizers import Adam
from striate.errors import DataError, NetworkError, UsageError
from striate.network import Dense, Flatten, Input, Network, Rescale
from striate.network.outputs import with_output_activation
from striate.tasks import Decision, Task
from striate.training import Recipe
from striate.training.targets import TargetScaler

QUICK = Recipe(epochs=30, batch_size=20, optimizer=Adam(0.01))


def network(outputs: int, activation: str = "linear") -> Network:
    return Network.sequential(
        [Input((4, 4, 1)), Rescale(1 / 255), Flatten(), Dense(8, activation="relu"), Dense(outputs, activation)]
    )


def numbers(scale: float = 1.0, shift: float = 0.0) -> Dataset:
    """Images whose mean brightness is to be told, in any unit, and its negative."""
    x = np.random.default_rng(0).integers(0, 256, (300, 4, 4, 1), dtype=np.uint8)
    x[:] = (x * np.random.default_rng(1).random((300, 1, 1, 1))).astype(np.uint8)
    mean = x.mean(axis=(1, 2, 3)) * scale + shift
    return st.data.from_arrays(x, np.stack([mean, -2 * mean], axis=1), ["up", "down"], task="regression")


def relative_error(model: st.Model, data: Dataset) -> float:
    return float((np.abs(model.predict(data.test.x) - data.test.y) / data.test.y.std(axis=0)).mean())


@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (1e-4, 5), (1e5, -1e6)])
def test_numbers_in_any_unit_are_learned_with_the_same_settings(scale: float, shift: float) -> None:
    data = numbers(scale, shift)
    model = st.Model.from_network(network(2))
    model.train(data, QUICK, verbose=0)
    assert relative_error(model, data) < 0.15
    assert model.decision == Decision(Task.REGRESSION)
    assert model.figures["val_loss"] < 0.1  # in units of the variance


def test_training_further_starts_from_what_was_learned(tmp_path: Path) -> None:
    data = numbers(1e3, 1e4)
    model = st.Model.from_network(network(2))
    model.train(data, QUICK, verbose=0)
    before = model.predict(data.test.x)
    model.train(data, Recipe(epochs=1, batch_size=300, optimizer=Adam(1e-6)), verbose=0)
    assert model.predict(data.test.x) == pytest.approx(before, rel=1e-2, abs=100)
    model.save(tmp_path / "model.safetensors")
    assert np.array_equal(st.load(tmp_path / "model.safetensors").predict(data.test.x), model.predict(data.test.x))


@settings(max_examples=20, deadline=None)
@given(some.floats(-1e4, 1e4), some.floats(0.01, 1e3))
def test_fold_changes_the_output_and_unfold_takes_it_back(mean: float, std: float) -> None:
    model = st.Model.from_network(network(2), seed=1)
    scaler = TargetScaler(np.array([mean, 0.0]), np.array([std, 1.0]))
    x = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 1), dtype=np.uint8)
    plain, weights = model.predict(x), model.named_weights
    model.named_weights = scaler.fold(model.network, weights)
    expected = plain * [std, 1] + [mean, 0]
    assert model.predict(x) == pytest.approx(expected, rel=1e-4, abs=1e-4 * (abs(mean) + std))
    again = scaler.unfold(model.network, model.named_weights)
    for name, array in weights.items():
        assert again[name] == pytest.approx(array, rel=1e-4, abs=1e-5 * (1 + abs(mean) / std))


def test_constant_number_keeps_its_scale() -> None:
    scaler = TargetScaler.fit(np.array([[3.0, 1], [3, 2]]))
    assert scaler.std.tolist() == [1, 0.5]


def test_several_labels_are_learned() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random((300, 3)) < 0.4).astype(int)
    x = rng.integers(0, 80, (300, 4, 4, 1)).astype(np.uint8)
    x[:, :3, 0, 0] += (150 * y).astype(np.uint8)
    data = st.data.from_arrays(x, y, ["a", "b", "c"], task="multilabel")
    model = st.Model.from_network(network(3, "sigmoid"))
    model.train(data, QUICK, verbose=0)
    assert ((model.predict(data.test.x) > 0.5) == data.test.y).mean() > 0.95
    assert model.classes == ("a", "b", "c")
    assert model.losses == (st.losses.BinaryCrossentropy(),)


@pytest.mark.parametrize(
    ("y", "task", "message"),
    [
        (np.zeros((20, 2)) + 0.5, "multilabel", "0 and 1 only"),
        (np.zeros(20), "multilabel", "one row of 0 and 1"),
        (np.full(20, np.nan), "regression", "finite numbers"),
        (np.zeros((20, 2, 2)), "regression", r"\(N,\) or \(N, T\)"),
        (np.ones((20, 2), int), "multilabel", "same labels on all images"),
        (np.ones(20), "regression", "same number for all images"),
        (np.arange(20), "counting", "There is no task 'counting'"),
    ],
)
def test_invalid_targets_are_refused(y: np.ndarray, task: str, message: str) -> None:
    x = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 1), dtype=np.uint8)
    with pytest.raises((DataError, UsageError), match=message):
        st.data.from_arrays(x, y, task=task)


def test_networks_and_settings_that_do_not_fit_the_task() -> None:
    data = numbers()
    with pytest.raises(DataError, match=r"task of 'arrays' is regression, .* activation='linear'"):
        st.Model.from_network(network(2, "softmax")).train(data, QUICK, verbose=0)
    with pytest.raises(UsageError, match="class_weights is for classification"):
        st.Model.from_network(network(2)).train(data, Recipe(class_weights=True), verbose=0)
    with pytest.raises(DataError, match="3 outputs, but 'arrays' has 2 targets"):
        st.Model.from_network(network(3)).train(data, QUICK, verbose=0)
    with pytest.raises(NetworkError, match="rather than a softmax"):
        with_output_activation(network(2, "relu"), "sigmoid")
    without_bias = Network.sequential([Input((4, 4, 1)), Flatten(), Dense(2, use_bias=False)])
    with pytest.raises(NetworkError, match="no kernel and bias"):
        st.Model.from_network(without_bias).train(data, QUICK, verbose=0)
