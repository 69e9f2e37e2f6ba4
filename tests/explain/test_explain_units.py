"""The arithmetic of single units equals what the engines compute, for every layer and every network of the zoo."""

from dataclasses import dataclass

import numpy as np
import pytest
from engines.networks import NETWORKS, chain, perturbed_weights, pixels

import striate as st
from striate._types import Array
from striate.errors import DataError, NetworkError, UsageError
from striate.explain import Trace, Unit, feature_maps
from striate.explain.units import as_maps, has_rule
from striate.models import Model
from striate.network import Layer, Network, register_layer

LIMIT = 1e-5  # relative to the largest value of the layer


def trace_of(network: Network, engine: str = "numpy", seed: int = 0) -> Trace:
    model = Model.from_network(network)
    model.named_weights = perturbed_weights(network, dtype="float32", by=0.1)
    model.use_engine(engine)
    inputs = [x[0] for x in pixels(network, 1, seed)]
    return Trace(model, inputs if len(inputs) > 1 else inputs[0])


def random_units(trace: Trace, count: int, seed: int = 0) -> list[Unit]:
    """Return up to `count` units of every node."""
    rng = np.random.default_rng(seed)
    places = (
        (number, [int(rng.integers(size)) for size in as_maps(node.shape)])
        for number, node in enumerate(trace.network.nodes)
        for _ in range(count)
    )
    return [trace.unit(number, place) for number, place in places]


def assert_right(trace: Trace, unit: Unit) -> None:
    """Assert that a unit has the engine's output, that its numbers add up, and that its cells are those of the maps."""
    scale = np.abs(trace.values[unit.node]).max()
    assert abs(unit.output - unit.engine_output) <= LIMIT * scale, unit
    assert unit.engine_output == trace.values[unit.node].reshape(as_maps(trace.values[unit.node].shape))[unit.position]
    for cells in unit.inputs:
        assert cells.values.shape == (len(cells.rows), len(cells.columns), len(cells.channels))
        maps = trace.values[cells.node].reshape(as_maps(cells.shape))
        for i, j, k in [(0, 0, 0), tuple(size - 1 for size in cells.values.shape)] if cells.values.size else []:
            expected = maps[cells.position(i, j, k)] if cells.mask[i, j] else 0
            assert cells.values[i, j, k] == expected
    if unit.operation in ("weighted_sum", "mean", "sum", "squared_distance"):
        total = sum(cells.products.sum() for cells in unit.inputs if cells.products is not None) + (unit.bias or 0)
        np.testing.assert_allclose(total, unit.pre_activation, rtol=1e-12)
    if unit.operation == "weighted_sum":
        for cells in unit.inputs:
            assert cells.weights is not None and cells.products is not None
            np.testing.assert_allclose(cells.weights * cells.values, cells.products)
    if unit.argmax:
        source, *place = unit.argmax
        assert unit.inputs[source].values[tuple(place)] == unit.pre_activation


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer(name: str) -> None:
    trace = trace_of(NETWORKS[name])
    units = random_units(trace, 8)
    assert all(has_rule(trace.network.nodes[unit.node].layer) for unit in units)
    for unit in units:
        assert_right(trace, unit)


SMALL = (65, 61, 3)


SAME_LAYERS = {
    "alexnet", "efficientnet-lite1", "efficientnet-lite2", "resnet34", "resnet50", "resnet101", "resnet152", "vgg16",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted({*st.zoo.list_models()} - SAME_LAYERS))
def test_every_network_of_the_zoo(name: str) -> None:
    """With small images and initial weights, one network of each family."""
    network = st.zoo.network(name)
    if len(network.input_shapes[0]) == 3 and network.input_shapes[0][0] > 100:
        network = st.zoo.network(name, input_shape=SMALL)
    trace = Trace(Model.from_network(network), pixels(network, 1)[0][0])
    for unit in random_units(trace, 1):
        assert_right(trace, unit)


@pytest.mark.parametrize("engine", ["torch", "onnx"])
@pytest.mark.parametrize("name", ["graph", "squeezed", "lenet parts", "conv groups"])
def test_other_engines(name: str, engine: str) -> None:
    trace = trace_of(NETWORKS[name], engine)
    for unit in random_units(trace, 4):
        assert_right(trace, unit)


def test_path_from_a_prediction_to_the_pixels() -> None:
    """Following the middle cell of each unit leads to a pixel of the image."""
    network = st.zoo.network("lenet5")
    trace = Trace(Model.from_network(network), pixels(network, 1)[0][0])
    unit, kinds = trace.unit("output", 3), []
    while unit.inputs:
        kinds.append(unit.kind)
        cells = unit.inputs[0]
        i, j = (int(places[len(places) // 2]) for places in np.nonzero(cells.mask))
        assert trace.unit(cells.node, cells.position(i, j, 0)).engine_output == cells.values[i, j, 0]
        unit = trace.unit(cells.node, cells.position(i, j, 0))
    assert kinds[:3] == ["Dense", "Dense", "Flatten"]
    assert kinds[-2:] == ["Rescale", "ZeroPadding2D"]
    y, x, channel = unit.position
    assert (unit.operation, unit.output) == ("input", trace.inputs[0][0, y, x, channel])


def test_numbers_of_a_batch_normalization() -> None:
    trace = trace_of(NETWORKS["bn plain"])
    weights = trace.model.named_weights
    unit = trace.unit("batch_normalization_1", (1, 0, 2))
    assert unit.statistics.keys() == {"gamma", "beta", "mean", "variance", "epsilon"}
    assert (unit.statistics["gamma"], unit.statistics["epsilon"]) == (1.0, 1e-3)
    np.testing.assert_allclose(unit.statistics["mean"], weights["batch_normalization_1/moving_mean"][2])
    (cells,) = unit.inputs
    assert cells.weights is not None
    scale = 1 / np.sqrt(unit.statistics["variance"] + 1e-3)
    np.testing.assert_allclose(cells.weights, scale)
    assert unit.bias == pytest.approx(unit.statistics["beta"] - unit.statistics["mean"] * scale)


def test_padding_is_marked_and_counts_neither_in_maximum_nor_in_mean() -> None:
    corner = trace_of(NETWORKS["average pool"]).unit(3, (6, 0, 0))
    (cells,) = corner.inputs
    assert cells.mask.tolist() == [[False, True, True], [False, False, False]]
    assert (corner.statistics["count"], cells.weights is not None and cells.weights[0, 1, 0]) == (2, 0.5)
    corner = trace_of(NETWORKS["max pool"]).unit(3, (0, 0, 1))
    (cells,) = corner.inputs
    assert cells.mask.tolist() == [[False] * 3, [False, True, True], [False, True, True]]
    assert corner.argmax is not None and cells.mask[corner.argmax[1:3]]


def test_softmax_has_the_sums_of_all_units() -> None:
    trace = trace_of(NETWORKS["global average"])
    unit = trace.unit("activation", 1)
    assert unit.channel_pre_activations is not None
    np.testing.assert_allclose(unit.output, np.exp(unit.pre_activation) / np.exp(unit.channel_pre_activations).sum())


@register_layer
@dataclass(frozen=True)
class Swirl(Layer):
    """A layer without a rule for its units."""

    def output_shape(self, *inputs: tuple[int, ...]) -> tuple[int, ...]:
        return inputs[0]


def test_layer_without_rule_shows_inputs_and_output() -> None:
    from striate.engines.numpy.rules import LayerContext, LayerRule, rule

    @rule(Swirl)
    class SwirlRule(LayerRule[Swirl, None]):
        def forward(self, context: LayerContext, x: Array) -> tuple[Array, None]:
            return -x, None

    trace = trace_of(chain((4, 3, 2), Swirl(name="swirl")))
    unit = trace.unit("swirl", (1, 2, 0))
    assert (unit.operation, unit.output, unit.engine_output) == (
        "unknown",
        unit.pre_activation,
        trace.maps("swirl")[1, 2, 0],
    )
    np.testing.assert_array_equal(unit.inputs[0].values, trace.maps("rescale"))
    assert st.explain.receptive_field(trace.network, "swirl", (1, 2)).rows == (0, 4)


def test_feature_maps_of_one_and_all_layers() -> None:
    network = NETWORKS["graph"]
    model, (images,) = Model.from_network(network), pixels(network, 1)
    maps = feature_maps(model, images[0])
    assert list(maps) == list(dict.fromkeys(str(node.layer.name) for node in network.nodes))
    np.testing.assert_array_equal(feature_maps(model, images, "shared"), maps["shared"])
    assert feature_maps(model, images[0], network.layer("add")).shape == (5, 6, 2)


def test_wrong_requests_are_refused() -> None:
    network = st.zoo.network("lenet5")
    model, (images,) = Model.from_network(network), pixels(network, 1)
    with pytest.raises(NetworkError, match=r"has no layer 'C2'\. Did you mean"):
        feature_maps(model, images[0], "C2")
    with pytest.raises(DataError, match=r"Expected one image of shape \(28, 28, 1\), received an array of shape \(27,"):
        feature_maps(model, images[0, 1:])
    with pytest.raises(
        UsageError, match=r"Conv2D 'C1' has no unit \(0, 0, 6\): its output is 28 rows × 28 columns × 6"
    ):
        st.explain.unit(model, images[0], "C1", (0, 0, 6))
    with pytest.raises(NetworkError, match="has the nodes 0 to 10; received 11"):
        st.explain.unit(model, images[0], 11, 0)
    with pytest.raises(UsageError, match="model must be a Model or a path; received 3"):
        feature_maps(3, images[0])  # type: ignore[arg-type]
