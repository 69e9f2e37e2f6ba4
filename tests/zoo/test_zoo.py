"""Every architecture compared with its paper or with counts by hand."""

import pytest

from striate import zoo
from striate.errors import NetworkError, UsageError
from striate.network import (
    Add,
    Conv2D,
    Dropout,
    FromValues,
    Input,
    LayerRow,
    Network,
    Normal,
    RadialBasis,
    Rescale,
    TruncatedNormal,
)
from striate.zoo.lenet5_1998 import C3_CONNECTIONS, bitmap

IDS = {
    "lenet5",
    "lenet5-1998",
    "linear-regression",
    "mlp",
    "mnist-best",
    "mnist-cnn",
    "mnist-cnn-functional",
    "mnist-cnn-subclassed",
    "mnist-quick",
    "simple-convnet",
    "tutorial-cnn",
}
CLASSICS = {"alexnet", "alexnet-2012", "googlenet", "vgg16"} | {f"resnet{depth}" for depth in (18, 34, 50, 101, 152)}
MODERN = {
    "convnext-tiny", "densenet121", "efficientnet-b0", "mobilenetv3-large", "mobilenetv3-small", "regnety-400mf",
}  # fmt: skip
LITES = {f"efficientnet-lite{size}" for size in range(3)}


def rows(id: str, **settings: object) -> dict[str, LayerRow]:
    return {row.name: row for row in zoo.network(id, **settings).table()}  # type: ignore[arg-type]


def test_all_architectures_are_registered() -> None:
    assert set(zoo.list_models()) == IDS | CLASSICS | LITES | MODERN


@pytest.mark.parametrize("id", sorted(IDS - {"linear-regression"}))
def test_networks_read_pixels_and_have_an_output_layer_of_that_name(id: str) -> None:
    network = zoo.network(id, classes=7)
    assert network.name == id
    assert isinstance(network.nodes[0].layer, Input)
    assert network.nodes[0].layer.dtype == "uint8"
    assert any(isinstance(node.layer, Rescale) for node in network.nodes[:3])
    assert network.nodes[network.outputs[0]].layer.name == "output"
    assert network.output_shapes == ((7,),)
    assert Network.from_json(network.to_json()) == network


@pytest.mark.parametrize("id", sorted(IDS - {"linear-regression"}))
def test_networks_accept_other_image_sizes(id: str) -> None:
    network = zoo.network(id, input_shape=(36, 40, 3))
    assert network.input_shapes == ((36, 40, 3),)
    assert network.output_shapes == ((10,),)


@pytest.mark.parametrize(
    ("id", "parameters", "multiply_adds"),
    [
        ("linear-regression", 3 + 1, 3),
        ("mlp", 785 * 512 + 513 * 512 + 513 * 10, 784 * 512 + 512 * 512 + 512 * 10),
        ("simple-convnet", 26 * 30 + 4321 * 100 + 101 * 10, 24**2 * 25 * 30 + 4320 * 100 + 100 * 10),
        (
            "tutorial-cnn",
            76 * 32 + 801 * 64 + 4097 * 1024 + 1025 * 10,
            32**2 * 75 * 32 + 16**2 * 800 * 64 + 4096 * 1024 + 10240,
        ),
        (
            "mnist-cnn",
            10 * 32 + 289 * 64 + 577 * 128 + 2049 * 256 + 257 * 10,
            28**2 * 9 * 32 + 14**2 * 288 * 64 + 7**2 * 576 * 128 + 2048 * 256 + 2560,
        ),
        (
            "mnist-cnn-functional",
            10 * 32 + 289 * 32 + 289 * 64 + 577 * 128 + 2049 * 256 + 257 * 10,
            28**2 * 9 * 32 + 14**2 * 288 * (32 + 64) + 7**2 * 576 * 128 + 2048 * 256 + 2560,
        ),
        (
            "mnist-best",
            9 * (24 + 24 * 48 + 48 * 48 + 48 * 64 + 64 * 64) + 1024 * 128 + 4 * (24 + 96 + 128 + 128) + 129 * 10,
            9 * (28**2 * 24 + 14**2 * (24 * 48 + 48 * 48) + 7**2 * (48 * 64 + 64 * 64)) + 1024 * 128 + 1280,
        ),
        ("mnist-quick", 25 * 10 + 4 * 10 + 250 * 32 + 4 * 32 + 513 * 10, 24**2 * 25 * 10 + 8**2 * 250 * 32 + 5120),
        ("lenet5", 156 + 2416 + 48120 + 10164 + 850, 28**2 * 150 + 10**2 * 2400 + 48000 + 10080 + 840),
    ],
)
def test_parameters_and_cost_counted_by_hand(id: str, parameters: int, multiply_adds: int) -> None:
    network = zoo.network(id)
    assert (network.parameter_count, network.multiply_adds) == (parameters, multiply_adds)


def test_lenet5_has_the_sizes_of_the_paper() -> None:
    table = rows("lenet5")
    sizes = {name: table[name].output_size for name in ("padding", "C1", "S2", "C3", "S4", "C5")}
    assert sizes == {"padding": (32, 32), "C1": (28, 28), "S2": (14, 14), "C3": (10, 10), "S4": (5, 5), "C5": (1, 1)}
    assert [table[name].channels for name in ("C1", "S2", "C3", "S4", "C5")] == [6, 6, 16, 16, 120]
    assert (table["C5"].unclipped_receptive_field, table["C5"].receptive_field) == ((32, 32), (28, 28))
    kernel = next(p for p in zoo.network("lenet5").parameters if p.name == "C1/kernel")
    assert kernel.initializer == TruncatedNormal(0.0, 0.1)


def test_lenet5_1998_has_the_parameters_and_connections_of_the_paper() -> None:
    """Section II.B: 156, 12, 1,516, 32, 48,120, 10,164; 60,000 trainable in all; connections without biases."""
    network, table = zoo.network("lenet5-1998"), rows("lenet5-1998")
    counts = [table[name].parameters for name in ("C1", "S2", "C3", "S4", "C5", "F6")]
    assert counts == [156, 12, 1516, 32, 48120, 10164]
    assert network.trainable_parameter_count == 60_000
    assert table["C1"].multiply_adds + 28 * 28 * 6 == 122_304
    assert table["C3"].multiply_adds + 10 * 10 * 16 == 151_600
    assert [row.activation for row in table.values() if row.name in ("C1", "S2", "F6")] == ["scaled_tanh"] * 3


@pytest.mark.parametrize(("activation", "stddev"), [("scaled_tanh", 0.2), ("sigmoid", 0.8)])
def test_lenet5_1998_is_initialized_so_that_units_are_not_saturated(activation: str, stddev: float) -> None:
    kernel = zoo.network("lenet5-1998", activation=activation).parameters[0]
    assert (kernel.name, kernel.initializer) == ("C1/kernel", Normal(0.0, stddev))


def test_c3_is_connected_as_in_table_i() -> None:
    """Six maps read 3 contiguous maps, six read 4, three read 4 others, one reads all; each S2 map is read by ten."""
    assert [len(read) for read in C3_CONNECTIONS] == [3] * 6 + [4] * 9 + [6]
    assert len(set(C3_CONNECTIONS)) == 16
    assert {sum(source in read for read in C3_CONNECTIONS) for source in range(6)} == {10}
    runs = [
        {(start + step) % 6 for step in range(len(C3_CONNECTIONS[map_]))} for map_, start in enumerate([*range(6)] * 2)
    ]
    assert [set(read) for read in C3_CONNECTIONS[:12]] == runs[:12]
    layer = zoo.network("lenet5-1998").layer("C3")
    assert isinstance(layer, Conv2D)
    assert layer.connections == C3_CONNECTIONS


@pytest.mark.parametrize(("activation", "background"), [("scaled_tanh", -1.0), ("sigmoid", 0.0)])
def test_prototypes_are_the_bitmaps_of_the_digits(activation: str, background: float) -> None:
    network = zoo.network("lenet5-1998", activation=activation)
    layer = network.layer("distances")
    assert isinstance(layer, RadialBasis)
    assert isinstance(layer.prototypes, FromValues)
    assert layer.prototypes.shape == (84, 10)
    columns = list(zip(*layer.prototypes.values, strict=True))
    for digit, column in enumerate(columns):
        assert [value == 1.0 for value in column] == [pixel == "#" for pixel in bitmap(digit)]
        assert set(column) == {1.0, background}
    differing = [sum(a != b for a, b in zip(one, other, strict=True)) for one in columns for other in columns]
    assert sorted(differing)[10] >= 4


def test_three_forms_of_one_network_are_equal() -> None:
    listed, classes = zoo.network("mnist-cnn"), zoo.network("mnist-cnn-subclassed")
    assert [node.shape for node in listed.nodes] == [node.shape for node in classes.nodes]
    assert [(p.shape, p.initializer) for p in listed.parameters] == [
        (p.shape, p.initializer) for p in classes.parameters
    ]
    assert [node.shape for node in listed.nodes if node.layer.kind == "MaxPool2D"] == [
        (14, 14, 32),
        (7, 7, 64),
        (4, 4, 128),
    ]
    assert any(isinstance(node.layer, Add) for node in zoo.network("mnist-cnn-functional").nodes)
    for form in ("functional", "subclassed"):
        assert zoo.network("mnist-cnn", form=form) == zoo.network(f"mnist-cnn-{form}")


@pytest.mark.parametrize(
    ("id", "filters", "hidden", "shapes"),
    [
        ("mlp", None, 7, {"hidden1": (7,)}),
        ("mlp", None, (9, 8, 7), {"hidden2": (8,), "hidden3": (7,)}),
        ("simple-convnet", 3, 7, {"conv1": (24, 24, 3), "hidden": (7,)}),
        ("tutorial-cnn", (3, 4), 7, {"conv1": (32, 32, 3), "conv2": (16, 16, 4), "hidden": (7,)}),
        ("lenet5", (3, 4, 5), 7, {"C1": (28, 28, 3), "C3": (10, 10, 4), "C5": (1, 1, 5), "F6": (7,)}),
        ("mnist-quick", (3, 4), None, {"conv1": (24, 24, 3), "conv2": (8, 8, 4)}),
        ("mnist-cnn", (3, 4, 5), 7, {"conv1": (28, 28, 3), "conv3": (7, 7, 5), "hidden": (7,)}),
        ("mnist-cnn-functional", (3, 4, 5), 7, {"conv1b": (14, 14, 3), "conv3": (7, 7, 5), "hidden": (7,)}),
        ("mnist-cnn-subclassed", (3, 4, 5), 7, {"block2.conv": (14, 14, 4), "classifier.hidden": (7,)}),
    ],
)
def test_small_networks_take_filters_hidden_units_and_activation(
    id: str, filters: object, hidden: object, shapes: dict[str, tuple[int, ...]]
) -> None:
    sizes = {name: value for name, value in (("filters", filters), ("hidden", hidden)) if value is not None}
    network = zoo.network(id, activation="sigmoid", **sizes)  # type: ignore[arg-type]
    found = {str(node.layer.name): node.shape for node in network.nodes}
    assert {name: found[name] for name in shapes} == shapes
    activations = [getattr(node.layer, "activation", None) for node in network.nodes]
    assert {name for name in activations if name not in (None, "linear", "softmax")} == {"sigmoid"}


def test_settings_reach_the_builder() -> None:
    one_layer = zoo.network("mlp", hidden=(100,), dropout=0.5)
    assert one_layer.parameter_count == 785 * 100 + 101 * 10
    assert Dropout(0.5, name="dropout") in [node.layer for node in one_layer.nodes]
    initializers = {p.name: p.initializer for p in zoo.network("simple-convnet").parameters}
    assert initializers["conv1/kernel"] == initializers["output/kernel"] == Normal(0.0, 0.01)
    weight, bias = zoo.network("linear-regression").parameters
    assert weight.initializer == bias.initializer == Normal(0.0, 1.0)


@pytest.mark.parametrize(
    ("id", "settings", "message"),
    [
        ("lenet", {}, r"There is no model 'lenet'\. Did you mean 'lenet5'\?"),
        ("zzz", {}, r"There is no model 'zzz'\. Available: alexnet, "),
        (
            "mlp",
            {"depth": 3},
            r"Model 'mlp' has no setting 'depth'\. Its settings: input_shape, classes, hidden, dropout",
        ),
        ("linear-regression", {"classes": 3}, r"has no setting 'classes'\. Its settings: none"),
        ("mlp", {"hidden": ()}, r"'mlp': hidden must be positive integers, one for each layer; received \(\)"),
        ("mlp", {"hidden": (9, 0)}, r"hidden must be positive integers, one for each layer; received \(9, 0\)"),
        ("lenet5", {"filters": (6, 16)}, r"filters must be 3 positive integers; received \(6, 16\)"),
        ("mnist-quick", {"filters": "6"}, r"filters must be 2 positive integers; received 6"),
        ("mnist-cnn", {"form": "sequental"}, r"has no form 'sequental'\. Did you mean 'sequential'\?"),
        ("lenet5-1998", {"activation": "relu"}, r"has no activation 'relu'\. Available: scaled_tanh, sigmoid"),
        ("lenet5-1998", {"classes": 11}, r"has bitmaps for 10 classes, received 11\. Use 'lenet5'"),
    ],
)
def test_invalid_requests_raise_usage_errors(id: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        zoo.network(id, **settings)  # type: ignore[arg-type]


def test_images_that_are_too_small_raise_an_error_that_names_the_layer() -> None:
    with pytest.raises(NetworkError, match=r"^Conv2D 'C5': its window of 5×5 is larger than its input of 2×2"):
        zoo.network("lenet5", input_shape=(16, 16, 1))
