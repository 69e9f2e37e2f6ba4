"""Export networks as ONNX models that take pixels and return class probabilities."""

from striate.onnx.export.model import to_onnx
from striate.onnx.export.rules import rule

__all__ = ["rule", "to_onnx"]
