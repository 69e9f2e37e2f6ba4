"""One rule for each layer, with the arithmetic it needs. Every module here is imported and registers its own rules."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
