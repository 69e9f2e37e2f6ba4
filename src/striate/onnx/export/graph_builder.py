"""An ONNX graph under construction: tensors, operators with readable names, and each constant stored once."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from striate._types import Array
from striate.network import Shape

MAX_OPSET = 20  # ONNX 1.15 (2023), supported since ONNX Runtime 1.17

REDUCTION_OPSET = 18  # the first in which the axes of reductions other than sums are an input


@dataclass(frozen=True)
class GraphTensor:
    """One tensor of the graph.

    Attributes:
        name: Its name in the graph.
        shape: Its shape in the network, without the batch: (H, W, C) or (F,). In the graph, maps are (N, C, H, W).
        flattened_from: For a vector that was flattened in ONNX's order (C, H, W): the shape (H, W, C) of the feature
            maps. None for feature maps, and for a vector in the network's order.
    """

    name: str
    shape: Shape
    flattened_from: Shape | None = None


@dataclass
class GraphBuilder:
    """Operators and constants in order.

    Attributes:
        nodes: The operators so far.
        constants: The constants so far, by name.
        layer_name: The layer whose operators are being added; they are named LAYER/Operator.
        output_names: Names of the model's outputs so far.
        opset: The version of ONNX's operators that the graph may use.
    """

    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    layer_name: str = ""
    output_names: set[str] = field(default_factory=set)
    opset: int = MAX_OPSET
    _name_counts: Counter[str] = field(default_factory=Counter)

    def op(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        """Append an operator and return the name of its output, which is also the operator's name.

        Args:
            op_type: The operator, such as "Conv".
            *inputs: Names of its inputs.
            **attributes: Its attributes.

        Returns:
            The name.
        """
        name = self._unused_name(f"{self.layer_name}/{op_type}")
        self.nodes.append(helper.make_node(op_type, inputs, [name], name, **attributes))
        return name

    def reduce(self, op_type: str, x: str, axes: list[int], *, keepdims: bool = True) -> str:
        """Append a reduction over these axes.

        Args:
            op_type: The operator, such as "ReduceMean".
            x: Name of its input.
            axes: The axes.
            keepdims: Whether they stay as axes of size 1.

        Returns:
            The name of its output.
        """
        keep = int(keepdims)
        if op_type != "ReduceSum" and self.opset < REDUCTION_OPSET:
            return self.op(op_type, x, axes=axes, keepdims=keep)
        names = f"axis {axes[0]}" if len(axes) == 1 else f"axes {' '.join(map(str, axes))}"
        return self.op(op_type, x, self.constant(names, axes, "int64"), keepdims=keep)

    def cast(self, x: str, dtype: str) -> str:
        """Append a conversion to another dtype."""
        return self.op("Cast", x, to=tensor_type(dtype))

    def constant(self, name: str, values: Any, dtype: str = "float32") -> str:
        """Return the name of a constant with these values; equal constants of one name are stored once.

        Args:
            name: The preferred name.
            values: The values.
            dtype: Their dtype.

        Returns:
            The name, which differs if another constant has the preferred one.
        """
        array = np.ascontiguousarray(np.asarray(values, dtype))
        key = name if "/" in name else f"/{name}"  # layer names contain no slash, so the two cannot collide
        while key in self.constants and not _equal(self.constants[key], array):
            key += "'"
        self.constants[key] = array
        return key

    def layer_constant(self, variable: str, values: Any, dtype: str = "float32") -> str:
        """Return the name of a constant that belongs to the current layer.

        Args:
            variable: The name without that of the layer.
            values: The values.
            dtype: Their dtype.

        Returns:
            The name.
        """
        return self.constant(f"{self.layer_name}/{variable}", values, dtype)

    def in_network_order(self, x: GraphTensor) -> GraphTensor:
        """Reorder a vector that was flattened in ONNX's order.

        Args:
            x: A vector or feature maps.

        Returns:
            The tensor with its values in the network's order (H, W, C).
        """
        if x.flattened_from is None:
            return x
        height, width, channels = x.flattened_from
        planes = self.op("Reshape", x.name, self.layer_constant("planes", [0, channels, height, width], "int64"))
        pixels = self.op("Transpose", planes, perm=[0, 2, 3, 1])
        return GraphTensor(self.op("Flatten", pixels, axis=1), x.shape)

    def rename_output(self, output: str, name: str) -> str:
        """Rename the output of the last operator; an output of an earlier operator keeps its name.

        Args:
            output: The output.
            name: Its new name.

        Returns:
            Its name now.
        """
        if not self.nodes or self.nodes[-1].output[0] != output:
            return output
        self.nodes[-1].output[0] = name
        return name

    def initializers(self) -> list[TensorProto]:
        """Return the constants as ONNX tensors."""
        return [numpy_helper.from_array(array, name) for name, array in self.constants.items()]

    def _unused_name(self, name: str) -> str:
        self._name_counts[name] += 1
        return name if self._name_counts[name] == 1 else f"{name}_{self._name_counts[name]}"


def tensor_type(dtype: str) -> int:
    """Return ONNX's number for a dtype."""
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def _equal(one: Array, other: Array) -> bool:
    return one.dtype == other.dtype and np.array_equal(one, other)
