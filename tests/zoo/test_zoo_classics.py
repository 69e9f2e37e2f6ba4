"""The classic networks for photographs compared with the tables of their papers."""

from collections import defaultdict

import numpy as np
import pytest

from striate import zoo
from striate.engines.initialization import initial_weights
from striate.engines.numpy import NumpyEngine
from striate.errors import NetworkError, UsageError
from striate.network import (
    BatchNormalization,
    Constant,
    Conv2D,
    Dense,
    Dropout,
    HeNormal,
    LayerRow,
    LocalResponseNormalization,
    MaxPool2D,
    Network,
    Normal,
    Rescale,
    Zeros,
)

RESNETS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
CLASSICS = ("alexnet", "alexnet-2012", "googlenet", "vgg16", *RESNETS)


def rows(id: str, **settings: object) -> dict[str, LayerRow]:
    return {row.name: row for row in zoo.network(id, **settings).table()}  # type: ignore[arg-type]


def sizes(table: dict[str, LayerRow], *names: str) -> list[int]:
    """Return the heights, which must equal the widths."""
    found = [table[name].output_size for name in names]
    assert all(size and size[0] == size[1] for size in found)
    return [size[0] for size in found if size]


def by_block(network: Network) -> dict[str, tuple[int, int]]:
    """Return the kernel weights and multiply-adds of each block, and of each layer outside of blocks."""
    kernels = {p.name.rpartition("/")[0]: p.size for p in network.parameters if p.name.endswith("/kernel")}
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in network.table():
        block = sums[row.name.partition(".")[0]]
        block[0] += kernels.get(row.name, 0)
        block[1] += row.multiply_adds
    return {name: (weights, adds) for name, (weights, adds) in sums.items()}


@pytest.mark.parametrize("id", CLASSICS)
def test_output_has_a_thousand_classes(id: str) -> None:
    network = zoo.network(id)
    assert network.name == id
    assert network.output_shapes == ((1000,),)
    assert network.nodes[network.outputs[0]].layer == Dense(
        1000, activation="softmax", name="output", kernel_initializer=network.parameters[-2].initializer
    )
    scaling = network.nodes[1].layer
    assert isinstance(scaling, Rescale)
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pixels = np.array([255.0, 0.0, 51.0])
    np.testing.assert_allclose(pixels * scaling.scale + scaling.offset, (pixels / 255 - mean) / deviation, rtol=1e-12)
    assert Network.from_json(network.to_json()) == network


@pytest.mark.parametrize(
    ("id", "trained"),
    [
        ("alexnet", 62_378_344),
        ("alexnet-2012", 60_965_224),
        ("googlenet", 6_998_552),
        ("vgg16", 138_357_544),
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("resnet101", 44_549_160),
        ("resnet152", 60_192_808),
    ],
)
def test_total_number_of_parameters(id: str, trained: int) -> None:
    assert zoo.network(id).trainable_parameter_count == trained


@pytest.mark.parametrize("id", ["alexnet", "alexnet-2012"])
def test_alexnet_has_the_maps_of_the_paper(id: str) -> None:
    table = rows(id)
    assert sizes(table, "conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5") == [
        55, 27, 27, 13, 13, 13, 13, 6,
    ]  # fmt: skip
    assert [table[f"conv{n}"].channels for n in range(1, 6)] == [96, 256, 384, 384, 256]
    assert [table[name].units for name in ("flatten", "fc6", "fc7")] == [9216, 4096, 4096]


def test_alexnet_of_2012_splits_convolutions_over_two_gpus() -> None:
    """Section 3.5 gives the kernels' sizes: 5×5×48, 3×3×256, 3×3×192, 3×3×192; sections 3.3 and 5 the constants."""
    network, table = zoo.network("alexnet-2012"), rows("alexnet-2012")
    kernels = [p.shape for p in network.parameters if p.name.endswith("/kernel") and p.name.startswith("conv")]
    assert kernels == [(11, 11, 3, 96), (5, 5, 48, 256), (3, 3, 256, 384), (3, 3, 192, 384), (3, 3, 192, 256)]
    assert [table[f"conv{n}"].parameters for n in range(1, 6)] == [34_944, 307_456, 885_120, 663_936, 442_624]
    assert network.layer("norm2") == LocalResponseNormalization(radius=2, alpha=1e-4, beta=0.75, k=2, name="norm2")
    starts = {p.name: p.initializer for p in network.parameters}
    assert {start for name, start in starts.items() if name.endswith("/kernel")} == {Normal(0.0, 0.01)}
    ones = [name for name, start in starts.items() if start == Constant(1.0)]
    assert ones == [f"{layer}/bias" for layer in ("conv2", "conv4", "conv5", "fc6", "fc7")]


def test_alexnet_in_one_column_has_lrn_or_batch_normalization() -> None:
    network = zoo.network("alexnet")
    kinds = [node.layer.kind for node in network.nodes]
    assert kinds[2:8] == ["Conv2D", "LocalResponseNormalization", "MaxPool2D"] * 2
    assert network.layer("norm1") == LocalResponseNormalization(radius=2, alpha=2e-5, beta=0.75, k=1, name="norm1")
    batch = zoo.network("alexnet", normalization="batch")
    assert sum(isinstance(node.layer, BatchNormalization) for node in batch.nodes) == 5
    assert not any(isinstance(node.layer, LocalResponseNormalization) for node in batch.nodes)
    assert [row.output_size for row in rows("alexnet").values() if row.kind == "MaxPool2D"] == [
        row.output_size for row in batch.table() if row.kind == "MaxPool2D"
    ]


# Table 1 of the paper: size of the output, its maps, weights in units of 1,024, multiply-adds in millions. Some of the
# paper's sums do not follow from its filters: conv1 has 9.2 K weights and 118 M, not 2.7 K and 34 M;
# 4c 498 K, not 463 K; 5a 1,018 K and 51 M, not 1,072 K and 54 M. All others are within 2 %.
GOOGLENET = {
    "conv1": (112, 64, 9.2, 118),
    "conv2": (56, 192, 112, 360),
    "inception_3a": (28, 256, 159, 128),
    "inception_3b": (28, 480, 380, 304),
    "inception_4a": (14, 512, 364, 73),
    "inception_4b": (14, 512, 437, 88),
    "inception_4c": (14, 512, 498, 100),
    "inception_4d": (14, 528, 580, 119),
    "inception_4e": (14, 832, 840, 170),
    "inception_5a": (7, 832, 1018, 51),
    "inception_5b": (7, 1024, 1388, 71),
    "output": (None, 1000, 1000, 1),
}


def test_googlenet_has_the_table_of_the_paper() -> None:
    network, table = zoo.network("googlenet"), rows("googlenet")
    counted = by_block(network)
    counted["conv2"] = tuple(map(sum, zip(counted["conv2_reduce"], counted["conv2"], strict=True)))  # type: ignore[assignment]
    for name, (size, maps, weights, adds) in GOOGLENET.items():
        end = table.get(f"{name}.concat") or table[name]
        assert (end.output_size, end.channels or end.units) == (size and (size, size), maps), name
        assert counted[name][0] / 1024 == pytest.approx(weights, rel=0.025), name
        assert counted[name][1] / 1e6 == pytest.approx(adds, rel=0.025), name
    assert sizes(table, "pool1", "pool2", "pool3", "pool4") == [56, 28, 14, 7]
    assert (table["pool5"].units, table["pool5"].output_size) == (1024, None)
    assert table["inception_3a.5x5"].kernel == (5, 5)
    assert network.layer("dropout") == Dropout(0.4, name="dropout")


def test_googlenet_in_torchvisions_form() -> None:
    network = zoo.network("googlenet", normalization="batch", form="torchvision")
    table = {row.name: row for row in network.table()}
    assert network.trainable_parameter_count == 6_624_904
    assert (table["inception_3a.5x5"].kernel, table["pool4"].kernel) == ((3, 3), (2, 2))
    assert sizes(table, "conv1", "pool1", "pool2", "pool3", "pool4") == [112, 56, 28, 14, 7]
    assert network.nodes[1].layer == Rescale(1 / 127.5, -1.0, name="rescale")


# Table 1 of the paper: blocks of conv2_x … conv5_x, kernels and filters of a block of conv2_x, 10⁹ multiply-adds.
RESNET = {
    "resnet18": ((2, 2, 2, 2), ((3, 64), (3, 64)), 1.8),
    "resnet34": ((3, 4, 6, 3), ((3, 64), (3, 64)), 3.6),
    "resnet50": ((3, 4, 6, 3), ((1, 64), (3, 64), (1, 256)), 3.8),
    "resnet101": ((3, 4, 23, 3), ((1, 64), (3, 64), (1, 256)), 7.6),
    "resnet152": ((3, 8, 36, 3), ((1, 64), (3, 64), (1, 256)), 11.3),
}


@pytest.mark.parametrize("id", RESNETS)
def test_resnet_has_the_table_of_the_paper(id: str) -> None:
    blocks, convolutions, cost = RESNET[id]
    network, table = zoo.network(id), rows(id)
    assert sizes(table, "conv1", "pool1") == [112, 56]
    for stage, count in enumerate(blocks, start=2):
        names = {row.name.partition(".")[0] for row in table.values() if row.name.startswith(f"conv{stage}_")}
        assert names == {f"conv{stage}_{number}" for number in range(1, count + 1)}
        for block in names:
            assert sizes(table, f"{block}.relu") == [112 >> (stage - 1)]
            found = [table[f"{block}.conv{n}"] for n in range(1, len(convolutions) + 1)]
            scale = 1 << (stage - 2)
            assert [(row.kernel and row.kernel[0], row.channels) for row in found] == [
                (kernel, filters * scale) for kernel, filters in convolutions
            ]
    assert network.multiply_adds / 1e9 == pytest.approx(cost, rel=0.02)
    layers = sum(
        isinstance(node.layer, Conv2D | Dense) and "shortcut" not in str(node.layer.name) for node in network.nodes
    )
    assert f"resnet{layers}" == id


def test_shortcuts_are_the_identity_unless_the_shape_changes() -> None:
    for id, projections in (("resnet18", 3), ("resnet34", 3), ("resnet50", 4), ("resnet152", 4)):
        found = [name for name in rows(id) if name.endswith(".shortcut")]
        assert found == [f"conv{stage}_1.shortcut" for stage in range(6 - projections, 6)]


def test_stride_position_of_a_bottleneck_depends_on_the_form() -> None:
    for form, strides in (("published", [(2, 2), (1, 1), (1, 1)]), ("torchvision", [(1, 1), (2, 2), (1, 1)])):
        table = rows("resnet50", form=form)
        assert [table[f"conv3_1.conv{n}"].strides for n in (1, 2, 3)] == strides
        assert table["conv3_1.shortcut"].strides == (2, 2)
        assert table["conv3_1.relu"].output_size == (28, 28)


def test_residual_blocks_start_as_the_identity() -> None:
    """With gamma 0 a block returns its input, which relu has made positive."""
    network = zoo.network("resnet18", input_shape=(32, 32, 3), classes=3)
    starts = {p.name for p in network.parameters if p.initializer == Zeros() and p.name.endswith("/gamma")}
    assert starts == {f"conv{stage}_{number}.conv2_bn/gamma" for stage in range(2, 6) for number in (1, 2)}
    engine = NumpyEngine(network, initial_weights(network, 0), dtype="float32")
    found = engine.activations([np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)])
    np.testing.assert_array_equal(found["conv2_1.relu"], found["pool1"])
    np.testing.assert_array_equal(found["conv2_2.relu"], found["pool1"])


def test_dropout_before_the_output_of_a_resnet() -> None:
    assert not any(isinstance(node.layer, Dropout) for node in zoo.network("resnet18").nodes)
    assert zoo.network("resnet18", dropout=0.3).layer("dropout") == Dropout(0.3, name="dropout")


def test_vgg16_has_the_table_of_the_paper() -> None:
    """Table 1, column D, and table 2: 138 million."""
    table = rows("vgg16")
    convolutions = [row for row in table.values() if row.kind == "Conv2D"]
    assert [row.channels for row in convolutions] == [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    assert {(row.kernel, row.strides) for row in convolutions} == {((3, 3), (1, 1))}
    assert sizes(table, *(f"pool{stage}" for stage in range(1, 6))) == [112, 56, 28, 14, 7]
    dense = [table[name].parameters for name in ("fc6", "fc7", "output")]
    assert dense == [102_764_544, 16_781_312, 4_097_000]


@pytest.mark.parametrize("id", CLASSICS)
def test_layers_with_relu_are_initialized_as_in_he_2015(id: str) -> None:
    kernels = {p.name: p.initializer for p in zoo.network(id).parameters if p.name.endswith("/kernel")}
    kernels.pop("output/kernel")
    assert set(kernels.values()) == {Normal(0.0, 0.01) if id == "alexnet-2012" else HeNormal()}


@pytest.mark.parametrize("id", CLASSICS)
@pytest.mark.parametrize("size", [64, 101, 160, 320])
def test_other_sizes_and_channels(id: str, size: int) -> None:
    network = zoo.network(id, input_shape=(size, size + 3, 1), classes=2)
    assert network.output_shapes == ((2,),)
    scaling = network.nodes[1].layer
    assert isinstance(scaling, Rescale)
    assert scaling.scale == pytest.approx((1 / (255 * 0.226),))


@pytest.mark.parametrize("size", range(11, 400, 7))
def test_overlapping_poolings_have_the_sizes_of_caffe(size: int) -> None:
    """The output size is (size − 3) / 2 rounded up, plus 1."""
    shape = MaxPool2D(3, strides=2, padding=((0, 1), (0, 1))).output_shape((size, size, 1))
    assert shape == (-(-(size - 3) // 2) + 1, -(-(size - 3) // 2) + 1, 1)


@pytest.mark.parametrize(
    ("id", "size", "message"),
    [
        ("alexnet", 38, r"^MaxPool2D 'pool5': its window of 3×3 is larger than its input of 1×1, .*or larger images"),
        ("alexnet-2012", 10, r"^Conv2D 'conv1': its window of 11×11 is larger than its input of 10×10.*larger images"),
        ("googlenet", 16, r"^MaxPool2D 'pool4': its window of 3×3 is larger than its input of 1×1.*larger images"),
        ("vgg16", 31, r"^MaxPool2D 'pool5': its window of 2×2 is larger than its input of 1×1\. .*larger images"),
    ],
)
def test_images_that_are_too_small_raise(id: str, size: int, message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        zoo.network(id, input_shape=(size, size, 3))


@pytest.mark.parametrize(
    ("id", "settings", "message"),
    [
        (
            "alexnet",
            {"normalization": "batchnorm"},
            r"'alexnet' has no normalization 'batchnorm'\. Did you mean 'batch'",
        ),
        ("googlenet", {"normalization": "x"}, r"'googlenet' has no normalization 'x'\. Available: batch, lrn\."),
        ("googlenet", {"form": "keras"}, r"'googlenet' has no form 'keras'\. Available: published, torchvision\."),
        ("resnet50", {"form": "v1.5"}, r"'resnet50' has no form 'v1\.5'\. Available: published, torchvision\."),
        (
            "resnet18",
            {"form": "torchvision"},
            r"'resnet18' has no setting 'form'\. Its settings: input_shape, classes, drop",
        ),
    ],
)
def test_invalid_settings_raise(id: str, settings: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        rows(id, **settings)
