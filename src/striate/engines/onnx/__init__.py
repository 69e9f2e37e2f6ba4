"""The ONNX engine: networks as ONNX models, and ONNX Runtime to run them fast on any CPU."""

from striate.engines.onnx.convert import to_onnx
from striate.engines.onnx.engine import OnnxEngine

__all__ = ["OnnxEngine", "to_onnx"]
