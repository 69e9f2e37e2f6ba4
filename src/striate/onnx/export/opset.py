"""The versions of ONNX's operators (opsets) that exported files use."""

from collections.abc import Iterable

from onnx import NodeProto, checker, defs, shape_inference

from striate.errors import ModelFileError, UsageError
from striate.onnx.export.graph_builder import NEWEST_OPSET

OLDEST_OPSET = 13  # of 2020: from it on axes of Squeeze and ReduceSum are inputs, and Softmax runs over one axis


def check_opset(opset: int | None) -> None:
    """Check the version of ONNX's operators for an export.

    Args:
        opset: The version; None: the lowest possible one.

    Raises:
        UsageError: Files cannot be exported with it.
    """
    if opset is not None and not OLDEST_OPSET <= opset <= NEWEST_OPSET:
        raise UsageError(f"opset must be from {OLDEST_OPSET} to {NEWEST_OPSET}; received {opset}.")


def check_file(model: bytes) -> None:
    """Check a file with ONNX's own checker.

    Args:
        model: The bytes of the file.

    Raises:
        ModelFileError: ONNX's checker rejects it.
    """
    try:
        checker.check_model(model, full_check=True)
    except (checker.ValidationError, shape_inference.InferenceError) as error:
        raise ModelFileError(
            f"The ONNX file was not written: ONNX's checker rejects it ({str(error).strip()[:200]}). "
            "This is a bug in Striate; please report it."
        ) from error


def lowest_opset(nodes: Iterable[NodeProto]) -> int:
    """Return the lowest version that has all these operators with these inputs and attributes."""
    uses = {(node.op_type, len(node.input), frozenset(item.name for item in node.attribute)) for node in nodes}
    return max((_lowest(*use) for use in uses), default=OLDEST_OPSET)


def _lowest(kind: str, inputs: int, attributes: frozenset[str]) -> int:
    for opset in range(OLDEST_OPSET, NEWEST_OPSET):
        try:
            schema = defs.get_schema(kind, opset)
        except defs.SchemaError:
            continue
        if inputs <= schema.max_input and attributes <= schema.attributes.keys():
            return opset
    return NEWEST_OPSET
