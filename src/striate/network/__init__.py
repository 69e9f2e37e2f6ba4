"""Networks as data: layers, graph, shapes, parameter names, cost, JSON. Pure Python, no NumPy."""

from striate.network import layers as _layers
from striate.network.activations import ACTIVATIONS
from striate.network.block import Block
from striate.network.graph import Network, Node
from striate.network.initializers import (
    Constant,
    FromValues,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    IdentityMatrix,
    Initializer,
    LecunNormal,
    LecunUniform,
    Normal,
    Ones,
    Orthogonal,
    TruncatedNormal,
    Uniform,
    VarianceScaling,
    Zeros,
    fans,
    get_initializer,
)
from striate.network.layers import *  # noqa: F403 - layers/__init__.py lists them
from striate.network.receptive import ReceptiveField, receptive_fields
from striate.network.registry import layer_class, register_layer
from striate.network.regularizers import L1, L1L2, L2, Regularizer, get_regularizer
from striate.network.shapes import IntPair, Margins, Padding, Shape, Window
from striate.network.table import LayerRow

__all__ = [
    "ACTIVATIONS",
    "L1",
    "L1L2",
    "L2",
    "Block",
    "Constant",
    "FromValues",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "IdentityMatrix",
    "Initializer",
    "IntPair",
    "LayerRow",
    "LecunNormal",
    "LecunUniform",
    "Margins",
    "Network",
    "Node",
    "Normal",
    "Ones",
    "Orthogonal",
    "Padding",
    "ReceptiveField",
    "Regularizer",
    "Shape",
    "TruncatedNormal",
    "Uniform",
    "VarianceScaling",
    "Window",
    "Zeros",
    "fans",
    "get_initializer",
    "get_regularizer",
    "layer_class",
    "receptive_fields",
    "register_layer",
]
__all__ += vars(_layers)["__all__"]  # noqa: PLE0605 - a list, collected at import
