"""Keras's arguments and names that layers accept, and the sentences in place of the others."""

import json
from typing import Any

import pytest

from striate import constraints, layers, regularizers, utils
from striate.errors import NetworkError, StriateError
from striate.network import Input, Network, activations
from striate.network.keras_arguments import ARGUMENTS, given_shape


@pytest.mark.parametrize("name", ARGUMENTS)
def test_every_argument_is_accepted_as_none_and_refused_with_advice(name: str) -> None:
    assert layers.Flatten(**{name: None}) == layers.Flatten()
    if not ARGUMENTS[name].advice:
        return
    with pytest.raises(NetworkError, match=rf"Flatten: {name}='strange' is not supported\. \w+"):
        layers.Flatten(**{name: "strange"})


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ({"input_shape": (8, 8, 3)}, (8, 8, 3)),
        ({"input_dim": 4}, (4,)),
        ({"batch_input_shape": (None, 8, 8, 3)}, (8, 8, 3)),
        ({}, None),
    ],
)
def test_shape_of_the_first_layer(arguments: dict[str, Any], shape: tuple[int, ...] | None) -> None:
    assert given_shape(layers.Flatten(**arguments)) == shape


def test_a_wrong_shape_and_an_unknown_argument_are_named() -> None:
    with pytest.raises(NetworkError, match=r"Flatten: input_shape: expected \(H, W, C\) or \(F,\), received 8"):
        layers.Flatten(input_shape=8)  # type: ignore[call-arg]
    with pytest.raises(StriateError, match=r"Dense has no argument 'activaton'. Did you mean 'activation'"):
        layers.Dense(2, activaton="relu")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("module", "name", "message"),
    [
        (layers, "LSTM", "There is no layer LSTM: networks hold feature maps"),
        (layers, "Lambda", "There is no layer Lambda: a network is data"),
        (layers, "RandomFlip", "There is no layer RandomFlip: images are varied outside"),
        (constraints, "MaxNorm", "no constraints on weights, so no MaxNorm"),
        (regularizers, "OrthogonalRegularizer", "Striate has no OrthogonalRegularizer"),
        (utils, "get_file", "Striate has no utils.get_file"),
    ],
)
def test_names_without_counterpart_say_what_to_write(module: Any, name: str, message: str) -> None:
    with pytest.raises(StriateError, match=message):
        getattr(module, name)
    assert not hasattr(module, "no_such_name")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Reshape((3, -1, -1)), "target_shape: expected -1 at most once"),
        (lambda: layers.Reshape((5, 2, 1)).output_shape((12,)), r"\(12,\) has 12 values, which do not fit into"),
        (lambda: layers.Permute((1, 1, 2)), "dims: expected each axis once"),
        (lambda: layers.Permute((2, 1)).output_shape((2, 2, 3)), "expected dims for the 3 axes"),
        (lambda: layers.Cropping2D(4).output_shape((8, 8, 1)), "removes all of its input"),
        (lambda: layers.CenterCrop(9, 2).output_shape((8, 8, 1)), r"Write Resizing\(9, 2\)"),
        (lambda: layers.Normalization().output_shape((8, 8, 1)), "Call adapt"),
        (lambda: layers.Normalization().adapt([1, 2]), "expected an array of samples, received list"),
        (lambda: layers.Normalization(mean=(1, 2), variance=1).output_shape((8, 8, 3)), "each of the 3 channels"),
        (lambda: layers.PReLU(shared_axes=4).output_shape((8, 8, 3)), "expected axes from 1 to 3"),
        (lambda: layers.Softmax(axis=1).output_shape((8, 8, 3)), "axis: expected -1"),
        (lambda: layers.BatchNormalization(axis=1).output_shape((8, 8, 3)), "axis: expected -1, the channels"),
        (lambda: layers.Concatenate(axis=5).output_shape((8, 8, 3), (8, 8, 3)), "axis: expected -1, or 1 to 3"),
        (lambda: layers.LeakyReLU(-1), "expected a number of at least 0"),
        (lambda: layers.Resizing(4, 4, "nearest"), "expected one of 'bilinear'"),
        (lambda: activations.get_activation("elu(beta=1)"), "activation 'elu' has no parameter 'beta'"),
        (lambda: activations.get_activation("elu(alpha=x)"), "expected an activation such as"),
        (lambda: activations.get_activation("relu(max_value=-1)"), "max_value: expected a number of at least 0"),
    ],
)
def test_wrong_settings_are_explained(make: Any, message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        make()


def test_an_activation_with_parameters_is_saved() -> None:
    network = Network.sequential([Input((4,)), layers.Dense(2, activation=layers.LeakyReLU(0.1))])
    assert network.nodes[-1].layer.activation == "leaky_relu(negative_slope=0.1)"  # type: ignore[attr-defined]
    assert Network.from_json(network.to_json()) == network


def test_gelu_of_files_written_earlier_stays_the_approximation() -> None:
    network = Network.sequential([Input((4,)), layers.Dense(2, activation="gelu", name="out")])
    description = json.loads(network.to_json())
    description["nodes"][1]["settings"]["activation"] = "gelu"
    assert Network.from_dict(description).layer("out").activation == "gelu_tanh"  # type: ignore[attr-defined]
    assert network.layer("out").activation == "gelu_exact"  # type: ignore[attr-defined]
