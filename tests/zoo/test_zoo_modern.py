"""Networks of 2016 to 2022 compared with the tables of their papers and with PyTorch's counts."""

import pytest

from striate import zoo
from striate.network import Conv2D, LayerRow, LayerScale, Network


def rows(id: str) -> dict[str, LayerRow]:
    return {row.name: row for row in zoo.network(id).table()}


@pytest.mark.parametrize(
    ("id", "trained", "millions"),
    [
        ("mobilenetv3-small", 2_542_856, 56),  # the paper: 2.5 million parameters, 56 million multiply-adds
        ("mobilenetv3-large", 5_483_032, 219),
        ("efficientnet-b0", 5_288_548, 390),
        ("convnext-tiny", 28_589_128, 4_500),
        ("densenet121", 7_978_856, 2_870),  # half of the operations in torchvision's table
        ("regnety-400mf", 4_344_144, 404),
    ],
)
def test_parameters_and_multiply_adds(id: str, trained: int, millions: int) -> None:
    """The numbers of parameters are exactly those of timm and torchvision."""
    network = zoo.network(id)
    assert network.name == id
    assert network.trainable_parameter_count == trained
    assert network.multiply_adds == pytest.approx(1e6 * millions, rel=0.015)
    assert Network.from_json(network.to_json()) == network
    small = zoo.network(id, input_shape=(40, 36, 1), classes=3)
    assert small.output_shapes == ((3,),)


def test_mobilenetv3_has_the_rows_of_its_tables() -> None:
    small, large = rows("mobilenetv3-small"), rows("mobilenetv3-large")
    for table, sizes, maps, squeezes in (
        (small, [56, 28, 14, 14, 7], [16, 24, 40, 48, 96], 9),
        (large, [112, 56, 28, 14, 14, 7], [16, 24, 40, 80, 112, 160], 8),
    ):
        stages = range(1, len(sizes) + 1)
        assert [table[f"block{stage}_1.project"].output_size for stage in stages] == [(size, size) for size in sizes]
        assert [table[f"block{stage}_1.project"].channels for stage in stages] == maps
        assert sum(name.endswith(".se.reduce") for name in table) == squeezes
    assert (small["head"].channels, small["hidden"].units) == (576, 1024)
    assert (large["head"].channels, large["hidden"].units) == (960, 1280)
    assert [row.activation for name, row in small.items() if name.endswith("_act")].count("relu") == 5


def test_efficientnet_b0_is_lite0_with_squeeze_and_excitation() -> None:
    own, lite = rows("efficientnet-b0"), rows("efficientnet-lite0")
    for name, row in lite.items():
        if row.kind in ("Conv2D", "DepthwiseConv2D"):
            assert (own[name].output_size, own[name].channels, own[name].kernel) == (
                row.output_size,
                row.channels,
                row.kernel,
            )
    assert sum(name.endswith(".se.expand") for name in own) == 16


def test_convnext_has_the_stages_of_its_table() -> None:
    table = rows("convnext-tiny")
    found = [
        sum(name.startswith(f"block{stage}_") and name.endswith(".add") for name in table) for stage in (1, 2, 3, 4)
    ]
    assert found == [3, 3, 9, 3]
    sizes = [
        (table[f"block{stage}_1.depthwise"].output_size, table[f"block{stage}_1.depthwise"].channels)
        for stage in (1, 2, 3, 4)
    ]
    assert sizes == [((56, 56), 96), ((28, 28), 192), ((14, 14), 384), ((7, 7), 768)]
    scales = [node.layer.initial for node in zoo.network("convnext-tiny").nodes if isinstance(node.layer, LayerScale)]
    assert scales == [1e-6] * 18


def test_densenet_grows_by_32_maps_and_halves_in_between() -> None:
    table = rows("densenet121")
    ends = [table[f"dense{stage}_{count}.concat"].channels for stage, count in enumerate((6, 12, 24, 16), start=1)]
    assert ends == [256, 512, 1024, 1024]
    assert [table[f"transition{stage}.conv"].channels for stage in (1, 2, 3)] == [128, 256, 512]
    assert [table[f"transition{stage}.pool"].output_size for stage in (1, 2, 3)] == [(28, 28), (14, 14), (7, 7)]


def test_regnety_has_the_widths_of_its_rule() -> None:
    """w = 48 + 27.9 · block, quantized to 48 · 2.1^s and to multiples of the group width 8."""
    table, network = rows("regnety-400mf"), zoo.network("regnety-400mf")
    depths = [
        sum(name.startswith(f"block{stage}_") and name.endswith(".conv1") for name in table) for stage in range(1, 5)
    ]
    assert depths == [1, 3, 6, 6]
    widths = [table[f"block{stage}_1.conv3"].channels for stage in range(1, 5)]
    assert widths == [48, 104, 208, 440]
    grouped = [node.layer for node in network.nodes if isinstance(node.layer, Conv2D) and node.layer.groups > 1]
    assert {layer.filters // layer.groups for layer in grouped} == {8}
