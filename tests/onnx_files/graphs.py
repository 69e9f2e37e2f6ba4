"""Hand-written ONNX models, and checks that the network imported from one gives the same numbers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import ModelProto, NodeProto, helper, numpy_helper

from striate._types import Array
from striate.engines.numpy import NumpyEngine
from striate.network import Input, Network
from striate.onnx.importing import import_onnx

Shape = Sequence[int | str | None]


def model(
    nodes: Sequence[NodeProto],
    inputs: Mapping[str, Shape],
    outputs: Sequence[str],
    constants: Mapping[str, Any] | None = None,
    *,
    opset: int = 20,
    dtype: str = "float32",
    metadata: Mapping[str, str] | None = None,
) -> ModelProto:
    """Return a model. Constants: lists of int become int64, everything else except arrays float32."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    tensors = [numpy_helper.from_array(_array(values), name) for name, values in (constants or {}).items()]
    graph = helper.make_graph(
        list(nodes), "graph",
        [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs],
        tensors,
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    helper.set_model_props(made, dict(metadata or {}))
    return made


def _array(values: Any) -> Array:
    if isinstance(values, np.ndarray | np.generic):
        return np.asarray(values)
    whole = isinstance(values, list) and all(isinstance(value, int) for value in values)
    return np.asarray(values, np.int64 if whole else np.float32)


def numbers(*shape: int, seed: int = 0) -> Array:
    """Return normally distributed float32 numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def runtime_outputs(proto: ModelProto | bytes, *inputs: Array) -> list[Array]:
    """Return the outputs that ONNX Runtime computes."""
    content = proto if isinstance(proto, bytes) else proto.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [info.name for info in session.get_inputs()]
    return list(session.run(None, dict(zip(names, inputs, strict=True))))


def imported(proto: ModelProto, folder: Path, **settings: Any) -> tuple[Network, dict[str, Array]]:
    """Import the model from a file; return the network and its weights."""
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    result = import_onnx(path, **settings)
    return result.network, result.weights


def check(proto: ModelProto, folder: Path, *inputs: Array, tolerance: float = 1e-4) -> Network:
    """Assert that the imported network gives ONNX Runtime's numbers, and return it."""
    network, weights = imported(proto, folder)
    found = NumpyEngine(network, weights).forward(list(inputs))
    for expected, own in zip(runtime_outputs(proto, *inputs), found, strict=True):
        assert expected.std() > 0 or expected.size == 1
        channels_first = own.transpose(0, 3, 1, 2) if own.ndim == 4 else own  # (N, H, W, C) → (N, C, H, W)
        np.testing.assert_allclose(channels_first.reshape(expected.shape), expected, rtol=tolerance, atol=tolerance)
    return network


def some_weights(network: Network) -> dict[str, Array]:
    """Return weights with which activations neither grow nor vanish, the same each time."""
    generator = np.random.default_rng(0)
    weights = {}
    for parameter in network.parameters:
        drawn = generator.random(parameter.shape, np.float32)
        spread = np.float32((24 / np.prod(parameter.shape[:-1])) ** 0.5)
        weights[parameter.name] = (drawn - np.float32(0.5)) * spread if drawn.ndim > 1 else drawn + np.float32(0.5)
    return weights


def pixels(network: Network, count: int) -> list[Array]:
    """Return numbers from 0 to 255 for every input, in its dtype."""
    generator = np.random.default_rng(1)
    layers = [layer for index in network.inputs if isinstance(layer := network.nodes[index].layer, Input)]
    return [generator.integers(0, 256, (count, *layer.shape)).astype(layer.dtype) for layer in layers]
