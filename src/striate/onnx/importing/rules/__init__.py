"""How each operator of ONNX becomes layers; one table, one file for each family."""

from striate.onnx.importing.building import Rule
from striate.onnx.importing.rules import activations, arithmetic, channels, dense, shapes, windows

RULES: dict[str, Rule] = (
    activations.RULES | arithmetic.RULES | channels.RULES | dense.RULES | shapes.RULES | windows.RULES
)
