"""ONNX operators in NumPy, to run a graph operator by operator.

Only tests run these operators: ONNX's own node tests check them, and with them the functions of the NumPy engine that
they call. The exceptions are the seven that constant folding on import uses (`importing/constant_folding.py`): Add,
Concat, MatMul, Mul, ReduceMean, Reshape and Transpose.
"""
