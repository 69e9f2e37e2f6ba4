"""The layers, importable as in Keras: `from striate.layers import Conv2D`."""

from striate.network import layers as _layers
from striate.network.block import Block
from striate.network.layers import *  # noqa: F403

__all__ = ["Block", *_layers.__all__]  # noqa: PLE0604 - strings, in another module
