"""One rule for each ONNX operator that is imported as layers, registered where it is defined.

To import a new operator, add its rule to a module of this package; modules are discovered.
"""

from importlib import import_module
from pkgutil import iter_modules

from striate.onnx.importing.rules import RULES, rule

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["RULES", "rule"]
