"""How each operator of ONNX becomes layers; one table, one file for each family."""

from striate.interchange.building import Rule
from striate.interchange.rules import activations, arithmetic, channels, dense, shapes, windows

RULES: dict[str, Rule] = (
    activations.RULES | arithmetic.RULES | channels.RULES | dense.RULES | shapes.RULES | windows.RULES
)
