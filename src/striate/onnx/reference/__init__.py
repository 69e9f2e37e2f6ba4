"""ONNX operators in NumPy, to run a graph operator by operator."""
