"""Models of other programs: ONNX files read safely, their operators, and the networks they become."""
