"""The layers, under the name that Keras uses: `from striate.layers import Conv2D`."""

from striate.network import layers as _layers
from striate.network.block import Block
from striate.network.layers import *  # noqa: F403 - network/layers/__init__.py lists them

__all__ = ["Block", *vars(_layers)["__all__"]]  # noqa: PLE0604 - strings, collected at import
