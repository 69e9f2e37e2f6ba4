"""A network with its weights as an ONNX model: pixels in, (N, H, W, C); inside, maps are (N, C, H, W)."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from onnx import ModelProto, ValueInfoProto, helper

import striate
from striate._types import Array
from striate.errors import UsageError
from striate.network import Dropout, Flatten, Input, Layer, Network, Node, Shape
from striate.onnx.export.activations import activate
from striate.onnx.export.folding import fold
from striate.onnx.export.graph import Graph, Value, tensor_type
from striate.onnx.export.layers import run, straight
from striate.onnx.export.resize import resize_planes

OPSET, IR_VERSION = 20, 9  # of January 2024: the first with a Gelu of its own; ONNX Runtime 1.17 reads them
LARGEST = 2**31 - 2**20  # bytes; protobuf's limit, less a little for the graph


def to_onnx(
    network: Network,
    weights: Mapping[str, Array],
    *,
    classes: Sequence[str] = (),
    policy: Mapping[str, Any] | None = None,
    resize: bool = False,
    metadata: Mapping[str, Any] | None = None,
) -> bytes:
    """The ONNX model of a network, in float32, for any number of images at once.

    Inputs and outputs have the names of their layers and the network's shapes and dtypes, (N, H, W, C) for images.
    Batch normalisations are folded into the convolution or dense layer before them where that is the same function.
    resize: pictures may have any height and width, and the model brings them to the network's as the policy says,
    pixel by pixel as ImagePolicy.apply does but for rare differences of one grey level.
    `metadata_props` holds, as JSON: `network`, `classes`, `policy` (ImagePolicy.to_dict), the version as `striate`, and
    all that is in `metadata`. Raises NetworkError for a layer class of one's own; UsageError above 2 GB, and for
    `resize` without a policy, with one for digits, or for a network that takes other than one uint8 picture.
    """
    model = build(network, weights, fit=_checked_fit(network, policy) if resize else None)
    told = {"network": json.loads(network.to_json()), "classes": list(classes), "policy": policy}
    texts = {name: json.dumps(value, ensure_ascii=False) for name, value in (told | dict(metadata or {})).items()}
    helper.set_model_props(model, {"striate": striate.__version__, **texts})
    return bytes(model.SerializeToString())


def _checked_fit(network: Network, policy: Mapping[str, Any] | None) -> str:
    doors = [network.nodes[index].layer for index in network.inputs]
    if [getattr(door, "dtype", "") for door in doors] != ["uint8"] or len(network.input_shapes[0]) != 3:
        raise UsageError(
            f"'{network.name}' does not take one picture of uint8 pixels, so nothing can be resized in it."
        )
    if policy is None:
        raise UsageError("To resize pictures inside the model, it must be known how: give the policy.")
    return str(policy["fit"])


def build(
    network: Network, weights: Mapping[str, Array], *, dtypes: Sequence[str] | None = None, every: bool = False,
    fit: str | None = None,
) -> ModelProto:  # fmt: skip
    """The model without metadata.

    dtypes: of the inputs; None: what the Input layers say. every: the outputs are those of all nodes, in their order,
    and nothing is folded. fit: how pictures are resized in the model, as in ImagePolicy; None: not at all.
    """
    _check_size(network)
    folded, idle = (dict(weights), frozenset[int]()) if every else fold(network, weights)
    doors = [layer for index in network.inputs if isinstance(layer := network.nodes[index].layer, Input)]
    graph, kinds = Graph(), dict(zip(doors, dtypes or [door.dtype for door in doors], strict=True))
    values = _values(graph, network, folded, idle, kinds, fit)
    shown = range(len(values)) if every else network.outputs
    inputs = [_info(str(door.name), kind, _any_size(door) if fit else door.shape) for door, kind in kinds.items()]
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
    graph: Graph, network: Network, weights: Mapping[str, Array], idle: Collection[int], kinds: Mapping[Input, str],
    fit: str | None,
) -> list[Value]:  # fmt: skip
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
            values.append(_door(graph, node.layer, kinds[node.layer], fit))
        else:
            values.append(inputs[0] if index in idle else _run(graph, node, own[str(node.layer.name)], inputs))
    return values


def _label(network: Network, index: int) -> str:
    """The layer's name; its second and later uses are numbered."""
    layer = network.nodes[index].layer
    use = sum(node.layer is layer for node in network.nodes[: index + 1])
    return str(layer.name) if use == 1 else f"{layer.name}/{use}"


def _door(graph: Graph, layer: Input, dtype: str, fit: str | None) -> Value:
    """An input as float32 (N, C, H, W). Bytes are moved before they grow."""
    x, shape = str(layer.name), layer.output_shape()
    if len(shape) == 3 and layer.data_format == "channels_last":
        x = graph.op("Transpose", x, perm=[0, 3, 1, 2])
    if fit:
        return Value(resize_planes(graph, x, fit, shape[0], shape[1]), shape)
    return Value(graph.cast(x, "float32") if dtype != "float32" else x, shape)


def _any_size(door: Input) -> tuple[int | str, ...]:
    """The shape of pictures of any height and width."""
    channels_first = door.data_format == "channels_first"
    return (door.shape[0], "H", "W") if channels_first else ("H", "W", door.shape[2])


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


def _info(name: str, dtype: str, shape: Sequence[int | str]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, tensor_type(dtype), ["N", *shape])
