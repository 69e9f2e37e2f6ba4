"""Configurations, JSON and copies of models and layers, and the table of layers with Keras's arguments."""

from typing import Any

import numpy as np
import pytest

import striate as st
from striate.errors import NetworkError, UsageError

layers = st.layers


def nested() -> st.Sequential:
    inner = st.Sequential([layers.Flatten(), layers.Dense(3, activation="softmax", name="out")], name="inner")
    return st.Sequential([st.Input((6, 6, 1)), layers.Conv2D(4, 3, kernel_regularizer="l2"), inner], name="outer")


def functional() -> st.Model:
    image = st.Input((6, 6, 1), name="image")
    x = layers.Dense(4, kernel_initializer="he_normal")(layers.Flatten()(image))
    return st.Model(image, [layers.Dense(2, name="a")(x), layers.Dense(3, name="b")(x)], name="two")


@pytest.mark.parametrize("make", [nested, functional, lambda: st.Sequential([layers.Dense(3)], name="later")])
def test_model_of_configuration_and_of_json_is_equal(make: Any) -> None:
    model = make()
    for copy in (
        type(model).from_config(model.get_config()),
        st.models.model_from_json(model.to_json()),
        st.models.clone_model(model),
    ):
        assert type(copy) is type(model)
        for each in (model, copy):
            each.build((None, 4))  # has no effect if it is built
        assert copy.network == model.network
        assert [layer.name for layer in copy.layers] == [layer.name for layer in model.layers]


def test_clone_has_weights_of_its_own() -> None:
    model = functional()
    clone = st.models.clone_model(model)
    assert not np.array_equal(clone.get_weights()[0], model.get_weights()[0])
    clone.set_weights(model.get_weights())
    clone.get_layer("a").set_weights([np.zeros((4, 2)), np.zeros(2)])
    assert model.get_layer("a").get_weights()[0].any()


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dense(5, activation="relu", name="five", kernel_initializer=st.initializers.Constant(2.0)),
        layers.Conv2D(4, (3, 5), padding=((0, 1), (2, 3)), kernel_regularizer=st.regularizers.L2(0.1)),
        layers.BatchNormalization(momentum=0.5),
    ],
)
def test_layer_of_its_configuration_is_equal(layer: Any) -> None:
    assert type(layer).from_config(layer.get_config()) == layer


def test_wrong_configurations_are_explained() -> None:
    attempts: list[tuple[Any, str]] = [
        (lambda: layers.Dense.from_config({"units": 3, "unit": 4}), "has no setting 'unit'"),
        (lambda: layers.Dense.from_config(3), "expected the configuration of Dense as an object"),
        (lambda: st.Model.from_config({}), "needs what get_config returns"),
        (lambda: st.Sequential.from_config([]), "needs what get_config returns"),
        (lambda: st.models.model_from_json("{"), "must be JSON"),
        (lambda: st.models.model_from_json('{"class_name": "Dense", "config": {"units": 2}}'), "describes a layer"),
        (lambda: st.models.model_from_json('{"class_name": "Dens", "config": {}}'), "Did you mean 'Dense'"),
        (lambda: st.models.model_from_json('{"module": "keras", "class_name": "Model"}'), "as ONNX"),
        (lambda: st.models.clone_model(nested(), 3), r"clone_model\(model\)\("),
    ]
    for attempt, message in attempts:
        with pytest.raises((NetworkError, UsageError), match=message):
            attempt()


def test_summary_takes_the_arguments_of_keras() -> None:
    model, texts = nested(), list[str]()

    def rows(**settings: Any) -> list[str]:
        model.summary(print_fn=texts.append, line_length=200, **settings)
        lines = texts.pop().splitlines()
        return [line.split()[0] for line in lines[2:-1]]

    assert rows() == ["input", "conv2d", "inner"]
    assert rows(expand_nested=True) == ["input", "conv2d", "inner.flatten", "inner.out"]
    assert rows(layer_range=("conv2d", "conv2d")) == ["conv2d"]
    model.summary(print_fn=texts.append, show_trainable=True)
    assert "frozen" not in texts.pop()
    later = st.Sequential([layers.Dense(3)])
    later.summary(print_fn=texts.append)
    assert "dense (Dense)" in texts[0]
    assert "build((None, 28, 28, 1))" in texts[0]
    with pytest.raises(NetworkError, match="layer_range: 'outer' has no layer 'conv'"):
        rows(layer_range=("conv", "inner"))
