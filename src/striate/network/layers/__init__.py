"""All layers that Striate provides.

All modules of this package are imported, and the names in their `__all__` are exported here, in `striate.network` and
in `striate.layers`. The star imports below are for type checkers.
"""

# ruff: noqa: F403, F405 - the names are those of each module's __all__.

from importlib import import_module
from pkgutil import iter_modules

from striate.network.layers.activation import *
from striate.network.layers.base import *
from striate.network.layers.convolution import *
from striate.network.layers.core import *
from striate.network.layers.lenet import *
from striate.network.layers.merging import *
from striate.network.layers.noise import *
from striate.network.layers.normalization import *
from striate.network.layers.pooling import *
from striate.network.layers.power import *
from striate.network.layers.reshaping import *
from striate.network.layers.scaling import *
from striate.network.layers.separable import *
from striate.network.layers.upsampling import *

_modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
_exports = {name: getattr(module, name) for module in _modules for name in getattr(module, "__all__", ())}
globals().update(_exports, __all__=sorted(_exports))
