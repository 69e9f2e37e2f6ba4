"""Shapes, parameters and cost of the classic networks for photographs."""

from striate.network import (
    Activation,
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Input,
    LocalResponseNormalization,
    MaxPool2D,
    Network,
    Tensor,
)


def test_alexnet_of_2012() -> None:
    """Sizes 55 → 27 → 13 → 6 and the paper's 60 million parameters, with the split over two GPUs as groups."""
    network = Network.sequential(
        [
            Input((227, 227, 3)),
            Conv2D(96, 11, strides=4, activation="relu", name="C1"),
            LocalResponseNormalization(),
            MaxPool2D(3, 2, name="S1"),
            Conv2D(256, 5, padding=2, groups=2, activation="relu", name="C2"),
            LocalResponseNormalization(),
            MaxPool2D(3, 2, name="S2"),
            Conv2D(384, 3, padding="same", activation="relu", name="C3"),
            Conv2D(384, 3, padding="same", groups=2, activation="relu", name="C4"),
            Conv2D(256, 3, padding="same", groups=2, activation="relu", name="C5"),
            MaxPool2D(3, 2, name="S5"),
            Flatten(),
            Dense(4096, activation="relu"),
            Dropout(0.5),
            Dense(4096, activation="relu"),
            Dropout(0.5),
            Dense(1000, activation="softmax", name="output"),
        ]
    )
    rows = {row.name: row for row in network.table()}
    sizes = [(rows[name].output_size or (0, 0))[0] for name in ("C1", "S1", "C2", "S2", "C3", "C4", "C5", "S5")]
    assert sizes == [55, 27, 27, 13, 13, 13, 13, 6]
    assert rows["S5"].receptive_field == (195, 195)
    assert rows["S5"].jump == (32, 32)
    assert network.parameter_count == 60_965_224
    assert rows["C1"].multiply_adds == 105_415_200
    assert rows["C2"].multiply_adds == 223_948_800


def inception(x: Tensor, *filters: int) -> Tensor:
    one, reduce3, three, reduce5, five, pooled = filters
    return Concatenate()(
        Conv2D(one, 1)(x),
        Conv2D(three, 3, padding="same")(Conv2D(reduce3, 1)(x)),
        Conv2D(five, 5, padding="same")(Conv2D(reduce5, 1)(x)),
        Conv2D(pooled, 1)(MaxPool2D(3, 1, padding="same")(x)),
    )


def test_inception_3a_of_googlenet() -> None:
    """Table 1 of Szegedy et al. 2015: 28×28×256, 159 K parameters, 128 M operations."""
    image = Input((28, 28, 192))
    x = inception(Activation("linear")(image), 64, 96, 128, 16, 32, 32)
    network = Network(image, x)
    assert network.output_shapes == ((28, 28, 256),)
    assert sum(p.size for p in network.parameters if p.name.endswith("kernel")) == 163_328
    assert network.multiply_adds == 163_328 * 28 * 28
    assert network.table()[-1].receptive_field == (5, 5)


def conv_bn(filters: int, size: int, stride: int, x: Tensor | Input, activation: str = "relu") -> Tensor:
    x = Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
    return Activation(activation)(BatchNormalization()(x))


def test_bottleneck_of_resnet() -> None:
    """The first block of ResNet-50's conv3: 56×56×256 → 28×28×512, with projection."""
    image = Input((56, 56, 256))
    x = conv_bn(512, 1, 1, conv_bn(128, 3, 2, conv_bn(128, 1, 1, image)), "linear")
    network = Network(image, Activation("relu")(Add()(x, conv_bn(512, 1, 2, image, "linear"))))
    assert network.output_shapes == ((28, 28, 512),)
    assert network.trainable_parameter_count == 256 * 128 + 9 * 128**2 + 128 * 512 + 256 * 512 + 2 * (256 + 1024)
    assert network.multiply_adds == 56**2 * 256 * 128 + 28**2 * (9 * 128**2 + 128 * 512 + 256 * 512)
    assert (network.table()[-1].receptive_field, network.table()[-1].jump) == ((3, 3), (2, 2))


def test_mbconv_of_efficientnet_lite() -> None:
    """Expansion 6, depthwise 5×5 with stride 2, projection; relu6 and no squeeze-and-excitation."""
    image = Input((56, 56, 24))
    x = conv_bn(144, 1, 1, image, "relu6")
    x = DepthwiseConv2D(5, strides=2, padding="same", use_bias=False, name="depthwise")(x)
    x = Activation("relu6")(BatchNormalization()(x))
    x = conv_bn(40, 1, 1, x, "linear")
    network = Network(image, GlobalAveragePool2D()(x))
    assert network.nodes[-2].shape == (28, 28, 40)
    assert network.layer("depthwise").window is not None
    kernels = {p.name: p.shape for p in network.parameters}
    assert kernels["depthwise/kernel"] == (5, 5, 1, 144)
    assert network.multiply_adds == 56**2 * 24 * 144 + 28**2 * (25 * 144 + 144 * 40)
