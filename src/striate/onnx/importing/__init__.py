"""Other programs' ONNX files: read safely, and turned into networks."""
