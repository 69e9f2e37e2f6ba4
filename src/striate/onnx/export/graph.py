"""An ONNX graph in the making: values, operators with readable names, constants that are kept once."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from striate._types import Array
from striate.network import Shape


@dataclass(frozen=True)
class Value:
    """One tensor of the graph.

    shape: as the network has it, without the batch, (H, W, C) or (F,); in the graph maps are (N, C, H, W).
    planar: of a row that was flattened as it lay, (C, H, W), the (H, W, C) of its maps; None: in the network's order.
    """

    name: str
    shape: Shape
    planar: Shape | None = None


@dataclass
class Graph:
    """Operators and constants in order.

    layer: whose operators come next; they are called LAYER/Operator. exits: names of the model's outputs.
    """

    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    layer: str = ""
    exits: set[str] = field(default_factory=set)
    uses: Counter[str] = field(default_factory=Counter)

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Append an operator and return the name of its output, which is the operator's own."""
        name = self._free(f"{self.layer}/{kind}")
        self.nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def cast(self, x: str, dtype: str) -> str:
        """The same numbers in another dtype."""
        return self.op("Cast", x, to=tensor_type(dtype))

    def constant(self, name: str, values: Any, dtype: str = "float32") -> str:
        """The name of a constant with these values; the same name and values are kept once."""
        array = np.ascontiguousarray(np.asarray(values, dtype))
        key = name if "/" in name else f"/{name}"  # no layer can be called so
        while key in self.constants and not _same(self.constants[key], array):
            key += "'"
        self.constants[key] = array
        return key

    def setting(self, variable: str, values: Any, dtype: str = "float32") -> str:
        """A constant of the current layer."""
        return self.constant(f"{self.layer}/{variable}", values, dtype)

    def name_last(self, output: str, name: str) -> str:
        """Give the output of the last operator another name; of an older one the name stays."""
        if not self.nodes or self.nodes[-1].output[0] != output:
            return output
        self.nodes[-1].output[0] = name
        return name

    def tensors(self) -> list[TensorProto]:
        """The constants as ONNX has them."""
        return [numpy_helper.from_array(array, name) for name, array in self.constants.items()]

    def _free(self, name: str) -> str:
        self.uses[name] += 1
        return name if self.uses[name] == 1 else f"{name}_{self.uses[name]}"


def tensor_type(dtype: str) -> int:
    """ONNX's number for a dtype."""
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def _same(one: Array, other: Array) -> bool:
    return one.dtype == other.dtype and np.array_equal(one, other)
