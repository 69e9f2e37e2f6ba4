"""Random networks: JSON round trips, and receptive fields compared with a trace of every dependency."""

import json
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from striate.errors import NetworkError
from striate.network import (
    ACTIVATIONS,
    L2,
    Activation,
    Add,
    AveragePool2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalMaxPool2D,
    Input,
    Layer,
    LocalResponseNormalization,
    MaxPool2D,
    Network,
    Normal,
    Rescale,
    Shape,
    Subsample2D,
    Tensor,
    ZeroPadding2D,
    receptive_fields,
)

sides = st.tuples(st.integers(0, 2), st.integers(0, 2))
paddings = st.one_of(st.sampled_from(["valid", "same"]), st.tuples(sides, sides))
pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
activations = st.sampled_from(ACTIVATIONS)


@st.composite
def map_layers(draw: st.DrawFn) -> Layer:
    """Return any layer from maps to maps."""
    layer: Layer = draw(
        st.one_of(
            st.builds(
                Conv2D,
                filters=st.just(4),
                kernel_size=pairs,
                strides=pairs,
                padding=paddings,
                dilation_rate=st.integers(1, 2),
                groups=st.sampled_from([1, 2]),
                activation=activations,
                use_bias=st.booleans(),
                kernel_initializer=st.builds(Normal, stddev=st.floats(0, 1)),
                kernel_regularizer=st.none() | st.builds(L2, st.floats(0, 1)),
            ),
            st.builds(Conv2D, st.just(2), pairs, connections=st.just(((0,), (1, 0)))),
            st.builds(DepthwiseConv2D, kernel_size=pairs, strides=pairs, padding=paddings),
            st.builds(MaxPool2D, pool_size=st.just((3, 3)), strides=pairs, padding=paddings),
            st.builds(AveragePool2D, pool_size=pairs, padding=st.sampled_from(["valid", "same"])),
            st.builds(Subsample2D, pool_size=pairs, activation=activations),
            st.builds(ZeroPadding2D, padding=st.tuples(sides, sides)),
            st.builds(Rescale, scale=st.floats(-9, 9)),
            st.builds(BatchNormalization, momentum=st.floats(0, 0.99), center=st.booleans()),
            st.builds(LocalResponseNormalization, radius=st.integers(0, 3)),
            st.builds(Dropout, st.floats(0, 0.9)),
            st.builds(Activation, activations),
        )
    )
    return layer


@st.composite
def networks(draw: st.DrawFn, ending: bool = True) -> Network:
    """Draw a chain with shared layers and branches; layers that do not fit are omitted."""
    image = Input((draw(st.integers(4, 16)), draw(st.integers(4, 16)), draw(st.sampled_from([2, 4]))))
    x: Tensor = Rescale(1 / 255, (0.0,) * image.shape[2])(image)
    for layer in draw(st.lists(map_layers(), max_size=6)):
        x = _grow(draw(st.sampled_from(["chain", "chain", "add", "concatenate", "shared"])), layer, x)
    if ending:
        end = draw(st.sampled_from([Flatten(), GlobalMaxPool2D()]))
        x = Dense(draw(st.integers(1, 9)), draw(activations), name="마지막")(end(x))
    return Network(image, x, name=draw(st.sampled_from(["net", "그물"])))


def _grow(how: str, layer: Layer, x: Tensor) -> Tensor:
    try:
        if how == "add":
            return Add()(layer(x), x)
        if how == "concatenate":
            return Concatenate()([x, layer(x), x])
        y = layer(x)
        return layer(y) if how == "shared" and y.sample_shape[2] == x.sample_shape[2] else y
    except NetworkError:
        return x


@given(networks())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_json_round_trip_returns_an_equal_network(network: Network) -> None:
    text = network.to_json()
    again = Network.from_json(text)
    assert again == network
    assert hash(again) == hash(network)
    assert again.to_json() == text
    assert again.parameters == network.parameters
    assert again.table() == network.table()


def traced(network: Network, axis: int) -> list[list[set[int]]]:
    """Return, for each node and each position along one axis, the positions of the image that it depends on."""
    result: list[list[set[int]]] = []
    for node in network.nodes:
        positions = range(node.shape[axis])
        reads = [(result[source], network.nodes[source].shape) for source in node.inputs]
        result.append(
            [
                {
                    pixel
                    for behind, shape in reads
                    for read in positions_read(node.layer, shape, axis, place)
                    if 0 <= read < len(behind)
                    for pixel in behind[read]
                }
                for place in positions
            ]
            if reads
            else [{place} for place in positions]
        )
    return result


def branches_have_equal_jumps(network: Network) -> bool:
    """Return whether all inputs of each merging layer have the same jump, so that one number describes them."""
    jumps = [field.jump for field in receptive_fields(network) if field]
    return all(len({jumps[source] for source in node.inputs}) < 2 for node in network.nodes)


def positions_read(layer: Layer, shape: Shape, axis: int, place: int) -> list[int]:
    """Return the input positions that one output position along an axis depends on, padding included."""
    window = layer.window
    if window is None:
        return [place]
    start = place * window.strides[axis] - window.margins((shape[0], shape[1]))[axis][0]
    return [start + tap * window.dilation[axis] for tap in range(window.kernel[axis])]


@given(networks(ending=False), st.sampled_from([0, 1]))
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_receptive_fields_contain_every_pixel_that_an_output_depends_on(network: Network, axis: int) -> None:
    assume(branches_have_equal_jumps(network))
    for field, positions in zip(receptive_fields(network), traced(network, axis), strict=True):
        assert field is not None
        for place, pixels in enumerate(positions):
            start = field.start[axis] + place * field.jump[axis]
            stop = start + field.size[axis]
            assert all(start <= pixel < stop for pixel in pixels)
            if start >= 0 and stop <= network.input_shapes[0][axis]:
                assert (min(pixels), max(pixels) + 1) == (start, stop)


@given(networks(), st.data())
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_json_raises_a_network_error(network: Network, data: st.DataObject) -> None:
    description = json.loads(network.to_json())
    _damage(description, data)
    try:
        again = Network.from_json(json.dumps(description))
    except NetworkError as problem:
        assert str(problem)
    else:
        assert Network.from_json(again.to_json()) == again


def _damage(value: Any, data: st.DataObject) -> None:
    """Replace one element of nested lists and objects, chosen at random."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = data.draw(st.sampled_from(keys))
    if isinstance(value[key], dict | list) and value[key] and data.draw(st.booleans()):
        return _damage(value[key], data)
    junk = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3), st.floats(allow_nan=False))
    value[key] = data.draw(st.one_of(junk, st.lists(junk, max_size=3), st.dictionaries(st.text(max_size=4), junk)))
    return None
