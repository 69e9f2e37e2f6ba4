"""An ONNX graph as plain data: nodes in order, constants as arrays, without references outside the file."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import heapify, heappop, heappush
from math import prod
from typing import Any

import numpy as np
from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    TypeProto,
    ValueInfoProto,
    helper,
    numpy_helper,
)

from striate._types import Array
from striate.errors import ModelFileError

STANDARD_DOMAINS = ("", "ai.onnx")
RELATIVE_TOLERANCE = 1e-5  # tolerance of `is_close`
MAX_TEXT = 80  # characters of a name shown in an error
MAX_CONSTANT_VALUES = 1 << 29  # number of values of all constants together: 2 GB of float32

SIMPLE_ATTRIBUTES = {
    AttributeProto.INT: "i",
    AttributeProto.FLOAT: "f",
    AttributeProto.STRING: "s",
    AttributeProto.INTS: "ints",
    AttributeProto.FLOATS: "floats",
    AttributeProto.STRINGS: "strings",
}
Sizes = tuple[int | None, ...]  # None: not fixed


@dataclass(frozen=True)
class TensorSpec:
    """The declared type of an input.

    Attributes:
        shape: With the batch; None for a size that is not fixed, or for a shape that is not declared.
        dtype: NumPy's name.
    """

    shape: Sizes | None
    dtype: str


@dataclass(frozen=True, eq=False)
class OnnxNode:
    """One call of an operator.

    Attributes:
        op_type: The operator, such as "Conv".
        domain: "" for ONNX's own operators.
        name: The node's name; may be empty.
        inputs: Names of tensors; "" for one that is left out.
        outputs: Names of tensors; "" for one that is left out.
        attributes: Each an int, float, str or array, or a tuple of int, float or str.
    """

    op_type: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    @property
    def label(self) -> str:
        """The operator and the node's name, for errors: Conv 'conv1'."""
        return f"{shorten(self.op_type)} '{shorten(self.name or next(filter(None, self.outputs), ''))}'"


@dataclass(frozen=True, eq=False)
class OnnxGraph:
    """A graph as read from a file.

    Attributes:
        name: The graph's name.
        nodes: Each after those whose outputs it reads.
        constants: Initializers and the values of Constant nodes, by name.
        inputs: Declared types of the inputs, by name.
        outputs: Names of the outputs.
        opset: The version of ONNX's own operators.
        opsets: The versions by domain.
        metadata: The file's `metadata_props`.
        producer: The program that wrote the file.
    """

    name: str
    nodes: tuple[OnnxNode, ...]
    constants: Mapping[str, Array]
    inputs: Mapping[str, TensorSpec]
    outputs: tuple[str, ...]
    opset: int
    opsets: Mapping[str, int]
    metadata: Mapping[str, str]
    producer: str = ""

    @cached_property
    def readers(self) -> Mapping[str, list[OnnxNode]]:
        """The nodes that read each tensor, by its name."""
        readers: dict[str, list[OnnxNode]] = defaultdict(list)
        for node in self.nodes:
            for source in node.inputs:
                readers[source].append(node)
        return dict(readers)

    def without_unused_nodes(self) -> "OnnxGraph":
        """Return the graph with only those nodes on which its outputs depend."""
        needed, nodes = set(self.outputs), []
        for node in reversed(self.nodes):
            if needed.intersection(node.outputs):
                needed.update(node.inputs)
                nodes.append(node)
        return replace(self, nodes=tuple(reversed(nodes)))


def shorten(text: object) -> str:
    """Shorten a name or list from a file for error messages."""
    full = str(text)
    return full if len(full) <= MAX_TEXT else f"{full[: MAX_TEXT - 1]}…"


def is_close(number: float | None, expected: float) -> bool:
    """Return whether a number from a file equals the expected one, up to rounding; False for None."""
    return number is not None and abs(number - expected) <= RELATIVE_TOLERANCE * max(1.0, abs(expected))


def from_proto(model: ModelProto, where: str = "model") -> OnnxGraph:
    """Convert a model in memory.

    Args:
        model: The protobuf message.
        where: Name of the model in error messages.

    Returns:
        Its graph.

    Raises:
        ModelFileError: If the model has data outside the file, sparse tensors, graphs inside nodes, functions, tensors
            whose bytes do not match their shape, or names that are not defined exactly once.
    """
    if not all(map(_is_text, _names(model))):
        raise ModelFileError(f"'{where}' is damaged: it contains names that are not text.")
    opsets = _opsets(model, where)
    if model.functions:
        raise ModelFileError(
            f"'{where}' defines its own operators ({shorten(model.functions[0].name)}), which are not supported."
        )
    graph = model.graph
    if graph.sparse_initializer:
        raise ModelFileError(f"'{where}' has sparse tensors, which are not supported.")
    constants = _constants(graph, where)
    nodes = [_node(node, where) for node in graph.node if node.op_type != "Constant"]
    inputs = {info.name: _tensor_spec(info, where) for info in graph.input if info.name not in constants}
    outputs = tuple(info.name for info in graph.output)
    _check_unique(_defined_names(graph), where)
    return OnnxGraph(
        graph.name, _in_order(nodes, {*constants, *inputs}, outputs, where), constants, inputs, outputs,
        opsets[""], opsets, {str(item.key): str(item.value) for item in model.metadata_props},
        f"{model.producer_name} {model.producer_version}".strip(),
    )  # fmt: skip


def _names(model: ModelProto) -> Iterator[str]:
    yield from (model.producer_name, model.producer_version, model.graph.name)
    yield from (item.domain for item in model.opset_import)
    for entry in (*model.graph.initializer, *model.graph.input, *model.graph.output, *model.functions):
        yield entry.name
    for node in model.graph.node:
        yield from (node.op_type, node.domain, node.name, *node.input, *node.output)
        yield from (item.name for item in node.attribute)


def _is_text(name: object) -> bool:
    """Return whether a name is text without control characters; protobuf returns bytes if it is not valid UTF-8."""
    return isinstance(name, str) and min(name, default=" ") >= " "


def _opsets(model: ModelProto, where: str) -> dict[str, int]:
    opsets = {"" if item.domain in STANDARD_DOMAINS else item.domain: item.version for item in model.opset_import}
    if "" not in opsets:
        raise ModelFileError(f"'{where}' does not specify the version (opset) of ONNX's operators.")
    return opsets


def _constants(graph: GraphProto, where: str) -> dict[str, Array]:
    """Return initializers and the values of Constant nodes."""
    tensors = [(tensor.name, tensor) for tensor in graph.initializer]
    values: dict[str, Array] = {}
    for node in graph.node:
        if node.op_type == "Constant" and node.domain in STANDARD_DOMAINS:
            attributes = _attributes(node, where)
            if len(node.output) != 1 or len(attributes) != 1:
                raise ModelFileError(f"'{where}': Constant '{shorten(node.name)}' must have exactly one value.")
            [(name, value)] = attributes.items()
            values[node.output[0]] = _constant_value(node, name, value, where)
    if sum(prod(tensor.dims) for _, tensor in tensors) > MAX_CONSTANT_VALUES:
        raise ModelFileError(
            f"'{where}' declares constants of more than {MAX_CONSTANT_VALUES:,} values, the most supported."
        )
    return {name: to_array(tensor, f"'{where}': '{shorten(name)}'") for name, tensor in tensors} | values


def _constant_value(node: NodeProto, name: str, value: Any, where: str) -> Array:
    if name == "value":
        return np.asarray(value)
    dtypes = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    if name not in dtypes:
        raise ModelFileError(
            f"'{where}': Constant '{shorten(node.name)}' has a {shorten(name)}, which is not supported."
        )
    return np.asarray(value, dtypes[name])


def to_array(tensor: TensorProto, what: str) -> Array:
    """Return the array in a tensor.

    Args:
        tensor: The protobuf message.
        what: Name of the tensor in error messages.

    Returns:
        The array.

    Raises:
        ModelFileError: If its data are outside the file, are text, or do not match its shape.
    """
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise ModelFileError(
            f"{what} keeps its data in another file, which is never opened. "
            "Save the model as one file, in PyTorch with torch.onnx.export(…, external_data=False)."
        )
    if tensor.data_type == TensorProto.STRING:
        raise ModelFileError(f"{what} contains text, which is not supported.")
    shape = shorten("×".join(map(str, tensor.dims))) or "scalar"
    mismatch = ModelFileError(f"{what} is damaged: its data do not match its shape, {shape}.")
    if any(size < 0 for size in tensor.dims) or prod(tensor.dims) > MAX_CONSTANT_VALUES:
        raise mismatch
    try:
        return np.array(numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        raise mismatch from error


def _node(node: NodeProto, where: str) -> OnnxNode:
    domain = "" if node.domain in STANDARD_DOMAINS else node.domain
    attributes = _attributes(node, where)
    return OnnxNode(node.op_type, domain, node.name, tuple(node.input), tuple(node.output), attributes)


def _attributes(node: NodeProto, where: str) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for item in node.attribute:
        what = f"'{where}': {shorten(node.op_type)} '{shorten(node.name)}'"
        if item.name in attributes:
            raise ModelFileError(f"{what} has its attribute '{shorten(item.name)}' twice.")
        attributes[item.name] = _attribute(item, what)
    return attributes


def _attribute(item: AttributeProto, what: str) -> Any:
    if item.type == AttributeProto.TENSOR:
        return to_array(item.t, f"{what}, {shorten(item.name)},")
    if item.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
        raise ModelFileError(f"{what} contains a graph (a branch or a loop), which is not supported.")
    if item.type not in SIMPLE_ATTRIBUTES or item.ref_attr_name:
        raise ModelFileError(f"{what}: the type of its attribute '{shorten(item.name)}' is not supported.")
    value = getattr(item, SIMPLE_ATTRIBUTES[item.type])
    return _decode_text(value) if isinstance(value, int | float | bytes) else tuple(map(_decode_text, value))


def _decode_text(value: int | float | bytes) -> int | float | str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _tensor_spec(info: ValueInfoProto, where: str) -> TensorSpec:
    if not info.type.HasField("tensor_type"):
        raise ModelFileError(f"'{where}': its input '{shorten(info.name)}' is not a tensor.")
    tensor = info.type.tensor_type
    try:
        dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    except KeyError as error:
        raise ModelFileError(f"'{where}': its input '{shorten(info.name)}' has an unknown dtype.") from error
    return TensorSpec(declared_sizes(tensor), dtype)


def declared_sizes(tensor: TypeProto.Tensor) -> Sizes | None:
    """Return the declared shape of a tensor. Some exporters write −1 for any size.

    Args:
        tensor: Its type.

    Returns:
        The sizes, None for one that is not fixed; None if no shape is declared.
    """
    if not tensor.HasField("shape"):
        return None
    sizes = [dim.dim_value if dim.HasField("dim_value") else -1 for dim in tensor.shape.dim]
    return tuple(None if size == -1 else size for size in sizes)


def _defined_names(graph: GraphProto) -> Iterator[str]:
    """Yield the name of every input, constant and node output. Older files list constants among the inputs too."""
    constants = [tensor.name for tensor in graph.initializer]
    known = set(constants)
    yield from constants
    yield from (info.name for info in graph.input if info.name not in known)
    for node in graph.node:
        yield from filter(None, node.output)


def _check_unique(names: Iterable[str], where: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ModelFileError(f"'{where}' is not a valid graph: '{shorten(name)}' is defined twice.")
        seen.add(name)


def _in_order(nodes: list[OnnxNode], known: set[str], outputs: tuple[str, ...], where: str) -> tuple[OnnxNode, ...]:
    """Return the nodes, each after those it needs, otherwise in the file's order.

    Args:
        nodes: The nodes in the file's order.
        known: Names of constants and inputs.
        outputs: Names of the graph's outputs.
        where: Name of the model in error messages.

    Returns:
        The nodes in topological order.

    Raises:
        ModelFileError: If a name is not defined, or there is a cycle.
    """
    producers = {name: index for index, node in enumerate(nodes) for name in node.outputs if name}
    reads = [(node.label, name) for node in nodes for name in node.inputs if name]
    for reader, name in reads + [("the output", name) for name in outputs]:
        if name not in known and name not in producers:
            raise ModelFileError(
                f"'{where}' is not a valid graph: {reader} reads '{shorten(name)}', which is not defined."
            )
    dependencies = [{producers[name] for name in node.inputs if name in producers} for node in nodes]
    order = _topological_order(dependencies)
    if len(order) < len(nodes):
        in_cycle = nodes[min(set(range(len(nodes))) - set(order))]
        raise ModelFileError(f"'{where}' is not a valid graph: {in_cycle.label} needs its own output (a cycle).")
    return tuple(nodes[index] for index in order)


def _topological_order(dependencies: list[set[int]]) -> list[int]:
    """Return indices, each after those it depends on, otherwise ascending; those in a cycle are left out."""
    readers: list[list[int]] = [[] for _ in dependencies]
    for index, sources in enumerate(dependencies):
        for source in sources:
            readers[source].append(index)
    unresolved = [len(sources) for sources in dependencies]
    ready = [index for index, count in enumerate(unresolved) if not count]
    heapify(ready)
    order: list[int] = []
    while ready:
        index = heappop(ready)
        order.append(index)
        for reader in readers[index]:
            unresolved[reader] -= 1
            if not unresolved[reader]:
                heappush(ready, reader)
    return order
