"""A network with its weights as an ONNX model: pixels in, (N, H, W, C); inside, maps are (N, C, H, W)."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, ValueInfoProto, helper

import striate
from striate.engines.base import Array
from striate.engines.onnx.activations import activate
from striate.engines.onnx.folding import fold
from striate.engines.onnx.graph import Graph, Value
from striate.engines.onnx.layers import run, straight
from striate.errors import UsageError
from striate.network import Dropout, Flatten, Input, Layer, Network, Node, Shape

OPSET, IR_VERSION = 20, 9  # of January 2024: the first with a Gelu of its own; ONNX Runtime 1.17 reads them
LARGEST = 2**31 - 2**20  # bytes; protobuf's limit, less a little for the graph


def to_onnx(
    network: Network,
    weights: Mapping[str, Array],
    *,
    classes: Sequence[str] = (),
    policy: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> bytes:
    """The ONNX model of a network, in float32, for any number of images at once.

    Inputs and outputs have the names of their layers and the network's shapes and dtypes, (N, H, W, C) for images.
    Batch normalisations are folded into the convolution or dense layer before them where that is the same function.
    `metadata_props` holds, as JSON: `network`, `classes`, `policy` (of an ImagePolicy), the version as `striate`, and
    all that is in `metadata`. Raises NetworkError for a layer class of one's own, UsageError above 2 GB.
    """
    model = build(network, weights)
    told = {"network": json.loads(network.to_json()), "classes": list(classes), "policy": policy}
    texts = {name: json.dumps(value, ensure_ascii=False) for name, value in (told | dict(metadata or {})).items()}
    helper.set_model_props(model, {"striate": striate.__version__, **texts})
    return bytes(model.SerializeToString())


def build(
    network: Network, weights: Mapping[str, Array], *, dtypes: Sequence[str] | None = None, every: bool = False
) -> ModelProto:
    """The model without metadata.

    dtypes: of the inputs; None: what the Input layers say. every: the outputs are those of all nodes, in their order,
    and nothing is folded.
    """
    _check_size(network)
    folded, idle = (dict(weights), frozenset[int]()) if every else fold(network, weights)
    doors = [layer for index in network.inputs if isinstance(layer := network.nodes[index].layer, Input)]
    graph, kinds = Graph(), dict(zip(doors, dtypes or [door.dtype for door in doors], strict=True))
    values = _values(graph, network, folded, idle, kinds)
    shown = range(len(values)) if every else network.outputs
    inputs = [_info(str(door.name), kind, door.shape) for door, kind in kinds.items()]
    outputs = [_info(_exit(graph, network, i, values[i]), "float32", network.nodes[i].shape) for i in shown]
    return helper.make_model(
        helper.make_graph(graph.nodes, network.name, inputs, outputs, graph.tensors()),
        producer_name="striate", producer_version=striate.__version__, ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )  # fmt: skip


def _check_size(network: Network) -> None:
    size = 4 * network.parameter_count
    if size > LARGEST:
        raise UsageError(f"'{network.name}' has {size / 1e9:.1f} GB of weights; an ONNX file holds 2 GB at most.")


def _values(
    graph: Graph, network: Network, weights: Mapping[str, Array], idle: Collection[int], kinds: Mapping[Input, str]
) -> list[Value]:
    """What every node hands on; nodes that are idle hand on what they were given."""
    own: dict[str, dict[str, Array]] = defaultdict(dict)
    for name, array in weights.items():
        layer, variable = name.rsplit("/", 1)
        own[layer][variable] = array
    values: list[Value] = []
    for index, node in enumerate(network.nodes):
        graph.layer = _label(network, index)
        inputs = [values[source] for source in node.inputs]
        if isinstance(node.layer, Input):
            values.append(_door(graph, node.layer, kinds[node.layer]))
        else:
            values.append(inputs[0] if index in idle else _run(graph, node, own[str(node.layer.name)], inputs))
    return values


def _label(network: Network, index: int) -> str:
    """The layer's name; its second and later uses are numbered."""
    layer = network.nodes[index].layer
    use = sum(node.layer is layer for node in network.nodes[: index + 1])
    return str(layer.name) if use == 1 else f"{layer.name}/{use}"


def _door(graph: Graph, layer: Input, dtype: str) -> Value:
    """An input as float32 (N, C, H, W). Bytes are moved before they grow."""
    x = str(layer.name)
    if len(layer.shape) == 3 and layer.data_format == "channels_last":
        x = graph.op("Transpose", x, perm=[0, 3, 1, 2])
    if dtype != "float32":
        x = graph.op("Cast", x, to=_type("float32"))
    return Value(x, layer.output_shape())


def _run(graph: Graph, node: Node, weights: Mapping[str, Array], inputs: Sequence[Value]) -> Value:
    """A layer with its activation; its output has the layer's name, but where the layer does nothing."""
    raw = run(graph, node.layer, weights, *inputs)
    y = activate(graph, raw, getattr(node.layer, "activation", "linear"))
    if y not in {value.name for value in inputs}:
        y = graph.name_last(y, graph.layer)
    return Value(y, node.shape, _planar(node.layer, inputs[0]))


def _planar(layer: Layer, x: Value) -> Shape | None:
    """The maps that a row was made of, if their numbers lie in another order than the network's."""
    if isinstance(layer, Flatten) and len(x.shape) == 3:
        height, width, channels = x.shape
        return x.shape if height * width > 1 and channels > 1 else None
    return x.planar if isinstance(layer, Dropout | Flatten) else None


def _exit(graph: Graph, network: Network, index: int, value: Value) -> str:
    """The name of an output of the model, in the network's shape; no two outputs, and no inputs, are one tensor."""
    graph.layer = _label(network, index)
    if len(value.shape) == 3:
        return graph.op("Transpose", value.name, perm=[0, 2, 3, 1])
    name = straight(graph, value).name
    taken = name in graph.exits or name in {str(network.nodes[i].layer.name) for i in network.inputs}
    name = graph.op("Identity", name) if taken else name
    graph.exits.add(name)
    return name


def _info(name: str, dtype: str, shape: Shape) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, _type(dtype), ["N", *shape])


def _type(dtype: str) -> int:
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
