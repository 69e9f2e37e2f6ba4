"""An ONNX graph as plain data: operators in order, constants as arrays, and nothing that points outside the file."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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

STANDARD = ("", "ai.onnx")
LONGEST = 80  # letters
LARGEST = 1 << 29  # numbers in all constants together: 2 GB of float32

PLAIN = {
    AttributeProto.INT: "i",
    AttributeProto.FLOAT: "f",
    AttributeProto.STRING: "s",
    AttributeProto.INTS: "ints",
    AttributeProto.FLOATS: "floats",
    AttributeProto.STRINGS: "strings",
}


@dataclass(frozen=True)
class Declared:
    """What the file says of an input. shape: with the batch; None for a size that is not fixed, or for all of them.

    dtype: NumPy's name.
    """

    shape: tuple[int | None, ...] | None
    dtype: str


@dataclass(frozen=True, eq=False)
class Operation:
    """One operator.

    kind: as ONNX calls it, `Conv`. domain: "" for ONNX's own. name: may be empty. inputs, outputs: names of tensors, ""
    for one that is left out. attributes: int, float, str, array, or a tuple of int, float or str.
    """

    kind: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    @property
    def label(self) -> str:
        """How errors call it: Conv 'conv1'."""
        return f"{shown(self.kind)} '{shown(self.name or next(filter(None, self.outputs), ''))}'"


@dataclass(frozen=True, eq=False)
class Graph:
    """operations: each after those whose outputs it reads. constants: initializers and Constant nodes, by name.

    inputs: what must be given. opset: of ONNX's own operators; opsets: by domain. producer: who wrote the file.
    """

    name: str
    operations: tuple[Operation, ...]
    constants: Mapping[str, Array]
    inputs: Mapping[str, Declared]
    outputs: tuple[str, ...]
    opset: int
    opsets: Mapping[str, int]
    metadata: Mapping[str, str]
    producer: str = ""


def shown(text: object) -> str:
    """A name or list of the file as errors show it, never longer than a line."""
    letters = str(text)
    return letters if len(letters) <= LONGEST else f"{letters[: LONGEST - 1]}…"


def from_proto(model: ModelProto, where: str = "The model") -> Graph:
    """The graph of a model in memory. where: what errors call it.

    Raises ModelFileError for data outside the file, sparse tensors, graphs within operators, functions, tensors whose
    bytes are not of their shape, and names that nothing or more than one thing gives.
    """
    if not all(map(_is_text, _names(model))):
        raise ModelFileError(f"{where} is damaged: it holds names that are no text.")
    opsets = _opsets(model, where)
    if model.functions:
        raise ModelFileError(
            f"{where} defines operators of its own ({shown(model.functions[0].name)}), which are not read."
        )
    graph = model.graph
    if graph.sparse_initializer:
        raise ModelFileError(f"{where} has sparse tensors, which are not read.")
    constants = _constants(graph, where)
    operations = [_operation(node, where) for node in graph.node if node.op_type != "Constant"]
    inputs = {door.name: _declared(door, where) for door in graph.input if door.name not in constants}
    outputs = tuple(end.name for end in graph.output)
    _check_once(_given(graph), where)
    return Graph(
        graph.name, _ordered(operations, {*constants, *inputs}, outputs, where), constants, inputs, outputs,
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
    """protobuf hands over bytes where a text is none."""
    return isinstance(name, str) and min(name, default=" ") >= " "


def _opsets(model: ModelProto, where: str) -> dict[str, int]:
    opsets = {"" if item.domain in STANDARD else item.domain: item.version for item in model.opset_import}
    if "" not in opsets:
        raise ModelFileError(f"{where} does not say which version of ONNX's operators it uses.")
    return opsets


def _constants(graph: GraphProto, where: str) -> dict[str, Array]:
    """Initializers and the values of Constant nodes."""
    tensors = [(tensor.name, tensor) for tensor in graph.initializer]
    values: dict[str, Array] = {}
    for node in graph.node:
        if node.op_type == "Constant" and node.domain in STANDARD:
            attributes = _attributes(node, where)
            if len(node.output) != 1 or len(attributes) != 1:
                raise ModelFileError(f"{where}: Constant '{shown(node.name)}' is not one value.")
            values[node.output[0]] = _value(node, *attributes.items(), where=where)
    if sum(prod(tensor.dims) for _, tensor in tensors) > LARGEST:
        raise ModelFileError(f"{where} declares constants of over {LARGEST:,} numbers, more than is read.")
    return {name: to_array(tensor, f"{where}: '{shown(name)}'") for name, tensor in tensors} | values


def _value(node: NodeProto, item: tuple[str, Any], *, where: str) -> Array:
    name, value = item
    if name == "value":
        return np.asarray(value)
    kinds = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    if name not in kinds:
        raise ModelFileError(f"{where}: Constant '{shown(node.name)}' has a {shown(name)}, which is not read.")
    return np.asarray(value, kinds[name])


def to_array(tensor: TensorProto, what: str) -> Array:
    """The array that a tensor holds. what: how errors call it.

    Raises ModelFileError where its data lies outside the file, is text, or is not as long as its shape says.
    """
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise ModelFileError(
            f"{what} keeps its data in another file, which is never opened. "
            "Save it as one file, in PyTorch with torch.onnx.export(…, external_data=False)."
        )
    if tensor.data_type == TensorProto.STRING:
        raise ModelFileError(f"{what} holds text, which is not read.")
    try:
        if any(size < 0 for size in tensor.dims) or prod(tensor.dims) > LARGEST:
            raise ValueError("impossible sizes")
        array = np.array(numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        shape = shown("×".join(map(str, tensor.dims))) or "one number"
        raise ModelFileError(f"{what} is damaged: its data are not those of its shape, {shape}.") from error
    return array


def _operation(node: NodeProto, where: str) -> Operation:
    domain = "" if node.domain in STANDARD else node.domain
    attributes = _attributes(node, where)
    return Operation(node.op_type, domain, node.name, tuple(node.input), tuple(node.output), attributes)


def _attributes(node: NodeProto, where: str) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for item in node.attribute:
        what = f"{where}: {shown(node.op_type)} '{shown(node.name)}'"
        if item.name in attributes:
            raise ModelFileError(f"{what} says {shown(item.name)} twice.")
        attributes[item.name] = _attribute(item, what)
    return attributes


def _attribute(item: AttributeProto, what: str) -> Any:
    if item.type == AttributeProto.TENSOR:
        return to_array(item.t, f"{what}, {shown(item.name)},")
    if item.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
        raise ModelFileError(f"{what} holds a graph of its own (a branch or a loop), which is not read.")
    if item.type not in PLAIN or item.ref_attr_name:
        raise ModelFileError(f"{what} has {shown(item.name)} of a kind that is not read.")
    value = getattr(item, PLAIN[item.type])
    return _plain(value) if isinstance(value, int | float | bytes) else tuple(map(_plain, value))


def _plain(value: int | float | bytes) -> int | float | str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _declared(door: ValueInfoProto, where: str) -> Declared:
    if not door.type.HasField("tensor_type"):
        raise ModelFileError(f"{where}: its input '{shown(door.name)}' is not a tensor.")
    tensor = door.type.tensor_type
    try:
        dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    except KeyError as error:
        raise ModelFileError(f"{where}: its input '{shown(door.name)}' has no known dtype.") from error
    return Declared(sizes(tensor), dtype)


def sizes(tensor: TypeProto.Tensor) -> tuple[int | None, ...] | None:
    """Of a declared tensor, None for any; None where nothing is declared. Paddle and others write any as -1."""
    if not tensor.HasField("shape"):
        return None
    given = [dim.dim_value if dim.HasField("dim_value") else -1 for dim in tensor.shape.dim]
    return tuple(None if size == -1 else size for size in given)


def _given(graph: GraphProto) -> Iterator[str]:
    """Every name that something gives. Older files list constants among the inputs too."""
    constants = [tensor.name for tensor in graph.initializer]
    known = set(constants)
    yield from constants
    yield from (door.name for door in graph.input if door.name not in known)
    for node in graph.node:
        yield from filter(None, node.output)


def _check_once(names: Iterable[str], where: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ModelFileError(f"{where} is no valid graph: '{shown(name)}' is written twice.")
        seen.add(name)


def _ordered(
    operations: list[Operation], known: set[str], outputs: tuple[str, ...], where: str
) -> tuple[Operation, ...]:
    """The operators, each after those it needs, otherwise in the file's order. known: names that are there at first."""
    makers = {name: place for place, operation in enumerate(operations) for name in operation.outputs if name}
    for reader, name in [(o.label, n) for o in operations for n in o.inputs if n] + [
        ("the output", n) for n in outputs
    ]:
        if name not in known and name not in makers:
            raise ModelFileError(f"{where} is no valid graph: {reader} reads '{shown(name)}', which nothing gives.")
    needs = [{makers[name] for name in operation.inputs if name in makers} for operation in operations]
    readers: list[list[int]] = [[] for _ in operations]
    for place, sources in enumerate(needs):
        for source in sources:
            readers[source].append(place)
    return tuple(operations[place] for place in _sorted(needs, readers, operations, where))


def _sorted(needs: list[set[int]], readers: list[list[int]], operations: list[Operation], where: str) -> list[int]:
    left = [len(sources) for sources in needs]
    ready = [place for place, count in enumerate(left) if not count]
    heapify(ready)
    order: list[int] = []
    while ready:
        place = heappop(ready)
        order.append(place)
        for reader in readers[place]:
            left[reader] -= 1
            if not left[reader]:
                heappush(ready, reader)
    if len(order) < len(operations):
        stuck = next(operation for operation, count in zip(operations, left, strict=True) if count)
        raise ModelFileError(f"{where} is no valid graph: {stuck.label} needs its own output (a cycle).")
    return order
