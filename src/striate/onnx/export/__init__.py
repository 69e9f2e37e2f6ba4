"""Networks as ONNX models: pixels in, class probabilities out, metadata inside."""

from striate.onnx.export.model import to_onnx
from striate.onnx.export.rules import rule

__all__ = ["rule", "to_onnx"]
