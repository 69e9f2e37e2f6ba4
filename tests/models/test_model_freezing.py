"""Freezing as courses teach it: `trainable` of layers and models. The lists of paths are those of Keras 3.15.1."""

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import striate as st
from striate._types import Array
from striate.models.layer_weights import LayerVariable

layers = st.layers
RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 4)).astype(np.float32)
QUIET: Any = {"verbose": 0}


def base() -> st.Sequential:
    parts = [layers.Dense(3, name="a"), layers.BatchNormalization(name="n"), layers.Dropout(0.5, name="drop")]
    return st.Sequential([st.Input((4,)), *parts, layers.Dense(3, name="b")], name="base")


def paths(variables: list[LayerVariable]) -> list[str]:
    return [variable.path for variable in variables]


def changed(model: st.Model) -> list[str]:
    """Train, and return the names of the weights that changed."""
    before = model.named_weights
    model.fit(X, X[:, :2], epochs=2, **QUIET)
    return [name for name, array in model.named_weights.items() if not np.array_equal(array, before[name])]


def test_layers_are_frozen_from_the_next_compile_on() -> None:
    model = st.Sequential([st.Input((4,)), *base().layers, layers.Dense(2, name="out")])
    for layer in model.layers[:-2]:
        layer.trainable = False
    model.compile("sgd", "mse")
    assert paths(model.trainable_weights) == ["b/kernel", "b/bias", "out/kernel", "out/bias"]
    assert changed(model) == paths(model.trainable_variables)
    assert len(model.non_trainable_weights) == 6
    model.layers[0].trainable = True
    with pytest.warns(UserWarning, match="trainable of a layer was changed after compile, .* call compile again"):
        assert changed(model) == ["b/kernel", "b/bias", "out/kernel", "out/bias"]
    model.compile("sgd", "mse")
    assert changed(model) == ["a/kernel", "a/bias", "b/kernel", "b/bias", "out/kernel", "out/bias"]


def test_frozen_batch_normalization_works_as_in_inference() -> None:
    inner = st.Sequential([st.Input((4,)), layers.BatchNormalization(name="n")], name="inner")
    inner.trainable = False
    image = st.Input((4,))
    model = st.Model(image, layers.Dense(2, name="out")(inner(image)))
    model.compile("sgd", "mse")
    assert changed(model) == ["out/kernel", "out/bias"]
    assert model.evaluate(X, X[:, :2])["loss"] == pytest.approx(float(model.train_on_batch(X, X[:, :2])[0]), rel=1e-5)


def test_base_of_a_nested_model() -> None:
    """As in Keras, layers of a frozen base that are set to True again are trained by the outer model."""
    inner = base()
    inner.trainable = False
    assert (paths(inner.trainable_weights), len(inner.non_trainable_weights)) == ([], 8)
    assert not inner.layers[0].trainable
    image = st.Input((4,))
    model = st.Model(image, layers.Dense(2, name="out")(inner(image)))
    model.compile("sgd", "mse")
    assert changed(model) == ["out/kernel", "out/bias"]
    inner.layers[-1].trainable = True
    assert paths(inner.trainable_weights) == []
    model.compile("sgd", "mse")
    assert [name.removeprefix("base.") for name in changed(model)] == ["b/kernel", "b/bias", "out/kernel", "out/bias"]
    inner.trainable = True
    assert len(inner.trainable_weights) == 6


def test_layers_used_by_two_models_are_frozen_in_the_one_that_is_compiled() -> None:
    first = base()
    first.compile("sgd", "mse")
    first.trainable = False
    image = st.Input((4,))
    second = st.Model(image, layers.Dense(2, name="out")(first(image)))
    second.compile("sgd", "mse")
    before = first.named_weights
    second.fit(X, X[:, :2], **QUIET)
    assert all(np.array_equal(array, before[name]) for name, array in first.named_weights.items())
    assert not np.array_equal(first_step(first, X, X[:, :3])["a/kernel"], before["a/kernel"])


def first_step(model: st.Model, x: Array, y: Array) -> dict[str, Array]:
    model.train_on_batch(x, y)
    return dict(model.named_weights)


def test_argument_of_the_constructor() -> None:
    model = st.Sequential([st.Input((4,)), layers.Dense(3, trainable=False, name="a"), layers.Dense(2, name="out")])  # type: ignore[call-arg]
    model.compile("sgd", "mse")
    assert changed(model) == ["out/kernel", "out/bias"]
    later = st.Sequential([layers.Dense(3, name="a"), layers.Dense(2, name="b")], trainable=False)
    later.build((None, 4))
    assert paths(later.trainable_weights) == []


def test_layers_of_a_class() -> None:
    class Own(st.Model):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = layers.Dense(3, name="first"), layers.Dense(2, name="last")

        def call(self, x: Any) -> Any:
            return self.last(self.first(x))

    model = Own()
    model.first.trainable = False
    model.compile("sgd", "mse")
    model.fit(X, X[:, :2], **QUIET)
    assert changed(model) == ["last/kernel", "last/bias"]


def test_dropout_of_a_frozen_base_still_drops() -> None:
    model = st.Sequential([st.Input((4,)), layers.Dropout(0.5, name="drop"), layers.Dense(2, name="out")])
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    assert model.engine.settings.frozen_layers == ()


def test_names_passed_to_compile_are_frozen_too() -> None:
    model = st.Sequential([st.Input((4,)), layers.Dense(3, name="a"), layers.Dense(3, name="b"), layers.Dense(2)])
    model.layers[0].trainable = False
    model.compile("sgd", "mse", frozen_layers=["b"])
    assert changed(model) == ["dense/kernel", "dense/bias"]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_keep_frozen_layers(duplicate: Any) -> None:
    model = st.Sequential([st.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2, name="out")])
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    twin = duplicate(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert changed(twin) == ["out/kernel", "out/bias"]
    twin.layers[0].trainable = True
    assert not model.layers[0].trainable


def test_summary_counts_frozen_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    model = base()
    model.layers[0].trainable = False
    model.summary(line_length=200)
    assert "39 parameters (21 not trainable)" in capsys.readouterr().out
