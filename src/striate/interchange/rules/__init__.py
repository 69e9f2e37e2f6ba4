"""How each operator of ONNX becomes layers; one table, one file for each family."""

from collections.abc import Callable

from striate.interchange.building import Building, Value
from striate.interchange.graph import Array, Operation
from striate.interchange.rules import activations, arithmetic, dense, shapes, windows

RULES: dict[str, Callable[[Building, Operation], Value | Array]] = (
    activations.RULES | arithmetic.RULES | dense.RULES | shapes.RULES | windows.RULES
)
