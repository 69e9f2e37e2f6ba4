"""The region that a unit sees is where its gradient is not 0, for every layer."""

import numpy as np
import pytest
from engines.networks import NETWORKS, perturbed_weights, pixels, uncompiled

import striate as st
from striate.errors import UsageError
from striate.explain import Region, receptive_field
from striate.explain.units import as_maps
from striate.network import Concatenate, Conv2D, Input, MaxPool2D, Network, receptive_fields
from striate.network.outputs import network_up_to

IMAGES = 40


def seen_by(network: Network, node: int, place: tuple[int, int, int]) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return the rows and columns of the image where the gradient of a unit is not 0 for some image."""
    part = network_up_to(network, [node])
    weights = perturbed_weights(network, by=0.02)  # small, so that no tanh is exactly 1
    engine = uncompiled(part, {parameter.name: weights[parameter.name] for parameter in part.parameters})
    seed = np.zeros((IMAGES, *as_maps(part.output_shapes[0])))
    y, x, channel = place
    seed[:, y, x, channel] = 1
    seed = seed.reshape(IMAGES, *part.output_shapes[0])
    found = engine.node_gradients(pixels(part, IMAGES), [seed], part.inputs)[part.inputs[0]]
    rows, columns = np.nonzero(np.abs(found).sum(axis=(0, 3)) > 0)
    if not len(rows):
        return None
    return (rows.min(), rows.max() + 1), (columns.min(), columns.max() + 1)


IMAGE_NETWORKS = [name for name, net in NETWORKS.items() if [len(shape) for shape in net.input_shapes] == [3]]


@pytest.mark.parametrize("name", IMAGE_NETWORKS)
def test_region_is_exact(name: str) -> None:
    network = Network.from_json(NETWORKS[name].to_json().replace('"relu"', '"tanh"'))  # whose gradient is never 0
    rng = np.random.default_rng(0)
    for node in range(1, len(network.nodes)):
        height, width, channels = as_maps(network.nodes[node].shape)
        places = [
            (0, 0, 0),
            (height - 1, width - 1, channels - 1),
            (int(rng.integers(height)), int(rng.integers(width)), int(rng.integers(channels))),
        ]
        for place in places:
            expected = seen_by(network, node, place)
            if expected is None:
                with pytest.raises(UsageError, match="contains only padding"):
                    receptive_field(network, node, place)
                continue
            region = receptive_field(network, node, place)
            if name == "rearranged":  # after Reshape and Permute, a rectangle that contains what the unit sees
                rows, columns = expected
                assert region.rows[0] <= rows[0] < rows[1] <= region.rows[1]
                assert region.columns[0] <= columns[0] < columns[1] <= region.columns[1]
            else:
                assert (region.rows, region.columns) == expected, (network.nodes[node].layer, place)


def test_lenet5_on_paper() -> None:
    """A unit of C3 sees 14×14 pixels of the padded 32×32 image: LeCun et al. 1998, section II.B."""
    network = st.zoo.network("lenet5")
    region = receptive_field(network, "C3", (0, 9))
    assert region == Region("C3", "input", (0, 12), (16, 28), (-2, 12), (16, 30))
    assert region.size == (14, 14)
    assert region.padding == ((2, 0), (0, 2))
    assert region.crop(np.zeros((28, 28, 1))).shape == (12, 12, 1)


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "resnet50", "googlenet", "efficientnet-lite0"])
def test_size_is_that_of_the_table(name: str) -> None:
    """The unclipped field of an inner unit, over all channels, has the size in the summary of the network."""
    network = st.zoo.network(name)
    for number, (node, field) in enumerate(zip(network.nodes, receptive_fields(network), strict=True)):
        if len(node.shape) == 3 and field and number % 23 == 0:
            region = receptive_field(network, number, (0, 0))
            assert region.size == field.size, node.layer
            assert (region.unclipped_rows[0], region.unclipped_columns[0]) == field.start


def test_channels_of_branches_see_different_regions() -> None:
    image = Input((9, 9, 1))
    small, large = Conv2D(2, 1)(image), Conv2D(2, 5, padding="same")(image)
    network = Network(image, MaxPool2D(1, name="end")(Concatenate()([small, large])))
    assert receptive_field(network, "end", (4, 4, 1)).size == (1, 1)
    assert receptive_field(network, "end", (4, 4, 2)).size == (5, 5)
    assert receptive_field(network, "end", (4, 4)).size == (5, 5)


def test_padding_of_an_inner_layer_shows_no_pixels() -> None:
    """A row that no window reaches is not seen through the padding of the next layer either."""
    network = Network.sequential([Input((6, 6, 1)), Conv2D(1, 2, strides=3), Conv2D(1, 3, padding="same", name="end")])
    region = receptive_field(network, "end", (1, 1))
    assert region.rows == (0, 5)
    assert region.unclipped_rows == (0, 8)


def test_unit_outside_the_map_is_refused() -> None:
    network = st.zoo.network("lenet5")
    with pytest.raises(UsageError, match=r"Conv2D 'C1' has no unit \(28, 0, 0\): its output is 28 rows × 28 columns"):
        receptive_field(network, "C1", (28, 0))
    with pytest.raises(UsageError, match=r"has no unit 10: its output is 10 units, counted from 0"):
        receptive_field(network, "output", 10)
    with pytest.raises(UsageError, match="Expected \\(y, x, channel\\) in Conv2D 'C1'; received 3"):
        receptive_field(network, "C1", 3)
