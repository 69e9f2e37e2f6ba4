"""Networks as ONNX models: pixels in, class probabilities out, metadata inside."""

from striate.onnx.export.layers import rule
from striate.onnx.export.model import to_onnx

__all__ = ["rule", "to_onnx"]
