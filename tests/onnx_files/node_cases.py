"""ONNX's own node tests, read from protobuf messages."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, numpy_helper
from onnx.backend.test.loader import load_model_tests
from onnx.backend.test.runner import Runner

from striate._types import Array
from striate.onnx.graph import OnnxGraph, from_proto, to_array
from striate.onnx.importing import read_onnx
from striate.onnx.reference.run import run

KINDS = (
    "Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "LRN",
    "BatchNormalization", "InstanceNormalization", "GroupNormalization", "LayerNormalization", "Softmax", "LogSoftmax",
    "Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Gelu", "Clip", "Gemm",
    "MatMul", "Flatten", "Dropout", "Add", "Mul", "Concat", "Reshape", "Transpose", "Pad", "ReduceMean", "Resize",
    "SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss", "Momentum", "Adam", "Adagrad",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One test: a model of one operator, and for each of its data sets the inputs and the expected outputs."""

    name: str
    kind: str
    model: bytes
    data: tuple[tuple[list[bytes], list[bytes]], ...]
    rtol: float
    atol: float

    def failure(self, folder: Path) -> str | None:
        """Return how the outputs differ by the suite's own comparison and tolerances, or None."""
        graph = self._read(folder)
        for inputs, expected in self.data:
            try:
                found = run(graph, dict(zip(graph.inputs, map(_array, inputs), strict=True)))
                Runner.assert_similar_outputs([*map(_array, expected)], [*found.values()], self.rtol, self.atol)
            except Exception as error:
                return f"{self.name}: {type(error).__name__}: {error}"
        return None

    def _read(self, folder: Path) -> OnnxGraph:
        path = folder / f"{self.name}.onnx"
        path.write_bytes(self.model)
        model = onnx.load(path)
        if all(item.domain in ("", "ai.onnx") for item in model.opset_import):
            return read_onnx(path)
        # read_onnx does not accept training operators; their tests do not declare the version of ONNX's own operators.
        model.opset_import.add(domain="", version=15)
        return from_proto(model)


def _array(tensor: bytes) -> Array:
    return to_array(TensorProto.FromString(tensor), "a tensor of the test")


def load_cases() -> list[Case]:
    """Return all cases whose only operator is one of KINDS, without expanded variants, which test ONNX's functions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # onnx 1.23 computes the cases of all operators when they are asked for
        found = load_model_tests(kind="node")
    return [case for test in found if (case := _case(test))]


def _case(test: Any) -> Case | None:
    if "_expanded" in test.name:
        return None
    model: ModelProto = onnx.load(Path(test.model_dir) / "model.onnx") if test.model is None else test.model
    kinds = {node.op_type for node in model.graph.node}
    if len(kinds) != 1 or not kinds <= set(KINDS):
        return None
    return Case(test.name, kinds.pop(), model.SerializeToString(), tuple(_data(test)), test.rtol, test.atol)


def _data(test: Any) -> Iterator[tuple[list[bytes], list[bytes]]]:
    if test.data_sets is None:  # up to onnx 1.22 they are files
        for folder in sorted(Path(test.model_dir).glob("test_data_set_*")):
            yield _files(folder, "input"), _files(folder, "output")
        return
    for inputs, outputs in test.data_sets:
        yield _messages(inputs), _messages(outputs)


def _files(folder: Path, word: str) -> list[bytes]:
    return [(folder / f"{word}_{index}.pb").read_bytes() for index in range(len([*folder.glob(f"{word}_*.pb")]))]


def _messages(values: Sequence[Any]) -> list[bytes]:
    tensors = [
        value if isinstance(value, TensorProto) else numpy_helper.from_array(np.asarray(value)) for value in values
    ]
    return [tensor.SerializeToString() for tensor in tensors]
