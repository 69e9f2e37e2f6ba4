"""Registration of the rules by which operators are imported as layers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from striate._types import Array
from striate.onnx.graph import OnnxNode
from striate.onnx.importing.network_builder import LayerOutput, NetworkBuilder

NodeOutputs = LayerOutput | Array | tuple[LayerOutput, ...]  # the first output, or all of them
RuleFunction = Callable[[NetworkBuilder, OnnxNode], NodeOutputs]
R = TypeVar("R", bound=RuleFunction)


@dataclass(frozen=True)
class ImportRule:
    """How an operator is imported as layers.

    Attributes:
        function: Called as f(builder, node).
        accepted_axes: Layouts of axes among INTERMEDIATE_AXES that the operator accepts in its inputs.
    """

    function: RuleFunction
    accepted_axes: tuple[str, ...] = ()


RULES: dict[str, ImportRule] = {}


def rule(*op_types: str, accepted_axes: tuple[str, ...] = ()) -> Callable[[R], R]:
    """Register a function that imports operators as layers.

    It is called as f(builder, node) for nodes with an input that depends on the images. It appends layers and returns
    the node's outputs: one value, or a tuple of them. If no layers correspond to the node, it raises
    `builder.unsupported(node, reason)`.

    Args:
        *op_types: The operators, such as "Conv".
        accepted_axes: Layouts of axes among INTERMEDIATE_AXES that the operators accept in their inputs.

    Returns:
        The decorator, which returns the function unchanged.
    """

    def register(function: R) -> R:
        for op_type in op_types:
            RULES[op_type] = ImportRule(function, accepted_axes)
        return function

    return register
