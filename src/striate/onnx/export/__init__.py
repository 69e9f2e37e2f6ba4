"""Networks as ONNX models: pixels in, class probabilities out, metadata inside."""

from striate.onnx.export.convert import to_onnx

__all__ = ["to_onnx"]
