"""Operators with random settings become a network that gives ONNX Runtime's numbers, or raise a one-line error."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from onnx import ModelProto, defs, helper, numpy_helper

from striate._types import Array
from striate.engines.numpy import NumpyEngine
from striate.errors import StriateError
from striate.onnx.importing import ImportedNetwork, import_graph, read_onnx
from striate.onnx.importing.constant_folding import FOLDED, OUTPUT_SIZES
from striate.onnx.importing.operators import RULES

from .graphs import model, numbers

OPSETS = (7, 9, 11, 12, 13, 18, 20)
KINDS = sorted({*RULES, *FOLDED, *OUTPUT_SIZES})
INPUT_SHAPES = [("N", 6, 9, 8), (1, 6, 9, 8), ("N", 9, 8, 6), ("N", 432), ("N", 6, 1, 1), (2, 6)]
SHAPES = [
    (),
    (1,),
    (6,),
    (6, 1, 1),
    (1, 6, 1, 1),
    (2,),
    (4,),
    (4, 6, 3, 3),
    (6, 1, 3, 3),
    (432, 5),
    (6, 5),
    (0,),
    (2, 2),
]
LISTS = [
    [0],
    [1],
    [-1],
    [2, 3],
    [1, 2],
    [0, -1],
    [1, -1],
    [0, 0, 1, 1, 0, 0, 1, 1],
    [-1, 432],
    [0, 6, 9, 8],
    [2**40],
    [],
]
CONSTANTS: dict[str, Array] = {f"f{i}": numbers(*shape) for i, shape in enumerate(SHAPES)}
CONSTANTS |= {f"i{i}": np.array(values, np.int64) for i, values in enumerate(LISTS)}
CONSTANTS |= {
    "zero": np.array(0),
    "yes": np.array([True]),
    "nan": np.array(np.nan, np.float32),
    "u": np.arange(3, dtype="u1"),
}

whole = st.sampled_from([0, 1, 2, 3, -1, -2, 4, 6, 100, 2**31, -(2**63), 2**63 - 1])
real = st.sampled_from([0.0, 1.0, 0.5, -1.0, 1e-5, 1e30, float("nan"), float("inf"), 6.0, 1 / 6])
words = st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", "constant", "reflect", "tanh", "none", ""])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "INT": whole, "FLOAT": real, "STRING": words, "INTS": st.lists(whole, max_size=8),
    "FLOATS": st.lists(real, max_size=2), "TENSOR": st.sampled_from(sorted(CONSTANTS)),
}  # fmt: skip


@st.composite
def graphs(draw: st.DrawFn) -> ModelProto:
    """Draw up to three operators, each with inputs and attributes of valid number and type, of any value."""
    opset, values, nodes = draw(st.sampled_from(OPSETS)), ["x"], []
    for index in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from([kind for kind in KINDS if defs.has(kind, max_inclusive_version=opset)]))
        schema = defs.get_schema(kind, opset)
        count = draw(st.integers(schema.min_input, min(schema.max_input, schema.min_input + 2)))
        others = st.sampled_from([*CONSTANTS, *values, ""])
        inputs = [draw(st.sampled_from(values) if i == 0 else others) for i in range(count)]
        attributes = {}
        for name, formal in schema.attributes.items():
            type_ = str(formal.type).rpartition(".")[2]
            if type_ in VALUES and (formal.required or draw(st.booleans())):
                value = draw(VALUES[type_])
                attributes[name] = numpy_helper.from_array(CONSTANTS[value]) if type_ == "TENSOR" else value
        attributes = {name: value for name, value in attributes.items() if value != []}
        assume(kind != "Celu" or attributes.get("alpha", 1.0) != 1e30)  # ONNX Runtime rounds exp(x / 1e30) − 1 to 0
        values.append(f"o{index}")
        nodes.append(helper.make_node(kind, inputs, [values[-1]], **attributes))
    used = {name: CONSTANTS[name] for node in nodes for name in node.input if name in CONSTANTS}
    dtype = draw(st.sampled_from(["float32", "float32", "uint8"]))
    return model(nodes, {"x": draw(st.sampled_from(INPUT_SHAPES))}, [values[-1]], used, opset=opset, dtype=dtype)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("random") / "model.onnx"


@settings(max_examples=400, deadline=3000, suppress_health_check=[HealthCheck.too_slow])
@given(graphs())
def test_any_call_of_any_operator(path: Path, proto: ModelProto) -> None:
    path.write_bytes(proto.SerializeToString())
    try:
        imported = import_graph(read_onnx(path), path)
    except StriateError as error:
        assert "\n" not in str(error)
        return
    compare(proto, imported)


def compare(proto: ModelProto, imported: ImportedNetwork) -> None:
    """Assert that the network gives ONNX Runtime's numbers, if that accepts the model and its numbers are finite."""
    shape = [d.dim_value or 2 for d in proto.graph.input[0].type.tensor_type.shape.dim]
    dtype = helper.tensor_dtype_to_np_dtype(proto.graph.input[0].type.tensor_type.elem_type)
    x = (20 * np.abs(numbers(*shape)) if dtype == np.uint8 else numbers(*shape)).astype(dtype)
    try:
        session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
        (expected,) = session.run(None, {"x": x})
    except Exception:  # of many classes; ONNX Runtime is stricter about dtypes
        return
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (found,) = NumpyEngine(imported.network, imported.weights).forward([x])
    if not np.isfinite(expected).all() or np.abs(expected).max(initial=0) > 1e6:
        return
    layouts = [found] if found.ndim < 4 else [found, found.transpose(0, 3, 1, 2)]  # (N, H, W, C) → (N, C, H, W)
    assert any(
        y.size == expected.size and np.allclose(y.reshape(expected.shape), expected, 1e-3, 1e-3) for y in layouts
    ), imported.network.nodes
