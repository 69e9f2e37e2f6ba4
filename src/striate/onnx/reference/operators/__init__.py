"""One function for each ONNX operator, computed by the NumPy engine if possible.

To add an operator, register its function in a module of this package; modules are discovered.
"""

from importlib import import_module
from pkgutil import iter_modules

from striate.onnx.reference.operators.registry import OPERATORS, operator

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["OPERATORS", "operator"]
