"""One operator in ONNX Runtime and in ours, on the same numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
from onnx import ModelProto, ValueInfoProto, helper

from striate._types import Array
from striate.onnx.importing.graph import from_proto
from striate.onnx.reference.run import run

OPTIONS = onnxruntime.SessionOptions()
OPTIONS.intra_op_num_threads = 1
OPTIONS.log_severity_level = 3


def model_of(
    kind: str, inputs: Sequence[Array | None], *, opset: int = 18, outputs: int = 1, **attributes: Any
) -> ModelProto:
    """A model of one operator, with inputs x0, x1 … of these shapes; None: left out."""
    names = ["" if x is None else f"x{place}" for place, x in enumerate(inputs)]
    ends = [f"y{place}" for place in range(outputs)]
    doors = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in zip(names, inputs, strict=True)
        if x is not None
    ]
    node = helper.make_node(kind, names, ends, name="one", **attributes)
    graph = helper.make_graph([node], "test", doors, [ValueInfoProto(name=name) for name in ends])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def ours(kind: str, inputs: Sequence[Array | None], **settings: Any) -> list[Array]:
    """Our outputs."""
    return [*run(from_proto(model_of(kind, inputs, **settings)), _named(inputs)).values()]


def assert_as_runtime(kind: str, inputs: Sequence[Array | None], *, tolerance: float = 1e-5, **settings: Any) -> None:
    """Same shapes and dtypes, and numbers within the tolerance, absolute and relative."""
    model = model_of(kind, inputs, **settings).SerializeToString()
    session = onnxruntime.InferenceSession(model, OPTIONS, providers=["CPUExecutionProvider"])
    expected = session.run(None, _named(inputs))
    for found, wanted in zip(ours(kind, inputs, **settings), expected, strict=True):
        assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


def _named(inputs: Sequence[Array | None]) -> dict[str, Array]:
    return {f"x{place}": x for place, x in enumerate(inputs) if x is not None}
