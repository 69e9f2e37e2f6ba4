"""Read ONNX files of any program safely, and convert them to networks."""

from striate.onnx.importing.network import ImportedNetwork, import_convertible_part, import_graph, import_onnx
from striate.onnx.importing.read import read_onnx

__all__ = ["ImportedNetwork", "import_convertible_part", "import_graph", "import_onnx", "read_onnx"]
