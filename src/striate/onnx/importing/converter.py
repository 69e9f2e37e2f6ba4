"""Registration of the converters of ONNX operators to layers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from striate._types import Array
from striate.onnx.graph import OnnxNode
from striate.onnx.importing.network_builder import LayerOutput, NetworkBuilder

Result = LayerOutput | Array | tuple[LayerOutput, ...]
Function = Callable[[NetworkBuilder, OnnxNode], Result]
F = TypeVar("F", bound=Function)


@dataclass(frozen=True)
class Converter:
    """A converter of an operator to layers.

    Attributes:
        function: Called as f(builder, node).
        reads: The layouts of axes (INTERMEDIATE_AXES) that the operator accepts in its inputs.
    """

    function: Function
    reads: tuple[str, ...] = ()


CONVERTERS: dict[str, Converter] = {}


def converter(*kinds: str, reads: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Register a function that turns calls of these operators into layers.

    It is called as f(builder, node) for nodes with an input that depends on the images. It appends layers and returns
    the node's outputs: one value, or a tuple of them. For a call without a corresponding layer, it raises
    `builder.unsupported(node, reason)`.

    Args:
        *kinds: The operators as ONNX names them.
        reads: The layouts of axes (INTERMEDIATE_AXES) that the operator accepts in its inputs.

    Returns:
        The decorator.
    """

    def register(function: F) -> F:
        for kind in kinds:
            CONVERTERS[kind] = Converter(function, reads)
        return function

    return register
