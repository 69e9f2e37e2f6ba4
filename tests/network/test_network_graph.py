"""Three ways to define a network, names, sharing, and invalid graphs."""

import pickle
from dataclasses import FrozenInstanceError, dataclass

import pytest

from striate.errors import NetworkError
from striate.network import (
    Add,
    Block,
    Concatenate,
    Conv2D,
    Dense,
    Flatten,
    FromValues,
    Input,
    MaxPool2D,
    Network,
    RadialBasis,
    Rescale,
    Tensor,
)


def names(network: Network) -> list[str | None]:
    return [node.layer.name for node in network.nodes]


class Residual(Block):
    """x + conv(conv(x)), with new layers in each call."""

    def __init__(self, filters: int, name: str | None = None) -> None:
        self.filters, self.name = filters, name

    def call(self, *inputs: Tensor) -> Tensor:
        x = Conv2D(self.filters, 3, padding="same", activation="relu")(*inputs)
        return Add(name="sum")(Conv2D(self.filters, 3, padding="same")(x), *inputs)


@dataclass(frozen=True)
class Twice(Block):
    """A block that is a dataclass and contains another block."""

    filters: int
    name: str | None = None

    def call(self, *inputs: Tensor) -> Tensor:
        return Residual(self.filters)(Residual(self.filters, name="first")(*inputs))


def test_sequential_functional_and_subclassed_networks_are_equal() -> None:
    class Head(Block):
        def call(self, *inputs: Tensor) -> Tensor:
            return Dense(10, name="dense")(Flatten(name="flatten")(*inputs))

    listed = Network.sequential([Input((8, 6, 1)), Conv2D(4, 3), Flatten(), Dense(10)], name="n")
    image = Input((8, 6, 1))
    called = Network(image, Dense(10)(Flatten()(Conv2D(4, 3)(image))), name="n")
    assert called == listed
    assert hash(called) == hash(listed)
    blocks = Network.sequential([Input((8, 6, 1)), Conv2D(4, 3), Head()], name="n")
    assert names(blocks) == ["input", "conv2d", "head.flatten", "head.dense"]
    assert [node.shape for node in blocks.nodes] == [node.shape for node in listed.nodes]
    assert called != Network(image, Dense(11)(Flatten()(Conv2D(4, 3)(image))), name="n")


def test_unnamed_layers_are_numbered_by_kind_and_skip_existing_names() -> None:
    network = Network.sequential(
        [Input((9, 9, 1)), Conv2D(1, 2), MaxPool2D(1), Conv2D(1, 2, name="conv2d_1"), Conv2D(1, 2), Flatten()]
    )
    assert names(network) == ["input", "conv2d", "max_pool2d", "conv2d_1", "conv2d_2", "flatten"]


def test_blocks_prefix_the_names_of_their_layers() -> None:
    network = Network.sequential([Input((8, 8, 4)), Twice(4, name="top"), Residual(4), Residual(4), Conv2D(1, 1)])
    assert names(network)[1:] == [
        "top.first.conv2d", "top.first.conv2d_1", "top.first.sum",
        "top.residual.conv2d", "top.residual.conv2d_1", "top.residual.sum",
        "residual.conv2d", "residual.conv2d_1", "residual.sum",
        "residual_1.conv2d", "residual_1.conv2d_1", "residual_1.sum",
        "conv2d",
    ]  # fmt: skip
    assert network.parameters[0].name == "top.first.conv2d/kernel"


def test_layers_stored_in_a_block_are_shared_by_its_calls() -> None:
    class Tower(Block):
        def __init__(self) -> None:
            self.conv = Conv2D(2, 3, name="conv")

        def call(self, *inputs: Tensor) -> Tensor:
            return self.conv(*inputs)

    tower, left, right = Tower(), Input((5, 5, 1), name="left"), Input((5, 5, 1), name="right")
    network = Network([left, right], Concatenate()(tower(left), tower(right)))
    assert [p.name for p in network.parameters] == ["tower.conv/kernel", "tower.conv/bias"]
    assert network.parameter_count == 20
    assert network.multiply_adds == 2 * 9 * 2 * 9
    assert [row.parameters for row in network.table()] == [0, 0, 20, 0, 0]
    assert network.nodes[2].layer is network.nodes[3].layer


def test_several_inputs_and_outputs() -> None:
    image, extra = Input((3, 8, 6), data_format="channels_first", name="image"), Input((5,), "float32", name="extra")
    features = Flatten()(image)
    joined = Concatenate(name="joined")([features, extra])
    network = Network([image, extra], [Dense(2, name="a")(joined), Dense(1, name="b")(features)])
    assert network.input_shapes == ((3, 8, 6), (5,))
    assert network.output_shapes == ((2,), (1,))
    assert network.nodes[network.inputs[0]].shape == (8, 6, 3)
    assert network.layer("joined") == Concatenate(name="joined")
    assert [row.inputs for row in network.table() if row.name == "joined"] == [("flatten", "extra")]


def test_nodes_are_in_topological_order_even_in_deep_networks() -> None:
    x = image = Input((4, 4, 2))
    for _ in range(2000):
        x = Add()(x, x)  # type: ignore[assignment]
    network = Network(image, x)
    assert len(network.nodes) == 2001
    assert all(source < index for index, node in enumerate(network.nodes) for source in node.inputs)


def test_network_is_immutable_and_can_be_pickled() -> None:
    network = Network.sequential([Input((4,)), Dense(2)])
    with pytest.raises(FrozenInstanceError):
        network.name = "other"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(network)) == network
    assert repr(network) == "<Network 'network': 2 layers, 10 parameters>"


def test_summary_table_shows_the_sizes_of_the_papers() -> None:
    network = Network.sequential(
        [Input((32, 32, 1)), Conv2D(6, 5, activation="tanh", name="C1"), MaxPool2D(2, name="S2"), Flatten(), Dense(3)]
    )
    _, c1, s2, flatten, dense = network.table()
    assert (c1.name, c1.kind, c1.inputs, c1.channels, c1.output_size) == ("C1", "Conv2D", ("input",), 6, (28, 28))
    assert (c1.kernel, c1.strides, c1.padding, c1.activation) == ((5, 5), (1, 1), "valid", "tanh")
    assert (c1.parameters, c1.multiply_adds, c1.receptive_field, c1.jump) == (156, 117600, (5, 5), (1, 1))
    assert (s2.output_size, s2.activation, s2.receptive_field, s2.jump) == ((14, 14), None, (6, 6), (2, 2))
    assert (flatten.channels, flatten.output_size, flatten.units, flatten.kernel) == (None, None, 1176, None)
    assert (dense.units, dense.receptive_field, dense.jump) == (3, (32, 32), None)
    assert network.parameter_count == sum(row.parameters for row in network.table())
    assert network.multiply_adds == sum(row.multiply_adds for row in network.table())


def test_invalid_chains_raise() -> None:
    with pytest.raises(NetworkError, match=r"begins with Input\(shape\), received nothing"):
        Network.sequential([])
    with pytest.raises(NetworkError, match=r"begins with Input\(shape\), received Dense 'd'"):
        Network.sequential([Dense(3, name="d")])
    with pytest.raises(NetworkError, match=r"^Layer 4, Conv2D: its window of 3×3 is larger than its input of 2×2"):
        Network.sequential([Input((6, 6, 1)), Conv2D(1, 3), Conv2D(1, 3), Conv2D(1, 3)])
    with pytest.raises(NetworkError, match=r"larger than its input of 4×4, 6×6 with its padding of 1 on each side"):
        Network.sequential([Input((4, 4, 1)), Conv2D(1, 7, padding=1)])
    with pytest.raises(NetworkError, match=r"5×4 with its padding of 1 at the top, 0 at the bottom, 0 at the left"):
        Network.sequential([Input((4, 4, 1)), Conv2D(1, 7, padding=((1, 0), (0, 0)))])
    with pytest.raises(NetworkError, match=r"^Conv2D 'C3': expected an input of shape \(H, W, C\), received \(36,\)"):
        Network.sequential([Input((6, 6, 1)), Flatten(), Conv2D(1, 3, name="C3")])
    with pytest.raises(NetworkError, match=r"Layer 2: expected a layer, received str"):
        Network.sequential([Input((6, 6, 1)), "relu"])  # type: ignore[list-item]


def test_invalid_graphs_raise() -> None:
    image, other = Input((6, 6, 1), name="image"), Input((6, 6, 1), name="other")
    x = Conv2D(1, 3, name="c")(image)
    with pytest.raises(NetworkError, match=r"^Input 'other': the outputs depend on it, but it is not in inputs"):
        Network(image, Add()(x, Conv2D(1, 3)(other)))
    with pytest.raises(NetworkError, match=r"^Input 'other': no output depends on it"):
        Network([image, other], x)
    with pytest.raises(NetworkError, match=r"Network inputs: expected Input layers, received the output of Conv2D 'c'"):
        Network(x, Flatten()(x))
    with pytest.raises(
        NetworkError, match=r"needs at least one output, and inputs must list each of its Input layers once"
    ):
        Network([image, image], x)
    with pytest.raises(NetworkError, match=r"needs at least one output"):
        Network(image, [])
    with pytest.raises(NetworkError, match=r"^Add: expected at least 2 inputs, received 1"):
        Add()(x)
    with pytest.raises(NetworkError, match=r"^Flatten: expected one input, received 2"):
        Flatten()(x, x)
    with pytest.raises(NetworkError, match=r"^Flatten: expected an Input or the output of another layer"):
        Flatten()(Dense(3))
    with pytest.raises(NetworkError, match=r"Expected a name"):
        Network(image, x, name="")


def test_duplicate_names_raise_and_lookups_suggest_similar_names() -> None:
    message = (
        r"Two layers are named 'a' \(Dense and Flatten\)\. Give them different names, or use one layer object twice"
    )
    with pytest.raises(NetworkError, match=message):
        Network.sequential([Input((4,)), Dense(2, name="a"), Flatten(name="a")])
    with pytest.raises(NetworkError, match=r"has no layer 'dens'. Did you mean 'dense'\?"):
        Network.sequential([Input((4,)), Dense(2)]).layer("dens")


def test_shared_layer_needs_inputs_of_one_shape() -> None:
    dense, short, long = Dense(2, name="d"), Input((3,)), Input((4,))
    with pytest.raises(NetworkError, match=r"^Dense 'd': is shared by inputs that require weights of different shapes"):
        Network([short, long], Add()(dense(short), dense(long)))


def test_fixed_values_must_match_their_parameter() -> None:
    prototypes = RadialBasis(2, FromValues(((1, 2), (3, 4), (5, 6))), name="rbf")
    assert Network.sequential([Input((3,)), prototypes]).parameter_count == 6
    with pytest.raises(
        NetworkError, match=r"'rbf': expected prototypes of shape \(4, 2\), received values of shape \(3, 2\)"
    ):
        Network.sequential([Input((4,)), prototypes])


def test_layers_are_checked_before_any_weight_exists() -> None:
    network = Network.sequential([Input((100_000, 100_000, 3)), Rescale(), Conv2D(10**9, 3, padding="same")])
    assert network.parameter_count == 28 * 10**9
