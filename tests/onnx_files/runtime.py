"""One operator in ONNX Runtime and in the reference implementation, on the same numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
from onnx import ModelProto, ValueInfoProto, helper

from striate._types import Array
from striate.onnx.graph import from_proto
from striate.onnx.reference.run import run

OPTIONS = onnxruntime.SessionOptions()
OPTIONS.intra_op_num_threads = 1
OPTIONS.log_severity_level = 3


def model_of(
    kind: str, inputs: Sequence[Array | None], *, opset: int = 18, outputs: int = 1, **attributes: Any
) -> ModelProto:
    """Return a model of one operator, with inputs x0, x1 … of these shapes; None: left out."""
    names = ["" if x is None else f"x{index}" for index, x in enumerate(inputs)]
    output_names = [f"y{index}" for index in range(outputs)]
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in zip(names, inputs, strict=True)
        if x is not None
    ]
    node = helper.make_node(kind, names, output_names, name="one", **attributes)
    graph = helper.make_graph([node], "test", infos, [ValueInfoProto(name=name) for name in output_names])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def reference_outputs(kind: str, inputs: Sequence[Array | None], **settings: Any) -> list[Array]:
    """Return the outputs of the reference implementation."""
    return [*run(from_proto(model_of(kind, inputs, **settings)), _named(inputs)).values()]


def assert_equals_runtime(
    kind: str, inputs: Sequence[Array | None], *, tolerance: float = 1e-5, **settings: Any
) -> None:
    """Assert equal shapes and dtypes, and equal numbers within an absolute and relative tolerance."""
    model = model_of(kind, inputs, **settings).SerializeToString()
    session = onnxruntime.InferenceSession(model, OPTIONS, providers=["CPUExecutionProvider"])
    runtime = session.run(None, _named(inputs))
    for actual, expected in zip(reference_outputs(kind, inputs, **settings), runtime, strict=True):
        assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


def _named(inputs: Sequence[Array | None]) -> dict[str, Array]:
    return {f"x{index}": x for index, x in enumerate(inputs) if x is not None}
