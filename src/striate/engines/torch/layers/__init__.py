"""How PyTorch computes each built-in layer. Every module in this folder is imported, so that its rules register."""

from importlib import import_module
from pkgutil import iter_modules

for module in iter_modules(__path__):
    import_module(f"{__name__}.{module.name}")
