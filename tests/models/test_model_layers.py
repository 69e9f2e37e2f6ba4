"""Models as Keras shows them: layers and their tensors, shared weights, nested models, calls."""

import copy
import gc
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import striate as st
from striate.errors import DataError, NetworkError, UsageError

layers = st.layers
RNG = np.random.default_rng(0)
X = RNG.random((24, 6, 6, 1)).astype("float32")
Y = np.arange(24) % 3
PER_CHANNEL = np.array([1.0, 2.0, 3.0])


@pytest.fixture(params=["numpy", "torch"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def small(engine: str | None = None) -> st.Model:
    image = st.Input((6, 6, 1))
    x = layers.Conv2D(2, 3, activation="relu", name="C1")(image)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Dense(4, name="F2")(layers.Flatten()(x))
    model = st.Model(image, layers.Dense(3, activation="softmax", name="out")(x))
    model.compile("sgd", learning_rate=0.5, engine=engine)
    return model


def test_output_of_a_layer_gives_feature_maps_with_the_trained_weights(engine: str) -> None:
    model = small(engine)
    model.fit(X, Y, epochs=2, verbose=0)
    features = st.Model(model.input, model.get_layer("C1").output)
    assert features.output_shape == (None, 4, 4, 2)
    np.testing.assert_allclose(features.predict(X), model.engine.activations([X])["C1"], atol=1e-6)


def test_training_one_model_changes_all_models_with_the_same_layers(engine: str) -> None:
    model = small(engine)
    features = st.Model(model.input, model.get_layer("F2").output)
    before = features.predict(X)
    model.fit(X, Y, verbose=0)
    after = features.predict(X)
    assert not np.allclose(before, after)
    np.testing.assert_allclose(after, model.engine.activations([X])["F2"], atol=1e-5)
    features.compile("sgd", "mse", learning_rate=0.1, engine=engine)
    features.train_on_batch(X, np.zeros((24, 4)))
    assert np.array_equal(model.get_layer("C1").kernel, features.named_weights["C1/kernel"])
    model.train_on_batch(X, Y)
    assert np.array_equal(features.get_weights()[0], model.get_weights()[0])


def test_shared_weights_outlive_the_model_that_trained_them() -> None:
    model = small()
    features = st.Model(model.input, model.get_layer("F2").output)
    model.fit(X, Y, verbose=0)
    expected = model.engine.activations([X])["F2"]
    del model
    gc.collect()
    np.testing.assert_allclose(features.predict(X), expected, atol=1e-5)


def test_layers_of_the_functional_interface_are_shared() -> None:
    """An autoencoder and its encoder, as in Keras's guide."""
    image = st.Input((4,))
    code = layers.Dense(2)(image)
    encoder, autoencoder = st.Model(image, code), st.Model(image, layers.Dense(4)(code))
    autoencoder.compile("sgd", "mse", learning_rate=0.1)
    x = RNG.random((8, 4))
    autoencoder.fit(x, x, verbose=0)
    kernel, bias = encoder.get_weights()
    np.testing.assert_allclose(encoder.predict(x), x @ kernel + bias, atol=1e-5)
    assert np.array_equal(kernel, autoencoder.get_weights()[0])


def test_base_is_cut_and_gets_a_new_head() -> None:
    base = small()
    base.fit(X, Y, verbose=0)
    new = st.Model(base.input, layers.Dense(5, activation="softmax")(base.layers[-2].output))
    assert [layer.name for layer in new.layers] == ["input", "C1", "norm", "flatten", "F2", "dense"]
    for name, array in new.named_weights.items():
        assert name.startswith("dense/") or np.array_equal(array, base.named_weights[name])


def test_names_given_by_a_model_are_replaced_where_they_are_taken() -> None:
    first, second = (st.Sequential([st.Input((4,)), layers.Dense(2)]) for _ in range(2))
    image = st.Input((4,))
    both = st.Model(image, layers.Add()(first.layers[-1](image), second.layers[-1](image)))
    assert sorted(both.named_weights) == ["dense/bias", "dense/kernel", "dense_1/bias", "dense_1/kernel"]


def test_nested_model_is_a_layer_that_shares_its_weights(tmp_path: Path) -> None:
    base, image = small(), st.Input((6, 6, 1))
    model = st.Model(image, layers.Dense(2, activation="softmax")(base(image)))
    assert [item.name for item in model.layers] == ["input", "model", "dense"]
    assert model.get_layer("model") is base is model.get_layer(index=1)
    model.compile("sgd", learning_rate=0.5)
    model.fit(X, Y % 2, verbose=0)
    assert np.array_equal(base.get_weights()[0], model.named_weights["model.C1/kernel"])
    assert base.get_layer("C1") is base.layers[1]
    model.save(tmp_path / "nested")
    loaded = st.load(tmp_path / "nested").get_layer("model")
    np.testing.assert_allclose(loaded.predict(X), base.predict(X), atol=1e-6)
    loaded.set_weights([array * 0 for array in loaded.get_weights()])


def test_two_calls_of_a_nested_model_share_weights() -> None:
    tower = st.Sequential([st.Input((4,)), layers.Dense(3)])
    left, right = st.Input((4,), name="left"), st.Input((4,), name="right")
    model = st.Model([left, right], layers.Concatenate()(tower(left), tower(right)))
    assert model.count_params() == 15
    x = RNG.random((5, 4))
    np.testing.assert_allclose(model.predict([x, x])[:, :3], tower.predict(x), atol=1e-6)
    with pytest.raises(NetworkError, match=r"expected an input of shape \(4,\), received \(5,\)"):
        tower(st.Input((5,)))


def test_training_false_keeps_batch_statistics() -> None:
    base, image = small(), st.Input((6, 6, 1))
    model = st.Model(image, layers.Dense(3, activation="softmax")(base(image, training=False)))
    before = base.get_layer("norm").get_weights()
    model.compile("sgd", learning_rate=0.5)
    model.fit(X, Y, verbose=0)
    assert all(map(np.array_equal, base.get_layer("norm").get_weights(), before))
    assert not np.array_equal(base.get_layer("C1").kernel, small().get_layer("C1").kernel)


def test_training_continues_after_loading_a_nested_model(tmp_path: Path) -> None:
    base, image = small(), st.Input((6, 6, 1))
    model = st.Model(image, layers.Dense(3, activation="softmax")(base(image, training=False)))
    model.compile("adam")
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m")
    loaded = st.load(tmp_path / "m")
    for each in (model, loaded):
        each.fit(X, Y, verbose=0)
    np.testing.assert_allclose(loaded.predict(X), model.predict(X), atol=1e-6)


def test_model_and_layer_are_called_with_arrays() -> None:
    model = small()
    np.testing.assert_array_equal(model(X), model.predict(X))
    assert model(X).numpy().shape == (24, 3)
    np.testing.assert_allclose(model.layers[1](X), model.engine.activations([X])["C1"], atol=1e-6)
    assert layers.MaxPool2D()(X).shape == (24, 3, 3, 1)
    dense: Any = layers.Dense(2)
    np.testing.assert_allclose(dense(X[:, 0, :, 0]), X[:, 0, :, 0] @ dense.kernel + dense.bias, atol=1e-6)
    training = model(X, training=True)
    assert not np.allclose(training, model(X))
    with pytest.raises(DataError, match="expected shape"):
        model(X[..., None])


def test_weights_are_lists_in_the_order_of_keras() -> None:
    model = small()
    paths = [variable.path for variable in model.weights]
    assert paths == [
        "C1/kernel", "C1/bias", "norm/gamma", "norm/beta", "norm/moving_mean", "norm/moving_variance", "F2/kernel",
        "F2/bias", "out/kernel", "out/bias",
    ]  # fmt: skip
    assert [variable.name for variable in model.non_trainable_weights] == ["moving_mean", "moving_variance"]
    assert model.count_params() == sum(array.size for array in model.get_weights()) == model.network.parameter_count
    assert model.get_layer("F2").count_params() == 32 * 4 + 4
    other = small()
    other.set_weights([array + 1 for array in model.get_weights()])
    assert np.array_equal(other.get_layer("C1").bias, model.get_layer("C1").bias + 1)
    other.set_weights(model.named_weights)
    assert all(map(np.array_equal, other.get_weights(), model.get_weights()))
    layer = other.get_layer("F2")
    layer.set_weights([np.ones((32, 4)), np.zeros(4)])
    assert other.named_weights["F2/kernel"].min() == 1
    layer.kernel.assign(np.zeros((32, 4)))
    assert not layer.get_weights()[0].any()
    with pytest.raises(UsageError, match=r"expected a list of 2 arrays \(kernel \(32, 4\), bias \(4,\)\), received 1"):
        layer.set_weights([np.ones((32, 4))])
    with pytest.raises(UsageError, match=r"expected kernel of shape \(32, 4\), received float64 of shape \(4, 32\)"):
        layer.set_weights([np.ones((4, 32)), np.zeros(4)])


def test_depthwise_kernels_are_accepted_in_the_shape_of_keras() -> None:
    """Keras has (KH, KW, C, multiplier); the channels of the output are in the order of C, then of the multiplier."""
    depthwise = layers.DepthwiseConv2D(2, depth_multiplier=2, use_bias=False)
    model = st.Sequential([st.Input((2, 2, 3)), depthwise])
    kernel, x = RNG.random((2, 2, 3, 2)).astype("float32"), RNG.random((1, 2, 2, 3)).astype("float32")
    model.set_weights([kernel])
    expected = np.einsum("hwc,hwcm->cm", x[0], kernel).reshape(-1)
    np.testing.assert_allclose(model.predict(x)[0, 0, 0], expected, rtol=1e-5)


def test_layers_and_weights_of_branches_are_in_the_order_of_keras() -> None:
    """The order was read off Keras 3.15 for the same model."""
    image = st.Input((8, 8, 1))
    a = layers.Conv2D(4, 3, padding="same", name="a")(image)
    b = layers.Conv2D(4, 1, name="b")(image)
    x = layers.Add(name="add")([layers.Conv2D(4, 5, padding="same", name="c")(a), b])
    first = layers.Dense(2, name="o1")(layers.GlobalAveragePooling2D(name="g")(x))
    model = st.Model(image, [layers.Dense(3, name="o2")(layers.Flatten(name="f")(b)), first])
    assert [layer.name for layer in model.layers] == ["input", "a", "b", "c", "add", "f", "g", "o2", "o1"]
    kernels = [array.shape for array in model.get_weights()[::2]]
    assert kernels == [(3, 3, 1, 4), (1, 1, 1, 4), (5, 5, 4, 4), (256, 3), (4, 2)]
    other = st.models.clone_model(model)
    other.set_weights(model.get_weights())
    assert np.array_equal(other.predict(X := RNG.random((2, 8, 8, 1)))[0], model.predict(X)[0])


def test_copies_share_nothing() -> None:
    model = small()
    features = st.Model(model.input, model.get_layer("F2").output)
    for twin in (copy.deepcopy(model), copy.copy(model), pickle.loads(pickle.dumps(model))):
        twin.fit(X, Y, verbose=0)
        assert not np.array_equal(twin.get_weights()[0], model.get_weights()[0])
    assert np.array_equal(features.get_weights()[0], model.get_weights()[0])


def test_models_of_one_description_share_nothing() -> None:
    network = small().network
    first, second = st.Model.from_network(network), st.Model.from_network(network)
    first.layers[1].set_weights([array + 1 for array in first.layers[1].get_weights()])
    assert not np.array_equal(first.get_weights()[0], second.get_weights()[0])


def test_get_layer_says_what_exists() -> None:
    model = small()
    with pytest.raises(NetworkError, match=r"'model' has no layer 'c1'. Did you mean 'C1'\?"):
        model.get_layer("c1")
    with pytest.raises(NetworkError, match="has 6 layers; received index 6"):
        model.get_layer(index=6)
    with pytest.raises(UsageError, match="either a name or an index"):
        model.get_layer()


def test_operators_are_layers() -> None:
    image = st.Input((4,))
    a, b = layers.Dense(3, name="a")(image), layers.Dense(3, name="b")(image)
    outputs = [a + b, a - b, a * b, a / 2, 1 - a, -a, 2 * (a + 0.5), a + PER_CHANNEL, (a * 0 + 3) ** 2, 1 / (a * 0 + 4)]
    model = st.Model(image, outputs)
    x = RNG.random((5, 4)).astype("float32")
    p, q = (np.array(model.get_layer(name)(x)) for name in "ab")
    expected = [p + q, p - q, p * q, p / 2, 1 - p, -p, 2 * (p + 0.5), p + PER_CHANNEL, p * 0 + 9, p * 0 + 0.25]
    for found, wanted in zip(model.predict(x), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert (image / 255).layer == layers.Rescale(1 / 255, 0)


@pytest.mark.parametrize("use", [np.mean, bool, float, list, lambda x: x[0], len, lambda x: x + "a", lambda x: x / 0])
def test_tensors_say_what_they_cannot_do(use: object) -> None:
    with pytest.raises(NetworkError, match=r"tensor"):
        use(layers.Dense(3)(st.Input((4,))))  # type: ignore[operator]
