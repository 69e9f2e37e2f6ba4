"""Other programs' ONNX files: read safely, and converted to networks."""

from striate.onnx.importing.network import ImportedNetwork, import_graph, import_onnx
from striate.onnx.importing.read import read_onnx

__all__ = ["ImportedNetwork", "import_graph", "import_onnx", "read_onnx"]
