"""The ONNX engine equals the NumPy engine, and its models conform to the ONNX standard."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

import striate
from striate._types import Array
from striate.engines.base import TrainingSettings
from striate.engines.initialization import initial_weights
from striate.engines.losses import MeanSquaredError
from striate.engines.numpy import NumpyEngine
from striate.engines.onnxruntime import OnnxEngine
from striate.engines.optimizers import SGD
from striate.errors import NetworkError, UsageError
from striate.images import ImagePolicy
from striate.network import (
    ACTIVATIONS,
    Activation,
    Add,
    AveragePool2D,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    Input,
    Layer,
    MaxPool2D,
    Network,
    Rescale,
    Shape,
    Tensor,
    layers,
)
from striate.onnx.export import rule, rules, to_onnx
from striate.onnx.export.graph_builder import GraphBuilder, GraphTensor
from striate.onnx.metadata import ExportMetadata

from .networks import NETWORKS, chain, perturbed_weights, pixels

MAPS = 7  # before the LRN in NETWORKS; with fewer images, ONNX's reference leaves out the last maps
REFUSED = r"The ONNX engine supports inference only, not training: use engine 'numpy' or 'torch'\."


def assert_close(found: Array, expected: Array, tolerance: float = 3e-5) -> None:
    """Assert equality within a tolerance, relative to the largest number."""
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max(initial=1))


def engines(network: Network, threads: int = 1) -> tuple[NumpyEngine, OnnxEngine]:
    weights = perturbed_weights(network, dtype="float32")
    return NumpyEngine(network, weights), OnnxEngine(network, weights, threads=threads)


def model_of(network: Network, **options: Any) -> onnx.ModelProto:
    return onnx.load_from_string(to_onnx(network, perturbed_weights(network, dtype="float32"), **options))


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("name", NETWORKS)
def test_forward_and_activations(name: str) -> None:
    network, inputs = NETWORKS[name], pixels(NETWORKS[name], 3)
    reference, engine = engines(network)
    for found, expected in zip(engine.forward(inputs), reference.forward(inputs), strict=True):
        assert_close(found, expected)
    activations, expected_activations = engine.activations(inputs), reference.activations(inputs)
    assert list(activations) == list(expected_activations)
    for key, values in expected_activations.items():
        assert_close(activations[key], values)


@pytest.mark.parametrize("name", NETWORKS)
def test_models_conform_to_the_standard_and_its_reference(name: str) -> None:
    """ONNX's checker accepts the model, and its reference interpreter gives the same numbers."""
    network, inputs = NETWORKS[name], pixels(NETWORKS[name], MAPS)
    model = model_of(network)
    onnx.checker.check_model(model, full_check=True)
    names = [value.name for value in model.graph.input]
    found = ReferenceEvaluator(model).run(None, dict(zip(names, inputs, strict=True)))
    for mine, expected in zip(found, engines(network)[0].forward(inputs), strict=True):
        assert_close(np.asarray(mine), expected)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_of_small_and_very_large_numbers(activation: str) -> None:
    network = Network.sequential([Input((3, 4, 2), dtype="float32"), Activation(activation)])
    x = np.random.default_rng(0).normal(0, 4, (5, 3, 4, 2)).astype("float32")
    x[0] *= 1 if activation == "exponential" else 1e4
    reference, engine = engines(network)
    assert_close(engine.forward([x])[0], reference.forward([x])[0], 2e-6)


paddings = st.one_of(st.sampled_from(["valid", "same"]), st.tuples(*[st.tuples(*[st.integers(0, 2)] * 2)] * 2))
pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))


@st.composite
def windowed(draw: st.DrawFn) -> Network:
    """One layer with any window on a map that is large enough."""
    kind = draw(st.sampled_from([Conv2D, DepthwiseConv2D, MaxPool2D, AveragePool2D]))
    given_: dict[str, Any] = {"strides": draw(pairs), "padding": draw(paddings)}
    size = draw(pairs)
    if kind in (MaxPool2D, AveragePool2D):
        given_["pool_size"] = tuple(max(side, 3) for side in size)
    else:
        given_ |= {"kernel_size": size, "dilation_rate": draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))}
    if kind is Conv2D:
        given_ |= {"filters": 4, "groups": draw(st.sampled_from([1, 2]))}
    shape = (draw(st.integers(10, 14)), draw(st.integers(10, 14)), 2)
    return Network.sequential([Input(shape), Rescale(), kind(**given_)])


@given(windowed())
@settings(max_examples=60, deadline=None)
def test_windows_of_all_kinds(network: Network) -> None:
    inputs = pixels(network, 2)
    reference, engine = engines(network)
    assert_close(engine.forward(inputs)[0], reference.forward(inputs)[0])


def unfoldable() -> dict[str, Network]:
    """Return networks with batch normalizations that must stay."""
    image = Input((6, 6, 2))
    conv, norm = Conv2D(2, 3, padding="same", name="conv"), BatchNormalization(name="norm")
    maps = conv(Rescale()(image))
    twice = conv(norm(maps))
    return {
        "another reader": Network(image, Add()(norm(maps), maps)),
        "output": Network(image, [maps, norm(maps)]),
        "activation between": chain((6, 6, 2), Conv2D(2, 3, activation="relu"), norm),
        "shared": Network(image, norm(twice)),
        "no layer before": chain((6, 6, 2), norm),
        "pooling between": chain((6, 6, 2), Conv2D(2, 3), MaxPool2D(2), norm),
    }


@pytest.mark.parametrize("name", unfoldable())
def test_batch_normalizations_that_cannot_be_folded(name: str) -> None:
    network = unfoldable()[name]
    kinds = [node.layer.kind for node in network.nodes]
    assert operators(model_of(network)).count("BatchNormalization") == kinds.count("BatchNormalization")
    inputs = pixels(network, 3)
    for found, expected in zip(*(engine.forward(inputs) for engine in engines(network)[::-1]), strict=True):
        assert_close(found, expected)


def test_batch_normalizations_are_folded_and_still_shown() -> None:
    network = chain(
        (6, 6, 2),
        Conv2D(4, 3, use_bias=False, name="conv"),
        BatchNormalization(name="norm"),
        Activation("relu"),
        DepthwiseConv2D(3),
        BatchNormalization(scale=False),
        Flatten(),
        Dense(5),
        BatchNormalization(center=False),
    )
    model = model_of(network)
    assert "BatchNormalization" not in operators(model)
    assert {"conv/kernel", "conv/bias"} <= {constant.name for constant in model.graph.initializer}
    inputs = pixels(network, 3)
    reference, engine = engines(network)
    assert_close(engine.forward(inputs)[0], reference.forward(inputs)[0])
    shown, expected = engine.activations(inputs), reference.activations(inputs)
    for key in ("conv", "norm"):
        assert_close(shown[key], expected[key])


def test_shared_normalization_is_folded_at_each_use() -> None:
    image, norm = Input((6, 6, 2)), BatchNormalization(name="norm")
    x = norm(Conv2D(3, 3, name="one")(Rescale()(image)))
    network = Network(image, norm(Conv2D(3, 3, name="two")(x)))
    assert "BatchNormalization" not in operators(model_of(network))
    inputs = pixels(network, 3)
    reference, engine = engines(network)
    assert_close(engine.forward(inputs)[0], reference.forward(inputs)[0])


def test_names_and_shapes_equal_those_of_the_layers() -> None:
    network = Network.sequential(
        [
            Input((8, 9, 3), name="photograph"),
            Rescale(name="scale"),
            Conv2D(4, 3, activation="relu", name="C1"),
            Flatten(),
            Dense(5, activation="softmax", name="answer"),
        ]
    )
    model = model_of(network)
    assert [node.name for node in model.graph.node] == [
        "photograph/Transpose", "photograph/Cast", "scale/Mul", "C1/Conv", "C1/Relu", "flatten/Flatten",
        "answer/Gemm", "answer/Softmax",
    ]  # fmt: skip
    assert {"C1", "flatten", "answer"} <= {node.output[0] for node in model.graph.node}
    assert {"C1/kernel", "C1/bias", "answer/kernel"} <= {constant.name for constant in model.graph.initializer}
    ((input_,), (output,)) = model.graph.input, model.graph.output
    sizes = [dim.dim_param or dim.dim_value for dim in input_.type.tensor_type.shape.dim]
    assert (input_.name, input_.type.tensor_type.elem_type, sizes) == (
        "photograph",
        onnx.TensorProto.UINT8,
        ["N", 8, 9, 3],
    )
    assert (output.name, output.type.tensor_type.elem_type) == ("answer", onnx.TensorProto.FLOAT)


@pytest.mark.parametrize("layers", [[Flatten()], [Flatten(), Dropout(0.5)], [Flatten(), Flatten()]])
def test_maps_are_flattened_in_onnx_order_before_a_dense_layer(layers: list[Layer]) -> None:
    network = Network.sequential([Input((4, 5, 3)), Rescale(), Conv2D(2, 2), *layers, Dense(3)])
    assert operators(model_of(network)).count("Transpose") == 1
    inputs = pixels(network, 3)
    reference, engine = engines(network)
    assert_close(engine.forward(inputs)[0], reference.forward(inputs)[0])


def test_flattened_maps_read_by_other_layers_have_the_network_order() -> None:
    image = Input((4, 5, 3))
    row = Flatten(name="row")(Conv2D(2, 2)(Rescale()(image)))
    network = Network(image, [row, Activation("tanh")(row), Dense(3)(row)])
    inputs = pixels(network, 3)
    for found, expected in zip(*(engine.forward(inputs) for engine in engines(network)[::-1]), strict=True):
        assert_close(found, expected)


def test_one_layer_can_be_input_and_several_outputs() -> None:
    image = Input((4,), dtype="float32", name="x")
    same = Dropout(0.5)(image)
    network = Network(image, [same, same, Activation("linear")(same)])
    x = np.arange(8, dtype="float32").reshape(2, 4)
    onnx.checker.check_model(model_of(network), full_check=True)
    for output in OnnxEngine(network, {}).forward([x]):
        np.testing.assert_array_equal(output, x)


@pytest.mark.parametrize("shape", [(4, 5, 3), (7,)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64", "int64"])
def test_dtypes_of_inputs(shape: Shape, dtype: str) -> None:
    network = chain(shape, Activation("tanh"))
    x = pixels(network, 3)[0]
    reference, engine = engines(network)
    assert_close(engine.forward([x.astype(dtype)])[0], reference.forward([x])[0])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_files_take_the_dtype_of_the_input_layer(dtype: str) -> None:
    network = Network.sequential([Input((4,), dtype=dtype), Rescale(), Dense(2)])
    elem_type = model_of(network).graph.input[0].type.tensor_type.elem_type
    assert onnx.helper.tensor_dtype_to_np_dtype(elem_type) == dtype


@pytest.mark.parametrize("count", [0, 1, 7])
@pytest.mark.parametrize("threads", [1, 3])
def test_any_number_of_images(count: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In chunks of two images, by one thread or several."""
    network = NETWORKS["many"]
    reference, engine = engines(network, threads)
    inputs = pixels(network, 7)
    expected_outputs = reference.forward(inputs)
    monkeypatch.setattr("striate.engines.onnxruntime.CHUNK_VALUES", 2 * 5 * 4 * 2)
    for found, expected in zip(engine.forward([x[:count] for x in inputs]), expected_outputs, strict=True):
        assert_close(found, expected[:count])


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("striate.engines.onnxruntime.CHUNK_VALUES", 1)
    network = NETWORKS["conv bn relu pool"]
    inputs = pixels(network, 20)
    one, many = (engines(network, threads)[1].forward(inputs)[0] for threads in (1, 4))
    assert one.tobytes() == many.tobytes()


def test_metadata() -> None:
    network = NETWORKS["conv valid"]
    policy = ImagePolicy(7, 9, 1, "stretch")
    model = model_of(network, metadata=ExportMetadata(("고양이", "dog", "x"), policy, 0.5, "0123"))
    props = {item.key: item.value for item in model.metadata_props}
    assert props.pop("striate") == striate.__version__
    assert "고양이" in props["classes"]
    parsed = {name: json.loads(text) for name, text in props.items()}
    assert Network.from_json(json.dumps(parsed.pop("network"))) == network
    assert parsed == {
        "classes": ["고양이", "dog", "x"], "policy": policy.to_dict(), "unknown_threshold": 0.5, "fingerprint": "0123",
    }  # fmt: skip
    assert (model.producer_name, model.producer_version) == ("striate", striate.__version__)


def test_same_network_gives_the_same_bytes() -> None:
    network, weights = NETWORKS["graph"], perturbed_weights(NETWORKS["graph"])
    assert to_onnx(network, weights) == to_onnx(network, dict(reversed(weights.items())))


def test_weights_are_copies_and_can_be_set() -> None:
    network, inputs = NETWORKS["conv bn relu pool"], pixels(NETWORKS["conv bn relu pool"], 2)
    first, second = perturbed_weights(network), perturbed_weights(network, seed=1)
    engine = OnnxEngine(network, first)
    assert engine.weights.keys() == first.keys()
    before = engine.forward(inputs)[0]
    for array in engine.weights.values():
        array[...] = 0
    np.testing.assert_array_equal(engine.forward(inputs)[0], before)
    engine.weights = second
    assert_close(engine.forward(inputs)[0], NumpyEngine(network, second).forward(inputs)[0])
    with pytest.raises(UsageError, match=r"Weights of '.*/kernel': expected shape \(.*\), received nothing\."):
        engine.weights = {}


def test_training_raises() -> None:
    network = chain((4,), Dense(3))
    engine, x, t = OnnxEngine(network, perturbed_weights(network)), pixels(network, 2), [np.zeros((2, 3))]
    with pytest.raises(UsageError, match=REFUSED):
        engine.compile(TrainingSettings(SGD(), [MeanSquaredError()]))
    with pytest.raises(UsageError, match=REFUSED):
        engine.train_step(x, t, learning_rate=0.1, step=0)
    with pytest.raises(UsageError, match=REFUSED):
        engine.gradients(x, t)
    with pytest.raises(UsageError, match=REFUSED):
        engine.forward(x, training=True)
    with pytest.raises(UsageError, match=REFUSED):
        engine.slots = {"dense/kernel/momentum": np.zeros(3)}
    engine.slots = {}
    assert engine.slots == {}


def test_other_dtypes_raise() -> None:
    with pytest.raises(UsageError, match=r"The ONNX engine supports only float32; received float64\."):
        OnnxEngine(NETWORKS["graph"], {}, dtype="float64")


class Doubled(Layer):
    def output_shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


def doubled_network() -> Network:
    image = Input((4,), dtype="float32")
    output: Tensor = Doubled(name="mine")(image)
    return Network(image, output)


def test_custom_layers_without_a_rule_raise() -> None:
    with pytest.raises(
        NetworkError, match=r"^Doubled 'mine': there is no ONNX export rule for Doubled, a custom layer\."
    ) as e:
        to_onnx(doubled_network(), {})
    assert "Register one with @striate.onnx.export.rule(Doubled), or build the layer from Striate's" in str(e.value)


def test_custom_layers_with_a_rule_are_exported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("striate.onnx.export.rules._RULES", dict(rules._RULES))

    @rule(Doubled)
    def export_doubled(graph: GraphBuilder, layer: Doubled, weights: Any, x: GraphTensor) -> str:
        return graph.op("Add", x.name, x.name)

    x = np.arange(8, dtype="float32").reshape(2, 4)
    np.testing.assert_array_equal(OnnxEngine(doubled_network(), {}).forward([x])[0], 2 * x)


def test_every_built_in_layer_has_a_rule() -> None:
    classes = {value for value in vars(layers).values() if isinstance(value, type) and issubclass(value, Layer)}
    assert classes - {Layer, Input} <= rules._RULES.keys()


def test_more_weights_than_a_file_can_contain_raise_early() -> None:
    network = Network.sequential([Input((30_000,)), Dense(20_000)], name="giant")
    with pytest.raises(UsageError, match=r"'giant' has 2\.4 GB of weights; an ONNX file can hold at most 2 GB\."):
        to_onnx(network, {})


def test_layers_can_have_the_names_of_constants() -> None:
    layers = [Input((4, 4, 2), name="6"), Conv2D(2, 3, activation="relu6", name="0"), Flatten(name="half")]
    network = Network.sequential(layers)
    reference, engine = engines(network)
    inputs = pixels(network, 2)
    assert_close(engine.forward(inputs)[0], reference.forward(inputs)[0])


def test_several_threads_may_compute_at_the_same_time() -> None:
    network = striate.zoo.network("lenet5")
    engine = OnnxEngine(network, initial_weights(network, 0))
    images = np.random.default_rng(0).integers(0, 256, (16, 5, *network.input_shapes[0]), np.uint8)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda x: engine.forward([x])[0], images))
    for x, outputs in zip(images, found, strict=True):
        assert np.array_equal(engine.forward([x])[0], outputs)
