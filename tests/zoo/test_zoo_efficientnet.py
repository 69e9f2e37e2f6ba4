"""EfficientNet-Lite compared with the table of its paper and the published counts."""

import pytest

from striate import zoo
from striate.network import Add, BatchNormalization, Conv2D, DepthwiseConv2D, LayerRow, Network, Rescale

IDS = ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")


def rows(id: str) -> dict[str, LayerRow]:
    return {row.name: row for row in zoo.network(id).table()}


def test_lite0_has_the_table_of_the_paper() -> None:
    """Tan and Le 2019, table 1: for each stage its resolution, channels and layers."""
    table = rows("efficientnet-lite0")
    blocks = [name.removesuffix(".project") for name in table if name.endswith(".project")]
    assert [sum(name.startswith(f"block{stage}_") for name in blocks) for stage in range(1, 8)] == [1, 2, 2, 3, 3, 4, 1]
    found = [(table["stem"].output_size, table["stem"].channels)]
    found += [
        (table[f"block{stage}_1.project"].output_size, table[f"block{stage}_1.project"].channels)
        for stage in range(1, 8)
    ]
    found += [(table["head"].output_size, table["head"].channels)]
    sizes = [112, 112, 56, 28, 14, 14, 7, 7, 7]
    maps = [32, 16, 24, 40, 80, 112, 192, 320, 1280]
    assert found == [((size, size), channels) for size, channels in zip(sizes, maps, strict=True)]
    kernels = [table[f"block{stage}_1.depthwise"].kernel for stage in range(1, 8)]
    assert kernels == [(side, side) for side in (3, 3, 5, 3, 5, 5, 3)]


@pytest.mark.parametrize(
    ("id", "trained", "published", "size"),
    [
        ("efficientnet-lite0", 4_652_008, 4.7e6, 224),
        ("efficientnet-lite1", 5_416_680, 5.4e6, 240),
        ("efficientnet-lite2", 6_092_072, 6.1e6, 260),
    ],
)
def test_parameters_equal_those_of_the_published_networks(id: str, trained: int, published: float, size: int) -> None:
    """The exact numbers are those of the reference in PyTorch; rounded, those of the announcement."""
    network = zoo.network(id)
    assert network.trainable_parameter_count == trained
    assert round(trained, -5) == published
    assert network.input_shapes == ((size, size, 3),)
    assert network.output_shapes == ((1000,),)


def test_depth_and_width_are_scaled_but_not_stem_and_head() -> None:
    one, two = rows("efficientnet-lite1"), rows("efficientnet-lite2")
    counts = {id: [sum(name.startswith(f"block{stage}_") and name.endswith(".project") for name in table)
                   for stage in range(1, 8)] for id, table in (("1", one), ("2", two))}  # fmt: skip
    assert counts == {"1": [1, 3, 3, 4, 4, 5, 1], "2": [1, 3, 3, 4, 4, 5, 1]}
    maps = [two[f"block{stage}_1.project"].channels for stage in range(1, 8)]
    assert maps == [16, 24, 48, 88, 120, 208, 352]
    assert (two["stem"].channels, two["head"].channels) == (32, 1280)


@pytest.mark.parametrize("id", IDS)
def test_layers_and_their_settings(id: str) -> None:
    network = zoo.network(id)
    assert network.name == id
    scaling = network.nodes[1].layer
    assert isinstance(scaling, Rescale)
    assert [pixel * scaling.scale + scaling.offset for pixel in (127, 255)] == [0, 1]  # type: ignore[operator]
    layers = [node.layer for node in network.nodes]
    assert all(layer.padding == "same" and not layer.use_bias for layer in layers if isinstance(layer, DepthwiseConv2D))
    norms = [layer for layer in layers if isinstance(layer, BatchNormalization)]
    assert {(norm.epsilon, norm.momentum) for norm in norms} == {(1e-3, 0.99)}
    assert len(norms) == sum(isinstance(layer, Conv2D | DepthwiseConv2D) for layer in layers)
    assert {row.activation for row in network.table() if row.activation} - {"linear"} == {"relu6", "softmax"}
    sums = sum(isinstance(layer, Add) for layer in layers)
    assert sums == (9 if id == "efficientnet-lite0" else 14)
    assert Network.from_json(network.to_json()) == network


@pytest.mark.parametrize("size", [32, 97, 160])
def test_other_sizes_and_channels(size: int) -> None:
    network = zoo.network("efficientnet-lite0", input_shape=(size, size + 3, 1), classes=2, dropout=0.5)
    assert network.output_shapes == ((2,),)
