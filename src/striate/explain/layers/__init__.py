"""Rules for the built-in layers. All modules of this package are imported, so that their rules are registered."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
