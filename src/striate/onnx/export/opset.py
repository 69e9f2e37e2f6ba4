"""The versions of ONNX's operators (opsets) that exported files use."""

from collections.abc import Iterable

from onnx import NodeProto, checker, defs, shape_inference

from striate.errors import ModelFileError, UsageError
from striate.onnx.export.graph_builder import MAX_OPSET

MIN_OPSET = 13  # ONNX 1.8 (2020); since then, axes of Squeeze and ReduceSum are inputs, and Softmax has one axis


def check_opset(opset: int | None) -> None:
    """Check the version of ONNX's operators for an export.

    Args:
        opset: The version; None: the lowest possible one.

    Raises:
        UsageError: If files cannot be exported with it.
    """
    if opset is not None and not MIN_OPSET <= opset <= MAX_OPSET:
        raise UsageError(f"opset must be from {MIN_OPSET} to {MAX_OPSET}; received {opset}.")


def check_model(model: bytes) -> None:
    """Check a serialized model with ONNX's own checker.

    Args:
        model: The bytes of the file.

    Raises:
        ModelFileError: If ONNX's checker rejects it.
    """
    try:
        checker.check_model(model, full_check=True)
    except (checker.ValidationError, shape_inference.InferenceError) as error:
        raise ModelFileError(
            f"The ONNX file was not written: ONNX's checker rejects it ({str(error).strip()[:200]}). "
            "This is a bug in Striate; please report it."
        ) from error


def lowest_opset(nodes: Iterable[NodeProto]) -> int:
    """Return the lowest version that has all operators of some nodes, with their inputs and attributes.

    Args:
        nodes: The nodes of a graph.

    Returns:
        The version, MIN_OPSET … MAX_OPSET.
    """
    uses = {(node.op_type, len(node.input), frozenset(item.name for item in node.attribute)) for node in nodes}
    return max((_first_opset(*use) for use in uses), default=MIN_OPSET)


def _first_opset(op_type: str, inputs: int, attributes: frozenset[str]) -> int:
    for opset in range(MIN_OPSET, MAX_OPSET):
        try:
            schema = defs.get_schema(op_type, opset)
        except defs.SchemaError:
            continue
        if inputs <= schema.max_input and attributes <= schema.attributes.keys():
            return opset
    return MAX_OPSET
