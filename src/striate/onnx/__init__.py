"""ONNX files: networks exported to them, and other programs' files imported as networks."""
