"""Chains without Input, adding and removing layers, and models and layers as classes, as in Keras."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import striate as st
from striate.errors import NetworkError, UsageError
from striate.training import Recipe

layers = st.layers
RNG = np.random.default_rng(0)
X = RNG.random((24, 6, 6, 1)).astype("float32")
Y = np.arange(24) % 3


def chain(**settings: Any) -> st.Sequential:
    model = st.Sequential(**settings)
    model.add(layers.Conv2D(4, 3, activation="relu"))
    model.add(layers.Flatten())
    model.add(layers.Dense(3, activation="softmax"))
    return model


def test_chain_without_input_is_built_for_the_first_batch() -> None:
    model = chain(name="net")
    assert not model.built
    assert model.weights == model.get_weights() == []
    assert [layer.name for layer in model.layers] == ["conv2d", "flatten", "dense"]
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X, Y, epochs=2, verbose=0)
    assert list(history.history) >= ["loss", "accuracy"]
    assert (model.input_shape, model.output_shape, model.name) == ((None, 6, 6, 1), (None, 3), "net")
    assert chain().predict(X).shape == chain()(X).shape == (24, 3)


def test_chain_without_input_is_built_for_a_data_set() -> None:
    model = chain()
    model.train(st.data.from_arrays((X > 0.5).astype("uint8"), Y), Recipe(epochs=1), verbose=0)
    assert model.input_shape == (None, 6, 6, 1)


@pytest.mark.parametrize("shape", [(None, 6, 6, 1), (8, 6, 6, 1), (6, 6, 1), (None, 6, 6)])
def test_build_takes_a_shape(shape: Any) -> None:
    model = chain()
    model.build(shape)
    assert model.count_params() == 40 + 195


@pytest.mark.parametrize(
    "first",
    [
        layers.Flatten(input_shape=(6, 6)),  # type: ignore[call-arg]
        layers.Flatten(input_shape=(6, 6, 1)),  # type: ignore[call-arg]
        layers.Flatten(batch_input_shape=(None, 6, 6, 1)),  # type: ignore[call-arg]
        layers.Dense(36, input_dim=36),  # type: ignore[call-arg]
    ],
)
def test_first_layer_gives_the_shape(first: Any) -> None:
    model = st.Sequential([first, layers.Dense(3, activation="softmax")])
    x = X if isinstance(first, layers.Flatten) else X.reshape(24, 36)
    assert model.built
    assert model.predict(x).shape == (24, 3)


def test_layers_are_added_and_removed_after_training() -> None:
    model = chain()
    model.compile("sgd", metrics=["accuracy"])
    model.fit(X, Y, verbose=0)
    kernel = model.layers[0].get_weights()[0]
    assert model.pop().name == "dense"
    assert model.output_shape == (None, 64)
    model.add(layers.Dense(5, activation="softmax"))
    assert np.array_equal(model.get_weights()[0], kernel)
    model.fit(X, Y, verbose=0)
    assert model.predict(X).shape == (24, 5)


def test_what_is_no_chain_is_refused() -> None:
    model = st.Sequential([st.Input((4,))])
    for call, message in (
        (lambda: model.add(3), "expected a layer, received 3"),
        (lambda: model.add(st.Input((4,))), "only be the first layer"),
        (model.pop, "no layer to remove"),
        (lambda: st.Sequential(layers.Dense(3)), r"write Sequential\(\[Dense\(…\)\]\)"),  # type: ignore[arg-type]
        (lambda: chain().count_params(), r"is not built.*build\(\(None, 28, 28, 1\)\)"),
        (st.Model, r"needs inputs and outputs"),
    ):
        with pytest.raises((UsageError, NetworkError), match=message):
            call()


def test_nested_chains_have_names_of_their_own(tmp_path: Path) -> None:
    model = st.Sequential([chain(), st.Sequential([layers.Dense(2)])])
    model.build((None, 6, 6, 1))
    assert [layer.name for layer in model.layers] == ["sequential", "sequential_1"]
    model.save(tmp_path / "m")
    loaded = st.load(tmp_path / "m")
    assert isinstance(loaded, st.Sequential)
    assert np.array_equal(loaded.predict(X), model.predict(X))
    loaded.pop()
    assert loaded.output_shape == (None, 3)


class Net(st.Model):
    def __init__(self, classes: int = 3, **settings: Any) -> None:
        super().__init__(**settings)
        self.conv1 = layers.Conv2D(4, 3, activation="relu")
        self.norm = layers.BatchNormalization()
        self.blocks = [layers.Dense(8, activation="relu") for _ in range(2)]
        self.drop = layers.Dropout(0.5)
        self.head = st.Sequential([layers.Dense(classes, activation="softmax")])

    def call(self, x: Any, training: bool = False) -> Any:
        x = self.norm(self.conv1(x), training=training)
        x = self.blocks[0](layers.Flatten()(x))
        x = x + self.blocks[1](x)
        if training:
            x = self.drop(x, training=training)
        return self.head(x)


def test_class_with_call_is_traced_for_the_first_batch(tmp_path: Path) -> None:
    model = Net(name="mine")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, validation_data=(X, Y), verbose=0)
    assert [layer.name for layer in model.layers] == ["conv1", "norm", "blocks_0", "blocks_1", "drop", "head"]
    assert model.get_layer("conv1") is model.conv1
    assert model.head.get_weights()[0].shape == (8, 3)
    assert any(isinstance(node.layer, layers.Dropout) for node in model.network.nodes)
    assert np.array_equal(model(X), model.predict(X))
    assert not np.array_equal(model(X, training=True), model(X))
    model.save(tmp_path / "m")
    assert np.array_equal(st.load(tmp_path / "m").predict(X), model.predict(X))
    features = st.Model(model.input, model.get_layer("conv1").output)
    assert features.predict(X).shape == (24, 4, 4, 4)


def test_weights_of_a_class_are_in_the_order_of_its_attributes() -> None:
    class Backwards(st.Model):
        def __init__(self) -> None:
            super().__init__()
            self.last = layers.Dense(2)
            self.first = layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.last(self.first(x))

    model = Backwards()
    model(np.zeros((1, 4)))
    assert [array.shape for array in model.get_weights()] == [(3, 2), (2,), (4, 3), (3,)]
    model.set_weights([array + 1 for array in model.get_weights()])
    assert model.first.get_weights()[1].tolist() == [1, 1, 1]


def test_class_with_call_is_a_layer_of_another_model() -> None:
    inner, image = Net(4), st.Input((6, 6, 1))
    model = st.Model(image, layers.Dense(2)(inner(image, training=False)))
    assert model.get_layer("net") is inner
    assert np.array_equal(model.named_weights["net.conv1/kernel"], inner.conv1.get_weights()[0])


class Residual(layers.Layer):
    def __init__(self, filters: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.filters = filters
        self.first = layers.Conv2D(filters, 3, padding="same", activation="relu")

    def build(self, input_shape: Any) -> None:
        self.second = layers.Conv2D(self.filters, 3, padding="same")
        self.shortcut = None if input_shape[-1] == self.filters else layers.Conv2D(self.filters, 1)
        super().build(input_shape)

    def call(self, x: Any, training: bool | None = None) -> Any:
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return layers.Activation("relu")(self.second(self.first(x)) + shortcut)


def test_custom_layer_of_layers() -> None:
    image = st.Input((6, 6, 1))
    x = Residual(4, name="second")(Residual(4)(image))
    model = st.Model(image, layers.Dense(3, activation="softmax")(layers.GlobalAveragePool2D()(x)))
    assert [layer.name for layer in model.layers] == ["input", "residual", "second", "global_average_pool2d", "dense"]
    assert "residual.shortcut/kernel" in model.named_weights
    assert not any(name.startswith("second.shortcut") for name in model.named_weights)
    assert Residual(2)(X).shape == (24, 6, 6, 2)


def test_weights_of_a_custom_layer_are_those_of_its_layers() -> None:
    image = st.Input((6, 6, 1))
    layer = Residual(4)
    assert layer.weights == []
    tensor = layer(image)
    assert layer.output is tensor
    assert layer.compute_output_shape((None, 6, 6, 1)) == (None, 6, 6, 4)
    assert [array.shape for array in layer.get_weights()[::2]] == [(3, 3, 1, 4), (3, 3, 4, 4), (1, 1, 1, 4)]
    layer.set_weights([array + 1 for array in layer.get_weights()])
    assert layer.first.get_weights()[1].tolist() == [1] * 4
    assert layer.count_params() == 40 + 148 + 8
    with pytest.raises(NetworkError, match="needs a list of 6 arrays"):
        layer.set_weights([])


def test_layers_are_called_with_the_keywords_of_keras() -> None:
    class Scaled(layers.Layer):
        def call(self, x: Any, factor: float = 1.0) -> Any:
            return x * factor

    image = st.Input((4,))
    dense = layers.Dense(3)
    model = st.Model(image, Scaled()(dense(inputs=image, mask=None), factor=2.0))
    x = RNG.random((2, 4))
    np.testing.assert_allclose(model(inputs=x), 2 * np.array(dense(x)), rtol=1e-5)
    with pytest.raises(NetworkError, match="it cannot be called with units=…"):
        dense(image, units=3)
    with pytest.raises(UsageError, match="received units"):
        model(x, units=3)


@pytest.mark.parametrize("make", [chain, Net, lambda: st.Sequential([st.Input((6, 6, 1)), layers.Flatten()])])
def test_copies_have_layers_of_their_own(make: Any) -> None:
    model = make()
    for twin in (copy.deepcopy(model), copy.copy(model)):
        assert twin.built == model.built
        assert twin.predict(X).shape[0] == 24
    model.predict(X)
    twin = copy.deepcopy(model)
    assert np.array_equal(twin.predict(X), model.predict(X))
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    twin.set_weights([array + 1 for array in twin.get_weights()])
    assert not any(map(np.array_equal, twin.get_weights(), model.get_weights()))
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(X), model.predict(X))


def test_copy_of_a_chain_is_extended() -> None:
    model = chain()
    model.predict(X)
    twin = copy.deepcopy(model)
    twin.add(layers.Dense(2))
    assert (twin.output_shape, model.output_shape) == ((None, 2), (None, 3))
    assert np.array_equal(twin.get_weights()[0], model.get_weights()[0])


class TwoOutputs(st.Model):
    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(4)

    def call(self, inputs: Any) -> Any:
        x = layers.Concatenate()([inputs["left"], inputs["right"]])
        return {"code": self.dense(x), "sum": layers.Add()([inputs["left"], inputs["right"]])}


def test_dictionaries_of_inputs_and_outputs() -> None:
    left, right = RNG.random((2, 5, 3)).astype("float32")
    found = TwoOutputs().predict({"left": left, "right": right})
    assert list(found) == ["code", "sum"]
    np.testing.assert_allclose(found["sum"], left + right, atol=1e-6)
    a, b = st.Input((3,)), st.Input((3,), name="b")
    model = st.Model({"a": a, "b": b}, {"total": layers.Add()(a, b), "a again": layers.Dense(2, name="d")(a)})
    assert {name: part.shape for name, part in model.predict({"a": left, "b": right}).items()} == {
        "total": (5, 3), "a again": (5, 2),
    }  # fmt: skip
    with pytest.raises(UsageError, match="write Input"):
        st.Model({"c": b}, layers.Dense(2)(b))


class Broken(st.Model):
    def __init__(self, how: Any) -> None:
        super().__init__()
        self.dense = layers.Dense(3)
        self.how = how

    def call(self, x: Any, training: bool | None = None) -> Any:
        return self.how(self.dense(layers.Flatten()(x)), training)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda x, training: np.mean(x), "has no values, so NumPy cannot"),
        (lambda x, training: x if x > 0 else -x, "TypeError"),
        (lambda x, training: x.numpy(), "no attribute 'numpy'.*symbolic"),
        (lambda x, training: x * 2 if training else x, "different layers for training=True"),
        (lambda x, training: None, "it returned NoneType. Does it end in `return x`"),
        (lambda x, training: layers.Dropout(0.5)(x, training=True), "training=True in a network"),
    ],
)
def test_call_says_what_cannot_be_traced(how: Any, message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        Broken(how).predict(X)


def test_mistakes_of_classes_are_explained() -> None:
    class Early(st.Model):
        def __init__(self) -> None:
            self.dense = layers.Dense(3)
            super().__init__()

    class Arithmetic(layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.matrix: Any = self.add_weight((3, 3))

        def call(self, x: Any) -> Any:
            return x @ self.matrix

    for make, message in (
        (Early, r"call super\(\).__init__\(\) before you set dense"),
        (lambda: Arithmetic()(st.Input((3,))), "@register_layer"),
    ):
        with pytest.raises((UsageError, NetworkError), match=message):
            make()
