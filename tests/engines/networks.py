"""Small networks that together contain every layer kind, for the tests of the engines."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from striate._types import Array, Weights
from striate.engines.base import Engine, TrainingSettings
from striate.engines.initialization import initial_weights
from striate.engines.losses import Loss, MeanSquaredError
from striate.engines.numpy import NumpyEngine
from striate.engines.optimizers import SGD, Optimizer
from striate.engines.torch import TorchEngine
from striate.network import (
    ELU,
    Activation,
    Add,
    Average,
    AveragePool2D,
    BatchNormalization,
    CenterCrop,
    Concatenate,
    Conv2D,
    Conv2DTranspose,
    Cropping2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    GroupNormalization,
    Identity,
    Input,
    Layer,
    LayerNormalization,
    LayerScale,
    LeakyReLU,
    LocalResponseNormalization,
    Maximum,
    MaxPool2D,
    Minimum,
    Multiply,
    Network,
    Normalization,
    Permute,
    Power,
    PReLU,
    RadialBasis,
    ReLU,
    Rescale,
    Reshape,
    Resizing,
    SelectChannels,
    SeparableConv2D,
    Softmax,
    SpatialDropout2D,
    Subsample2D,
    Subtract,
    UnitNormalization,
    UpSampling2D,
    ZeroPadding2D,
)

ENGINES = ("numpy", "torch")
DEEPER = {"resnet101", "resnet152", "efficientnet-lite1", "efficientnet-lite2"}  # the blocks of others in the zoo
chosen = "numpy"  # the engine that engine_of creates; the fixture `each_engine` sets it


def narrowed(network: Network) -> Network:
    """Return the network with a quarter of the filters and units of every layer, and so a tenth of the weights."""

    def quarter(found: re.Match[str]) -> str:
        return f'"{found[1]}": {max(1, int(found[2]) // 4)}'

    return Network.from_json(re.sub(r'"(filters|units)": (\d+)', quarter, network.to_json()))


def perturbed_weights(network: Network, seed: int = 0, dtype: str = "float64", by: float = 0.3) -> Weights:
    """Return initial weights moved by up to `by`, so that no bias is 0 and no factor is 1; variances stay above 0."""
    generator = np.random.default_rng(seed)
    weights = initial_weights(network, seed, "float64")
    return {name: (w + by * generator.random(w.shape)).astype(dtype) for name, w in weights.items()}


def engine_of(
    network: Network,
    *,
    losses: Sequence[Loss] = (MeanSquaredError(),),
    optimizer: Optimizer = SGD(),  # noqa: B008 - immutable
    weights: Mapping[str, Array] | None = None,
    dtype: str = "float64",
    threads: int | None = 1,
    seed: int = 0,
    engine: str | None = None,
) -> Engine:
    """Return a compiled engine. engine: one of ENGINES; None means the current one. threads: of the NumPy engine."""
    made = uncompiled(network, weights or perturbed_weights(network), dtype=dtype, threads=threads, engine=engine)
    made.compile(TrainingSettings(optimizer, losses, seed=seed))
    return made


def uncompiled(
    network: Network,
    weights: Mapping[str, Array],
    *,
    dtype: str = "float64",
    threads: int | None = 1,
    engine: str | None = None,
) -> Engine:
    """Return an engine without training settings."""
    if (engine or chosen) == "torch":
        return TorchEngine(network, weights, dtype=dtype, device="cpu", precision="float32")
    return NumpyEngine(network, weights, dtype=dtype, threads=threads)


def chain(shape: tuple[int, ...], *layers: Layer, classes: int = 3) -> Network:
    """Return a network: pixels → layers → flatten → dense softmax."""
    end = [Flatten(), Dense(classes, activation="softmax", name="end")]
    return Network.sequential([Input(shape), Rescale(), *layers, *end])


def _branched() -> Network:
    """A convolution used three times, a sum and a concatenation, an input with two readers."""
    image = Input((5, 6, 2))
    x = Rescale()(image)
    conv = Conv2D(2, 3, padding="same", activation="tanh", name="shared")
    once = conv(x)
    twice = conv(once)
    joined = Concatenate()([Add()([once, twice, conv(twice)]), twice, x])
    return Network(image, Dense(3, activation="softmax")(Flatten()(joined)))


def _squeezed() -> Network:
    """Squeeze-and-excitation of maps, and a product of maps and of rows."""
    image = Input((5, 6, 2))
    maps = Conv2D(3, 3, activation="tanh")(Rescale()(image))
    gate = Dense(3, activation="sigmoid", name="gate")(GlobalAveragePool2D()(maps))
    scaled = Multiply()([maps, gate, maps])
    end = Multiply()([GlobalAveragePool2D()(scaled), gate])
    return Network(image, Dense(3, activation="softmax")(Concatenate()([Flatten()(scaled), end])))


def _maximum() -> Network:
    """The largest of two and of three, of maps and of rows."""
    image = Input((4, 5, 2))
    x = Rescale()(image)
    first, second, third = (Conv2D(3, 2, activation="tanh", name=name)(x) for name in ("one", "two", "three"))
    maps = Maximum()([first, second, third])
    rows = Maximum()([GlobalAveragePool2D()(maps), GlobalMaxPool2D()(first)])
    return Network(image, Dense(3, activation="softmax")(Concatenate()([Flatten()(maps), rows])))


def _merged() -> Network:
    """Means, minima and differences of maps and of rows, and concatenation along every axis."""
    image = Input((4, 5, 2))
    x = Rescale()(image)
    first, second, third = (Conv2D(3, 2, activation="tanh", name=name)(x) for name in ("one", "two", "three"))
    maps = Concatenate(axis=1)([Average()([first, second, third]), Subtract()([first, third])])
    wide = Concatenate(axis=2)([Minimum()([first, second, third]), second])
    rows = [GlobalAveragePool2D(keepdims=True)(maps), GlobalMaxPool2D(keepdims=True)(wide)]
    joined = Concatenate(axis=1)([Flatten()(Average()(rows)), Flatten()(Minimum()(rows)), Flatten()(maps)])
    return Network(image, Dense(3, activation="softmax")(joined))


def _shuffled() -> Network:
    """Selected channels of maps and of a row, some repeated and some omitted."""
    image = Input((5, 4, 2))
    maps = Conv2D(4, 2, activation="tanh")(Rescale()(image))
    some = Conv2D(3, 2, activation="tanh")(SelectChannels((3, 0, 3))(maps))
    row = SelectChannels((1, 2, 2))(GlobalAveragePool2D()(maps))
    return Network(image, Dense(3, activation="softmax")(Concatenate()([Flatten()(some), row])))


def _one_pixel() -> Network:
    """A product of a row and maps of one pixel."""
    image = Input((3, 3, 2))
    maps = Conv2D(4, 3, activation="tanh")(Rescale()(image))
    return Network(image, Dense(2)(Flatten()(Multiply()([GlobalAveragePool2D()(maps), maps]))))


def _shared_dense() -> Network:
    image = Input((6,))
    dense = Dense(6, activation="tanh", name="shared")
    return Network(image, Dense(2, activation="softmax")(dense(dense(Rescale()(image)))))


def _several_inputs_and_outputs() -> Network:
    """Two inputs and two outputs, one of them in the middle of the graph."""
    image, row = Input((5, 4, 2)), Input((3,))
    maps = Conv2D(3, 2, activation="tanh")(Rescale()(image))
    sure = Dense(4, activation="softmax", name="class")(Flatten()(maps))
    number = Dense(1, name="number")(Concatenate()([Rescale()(row), sure]))
    return Network([image, row], [sure, number])


def _swapped_inputs() -> Network:
    """Two inputs, given in a different order than they are used."""
    first, second = Input((4,), name="first"), Input((3,), name="second")
    last = Dense(2, activation="tanh")(Rescale()(second))
    return Network([second, first], Concatenate()([Dense(3)(Rescale()(first)), last]))


def networks() -> dict[str, Network]:
    """Return all networks by name."""
    pool: dict[str, Any] = {"pool_size": 2}
    first = Conv2D(2, 1, name="first")  # so that the next layer computes the gradient of its input
    return {
        "conv valid": chain((7, 9, 2), first, Conv2D(3, (3, 2))),
        "conv strided same": chain(
            (7, 9, 2), first, Conv2D(3, (3, 5), strides=(2, 3), padding="same", activation="tanh")
        ),
        "conv dilated": chain((7, 9, 2), Conv2D(2, 1), Conv2D(4, (2, 3), dilation_rate=(2, 1))),
        "conv padded": chain((5, 4, 2), Conv2D(2, 2), Conv2D(3, (2, 3), padding=((2, 0), (1, 3)), strides=2)),
        # dark images: bright ones saturate the softmax here, and float32 has few digits of 1 - p
        "conv groups": chain((7, 9, 4), Rescale(1 / 8), Conv2D(6, 3, groups=2), Conv2D(6, 3, groups=2, padding="same")),
        "conv no bias": chain((5, 4, 1), Conv2D(2, 2, use_bias=False), Conv2D(3, 2, use_bias=False)),
        "connections": chain((6, 8, 3), Conv2D(4, 3), Conv2D(3, 3, connections=((0, 1), (2,), (0, 3)))),
        "winograd": chain((7, 9, 2), Conv2D(8, 3, activation="tanh"), Conv2D(9, 3, padding="same"), Conv2D(8, 3)),
        "winograd pool": chain(
            (7, 9, 8),
            Conv2D(8, 3, padding="same", activation="relu"),
            MaxPool2D(padding="same", **pool),
            Conv2D(9, 3, padding="same", activation="tanh"),
            MaxPool2D(**pool),
        ),
        "conv pool 3": chain((9, 11, 2), first, Conv2D(3, (2, 4), activation="tanh"), MaxPool2D(3, padding="same")),
        "conv pool cut": chain((8, 11, 1), first, Conv2D(3, (2, 4), activation="tanh"), MaxPool2D((2, 3))),
        "conv bn pool cut": chain((8, 11, 1), Conv2D(3, (2, 4)), BatchNormalization(), MaxPool2D((2, 3))),
        "winograd pool cut": chain((7, 9, 2), Conv2D(8, 1), Conv2D(2, 3, activation="tanh"), MaxPool2D(2)),
        "conv bn relu pool": chain(
            (8, 10, 1),
            Conv2D(8, 3, padding="same"),
            BatchNormalization(),
            Activation("relu"),
            Conv2D(8, 3, padding="same"),
            BatchNormalization(),
            Activation("relu"),
            MaxPool2D(**pool),
        ),
        "bn plain": chain((4, 3, 2), Conv2D(3, 2), BatchNormalization(center=False), BatchNormalization(scale=False)),
        "bn dense": chain((5,), Dense(4), BatchNormalization(), Activation("sigmoid")),
        "depthwise": chain(
            (7, 9, 3),
            DepthwiseConv2D((3, 2), strides=2, padding="same", depth_multiplier=2, activation="tanh"),
            DepthwiseConv2D(2, dilation_rate=(1, 2), use_bias=False),
        ),
        "max pool": chain((7, 9, 3), Conv2D(3, 1), MaxPool2D(3, strides=2, padding="same"), MaxPool2D((1, 2), 1)),
        "average pool": chain(
            (7, 9, 2), Conv2D(3, 1), AveragePool2D((2, 3), strides=1, padding="same"), AveragePool2D(2)
        ),
        "pool with gaps": chain((8, 9, 2), Conv2D(2, 1), AveragePool2D(2, strides=3), MaxPool2D(1, strides=2)),
        "global average": Network.sequential(
            [Input((7, 5, 2)), Rescale(), Conv2D(3, 3), GlobalAveragePool2D(), Activation("softmax")]
        ),
        "global max": Network.sequential(
            [Input((7, 5, 2)), Rescale(), Conv2D(3, 3), GlobalMaxPool2D(), Activation("softmax")]
        ),
        "lenet parts": Network.sequential(
            [
                Input((6, 8, 2)),
                ZeroPadding2D(((1, 0), (0, 2))),
                Rescale((1 / 255, 1 / 100), (-0.1, 0.2)),
                Conv2D(3, 3),
                ZeroPadding2D(1),
                Subsample2D(2, activation="scaled_tanh"),
                Flatten(),
                Dense(6, activation="scaled_tanh"),
                RadialBasis(3, prototypes="glorot_uniform"),
                Activation("softmin"),
            ]
        ),
        "layer scale": chain((4, 5, 3), Conv2D(4, 2), LayerScale(0.5), GlobalAveragePool2D(), LayerScale()),
        "layer norm": chain((4, 5, 3), Conv2D(4, 2), LayerNormalization(), Flatten(), LayerNormalization(center=False)),
        "group norm": chain(
            (4, 5, 3), Conv2D(6, 2), GroupNormalization(3), GroupNormalization(1, scale=False), GroupNormalization(-1)
        ),
        "group norm of rows": chain((5,), Dense(6), GroupNormalization(2)),
        "unit norm": chain((4, 5, 3), Conv2D(4, 2), UnitNormalization(), Flatten(), UnitNormalization()),
        "upsampling": chain(
            (3, 4, 2), Conv2D(3, 2), UpSampling2D((3, 2), "bilinear"), UpSampling2D((1, 2)), Conv2D(2, 2)
        ),
        "powers": chain((3, 4, 2), Activation("softplus"), Power(2.5), Power(-1), GlobalAveragePool2D(), Power(0.5)),
        "upsampling to the corners": chain((3, 4, 2), Conv2D(3, 2), UpSampling2D((3, 2), "bilinear_align_corners")),
        "transposed": chain(
            (3, 4, 2),
            Conv2DTranspose(3, 2, strides=2),
            Conv2DTranspose(2, (3, 4), strides=2, padding="same", activation="tanh"),
            Conv2DTranspose(2, (2, 3), padding=((0, 1), (2, 0)), dilation_rate=(1, 2), use_bias=False),
        ),
        "transposed wide": chain(
            (3, 4, 2),
            Conv2DTranspose(3, (1, 2), strides=(3, 2), output_padding=(2, 1)),
            Conv2DTranspose(2, 1, strides=2),
            Conv2DTranspose(2, 3, strides=2, padding=1, output_padding=1),
        ),
        "maximum": _maximum(),
        "merged": _merged(),
        "separable": chain(
            (7, 9, 3),
            SeparableConv2D(4, (3, 2), strides=2, padding="same", depth_multiplier=2, activation="tanh"),
            SeparableConv2D(2, 2, dilation_rate=(1, 2), use_bias=False),
        ),
        "activation layers": chain(
            (4, 5, 2), Conv2D(3, 2), LeakyReLU(), MaxPool2D(2), Conv2D(3, 1), ELU(0.7), ReLU(0.5, 0.1, 0.01), Identity()
        ),
        "prelu": chain((4, 5, 2), Conv2D(3, 2), PReLU(), PReLU(shared_axes=[1, 2]), Flatten(), PReLU(0.2)),
        "softmax layer": Network.sequential([Input((4,)), Rescale(), Dense(3), Softmax()]),
        "rearranged": chain(
            (4, 6, 2), Conv2D(3, 1), Reshape((3, -1, 4)), Permute((3, 1, 2)), Cropping2D(((1, 0), (0, 1))), Conv2D(2, 1)
        ),
        "rows to maps": chain((12,), Dense(24, activation="tanh"), Reshape((3, 4, 2)), CenterCrop(2, 3), Conv2D(2, 2)),
        "resized": chain((4, 6, 2), Conv2D(3, 1), Resizing(5, 4), Resizing(2, 7), Conv2D(2, 2)),
        "noise": chain(
            (4, 5, 2),
            Conv2D(3, 2),
            SpatialDropout2D(0.5),
            GaussianNoise(0.1),
            GaussianDropout(0.4),
            Flatten(),
            Dense(4),
        ),
        "normalization": chain(
            (4, 5, 2), Normalization(mean=(0.1, 0.3), variance=0.5), Conv2D(3, 2), Normalization(None, 1, 4, True)
        ),
        "lrn": chain((4, 5, 3), Conv2D(7, 2), LocalResponseNormalization(radius=2, alpha=0.3, beta=0.75, k=1.5)),
        "dropout": chain((5,), Dense(40, activation="tanh"), Dropout(0.5)),
        "channels first": Network.sequential(
            [Input((2, 5, 6), data_format="channels_first"), Rescale(), Conv2D(3, 2), Flatten(), Dense(2)]
        ),
        "graph": _branched(),
        "squeezed": _squeezed(),
        "one pixel": _one_pixel(),
        "shuffled": _shuffled(),
        "shared dense": _shared_dense(),
        "many": _several_inputs_and_outputs(),
        "swapped": _swapped_inputs(),
    }


NETWORKS = networks()


def pixels(network: Network, n: int, seed: int = 0) -> list[Array]:
    """Return random uint8 inputs."""
    generator = np.random.default_rng(seed)
    return [generator.integers(0, 256, (n, *shape), dtype=np.uint8) for shape in network.input_shapes]
